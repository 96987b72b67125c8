"""The database: one pool a process, and the two doors to its rows.

`step(tenant_id)` is one transaction in which row-level security shows that tenant's rows and no others.
`platform_step(reason)` sees every tenant; `tests/rules` lists the files that may use it.
Queries are plain SQL; `Session` is the connection of the open transaction.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
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

# A server that lost its power, or a way to it that was cut, ends no connection: within a minute it counts as lost.
LINE: dict[str, Any] = {
    "connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 30_000,
}  # fmt: skip
# How soon a pool asks again for a database that does not answer. The library's own waits double up to minutes, and go on
# when the database is long back.
RETRY_S = 1.0
PATIENCE_S = 15.0

_pool: type_of_pool | None = None


class DatabaseDown(Unavailable):
    """The database does not answer; nothing was stored. Try again in a moment."""

    code = "database_down"


def new_id() -> UUID:
    """A uuid v7: sorts by the time it was made."""
    return uuid_utils.compat.uuid7()


async def open_database(url: str, *, size: int = 16, patience: float = PATIENCE_S) -> None:
    """Opens this process's pool. `url` is a PostgreSQL address. Raises DatabaseDown after `patience` seconds without one."""
    global _pool
    _pool = await open_pool(url, "savdo", range(2, size + 1), patience=patience, row_factory=dict_row, autocommit=True)


async def open_pool(
    url: str, name: str, sizes: range, *, patience: float, configure: Callable[[Any], Awaitable[None]] | None = None, **connection: Any
) -> AsyncConnectionPool[Any]:
    """A pool that is at work again within a second or two of the database's return, however long that took.

    Raises DatabaseDown when nothing answers within `patience` seconds.
    """
    made: AsyncConnectionPool[Any] = AsyncConnectionPool(
        url, kwargs={"options": OPTIONS, "application_name": name, **LINE, **connection}, configure=configure,
        min_size=sizes[0], max_size=sizes[-1], timeout=10,
        # What gave up is forgotten; the look afterwards begins anew.
        reconnect_timeout=RETRY_S, reconnect_failed=AsyncConnectionPool[Any].check, open=False,
    )  # fmt: skip
    try:
        await made.open(wait=True, timeout=patience)
    except PoolTimeout:
        await made.close()
        raise DatabaseDown from None
    return made


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
