"""The inbox: conversations, one thread with what is known of the customer, and why the bot answered as it did."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from psycopg.rows import DictRow
from sse_starlette import EventSourceResponse

from savdo.ai import cost
from savdo.appointments import booking
from savdo.base import clock, live, texts
from savdo.base.db import Session, step
from savdo.base.errors import Invalid
from savdo.base.settings import settings
from savdo.conversations import media, roads, thread
from savdo.reply import review
from savdo.web import page
from savdo.web.page import Answerer, Reader
from savdo.web.pages import composer, reasons

Filter = Literal["open", "bot", "handover", "human", "unread", "closed", "all"]
Words = Annotated[str, Query(max_length=200)]
Place = Annotated[str, Query(max_length=300)]
# Shown by the browser itself; anything else is downloaded, so that a customer's file never runs here.
SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/mp4", "video/webm")
# What is found by its name: the menu, and a page below it.
PAGES = (*page.MENU, ("/setup/models", "sparkles", "models.title", "configure"))

RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")
MOST_FILES = 5

router = APIRouter(include_in_schema=False)


class TooManyFiles(Invalid):
    """At most 5 files go with one message."""

    code = "too_many_files"


@router.get("/inbox")
async def inbox(request: Request, actor: Reader, status: Filter = "open", q: Words = "", after: Place = "") -> Response:
    async with step(actor.tenant_id) as session:
        await _frame(request, session)
        listed = await _listed(session, status, q, after)
    return page.render(request, "inbox/page.html", **listed, talk=None, chosen=None)


@router.get("/inbox/list")
async def inbox_list(
    request: Request,
    actor: Reader,
    status: Filter = "open",
    q: Words = "",
    after: Place = "",
    chosen: str = "",
    more: bool = False,
    count: Annotated[int, Query(ge=1, le=300)] = thread.PAGE,
) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        listed = await _listed(session, status, q, after, count)
    known = UUID(chosen) if len(chosen) == 36 else None
    return page.render(request, "inbox/rows.html" if more else "inbox/list.html", **listed, chosen=known)


@router.get("/inbox/unread")
async def unread(request: Request, actor: Reader) -> Response:
    async with step(actor.tenant_id) as session:
        request.state.counts = await thread.counts(session)
    return page.render(request, "inbox/count.html")


@router.get("/inbox/{conversation_id}")
async def conversation(
    request: Request, actor: Reader, conversation_id: UUID, status: Filter = "open", q: Words = "", why: UUID | None = None
) -> Response:
    async with step(actor.tenant_id) as session:
        if actor.member.may("answer"):
            await thread.mark_read(session, actor.tenant_id, conversation_id)
        await _frame(request, session)
        listed = await _listed(session, status, q, "")
        talk = await _with_review(session, conversation_id)
        messages, more = await roads.messages(session, conversation_id)
        turn = await reasons.why(session, conversation_id, why) if why else None
    return page.render(
        request,
        "inbox/page.html",
        **listed,
        talk=talk,
        chosen=conversation_id,
        messages=messages,
        more=more,
        turn=turn,
        **_back(conversation_id),
    )


@router.get("/inbox/{conversation_id}/thread")
async def thread_part(
    request: Request,
    actor: Reader,
    conversation_id: UUID,
    before: int | None = None,
    since: int | None = None,
    seen: bool = True,
) -> Response:
    """`seen`: somebody looks at the page that asks."""
    async with step(actor.tenant_id) as session:
        if seen and actor.member.may("answer"):
            await thread.mark_read(session, actor.tenant_id, conversation_id)
        return await _thread(request, session, conversation_id, before, since)


@router.get("/inbox/{conversation_id}/head")
async def head(request: Request, actor: Reader, conversation_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        talk = await thread.one(session, conversation_id)
    return page.render(request, "inbox/head.html", talk=talk)


@router.get("/inbox/{conversation_id}/hint")
async def hint(request: Request, actor: Reader, conversation_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        talk = await composer.talk(session, conversation_id)
    return page.render(request, "inbox/hint.html", talk=talk)


@router.get("/inbox/{conversation_id}/details")
async def details(request: Request, actor: Reader, conversation_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        talk = await _with_review(session, conversation_id)
    return page.render(request, "inbox/details.html", talk=talk)


@router.get("/inbox/{conversation_id}/why/{turn_id}")
async def why(request: Request, actor: Reader, conversation_id: UUID, turn_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        turn = await reasons.why(session, conversation_id, turn_id)
    return page.render(request, "inbox/why.html", turn=turn, **_back(conversation_id))


@router.post("/inbox/{conversation_id}/say")
async def say(
    request: Request,
    actor: Answerer,
    conversation_id: UUID,
    text: Annotated[str, Form(max_length=4000)] = "",
    files: Annotated[list[UploadFile] | None, File()] = None,
) -> Response:
    kept = await _kept(actor, conversation_id, [one for one in files or () if one.filename])
    async with step(actor.tenant_id) as session:
        await thread.say(session, actor.tenant_id, conversation_id, actor.member.id, text, attachments=kept)
        if not page.is_htmx(request):
            return page.go(request, f"/inbox/{conversation_id}")
        return await _thread(request, session, conversation_id)


@router.post("/inbox/{conversation_id}/take")
async def take_over(request: Request, actor: Answerer, conversation_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        await thread.take_over(session, actor.tenant_id, conversation_id, actor.member.id)
    return await _acted(request, actor, conversation_id)


@router.post("/inbox/{conversation_id}/give")
async def give_back(request: Request, actor: Answerer, conversation_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        await thread.give_back(session, actor.tenant_id, conversation_id, actor.member.id)
    return await _acted(request, actor, conversation_id)


@router.post("/inbox/{conversation_id}/close")
async def close(request: Request, actor: Answerer, conversation_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        await thread.close(session, actor.tenant_id, conversation_id, actor.member.id)
    return await _acted(request, actor, conversation_id)


@router.post("/inbox/{conversation_id}/typing")
async def typing(actor: Answerer, conversation_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        await thread.show_typing(session, actor.tenant_id, conversation_id)
    return Response(status_code=204)


@router.get("/files/{attachment_id}")
async def file(request: Request, actor: Reader, attachment_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        attachment = await media.find(session, attachment_id)
    content = await media.content(actor.tenant_id, attachment)
    shown = attachment.mime.startswith(SHOWN)
    disposition = "inline" if shown else "attachment"
    headers = {
        "content-disposition": f"{disposition}; filename*=UTF-8''{quote(attachment.name)}", "cache-control": "private, max-age=3600",
        "content-security-policy": "default-src 'none'; sandbox", "accept-ranges": "bytes",
    }  # fmt: skip
    mime = attachment.mime if shown else "application/octet-stream"
    # A player asks for a part, and some play nothing where it is not given.
    asked = RANGE.fullmatch(request.headers.get("range", ""))
    start, end = (int(asked[1]), int(asked[2] or len(content))) if asked else (0, 0)
    part = content[start : end + 1] if asked else b""
    if not part:
        return Response(content, media_type=mime, headers=headers)
    headers["content-range"] = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
    return Response(part, status_code=206, media_type=mime, headers=headers)


@router.get("/palette")
async def palette(request: Request, actor: Reader, q: Words = "") -> Response:
    language, wanted = actor.language, q.strip().lower()
    found = [
        (href, sign, texts.t(key, language))
        for href, sign, key, action in PAGES
        if actor.member.may(action) and wanted in texts.t(key, language).lower()  # pyright: ignore[reportArgumentType] # the table's own words
    ]
    async with step(actor.tenant_id) as session:
        talks = await thread.inbox(session, query=q, limit=8)
    found += [
        (f"/inbox/{one['id']}", "message-circle", f"{one['contact_name'] or texts.t('inbox.visitor', language)} · {one['preview']}")
        for one in talks.items
    ]
    return page.render(request, "palette.html", found=found)


@router.get("/live")
async def events(actor: Reader) -> EventSourceResponse:
    """What happens in the company, as hints where to look again."""
    return EventSourceResponse(_events(actor.tenant_id), ping=15, headers={"cache-control": "no-store", "x-accel-buffering": "no"})


async def _events(tenant_id: UUID) -> AsyncIterator[dict[str, Any]]:
    async with live.subscribe(tenant_id) as queue:
        yield {"event": "hello", "data": "{}", "retry": 3000}
        while True:
            notice = await queue.get()
            # Notices of one transaction come together: one read is enough for them.
            await asyncio.sleep(0.03)
            seen = {(notice.kind, notice.conversation_id, notice.extra if notice.kind == "typing" else "")}
            while not queue.empty():
                other = queue.get_nowait()
                seen.add((other.kind, other.conversation_id, other.extra if other.kind == "typing" else ""))
            for kind, conversation_id, extra in sorted(seen):
                yield {"event": "notice", "data": json.dumps({"kind": kind, "id": conversation_id, "extra": extra})}


async def _with_review(session: Session, conversation_id: UUID) -> DictRow:
    talk = await composer.talk(session, conversation_id)
    merges = await roads.merges(session, talk["contact_id"])
    reviewed, spent = await review.latest(session, conversation_id), await cost.of_conversation(session, conversation_id)
    visits = await booking.of_contact(session, talk["contact_id"], clock.now())
    return {**talk, "merges": merges, "review": reviewed, "spent": spent, "visits": visits}


async def _frame(request: Request, session: Session) -> None:
    await page.shell(request, session)
    request.state.counts = await thread.counts(session)


async def _listed(session: Session, status: Filter, q: str, after: str, count: int = thread.PAGE) -> dict[str, Any]:
    wanted = "open" if status == "unread" else "" if status == "all" else status
    found = await thread.inbox(session, status=wanted, unread=status == "unread", query=q, after=after, limit=count)
    query = "?" + urlencode({"status": status, "q": q})
    return {
        "page": {"items": found.items, "older": found.older},
        "wanted": status,
        "q": q,
        "query": query,
        "filtered": bool(q) or status != "open",
    }


async def _thread(
    request: Request, session: Session, conversation_id: UUID, before: int | None = None, since: int | None = None
) -> Response:
    await page.shell(request, session)
    talk = await thread.one(session, conversation_id)
    talk["roads"] = await roads.of(session, talk["contact_id"])
    messages, more = await roads.messages(session, conversation_id, before=before, since=since)
    return page.render(request, "inbox/thread.html", talk=talk, messages=messages, more=more)


async def _acted(request: Request, actor: page.Actor, conversation_id: UUID) -> Response:
    return await head(request, actor, conversation_id) if page.is_htmx(request) else page.go(request, f"/inbox/{conversation_id}")


async def _kept(actor: page.Actor, conversation_id: UUID, uploads: list[UploadFile]) -> tuple[media.Attachment, ...]:
    """The files of a reply, kept before the message is written. Raises NoConversation, TooManyFiles, and as `media.keep`."""
    if not uploads:
        return ()
    if len(uploads) > MOST_FILES:
        raise TooManyFiles
    async with step(actor.tenant_id) as session:
        await thread.one(session, conversation_id)
    # One byte more than allowed is enough to know that it is too large.
    most = settings().upload_mb * 1_000_000 + 1
    read = [(one.filename or "", await one.read(most), one.content_type or "") for one in uploads]
    return await media.keep_all(actor.tenant_id, conversation_id=conversation_id, uploads=read)


def _back(conversation_id: UUID) -> dict[str, Any]:
    return {"back": f"/inbox/{conversation_id}", "back_part": f"/inbox/{conversation_id}/details"}
