"""The shapes of what Messenger and Instagram deliver, as far as we read them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from savdo.channels.meta_shapes import Id, Needed, Part, Text


def _many(value: object) -> object:
    return () if value is None else value


class Party(Part):
    id: Id = ""
    username: Text = ""
    name: Text = ""


class Coordinates(Part):
    lat: float = Field(ge=-90, le=90)
    long: float = Field(ge=-180, le=180)


class Element(Part):
    id: Id = ""
    retailer_id: Id = ""
    title: Text = ""
    subtitle: Text = ""


class Shown(Part):
    elements: Annotated[tuple[Element, ...], BeforeValidator(_many)] = ()


class Payload(Part):
    url: Text = ""
    title: Text = ""
    sticker_id: Text = ""
    coordinates: Coordinates | None = None
    product: Shown | None = None


class Attachment(Part):
    title: Text = ""
    url: Text = ""
    payload: Payload | None = None

    @property
    def link(self) -> str:
        return (self.payload.url if self.payload else "") or self.url

    @property
    def caption(self) -> str:
        return (self.payload.title if self.payload else "") or self.title


class Chosen(Part):
    payload: Text = ""


class Told(Part):
    url: Text = ""
    id: Id = ""


class Answered(Part):
    mid: Id = ""
    story: Told | None = None


class Advert(Part):
    ad_title: Text = ""


class Wanted(Part):
    id: Id = ""


class Source(Part):
    ref: Text = ""
    source: Text = ""
    ad_id: Id = ""
    referer_uri: Text = ""
    ads_context_data: Advert | None = None
    product: Wanted | None = None


class Message(Part):
    mid: Id = ""
    text: Text = ""
    attachments: Annotated[tuple[Attachment, ...], BeforeValidator(_many)] = ()
    reply_to: Answered | None = None
    quick_reply: Chosen | None = None
    referral: Source | None = None
    is_echo: bool = False
    is_deleted: bool = False
    is_self: bool = False
    app_id: Text = ""
    metadata: Text = ""


class Postback(Part):
    mid: Id = ""
    title: Text = ""
    payload: Text = ""
    referral: Source | None = None


class Reaction(Part):
    mid: Needed
    action: Text = ""
    reaction: Text = ""
    emoji: Text = ""


class Edit(Part):
    mid: Needed
    text: Text = ""
    num_edit: Text = ""

    @property
    def number(self) -> int:
        """Which edit of its message it is, from 1; 0 where that is not told."""
        return int(self.num_edit) if self.num_edit.isascii() and self.num_edit.isdecimal() and len(self.num_edit) <= 9 else 0


class Delivery(Part):
    mids: Annotated[tuple[Needed, ...], BeforeValidator(_many)] = ()
    watermark: Text = ""


class Read(Part):
    mid: Id = ""
    watermark: Text = ""


class Enforcement(Part):
    """Meta restricts a page or an account, warns it, or lets it go again."""

    action: Text = ""
    reason: Text = ""


class Item(Part):
    """One event of a conversation; exactly one of the last eight tells what it is."""

    sender: Party | None = None
    recipient: Party | None = None
    timestamp: Text = ""
    message: Message | None = None
    message_edit: Edit | None = None
    postback: Postback | None = None
    reaction: Reaction | None = None
    delivery: Delivery | None = None
    read: Read | None = None
    referral: Source | None = None
    enforcement: Enforcement | None = Field(None, alias="policy-enforcement")


class Media(Part):
    id: Id = ""


class Comment(Part):
    """A comment as Instagram tells of it, and as a page's feed does."""

    id: Id = ""
    comment_id: Id = ""
    parent_id: Id = ""
    post_id: Id = ""
    item: Text = ""
    verb: Text = ""
    text: Text = ""
    message: Text = ""
    created_time: Text = ""
    author: Party | None = Field(None, alias="from")
    media: Media | None = None


def time_of(milliseconds: str) -> datetime | None:
    """A moment in Unix milliseconds, or in seconds where only those are told."""
    # The bound keeps a nonsense date from stopping a message.
    if not (milliseconds.isascii() and milliseconds.isdecimal() and len(milliseconds) <= 13 and int(milliseconds)):
        return None
    number = int(milliseconds)
    return datetime.fromtimestamp(number / 1000 if number > 10**11 else number, UTC)
