"""What WhatsApp's Cloud API delivers: each message, receipt and echo checked at the door, and turned into what happened.

A customer is named by their id at the business (BSUID); the phone may be missing, and is an alias where it is told. What
came before those ids existed is named by the phone. Source: the fact sheet on the Cloud API.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from savdo.channels import meta_graph, meta_webhooks, whatsapp_alerts
from savdo.channels.errors import (
    AccountProblem,
    Blocked,
    Busy,
    Disconnected,
    MarketingStopped,
    MissingPermission,
    NeedsPhone,
    PairBusy,
    Refused,
    Stopped,
    TemplateRefused,
    Unreachable,
    WindowClosed,
    Withheld,
)
from savdo.channels.meta_shapes import as_list
from savdo.channels.models import Inbound, Media, MediaKind, Price, Product, Receipt, Referral, Sender
from savdo.channels.whatsapp_shapes import Item, Message, Part, Person, Problem, Status, Value, phone_of, time_of

VERDICTS: meta_graph.Verdicts = {
    130429: Busy, 131056: PairBusy,
    131000: Unreachable, 131016: Unreachable, 131057: Unreachable,
    131047: WindowClosed, 131026: Blocked, 131049: Withheld, 131050: MarketingStopped,
    131051: Refused, 131008: Refused, 131009: Refused, 131052: Refused, 131053: Refused,
    131062: NeedsPhone,
    132000: TemplateRefused, 132001: TemplateRefused, 132005: TemplateRefused, 132007: TemplateRefused,
    132012: TemplateRefused, 132015: TemplateRefused, 132016: TemplateRefused,
    # The country is one customer's; the others are still written to.
    131042: AccountProblem, 130497: AccountProblem,
    131048: Stopped, 131031: Stopped,
    131005: MissingPermission, 133010: Disconnected,
}  # fmt: skip
KINDS: Mapping[str, MediaKind] = {"image": "image", "video": "video", "audio": "voice", "document": "file", "sticker": "sticker"}
# The first play of a voice note says no more than that it was read.
RECEIPTS = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}


def inbounds(body: bytes, account: str) -> list[Inbound]:
    """Everything a body says about one number (`account`; "" for whichever). Raises BadPayload when it is no delivery;
    an item that cannot be read comes back as `unknown` and stops no other."""
    found: list[Inbound] = []
    for entry in meta_webhooks.decode(body)["entry"]:
        changes = entry.get("changes") if isinstance(entry, dict) else None
        for change in changes if isinstance(changes, list) else []:
            found += _change(change, account)
    return found


def _change(change: Any, account: str) -> list[Inbound]:
    field = str(change.get("field", "")) if isinstance(change, dict) else ""
    value = change.get("value") if isinstance(change, dict) else None
    if not isinstance(value, dict):
        return [_unknown(field, change)]
    metadata = value.get("metadata")
    number = str(metadata.get("phone_number_id", "")) if isinstance(metadata, dict) else ""
    if account and number and number != account:
        return []
    items = [(name, item) for name in ("messages", "statuses", "message_echoes") for item in as_list(value.get(name))]
    if not items:
        return [whatsapp_alerts.read(field, value, VERDICTS) or _unknown(field, change)]
    return [_item(name, item, value) for name, item in items]


def _item(name: str, item: Any, value: Mapping[str, Any]) -> Inbound:
    known: Inbound | None = None
    try:
        if name == "statuses":
            known = _status(Status.model_validate(item))
        elif name == "message_echoes":
            known = _echo(Message.model_validate(item))
        else:
            message = Message.model_validate(item)
            known = _happened(message, _sender(message, Value.model_validate(value)))
    except ValidationError:
        pass
    return known or _unknown(name, item)


def _happened(message: Message, sender: Sender | None, *, own: bool = False) -> Inbound | None:
    """What a message means, whichever side wrote it; None for what is no message of a kind we know."""
    if sender is None or not message.id:
        return None
    match message.type:
        case "reaction" if message.reaction is not None:
            return Inbound(
                "reaction", message.reaction.message_id, sender.external_id, sender, reaction=message.reaction.emoji or "",
                sent_at=time_of(message.timestamp), own=own,
            )  # fmt: skip
        case "edit" if message.edit is not None:
            text = message.edit.message.said()
            return Inbound("edited", message.edit.original_message_id, sender.external_id, sender, text=text, own=own) if text else None
        case "revoke" if message.revoke is not None:
            return Inbound("deleted", message.revoke.original_message_id, sender.external_id, sender, own=own)
        case "system" if message.system is not None and not own:
            return _moved(message, sender)
        case _:
            return _said(message, sender, own=own)


def _said(message: Message, sender: Sender, *, own: bool) -> Inbound | None:
    media, place, products = _media(message), message.location, _products(message)
    text = message.said()
    if not (text or media or place or products):
        return None
    return Inbound(
        event="echo" if own else "message",
        external_id=message.id,
        thread_id=sender.external_id,
        sender=sender,
        text=text,
        media=media,
        location=(place.latitude, place.longitude) if place else None,
        reply_to=message.context.id if message.context else "",
        quick_reply=message.chosen(),
        sent_at=time_of(message.timestamp),
        own=own,
        referral=_referral(message),
        products=products,
    )


def _echo(message: Message) -> Inbound | None:
    """Written by a person in the WhatsApp Business app; the customer is whom it went to."""
    person = Person(wa_id=message.to, user_id=message.to_user_id or message.recipient_user_id)
    return _happened(message, _known(person), own=True)


def _moved(message: Message, sender: Sender) -> Inbound | None:
    system = message.system
    if system is None or system.type not in ("user_changed_number", "user_changed_user_id"):
        return None
    now = _known(Person(wa_id=system.wa_id or system.new_wa_id, user_id=system.user_id))
    if now is None:
        return None
    before = (system.previous_user_id, sender.external_id, *sender.aliases)
    aliases = tuple(dict.fromkeys(one for one in (*now.aliases, *before) if one and one != now.external_id))
    moved = Sender(now.external_id, sender.name, sender.username, phone=now.phone, aliases=aliases)
    return Inbound("moved", message.id, moved.external_id, moved, sent_at=time_of(message.timestamp))


def _status(status: Status) -> Inbound | None:
    recipient = _known(Person(wa_id=status.recipient_id, user_id=status.recipient_user_id))
    if recipient is None or status.status not in RECEIPTS or not status.id:
        return None
    problem = status.errors[0] if status.errors else Problem()
    failed = status.status == "failed"
    pricing = status.pricing
    receipt = Receipt(
        RECEIPTS[status.status],  # pyright: ignore[reportArgumentType] # the values of the table
        status.id,
        status.biz_opaque_callback_data,
        price=Price(pricing.billable, pricing.category, pricing.type) if pricing else None,
        error=(meta_graph.verdict(VERDICTS, problem.code) or Refused) if failed else None,
        problem=problem.words if failed else "",
    )
    name = f"{status.id}:{status.status}"
    return Inbound("status", name, recipient.external_id, recipient, sent_at=time_of(status.timestamp), receipt=receipt)


def _sender(message: Message, value: Value) -> Sender | None:
    # The people of a body stand beside its messages; one alone is whoever wrote.
    ids = {message.sender, message.from_user_id} - {""}
    person = next((one for one in value.contacts if ids & {one.wa_id, one.user_id}), None)
    if person is None:
        person = value.contacts[0] if len(value.contacts) == 1 and not ids else Person()
    known = Person(
        wa_id=message.sender or person.wa_id, user_id=message.from_user_id or person.user_id, profile=person.profile
    )  # fmt: skip
    return _known(known)


def _known(person: Person) -> Sender | None:
    phone = phone_of(person.wa_id)
    external_id = person.user_id or person.wa_id.lstrip("+")
    if not external_id:
        return None
    aliases = (person.wa_id.lstrip("+"),) if person.user_id and person.wa_id else ()
    return Sender(external_id, person.profile.name.strip(), person.profile.username, phone=phone, aliases=aliases)


def _media(message: Message) -> tuple[Media, ...]:
    for name, kind in KINDS.items():
        item: Item | None = getattr(message, name)
        if message.type == name and item is not None and item.id:
            return (Media(kind, item.id, item.filename, item.mime_type.partition(";")[0].strip(), item.file_size),)
    return ()


def _products(message: Message) -> tuple[Product, ...]:
    if message.order is not None:
        return tuple(
            Product(one.product_retailer_id, one.quantity, str(one.item_price), one.currency) for one in message.order.product_items
        )
    asked = message.context.referred_product if message.context else None
    return (Product(asked.product_retailer_id),) if asked is not None and asked.product_retailer_id else ()


def _referral(message: Message) -> Referral | None:
    found = message.referral
    if found is None:
        return None
    ad_id = found.source_id if found.source_type in ("ad", "") else ""
    ref = "" if ad_id else found.source_id
    return Referral(ad_id, found.headline, found.source_url, ref, found.ctwa_clid)


def _unknown(name: str, raw: Any) -> Inbound:
    kept = meta_webhooks.storable({"kind": name, "event": raw})
    kind = Part.model_validate(raw).type if isinstance(raw, dict) and isinstance(raw.get("type", ""), str) else ""
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
    return Inbound("unknown", f"{meta_webhooks.storable(kind or name or 'event')[:40]}:{digest}", "", Sender(""), raw=kept)
