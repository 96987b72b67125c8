"""A Telegram bot that answers for a person's or a company's own account (Telegram Business)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import JsonValue

from savdo.channels import telegram_api, telegram_business_updates, telegram_sending, telegram_updates
from savdo.channels.errors import CannotTell, Refused
from savdo.channels.models import Checked, Connection, Inbound, Limits, Media, Outbound
from savdo.channels.telegram_api import call

UPDATES: list[JsonValue] = [
    "business_connection", "business_message", "edited_business_message", "deleted_business_messages", "callback_query",
]  # fmt: skip
NO_BUSINESS_MODE = "Business mode is off for this bot: in @BotFather open the bot, Bot Settings, Business Mode, and turn it on."


class SwitchedOff(Refused):
    """The owner of the account has switched this bot off in Telegram."""

    code = "switched_off"


class ReadOnly(Refused):
    """The owner of the account does not allow this bot to reply."""

    code = "read_only"


class TelegramBusiness:
    kind: ClassVar[str] = "telegram_business"
    longest_text: ClassVar[int] = telegram_sending.LONGEST_TEXT
    # The right to reply covers a day from the customer's last message; only the owner can write after that, by hand.
    limits: ClassVar[Limits] = Limits(window=timedelta(hours=24), menus=True, read_marks=True, voice="opus")

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        telegram_api.verify(connection, headers)

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        return telegram_business_updates.inbounds(connection, telegram_updates.decode(body))

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        """As the account. Raises SwitchedOff, ReadOnly, and what Telegram's refusals mean."""
        link, chat_id = _place(connection, outbound.thread_id)
        account = _account(connection, link)
        if not account.get("enabled", True):
            raise SwitchedOff
        if not account.get("may_reply", True):
            raise ReadOnly
        thread = outbound.thread_id.rpartition(":")[0]
        return await telegram_sending.send(
            connection, outbound, chat_id, named=lambda chat, number: f"{thread}:{chat}:{number}",
            extra={"business_connection_id": link}, reply_keyboards=False,
        )  # fmt: skip

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        raise CannotTell

    async def typing(self, connection: Connection, thread_id: str) -> None:
        link, chat_id = _place(connection, thread_id)
        await call(connection, "sendChatAction", {"business_connection_id": link, "chat_id": chat_id, "action": "typing"})

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None:
        kind, _, callback_id = inbound.external_id.partition(":")
        if kind == "cb":
            await telegram_sending.acknowledge(connection, callback_id)
            return
        link, chat_id = _place(connection, inbound.thread_id)
        if _account(connection, link).get("may_read"):
            number = telegram_sending.message_id(inbound.external_id)
            read: dict[str, JsonValue] = {"business_connection_id": link, "chat_id": chat_id, "message_id": number}
            await call(connection, "readBusinessMessage", read)

    async def fetch(self, connection: Connection, media: Media, limit: int) -> bytes:
        return await telegram_sending.fetch(connection, media, limit)

    async def check(self, connection: Connection) -> Checked:
        me, warnings = await telegram_api.me(connection), await telegram_api.warnings(connection)
        if not me.can_connect_to_business:
            warnings.insert(0, NO_BUSINESS_MODE)
        return Checked(f"@{me.username}", tuple(warnings))

    async def subscribe(self, connection: Connection, hook_url: str) -> None:
        await telegram_api.subscribe(connection, hook_url, UPDATES)


def _place(connection: Connection, thread_id: str) -> tuple[str, int]:
    """The link and the chat of a thread. Raises Refused."""
    called, _, chat = thread_id.rpartition(":")
    if not called:
        raise Refused("This is not a chat of a Telegram account.")
    link = next((one["link"] for one in _accounts(connection).values() if one["first"] == called), called)
    return link, telegram_sending.chat_id(chat)


def _account(connection: Connection, link: str) -> Mapping[str, Any]:
    return next((one for one in _accounts(connection).values() if one["link"] == link), {})


def _accounts(connection: Connection) -> Mapping[str, Any]:
    return connection.settings.get("accounts") or {}
