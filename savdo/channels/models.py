"""Channels: what comes in, what goes out, and the table of kinds.

An adapter translates between one company's protocol and these types. It decides nothing, stores nothing, sees no
database and no other adapter. A new channel is one file and one line in `KINDS`.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, ClassVar, Literal, Protocol, Self
from uuid import UUID

from savdo.channels.errors import ChannelError, UnknownChannel

# The only place where a module is named by a string: an adapter is loaded when a connection of its kind is used.
KINDS: Mapping[str, str] = {
    "web_chat": "savdo.channels.web_chat:WebChat",
    "telegram_bot": "savdo.channels.telegram_bot:TelegramBot",
    "telegram_business": "savdo.channels.telegram_business:TelegramBusiness",
    "telegram_userbot": "savdo.channels.telegram_userbot:TelegramUserbot",
    "whatsapp_cloud": "savdo.channels.whatsapp_cloud:WhatsAppCloud",
    "waha": "savdo.channels.waha:Waha",
    "messenger": "savdo.channels.messenger:Messenger",
    "instagram": "savdo.channels.instagram:Instagram",
    "sandbox": "savdo.channels.sandbox:Sandbox",
}

Credentials = Mapping[str, str]
MediaKind = Literal["image", "voice", "video", "file", "sticker"]
# fmt: off
Event = Literal[
    "message", "echo", "edited", "deleted", "reaction", "status", "referral", "moved",
    "opted_out", "opted_in", "blocked", "unblocked", "automatic", "account", "session", "alert", "unknown",
]
# fmt: on


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
    # Whose it is at the other company: a bot's, a page's, a number's id.
    account: str = ""


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
    """Who wrote. `external_id` is their identity on this connection; `phone` only when the channel vouches that it is theirs (E.164).

    `aliases` are other ids the same person may be known by here, earlier ones and lesser ones: what stands under one of
    them goes on under `external_id`.
    """

    external_id: str
    name: str = ""
    username: str = ""
    language: str = ""
    phone: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Referral:
    """The advert or the link a customer came by. `ref` is the parameter of our own link, `click_id` what the ad network wants back."""

    ad_id: str = ""
    headline: str = ""
    url: str = ""
    ref: str = ""
    click_id: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """A story of the company's that is answered, or one of the customer's that names the company."""

    kind: Literal["reply", "mention"]
    url: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """A product asked about or ordered. `id` is the company's own in its catalogue; `quantity` what is ordered of it, 0 where it
    is asked about; `price` of one, as the channel writes it."""

    id: str
    quantity: int = 0
    price: str = ""
    currency: str = ""
    name: str = ""

    @property
    def words(self) -> str:
        """ "Puer (PUER-357): 2 × 13.2 USD"."""
        called = f"{self.name} ({self.id})" if self.name and self.id else self.name or self.id
        price = f"{self.price} {self.currency}".strip()
        counted = " × ".join(filter(None, (str(self.quantity or ""), price)))
        return ": ".join(filter(None, (called, counted)))


@dataclass(frozen=True, slots=True)
class Price:
    """What the other company says about charging a message; it names no amount."""

    billable: bool
    category: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message of ours: the one `external_id` names, or `message_id` (our own, where the channel gives it
    back), or every one that was sent up to `through`. `error` and `problem` say why it failed."""

    status: Literal["sent", "delivered", "read", "failed"]
    external_id: str = ""
    message_id: str = ""
    through: datetime | None = None
    price: Price | None = None
    error: type[ChannelError] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """An account that a connection answers for, and what its owner allows now. `link` is what a call names it by, which
    may change; `owner` is the id that stays."""

    owner: str
    link: str
    name: str = ""
    enabled: bool = True
    may_reply: bool = True
    may_read: bool = False


@dataclass(frozen=True, slots=True)
class Inbound:
    """One thing that happened on the customer's side, or on the company's own outside of Savdo.

    `external_id` is unique on the connection for ever: a repeat is recognised by it. For `edited` and `deleted` it is
    the message's own id, for `reaction` that of the message reacted to (`reaction` is the emoji, "" takes it back). `edit` is
    which edit of its message it is, from 1, where the channel counts them: they arrive in any order too.
    `reply_to` is the id of the message that is answered, or in the web chat its number after a "#".
    `thread_id` is where an answer goes (a chat id). `raw` is kept only for unknown. `attachments` are files that
    were uploaded here before the message ({id, kind, name, mime, size}), so that nothing is left to fetch.

    `echo` is a message that a person of the company wrote in the other company's app; `sender` is the customer it went to.
    `automatic` is a greeting or an away message that app sent by itself. `account` tells what an owner allows now,
    `session` that the one behind the whole connection may have changed.
    `alert` is what the other company says about the whole connection: `external_id` is its kind (savdo.channels.alerts), and an
    empty `text` says that it is over.
    `own` says the same of an edit, a deletion and a reaction. `status` tells `receipt`; `referral` is an arrival without
    a word; `moved` gives the customer a new id, the old one being among the aliases. What comes with `standby` is led by
    somebody else's app: it is kept, and not answered.
    """

    event: Event
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
    own: bool = False
    standby: bool = False
    reaction: str = ""
    edit: int = 0
    receipt: Receipt | None = None
    referral: Referral | None = None
    story: Story | None = None
    products: tuple[Product, ...] = ()
    account: Account | None = None
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Button:
    """A quick reply (`id`), or a link when `url` is set."""

    id: str
    title: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A row of a list."""

    id: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Menu:
    """A list to choose from; `title` is the word that opens it."""

    title: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A text the other company approved before, the only thing it takes outside its window. `parameters` fill the body in
    order, or by name where they have one ((name, text), the name mostly empty); `buttons` are what its quick replies send back."""

    name: str
    language: str
    parameters: tuple[tuple[str, str], ...] = ()
    buttons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file to send: its bytes and how it is called. `url` is where another company may read it, for those that fetch."""

    kind: MediaKind
    name: str
    mime: str
    content: bytes
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to a customer. `message_id` is ours, for channels that keep it; `text` is plain with the light marks
    `**bold**`, `- list` and bare links, which the adapter turns into what its channel knows. `late` is set for a member's
    message after the window, where the channel gives people longer (`Limits.person_window`). `reserved` are the ids it is sent
    under where the channel gave them beforehand (`abilities.Reserves`), one a part: sent again it is no second message."""

    message_id: UUID
    thread_id: str
    text: str
    buttons: tuple[Button, ...] = ()
    files: tuple[File, ...] = ()
    reply_to: str = ""
    menu: Menu | None = None
    template: Template | None = None
    late: bool = False
    reserved: tuple[str, ...] = ()


class Sent(str):
    """The external id of the last part of a message, and those of the parts before it: for channels that tell us of our
    own messages, so that each is known to be ours."""

    __slots__ = ("earlier",)
    earlier: tuple[str, ...]

    def __new__(cls, ids: Sequence[str]) -> Self:
        sent = super().__new__(cls, ids[-1])
        sent.earlier = tuple(ids[:-1])
        return sent


@dataclass(frozen=True, slots=True)
class Limits:
    """What a channel takes. `window`: how long after the customer's last message it may be written freely, None for ever;
    `person_window` the same for a member. Without `menus` a list is put as text; without `templates` one is refused.
    `read_marks`: each message that will be answered is acknowledged. `names`: whoever wrote first is asked for (`abilities.Introduces`),
    because events do not tell. `hold`: how long what seems to be an echo waits,
    because it may overtake the answer to our own sending. `voice` is how a voice message has to be coded."""

    window: timedelta | None = None
    person_window: timedelta | None = None
    menus: bool = False
    templates: bool = False
    read_marks: bool = False
    names: bool = False
    hold: timedelta = timedelta(0)
    voice: Literal["opus", "mp3", "aac"] = "mp3"

    def open_until(self, last_inbound_at: datetime | None, *, person: bool) -> datetime | None:
        """When free texts end, for a member (`person`) or for the bot; None for never. Nobody is written to who never wrote."""
        longest = (self.person_window or self.window) if person else self.window
        if longest is None:
            return None
        return last_inbound_at + longest if last_inbound_at else datetime.min.replace(tzinfo=UTC)


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
    limits: ClassVar[Limits]

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        """Raises BadSignature unless the raw body really comes from the company. Header names are lower-case."""
        ...

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        """What a verified body says; raises Malformed. Events it does not know come back as `unknown`, never dropped."""
        ...

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        """Sends and returns the external id (of the last part, when it was split; a `Sent` where echoes come back)."""
        ...

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        """After a crash while sending: the external id when the message went out, None when it did not.

        Raises CannotTell where the channel gives no way to look.
        """
        ...

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None:
        """Tells the company that an event was taken, where it waits for that: a button's spinner, a read mark, "typing"."""
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
