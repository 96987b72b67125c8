"""A key rotation to its end: two keys, everything sealed again, the old one dropped."""

import base64
import os
from collections.abc import AsyncGenerator
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.accounts import access
from savdo.base import db, jobs, secrets
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.models import Connection, Inbound, Sender
from savdo.conversations import contacts, thread
from savdo.operations import keys
from savdo.reply import turn

NEW = base64.b64encode(b"n" * 32).decode()
NUMBER, ADDRESS, EMAIL, PASSWORD = "+998901234567", "dilnoza@choy.example", "alice@choy.example", "correct horse 42"
# What is a hash, not a seal.
HASHES = {
    ("logins", "token_hash"), ("api_keys", "secret_hash"), ("logins_at_meta", "state_hash"),
    ("attachments", "sha256"), ("documents", "sha256"),
}  # fmt: skip


def use(text: str) -> None:
    os.environ["SAVDO_SECRET_KEYS"] = text
    settings.cache_clear()
    secrets.keys.cache_clear()


@pytest_asyncio.fixture
async def old(database: str) -> AsyncGenerator[str]:
    """The key of all other tests, which open what they sealed afterwards too."""
    before = os.environ["SAVDO_SECRET_KEYS"]
    yield before
    use(f"{before},{NEW}")
    await keys.reseal()
    use(before)


async def hears(connection: Connection, person: str) -> None:
    """Somebody shares their number on one more road."""
    await turn.take(connection, [Inbound("message", f"{person}:1", person, Sender(person, name=person, phone=NUMBER))])


async def found(tenant_id: UUID) -> tuple[int, str, str]:
    """How many conversations the address finds, the number that is shown of it, and the credentials."""
    async with db.step(tenant_id) as session:
        listed = (await thread.inbox(session, query=ADDRESS)).items
        shown = (await thread.one(session, listed[0]["id"]))["phone"] if listed else ""
        [row] = await db.rows(session, "SELECT id FROM connections")
        return len(listed), shown, str((await connections.by_id(session, row["id"])).credentials.get("token"))


async def test_that_a_rotation_ends_with_the_old_key_dropped(connection: Connection, old: str) -> None:
    tenant_id = connection.tenant_id
    await hears(connection, "42")
    async with db.step(tenant_id) as session:
        [row] = await db.rows(session, "SELECT id FROM contacts")
        await contacts.set_details(session, row["id"], email=ADDRESS)
        await connections.save_credentials(session, connection.id, {"token": "t"})
        await access.create_member(session, tenant_id, name="Alice", email=EMAIL, password=PASSWORD, role="owner")
    use(f"{NEW},{old}")
    # Between the two everything is found, and nothing can be there twice.
    assert await found(tenant_id) == (1, NUMBER, "t")
    assert await access.who_is(EMAIL, PASSWORD)
    with pytest.raises(access.EmailTaken):
        async with db.step(tenant_id) as session:
            await access.create_member(session, tenant_id, name="Alice", email=EMAIL, password=PASSWORD, role="owner")
    await hears(connection, "43")
    assert all(one.done > 0 for one in await keys.reseal() if one.column.table in ("members", "contacts", "identities", "connections"))
    assert sum(one.done for one in await keys.reseal()) == 0
    # Two of one number, who could not be told from each other before.
    await jobs.run_waiting()
    use(NEW)
    assert await found(tenant_id) == (2, NUMBER, "t")
    assert await access.who_is(EMAIL, PASSWORD)


async def test_that_every_sealed_column_is_sealed_again(database: str) -> None:
    async with db.platform_step("walking the catalogue") as session:
        columns = await db.rows(
            session,
            """SELECT table_name AS t, column_name AS c FROM information_schema.columns
                WHERE table_schema = 'public' AND data_type = 'bytea' AND table_name NOT LIKE 'procrastinate%%'""",
        )
    known = {(one.table, name) for one in keys.COLUMNS for name in (one.sealed, one.hash) if name}
    assert {(row["t"], row["c"]) for row in columns} == known | HASHES
