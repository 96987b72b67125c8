"""Long polling: every update is stored before it is confirmed, by one process at a time."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from psycopg.errors import AdminShutdown

from savdo.base import circuit
from savdo.base.db import DatabaseDown, first, new_id, step
from savdo.channels import connections
from savdo.channels.models import Button, Connection, Inbound, Outbound
from savdo.channels.telegram_bot import TelegramBot
from savdo.channels.telegram_polling import needed, poll
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram

CHAT = 42


class Store:
    """Where updates go in these tests: a list, which fails when it is told to."""

    def __init__(self) -> None:
        self.kept: list[Inbound] = []
        self.connections: list[UUID] = []
        self.refusals: list[Exception] = []
        self.never: Callable[[Inbound], bool] = lambda _: False

    async def take(self, connection: Connection, inbounds: Sequence[Inbound]) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        if any(self.never(inbound) for inbound in inbounds):
            raise RuntimeError("cannot be stored")
        self.kept += inbounds
        self.connections += [connection.id] * len(inbounds)

    @property
    def texts(self) -> list[str]:
        return [one.text or one.event for one in self.kept]

    async def holds(self, count: int) -> None:
        await until(lambda: len(self.kept) >= count)


async def until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 # a test may look often
            await asyncio.sleep(0.01)


@asynccontextmanager
async def polling(store: Store) -> AsyncGenerator[asyncio.Task[None]]:
    task = asyncio.create_task(poll(store.take, every=0.05))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def store() -> Store:
    return Store()


@pytest_asyncio.fixture
async def telegram() -> AsyncGenerator[Telegram]:
    circuit.forget()
    yield Telegram()
    circuit.forget()


@pytest_asyncio.fixture
async def bot(tenant_id: UUID, telegram: Telegram) -> AsyncGenerator[Connection]:
    """The company's bot at an emulated Telegram; switched off afterwards, so that the next test does not read it."""
    async with serving(telegram.app) as base:
        yield await connected(tenant_id, telegram, base)
        async with step(tenant_id) as session:
            await session.execute("UPDATE connections SET status = 'off'")


async def connected(tenant_id: UUID, telegram: Telegram, base: str) -> Connection:
    async with step(tenant_id) as session:
        return await connections.create(
            session, tenant_id, "telegram_bot", "Shop", credentials={"token": telegram.token, "secret": "s"}, settings={"api_base": base}
        )


async def shown(connection: Connection) -> tuple[str, str | None]:
    async with step(connection.tenant_id) as session:
        row = await first(session, "SELECT status, problem FROM connections WHERE id = %s", (connection.id,))
    assert row is not None
    return row["status"], row["problem"]


async def until_shown(connection: Connection, status: str, word: str) -> None:
    """Until the owner sees this status and this word of the problem; "" is no problem at all."""
    async with asyncio.timeout(10):
        while True:
            found, problem = await shown(connection)
            if found == status and (word in (problem or "") if word else problem is None):
                return
            await asyncio.sleep(0.02)


def test_that_polling_is_for_addresses_telegram_cannot_deliver_to() -> None:
    assert [needed(url) for url in ("", "http://localhost:8000", "https://savdo.example")] == [True, True, False]


async def test_that_updates_arrive_in_order_and_are_confirmed(bot: Connection, telegram: Telegram, store: Store) -> None:
    telegram.webhook = {"url": ""}
    telegram.customer_says(CHAT, "one")
    async with polling(store):
        telegram.customer_says(CHAT, "two")
        await store.holds(2)
        telegram.customer_says(CHAT, "three")
        await store.holds(3)
        await telegram.delivered()
    assert store.texts == ["one", "two", "three"]
    assert telegram.calls["deletewebhook"] == 1
    assert telegram.webhook == {}


@pytest.mark.parametrize("error", [DatabaseDown(), AdminShutdown()], ids=["no connection", "broken in the middle"])
async def test_that_nothing_is_confirmed_before_it_is_stored(bot: Connection, telegram: Telegram, store: Store, error: Exception) -> None:
    store.refusals = [error]
    telegram.customer_says(CHAT, "keep me")
    async with polling(store):
        await until(lambda: not store.refusals)
        await asyncio.sleep(0.1)
        assert len(telegram.pending) == 1
        await store.holds(1)
        await telegram.delivered()
    assert store.texts == ["keep me"]


async def test_that_one_that_cannot_be_stored_does_not_hold_up_the_others(bot: Connection, telegram: Telegram, store: Store) -> None:
    store.never = lambda inbound: inbound.text == "poison"
    for text in ("before", "poison", "after"):
        telegram.customer_says(CHAT, text)
    telegram.delivers({"news_of_tomorrow": {"x": 1}})
    async with polling(store):
        await store.holds(4)
        await telegram.delivered()
    assert store.texts == ["before", "unknown", "after", "unknown"]
    assert store.kept[1].raw["message"]["text"] == "poison"


async def test_that_a_pressed_button_is_acknowledged(bot: Connection, telegram: Telegram, store: Store) -> None:
    await TelegramBot().send(bot, Outbound(new_id(), str(CHAT), "Pick", (Button("slot:1", "Tomorrow"),)))
    update = telegram.customer_presses(CHAT, "Tomorrow")
    async with polling(store):
        await store.holds(1)
        await until(lambda: telegram.answered_callbacks == [update["callback_query"]["id"]])


async def test_that_a_restart_goes_on_where_it_stopped(bot: Connection, telegram: Telegram, store: Store) -> None:
    telegram.customer_says(CHAT, "one")
    async with polling(store):
        await store.holds(1)
        await telegram.delivered()
    telegram.customer_says(CHAT, "two")
    async with polling(store):
        await store.holds(2)
    assert store.texts == ["one", "two"]


async def test_that_ids_that_began_anew_after_a_silent_week_are_read(bot: Connection, telegram: Telegram, store: Store) -> None:
    async with step(bot.tenant_id) as session:
        await session.execute("""UPDATE connections SET state = '{"offset": 900900}', last_event_at = now() - interval '8 days'""")
    telegram.customer_says(CHAT, "back again")
    async with polling(store):
        await store.holds(1)
    assert store.texts == ["back again"]


async def test_that_two_processes_never_read_one_bot(bot: Connection, telegram: Telegram, store: Store) -> None:
    other = Store()
    async with polling(store) as reading:
        await until(lambda: telegram.calls["getupdates"] > 0)
        async with polling(other):
            telegram.customer_says(CHAT, "one")
            await store.holds(1)
            await asyncio.sleep(0.2)
            assert telegram.calls["deletewebhook"] == 1
            assert other.kept == []
            # The first one ends, and the second takes over.
            reading.cancel()
            telegram.customer_says(CHAT, "two")
            await other.holds(1)
    assert other.texts[-1] == "two"


async def test_that_reading_goes_on_when_the_lock_was_lost(database: str, bot: Connection, telegram: Telegram, store: Store) -> None:
    async with polling(store):
        await until(lambda: telegram.calls["getupdates"] > 0)
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as session:
            ended = await session.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_locks
                    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
            )
            assert ended.rowcount == 1
        await until(lambda: telegram.calls["deletewebhook"] == 2)
        telegram.customer_says(CHAT, "still there?")
        await store.holds(1)
    assert store.texts == ["still there?"]


async def test_that_another_program_reading_the_bot_is_shown_and_waited_out(bot: Connection, telegram: Telegram, store: Store) -> None:
    telegram.fails("getUpdates", 409, "Conflict: terminated by other getUpdates request")
    telegram.customer_says(CHAT, "one")
    async with polling(store):
        await until_shown(bot, "active", "Another program")
        await store.holds(1)
        await until_shown(bot, "active", "")


async def test_that_a_revoked_token_asks_the_owner_to_reconnect(bot: Connection, telegram: Telegram, store: Store) -> None:
    telegram.revoke()
    async with polling(store):
        await until_shown(bot, "reconnect", "BotFather")
        asked = telegram.calls.total()
        await asyncio.sleep(0.2)
        assert telegram.calls.total() == asked


async def test_that_new_and_removed_connections_are_noticed(
    bot: Connection, telegram: Telegram, store: Store, other_tenant_id: UUID
) -> None:
    second = Telegram("888:" + "B" * 35)
    async with serving(second.app) as base, polling(store):
        await until(lambda: telegram.calls["getupdates"] > 0)
        theirs = await connected(other_tenant_id, second, base)
        second.customer_says(CHAT, "hello")
        await store.holds(1)
        assert store.connections == [theirs.id]
        async with step(other_tenant_id) as session:
            await connections.mark(session, theirs.id, "off")
        await asyncio.sleep(0.3)
        second.customer_says(CHAT, "anyone?")
        telegram.customer_says(CHAT, "still here")
        await store.holds(2)
    assert store.texts == ["hello", "still here"]


async def test_that_a_server_that_fails_is_asked_again(bot: Connection, telegram: Telegram, store: Store) -> None:
    telegram.fails("getUpdates", 502, "Bad Gateway")
    telegram.customer_says(CHAT, "one")
    async with polling(store):
        await store.holds(1)
    assert store.texts == ["one"]


async def test_that_a_bot_that_answers_for_an_account_is_read_too(tenant_id: UUID, telegram: Telegram, store: Store) -> None:
    account = telegram.owner_links(900, "bc_1")
    asked = telegram.customer_writes(account, CHAT, "one")["business_message"]["message_id"]
    telegram.owner_answers(account, CHAT, "two")
    telegram.removes(account, CHAT, asked, asked + 1)
    async with serving(telegram.app) as base:
        async with step(tenant_id) as session:
            made = await connections.create(
                session, tenant_id, "telegram_business", "Shop", settings={"api_base": base},
                credentials={"token": telegram.token, "secret": "s"},
            )  # fmt: skip
        async with polling(store):
            await store.holds(7)
            await telegram.delivered()
        async with step(tenant_id) as session:
            await connections.mark(session, made.id, "off")
    assert [one.event for one in store.kept] == ["account", "message", "echo", *["deleted"] * 4]
