"""What Telegram delivers to a bot that answers for an account: the account's own private chats, and what its owner allows.

A thread is `LINK:CHAT`: the chat's number alone may also be that of the bot's own chat with the same person, and the
message numbers of the two differ. LINK is the one the account came with at first, should it change.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from savdo.channels.models import Account, Connection, Inbound, Receipt
from savdo.channels.telegram_updates import (
    Callback,
    Chat,
    Message,
    Part,
    Update,
    User,
    content,
    customer_of,
    pressed,
    sender_of,
    time,
    unknown,
)


class Rights(Part):
    can_reply: bool = False
    can_read_messages: bool = False


class Link(Part):
    id: str
    user: User
    user_chat_id: int
    date: int = 0
    is_enabled: bool = False
    # Said this way before there were rights.
    can_reply: bool = False
    rights: Rights = Rights()


class Deleted(Part):
    business_connection_id: str
    chat: Chat
    message_ids: tuple[int, ...] = ()


class BusinessUpdate(Update):
    business_connection: Link | None = None
    business_message: Message | None = None
    edited_business_message: Message | None = None
    deleted_business_messages: Deleted | None = None


def inbounds(connection: Connection, raw: Mapping[str, Any]) -> list[Inbound]:
    """What an Update says. What happens in the bot's own chats is kept, and not answered: this bot works for the account."""
    try:
        update = BusinessUpdate.model_validate(raw)
    except ValidationError:
        return [unknown(raw)]
    found: Iterable[Inbound | None] = ()
    if update.business_message is not None:
        found = [_message(connection, update.business_message)]
    elif update.edited_business_message is not None:
        found = [_edited(connection, update.edited_business_message)]
    elif update.deleted_business_messages is not None:
        found = _deleted(connection, update.deleted_business_messages)
    elif update.business_connection is not None:
        found = [_linked(update.update_id, update.business_connection)]
    elif update.callback_query is not None:
        found = [_pressed(connection, update.callback_query)]
    return [one for one in found if one is not None] or [unknown(raw)]


def thread_of(connection: Connection, link: str, chat_id: int) -> str:
    """The thread of a chat, called by the link its account came with at first."""
    accounts: Mapping[str, Any] = connection.settings.get("accounts") or {}
    return f"{next((one['first'] for one in accounts.values() if one['link'] == link), link)}:{chat_id}"


def _message(connection: Connection, message: Message) -> Inbound | None:
    """The order of the questions is the fact sheet's."""
    thread_id, sender = thread_of(connection, message.business_connection_id, message.chat.id), message.sender
    if message.chat.type != "private" or sender is None or not message.business_connection_id:
        return None
    if message.sender_business_bot is not None and str(message.sender_business_bot.id) == connection.account:
        # Ours, come back: at most it confirms that it went out.
        external_id = f"{thread_id}:{message.message_id}"
        return Inbound("status", external_id, thread_id, customer_of(message.chat), receipt=Receipt("sent", external_id))
    if message.sender_business_bot is not None:
        return content(message, "echo", customer_of(message.chat), thread_id)
    if sender.id != message.chat.id:
        return content(message, "automatic" if message.is_from_offline else "echo", customer_of(message.chat), thread_id)
    return None if sender.is_bot else content(message, "message", sender_of(message), thread_id)


def _edited(connection: Connection, message: Message) -> Inbound | None:
    if message.chat.type != "private" or message.sender is None or not message.business_connection_id:
        return None
    thread_id = thread_of(connection, message.business_connection_id, message.chat.id)
    happened = content(message, "edited", customer_of(message.chat), thread_id)
    return _own(happened) if happened and message.sender.id != message.chat.id else happened


def _own(inbound: Inbound) -> Inbound:
    return Inbound(
        inbound.event, inbound.external_id, inbound.thread_id, inbound.sender, inbound.text, sent_at=inbound.sent_at, own=True,
    )  # fmt: skip


def _deleted(connection: Connection, deleted: Deleted) -> Iterable[Inbound]:
    """Which side each was on is not said, so it is asked of both; a number names only one message."""
    thread_id = thread_of(connection, deleted.business_connection_id, deleted.chat.id)
    for number in deleted.message_ids:
        for own in (False, True):
            yield Inbound("deleted", f"{thread_id}:{number}", thread_id, customer_of(deleted.chat), own=own)


def _linked(update_id: int, link: Link) -> Inbound:
    name = f"{link.user.first_name} {link.user.last_name}".replace("\x00", "").strip()
    may_reply = link.rights.can_reply or link.can_reply
    account = Account(str(link.user.id), link.id, name, link.is_enabled, may_reply, link.rights.can_read_messages)
    owner = customer_of(Chat(id=link.user.id, type="private", first_name=name))
    return Inbound("account", f"update:{update_id}", str(link.user_chat_id), owner, account=account, sent_at=time(link.date))


def _pressed(connection: Connection, callback: Callback) -> Inbound | None:
    message = callback.message
    if message is None or not message.business_connection_id or not callback.data:
        return None
    return pressed(callback, message, thread_of(connection, message.business_connection_id, message.chat.id))
