"""Walks the database's own catalogue: every tenant's table is behind forced row-level security, tried through every door."""

from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from savdo.base import db
from savdo.base.db import Session, rows

# Not a tenant's, and readable by the application: the queue, the schema's revision, the rate limits, who wants to be forgotten.
SHARED = {
    "alembic_version",
    "limits",
    "deletions",
    "procrastinate_jobs",
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
}


async def tables(session: Session) -> dict[str, dict[str, Any]]:
    found = await rows(
        session,
        """SELECT c.relname AS name, c.relrowsecurity AS on, c.relforcerowsecurity AS forced, r.rolname AS owner,
                  EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') AS owned,
                  (SELECT array_agg(format('%s: %s / %s', p.polname, pg_get_expr(p.polqual, p.polrelid),
                                           coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'same')))
                     FROM pg_policy p WHERE p.polrelid = c.oid AND 'savdo_app'::regrole = ANY (p.polroles)) AS policies
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')""",
    )
    return {row["name"]: row for row in found}


async def names_of_tenant_tables() -> list[str]:
    async with db.platform_step("walking the catalogue") as session:
        return sorted(name for name, table in (await tables(session)).items() if table["owned"])


async def test_that_every_table_is_a_tenants_or_listed_as_shared(database: str) -> None:
    async with db.platform_step("walking the catalogue") as session:
        found = await tables(session)
    assert {name for name, table in found.items() if not table["owned"]} - SHARED == {"tenants"}


async def test_that_every_tenant_table_has_forced_security_and_its_one_policy(database: str) -> None:
    async with db.platform_step("walking the catalogue") as session:
        found = await tables(session)
    for name, table in found.items():
        if name in SHARED:
            continue
        key = "id" if name == "tenants" else "tenant_id"
        assert (table["on"], table["forced"]) == (True, True), name
        assert table["policies"] == [
            f"own_rows: ({key} = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)) / same"
        ], name


async def test_that_the_application_owns_nothing_and_cannot_pass_by_security(database: str) -> None:
    async with db.platform_step("walking the catalogue") as session:
        owners = {table["owner"] for table in (await tables(session)).values()}
        roles = await rows(
            session,
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname IN ('savdo_app', 'savdo_platform')",
        )
    assert owners.isdisjoint({"savdo_app", "savdo_platform"})
    assert [role for role in roles if role["rolsuper"] or role["rolbypassrls"] or role["rolcreaterole"]] == []


async def test_that_every_key_of_a_tenant_table_begins_with_the_tenant(database: str) -> None:
    async with db.platform_step("walking the catalogue") as session:
        keys = await rows(
            session,
            """SELECT c.relname AS name, a.attname AS first FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] WHERE i.indisprimary""",
        )
    owned = set(await names_of_tenant_tables())
    assert [row["name"] for row in keys if row["name"] in owned and row["first"] != "tenant_id"] == []


async def test_that_mallory_finds_and_changes_nothing_of_another_company(tenant_id: UUID, other_tenant_id: UUID) -> None:
    for name in await names_of_tenant_tables():
        table = sql.Identifier(name)
        async with db.step(other_tenant_id) as session:
            seen = await session.execute(sql.SQL("SELECT 1 FROM {} WHERE tenant_id = %s").format(table), (tenant_id,))
            assert await seen.fetchall() == [], name
        for statement in ("UPDATE {} SET tenant_id = tenant_id WHERE tenant_id = %s", "DELETE FROM {} WHERE tenant_id = %s"):
            await _changes_nothing(other_tenant_id, sql.SQL(cast("LiteralString", statement)).format(table), tenant_id)


async def test_that_no_row_can_be_written_for_another_company(tenant_id: UUID, other_tenant_id: UUID) -> None:
    for name in await names_of_tenant_tables():
        async with db.platform_step("walking the catalogue") as session:
            needed = await rows(
                session,
                """SELECT column_name, data_type, udt_name FROM information_schema.columns
                    WHERE table_schema = 'public' AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL
                      AND is_generated = 'NEVER' AND column_name <> 'tenant_id'""",
                (name,),
            )
        columns = sql.SQL(", ").join([sql.Identifier("tenant_id"), *(sql.Identifier(row["column_name"]) for row in needed)])
        values = sql.SQL(", ").join([sql.Literal(tenant_id), *(_anything(row) for row in needed)])
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(name), columns, values)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            async with db.step(other_tenant_id) as session:
                await session.execute(statement)


async def test_that_a_row_cannot_be_given_away(tenant_id: UUID, other_tenant_id: UUID) -> None:
    async with db.step(tenant_id) as session:
        await session.execute("INSERT INTO campaigns (tenant_id, id, name) VALUES (%s, %s, 'Tea')", (tenant_id, db.new_id()))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        async with db.step(tenant_id) as session:
            await session.execute("UPDATE campaigns SET tenant_id = %s", (other_tenant_id,))


async def test_that_the_tenant_of_a_step_is_gone_with_it(tenant_id: UUID) -> None:
    async with db.step(tenant_id):
        pass
    async with db.pool().connection() as session:
        with pytest.raises((psycopg.errors.InvalidTextRepresentation, psycopg.errors.UndefinedObject)):
            await session.execute("SELECT 1 FROM contacts")
        await session.rollback()
        row = await db.first(session, "SELECT current_user AS me")
        await session.rollback()
    assert row == {"me": "savdo_app"}


async def test_that_what_was_done_cannot_be_rewritten(tenant_id: UUID) -> None:
    for statement in ("UPDATE audit SET action = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with db.step(tenant_id) as session:
                await session.execute(cast("LiteralString", statement))


async def _changes_nothing(tenant_id: UUID, statement: sql.Composed, other: UUID) -> None:
    try:
        async with db.step(tenant_id) as session:
            assert (await session.execute(statement, (other,))).rowcount == 0
    except psycopg.errors.InsufficientPrivilege:
        # An append-only table refuses before it looks.
        return


def _anything(column: dict[str, Any]) -> sql.Composable:
    # Security is judged after the values are made and before constraints are, so any value of the type will do.
    made = {
        "uuid": "gen_random_uuid()", "bytea": "'\\x00'::bytea", "timestamp with time zone": "now()", "boolean": "false", "jsonb": "'{}'",
        "bigint": "1", "integer": "1", "tsvector": "''::tsvector", "ARRAY": "'{}'", "date": "current_date",
    }.get(column["data_type"], "'x'")  # fmt: skip
    if column["udt_name"] == "halfvec":
        made = "array_fill(0, ARRAY[384])::halfvec"
    return sql.SQL(cast("LiteralString", made))
