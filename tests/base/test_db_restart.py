"""A pool that is full of dead connections."""

from uuid import UUID

import psycopg

from savdo.base import db


async def test_that_a_step_survives_the_loss_of_every_connection(database: str, tenant_id: UUID) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as owner:
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'savdo' AND datname = current_database()"
        )
    for _ in range(3):
        async with db.step(tenant_id) as session:
            assert await db.first(session, "SELECT id FROM tenants") == {"id": tenant_id}
