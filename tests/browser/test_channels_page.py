"""Connecting every kind of channel on the set-up page, in a real browser against the emulated other companies."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from savdo.base import circuit, db
from savdo.base.settings import settings
from savdo.channels import alerts, connections
from savdo.channels.telegram_api import REVOKED
from tests.browser.conftest import NewContext
from tests.browser.looking import shot, violations
from tests.browser.street import signed_in
from tests.emulators.instagram_login import InstagramLogin
from tests.emulators.meta import Meta, open_meta
from tests.emulators.meta_pages import Page
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram
from tests.emulators.telegram_userbot import Account
from tests.emulators.whatsapp import WhatsApp
from tests.web import office


@dataclass
class World:
    """The other companies, and the office."""

    url: str
    tenant_id: UUID
    meta: Meta
    telegram: Telegram
    account: Account
    number: WhatsApp
    email: str = ""

    async def statuses(self) -> list[tuple[str, str]]:
        async with db.step(self.tenant_id) as session:
            found = await db.rows(session, "SELECT channel, status FROM connections WHERE channel <> 'web_chat' ORDER BY id")
        return [(one["channel"], one["status"]) for one in found]


@pytest_asyncio.fixture
async def world(address: str, database: str, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    meta, telegram = Meta(), Telegram(f"{random.randrange(10**9, 10**10)}:{'A' * 35}")
    InstagramLogin(meta)
    # The first to join is who `me` is.
    Page(meta, "own", account="17840000000000009", token="IGlong")
    page, led, number = Page(meta), Page(meta, "instagram"), WhatsApp(meta)
    account = {"id": led.account, "username": "oqchoy"}
    meta.pages = [
        {"id": page.page_id, "name": "Oq Choy", "access_token": page.token, "instagram_business_account": account},
        {"id": "112", "name": "A page alone", "access_token": "EAAPAGE2"},
    ]
    meta.tokens[page.token] |= meta.tokens[led.token] | {"pages_messaging", "pages_read_engagement", "pages_manage_engagement"}
    circuit.forget()
    async with open_meta(meta), serving(telegram.app) as bots:
        for name, value in (("API_BASE", bots), ("APP_ID", "1"), ("CLIENT", "emulated")):
            monkeypatch.setenv(f"SAVDO_TELEGRAM_{name}", value)
        monkeypatch.setenv("SAVDO_PUBLIC_URL", address)
        settings.cache_clear()
        phone = Account(f"+99891{random.randrange(10**6, 10**7)}", password="tea pot")
        yield World(address, tenant_id, meta, telegram, phone, number, await office.member(tenant_id, "Alice", "owner"))
    async with db.platform_step("what this test connected is nobody's in the next") as session:
        await session.execute("UPDATE connections SET status = 'off' WHERE channel <> 'web_chat'")
    monkeypatch.undo()
    settings.cache_clear()
    circuit.forget()


async def at_setup(world: World, new_context: NewContext, path: str = "/setup", **options: object) -> Tab:
    """The owner's tab on the set-up page."""
    return await signed_in(await new_context(**options), f"{world.url}{path}", world.email)


async def connected(tab: Tab, name: str) -> None:
    """The connection's own page, right after it was made."""
    await expect(tab.get_by_role("heading", name=name, level=1)).to_be_visible()
    await expect(tab.locator("#checked")).to_contain_text("The connection works.")


@pytest.mark.parametrize("kind", ["Telegram", "Telegram Business"])
async def test_that_a_bot_is_connected_by_its_token_and_let_go(world: World, new_context: NewContext, kind: str) -> None:
    tab = await at_setup(world, new_context, expected=("422",))
    await tab.get_by_role("link", name=f"Connect {kind}", exact=True).click()
    await tab.get_by_label("Bot token").fill("hello")
    await tab.get_by_role("button", name="Connect").click()
    await expect(tab.get_by_role("alert")).to_contain_text("This is not a bot token")
    await tab.get_by_label("Bot token").fill(f"Use this token:\n{world.telegram.token}")
    await tab.get_by_role("button", name="Connect").click()
    await connected(tab, "@oqchoy_bot")
    await tab.get_by_role("switch", name="Answer messages").uncheck()
    await tab.get_by_role("button", name="Save").click()
    await expect(tab.get_by_role("switch", name="Answer messages")).not_to_be_checked()
    await tab.get_by_role("button", name="Disconnect").click()
    asked = tab.get_by_role("dialog")
    await expect(asked).to_contain_text("0 conversations are kept")
    await asked.get_by_role("button", name="Cancel").click()
    await tab.get_by_role("button", name="Disconnect").click()
    await asked.get_by_role("button", name="Disconnect").click()
    await expect(tab).to_have_url(f"{world.url}/setup")
    [(_, status)] = await world.statuses()
    assert status == "off"


async def test_that_a_personal_account_is_connected_after_its_risk_was_read(world: World, new_context: NewContext) -> None:
    tab = await at_setup(world, new_context, "/setup/connect/telegram_userbot", expected=("422",))
    await expect(tab.get_by_role("heading", name="A personal account: read this first")).to_be_visible()
    await tab.get_by_label("Phone number of the account").fill(world.account.phone)
    await tab.get_by_role("checkbox").check()
    await tab.get_by_role("button", name="Send the code").click()
    await tab.get_by_label("Code from Telegram").fill("99999")
    await tab.get_by_role("button", name="Continue").click()
    await expect(tab.get_by_role("alert")).to_contain_text("This is not the code Telegram sent. 2 tries are left.")
    await tab.get_by_label("Code from Telegram").fill(world.account.code)
    await tab.get_by_role("button", name="Continue").click()
    await tab.get_by_label("Password of the account").fill("tea pot")
    await tab.get_by_role("button", name="Continue").click()
    await expect(tab.get_by_role("heading", name="@owner", level=1)).to_be_visible()
    assert await world.statuses() == [("telegram_userbot", "active")]


async def test_that_a_whatsapp_number_is_connected_by_its_ids(world: World, new_context: NewContext) -> None:
    tab = await at_setup(world, new_context, "/setup/connect/whatsapp_cloud", expected=("422",))
    await tab.get_by_label("Phone number ID").fill(world.number.number_id)
    await tab.get_by_label("WhatsApp Business account ID").fill(world.number.waba)
    await tab.get_by_label("Access token").fill("EAAwrong")
    await tab.get_by_role("button", name="Connect").click()
    await expect(tab.get_by_role("alert")).to_contain_text("Meta does not accept this token")
    # What was typed is not lost; a secret is typed again.
    await expect(tab.get_by_label("Phone number ID")).to_have_value(world.number.number_id)
    await tab.get_by_label("Access token").fill(world.number.token)
    await tab.get_by_role("button", name="Connect").click()
    await connected(tab, "Oq Choy 15550001111")
    assert await world.statuses() == [("whatsapp_cloud", "active")]


LOGINS = [
    ("messenger", "Continue with Facebook", "Oq Choy"), ("instagram", "Continue with Facebook", "@oqchoy"),
    ("instagram", "Continue with Instagram", "@oqchoy"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "button", "name"), LOGINS)
async def test_that_a_page_and_an_account_are_connected_by_a_login_at_meta(
    world: World, new_context: NewContext, kind: str, button: str, name: str
) -> None:
    tab = await at_setup(world, new_context, f"/setup/connect/{kind}", expected=("422",))
    await tab.get_by_role("button", name=button).click()
    await tab.get_by_role("link", name="Allow").click()
    await expect(tab.get_by_role("heading", name="What should be connected?")).to_be_visible()
    used = tab.url
    await tab.get_by_role("button", name="Connect").first.click()
    await connected(tab, name)
    assert await world.statuses() == [(kind, "active")]
    # The address of the way back counts once.
    await tab.goto(used)
    await expect(tab.get_by_role("alert")).to_contain_text("This login was used already")


async def test_that_what_was_not_allowed_is_named(world: World, new_context: NewContext) -> None:
    tab = await at_setup(world, new_context, "/setup/connect/messenger", expected=("422",))
    await tab.get_by_role("button", name="Continue with Facebook").click()
    await tab.get_by_role("link", name="Without pages_messaging").click()
    await expect(tab.get_by_role("alert")).to_contain_text("allow these too: pages_messaging")
    assert await world.statuses() == []


async def test_that_a_template_is_sent_once_the_window_is_closed(world: World, new_context: NewContext) -> None:
    async with db.step(world.tenant_id) as session:
        made = await connections.create(
            session, world.tenant_id, "whatsapp_cloud", "Oq Choy", account=world.number.number_id,
            credentials={"token": world.number.token}, settings={"business_id": world.number.waba},
        )  # fmt: skip
    talk = await office.talk(made, "Dilnoza")
    await office.says(talk, "Salom", payload={"reactions": {"member": "❤"}})
    async with db.step(world.tenant_id) as session:
        await session.execute("UPDATE conversations SET last_inbound_at = now() - interval '2 days'")
    tab = await at_setup(world, new_context, f"/inbox/{talk.id}", color_scheme="dark", reduced_motion="reduce")
    await expect(tab.get_by_text("only an approved template may be sent")).to_be_visible()
    await tab.get_by_text("visit_reminder").click()
    await tab.get_by_label("In place of {{1}}").fill("Dilnoza")
    await tab.get_by_label("In place of {{2}}").fill("18:00")
    assert await violations(tab) == []
    await shot(tab, "08-template")
    await tab.get_by_role("button", name="Send template").click()
    await expect(tab.get_by_role("log")).to_contain_text("Hello Dilnoza, your visit is at 18:00.")


PAGES = (
    "setup",
    "setup/channels/{lost}",
    "setup/channels/{page}",
    "setup/connect/telegram_userbot",
    "setup/connect/whatsapp_cloud",
    "setup/connect/waha",
)


async def test_that_the_pages_are_accessible(world: World, new_context: NewContext) -> None:
    async with db.step(world.tenant_id) as session:
        lost = await connections.create(session, world.tenant_id, "telegram_bot", "@oqchoy_bot")
        await connections.mark(session, lost.id, "reconnect", REVOKED)
        page = await connections.create(session, world.tenant_id, "messenger", "Oq Choy: " + "juda uzun nomli sahifa " * 4, account="111")
        await alerts.tell(session, page.id, "policy", "block: Spam")
        await alerts.tell(session, page.id, alerts.ENDING, "2026-12-01")
    tab = await at_setup(world, new_context, reduced_motion="reduce")
    found: list[tuple[str, list[str]]] = []
    for number, one in enumerate(PAGES):
        await tab.goto(f"{world.url}/{one.format(lost=lost.id, page=page.id)}", wait_until="domcontentloaded")
        await tab.wait_for_function("getComputedStyle(document.body).fontFamily.includes('system-ui')")
        found.append((one, await violations(tab)))
        await shot(tab, f"{number:02}-{one.split('/')[-1].strip('{}')}")
    assert [one for one in found if one[1]] == []
