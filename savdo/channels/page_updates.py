"""What Messenger and Instagram deliver: each event checked at the door, and turned into what happened.

Both have the same shapes. An event is in `messaging`, in `standby` while another app leads the conversation, or in
`changes`, where comments are, what the dashboard's test button sends, and on Instagram perhaps echoes.
Source: the fact sheets on Messenger and on Instagram.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from savdo.channels import meta_webhooks, page_contents
from savdo.channels.meta_shapes import as_list
from savdo.channels.models import Inbound, Receipt, Sender
from savdo.channels.page_shapes import Comment, Enforcement, Item, Message, Postback, time_of

# Before the thread of a comment, whose answer goes there or to its author.
COMMENT = "comment:"
# Before our own id of a message in its metadata, which an echo gives back.
OURS = "savdo:"
START = "GET_STARTED"
REACTIONS = {"love": "❤", "like": "👍", "dislike": "👎", "smile": "😆", "sad": "😢", "wow": "😮", "angry": "😠"}
# Fields that come as changes although they are events of a conversation.
CONVERSING = re.compile(r"messages|standby|(?:message|messaging)_\w+")
# Meta's moment of a message is a little before the one at which its answer reaches us.
ON_THE_WAY = timedelta(seconds=1)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose events they are (`account`; "" for whichever), which app's echoes are ours for certain ("" where the id tells
    nothing), and whether comments are answered."""

    account: str
    app_id: str = ""
    comments: bool = False

    def inbounds(self, body: bytes) -> list[Inbound]:
        """Everything a body says, the earliest first. Raises BadPayload when it is no delivery; an event that cannot be read
        comes back as `unknown` and stops no other."""
        found: list[Inbound] = []
        for entry in meta_webhooks.decode(body)["entry"]:
            if isinstance(entry, dict) and (not self.account or str(entry.get("id", "")) in ("", "0", self.account)):
                for name, raw in _events(entry):
                    found += self._read(name, raw)
        return sorted(found, key=lambda one: one.sent_at or LONG_AGO)

    def _read(self, name: str, raw: Any) -> list[Inbound]:
        found: list[Inbound] | None = None
        with suppress(ValidationError):
            if name in ("comments", "live_comments", "feed"):
                found = self._commented(Comment.model_validate(raw), name)
            elif name:
                found = self._happened(Item.model_validate(raw), raw)
                if found and name == "standby":
                    found = [replace(one, standby=True) for one in found]
        return [_unknown(name, raw)] if found is None else found

    def _happened(self, item: Item, raw: Any) -> list[Inbound] | None:
        """What an event means; None for one we do not know."""
        if item.enforcement is not None and item.enforcement.action:
            return [_enforced(item.enforcement)]
        own = bool(item.message and item.message.is_echo) or bool(self.account and item.sender and item.sender.id == self.account)
        party = item.recipient if own else item.sender
        if party is None or not party.id:
            return None
        base = Inbound("message", "", party.id, Sender(party.id), sent_at=time_of(item.timestamp), own=own)
        if item.message is not None:
            return self._message(item.message, base, raw)
        if item.postback is not None:
            return [_pressed(item.postback, base, raw)]
        if item.message_edit is not None and item.message_edit.text:
            told = item.message_edit
            return [replace(base, event="edited", external_id=told.mid, text=told.text, edit=told.number)]
        if item.reaction is not None:
            emoji = "" if item.reaction.action == "unreact" else item.reaction.emoji or REACTIONS.get(item.reaction.reaction, "❤")
            return [replace(base, event="reaction", external_id=item.reaction.mid, reaction=emoji)]
        if item.referral is not None:
            return [replace(base, event="referral", external_id=_digest(raw), referral=page_contents.referral(item.referral))]
        return _receipts(item, base) or None

    def _message(self, message: Message, base: Inbound, raw: Any) -> list[Inbound] | None:
        if message.is_self or (base.own and base.sender.external_id == self.account):
            # The account wrote to itself.
            return []
        base = replace(base, external_id=message.mid or _digest(raw))
        if message.is_deleted:
            return [replace(base, event="deleted")]
        if base.own and self._is_ours(message):
            return _confirmed(message, base)
        said, unread = page_contents.said(message, base)
        left = [_unknown(one.type, raw) for one in unread[:1]]
        if said is None:
            return left or None
        return [replace(said, event="echo" if base.own else "message"), *left]

    def _is_ours(self, message: Message) -> bool:
        # The inbox of the page and other tools have ids of their own.
        return bool(self.app_id) and (message.app_id == self.app_id or (not message.app_id and message.metadata.startswith(OURS)))

    def _commented(self, comment: Comment, name: str) -> list[Inbound] | None:
        comment_id, author = comment.comment_id or comment.id, comment.author
        if not comment_id or author is None or not author.id:
            # A page's feed also tells of likes and of its own posts, which nobody has to answer.
            return [] if name == "feed" and comment.item else None
        if not self.comments or author.id == self.account or (name == "feed" and comment.item != "comment"):
            # What we answer in public is a comment too.
            return []
        # Under a comment of a comment an answer is put to the first; a page's own posts are no comment.
        above = comment.parent_id if comment.parent_id not in ("", comment_id, comment.post_id) else ""
        thread_id = COMMENT + comment_id + (f":{above}" if above and name != "feed" else "")
        event = {"edited": "edited", "remove": "deleted"}.get(comment.verb, "message")
        text = comment.text or comment.message
        if event == "message" and not text.strip():
            return None
        sender = Sender(author.id, author.name or author.username, author.username)
        return [
            Inbound(event, comment_id, thread_id, sender, text=text, sent_at=time_of(comment.created_time))  # pyright: ignore[reportArgumentType] # the values of the table
        ]


def commented(thread_id: str) -> tuple[str, str]:
    """The comment a thread is about, and the one above it; two empty ones where it is a conversation."""
    if not thread_id.startswith(COMMENT):
        return "", ""
    comment_id, _, above = thread_id.removeprefix(COMMENT).partition(":")
    return comment_id, above


def _events(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("messaging", "standby"):
        for raw in as_list(entry.get(name)):
            yield name, raw
    for change in as_list(entry.get("changes")):
        field = change.get("field") if isinstance(change, dict) else None
        value = change.get("value") if isinstance(change, dict) else None
        if not isinstance(field, str) or not isinstance(value, dict):
            yield "", change
        elif field in ("comments", "live_comments", "feed"):
            yield field, value
        elif CONVERSING.fullmatch(field):
            yield "standby" if field == "standby" else "messaging", value
        else:
            yield "", change


def _enforced(told: Enforcement) -> Inbound:
    words = f"{told.action}: {told.reason}" if told.reason else told.action
    return Inbound("alert", "policy", "", Sender(""), text="" if told.action == "unblock" else words)


def _pressed(postback: Postback, base: Inbound, raw: Any) -> Inbound:
    """A button, a line of the menu, an ice breaker, or the one that starts the conversation."""
    started = postback.payload == START
    return replace(
        base, external_id=postback.mid or _digest(raw), text="/start" if started else postback.title or postback.payload or "·",
        quick_reply="" if started else postback.payload, referral=page_contents.referral(postback.referral),
    )  # fmt: skip


def _receipts(item: Item, base: Inbound) -> list[Inbound]:
    """Messenger tells up to when everything has arrived or was read, Instagram which message was read."""
    delivery, read = item.delivery, item.read
    mids = delivery.mids if delivery else ((read.mid,) if read and read.mid else ())
    status = "delivered" if delivery else "read"
    if mids:
        return [replace(base, event="status", external_id=f"{mid}:{status}", receipt=Receipt(status, mid)) for mid in mids]
    watermark = (delivery or read).watermark if delivery or read else ""  # pyright: ignore[reportOptionalMemberAccess] # one of them is there
    through = time_of(watermark)
    if through is None:
        return []
    name = f"{base.sender.external_id}:{watermark}:{status}"
    return [replace(base, event="status", external_id=name, receipt=Receipt(status, through=through + ON_THE_WAY))]


def _confirmed(message: Message, base: Inbound) -> list[Inbound]:
    """Our own message has arrived at Meta, which is news where the sending broke off."""
    with suppress(ValueError):
        message_id = str(UUID(message.metadata.removeprefix(OURS)))
        receipt = Receipt("sent", message.mid, message_id)
        return [replace(base, event="status", external_id=f"{base.external_id}:sent", receipt=receipt, own=False)]
    return []


def _digest(raw: Any) -> str:
    return hashlib.sha256(json.dumps(meta_webhooks.storable(raw), sort_keys=True).encode()).hexdigest()[:32]


def _unknown(name: str, raw: Any) -> Inbound:
    kept = meta_webhooks.storable({"kind": name, "event": raw})
    told = sorted(set(raw) - {"sender", "recipient", "timestamp"}) if isinstance(raw, dict) else []
    kind = str(raw.get("field", "")) if isinstance(raw, dict) and not name else ""
    title = meta_webhooks.storable(kind or (told[0] if name in ("messaging", "standby") and told else name) or "event")
    return Inbound("unknown", f"{title[:30]}:{_digest(kept)}", "", Sender(""), raw=kept)
