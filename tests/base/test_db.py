"""Two tenants, one database."""

from uuid import UUID

import psycopg
import pytest

from savdo.base import db


async def test_that_a_step_sees_its_own_company_only(tenant_id: UUID, other_tenant_id: UUID) -> None:
    async with db.step(tenant_id) as session:
        seen = await db.rows(session, "SELECT id FROM tenants")
    assert [row["id"] for row in seen] == [tenant_id]


async def test_that_without_a_step_nothing_can_be_read(tenant_id: UUID) -> None:
    async with db.pool().connection() as session:
        with pytest.raises((psycopg.errors.InvalidTextRepresentation, psycopg.errors.UndefinedObject)):
            await session.execute("SELECT * FROM tenants")
        await session.rollback()


async def test_that_a_batch_is_one_transaction(tenant_id: UUID) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with db.batch(tenant_id) as session:
            await session.execute("UPDATE tenants SET slug = slug || '-x'")
            await session.execute("SELECT * FROM no_such_table")
    with pytest.raises(ValueError, match="ours"):
        async with db.batch(tenant_id) as session:
            await session.execute("UPDATE tenants SET slug = slug || '-y'")
            raise ValueError("ours")
    async with db.batch(tenant_id) as session:
        found = await session.execute("UPDATE tenants SET slug = slug || '-z' RETURNING slug")
        row = await found.fetchone()
        assert row is not None
        # Not seen from outside before the end.
        async with db.step(tenant_id) as other:
            assert not (await db.rows(other, "SELECT slug FROM tenants"))[0]["slug"].endswith("-z")
    async with db.step(tenant_id) as session:
        slug = (await db.rows(session, "SELECT slug FROM tenants"))[0]["slug"]
    assert slug.endswith("-z")
    assert "-x" not in slug
    assert "-y" not in slug
