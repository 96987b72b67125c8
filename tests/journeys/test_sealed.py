"""A number and an address a customer tells: sealed at rest, used in the answer, found by whoever types them, gone when erased."""

from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import db
from savdo.channels.models import Connection
from savdo.channels.sandbox import Sandbox
from savdo.conversations import contacts, erasure, thread
from savdo.reply import record, turn
from tests.journeys.conftest import Says

NUMBER, ADDRESS = "+998901234567", "dilnoza@choy.example"


async def kept(tenant_id: UUID) -> str:
    """Everything that is stored of a company but the words of its conversations."""
    found: list[str] = []
    async with db.step(tenant_id) as session:
        for table in await db.rows(
            session,
            """SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                  AND c.relname NOT IN ('messages', 'limits', 'deletions') AND c.relname NOT LIKE 'procrastinate%%'""",
        ):
            found += [str(row["row"]) for row in await db.rows(session, f"SELECT t::text AS row FROM {table['name']} t")]  # pyright: ignore[reportArgumentType] # the catalogue's own name
    return "\n".join(found)


@pytest_asyncio.fixture
async def told(connection: Connection, sandbox: Sandbox, says: Says) -> UUID:
    """The conversation of a customer who told both, and asks something again."""
    await says("Sencha bormi?", f"mening raqamim {NUMBER}, pochtam {ADDRESS}", thread="42")
    async with db.step(connection.tenant_id) as session:
        row = await db.first(session, "SELECT id FROM conversations")
        assert row is not None
    await turn.answer(tenant_id=str(connection.tenant_id), conversation_id=str(row["id"]))
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE conversations SET preview = ''")
    return row["id"]


async def test_that_a_number_and_an_address_stand_sealed_and_are_known_to_the_next_answer(
    connection: Connection, told: UUID, says: Says
) -> None:
    stored = await kept(connection.tenant_id)
    assert (NUMBER[-7:] in stored, ADDRESS in stored) == (False, False)
    await says("Rahmat, qancha turadi?", thread="42")
    known = (await record.begin(connection.tenant_id, told)).turn
    assert known is not None
    assert (known.facts["phone"], known.facts["email"]) == (NUMBER, ADDRESS)
    async with db.step(connection.tenant_id) as session:
        [answered] = await db.rows(session, "SELECT id FROM turns")
        entities = (await thread.why(session, told, answered["id"]))["reading"]["entities"]
    assert (entities["phone"], entities["email"]) == (NUMBER, ADDRESS)


@pytest.mark.parametrize("query", [NUMBER, "+998 90 123-45-67", "998901234567", ADDRESS, ADDRESS.upper()])
async def test_that_a_customer_is_found_by_a_whole_number_or_address(connection: Connection, told: UUID, query: str) -> None:
    async with db.step(connection.tenant_id) as session:
        # Not by what was written.
        await session.execute("UPDATE messages SET text = ''")
        found = await thread.inbox(session, query=query)
        parts = [await thread.inbox(session, query=query[:-3]), await thread.inbox(session, query=query[3:])]
    assert [row["id"] for row in found.items] == [told]
    assert not any(part.items for part in parts)


async def test_that_nothing_of_an_erased_customer_is_left(connection: Connection, told: UUID) -> None:
    async with db.step(connection.tenant_id) as session:
        row = await db.first(session, "SELECT contact_id FROM conversations")
        assert row is not None
        # A try of a persona on what customers said lately.
        await session.execute(
            """INSERT INTO scenario_runs (tenant_id, id, kind, revision, total, results)
               VALUES (%s, %s, 'replay', 1, 1, '[{"turns": [{"text": "Sencha bormi?"}]}]')""",
            (connection.tenant_id, db.new_id()),
        )
    await erasure.erase(connection.tenant_id, row["contact_id"], "member:alice")
    stored = await kept(connection.tenant_id)
    assert ("Sencha" in stored, contacts.sought(NUMBER)["phone"][0].hex() in stored) == (False, False)
