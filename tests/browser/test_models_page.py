"""The page for models in a real browser: from nothing to a chain, a test call without a reload, a key let go."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, expect

from savdo.ai import chain, cost
from savdo.ai.cost import Payer
from savdo.ai.talk import Entry, Usage
from savdo.base import clock, db
from tests.ai.asking import configure, fresh
from tests.browser import street
from tests.browser.conftest import NewContext
from tests.browser.looking import shot
from tests.browser.street import Street, enter_office
from tests.emulators.models import Models
from tests.emulators.serving import serving


@pytest_asyncio.fixture
async def models() -> AsyncIterator[Models]:
    """An installation without models, and a server that could be a provider's."""
    far = Models(["401"])
    # A busy machine takes longer to load the library than a page is waited for.
    await asyncio.to_thread(chain.adapter)
    with fresh() as patch:
        async with serving(far) as address:
            configure(patch, "", {"openai": address, "groq": address})
            yield far


@pytest_asyncio.fixture
async def town(address: str, database: str, models: Models, tmp_path: Path) -> AsyncIterator[Street]:
    async with street.opened_for(address, street.business(tmp_path / "oq-choy")) as opened:
        yield opened


async def test_that_a_chain_is_made_tried_and_taken_apart(town: Street, models: Models, new_context: NewContext) -> None:
    context = await new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce", expected=("422",))
    owner = await enter_office(context, town, "/setup/models")
    await expect(owner.get_by_role("heading", name="Answers are written without a model")).to_be_visible()
    await shot(owner, "models-none")
    await _add(owner, "Own server (OpenAI-compatible)", "qwen3:8b", base="http://10.0.0.8/v1")
    await expect(owner.get_by_label("Address of your server")).to_be_focused()
    await expect(owner.get_by_role("alert")).to_have_text("Write an address that begins with https://.")
    await shot(owner, "models-wrong")
    names = owner.locator("#standing ol .name")
    await _add(owner, "OpenAI", "gpt-4o-mini", key="sk-of-the-tenant-0815")
    await expect(names).to_have_text(["gpt-4o-mini"])
    await _add(owner, "Groq", "llama-3.3-70b-versatile", key="gsk-of-the-tenant-4711")
    await expect(names).to_have_count(2)
    await owner.get_by_role("button", name="Ask earlier: groq:llama-3.3-70b-versatile").press("Enter")
    await expect(names).to_have_text(["llama-3.3-70b-versatile", "gpt-4o-mini"])
    await owner.evaluate("document.body.dataset.kept = 'yes'")
    await owner.get_by_role("button", name="Test call: openai:gpt-4o-mini").click()
    await expect(owner.get_by_role("alert")).to_have_text(
        "openai:gpt-4o-mini gave no answer. The provider refuses the key. Paste a new one."
    )
    assert await owner.evaluate("document.body.dataset.kept") == "yes"
    await _spent(town)
    await owner.reload()
    await shot(owner, "models-filled")
    await owner.get_by_role("button", name="Remove the key: OpenAI").click()
    asked = owner.get_by_role("dialog", name="Remove the key of OpenAI?")
    await expect(asked).to_contain_text("leave the list: openai:gpt-4o-mini.")
    await asked.get_by_role("button", name="Remove the key").click()
    await expect(names).to_have_text(["llama-3.3-70b-versatile"])
    assert len(models.asked) == 1


async def _add(owner: Page, provider: str, name: str, *, key: str = "", base: str = "") -> None:
    form = owner.get_by_role("form", name="Add a model")
    await form.get_by_label("Provider").select_option(provider)
    await form.get_by_label("Model").fill(name)
    await form.get_by_label("Key").fill(key)
    if base:
        await form.get_by_label("Address of your server").fill(base)
    await form.get_by_role("button", name="Add a model").click()


async def _spent(town: Street) -> None:
    """A day of calls, the last of which failed."""
    entries = [Entry("groq", "llama-3.3-70b-versatile", "k", "", own=True), Entry("openai", "gpt-4o-mini", "k", "", own=True)]
    payer = Payer(town.company.tenant_id, db.new_id(), 1, cost.day_in("Asia/Tashkent"))
    for number in range(12):
        booked = await cost.book(payer, entries[number % 2], 900_000, None)
        assert booked is not None
        problem = "" if number < 8 or number % 2 == 0 else "status 503"
        await cost.settle(payer, booked, Usage(5200, 140), 734_200 if number % 2 == 0 else 0, number % 2 == 0, 1240, problem)
    await cost.book(payer, entries[0], 90_000_000, 10_000_000)
    clock.move(timedelta(seconds=1))
