"""What is wrong with a bot's deliveries is noted, told, and set right where it can be; and one bot is of one kind."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import circuit, clock, texts
from savdo.base.db import rows, step
from savdo.base.settings import settings
from savdo.channels import connections, linked, telegram_connecting, telegram_health
from savdo.channels.models import Connection
from savdo.channels.telegram_api import REVOKED
from savdo.channels.telegram_connecting import BotHere, BotTaken
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram

PUBLIC = "https://savdo.example"


@pytest_asyncio.fixture
async def telegram(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Telegram]:
    circuit.forget()
    made = Telegram(f"{random.randrange(10**9, 10**10)}:{'A' * 35}")
    async with serving(made.app) as address:
        monkeypatch.setenv("SAVDO_TELEGRAM_API_BASE", address)
        monkeypatch.setenv("SAVDO_PUBLIC_URL", PUBLIC)
        settings.cache_clear()
        yield made
        await made.close()
    monkeypatch.undo()
    settings.cache_clear()
    circuit.forget()


@pytest_asyncio.fixture
async def bot(tenant_id: UUID, telegram: Telegram) -> Connection:
    return await telegram_connecting.connect(tenant_id, "alice", telegram.token)


async def watched(bot: Connection) -> dict[str, Any]:
    """The connection's row after a look."""
    await telegram_health.watch(tenant_id=str(bot.tenant_id), connection_id=str(bot.id))
    async with step(bot.tenant_id) as session:
        [row] = await rows(session, "SELECT status, problem, state->'health' AS health FROM connections WHERE id = %s", (bot.id,))
    return row


async def test_that_deliveries_that_fail_are_told_until_they_work_again(bot: Connection, telegram: Telegram) -> None:
    assert (await watched(bot))["problem"] is None
    telegram.last_error = "Wrong response from the webhook: 502 Bad Gateway"
    telegram.pending = [{"update_id": 1}]
    row = await watched(bot)
    assert (row["problem"], row["health"]["pending"], row["health"]["last_error"]) == (
        telegram_health.NOT_DELIVERED, 1, telegram.last_error,
    )  # fmt: skip
    telegram.pending = []
    assert (await watched(bot))["problem"] is None
    telegram.last_error, telegram.pending = "", [{"update_id": number} for number in range(60)]
    assert (await watched(bot))["problem"] == telegram_health.NOT_DELIVERED


async def test_that_an_old_error_is_no_problem(bot: Connection, telegram: Telegram) -> None:
    telegram.last_error, telegram.pending = "Connection timed out", [{"update_id": 1}]
    clock.move(timedelta(hours=2))
    try:
        assert (await watched(bot))["problem"] is None
    finally:
        clock.reset()


async def test_that_a_webhook_that_is_gone_is_set_again_and_one_elsewhere_is_told(bot: Connection, telegram: Telegram) -> None:
    telegram.webhook = {}
    await watched(bot)
    assert telegram.webhook["url"] == f"{PUBLIC}/hooks/telegram_bot/{bot.key}"
    telegram.webhook = {"url": "https://elsewhere.example/hook"}
    assert (await watched(bot))["problem"] == telegram_health.GONE_ELSEWHERE
    assert telegram.webhook == {"url": "https://elsewhere.example/hook"}


async def test_that_a_revoked_token_is_noticed_without_a_message(bot: Connection, telegram: Telegram) -> None:
    telegram.revoke()
    row = await watched(bot)
    assert (row["status"], row["problem"]) == ("reconnect", REVOKED)


async def test_that_a_bot_is_of_one_kind_and_of_one_company(
    tenant_id: UUID, other_tenant_id: UUID, bot: Connection, telegram: Telegram
) -> None:
    for company, error in ((tenant_id, BotHere), (other_tenant_id, BotTaken)):
        with pytest.raises(error):
            await telegram_connecting.connect(company, "alice", telegram.token, "telegram_business")
    await telegram_connecting.disconnect(tenant_id, "alice", bot.id)
    made = await telegram_connecting.connect(tenant_id, "alice", telegram.token, "telegram_business")
    assert telegram.webhook["url"] == f"{PUBLIC}/hooks/telegram_business/{made.key}"
    assert "business_message" in telegram.webhook["allowed_updates"]
    async with step(tenant_id) as session:
        assert (await connections.by_id(session, made.id)).status == "active"
        [row] = await rows(session, "SELECT problem FROM connections WHERE id = %s", (made.id,))
    # Nobody's account is there yet, and the owner is told how to add one.
    assert row["problem"] == linked.NOT_LINKED


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_that_every_problem_has_its_words(language: str) -> None:
    assert [key for key in telegram_health.TEXTS.values() if not texts.t(key, language)] == []
