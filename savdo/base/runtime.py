"""What every process opens before it works and closes after: the database, the queue, the live listener."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg

from savdo.base import db, embedded, jobs, live, migrate
from savdo.base.errors import SavdoError
from savdo.base.settings import Settings


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


@asynccontextmanager
async def running(settings: Settings, url: str, *, listening: bool = False) -> AsyncGenerator[None]:
    """Opens the pool and the queue on `url`; keeps the embedded server alive; with `listening`, hears of live events.

    Raises SchemaOlder, DatabaseDown.
    """
    await asyncio.to_thread(check_schema, url)
    await db.open_database(url, size=settings.database_pool)
    await jobs.open_queue(url)
    tasks: list[asyncio.Task[None]] = []
    if settings.embedded:
        tasks.append(asyncio.create_task(embedded.keep_running(settings.data_dir), name="embedded database"))
    if listening:
        tasks.append(asyncio.create_task(live.listen(), name="live events"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await jobs.close_queue()
        await db.close_database()


def check_schema(url: str) -> None:
    """Raises SchemaOlder where a migration is missing."""
    # One that does not answer may still be starting: the pool waits for it. A newer schema is an upgrade under way.
    with contextlib.suppress(psycopg.OperationalError):
        current = migrate.current_revision(url)
        if current is None or migrate.is_older(current):
            raise SchemaOlder
