"""Files in the inbox's composer, in a real browser."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import FilePayload, Page, Request, expect

from savdo.base import live
from tests.browser.conftest import NewContext
from tests.emulators.serving import serving
from tests.web import office

SHOTS = os.environ.get("SAVDO_SHOTS", "")
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 30
NOTE: FilePayload = {"name": "narxlar.txt", "mimeType": "text/plain", "buffer": b"Puer: 132 000"}
PROGRAM: FilePayload = {"name": "run.exe", "mimeType": "application/octet-stream", "buffer": b"MZ\x90\x00" + bytes(90)}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(opened: str, built: object) -> AsyncIterator[str]:
    listening = asyncio.create_task(live.listen())
    async with serving(office.app()) as url:
        yield url
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


async def entered(page: Page, address: str, tenant_id: UUID) -> office.Talk:
    """The owner in a conversation."""
    talk = await office.talk(await office.web_chat(tenant_id), "Dilnoza")
    await office.says(talk, "Narxlar roʻyxati bormi?")
    email = await office.member(tenant_id, "Alice", "owner")
    await page.goto(f"{address}/inbox/{talk.id}")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(office.PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{address}/inbox/{talk.id}")
    return talk


@pytest.mark.parametrize("width", [1280, 390])
async def test_that_a_chosen_file_is_named_sent_and_gone_from_the_composer(
    address: str, database: str, tenant_id: UUID, new_context: NewContext, width: int
) -> None:
    context = await new_context(expected=("415",), viewport={"width": width, "height": 800})
    page = await context.new_page()
    await entered(page, address, tenant_id)
    sizes: list[int] = []

    def typed(request: Request) -> None:
        if request.url.endswith("/typing"):
            sizes.append(len(request.post_data_buffer or b""))

    page.on("request", typed)
    field, chosen = page.get_by_label("Write to the customer…"), page.locator("[data-attached]")
    await page.get_by_label("Attach files").set_input_files([NOTE])
    await expect(chosen).to_have_text("narxlar.txt")
    await expect(field).to_be_focused()
    await page.keyboard.type("Mana")
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/attach-{width}.png")
    await page.keyboard.press("Enter")
    await expect(page.locator("#thread").get_by_role("link", name="narxlar.txt")).to_be_visible()
    await expect(page.locator("#thread")).to_contain_text("Mana")
    await expect(chosen).to_be_hidden()
    await expect(field).to_have_value("")
    # A file goes along with its message, not with the word that somebody is typing.
    assert all(size < 300 for size in sizes)
    # Without words; and what is refused stays, with the words beside it.
    await page.get_by_label("Attach files").set_input_files([PROGRAM])
    await field.fill("Yana")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#toasts")).to_contain_text("Files of this kind are not sent")
    await expect(chosen).to_have_text("run.exe")
    await expect(field).to_have_value("Yana")
    await page.get_by_label("Attach files").set_input_files([{"name": "rasm.png", "mimeType": "image/png", "buffer": PNG}])
    await field.fill("")
    await field.press("Enter")
    await expect(page.locator("#thread img.media")).to_have_count(1)
