"""Rate limits that hold across processes."""

import asyncio
from uuid import UUID, uuid4

import pytest

from savdo.base import db, limits
from savdo.base.errors import RateLimited


async def test_that_the_next_use_after_the_limit_is_refused_with_the_time_to_wait(database: str) -> None:
    key = f"test:{uuid4()}"
    for _ in range(3):
        await limits.take(None, key, limit=3, per_seconds=60)
    with pytest.raises(RateLimited) as refused:
        await limits.take(None, key, limit=3, per_seconds=60)
    assert 50 < refused.value.retry_after <= 60


async def test_that_many_at_once_get_no_more_than_the_limit(database: str) -> None:
    key = f"test:{uuid4()}"

    async def one() -> bool:
        try:
            await limits.take(None, key, limit=5, per_seconds=60)
        except RateLimited:
            return False
        return True

    assert sum(await asyncio.gather(*(one() for _ in range(20)))) == 5


async def test_that_a_window_ends(database: str) -> None:
    key = f"test:{uuid4()}"
    await limits.take(None, key, limit=1, per_seconds=0.1)
    await asyncio.sleep(0.12)
    await limits.take(None, key, limit=1, per_seconds=0.1)


async def test_that_a_refusal_does_not_lengthen_the_wait(database: str) -> None:
    key = f"test:{uuid4()}"
    await limits.take(None, key, limit=1, per_seconds=0.2)
    for _ in range(3):
        with pytest.raises(RateLimited):
            await limits.take(None, key, limit=1, per_seconds=0.2)
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.16)
    await limits.take(None, key, limit=1, per_seconds=0.2)


async def test_that_a_use_in_a_step_is_undone_with_the_step(tenant_id: UUID) -> None:
    key = f"test:{uuid4()}"
    with pytest.raises(ZeroDivisionError):
        async with db.step(tenant_id) as session:
            await limits.take(session, key, limit=1, per_seconds=60)
            raise ZeroDivisionError
    await limits.take(None, key, limit=1, per_seconds=60)
