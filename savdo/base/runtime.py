"""What every process opens before it works and closes after: the database, the queue, the live listener."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import psycopg
import structlog

from savdo.base import db, embedded, jobs, live, migrate
from savdo.base.errors import SavdoError
from savdo.base.settings import Settings

T = TypeVar("T")

log = structlog.get_logger()


class SchemaOlder(SavdoError):
    """The database has no schema of this Savdo yet. Run: savdo migrate"""

    code = "schema_older"


async def database_address(settings: Settings) -> str:
    """The address of the database; starts or joins the embedded one when none is set. Raises EmbeddedError."""
    return settings.database_url or await asyncio.to_thread(embedded.start, settings.data_dir)


def leave(settings: Settings) -> None:
    """Signs off from the embedded server, which the last process stops. Not left to the interpreter's end: a signal
    that ends the process skips that."""
    if settings.embedded:
        embedded.stop(settings.data_dir)


async def ready(settings: Settings) -> None:
    """Waits for the database. Raises DatabaseDown, EmbeddedError, SchemaOlder where a migration is missing."""
    url = await database_address(settings)
    async with _kept(settings):
        await _check_schema(settings, url)


async def migrated(settings: Settings) -> str:
    """The address of the database, waited for and brought to the newest schema. Raises DatabaseDown, EmbeddedError, SchemaNewer."""
    url = await database_address(settings)
    async with _kept(settings):
        await _patiently(settings, migrate.migrate, url)
    return url


@asynccontextmanager
async def running(settings: Settings, url: str, *, listening: bool = False) -> AsyncGenerator[None]:
    """Opens the pool and the queue on `url`; keeps the embedded server alive; with `listening`, hears of live events.

    The database may still be starting: it is waited for. Raises SchemaOlder, DatabaseDown.
    """
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(_kept(settings))
        await _check_schema(settings, url)
        await db.open_database(url, size=settings.database_pool, patience=settings.database_wait_s)
        opened.push_async_callback(db.close_database)
        await jobs.open_queue(url, patience=settings.database_wait_s)
        opened.push_async_callback(jobs.close_queue)
        if listening:
            await opened.enter_async_context(beside(live.listen(), name="live events"))
        yield


@asynccontextmanager
async def beside(endless: Coroutine[Any, Any, None], *, name: str) -> AsyncGenerator[None]:
    """Runs a loop beside the block, and ends it with the block."""
    task = asyncio.create_task(endless, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _kept(settings: Settings) -> AsyncGenerator[None]:
    if settings.embedded:
        async with beside(embedded.keep_running(settings.data_dir), name="embedded database"):
            yield
    else:
        yield


async def _check_schema(settings: Settings, url: str) -> None:
    current = await _patiently(settings, migrate.current_revision, url)
    # A newer schema is an upgrade under way.
    if current is None or migrate.is_older(current):
        raise SchemaOlder


async def _patiently(settings: Settings, ask: Callable[[str], T], url: str) -> T:
    ends, pause = time.monotonic() + settings.database_wait_s, 0.1
    while True:
        try:
            return await asyncio.to_thread(ask, url)
        except psycopg.OperationalError as error:
            # It may be starting, recovering, or on another machine that is.
            reason = str(error).strip().splitlines()[0]
            if time.monotonic() >= ends:
                raise db.DatabaseDown(f"The database does not answer: {reason}") from None
        log.warning("waiting for the database", reason=reason)
        await asyncio.sleep(pause)
        pause = min(2 * pause, 2.0)
