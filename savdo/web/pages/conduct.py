"""What a road does by itself: whether, when and how it answers, and which campaigns it offers."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from psycopg.rows import DictRow
from starlette.datastructures import FormData

from savdo import audit
from savdo.ai import speech
from savdo.base.db import Session, rows
from savdo.channels import connections, page_connecting
from savdo.conversations import thread
from savdo.web.page import Actor

# What an owner may let a road do, and whether it does so before they said anything.
TOGGLES: Final[Mapping[str, bool]] = {"answer_messages": True, "working_hours_only": False, "voice_answers": False}


async def shown(session: Session, kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The form's fields as they stand. `comments` is None where a kind has none, `sold_here` where every campaign is offered."""
    return {
        "toggles": {name: bool(settings.get(name, before)) for name, before in TOGGLES.items()}, "speaks": speech.speaks(),
        "comments": str(settings.get("comments") or "") if kind in page_connecting.KINDS else None, "comments_problem": "",
        "campaigns": await _campaigns(session), "sold_here": settings.get("campaigns"),
    }  # fmt: skip


async def change(session: Session, actor: Actor, connection_id: UUID, form: FormData) -> None:
    """Writes what the form says; comments are asked of the other company before."""
    chosen: dict[str, Any] = {name: name in form for name in TOGGLES if name != "voice_answers" or speech.speaks()}
    if "sells" in form:
        sold = [str(one["id"]) for one in await _campaigns(session)]
        here = [one for one in sold if one in form.getlist("campaigns")]
        # Every one of them is also every new one.
        chosen["campaigns"] = None if here == sold else here
    await connections.change_settings(session, connection_id, chosen)
    if not chosen["answer_messages"]:
        await thread.leave_to_people(session, connection_id)
    await audit.note(session, actor.tenant_id, actor.note, "connection.changed", str(connection_id), chosen)


async def _campaigns(session: Session) -> list[DictRow]:
    return await rows(session, "SELECT id, name FROM campaigns ORDER BY position, id")
