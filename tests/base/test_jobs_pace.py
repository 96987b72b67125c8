"""The queue under load and over time: order, waits that grow, a quick fetch, and cron that does not pile up."""

import asyncio
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from procrastinate.periodic import PeriodicDeferrer

from savdo.base import db, jobs
from savdo.base.errors import RateLimited, SavdoError, Unavailable
from tests.journeys.conftest import working

began: dict[str, list[int]] = defaultdict(list)
running: dict[str, int] = defaultdict(int)
overlaps: list[str] = []
failures: dict[str, SavdoError] = {}
attempts: dict[str, int] = defaultdict(int)


class Refused(SavdoError):
    """Trying again cannot help."""


@jobs.job()
async def in_line(key: str, number: int) -> None:
    """Notes when it began, and whether another of the same lock ran beside it."""
    running[key] += 1
    if running[key] > 1:
        overlaps.append(key)
    began[key].append(number)
    await asyncio.sleep(random.uniform(0, 0.01))
    running[key] -= 1


@jobs.job(attempts=5)
async def failing(word: str) -> None:
    """Fails each time as was planned for it."""
    attempts[word] += 1
    raise failures[word]


@jobs.job(attempts=1)
async def ticking(timestamp: int) -> None:
    """A task that runs by the clock."""


@pytest.fixture
def by_the_clock() -> Iterator[PeriodicDeferrer]:
    """`ticking` runs each second for the time of a test, at the moments the test says."""
    known = jobs.queue.periodic_registry.periodic_tasks
    before = dict(known)
    known.clear()
    jobs.cron("* * * * * */1", ticking)
    yield PeriodicDeferrer(jobs.queue.periodic_registry)
    known.clear()
    known.update(before)


async def ask_failing(tenant_id: UUID, error: SavdoError) -> str:
    word = str(uuid4())
    failures[word] = error
    async with db.step(tenant_id) as session:
        await failing.later(session, word=word)
    return word


async def waits(word: str) -> float:
    """How long the job still waits, in seconds; and makes it due."""
    async with db.platform_step("a job's wait") as session:
        row = await db.first(
            session,
            "SELECT extract(epoch FROM scheduled_at - now())::float AS wait FROM procrastinate_jobs WHERE args ->> 'word' = %s",
            (word,),
        )
        await session.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE args ->> 'word' = %s", (word,))
    assert row is not None
    return row["wait"]


async def standing(task: jobs.Job[[int]]) -> list[str]:
    """The status of every job of a task, in order of asking."""
    async with db.platform_step("the jobs of a task") as session:
        found = await db.rows(session, "SELECT status FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", (task.name,))
    return [row["status"] for row in found]


async def test_that_what_waits_behind_a_lock_runs_at_once_when_it_is_free(tenant_id: UUID) -> None:
    key = str(uuid4())
    async with working(loops=4):
        # Told of while the one before runs, again and again: only the end of that one can wake the worker.
        for number in range(20):
            async with db.step(tenant_id) as session:
                await in_line.later(session, lock=key, key=key, number=number)
        started = time.monotonic()
        async with asyncio.timeout(10):
            while len(began[key]) < 20:  # noqa: ASYNC110 # a test may look often
                await asyncio.sleep(0.01)
    assert time.monotonic() - started < 3


async def test_that_four_loops_keep_the_order_of_asking_in_each_lock(tenant_id: UUID) -> None:
    locks = [str(uuid4()) for _ in range(6)]
    for number in range(12):
        async with db.step(tenant_id) as session:
            for lock in locks:
                await in_line.later(session, lock=lock, key=lock, number=number)
    async with working(loops=4), asyncio.timeout(20):
        while sum(len(began[lock]) for lock in locks) < 72:  # noqa: ASYNC110 # a test may look often
            await asyncio.sleep(0.02)
    assert overlaps == []
    assert [began[lock] for lock in locks] == [list(range(12))] * 6


async def test_that_each_wait_is_longer_and_the_last_attempt_is_the_last(tenant_id: UUID) -> None:
    word = await ask_failing(tenant_id, Unavailable())
    found: list[float] = []
    for _ in range(4):
        await jobs.run_waiting()
        found.append(await waits(word))
    for number, wait in enumerate(found):
        # The moment of looking is later than that of failing.
        assert 0.9 * 2**number - 0.5 < wait < 1.3 * 2**number, found
    await jobs.run_waiting()
    async with db.platform_step("dead letters") as session:
        assert [one["attempts"] for one in await jobs.dead_letters(session) if one["arguments"]["word"] == word] == [5]
    assert attempts[word] == 5


def test_that_no_wait_is_longer_than_five_minutes() -> None:
    assert jobs.Backoff.longest == 300
    waits = [jobs.Backoff(99).wait(attempts) for attempts in (0, 20, 2000)]
    assert 0.9 <= waits[0] <= 1.3
    assert waits[1:] == [300, 300]


async def test_that_the_wait_an_error_asks_for_is_kept(tenant_id: UUID) -> None:
    word = await ask_failing(tenant_id, RateLimited(retry_after=90))
    await jobs.run_waiting()
    assert 85 < await waits(word) <= 90


async def test_that_a_permanent_error_is_never_tried_again(tenant_id: UUID) -> None:
    word = await ask_failing(tenant_id, Refused())
    for _ in range(3):
        await jobs.run_waiting()
    assert attempts[word] == 1
    async with db.platform_step("dead letters") as session:
        assert word in [one["arguments"]["word"] for one in await jobs.dead_letters(session)]


async def test_that_a_fetch_stays_quick_with_2000_waiting_jobs_nobody_counted(database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database) as owner:
        # The statistics say that nothing waits, as they do whenever a backlog builds up.
        await owner.execute("ANALYZE procrastinate_jobs")
        await owner.execute(
            """INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, args, status)
               SELECT 'default', 'none', 0, 'lock-' || n, '{}', 'todo' FROM generate_series(1, 2000) n"""
        )
        took: list[float] = []
        for _ in range(15):
            before = time.perf_counter()
            fetched = await (await owner.execute("SELECT (procrastinate_fetch_job_v2(NULL, NULL)).lock")).fetchone()
            took.append(time.perf_counter() - before)
            assert fetched == (f"lock-{len(took)}",)
        await owner.rollback()
    assert statistics.median(took) < 0.03, took


async def test_that_the_fetch_has_its_plan_settings_and_its_index(database: str) -> None:
    async with db.platform_step("the queue's own function") as session:
        function = await db.first(session, "SELECT proconfig FROM pg_proc WHERE proname = 'procrastinate_fetch_job_v2'")
        index = await db.first(session, "SELECT indexdef FROM pg_indexes WHERE indexname = 'procrastinate_jobs_by_lock'")
    assert function is not None
    assert {f"enable_{plan}=off" for plan in ("sort", "seqscan", "bitmapscan", "hashjoin", "mergejoin")} == set(function["proconfig"])
    assert index is not None
    assert "(lock, priority DESC, id)" in index["indexdef"]


async def test_that_cron_jobs_do_not_pile_up(database: str, by_the_clock: PeriodicDeferrer) -> None:
    [task] = by_the_clock.registry.periodic_tasks.values()
    now = int(time.time())
    # Two workers ask for each moment; nobody has run the first one yet.
    for moment in range(now, now + 5):
        for _ in range(2):
            await by_the_clock.defer_jobs([(task, moment)])
    assert await standing(ticking) == ["todo"]
    await jobs.run_waiting()
    await by_the_clock.defer_jobs([(task, now + 4), (task, now + 5)])
    assert await standing(ticking) == ["todo"]


async def test_that_a_dead_workers_cron_job_gives_way_to_the_next_one(database: str, by_the_clock: PeriodicDeferrer) -> None:
    [task] = by_the_clock.registry.periodic_tasks.values()
    now = int(time.time())
    await by_the_clock.defer_jobs([(task, now)])
    async with db.platform_step("a worker that died") as session:
        await session.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL WHERE task_name = %s", (ticking.name,))
    await by_the_clock.defer_jobs([(task, now + 1)])
    assert await standing(ticking) == ["doing", "todo"]
    await jobs.rescue_stalled()
    assert await standing(ticking) == ["todo"]
    assert await jobs.rescue_stalled() == 0


async def test_that_a_postponed_job_waits_for_its_time(tenant_id: UUID) -> None:
    key = str(uuid4())
    async with db.step(tenant_id) as session:
        await in_line.later(session, after=timedelta(minutes=5), key=key, number=1)
    await jobs.run_waiting()
    assert began[key] == []
