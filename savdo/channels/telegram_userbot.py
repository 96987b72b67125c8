"""A person's own Telegram account: it answers people who wrote to it first, and begins no conversation.

Buttons, lists and templates are not given to people's accounts, so they go as text. There is no hook: what happens is
told over the connection that `telegram_sessions` holds.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from savdo.channels import marks, menus, parts, telegram_held, telegram_userbot_updates
from savdo.channels.errors import BadSignature, CannotTell, Refused
from savdo.channels.models import Checked, Connection, Inbound, Limits, Media, Outbound

LONGEST_CAPTION = 1024
LARGEST_UPLOAD = 50_000_000


class TelegramUserbot:
    kind: ClassVar[str] = "telegram_userbot"
    longest_text: ClassVar[int] = 4096
    # What we send ourselves is not told to us, except after a break, when it may overtake its own mark.
    limits: ClassVar[Limits] = Limits(read_marks=True, hold=timedelta(seconds=3), voice="opus")

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        # Nobody delivers here.
        raise BadSignature

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        return telegram_userbot_updates.inbounds(body)

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        """Raises NeverWrote for who has not written first, Busy with the account's wait, LoggedOut, and what `parts.in_turn` does."""

        async def one(part: tuple[str, dict[str, Any]]) -> str:
            return str(await telegram_held.call(connection, part[0], peer=peer, **part[1]))

        peer = _number(outbound.thread_id)
        return await parts.in_turn(_planned(outbound), one)

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        raise CannotTell

    async def typing(self, connection: Connection, thread_id: str) -> None:
        await telegram_held.call(connection, "typing", peer=_number(thread_id))

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None:
        await telegram_held.call(connection, "read", peer=_number(inbound.thread_id), message_id=_number(inbound.external_id))

    async def fetch(self, connection: Connection, media: Media, limit: int) -> bytes:
        peer, _, message_id = media.reference.partition(":")
        found: bytes = await telegram_held.call(
            connection, "download", peer=_number(peer), message_id=_number(message_id), limit=limit
        )  # fmt: skip
        return found

    async def check(self, connection: Connection) -> Checked:
        me: Mapping[str, Any] | telegram_held.Me = await telegram_held.call(connection, "me")
        found = me if isinstance(me, telegram_held.Me) else telegram_held.Me(**me)
        return Checked(f"@{found.username}" if found.username else found.name)

    async def subscribe(self, connection: Connection, hook_url: str) -> None: ...


def _planned(outbound: Outbound) -> list[tuple[str, dict[str, Any]]]:
    """The calls in order, with what they are told beside the person."""
    outbound = menus.as_text(outbound) if outbound.menu else outbound
    outbound = replace(outbound, text=menus.buttons_as_text(outbound.text.replace("\x00", ""), outbound.buttons))
    text = marks.read(outbound.text)
    as_caption = len(outbound.files) == 1 and marks.units(text.text) <= LONGEST_CAPTION
    planned: list[tuple[str, dict[str, Any]]] = []
    for file in outbound.files:
        if len(file.content) > LARGEST_UPLOAD:
            raise Refused(f"{file.name} is larger than {LARGEST_UPLOAD // 1_000_000} MB.")
        told = {"kind": file.kind, "name": file.name, "mime": file.mime, "content": file.content}
        planned.append(("send_file", told | {"html": text.html() if as_caption else ""}))
    if not as_caption:
        answered = _number(outbound.reply_to) if outbound.reply_to else 0
        texts = marks.parts(text, TelegramUserbot.longest_text)
        planned += [("send_text", {"html": one.html(), "reply_to": 0 if at else answered}) for at, one in enumerate(texts)]
    return planned


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Refused("This is not a person or a message of Telegram.") from None
