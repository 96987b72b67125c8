"""The shapes of the Cloud API's deliveries, as far as we read them."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import phonenumbers
from pydantic import Field

from savdo.channels.meta_shapes import Id, Needed, Part, Text


class Profile(Part):
    name: Text = ""
    username: Text = ""


class Person(Part):
    wa_id: Id = ""
    user_id: Id = ""
    profile: Profile = Profile()


class Value(Part):
    contacts: tuple[Person, ...] = ()


class Body(Part):
    body: Text = ""


class Item(Part):
    id: Id = ""
    caption: Text = ""
    filename: Text = ""
    mime_type: Text = ""
    file_size: int = Field(0, ge=0)


class Location(Part):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: Text = ""
    address: Text = ""


class Phone(Part):
    phone: Text = ""


class Name(Part):
    formatted_name: Text = ""


class Card(Part):
    name: Name = Name()
    phones: tuple[Phone, ...] = ()

    def said(self) -> str:
        return ", ".join(filter(None, (self.name.formatted_name, *(one.phone for one in self.phones))))


class Reply(Part):
    id: Id = ""
    title: Text = ""
    body: Text = ""
    response_json: Text = ""


class Interactive(Part):
    button_reply: Reply | None = None
    list_reply: Reply | None = None
    nfm_reply: Reply | None = None


class Button(Part):
    payload: Text = ""
    text: Text = ""


class Reaction(Part):
    message_id: Needed
    emoji: Text = ""


class Revoke(Part):
    original_message_id: Needed


class Wanted(Part):
    product_retailer_id: Id = ""


class Line(Part):
    product_retailer_id: Needed
    quantity: int = 1
    item_price: Text | float = ""
    currency: Text = ""


class Order(Part):
    text: Text = ""
    product_items: tuple[Line, ...] = ()


class Context(Part):
    id: Id = ""
    referred_product: Wanted | None = None


class Source(Part):
    source_url: Text = ""
    source_type: Text = ""
    source_id: Text = ""
    headline: Text = ""
    ctwa_clid: Text = ""


class System(Part):
    wa_id: Id = ""
    new_wa_id: Id = ""
    user_id: Id = ""
    previous_user_id: Id = ""


class Content(Part):
    text: Body | None = None
    image: Item | None = None
    video: Item | None = None
    audio: Item | None = None
    document: Item | None = None
    sticker: Item | None = None
    location: Location | None = None
    contacts: tuple[Card, ...] = ()
    interactive: Interactive | None = None
    button: Button | None = None
    order: Order | None = None

    def said(self) -> str:
        """The words of it: a text, a caption, a button's title, a place's name, a card, what is written to an order."""
        match self.type:
            case "text":
                return self.text.body if self.text else ""
            case "location":
                return ", ".join(filter(None, (self.location.name, self.location.address))) if self.location else ""
            case "contacts":
                return "\n".join(filter(None, (one.said() for one in self.contacts)))
            case "button":
                return self.button.text or self.button.payload if self.button else ""
            case "interactive":
                reply = self._reply()
                return reply.title or _form(reply.response_json) or reply.body or reply.id if reply else ""
            case "order":
                return self.order.text if self.order else ""
            case _:
                item: Item | None = getattr(self, self.type, None) if self.type in Content.model_fields else None
                return item.caption if isinstance(item, Item) else ""

    def chosen(self) -> str:
        """What a pressed button sends back."""
        reply = self._reply() if self.type == "interactive" else None
        if self.type == "button" and self.button:
            return self.button.payload
        return reply.id if reply else ""

    def _reply(self) -> Reply | None:
        found = self.interactive
        return found.button_reply or found.list_reply or found.nfm_reply if found else None


class Edit(Part):
    original_message_id: Needed
    message: Content


class Message(Content):
    id: Id = ""
    timestamp: Text = ""
    sender: Id = Field("", alias="from")
    from_user_id: Id = ""
    to: Id = ""
    to_user_id: Id = ""
    recipient_user_id: Id = ""
    context: Context | None = None
    referral: Source | None = None
    reaction: Reaction | None = None
    edit: Edit | None = None
    revoke: Revoke | None = None
    system: System | None = None


class Details(Part):
    details: Text = ""


class Problem(Part):
    code: int = -1
    title: Text = ""
    message: Text = ""
    error_data: Details = Details()

    @property
    def words(self) -> str:
        return (self.error_data.details or self.message or self.title or f"error {self.code}")[:300]


class Pricing(Part):
    billable: bool = True
    category: Text = ""


class Status(Part):
    id: Id = ""
    status: Text = ""
    timestamp: Text = ""
    recipient_id: Id = ""
    recipient_user_id: Id = ""
    biz_opaque_callback_data: Id = ""
    pricing: Pricing | None = None
    errors: tuple[Problem, ...] = ()


def phone_of(wa_id: str) -> str:
    """A WhatsApp id as a number (E.164), or "" when it is none."""
    try:
        number = phonenumbers.parse("+" + wa_id.lstrip("+"))
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_possible_number(number) else ""


def time_of(seconds: str) -> datetime | None:
    # The bound keeps a nonsense date from stopping a message.
    is_date = seconds.isascii() and seconds.isdecimal() and len(seconds) <= 10
    return datetime.fromtimestamp(int(seconds), UTC) if is_date and int(seconds) else None


def _form(response: str) -> str:
    """The answers of a form, one a line."""
    with suppress(ValueError):
        found: Any = json.loads(response)
        if isinstance(found, dict):
            return "\n".join(
                f"{name}: {value}" for name, value in found.items() if name != "flow_token" and not isinstance(value, dict | list)
            )
    return ""
