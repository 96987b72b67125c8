"""Over real HTTP: a webhook comes in, an answer goes out through the emulated Telegram; bad input gets a clear refusal."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from savdo.base import db
from savdo.channels import connections
from savdo.channels.models import Connection
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram
from tests.journeys.conftest import settled, thread, working
from tests.web import office

SECRET = {"x-telegram-bot-api-secret-token": "front-door"}


@dataclass
class Door:
    """The app's hook of a Telegram bot, the bot's connection, and Telegram itself."""

    client: httpx.AsyncClient
    path: str
    connection: Connection
    telegram: Telegram

    async def post(self, body: Any, headers: dict[str, str] = SECRET) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(self.path, content=content, headers=headers)


@pytest_asyncio.fixture
async def door(tea_house: Connection) -> AsyncGenerator[Door]:
    telegram = Telegram()
    async with serving(telegram.app) as far, serving(office.app()) as near, httpx.AsyncClient(base_url=near, timeout=20) as client:
        async with db.step(tea_house.tenant_id) as session:
            connection = await connections.create(
                session, tea_house.tenant_id, "telegram_bot", "Bot",
                credentials={"token": telegram.token, "secret": "front-door"}, settings={"api_base": far},
            )  # fmt: skip
        yield Door(client, f"/hooks/telegram_bot/{connection.key}", connection, telegram)


def update(number: int, text: str, chat: int = 42) -> dict[str, Any]:
    return {
        "update_id": number,
        "message": {
            "message_id": number, "date": 1795226444, "text": text, "chat": {"id": chat, "type": "private"},
            "from": {"id": chat, "is_bot": False, "first_name": "Ann", "language_code": "uz"},
        },
    }  # fmt: skip


async def test_that_a_question_on_telegram_is_answered(door: Door) -> None:
    async with working():
        assert (await door.post(update(1, "Puer choyi qancha turadi?"))).status_code == 200
        sent = await door.telegram.wait_for_sent(42, 1)
    assert "132 000" in sent[0].text.replace("\u00a0", " ")


async def test_that_a_burst_on_telegram_gets_one_answer(door: Door) -> None:
    async with working():
        for number, text in enumerate(("Salom", "choy bormi", "Sencha", "bir kilosi", "necha pul?"), 1):
            assert (await door.post(update(number, text))).status_code == 200
        await settled(door.connection.tenant_id)
    assert len(door.telegram.sent_to(42)) == 1


async def test_that_the_same_webhook_thrice_at_once_is_one_message(door: Door) -> None:
    answers = await asyncio.gather(*(door.post(update(7, "Salom")) for _ in range(3)))
    assert [one.status_code for one in answers] == [200, 200, 200]
    assert len(await thread(door.connection.tenant_id)) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (update(1, "Salom"), {"x-telegram-bot-api-secret-token": "forged"}, 401),
        (update(1, "Salom"), {}, 401),
        (b"{not json", SECRET, 400),
        (b'["a list"]', SECRET, 400),
        (b"\xff\xfe\x00", SECRET, 400),
        (b"x" * 10_000_000, SECRET, 413),
    ],
)
async def test_that_bad_input_is_refused_and_nothing_is_stored(door: Door, body: Any, headers: dict[str, str], status: int) -> None:
    answer = await door.post(body, headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert await thread(door.connection.tenant_id) == []


@pytest.mark.parametrize("path", ["/hooks/telegram_bot/hk_unknown", "/hooks/telegram_bot/" + "x" * 500, "/hooks/pigeon/hk_x"])
async def test_that_an_unknown_key_is_not_found(door: Door, path: str) -> None:
    answer = await door.client.post(path, json=update(1, "Salom"), headers=SECRET)
    assert answer.status_code == 404


async def test_that_a_foreign_key_of_another_kind_does_not_open(door: Door, tea_house: Connection) -> None:
    answer = await door.client.post(f"/hooks/telegram_bot/{tea_house.key}", json=update(1, "Salom"), headers=SECRET)
    assert answer.status_code == 404


async def test_that_a_customer_who_blocked_the_bot_is_marked(door: Door) -> None:
    door.telegram.blocked.add(42)
    async with working():
        await door.post(update(1, "Salom"))
        await settled(door.connection.tenant_id)
    assert (await thread(door.connection.tenant_id))[-1][2] == "failed"


async def test_that_a_flood_wait_is_obeyed(door: Door) -> None:
    door.telegram.floods("sendMessage", retry_after=1)
    async with working():
        await door.post(update(1, "Salom"))
        await settled(door.connection.tenant_id)
    assert len(door.telegram.sent_to(42)) == 1


async def test_that_health_and_metrics_answer(door: Door) -> None:
    assert (await door.client.get("/health/live")).json() == {"status": "ok"}
    assert (await door.client.get("/health/ready")).status_code == 200
    assert "savdo_" in (await door.client.get("/metrics")).text
