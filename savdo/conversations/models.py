"""Contacts, conversations and messages as the rest of the house sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

Status = Literal["bot", "handover", "human", "closed"]
Author = Literal["contact", "bot", "member", "system"]


@dataclass(frozen=True, slots=True)
class Message:
    """One item of a thread. `number` is its place, `revision` the thread's counter at its last change; `created_at` when it came
    here or was written here, `sent_at` when the customer wrote it or it left.

    `payload` may hold attachments (a list of {id, kind, name, mime, size}), buttons, menu, template, quick_reply, reply_to,
    location, referral, story, products, reactions ({"contact" | "member": emoji}), price (what the channel charges), parts
    (external ids of the parts before the last), reserved (the ids it is sent under), native (written in the other company's
    app), edit (the number of its last edit, where the channel counts them), consent (to be written to: given | withdrawn).
    """

    id: UUID
    conversation_id: UUID
    number: int
    revision: int
    direction: Literal["in", "out"]
    author: Author
    member_id: UUID | None
    kind: str
    text: str
    payload: Mapping[str, Any]
    external_id: str | None
    status: str
    # What went wrong in the channel's words, for the log; and its code, which pages have a sentence for.
    error: str | None
    error_code: str | None
    turn_id: UUID | None
    created_at: datetime
    sent_at: datetime | None
    edited_at: datetime | None
    deleted_at: datetime | None


COLUMNS = (
    "m.id, m.conversation_id, m.number, m.revision, m.direction, m.author, m.member_id, m.kind, m.text, m.payload, "
    "m.external_id, m.status, m.error, m.error_code, m.turn_id, m.created_at, m.sent_at, m.edited_at, m.deleted_at"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one inbound event: `message_id` is None for events that are no message; `repeat` when it was known already.

    `waiting`: an answer job waits for this conversation already, or none is needed. `silent`: the bot will not answer.
    """

    message_id: UUID | None
    number: int
    repeat: bool
    conversation_id: UUID | None
    created_at: datetime | None = None
    waiting: bool = True
    silent: bool = True
