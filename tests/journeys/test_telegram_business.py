"""A customer who writes to the owner's own Telegram account: the bot answers there, until the owner does."""

import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio

from savdo.base import circuit, clock, db
from savdo.channels import connections, linked
from savdo.channels.models import Connection, channel
from savdo.conversations import thread
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram
from tests.emulators.telegram_accounts import Account
from tests.journeys.conftest import documents_read, settled, working
from tests.web import office

CHAT = 42


@dataclass
class Shop:
    """A tea house whose owner has let a bot into the account."""

    telegram: Telegram
    account: Account
    connection: Connection

    async def answers(self) -> list[str]:
        await self.telegram.delivered()
        await settled(self.connection.tenant_id)
        await self.telegram.delivered()
        return [one.text.replace("\u00a0", " ") for one in self.telegram.sent_to(CHAT)]

    async def messages(self) -> list[dict[str, Any]]:
        async with db.step(self.connection.tenant_id) as session:
            return await db.rows(session, "SELECT * FROM messages ORDER BY number")

    async def problem(self) -> str | None:
        async with db.step(self.connection.tenant_id) as session:
            [row] = await db.rows(session, "SELECT problem FROM connections WHERE id = %s", (self.connection.id,))
        return row["problem"]


@pytest_asyncio.fixture
async def shop(tenant_id: UUID) -> AsyncGenerator[Shop]:
    await documents_read(tenant_id)
    circuit.forget()
    telegram = Telegram(f"{random.randrange(10**9, 10**10)}:{'A' * 35}")
    async with serving(telegram.app) as base, serving(office.app()) as hooks:
        async with db.step(tenant_id) as session:
            made = await connections.create(
                session, tenant_id, "telegram_business", "@oqchoy_bot", settings={"api_base": base}, account=str(telegram.id),
                credentials={"token": telegram.token, "secret": "s"},
            )  # fmt: skip
        await channel(made.channel).subscribe(made, f"{hooks}/hooks/telegram_business/{made.key}")
        account = telegram.owner_links(900, "bc_1")
        await telegram.delivered()
        yield Shop(telegram, account, made)
        await telegram.close()
    circuit.forget()


async def test_that_a_question_and_a_burst_are_answered_as_the_account_and_marked_as_read(shop: Shop) -> None:
    async with working():
        shop.telegram.customer_writes(shop.account, CHAT, "Sencha choyi necha pul?")
        [answer] = await shop.answers()
        assert "84 000" in answer
        for text in ("Yana bir savol", "Sencha choyi", "necha pul?"):
            shop.telegram.customer_writes(shop.account, CHAT, text)
        assert len(await shop.answers()) == 2
    assert shop.telegram.read[0][:2] == ("bc_1", CHAT)
    # Our own messages came back and are no person's.
    assert [(one["author"], one["status"]) for one in await shop.messages() if one["direction"] == "out"] == [("bot", "sent")] * 2


async def test_that_the_bot_is_silent_once_the_owner_answers_in_the_app_but_not_for_an_away_message(shop: Shop) -> None:
    async with working():
        away = shop.telegram.owner_answers(shop.account, CHAT, "We are closed now", is_from_offline=True)
        shop.telegram.customer_writes(shop.account, CHAT, "Sencha choyi necha pul?")
        assert len(await shop.answers()) == 1
        said = shop.telegram.owner_answers(shop.account, CHAT, "84 ming, keling")
        await shop.telegram.delivered()
        shop.telegram.customer_writes(shop.account, CHAT, "Puer necha pul?")
        assert len(await shop.answers()) == 1
        shop.telegram.removes(shop.account, CHAT, said["business_message"]["message_id"], away["business_message"]["message_id"])
        await shop.telegram.delivered()
    found = await shop.messages()
    assert [(one["author"], bool(one["deleted_at"])) for one in found] == [
        ("system", True), ("contact", False), ("bot", False), ("member", True), ("contact", False),
    ]  # fmt: skip


async def test_that_an_account_switched_off_is_shown_and_one_switched_on_goes_on(shop: Shop) -> None:
    shop.telegram.customer_writes(shop.account, CHAT, "Sencha choyi necha pul?")
    await shop.telegram.delivered()
    shop.telegram.owner_switches(shop.account, on=False)
    await shop.telegram.delivered()
    assert await shop.problem() == linked.SWITCHED_OFF
    async with working():
        assert await shop.answers() == []
        shop.telegram.owner_switches(shop.account, on=True)
        await shop.telegram.delivered()
        assert await shop.problem() is None
        shop.telegram.customer_writes(shop.account, CHAT, "Puer necha pul?")
        assert len(await shop.answers()) == 1
    assert shop.telegram.calls["sendmessage"] == 1


async def test_that_after_a_day_of_silence_nothing_is_sent_as_the_account(shop: Shop) -> None:
    shop.telegram.customer_writes(shop.account, CHAT, "Salom")
    await shop.telegram.delivered()
    clock.move(timedelta(hours=25))
    try:
        async with db.step(shop.connection.tenant_id) as session:
            [talk] = await db.rows(session, "SELECT id FROM conversations")
            await thread.say(session, shop.connection.tenant_id, talk["id"], db.new_id(), "Are you still there?")
        async with working():
            await settled(shop.connection.tenant_id)
    finally:
        clock.reset()
    assert [one["status"] for one in await shop.messages()] == ["received", "failed"]
    assert shop.telegram.calls["sendmessage"] == 0
