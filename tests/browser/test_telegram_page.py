"""A connected Telegram bot on the set-up page, in a real browser: readable in both themes, and asked about before it goes."""

import os
from collections.abc import AsyncIterator
from typing import Literal
from uuid import UUID

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from savdo.base import db
from savdo.channels import connections
from savdo.channels.telegram_api import REVOKED
from tests.browser.conftest import NewContext
from tests.emulators.serving import serving
from tests.web import office

SHOTS = os.environ.get("SAVDO_SHOTS", "")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(opened: str, built: object) -> AsyncIterator[str]:
    async with serving(office.app()) as url:
        yield url


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
async def test_that_a_lost_bot_asks_for_its_token_and_goes_only_after_a_question(
    address: str, database: str, tenant_id: UUID, new_context: NewContext, width: int, theme: Literal["light", "dark"]
) -> None:
    async with db.step(tenant_id) as session:
        bot = await connections.create(session, tenant_id, "telegram_bot", "@oqchoy_bot")
        await connections.mark(session, bot.id, "reconnect", REVOKED)
    await office.talk(bot, "Dilnoza")
    email = await office.member(tenant_id, "Alice", "owner")
    page = await (await new_context(viewport={"width": width, "height": 900}, color_scheme=theme)).new_page()
    await page.goto(f"{address}/setup")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(office.PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("New token of @oqchoy_bot")).to_be_visible()
    await expect(page.locator("#telegram")).to_contain_text("Telegram no longer accepts this token")
    await page.locator("#telegram").scroll_into_view_if_needed()
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/telegram-{width}.png")
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await page.get_by_role("button", name="Disconnect").click()
    asked = page.get_by_role("dialog")
    await expect(asked).to_contain_text("1 conversation is kept")
    await asked.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("link", name="@oqchoy_bot")).to_have_attribute("href", "https://t.me/oqchoy_bot")
    await page.get_by_role("button", name="Disconnect").click()
    await asked.get_by_role("button", name="Disconnect").click()
    await expect(page.get_by_role("link", name="@oqchoy_bot")).to_have_count(0)
