"""The queue: jobs in the same database, asked for in the transaction that wrote the row.

Wraps procrastinate and designs around what was measured of it (docs/decisions/0002): its own autocommit pool, no
timers with a conversation's lock, a rescue for a dead worker's jobs, finished jobs deleted, the worker run under
a supervisor because a lost database connection ends it.
"""

import asyncio
import contextlib
import functools
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, ClassVar, Generic, ParamSpec, cast

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Status
from procrastinate.periodic import PeriodicRegistry
from procrastinate.worker import Worker

from savdo.base import clock, telemetry
from savdo.base.db import PATIENCE_S, Session, first, open_pool, rows

P = ParamSpec("P")

HEARTBEAT_S = 3.0
STALLED_AFTER_S = 15.0
# A job that is tried again is told of by nobody when its time has come, and a notice can cross an empty look.
POLL_S = 1.0
# Of a job's arguments these stand beside everything it logs: ids of ours, never of people.
LOGGED = ("tenant_id", "conversation_id", "message_id")

_is_last: ContextVar[bool] = ContextVar("is_last", default=False)

log = structlog.get_logger()
queue = procrastinate.App(connector=procrastinate.PsycopgConnector())


class Backoff(procrastinate.BaseRetryStrategy):
    """Tries again after 1, 2, 4 … seconds (at most `longest`), or when the error says; never after a permanent error."""

    longest: ClassVar[float] = 300.0

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> procrastinate.RetryDecision | None:
        if getattr(exception, "permanent", False) or job.attempts + 1 >= self.attempts:
            return None
        wait = max(self.wait(job.attempts), getattr(exception, "retry_after", 0.0))
        return procrastinate.RetryDecision(retry_at=clock.now() + timedelta(seconds=wait))

    def wait(self, attempts: int) -> float:
        """Seconds until the next attempt, after `attempts` earlier ones. Spread, so that what failed together comes back apart."""
        return min(self.longest, 2.0 ** min(attempts, 30) * random.uniform(0.9, 1.3))


class Job(Generic[P]):
    """A function that runs in a worker. Call it to run it now; `later` to have it run after the commit."""

    def __init__(self, function: Callable[P, Awaitable[None]], *, attempts: int, priority: int) -> None:
        self.function = function
        self.priority = priority
        self.name = f"{function.__module__.removeprefix('savdo.')}.{function.__name__}"
        self.task = queue.task(name=self.name, retry=Backoff(attempts), priority=priority)(cast("Callable[P, Awaitable[None]]", self._run))

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        await self.function(*args, **kwargs)

    async def _run(self, *, correlation: str = "", **arguments: Any) -> None:
        # The id was taken up before, where the job began.
        await self.function(**arguments)  # pyright: ignore[reportCallIssue] # as they were asked for

    async def later(self, session: Session, *, lock: str | None = None, after: timedelta | None = None, **arguments: str | int) -> None:
        """Asks for the job in the transaction of `session`. `lock`: at most one running, in order of asking. What it logs
        carries the id of what asked for it.

        `after` postpones it; never together with a conversation's lock, which it would block until it is due.
        """
        await self.task.configure(
            lock=lock,
            schedule_at=clock.now() + after if after else None,
            # Many postponed rows would be walked at every fetch if they stood among the waiting ones.
            priority=-1 if after else self.priority,
            connection=session,
        ).defer_async(**arguments, **({"correlation": known} if (known := telemetry.correlation()) else {}))


def job(*, attempts: int = 8, priority: int = 0) -> Callable[[Callable[P, Awaitable[None]]], Job[P]]:
    """Makes a job of an async function whose arguments are JSON values. `attempts` counts the first one."""

    def decorate(function: Callable[P, Awaitable[None]]) -> Job[P]:
        return Job(function, attempts=attempts, priority=priority)

    return decorate


async def open_queue(url: str, *, size: int = 8, patience: float = PATIENCE_S) -> None:
    """Opens this process's queue on the database at `url`. Raises DatabaseDown after `patience` seconds without one."""

    async def autocommit(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.set_autocommit(True)

    # Said to each connection rather than to the pool: the queue's listener says it of its own, and would say it twice.
    await queue.open_async(await open_pool(url, "savdo-queue", range(1, size + 1), patience=patience, configure=autocommit))


async def close_queue() -> None:
    connector = queue.connector
    if isinstance(connector, procrastinate.PsycopgConnector) and connector._async_pool is not None:  # pyright: ignore[reportPrivateUsage]
        await connector.pool.close()
        # It forgets only a pool that it made itself.
        connector._async_pool = None  # pyright: ignore[reportPrivateUsage]


def cron(expression: str, task: Job[[int]]) -> None:
    """Has `task(timestamp)` run at the times of a cron expression (six fields allow seconds), once for all workers."""
    queue.periodic(cron=expression, queueing_lock=f"cron:{task.name}")(task.task)


async def work(*, concurrency: int = 200, loops: int = 4, stop: asyncio.Event | None = None) -> None:
    """Runs jobs until `stop` is set, those of a worker that died first. `loops` fetch side by side: one fetch takes one job, and
    its round trip is the limit. Survives the loss of the database."""
    with contextlib.suppress(ConnectorException):
        # Without a database now, the next look comes with the clock.
        await rescue_stalled()
    stopped = stop or asyncio.Event()
    each = max(1, concurrency // loops)
    async with asyncio.TaskGroup() as group:
        for number in range(loops):
            group.create_task(_supervised(f"worker-{number}", each, stopped))


def is_last_attempt() -> bool:
    """Whether the job that runs now would fail for good if it failed: then it must leave nothing that still seems to come."""
    return _is_last.get()


async def run_waiting() -> None:
    """Runs what is due now and returns when nothing is left; for tests and evaluations."""
    # A cron task whose minute comes just now is none of what was waiting.
    cron, queue.periodic_registry = queue.periodic_registry, PeriodicRegistry()
    try:
        await queue.run_worker_async(
            wait=False, concurrency=20, install_signal_handlers=False, listen_notify=False, delete_jobs="successful",
            worker_middleware=[_correlated],
        )  # fmt: skip
    finally:
        queue.periodic_registry = cron


async def rescue_stalled() -> int:
    """Gives back the jobs of workers whose heartbeat stopped; returns how many."""
    stalled = list(await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S))
    for one in stalled:
        try:
            await queue.job_manager.retry_job(one, retry_at=clock.now())
        except ConnectorException:
            # Another rescuer was quicker, or the next run of the same cron task waits already: this one is not needed.
            if one.queueing_lock is not None:
                await queue.job_manager.finish_job(one, status=Status.FAILED, delete_job=True)
    return len(stalled)


async def forget_finished() -> None:
    await queue.job_manager.delete_old_jobs(nb_hours=24 * 14, include_failed=True, include_cancelled=True, include_aborted=True)


async def dead_letters(session: Session, limit: int = 100) -> list[dict[str, Any]]:
    """Jobs that failed for good, newest first: id, task, arguments, attempts, when."""
    return await rows(
        session,
        """SELECT j.id, j.task_name AS task, j.args AS arguments, j.attempts, max(e.at) AS failed_at
             FROM procrastinate_jobs j LEFT JOIN procrastinate_events e ON e.job_id = j.id
            WHERE j.status = 'failed' GROUP BY j.id ORDER BY j.id DESC LIMIT %s""",
        (limit,),
    )


async def replay(session: Session, job_id: int) -> bool:
    """Has a dead letter run again; False when it is not one."""
    found = await first(session, "SELECT 1 FROM procrastinate_jobs WHERE id = %s AND status = 'failed' FOR UPDATE", (job_id,))
    if found is None:
        return False
    await session.execute("SELECT procrastinate_retry_job_v2(%s, now(), NULL, NULL, NULL)", (job_id,))
    return True


async def waiting(session: Session) -> dict[str, int]:
    """How many jobs stand in each status."""
    return {row["status"]: row["count"] for row in await rows(session, "SELECT status, count(*) FROM procrastinate_jobs GROUP BY status")}


async def _correlated(call_next: Callable[[], Awaitable[Any]], context: procrastinate.JobContext, worker: Worker) -> Any:
    if (task := asyncio.current_task()) is not None:
        task.add_done_callback(functools.partial(_ended, worker, context.job))
    known = queue.tasks.get(context.job.task_name)
    retry = known.retry_strategy if known else None
    _is_last.set(isinstance(retry, Backoff) and context.job.attempts + 1 >= retry.attempts)
    arguments = context.job.task_kwargs
    with telemetry.correlated(str(arguments.get("correlation", ""))):
        named = {name: str(arguments[name]) for name in LOGGED if name in arguments}
        telemetry.correlate(job=context.job.task_name, job_id=str(context.job.id), **named)
        return await call_next()


def _ended(worker: Worker, done: QueuedJob, task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        # Its end could not be written, and with it stands its lock: as running for as long as this worker lives. What a worker
        # leaves behind is given back.
        log.warning("end of a job not written", job=done.task_name, job_id=str(done.id), error=repr(task.exception()))
        worker.stop()
    elif done.lock is not None:
        # What waits behind this lock was hidden when it was told of: without a look now it would wait for the next poll.
        worker._new_job_event.set()  # pyright: ignore[reportPrivateUsage] # it has no other way to wake


async def _supervised(name: str, concurrency: int, stop: asyncio.Event) -> None:
    while not stop.is_set():
        worker = asyncio.create_task(
            queue.run_worker_async(
                name=name, concurrency=concurrency, install_signal_handlers=False, delete_jobs="successful",
                fetch_job_polling_interval=POLL_S, update_heartbeat_interval=HEARTBEAT_S, stalled_worker_timeout=STALLED_AFTER_S,
                shutdown_graceful_timeout=20, worker_middleware=[_correlated],
            )
        )  # fmt: skip
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        worker.cancel()
        [ended] = await asyncio.gather(worker, return_exceptions=True)
        # Whatever ended it, the answer is to start it again.
        if isinstance(ended, Exception):
            log.warning("worker stopped", worker=name, error=repr(ended))
            await asyncio.sleep(1)
