"""A conversation that never happened: a customer's turns through the real pipeline, in memory, with any persona.

Nothing is stored and nothing is sent: no contact, no lead, no message, no figure of a report comes of it. Only what the
models cost is counted, because it is paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from savdo.base import clock
from savdo.base.db import Session, new_id, rows, step
from savdo.reply import turn as main_path
from savdo.reply.models import Campaign, Draft, Said, Turn


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """`turns`: one a customer's turn: text, reply (empty when silent), handover (the reason, None when nobody was called in it)."""

    turns: tuple[Mapping[str, Any], ...]
    facts: Mapping[str, Any]


async def campaigns(session: Session) -> tuple[Campaign, ...]:
    found = await rows(session, "SELECT id, name, price, features, chat_flow, audience FROM campaigns ORDER BY position, id")
    return tuple(
        Campaign(one["id"], one["name"], one["price"] or {}, tuple(one["features"]), one["chat_flow"], one["audience"]) for one in found
    )


async def rehearse(tenant_id: UUID, profile: Mapping[str, Any], texts: Sequence[str]) -> Rehearsed:
    """What a company with this profile would answer to a customer who says these texts, one after the other."""
    async with step(tenant_id) as session:
        sold = await campaigns(session)
    conversation, contact = new_id(), new_id()
    history: list[Said] = []
    facts: dict[str, Any] = {}
    turns: list[Mapping[str, Any]] = []
    status: Literal["bot", "handover"] = "bot"
    language, opted_out = "", False
    for text in texts:
        asked = Said(len(history) + 1, "contact", text, clock.now())
        made = Turn(
            tenant_id, conversation, contact, "web_chat", profile, sold, tuple(history), (asked,), facts, status, language, "", clock.now()
        )
        # Whoever wants no more messages gets none, as on the main path.
        draft = None if opted_out else (await main_path.pipeline(made, main_path.Timings()))[0]
        reply = "" if draft is None or draft.silent else draft.text
        history += [asked, *([Said(len(history) + 2, "bot", reply, clock.now())] if reply else [])]
        # A second call of an open handover is none.
        called = draft.handover if draft is not None and status == "bot" else None
        turns.append({"text": text, "reply": reply, "handover": called})
        if draft is not None:
            facts = {**facts, **draft.facts}
            language, opted_out = draft.reading.language, draft.opt_out
            status = _status(draft, status)
    return Rehearsed(tuple(turns), facts)


def _status(draft: Draft, before: Literal["bot", "handover"]) -> Literal["bot", "handover"]:
    return "handover" if draft.handover is not None else before
