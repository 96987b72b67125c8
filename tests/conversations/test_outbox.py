"""What is queued is sent, however often the channel asks to wait, and nothing goes out meanwhile."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from uuid import UUID

import pytest_asyncio

from savdo.base import clock, db, jobs
from savdo.channels.errors import Busy, PairBusy, Unreachable
from savdo.channels.models import Connection, Inbound, Receipt, Sender
from savdo.channels.sandbox import Sandbox
from savdo.conversations import outbox, thread
from savdo.reply import turn


async def member_writes(connection: Connection, name: str) -> UUID:
    """To a customer who wrote before; the conversation."""
    [taken] = await turn.take(connection, [Inbound("message", f"{name}-1", name, Sender(name), text="Salom", standby=True)])
    assert taken.conversation_id is not None
    async with db.step(connection.tenant_id) as session:
        await thread.say(session, connection.tenant_id, taken.conversation_id, db.new_id(), "Keling!")
    return taken.conversation_id


@pytest_asyncio.fixture
async def noon() -> AsyncGenerator[datetime]:
    """The moment a test begins, by a clock that it may move."""
    yield clock.now()
    clock.reset()


def passes(begun: datetime, seconds: float) -> None:
    """It is so many seconds after the beginning."""
    clock.reset()
    clock.move(begun + timedelta(seconds=seconds) - clock.now())


async def next_jobs(connection: Connection, conversation_id: UUID) -> list[datetime]:
    async with db.step(connection.tenant_id) as session:
        query = "SELECT scheduled_at FROM procrastinate_jobs WHERE lock = %s AND scheduled_at IS NOT NULL ORDER BY id"
        return [row["scheduled_at"] for row in await db.rows(session, query, (f"deliver:{conversation_id}",))]


async def test_that_a_long_flood_uses_up_no_attempts(connection: Connection, sandbox: Sandbox) -> None:
    await member_writes(connection, "ann")
    asked_to_wait = 12
    assert asked_to_wait > outbox.TRIES
    sandbox.refuses_with(*[Busy(retry_after=0)] * asked_to_wait, Unreachable())
    for _ in range(asked_to_wait + 1):
        await jobs.run_waiting()
    async with db.step(connection.tenant_id) as session:
        row = await db.first(session, "SELECT status, attempts FROM messages WHERE direction = 'out'")
        waiting = await jobs.dead_letters(session)
    # Only what was no wait counts, and that is tried again by the job itself.
    assert row == {"status": "queued", "attempts": 1}
    assert sandbox.attempts == asked_to_wait + 1
    assert waiting == []


async def test_that_a_wait_is_the_whole_connections_and_is_kept_to_the_second(
    connection: Connection, sandbox: Sandbox, noon: datetime
) -> None:
    flooded, other = [await member_writes(connection, name) for name in ("ann", "bob")]
    sandbox.refuses_with(Busy(retry_after=600))
    tenant = str(connection.tenant_id)
    await outbox.deliver(tenant, str(flooded))
    for seconds in (1, 590):
        passes(noon, seconds)
        await outbox.deliver(tenant, str(other))
        # A new question's answer waits like all that is queued.
        await turn.take(connection, [Inbound("message", f"cy-{seconds}", "cy", Sender("cy"), text="Salom")])
        await jobs.run_waiting()
        assert sandbox.attempts == 1
    async with db.step(connection.tenant_id) as session:
        [row] = await db.rows(session, "SELECT paused_until FROM connections WHERE id = %s", (connection.id,))
    ends = [at - row["paused_until"] for one in (flooded, other) for at in await next_jobs(connection, one)]
    assert timedelta(0) <= min(ends) <= max(ends) < timedelta(seconds=5)
    clock.reset()
    clock.move(row["paused_until"] - clock.now())
    for one in (other, flooded):
        await outbox.deliver(tenant, str(one))
    assert [one.thread_id for one in sandbox.sent] == ["bob", "ann"]


async def test_that_a_wait_for_one_customer_grows_and_holds_up_nobody_else(
    connection: Connection, sandbox: Sandbox, noon: datetime
) -> None:
    written_to, other = [await member_writes(connection, name) for name in ("ann", "bob")]
    sandbox.refuses_with(PairBusy(), PairBusy(), PairBusy())
    tenant, at, waits = str(connection.tenant_id), 0.0, list[int]()
    for _ in range(3):
        passes(noon, at)
        await outbox.deliver(tenant, str(written_to))
        waits.append(round(((await next_jobs(connection, written_to))[-1] - noon).total_seconds() - at))
        at += waits[-1]
    assert waits == [6, 16, 64]
    await outbox.deliver(tenant, str(other))
    assert [one.thread_id for one in sandbox.sent] == ["bob"]


async def test_that_a_wait_told_later_is_the_connections_too(connection: Connection, sandbox: Sandbox, noon: datetime) -> None:
    told_of, other = [await member_writes(connection, name) for name in ("ann", "bob")]
    await outbox.deliver(str(connection.tenant_id), str(told_of))
    [sent] = sandbox.sent
    receipt = Receipt("failed", message_id=str(sent.message_id), error=Busy)
    await turn.take(connection, [Inbound("status", "s", "ann", Sender("ann"), receipt=receipt)])
    await outbox.deliver(str(connection.tenant_id), str(other))
    assert sandbox.attempts == 1
    passes(noon, Busy.usual_s + 60)
    for one in (told_of, other):
        await outbox.deliver(str(connection.tenant_id), str(one))
    assert [one.thread_id for one in sandbox.sent[1:]] == ["ann", "bob"]
