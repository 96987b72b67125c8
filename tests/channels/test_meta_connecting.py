"""Connecting an account at Meta: checked, delivered, given a new token, let go; one company at a time."""

from collections.abc import AsyncGenerator
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import db
from savdo.base.errors import NotFound
from savdo.channels import connections, meta_connecting
from savdo.channels.errors import Disconnected, MissingPermission, Unreachable
from savdo.channels.models import Connection
from tests.emulators.meta import Meta, open_meta
from tests.emulators.whatsapp import WhatsApp


@pytest_asyncio.fixture
async def number(database: str) -> AsyncGenerator[WhatsApp]:
    meta = Meta()
    async with open_meta(meta):
        yield WhatsApp(meta)


async def connected(tenant_id: UUID, number: WhatsApp, token: str = "") -> Connection:
    made, _ = await meta_connecting.connect(
        tenant_id, "member:alice", "whatsapp_cloud", number.number_id, {"token": token or number.token}, {"business_id": number.waba}
    )
    return made


async def rows_of(tenant_id: UUID) -> list[Connection]:
    async with db.step(tenant_id) as session:
        found = await db.rows(session, "SELECT id FROM connections ORDER BY id")
        return [await connections.by_id(session, row["id"]) for row in found]


async def test_that_a_number_is_checked_delivered_and_let_go_and_comes_back(tenant_id: UUID, number: WhatsApp) -> None:
    made = await connected(tenant_id, number)
    assert (made.name, made.status, made.account) == ("Oq Choy 15550001111", "active", number.number_id)
    assert number.meta.subscribed == {number.waba}
    assert [one.id for one in await connections.of_accounts("whatsapp_cloud", [number.number_id])] == [made.id]
    with pytest.raises(meta_connecting.AccountHere):
        await connected(tenant_id, number)
    await meta_connecting.disconnect(tenant_id, "member:alice", made.id)
    [off] = await rows_of(tenant_id)
    assert (off.status, off.credentials) == ("off", {})
    assert number.meta.subscribed == set()
    assert await connections.of_accounts("whatsapp_cloud", [number.number_id], [number.waba]) == []
    assert (await connected(tenant_id, number)).id == made.id


async def test_that_what_meta_refuses_leaves_nothing_behind(tenant_id: UUID, number: WhatsApp) -> None:
    with pytest.raises(Disconnected):
        await connected(tenant_id, number, "EAAwrong")
    number.meta.tokens["EAAless"] = {"whatsapp_business_messaging"}
    with pytest.raises(MissingPermission, match="whatsapp_business_management"):
        await connected(tenant_id, number, "EAAless")
    number.meta.fails("subscribed_apps", 500, 2)
    with pytest.raises(Unreachable):
        await connected(tenant_id, number)
    assert await rows_of(tenant_id) == []


async def test_that_an_account_belongs_to_one_company(tenant_id: UUID, other_tenant_id: UUID, number: WhatsApp) -> None:
    await connected(tenant_id, number)
    with pytest.raises(meta_connecting.AccountTaken):
        await connected(other_tenant_id, number)
    assert await rows_of(other_tenant_id) == []
    with pytest.raises(NotFound):
        await meta_connecting.disconnect(other_tenant_id, "member:mallory", (await rows_of(tenant_id))[0].id)


async def test_that_deliveries_go_on_while_another_number_of_the_business_is_connected(tenant_id: UUID, number: WhatsApp) -> None:
    second = WhatsApp(number.meta, "200000000000003")
    first_one, other = await connected(tenant_id, number), await connected(tenant_id, second)
    await meta_connecting.disconnect(tenant_id, "member:alice", first_one.id)
    assert number.meta.subscribed == {number.waba}
    await meta_connecting.disconnect(tenant_id, "member:alice", other.id)
    assert number.meta.subscribed == set()
