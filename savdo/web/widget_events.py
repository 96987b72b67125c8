"""The web chat's stream: what is new in a visitor's thread, from where they left off.

An event's id is the thread's revision after it. A window that comes back names the last one it saw and gets
everything since; nothing is kept for a stream, so any process can serve any visitor.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from psycopg import OperationalError
from psycopg.rows import DictRow
from sse_starlette import EventSourceResponse, ServerSentEvent

from savdo.base import db, live
from savdo.base.db import step
from savdo.base.errors import RateLimited
from savdo.conversations import visitors
from savdo.web.widget_door import Guest, WidgetRoute, guest
from savdo.web.widget_messages import shown

STREAMS_EACH = 3
PING_S = 15
RETRY_MS = 3000
# More than this is read again as a page rather than told one by one.
REPLAYED = 500

router = APIRouter(route_class=WidgetRoute)
_open: Counter[str] = Counter()


@dataclass(slots=True)
class Place:
    """Where a stream stands: the last revision told, and the state told last."""

    revision: int
    status: str = "bot"
    answering: bool = False
    conversation_id: str = ""


@router.get("/events")
async def events(request: Request, guest: Annotated[Guest, Depends(guest)]) -> EventSourceResponse:
    if _open[guest.visitor.id] >= STREAMS_EACH:
        raise RateLimited("This chat is open in too many places.", retry_after=5)
    last = request.headers.get("last-event-id", "")
    return EventSourceResponse(
        _stream(guest, int(last) if last.isdecimal() and len(last) < 19 else None),
        ping=PING_S,
        ping_message_factory=lambda: ServerSentEvent(comment="ping"),
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        sep="\n",
    )


async def _stream(guest: Guest, last: int | None) -> AsyncIterator[ServerSentEvent]:
    with _counted(guest.visitor.id):
        async with live.subscribe(guest.connection.tenant_id) as queue:
            # Without a database the stream ends; the window comes back and names what it saw last.
            with suppress(db.DatabaseDown, OperationalError):
                async for event in _followed(guest, last, queue):
                    yield event


async def _followed(guest: Guest, last: int | None, queue: asyncio.Queue[live.Notice]) -> AsyncIterator[ServerSentEvent]:
    place = await _start(guest, last)
    yield ServerSentEvent(comment="open", retry=RETRY_MS)
    if place.answering:
        yield _event("typing", _typing("bot", True))
    for event in await _news(guest, place):
        yield event
    while True:
        for event in await _told(guest, place, await queue.get()):
            yield event


@contextmanager
def _counted(visitor: str) -> Any:
    _open[visitor] += 1
    try:
        yield
    finally:
        _open[visitor] -= 1
        if not _open[visitor]:
            del _open[visitor]


async def _start(guest: Guest, last: int | None) -> Place:
    """Without a last event the stream begins now: the window has just read the thread itself."""
    async with step(guest.connection.tenant_id) as session:
        thread = await visitors.thread_of(session, guest.connection.id, guest.visitor.id)
    if thread is None:
        return Place(last or 0)
    return Place(thread.revision if last is None else last, thread.status, thread.answering, str(thread.id))


async def _told(guest: Guest, place: Place, notice: live.Notice) -> list[ServerSentEvent]:
    # A visitor's first message makes their thread; its number is 1, so that other threads' news cost nothing here.
    first = not place.conversation_id and notice.kind == "message" and notice.extra == "1"
    if notice is not live.MISSED and not first and notice.conversation_id != place.conversation_id:
        return []
    if notice.kind == "typing":
        author, _, state = notice.extra.partition(":")
        return [] if author == "contact" else [_event("typing", _typing("human" if author == "member" else author, state == "on"))]
    return await _news(guest, place)


async def _news(guest: Guest, place: Place) -> list[ServerSentEvent]:
    async with step(guest.connection.tenant_id) as session:
        thread = await visitors.thread_of(session, guest.connection.id, guest.visitor.id)
        if thread is None:
            return []
        found = await visitors.changes(session, thread.id, place.revision, REPLAYED + 1)
    place.conversation_id = str(thread.id)
    if len(found) > REPLAYED:
        place.revision = thread.revision
        return [_event("resync", {}, thread.revision)]
    told = [_message_event(guest, row, place.revision, _closes_revision(found, at)) for at, row in enumerate(found)]
    place.revision = max(place.revision, thread.revision)
    return told + _state_events(place, thread)


def _closes_revision(found: list[DictRow], at: int) -> bool:
    """Whether a window that saw this one has seen its whole revision: several messages may have been read at once."""
    return at + 1 == len(found) or found[at + 1]["revision"] != found[at]["revision"]


def _message_event(guest: Guest, row: DictRow, since: int, closes: bool) -> ServerSentEvent:
    message = shown(row, guest.connection)
    if message["deleted"]:
        kind = "message.deleted"
    elif row["number"] > since:
        kind = "message.created"
    elif row["edited_at"] is not None and row["status"] in ("received", "sent"):
        kind = "message.updated"
    else:
        kind = "message.status"
    return _event(kind, {"message": message}, row["revision"] if closes else None)


def _state_events(place: Place, thread: visitors.Thread) -> list[ServerSentEvent]:
    told: list[ServerSentEvent] = []
    if thread.answering != place.answering:
        told.append(_event("typing", _typing("bot", thread.answering)))
    if thread.status != place.status and thread.status in ("human", "closed"):
        told.append(_event("conversation.assigned" if thread.status == "human" else "conversation.closed", {"status": thread.status}))
    place.status, place.answering = thread.status, thread.answering
    return told


def _typing(author: str, on: bool) -> dict[str, Any]:
    return {"author": {"kind": author}, "on": on}


def _event(kind: str, data: dict[str, Any], revision: int | None = None) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(data, ensure_ascii=False), event=kind, id=None if revision is None else str(revision), sep="\n")
