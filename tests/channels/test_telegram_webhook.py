"""The whole road of a webhook: the emulated Telegram delivers, the adapter verifies and reads."""

import time
from collections import Counter
from uuid import UUID

from aiogram.types import Update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from savdo.base.db import new_id
from savdo.channels.errors import BadSignature
from savdo.channels.models import Button, Connection, Inbound, Outbound
from savdo.channels.telegram_bot import TelegramBot
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram

bot = TelegramBot()


class Hook:
    """Takes what is delivered; answers 503 to the first tries of each update."""

    def __init__(self, telegram: Telegram, failures: int = 0) -> None:
        credentials = {"token": telegram.token, "secret": "s3cret"}
        self.connection = Connection(UUID(int=1), UUID(int=2), "telegram_bot", "Shop", "hk_key", credentials, {}, "active")
        self.app = Starlette(routes=[Route("/hooks/telegram_bot/hk_key", self._receive, methods=["POST"])])
        self.failures = failures
        self.tried: Counter[bytes] = Counter()
        self.taken: list[Inbound] = []

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        try:
            bot.verify(self.connection, request.headers, body)
        except BadSignature:
            return Response(status_code=401)
        self.tried[body] += 1
        if self.tried[body] <= self.failures:
            return Response(status_code=503)
        Update.model_validate_json(body)
        self.taken += bot.parse(self.connection, body)
        return Response()


async def test_that_everything_a_customer_does_is_delivered_in_order() -> None:
    telegram = Telegram()
    hook = Hook(telegram)
    async with serving(telegram.app) as base, serving(hook.app) as hooks:
        connection = Connection(
            UUID(int=1), UUID(int=2), "telegram_bot", "Shop", "hk_key", hook.connection.credentials, {"api_base": base}, "active"
        )
        await bot.subscribe(connection, f"{hooks}/hooks/telegram_bot/hk_key")
        first = telegram.customer_says(42, "How much?")
        telegram.customer_sends_photo(42, b"jpg", "this one")
        telegram.customer_sends_voice(42, b"ogg")
        telegram.customer_sends_document(42, "a.pdf", b"pdf")
        telegram.customer_sends_location(42, 41.3, 69.2)
        telegram.customer_sends_contact(42, "+998901234567")
        telegram.customer_edits(first, "How much is it?")
        await bot.send(connection, Outbound(new_id(), "42", "Pick", (Button("slot:1", "Tomorrow"),)))
        telegram.customer_presses(42, "Tomorrow")
        telegram.customer_blocks(42)
        telegram.customer_unblocks(42)
        await telegram.delivered()
        await telegram.close()
    assert [one.event for one in hook.taken] == ["message"] * 6 + ["edited", "message", "blocked", "unblocked"]
    assert [one.text for one in hook.taken[:2]] == ["How much?", "this one"]
    assert [len(one.media) for one in hook.taken[:4]] == [0, 1, 1, 1]
    assert hook.taken[5].sender.phone == "+998901234567"
    assert hook.taken[7].quick_reply == "slot:1"
    assert hook.taken[6].external_id == hook.taken[0].external_id


async def test_that_what_was_not_taken_comes_again_in_order_within_its_chat() -> None:
    telegram = Telegram()
    hook = Hook(telegram, failures=1)
    async with serving(telegram.app) as base, serving(hook.app) as hooks:
        connection = Connection(
            UUID(int=1), UUID(int=2), "telegram_bot", "Shop", "hk_key", hook.connection.credentials, {"api_base": base}, "active"
        )
        started = time.monotonic()
        await bot.subscribe(connection, f"{hooks}/hooks/telegram_bot/hk_key")
        for number in range(3):
            telegram.customer_says(42, str(number))
            telegram.customer_says(43, str(number))
        await telegram.delivered()
        await telegram.close()
        warnings = (await bot.check(connection)).warnings
    assert [one.text for one in hook.taken if one.thread_id == "42"] == ["0", "1", "2"]
    assert [one.text for one in hook.taken if one.thread_id == "43"] == ["0", "1", "2"]
    assert time.monotonic() - started < 5
    assert "could not deliver" in warnings[0]
