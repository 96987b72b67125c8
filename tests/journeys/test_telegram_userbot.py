"""A customer who writes to a person's own Telegram account: the bot answers in it, until that person does."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import db
from savdo.channels import connections, telegram_held, telegram_relay, telegram_sessions
from savdo.channels.models import Connection, Outbound, channel
from savdo.channels.telegram_held import LoggedOut, NeverWrote
from savdo.reply import turn
from tests.emulators.telegram_userbot import SESSIONS, Account
from tests.journeys.conftest import documents_read, settled, until, working

ANN = 42
OGG = b"OggS" + bytes(24) + b"OpusHead" + bytes(60)


@dataclass
class Shop:
    """A tea house that answers in its owner's account."""

    account: Account
    connection: Connection

    async def answers(self) -> list[str]:
        """What Ann was sent, once everything that was told is stored, answered and sent."""
        await until(self._heard)
        await settled(self.connection.tenant_id)
        return self.account.texts(ANN)

    async def _heard(self) -> bool:
        [row] = await self.rows("SELECT coalesce((state->>'heard')::bigint, -1) AS heard FROM connections")
        return row["heard"] >= self.account.newest() and all(one.told.empty() for one in self.account.speakers)

    async def rows(self, query: LiteralString) -> list[dict[str, Any]]:
        async with db.step(self.connection.tenant_id) as session:
            return await db.rows(session, query)

    async def messages(self) -> list[dict[str, Any]]:
        return await self.rows("SELECT * FROM messages ORDER BY number")


@pytest_asyncio.fixture
async def shop(tenant_id: UUID) -> AsyncGenerator[Shop]:
    await documents_read(tenant_id)
    account = Account(f"+99890{random.randrange(10**6, 10**7)}")
    async with db.step(tenant_id) as session:
        made = await connections.create(
            session, tenant_id, "telegram_userbot", "@owner", settings={"client": "emulated"}, account=str(account.id),
            credentials={"session": account.session()},
        )  # fmt: skip
    yield Shop(account, made)
    async with db.step(tenant_id) as session:
        await connections.mark(session, made.id, "off")


@asynccontextmanager
async def speaking(*, lease_s: float = 20.0) -> AsyncGenerator[asyncio.Task[None]]:
    """A worker speaks for the accounts, and does what there is to do."""
    task = asyncio.create_task(telegram_sessions.hold(turn.take, every=0.05, lease_s=lease_s, pace=0))
    try:
        async with working():
            yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def connected(shop: Shop) -> None:
    async def is_so() -> bool:
        [row] = await shop.rows("SELECT state ? 'heard' AS heard FROM connections")
        return row["heard"] and bool(shop.account.speakers)

    await until(is_so)


async def test_that_a_question_and_a_burst_are_answered_and_old_chats_are_left_alone(shop: Shop) -> None:
    shop.account.customer_says(77, "From before the account was connected")
    async with speaking():
        await connected(shop)
        asked = shop.account.customer_says(ANN, "Sencha choyi necha pul?")
        [answer] = await shop.answers()
        assert "84 000" in answer
        for text in ("Yana bir savol", "Sencha choyi", "necha pul?"):
            shop.account.customer_says(ANN, text)
        assert len(await shop.answers()) == 2
    assert shop.account.read[0] == (ANN, asked)
    assert shop.account.texts(77) == []
    assert [one["status"] for one in await shop.messages() if one["direction"] == "out"] == ["sent", "sent"]


async def test_that_the_bot_is_silent_once_the_owner_answers_in_the_app(shop: Shop) -> None:
    async with speaking():
        await connected(shop)
        shop.account.customer_says(ANN, "Sencha choyi necha pul?")
        assert len(await shop.answers()) == 1
        said = shop.account.person_answers(ANN, "84 ming, keling")
        asked = shop.account.customer_says(ANN, "Puer necha pul?")
        assert len(await shop.answers()) == 1
        shop.account.changes(ANN, said, "85 ming, keling", out=True)
        shop.account.customer_reacts(ANN, said, "👍")
        shop.account.deletes(asked, 999_999)

        async def is_done() -> bool:
            return bool((await shop.messages())[-1]["deleted_at"])

        await until(is_done)
    assert [(one["author"], one["text"]) for one in await shop.messages() if one["author"] != "bot"] == [
        ("contact", "Sencha choyi necha pul?"), ("member", "85 ming, keling"), ("contact", ""),
    ]  # fmt: skip
    assert (await shop.messages())[2]["payload"]["reactions"] == {"contact": "👍"}


async def test_that_who_never_wrote_is_never_written_to(shop: Shop) -> None:
    async with speaking():
        await connected(shop)
        # The owner writing to somebody is not that somebody writing.
        shop.account.person_answers(77, "Hello from me")
        await shop.answers()
        for stranger in ("77", "78"):
            with pytest.raises(NeverWrote):
                await channel("telegram_userbot").send(shop.connection, Outbound(db.new_id(), stranger, "Buy tea!"))
    assert shop.account.sent == []


async def test_that_a_process_that_does_not_hold_the_account_reaches_the_one_that_does(shop: Shop) -> None:
    async with speaking():
        await connected(shop)
        shop.account.customer_says(ANN, "Sencha choyi necha pul?")
        await shop.answers()
        sent = await telegram_relay.ask(shop.connection, "send_text", {"peer": ANN, "html": "From elsewhere", "reply_to": 0})
    assert (shop.account.sent[-1].number, shop.account.sent[-1].text) == (sent, "From elsewhere")


async def test_that_a_wait_is_kept_to_the_second_by_the_whole_account(shop: Shop) -> None:
    async with speaking():
        await connected(shop)
        shop.account.floods(2)
        shop.account.customer_says(ANN, "Sencha choyi necha pul?")
        await until(lambda: _is(shop.account.flooded_at > 0))
        shop.account.customer_says(43, "Sencha choyi necha pul?")
        assert len(await shop.answers()) == 1
    assert {one.peer for one in shop.account.sent} == {ANN, 43}
    assert min(one.at for one in shop.account.sent) - shop.account.flooded_at >= 2


async def test_that_a_voice_note_is_fetched_and_what_was_missed_is_answered(shop: Shop) -> None:
    async with speaking():
        await connected(shop)
    shop.account.customer_sends(ANN, "voice", OGG, "audio/ogg")
    shop.account.customer_says(ANN, "Sencha choyi necha pul?")
    async with speaking():
        assert len(await shop.answers()) == 1

        async def fetched() -> bool:
            return "attachments" in (await shop.messages())[0]["payload"]

        await until(fetched)
    assert (await shop.messages())[0]["payload"]["attachments"][0]["size"] == len(OGG)


async def test_that_what_the_owner_answered_meanwhile_is_not_answered_again(shop: Shop) -> None:
    async with speaking():
        await connected(shop)
    shop.account.customer_says(43, "Sencha choyi necha pul?")
    shop.account.customer_says(ANN, "Sencha choyi necha pul?")
    shop.account.person_answers(43, "84 ming")
    async with speaking():
        await shop.answers()
    assert [one.peer for one in shop.account.sent] == [ANN]


async def test_that_a_session_ended_elsewhere_is_shown_and_forgotten_and_a_new_one_goes_on(shop: Shop) -> None:
    async def is_lost() -> bool:
        [row] = await shop.rows("SELECT status FROM connections")
        return row["status"] == "reconnect"

    async with speaking():
        await connected(shop)
        shop.account.revoke()
        await until(is_lost)
        async with db.step(shop.connection.tenant_id) as session:
            found = await connections.by_id(session, shop.connection.id)
        [row] = await shop.rows("SELECT problem FROM connections")
        assert (found.credentials, row["problem"]) == ({}, LoggedOut().message)
        shop.account.customer_says(ANN, "Sencha choyi necha pul?")
        async with db.step(shop.connection.tenant_id) as session:
            await connections.save_credentials(session, shop.connection.id, {"session": shop.account.session()})
        # Written while nobody listened.
        assert len(await shop.answers()) == 1


async def test_that_one_worker_speaks_at_a_time_and_another_takes_over_from_a_dead_one(shop: Shop) -> None:
    async with db.step(shop.connection.tenant_id) as session:
        # A worker that died has the lease for a while.
        await session.execute(
            "INSERT INTO userbot_leases (tenant_id, connection_id, holder, until) VALUES (%s, %s, %s, now() + %s)",
            (shop.connection.tenant_id, shop.connection.id, db.new_id(), timedelta(minutes=1)),
        )
    async with speaking(), speaking():
        await asyncio.sleep(0.2)
        assert shop.account.speakers == []
        async with db.step(shop.connection.tenant_id) as session:
            await session.execute("UPDATE userbot_leases SET until = now()")
        await connected(shop)
        shop.account.customer_says(ANN, "Sencha choyi necha pul?")
        assert len(await shop.answers()) == 1
        # Two at once would have ended the session for good.
        assert shop.account in SESSIONS.values()
        [lease] = await shop.rows("SELECT holder FROM userbot_leases")
        async with db.step(shop.connection.tenant_id) as session:
            # What a stranger holds is let go of at once.
            await session.execute("UPDATE userbot_leases SET holder = %s, until = now() + interval '1 minute'", (db.new_id(),))
        await until(lambda: _is(not shop.account.speakers and shop.connection.id not in telegram_held.HELD))
    assert lease["holder"]


async def _is(value: bool) -> bool:
    return value
