"""Live events: only what was committed, only one's own, and a word when something may have been missed."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio

from savdo.base import db, live


@pytest_asyncio.fixture
async def listening(database: str) -> AsyncIterator[None]:
    task = asyncio.create_task(live.listen())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_that_only_what_was_committed_is_told_and_only_to_its_company(
    tenant_id: UUID, other_tenant_id: UUID, listening: None
) -> None:
    async with live.subscribe(tenant_id) as own, live.subscribe(other_tenant_id) as other:
        assert await asyncio.wait_for(own.get(), 5) == live.MISSED
        assert await asyncio.wait_for(other.get(), 5) == live.MISSED
        with pytest.raises(ZeroDivisionError):  # the error must come after the publishing
            async with db.step(tenant_id) as session:
                await live.publish(session, tenant_id, None, "message", "1")
                raise ZeroDivisionError
        async with db.step(tenant_id) as session:
            await live.publish(session, tenant_id, None, "message", "2")
        assert (await asyncio.wait_for(own.get(), 5)).extra == "2"
        assert other.empty()


async def test_that_a_lost_connection_is_said_and_made_again(database: str, tenant_id: UUID, listening: None) -> None:
    async with live.subscribe(tenant_id) as own:
        assert await asyncio.wait_for(own.get(), 5) == live.MISSED
        # As the owner: the application's role may not end anybody's connection.
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as owner:
            await owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN savdo_live' AND datname = current_database()"
            )
        assert await asyncio.wait_for(own.get(), 5) == live.MISSED
        async with db.step(tenant_id) as session:
            await live.publish(session, tenant_id, None, "message", "3")
        assert (await asyncio.wait_for(own.get(), 5)).extra == "3"
