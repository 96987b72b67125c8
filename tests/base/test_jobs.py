"""The queue: with the row or not at all, tried again, given up visibly, rescued from the dead."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
import structlog

from savdo import worker
from savdo.base import db, jobs, telemetry
from savdo.base.errors import SavdoError, Unavailable
from tests.journeys.conftest import working

ran: list[str] = []
fails: dict[str, list[Exception]] = {}
told: list[dict[str, str]] = []


class GivenUp(SavdoError):
    """Trying again cannot help."""


@jobs.job(attempts=3)
async def note(word: str) -> None:
    """Notes that it ran, after the failures that were planned for it."""
    if fails.get(word):
        raise fails[word].pop(0)
    ran.append(word)


@jobs.job(attempts=1)
async def tell(conversation_id: str, again: int) -> None:
    """Notes under which words it logs, and asks for itself once more."""
    told.append({"correlation": telemetry.correlation(), **structlog.contextvars.get_contextvars()})
    if again:
        async with db.platform_step("one job asks for another") as session:
            await tell.later(session, conversation_id=conversation_id, again=again - 1)


async def status(word: str) -> tuple[str, int] | None:
    async with db.platform_step("looking at a job") as session:
        row = await db.first(session, "SELECT status, attempts FROM procrastinate_jobs WHERE args ->> 'word' = %s", (word,))
    return (row["status"], row["attempts"]) if row else None


async def ask(tenant_id: UUID, word: str, lock: str | None = None) -> None:
    async with db.step(tenant_id) as session:
        await note.later(session, lock=lock, word=word)


async def test_that_a_job_runs_after_the_commit_and_is_forgotten(tenant_id: UUID) -> None:
    word = str(uuid4())
    await ask(tenant_id, word)
    await jobs.run_waiting()
    assert word in ran
    assert await status(word) is None


async def test_that_what_a_request_asked_for_is_logged_under_its_id(tenant_id: UUID) -> None:
    told.clear()
    with telemetry.correlated("request-1"):
        async with db.step(tenant_id) as session:
            await tell.later(session, conversation_id="c-1", again=1)
    async with db.step(tenant_id) as session:
        # Nobody's request: an id of its own.
        await tell.later(session, conversation_id="c-2", again=0)
    await jobs.run_waiting()
    await jobs.run_waiting()
    assert [(one["correlation"], one["conversation_id"]) for one in told if one["conversation_id"] == "c-1"] == [("request-1", "c-1")] * 2
    assert len({one["job_id"] for one in told}) == 3
    assert len({one["correlation"] for one in told}) == 2


async def test_that_a_job_is_undone_with_its_row(tenant_id: UUID) -> None:
    word = str(uuid4())
    with pytest.raises(ZeroDivisionError):  # the error must come after the asking
        async with db.step(tenant_id) as session:
            await note.later(session, word=word)
            raise ZeroDivisionError
    assert await status(word) is None


async def test_that_a_passing_failure_is_tried_again_later(tenant_id: UUID) -> None:
    word = str(uuid4())
    fails[word] = [Unavailable()]
    await ask(tenant_id, word)
    await jobs.run_waiting()
    assert await status(word) == ("todo", 1)
    async with db.platform_step("time passes") as session:
        row = await db.first(session, "SELECT scheduled_at - now() AS wait FROM procrastinate_jobs WHERE args ->> 'word' = %s", (word,))
        await session.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE args ->> 'word' = %s", (word,))
    assert row is not None
    assert timedelta(0) < row["wait"] < timedelta(seconds=2)
    await jobs.run_waiting()
    assert word in ran


async def test_that_a_permanent_failure_is_seen_and_can_be_replayed(tenant_id: UUID) -> None:
    word = str(uuid4())
    fails[word] = [GivenUp()]
    await ask(tenant_id, word)
    await jobs.run_waiting()
    async with db.platform_step("dead letters") as session:
        letter = next(one for one in await jobs.dead_letters(session) if one["arguments"]["word"] == word)
        assert await jobs.replay(session, letter["id"])
        assert not await jobs.replay(session, letter["id"])
    await jobs.run_waiting()
    assert word in ran


async def test_that_one_lock_means_one_order(tenant_id: UUID) -> None:
    lock = str(uuid4())
    words = [f"{lock}-{number}" for number in range(6)]
    for word in words:
        await ask(tenant_id, word, lock)
    # A run ends when nothing can be fetched, and the lock hides what waits behind a running one.
    for _ in words:
        await jobs.run_waiting()
    assert [word for word in ran if word.startswith(lock)] == words


async def test_that_a_dead_workers_job_is_given_back(tenant_id: UUID) -> None:
    word = str(uuid4())
    await ask(tenant_id, word)
    async with db.platform_step("a worker that died") as session:
        worker = await db.first(
            session, "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        assert worker is not None
        await session.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE args ->> 'word' = %s", (worker["id"], word)
        )
    assert await jobs.rescue_stalled() == 1
    await jobs.run_waiting()
    assert word in ran


async def test_that_a_job_whose_end_cannot_be_written_is_run_again_and_its_lock_is_free(database: str, tenant_id: UUID) -> None:
    words = [str(uuid4()), str(uuid4())]
    # What a lost connection, a timeout or a full disk does to that one statement, and it alone (cron's jobs end meanwhile, too);
    # sequences are not rolled back.
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(
            f"""CREATE SEQUENCE ends;
               CREATE FUNCTION no_first_end() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN IF nextval('ends') = 1 THEN RAISE 'not now'; END IF; RETURN OLD; END $$;
               CREATE TRIGGER no_first_end BEFORE DELETE ON procrastinate_jobs FOR EACH ROW
                 WHEN (OLD.args ->> 'word' = '{words[0]}') EXECUTE FUNCTION no_first_end();
               GRANT USAGE ON SEQUENCE ends TO PUBLIC""".encode()
        )
        try:
            for word in words:
                await ask(tenant_id, word, lock="the same")
            async with working(loops=1), asyncio.timeout(30):
                while words[1] not in ran:
                    await jobs.rescue_stalled()
                    await asyncio.sleep(0.05)
        finally:
            owner.execute("DROP TRIGGER no_first_end ON procrastinate_jobs; DROP FUNCTION no_first_end; DROP SEQUENCE ends")
    assert [word for word in ran if word in words] == [words[0], words[0], words[1]]


async def test_that_running_what_waits_begins_no_cron(database: str) -> None:
    async def begun() -> int:
        async with db.platform_step("what cron began") as session:
            row = await db.first(session, "SELECT count(*) AS n FROM procrastinate_periodic_defers")
        return row["n"] if row else 0

    assert worker.CRON
    before = await begun()
    await jobs.run_waiting()
    assert await begun() == before
