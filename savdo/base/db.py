"""The database: one pool a process, and the two doors to its rows.

`step(tenant_id)` is one transaction in which row-level security shows that tenant's rows and no others.
`platform_step(reason)` sees every tenant; `tests/rules` lists the files that may use it.
Queries are plain SQL; `Session` is the connection of the open transaction.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, LiteralString
from uuid import UUID

import uuid_utils.compat
from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from savdo.base.errors import Unavailable

type_of_pool = AsyncConnectionPool[AsyncConnection[DictRow]]
Session = AsyncConnection[DictRow]

# The role owns no table, so that forced row-level security holds for whatever the application sends.
APP_ROLE = "savdo_app"
PLATFORM_ROLE = "savdo_platform"
OPTIONS = f"-c role={APP_ROLE} -c jit=off -c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"

_pool: type_of_pool | None = None


class DatabaseDown(Unavailable):
    """The database does not answer; nothing was stored. Try again in a moment."""

    code = "database_down"


def new_id() -> UUID:
    """A uuid v7: sorts by the time it was made."""
    return uuid_utils.compat.uuid7()


async def open_database(url: str, *, size: int = 16) -> None:
    """Opens this process's pool. `url` is a PostgreSQL address. Raises DatabaseDown after 15 seconds without one."""
    global _pool
    pool: type_of_pool = AsyncConnectionPool(
        url,
        connection_class=AsyncConnection[DictRow],
        kwargs={"options": OPTIONS, "row_factory": dict_row, "application_name": "savdo", "autocommit": True},
        min_size=2,
        max_size=size,
        timeout=10,
        open=False,
    )
    try:
        await pool.open(wait=True, timeout=15)
    except PoolTimeout:
        await pool.close()
        raise DatabaseDown from None
    _pool = pool


async def close_database() -> None:
    global _pool
    if _pool is not None:
        await _pool.close()
        _pool = None


def pool() -> type_of_pool:
    if _pool is None:
        raise DatabaseDown("The database was not opened.")
    return _pool


@asynccontextmanager
async def step(tenant_id: UUID) -> AsyncGenerator[Session]:
    """One transaction for one tenant: commits at the end, rolls back on an error. Raises DatabaseDown."""
    # A UUID has no quotes to escape; without parameters the two statements are one round trip.
    async with _transaction(f"BEGIN; SELECT set_config('app.tenant_id', '{tenant_id}', true)") as session:
        yield session


@asynccontextmanager
async def batch(tenant_id: UUID) -> AsyncGenerator[Session]:
    """A step whose statements are sent in one round trip, for the main path. They run one after the other, each seeing
    what the one before waited for; their results are there after the block, or when one is
    fetched, which costs another round trip. Raises DatabaseDown."""
    source = pool()
    try:
        session = await source.getconn()
    except (PoolTimeout, OperationalError):
        raise DatabaseDown from None
    try:
        async with session.pipeline():
            # The main path looks rows up by key: planning each time anew would cost more than the look-up.
            await session.execute(
                "SELECT set_config('app.tenant_id', %s, true), set_config('plan_cache_mode', 'force_generic_plan', true)", (str(tenant_id),)
            )
            try:
                yield session
            except BaseException:
                # What a pipeline sends is one transaction up to its end, with no BEGIN to roll back to:
                # only the end of the connection takes it back.
                await session.close()
                raise
    except (OperationalError, InterfaceError):
        # The database went away: its other connections are dead as well, and would fail one caller each.
        await session.close()
        await source.check()
        raise DatabaseDown from None
    finally:
        if not session.closed:
            await session.rollback()
        await source.putconn(session)


@asynccontextmanager
async def platform_step(reason: str) -> AsyncGenerator[Session]:
    """One transaction that sees every tenant. `reason` stands in the database's own log of slow statements."""
    async with _transaction(f"BEGIN; SET LOCAL ROLE {PLATFORM_ROLE}") as session:
        await session.execute("SELECT set_config('app.reason', %s, true)", (reason,))
        yield session


async def first(session: Session, query: LiteralString, values: Any = None) -> DictRow | None:
    """The first row of a query, or None."""
    return await (await session.execute(query, values)).fetchone()


async def rows(session: Session, query: LiteralString, values: Any = None) -> list[DictRow]:
    return await (await session.execute(query, values)).fetchall()


@asynccontextmanager
async def _transaction(opening: str) -> AsyncGenerator[Session]:
    session = await _begun(opening)
    try:
        yield session
        await session.commit()
    except BaseException:
        if not session.closed:
            with suppress(OperationalError, InterfaceError):
                await session.rollback()
        raise
    finally:
        await pool().putconn(session)


async def _begun(opening: str) -> Session:
    # A restart of the database leaves dead connections in the pool. The opening statement has no effect
    # outside its transaction, so it is the one place where trying again on another connection is safe.
    source = pool()
    for _ in range(source.max_size + 1):
        try:
            session = await source.getconn()
        except (PoolTimeout, OperationalError):
            raise DatabaseDown from None
        try:
            await session.execute(opening)  # pyright: ignore[reportArgumentType, reportCallIssue] # made of constants and a UUID
        except (OperationalError, InterfaceError):
            await session.close()
            await source.putconn(session)
        except BaseException:
            await session.rollback()
            await source.putconn(session)
            raise
        else:
            return session
    raise DatabaseDown
