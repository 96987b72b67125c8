"""Try it: a member talks to the bot as a customer would, on the same path, with the reasons beside each answer."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from psycopg.rows import DictRow

from savdo.base.db import Session, first, new_id, rows, step
from savdo.base.errors import Conflict
from savdo.channels import connections
from savdo.channels.models import Connection, Inbound, Sender
from savdo.conversations import intake, thread
from savdo.reply import turn
from savdo.web import page
from savdo.web.page import Teacher
from savdo.web.pages import reasons

router = APIRouter(include_in_schema=False)


class NoWebChat(Conflict):
    """There is no web chat to try the bot on; switch it on in Set-up."""

    code = "no_web_chat"


@router.get("/try")
async def trial(request: Request, actor: Teacher, why: UUID | None = None) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        found = await _shown(session, actor)
        row = await reasons.why(session, found["talk"]["id"], why) if why and found["talk"] else None
        starters = await rows(session, "SELECT question FROM documents WHERE kind = 'answer' ORDER BY updated_at DESC LIMIT 3")
    return page.render(
        request, "tryit/page.html", **found, turn=row, starters=[one["question"] for one in starters], back="/try", back_part="/try/hint"
    )


@router.get("/try/thread")
async def thread_part(request: Request, actor: Teacher) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        found = await _shown(session, actor)
    return page.render(request, "tryit/thread.html", **found)


@router.get("/try/hint")
async def hint(request: Request, _actor: Teacher) -> Response:
    return page.render(request, "tryit/hint.html")


@router.get("/try/why/{turn_id}")
async def why(request: Request, actor: Teacher, turn_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        talk = await _latest(session, actor)
        row = await reasons.why(session, talk["id"] if talk else turn_id, turn_id)
    return page.render(request, "inbox/why.html", turn=row, back="/try", back_part="/try/hint")


@router.post("/try/say")
async def say(request: Request, actor: Teacher, text: Annotated[str, Form(max_length=4000)] = "") -> Response:
    if text.strip():
        connection, inbound = await _prepared(actor, text)
        await turn.take(connection, [inbound])
    return await thread_part(request, actor) if page.is_htmx(request) else page.go(request, "/try")


@router.post("/try/reset")
async def reset(request: Request, actor: Teacher) -> Response:
    """The next message begins a new conversation, of which the bot knows nothing."""
    async with step(actor.tenant_id) as session:
        if talk := await _latest(session, actor):
            await thread.close(session, actor.tenant_id, talk["id"], actor.member.id)
    return page.go(request, "/try")


async def _prepared(actor: page.Actor, text: str) -> tuple[Connection, Inbound]:
    """The conversation stands and is marked as a trial before anything is said in it: it never shows in the inbox."""
    async with step(actor.tenant_id) as session:
        web_chat = await first(session, "SELECT id FROM connections WHERE channel = 'web_chat' AND status <> 'off' ORDER BY id LIMIT 1")
        if web_chat is None:
            raise NoWebChat
        connection = await connections.by_id(session, web_chat["id"])
        talk = await _latest(session, actor)
        visitor = talk["external_id"] if talk else f"{_prefix(actor)}{new_id().hex}"
        inbound = Inbound("message", str(new_id()), visitor, Sender(visitor, name=actor.member.name), text=text)
        row = await intake.lock(session, connection, inbound)
        await session.execute("UPDATE conversations SET is_test = true WHERE id = %s AND NOT is_test", (row["id"],))
    return connection, inbound


async def _shown(session: Session, actor: page.Actor) -> dict[str, Any]:
    latest = await _latest(session, actor)
    if latest is None:
        return {"talk": None, "messages": [], "more": False, "thinking": False}
    talk = await thread.one(session, latest["id"])
    messages, more = await thread.messages(session, latest["id"])
    return {"talk": talk, "messages": messages, "more": more, "thinking": talk["answered_number"] < talk["inbound_number"]}


async def _latest(session: Session, actor: page.Actor) -> DictRow | None:
    return await first(
        session,
        "SELECT id, external_id FROM conversations WHERE is_test AND status <> 'closed' AND external_id LIKE %s ORDER BY id DESC LIMIT 1",
        (f"{_prefix(actor)}%",),
    )


def _prefix(actor: page.Actor) -> str:
    return f"try-{actor.member.id.hex}-"
