"""Channels: what comes in, what goes out, and the table of kinds.

An adapter translates between one company's protocol and these types. It decides nothing, stores nothing, sees no
database and no other adapter. A new channel is one file and one line in `KINDS`.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

from savdo.channels.errors import UnknownChannel

# The only place where a module is named by a string: an adapter is loaded when a connection of its kind is used.
KINDS: Mapping[str, str] = {
    "web_chat": "savdo.channels.web_chat:WebChat",
    "telegram_bot": "savdo.channels.telegram_bot:TelegramBot",
    "sandbox": "savdo.channels.sandbox:Sandbox",
}

Credentials = Mapping[str, str]
MediaKind = Literal["image", "voice", "video", "file", "sticker"]


@dataclass(frozen=True, slots=True)
class Connection:
    """One tenant's configured use of a channel, credentials opened."""

    tenant_id: UUID
    id: UUID
    channel: str
    name: str
    key: str
    # Left out of the text of a connection, which ends up in failed assertions and tracebacks.
    credentials: Credentials = field(repr=False)
    settings: Mapping[str, Any]
    status: str


@dataclass(frozen=True, slots=True)
class Media:
    """A file a customer sent, still at the other company: `reference` is what `fetch` needs. `size` in bytes, 0 = unknown."""

    kind: MediaKind
    reference: str
    name: str = ""
    mime: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote. `external_id` is their identity on this connection; `phone` only when the channel vouches that it is theirs (E.164)."""

    external_id: str
    name: str = ""
    username: str = ""
    language: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One thing that happened on the customer's side.

    `external_id` is unique on the connection for ever: a repeat is recognised by it. For `edited` and `deleted` it is
    the message's own id. `thread_id` is where an answer goes (a chat id). `event` is
    message | edited | deleted | blocked | unblocked | unknown; `raw` is kept only for unknown. `attachments` are files that
    were uploaded here before the message ({id, kind, name, mime, size}), so that nothing is left to fetch.
    """

    event: Literal["message", "edited", "deleted", "blocked", "unblocked", "unknown"]
    external_id: str
    thread_id: str
    sender: Sender
    text: str = ""
    media: tuple[Media, ...] = ()
    attachments: tuple[Mapping[str, Any], ...] = ()
    location: tuple[float, float] | None = None
    reply_to: str = ""
    quick_reply: str = ""
    campaign: str = ""
    album: str = ""
    sent_at: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Button:
    """A quick reply (`id`), or a link when `url` is set."""

    id: str
    title: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file to send: its bytes and how it is called."""

    kind: MediaKind
    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to a customer. `message_id` is ours, for channels that keep it; `text` is plain with the light marks
    `**bold**`, `- list` and bare links, which the adapter turns into what its channel knows."""

    message_id: UUID
    thread_id: str
    text: str
    buttons: tuple[Button, ...] = ()
    files: tuple[File, ...] = ()
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A connection that works: how the other company calls it, and what its owner should know."""

    name: str
    warnings: tuple[str, ...] = ()


class Channel(Protocol):
    """One kind of road. Every method raises a `ChannelError` subclass that carries its verdict."""

    kind: ClassVar[str]
    # Longest text of one message in UTF-16 code units; longer is split by the adapter.
    longest_text: ClassVar[int]

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        """Raises BadSignature unless the raw body really comes from the company. Header names are lower-case."""
        ...

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        """What a verified body says; raises Malformed. Events it does not know come back as `unknown`, never dropped."""
        ...

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        """Sends and returns the external id (of the last part, when it was split)."""
        ...

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        """After a crash while sending: the external id when the message went out, None when it did not.

        Raises CannotTell where the channel gives no way to look.
        """
        ...

    async def typing(self, connection: Connection, thread_id: str) -> None: ...

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None:
        """Tells the company that an event was taken, where it waits for that (a button's spinner)."""
        ...

    async def fetch(self, connection: Connection, media: Media, limit: int) -> bytes:
        """The bytes of a file a customer sent, at most `limit`; raises TooLarge."""
        ...

    async def check(self, connection: Connection) -> Checked: ...

    async def subscribe(self, connection: Connection, hook_url: str) -> None:
        """Has the company deliver to `hook_url`; an empty one ends that."""
        ...


@functools.cache
def channel(kind: str) -> Channel:
    """The adapter of a kind. Raises UnknownChannel."""
    try:
        module, name = KINDS[kind].split(":")
    except KeyError:
        raise UnknownChannel(f"There is no channel {kind!r}; known are {', '.join(sorted(KINDS))}.") from None
    adapter: Channel = getattr(import_module(module), name)()
    return adapter
