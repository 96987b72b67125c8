"""What WAHA delivers: messages, receipts, reactions and a phone's own messages, turned into what happened.

The engines (WEBJS, WPP, NOWEB, GOWS) agree on the payload and differ in `_data`; an id is `{fromMe}_{chat}_{id}` from some
and `{id}` alone from others, so that a message is known by its last part. Groups, channels and statuses are no customers.
Source: the fact sheet on WAHA.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from savdo.channels import meta_webhooks
from savdo.channels.errors import BadPayload
from savdo.channels.models import Inbound, Media, MediaKind, Receipt, Referral, Sender
from savdo.channels.whatsapp_shapes import phone_of, time_of

CHAT = re.compile(r"([0-9]{3,20})(?::[0-9]+)?@(c\.us|s\.whatsapp\.net|lid)")
ID = re.compile(r"(?:(true|false)_([^_]+)_)?([A-Za-z0-9.-]{4,80})(?:_[^_]*)?")
ACKS: Mapping[int, str] = {-1: "failed", 1: "sent", 2: "delivered", 3: "read", 4: "read"}
# What `fetch` is given for a file that WAHA could not fetch itself.
MISSING = "missing"


class Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class MediaShape(Shape):
    url: str | None = None
    mimetype: str | None = None
    filename: str | None = None
    s3: Any = None
    error: Any = None


class Location(Shape):
    # Some engines write numbers as texts.
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class ReplyTo(Shape):
    id: str = ""


class Reaction(Shape):
    text: str | None = ""
    message_id: str = Field("", alias="messageId")


class Named(Shape):
    id: str = ""
    sender: str | None = Field(None, alias="from")
    to: str | None = None
    own: bool | None = Field(False, alias="fromMe")


class Payload(Named):
    timestamp: int | float | None = None
    body: str | None = ""
    has_media: bool | None = Field(False, alias="hasMedia")
    media: MediaShape | None = None
    location: Location | None = None
    cards: list[str] | None = Field(None, alias="vCards")
    reply_to: ReplyTo | None = Field(None, alias="replyTo")
    reaction: Reaction | None = None
    ack: int | None = None
    edited_id: str | None = Field(None, alias="editedMessageId")
    revoked_id: str | None = Field(None, alias="revokedMessageId")
    before: Named | None = None
    after: Named | None = None
    data: dict[str, Any] | None = Field(None, alias="_data")


class Envelope(Shape):
    event: str
    payload: dict[str, Any]


def inbounds(body: bytes) -> list[Inbound]:
    """What one delivery says. Raises BadPayload when it is none."""
    try:
        raw = json.loads(body, parse_float=_finite, parse_constant=lambda _: None)
        envelope = Envelope.model_validate(raw)
    except (ValueError, RecursionError):
        raise BadPayload("An event and its payload are needed.") from None
    if envelope.event == "session.status":
        name, status = (str(envelope.payload.get(one))[:64] for one in ("name", "status"))
        return [Inbound("session", f"{name}:{status}", name, Sender(name))]
    try:
        payload = Payload.model_validate(envelope.payload)
    except ValidationError:
        return [_unknown(envelope)]
    if envelope.event == "message.ack" and payload.ack not in ACKS:
        # On its way to WhatsApp: nothing has become of it yet.
        return []
    return [_happened(envelope.event, payload) or _unknown(envelope)]


def short_id(found: Any) -> str:
    """The part of a message's id that all engines agree on; `found` is an id, or an object that holds one. "" when it is none."""
    if isinstance(found, dict):
        key = found.get("key")
        found = found.get("_serialized") or found.get("id") or (key.get("id") if isinstance(key, dict) else None)
        return short_id(found) if found is not None else ""
    match = ID.fullmatch(found) if isinstance(found, str) else None
    return match[3] if match else ""


def chat_of(value: str | None) -> str:
    """A customer's chat as every engine is told it, "" for a group, a channel, and what is none."""
    match = CHAT.fullmatch(value or "")
    return f"{match[1]}@{'lid' if match[2] == 'lid' else 'c.us'}" if match else ""


def _happened(event: str, payload: Payload) -> Inbound | None:
    own = bool(payload.own)
    match event:
        case "message" | "message.any":
            return _said(payload, own)
        case "message.ack":
            return _receipt(payload)
        case "message.reaction" if payload.reaction is not None:
            sender, target = _sender(payload, own), short_id(payload.reaction.message_id)
            if sender is None or not target:
                return None
            emoji, at = payload.reaction.text or "", _time(payload)
            return Inbound("reaction", target, sender.external_id, sender, reaction=emoji, sent_at=at, own=own)
        case "message.edited":
            sender, target = _sender(payload, own), short_id(payload.edited_id or payload.id)
            return (
                Inbound("edited", target, sender.external_id, sender, text=payload.body, own=own)
                if sender and target and payload.body
                else None
            )
        case "message.revoked":
            about = payload.before or payload.after or payload
            own = bool(about.own)
            sender, target = _sender(about, own), short_id(payload.revoked_id or about.id)
            return Inbound("deleted", target, sender.external_id, sender, own=own) if sender and target else None
        case _:
            return None


def _said(payload: Payload, own: bool) -> Inbound | None:
    sender, message_id = _sender(payload, own), short_id(payload.id)
    media, place = _media(payload), payload.location
    text = "\n".join(filter(None, ((payload.body or "").strip(), *map(_card, payload.cards or ()))))
    if sender is None or not message_id or not (text or media or place):
        return None
    return Inbound(
        # WAHA tells of everything that the number writes; ours is known by its id, the rest was typed on the phone.
        event="echo" if own else "message",
        external_id=message_id,
        thread_id=sender.external_id,
        sender=sender,
        # Some engines put a preview of the map, in base64, into the body.
        text="" if place else text,
        media=media,
        location=(place.latitude, place.longitude) if place else None,
        reply_to=short_id(payload.reply_to.id) if payload.reply_to else "",
        sent_at=_time(payload),
        own=own,
        referral=_referral(payload.data or {}),
    )


def _receipt(payload: Payload) -> Inbound | None:
    person, message_id = _sender(payload, own=True), short_id(payload.id)
    if person is None or not message_id or not payload.own:
        return None
    status = ACKS[payload.ack or 0]
    problem = "WhatsApp did not take the message." if status == "failed" else ""
    receipt = Receipt(status, message_id, problem=problem)  # pyright: ignore[reportArgumentType] # the values of the table
    return Inbound("status", f"{message_id}:{payload.ack}", person.external_id, person, sent_at=_time(payload), receipt=receipt)


def _sender(payload: Named, own: bool) -> Sender | None:
    """The customer, whoever wrote: the chat in the id where it stands there, since engines disagree about `to`."""
    match = ID.fullmatch(payload.id)
    chat = chat_of(match[2]) if match and match[2] else ""
    chat = chat or chat_of(payload.to if own else payload.sender)
    if not chat:
        return None
    data = payload.data or {} if isinstance(payload, Payload) else {}
    other = next((one for one in map(chat_of, _other_ids(data)) if one and one != chat), "") if not own else ""
    phone = next((phone_of(one.partition("@")[0]) for one in (chat, other) if one.endswith("@c.us")), "")
    name = "" if own else next((one.strip() for one in _names(data) if isinstance(one, str) and one.strip()), "")
    return Sender(chat, meta_webhooks.storable(name)[:200], phone=phone, aliases=(other,) if other else ())


def _names(data: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where WEBJS, NOWEB and GOWS write a customer's own name."""
    return data.get("notifyName"), data.get("pushName"), _of(data.get("Info")).get("PushName")


def _other_ids(data: Mapping[str, Any]) -> list[str]:
    """The phone of a hidden identity, and the other way round, where the engine tells."""
    key, info = _of(data.get("key")), _of(data.get("Info"))
    found = (key.get("remoteJidAlt"), key.get("senderPn"), info.get("SenderAlt"))
    return [one for one in found if isinstance(one, str)]


def _referral(data: Mapping[str, Any]) -> Referral | None:
    """The advert in what the engine keeps of the original message; no engine promises it."""
    message = _of(data.get("message") or data.get("Message"))
    context = _of(_of(message.get("extendedTextMessage")).get("contextInfo"))
    ad = _of(context.get("externalAdReply"))
    found = [ad.get(name) for name in ("sourceId", "title", "sourceUrl", "ctwaClid")]
    ad_id, headline, url, click_id = (one if isinstance(one, str) else "" for one in found)
    return Referral(ad_id, headline, url, click_id=click_id) if ad_id or url else None


def _media(payload: Payload) -> tuple[Media, ...]:
    found = payload.media
    if not payload.has_media:
        return ()
    if found is None or found.error or not found.url:
        return (Media("file", MISSING),)
    mime = (found.mimetype or "").partition(";")[0].strip()
    kind: Mapping[str, MediaKind] = {"image": "image", "audio": "voice", "video": "video"}
    shown: MediaKind = "sticker" if mime == "image/webp" else kind.get(mime.partition("/")[0], "file")
    # A file in S3 has an address of its own; one at WAHA is asked for at the address that is reached from here.
    return (Media(shown, f"s3:{found.url}" if found.s3 else found.url, found.filename or "", mime),)


def _card(card: str) -> str:
    """A shared contact in words: name and numbers."""
    found = re.findall(r"^(FN|TEL)[^:\r\n]*:([^\r\n]+)", card, re.MULTILINE | re.IGNORECASE)
    return " ".join(dict.fromkeys(value.strip() for _, value in found))


def _time(payload: Payload) -> Any:
    return time_of(str(int(payload.timestamp))) if payload.timestamp and payload.timestamp > 0 else None


def _unknown(envelope: Envelope) -> Inbound:
    kept = meta_webhooks.storable({"event": envelope.event, "payload": envelope.payload})
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
    return Inbound("unknown", f"{meta_webhooks.storable(envelope.event)[:40]}:{digest}", "", Sender(""), raw=kept)


def _of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _finite(number: str) -> float | None:
    found = float(number)
    return found if math.isfinite(found) else None
