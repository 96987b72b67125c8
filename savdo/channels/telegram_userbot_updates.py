"""What happens in a personal Telegram account, as its client tells it: one JSON object an event.

A message's number is unique in an account's private chats, so it stands alone as its external id; a thread is the person's id.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Literal

import phonenumbers
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from savdo.channels.errors import BadPayload
from savdo.channels.models import Inbound, Media, MediaKind, Receipt, Sender

# Telegram's own account writes login codes there: they are nobody's to read, and are kept nowhere.
TELEGRAM = 777000


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Person(Part):
    id: int
    name: str = ""
    username: str | None = None
    language: str | None = None
    is_bot: bool = False
    is_self: bool = False


class File(Part):
    kind: MediaKind
    mime: str | None = None
    size: int | None = None
    name: str | None = None


class Card(Part):
    phone: str
    name: str = ""
    user_id: int | None = None


class Message(Part):
    event: Literal["message", "edited"]
    peer: Person
    message_id: int
    date: int = 0
    out: bool = False
    text: str = ""
    reply_to: int | None = None
    grouped_id: int | None = None
    media: File | None = None
    location: tuple[float, float] | None = None
    card: Card | None = None


class Removed(Part):
    message_id: int
    # Telegram names no chat; who holds the account looks it up.
    peer: int
    out: bool = False


class Deleted(Part):
    event: Literal["deleted"]
    messages: tuple[Removed, ...]


class Read(Part):
    event: Literal["read"]
    peer: Person
    through: int


class Reacted(Part):
    event: Literal["reaction"]
    peer: Person
    message_id: int
    emoji: str = ""
    own: bool = False


SHAPES: Mapping[str, type[Part]] = {"message": Message, "edited": Message, "deleted": Deleted, "read": Read, "reaction": Reacted}


def inbounds(body: bytes) -> list[Inbound]:
    """What an event says; empty for what must not be kept. Raises BadPayload."""
    try:
        raw = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BadPayload(f"This is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise BadPayload("An event is a JSON object.")
    try:
        event = SHAPES[str(raw.get("event"))].model_validate(raw)
    except (KeyError, ValidationError):
        return [_unknown(raw)]
    match event:
        case Message():
            found = _message(event)
        case Deleted():
            found = _deleted(event)
        case Read():
            about = _sender(event.peer)
            at = datetime.fromtimestamp(min(event.through, 1 << 34), UTC) if event.through > 0 else None
            found = [
                Inbound("status", f"read:{event.peer.id}:{event.through}", about.external_id, about, receipt=Receipt("read", through=at))
            ]
        case Reacted():
            about = _sender(event.peer)
            emoji = event.emoji.replace("\x00", "")
            found = [Inbound("reaction", str(event.message_id), about.external_id, about, reaction=emoji, own=event.own)]
        case _:
            found = []
    return list(found)


def _message(message: Message) -> Iterable[Inbound]:
    person = message.peer
    # Bots would answer for ever, and what is written to oneself is nobody's question.
    if person.id == TELEGRAM or person.is_bot or person.is_self:
        return []
    text, phone = _text(message), _own_phone(message)
    if not (text or message.media or message.location or phone):
        return [_unknown(message.model_dump(mode="json"))]
    event = "edited" if message.event == "edited" else "echo" if message.out else "message"
    return [
        Inbound(
            event, str(message.message_id), str(person.id), _sender(person, phone), text, _media(message), location=message.location,
            reply_to=str(message.reply_to or ""), album=str(message.grouped_id or ""), own=event == "edited" and message.out,
            sent_at=datetime.fromtimestamp(message.date, UTC) if 0 < message.date < 1 << 35 else None,
        )
    ]  # fmt: skip


def _deleted(deleted: Deleted) -> Iterable[Inbound]:
    for one in deleted.messages:
        yield Inbound("deleted", str(one.message_id), str(one.peer), Sender(str(one.peer)), own=one.out)


def _text(message: Message) -> str:
    card = message.card
    if not message.text and card is not None and not _own_phone(message):
        return ", ".join(filter(None, (card.name, card.phone))).replace("\x00", "")
    return message.text.replace("\x00", "")


def _media(message: Message) -> tuple[Media, ...]:
    file = message.media
    if file is None:
        return ()
    name = (file.name or "").replace("\x00", "")
    return (Media(file.kind, f"{message.peer.id}:{message.message_id}", name, file.mime or "", max(0, file.size or 0)),)


def _sender(person: Person, phone: str = "") -> Sender:
    return Sender(str(person.id), person.name.replace("\x00", "").strip(), person.username or "", person.language or "", phone)


def _own_phone(message: Message) -> str:
    card = message.card
    if card is None or message.out or card.user_id != message.peer.id:
        return ""
    try:
        number = phonenumbers.parse("+" + card.phone.lstrip("+"))
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_possible_number(number) else ""


def _unknown(raw: Mapping[str, Any]) -> Inbound:
    storable = _storable(raw) or {"event": ""}
    return Inbound("unknown", f"event:{str(raw.get('event', ''))[:40]}:{raw.get('message_id', '')!s:.20}", "", Sender(""), raw=storable)


def _storable(value: Any) -> Any:
    # PostgreSQL's JSON knows no null character and no infinity.
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
