"""The persona in a real browser: a draft, what it would change, what the scenarios say of it, published, taken back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import expect

from savdo.base import db
from savdo.reply import persona, scenarios
from tests.browser import street
from tests.browser.conftest import NewContext
from tests.browser.looking import shot
from tests.browser.street import Street, enter_office, enter_shop, said, write
from tests.journeys.conftest import working

DELIVERY = "How much is delivery in Tashkent?"


@pytest_asyncio.fixture
async def town(address: str, database: str, tmp_path: Path) -> AsyncIterator[Street]:
    """A company that answers one question, and a scenario in which it does."""
    folder = street.business(tmp_path / "oq-choy", **{"faq.md": f"# Oq Choy\n\n## {DELIVERY}\nDelivery in Tashkent is 25 000 so'm.\n"})
    async with street.opened_for(address, folder) as opened, working():
        tenant_id = opened.company.tenant_id
        async with db.step(tenant_id) as session:
            await scenarios.save(session, tenant_id, None, "Asks for delivery", [DELIVERY], {"say": ["25 000"]})
        yield opened


async def test_that_a_persona_is_tried_published_and_taken_back(town: Street, new_context: NewContext) -> None:
    owner = await enter_office(await new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce"), town, "/persona")
    await owner.get_by_label("Topics it does not speak of").fill("delivery")
    await owner.get_by_label("Tone").select_option("Professional")
    await owner.get_by_role("button", name="Save draft").click()
    change = owner.get_by_role("region", name="What would change")
    await expect(change.locator("ins")).to_have_text(["Professional", "delivery"])
    await expect(change.locator("del")).to_have_text(["Friendly"])
    await change.get_by_role("button", name="Run scenarios").click()
    await expect(change).to_contain_text("0 of 1 pass")
    await expect(change).to_contain_text("Would break: Asks for delivery")
    await shot(owner, "persona-gate")
    await change.get_by_role("link", name="1 answer differs").click()
    result = owner.locator("details.result")
    await expect(result.locator(".side-before")).to_contain_text("25 000")
    await expect(result.locator(".side-after")).not_to_contain_text("25 000")
    await shot(owner, "scenarios-run")
    await owner.go_back()
    await owner.get_by_role("button", name="Publish anyway").click()
    await expect(owner.get_by_text("Version 2", exact=True)).to_be_visible()
    _, chat = await enter_shop(await new_context(), town)
    await write(chat, DELIVERY)
    await expect(said(chat, "bot")).to_contain_text("I can only answer questions about Oq Choy")
    await owner.get_by_role("button", name="Restore version 1").click()
    await expect(owner.get_by_text("Version 3", exact=True)).to_be_visible()
    await expect(owner.get_by_label("Topics it does not speak of")).to_have_value("")
    await shot(owner, "persona-versions")
    await write(chat, DELIVERY)
    await expect(said(chat, "bot").last).to_contain_text("25 000")


async def test_that_the_second_to_save_sees_both(town: Street, new_context: NewContext) -> None:
    owner = await enter_office(await new_context(expected=("409",), viewport={"width": 1280, "height": 900}), town, "/persona")
    async with db.step(town.company.tenant_id) as session:
        member = await db.first(session, "SELECT id FROM members")
        assert member is not None
        known = await persona.current(session)
        await persona.save(session, town.company.tenant_id, member["id"], {**known.fields, "name": "White Tea"}, revision=known.revision)
    name = owner.get_by_label("Business name")
    await name.fill("Oq Choy Premium")
    await owner.get_by_role("button", name="Save draft").click()
    await expect(owner.get_by_role("alert")).to_contain_text("Somebody was quicker")
    await expect(owner.locator(".theirs")).to_contain_text("White Tea")
    await expect(name).to_have_value("Oq Choy Premium")
    await shot(owner, "persona-both")
    await owner.get_by_role("button", name="Save draft").click()
    await expect(owner.get_by_role("region", name="What would change").locator("ins")).to_have_text(["Oq Choy Premium"])
