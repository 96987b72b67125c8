"""What Telegram delivers: one Update, checked at the door and turned into what happened on the customer's side."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from savdo.channels.errors import BadPayload
from savdo.channels.models import Event, Inbound, Media, MediaKind, Sender

# Pressing Start, with the payload of a link; anything else after the command was typed.
START = re.compile(r"/start(?:@\w+)?(?: ([A-Za-z0-9_-]{1,64}))?")
STICKERS = {(False, False): "image/webp", (True, False): "application/x-tgsticker", (False, True): "video/webm"}
MEMBERSHIP = {"kicked": "blocked", "member": "unblocked"}
# Shown for a reaction that has no emoji of its own: a picture of somebody's set, a paid star.
NAMELESS = "⭐"


class Part(BaseModel):
    # What Telegram adds tomorrow must not stop what it sends today.
    model_config = ConfigDict(extra="ignore", frozen=True)


class User(Part):
    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str = ""


class Chat(Part):
    id: int
    type: str
    first_name: str = ""
    last_name: str = ""
    username: str = ""


class Attachment(Part):
    file_id: str
    file_name: str = ""
    mime_type: str = ""
    file_size: int = 0
    width: int = 0
    height: int = 0
    emoji: str = ""
    is_animated: bool = False
    is_video: bool = False


class Location(Part):
    latitude: float
    longitude: float


class Venue(Part):
    location: Location
    title: str = ""
    address: str = ""


class Contact(Part):
    phone_number: str
    first_name: str = ""
    last_name: str = ""
    user_id: int | None = None


class Repliable(Part):
    message_id: int


class PressedButton(Part):
    text: str = ""
    callback_data: str = ""


class Keyboard(Part):
    inline_keyboard: tuple[tuple[PressedButton, ...], ...] = ()


class Message(Part):
    message_id: int
    chat: Chat
    date: int = 0
    sender: User | None = Field(None, alias="from")
    text: str = ""
    caption: str = ""
    media_group_id: str = ""
    reply_to_message: Repliable | None = None
    reply_markup: Keyboard = Keyboard()
    photo: tuple[Attachment, ...] = ()
    voice: Attachment | None = None
    audio: Attachment | None = None
    video: Attachment | None = None
    video_note: Attachment | None = None
    animation: Attachment | None = None
    document: Attachment | None = None
    sticker: Attachment | None = None
    location: Location | None = None
    venue: Venue | None = None
    contact: Contact | None = None
    # Of an account that the bot answers for.
    business_connection_id: str = ""
    sender_business_bot: User | None = None
    is_from_offline: bool = False


class Callback(Part):
    id: str
    sender: User = Field(alias="from")
    message: Message | None = None
    data: str = ""


class Member(Part):
    status: str


class Membership(Part):
    chat: Chat
    sender: User = Field(alias="from")
    date: int = 0
    new_chat_member: Member


class Reaction(Part):
    type: str
    emoji: str = ""


class Reacted(Part):
    chat: Chat
    message_id: int
    user: User | None = None
    date: int = 0
    new_reaction: tuple[Reaction, ...] = ()


class Update(Part):
    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: Callback | None = None
    my_chat_member: Membership | None = None
    message_reaction: Reacted | None = None


def decode(body: bytes) -> Mapping[str, Any]:
    """The JSON of one Update. Raises BadPayload for anything that is none."""
    try:
        raw = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BadPayload(f"This is not JSON: {error}") from None
    if not isinstance(raw, dict) or type(raw.get("update_id")) is not int:
        raise BadPayload("An Update with an integer update_id is needed.")
    return raw


def inbound(raw: Mapping[str, Any]) -> Inbound:
    """What an Update says. One of a shape or a place we do not serve comes back as `unknown`."""
    try:
        update = Update.model_validate(raw)
    except ValidationError:
        return unknown(raw)
    happened: Inbound | None = None
    if update.message is not None:
        happened = _message(update.message)
    elif update.edited_message is not None:
        happened = _message(update.edited_message, edited=True)
    elif update.callback_query is not None:
        happened = _pressed(update.callback_query)
    elif update.message_reaction is not None:
        happened = _reacted(update.message_reaction)
    elif update.my_chat_member is not None:
        happened = _membership(update.update_id, update.my_chat_member)
    return happened or unknown(raw)


def unknown(raw: Mapping[str, Any]) -> Inbound:
    """An Update as it came, in a form that can be stored."""
    chat = _chat_id(raw)
    return Inbound("unknown", f"update:{raw['update_id']}", chat, Sender(chat), raw=_storable(raw))


def content(message: Message, event: Event, sender: Sender, thread_id: str) -> Inbound | None:
    """What a message says, as `event` of `sender`; None when it says nothing that we know."""
    media, location = _media(message), message.venue.location if message.venue else message.location
    text, campaign = _text(message)
    if not (text or media or location or sender.phone):
        return None
    return Inbound(
        event=event,
        external_id=f"{thread_id}:{message.message_id}",
        thread_id=thread_id,
        sender=sender,
        text=text,
        media=media,
        location=(location.latitude, location.longitude) if location else None,
        reply_to=f"{thread_id}:{message.reply_to_message.message_id}" if message.reply_to_message else "",
        campaign=campaign,
        album=message.media_group_id,
        sent_at=time(message.date),
    )


def sender_of(message: Message) -> Sender:
    """Who wrote; their phone when the message is a card of their own."""
    assert message.sender is not None
    return _sender(message.sender, _own_phone(message))


def customer_of(chat: Chat) -> Sender:
    """The customer whose private chat this is."""
    return _sender(User(id=chat.id, first_name=chat.first_name, last_name=chat.last_name, username=chat.username))


def pressed(callback: Callback, message: Message, thread_id: str) -> Inbound:
    """A button, as the words that stand on it."""
    buttons = (button for row in message.reply_markup.inline_keyboard for button in row)
    title = next((button.text for button in buttons if button.callback_data == callback.data), callback.data)
    return Inbound(
        event="message",
        external_id=f"cb:{callback.id}",
        thread_id=thread_id,
        sender=_sender(callback.sender),
        text=title,
        reply_to=f"{thread_id}:{message.message_id}",
        quick_reply=callback.data,
    )


def _message(message: Message, *, edited: bool = False) -> Inbound | None:
    # A bot answers people in private; answering another bot would never end.
    if message.chat.type != "private" or message.sender is None or message.sender.is_bot:
        return None
    return content(message, "edited" if edited else "message", sender_of(message), str(message.chat.id))


def _pressed(callback: Callback) -> Inbound | None:
    message = callback.message
    # One under a message in an account's own chat is not of this chat, though it has the same number.
    if message is None or message.chat.type != "private" or message.business_connection_id or not callback.data:
        return None
    return pressed(callback, message, str(message.chat.id))


def _reacted(reacted: Reacted) -> Inbound | None:
    """What a customer thinks of a message; of several emoji the last one."""
    if reacted.chat.type != "private" or reacted.user is None or reacted.user.is_bot:
        return None
    newest = reacted.new_reaction[-1] if reacted.new_reaction else None
    return Inbound(
        event="reaction",
        external_id=f"{reacted.chat.id}:{reacted.message_id}",
        thread_id=str(reacted.chat.id),
        sender=_sender(reacted.user),
        reaction=(newest.emoji.replace("\x00", "") or NAMELESS) if newest else "",
        sent_at=time(reacted.date),
    )


def _membership(update_id: int, membership: Membership) -> Inbound | None:
    event = MEMBERSHIP.get(membership.new_chat_member.status)
    if membership.chat.type != "private" or event is None:
        return None
    return Inbound(
        event="blocked" if event == "blocked" else "unblocked",
        external_id=f"update:{update_id}",
        thread_id=str(membership.chat.id),
        sender=_sender(membership.sender),
        sent_at=time(membership.date),
    )


def _chat_id(raw: Mapping[str, Any]) -> str:
    for content in raw.values():
        if isinstance(content, dict) and isinstance(chat := content.get("chat"), dict) and isinstance(chat.get("id"), int):
            return str(chat["id"])
    return ""


def _storable(value: Any) -> Any:
    # PostgreSQL's JSON knows no null character and no infinity.
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return None if isinstance(value, float) and value in (float("inf"), float("-inf")) else value


def _sender(user: User, phone: str = "") -> Sender:
    name = f"{user.first_name} {user.last_name}".replace("\x00", "").strip()
    return Sender(str(user.id), name, user.username, user.language_code, phone)


def _text(message: Message) -> tuple[str, str]:
    """What was said, and the campaign of a `/start` link."""
    text = (message.text or message.caption).replace("\x00", "")
    if start := START.fullmatch(text):
        return "/start", _campaign(start[1] or "")
    if not text and message.sticker:
        text = message.sticker.emoji
    if not text and message.venue:
        text = ", ".join(filter(None, (message.venue.title, message.venue.address)))
    if not text and (contact := message.contact) and not _own_phone(message):
        text = ", ".join(filter(None, (f"{contact.first_name} {contact.last_name}".strip(), contact.phone_number)))
    return text, ""


def _campaign(payload: str) -> str:
    """A start payload as it was made: base64url of a printable text is opened, anything else is kept."""
    try:
        decoded = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        text = decoded.decode()
    except (binascii.Error, ValueError):
        return payload
    canonical = base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() == payload
    return text if canonical and text.isprintable() else payload


def _own_phone(message: Message) -> str:
    """The sender's own number (E.164). A card of somebody else, or one without an owner, vouches for nothing."""
    contact = message.contact
    if contact is None or message.sender is None or contact.user_id != message.sender.id:
        return ""
    try:
        # Some clients send the number without its plus.
        number = phonenumbers.parse("+" + contact.phone_number.lstrip("+"))
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_possible_number(number) else ""


def _media(message: Message) -> tuple[Media, ...]:
    if message.photo:
        largest = max(message.photo, key=lambda size: (size.width * size.height, size.file_size))
        return (Media("image", largest.file_id, "photo.jpg", "image/jpeg", largest.file_size),)
    if message.sticker:
        mime = STICKERS.get((message.sticker.is_animated, message.sticker.is_video), "")
        return (Media("sticker", message.sticker.file_id, "", mime, message.sticker.file_size),)
    # An animation comes with a document beside it, so the order matters. Audio files are mostly recorded speech.
    kinds: tuple[tuple[MediaKind, Attachment | None, str], ...] = (
        ("voice", message.voice, "audio/ogg"),
        ("voice", message.audio, "audio/mpeg"),
        ("video", message.video, "video/mp4"),
        ("video", message.video_note, "video/mp4"),
        ("video", message.animation, "video/mp4"),
        ("file", message.document, ""),
    )
    for kind, one, usual in kinds:
        if one is not None:
            return (Media(kind, one.file_id, one.file_name.replace("\x00", ""), one.mime_type or usual, one.file_size),)
    return ()


def time(seconds: int) -> datetime | None:
    # The bound keeps a nonsense date from stopping a message.
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 1 << 35 else None
