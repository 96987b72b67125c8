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
