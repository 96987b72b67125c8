"""A Telegram bot: the ordinary chats of customers with a company's bot (Bot API)."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import JsonValue

from savdo.channels import telegram_api, telegram_sending, telegram_updates
from savdo.channels.errors import CannotTell
from savdo.channels.models import Checked, Connection, Inbound, Limits, Media, Outbound
from savdo.channels.telegram_api import call

UPDATES: list[JsonValue] = ["message", "edited_message", "callback_query", "my_chat_member", "message_reaction"]
READS_GROUPS = "Privacy mode is off: in a group this bot is handed every message. @BotFather switches it on with /setprivacy."
GROUP_PRIVACY = "Privacy mode is on, so in a group this bot sees only commands and replies to it. Private chats are not touched by it."


class TelegramBot:
    kind: ClassVar[str] = "telegram_bot"
    longest_text: ClassVar[int] = telegram_sending.LONGEST_TEXT
    limits: ClassVar[Limits] = Limits(menus=True, read_marks=True, voice="opus")

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        telegram_api.verify(connection, headers)

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        return [telegram_updates.inbound(telegram_updates.decode(body))]

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        chat_id = telegram_sending.chat_id(outbound.thread_id)
        return await telegram_sending.send(connection, outbound, chat_id, named=lambda chat, number: f"{chat}:{number}")

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        raise CannotTell

    async def typing(self, connection: Connection, thread_id: str) -> None:
        await call(connection, "sendChatAction", {"chat_id": telegram_sending.chat_id(thread_id), "action": "typing"})

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None:
        kind, _, callback_id = inbound.external_id.partition(":")
        if kind == "cb":
            await telegram_sending.acknowledge(connection, callback_id)
        else:
            # A bot has no read marks: that an answer is being written says the same.
            await self.typing(connection, inbound.thread_id)

    async def fetch(self, connection: Connection, media: Media, limit: int) -> bytes:
        return await telegram_sending.fetch(connection, media, limit)

    async def check(self, connection: Connection) -> Checked:
        me, warnings = await telegram_api.me(connection), await telegram_api.warnings(connection)
        if me.can_read_all_group_messages:
            warnings.append(READS_GROUPS)
        elif me.can_join_groups:
            warnings.append(GROUP_PRIVACY)
        return Checked(f"@{me.username}", tuple(warnings))

    async def subscribe(self, connection: Connection, hook_url: str) -> None:
        await telegram_api.subscribe(connection, hook_url, UPDATES)
