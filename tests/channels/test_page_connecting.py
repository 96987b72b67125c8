"""Connecting a page or an Instagram account: the login is one member's and for one use, and tokens are looked after."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb

from savdo.base import clock, db, secrets
from savdo.base.errors import NotFound
from savdo.channels import connections, meta_connecting, meta_tokens, page_connecting
from savdo.channels.errors import MissingPermission
from savdo.channels.models import Connection
from tests.emulators.instagram_login import InstagramLogin
from tests.emulators.meta import Meta, open_meta
from tests.emulators.meta_pages import OWN_SCOPES, Page

BY = "member:alice"


@dataclass
class Setup:
    """Alice owns a company; at Meta she has a page that leads an Instagram account, and an account of its own."""

    meta: Meta
    login: InstagramLogin
    page: Page
    led: Page
    own: Page
    tenant_id: UUID
    alice: UUID

    async def logs_in(self, kind: str, *, by_page: bool = True, without: tuple[str, ...] = ()) -> dict[str, str]:
        """What stands in the address she comes back to."""
        dialog = await page_connecting.begin(self.tenant_id, self.alice, kind, by_page=by_page)
        back = (self.meta if by_page else self.login).logs_in(dialog, without=without)
        return dict(parse_qsl(urlsplit(back).query))

    async def connected(self, kind: str, *, by_page: bool = True) -> Connection:
        query = await self.logs_in(kind, by_page=by_page)
        offers = await page_connecting.arrive(self.tenant_id, self.alice, query)
        account = next(one.account for one in offers if one.account)
        made, _ = await page_connecting.choose(self.tenant_id, self.alice, BY, query["state"], account)
        return made

    async def again(self, connection: Connection) -> Connection:
        async with db.step(self.tenant_id) as session:
            return await connections.by_id(session, connection.id)

    async def problem(self, connection: Connection) -> str:
        async with db.step(self.tenant_id) as session:
            row = await db.first(session, "SELECT problem FROM connections WHERE id = %s", (connection.id,))
        assert row is not None
        return row["problem"] or ""

    async def alerts(self, connection: Connection) -> dict[str, Any]:
        async with db.step(self.tenant_id) as session:
            [row] = await db.rows(session, "SELECT alerts FROM connections WHERE id = %s", (connection.id,))
        return row["alerts"]

    async def watches(self, connection: Connection) -> Connection:
        await meta_tokens.watch(tenant_id=str(self.tenant_id), connection_id=str(connection.id))
        return await self.again(connection)


async def member(tenant_id: UUID, name: str) -> UUID:
    member_id, address = db.new_id(), f"{name}@example.org"
    async with db.step(tenant_id) as session:
        await session.execute(
            """INSERT INTO members (tenant_id, id, name, email_sealed, email_hash, role, password_hash)
               VALUES (%s, %s, %s, %s, %s, 'owner', '')""",
            (tenant_id, member_id, name, secrets.seal(address.encode()), secrets.lookup_hash(address)),
        )
    return member_id


@pytest_asyncio.fixture
async def setup(tenant_id: UUID) -> AsyncGenerator[Setup]:
    meta = Meta()
    # The first to join is who `me` is; a page's token does not ask that.
    own, page, led = Page(meta, "own", account="17840000000000009", token="IGlong"), Page(meta), Page(meta, "instagram")
    meta.pages = [
        {
            "id": page.page_id, "name": "Oq Choy", "access_token": page.token,
            "instagram_business_account": {"id": led.account, "username": "oqchoy"},
        },
        {"id": "112", "name": "No account", "access_token": "EAAPAGE2"}, {"id": "113", "name": "Not hers"},
    ]  # fmt: skip
    meta.tokens[page.token] |= meta.tokens[led.token] | {"pages_messaging", "pages_read_engagement", "pages_manage_engagement"}
    async with open_meta(meta):
        try:
            yield Setup(meta, InstagramLogin(meta), page, led, own, tenant_id, await member(tenant_id, "Alice"))
        finally:
            clock.reset()


async def test_that_a_login_ends_in_a_connection_and_leaves_no_token_behind(setup: Setup) -> None:
    query = await setup.logs_in("messenger")
    offers = await page_connecting.arrive(setup.tenant_id, setup.alice, query)
    assert [(one.account, one.name) for one in offers] == [("111", "Oq Choy"), ("112", "No account")]
    assert "EAAPAGE" not in repr(offers)
    made, checked = await page_connecting.choose(setup.tenant_id, setup.alice, BY, query["state"], "111")
    assert (made.status, made.account, made.credentials["token"], checked.name) == ("active", "111", "EAAPAGE", "Oq Choy")
    assert setup.meta.subscribed == {"111"}
    async with db.step(setup.tenant_id) as session:
        assert await db.rows(session, "SELECT 1 FROM logins_at_meta") == []
    with pytest.raises(page_connecting.LoginOver):
        await page_connecting.choose(setup.tenant_id, setup.alice, BY, query["state"], "112")


async def test_that_a_login_is_one_members_for_one_use_and_a_quarter_of_an_hour(setup: Setup, other_tenant_id: UUID) -> None:
    query = await setup.logs_in("messenger")
    bob, mallory = await member(setup.tenant_id, "Bob"), await member(other_tenant_id, "Mallory")
    for tenant, somebody in ((setup.tenant_id, bob), (other_tenant_id, mallory), (other_tenant_id, setup.alice)):
        with pytest.raises(page_connecting.LoginOver):
            await page_connecting.arrive(tenant, somebody, query)
    await page_connecting.arrive(setup.tenant_id, setup.alice, query)
    with pytest.raises(page_connecting.LoginOver):
        await page_connecting.arrive(setup.tenant_id, setup.alice, query)
    for tenant, somebody in ((setup.tenant_id, bob), (other_tenant_id, mallory)):
        with pytest.raises(page_connecting.LoginOver):
            await page_connecting.choose(tenant, somebody, BY, query["state"], "111")
    late = await setup.logs_in("messenger")
    async with db.step(setup.tenant_id) as session:
        await session.execute("UPDATE logins_at_meta SET expires_at = now() - interval '1 second'")
    with pytest.raises(page_connecting.LoginOver):
        await page_connecting.arrive(setup.tenant_id, setup.alice, late)


async def test_that_what_is_refused_or_left_out_in_the_dialog_is_said(setup: Setup) -> None:
    refused = await setup.logs_in("messenger")
    with pytest.raises(page_connecting.NothingAllowed):
        await page_connecting.arrive(setup.tenant_id, setup.alice, {"state": refused["state"], "error": "access_denied"})
    for kind, by_page, scope in (("messenger", True, "pages_messaging"), ("instagram", False, "instagram_business_manage_messages")):
        query = await setup.logs_in(kind, by_page=by_page, without=(scope,))
        with pytest.raises(MissingPermission, match=scope):
            await page_connecting.arrive(setup.tenant_id, setup.alice, query)
    setup.meta.pages = []
    with pytest.raises(page_connecting.NothingToConnect):
        await page_connecting.arrive(setup.tenant_id, setup.alice, await setup.logs_in("messenger"))
    with pytest.raises(NotFound):
        await page_connecting.begin(setup.tenant_id, setup.alice, "whatsapp_cloud")


async def test_that_a_page_and_its_account_share_their_deliveries(setup: Setup) -> None:
    messenger = await setup.connected("messenger")
    await page_connecting.answer_comments(setup.tenant_id, BY, messenger.id, "publicly")
    query = await setup.logs_in("instagram")
    offers = await page_connecting.arrive(setup.tenant_id, setup.alice, query)
    assert [(one.account, one.name) for one in offers] == [(setup.led.account, "@oqchoy"), ("", "No account")]
    instagram, _ = await page_connecting.choose(setup.tenant_id, setup.alice, BY, query["state"], setup.led.account)
    assert instagram.settings["page_id"] == "111"
    # By whom, so that it is known what to let go of when they take it back at Meta.
    assert instagram.settings["connected_by"] == "218471"
    # What one of them asked for is not taken away by the other.
    assert {"feed", "message_deliveries", "messages"} <= set(setup.meta.fields["111"])
    await meta_connecting.disconnect(setup.tenant_id, BY, messenger.id)
    assert setup.meta.subscribed == {"111"}
    await meta_connecting.disconnect(setup.tenant_id, BY, instagram.id)
    assert setup.meta.subscribed == set()
    assert (await setup.again(instagram)).credentials == {}


@pytest.mark.parametrize("wrapped", [False, True])
async def test_that_an_account_logs_in_by_itself_and_its_token_is_renewed_in_time(setup: Setup, wrapped: bool) -> None:
    setup.login.wrapped = wrapped
    made = await setup.connected("instagram", by_page=False)
    assert (made.account, made.name, made.settings["page_id"]) == (setup.own.account, "@oqchoy", "")
    assert setup.meta.subscribed == {setup.own.account}
    first = made.credentials["token"]
    assert (await setup.watches(made)).credentials["token"] == first
    clock.move(timedelta(days=45))
    renewed = await setup.watches(made)
    assert renewed.credentials["token"] != first
    assert renewed.credentials["permissions"]
    await setup.watches(made)
    assert setup.login.renewals == 1
    assert await setup.problem(made) == ""


async def test_that_a_second_login_gives_a_connection_its_new_token(setup: Setup) -> None:
    made = await setup.connected("instagram", by_page=False)
    again = await setup.connected("instagram", by_page=False)
    assert again.id == made.id
    assert (await setup.again(made)).credentials["token"] != made.credentials["token"]


async def test_that_a_token_that_ended_asks_for_a_new_login_and_a_page_that_is_fine_for_nothing(setup: Setup) -> None:
    made, page = await setup.connected("instagram", by_page=False), await setup.connected("messenger")
    clock.move(timedelta(days=61))
    setup.meta.token_expires(made.credentials["token"])
    assert (await setup.watches(made)).status == "reconnect"
    assert (await setup.watches(page)).status == "active"
    setup.meta.token_expires()
    assert (await setup.watches(page)).status == "reconnect"


async def test_that_an_owner_is_told_when_a_token_cannot_be_renewed_before_it_ends(setup: Setup) -> None:
    made = await setup.connected("instagram", by_page=False)
    soon = clock.now() + timedelta(days=3)
    async with db.step(setup.tenant_id) as session:
        told = {**made.settings, "token_expires_at": soon.isoformat()}
        await session.execute("UPDATE connections SET settings = %s WHERE id = %s", (Jsonb(told), made.id))
    # It is younger than a day, so it cannot be renewed yet.
    await setup.watches(made)
    assert (await setup.alerts(made))["ending"]["words"] == f"{soon:%Y-%m-%d}"
    async with db.step(setup.tenant_id) as session:
        await connections.save_credentials(session, made.id, made.credentials)
    assert await setup.alerts(made) == {}


async def test_that_every_connection_at_meta_is_looked_at(setup: Setup) -> None:
    await setup.connected("messenger")
    await meta_tokens.watch_all()
    async with db.platform_step("what waits") as session:
        waiting = await db.rows(session, "SELECT task_name FROM procrastinate_jobs WHERE status = 'todo'")
    assert [row["task_name"].rpartition(".")[2] for row in waiting] == ["watch"]


async def test_that_comments_are_answered_only_where_that_is_allowed(setup: Setup) -> None:
    made = await setup.connected("instagram", by_page=False)
    await page_connecting.answer_comments(setup.tenant_id, BY, made.id, "privately")
    assert "comments" in setup.meta.fields[setup.own.account]
    async with db.step(setup.tenant_id) as session:
        less = {"token": made.credentials["token"], "permissions": ",".join(sorted(OWN_SCOPES - {"instagram_business_manage_comments"}))}
        await connections.save_credentials(session, made.id, less)
    with pytest.raises(MissingPermission, match="instagram_business_manage_comments"):
        await page_connecting.answer_comments(setup.tenant_id, BY, made.id, "publicly")
    assert (await setup.again(made)).settings["comments"] == "privately"
