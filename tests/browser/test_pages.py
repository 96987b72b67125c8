"""The owner's pages in a real browser: live, by keyboard, accessible in light and dark."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page, expect

from savdo.base import db, live
from tests.browser.conftest import NewContext
from tests.emulators.serving import serving
from tests.web import office

AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
# Where screenshots of every page go, when somebody wants to look at them.
SHOTS = os.environ.get("SAVDO_SHOTS", "")
LONG = "Мухаммадкарим-Абдурахмонов Шахзодбек Қобилжонұлы"


@dataclass
class Office:
    url: str
    tenant_id: UUID
    email: str
    talk: office.Talk
    document_id: UUID


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(opened: str, built: Path) -> AsyncIterator[str]:
    listening = asyncio.create_task(live.listen())
    async with serving(office.app()) as url:
        yield url
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


@pytest_asyncio.fixture
async def shop(address: str, database: str, tenant_id: UUID) -> Office:
    """A company with a conversation in every state."""
    email = await office.member(tenant_id, "Alice", "owner")
    connection = await office.web_chat(tenant_id)
    passage = await office.document(tenant_id, "prices.csv", "Green tea, 100 g: 35 000 UZS\nBlack tea, 100 g: 28 000 UZS")
    await office.document(tenant_id, "katalog-2026-" + "juda-uzun-nom-" * 6 + ".pdf", "", "reading")
    await office.document(
        tenant_id,
        "scan.pdf",
        "",
        "failed",
        "This file holds pictures of pages and no text. Upload the original document, or one with recognised text.",
    )
    closed = await office.talk(connection, "Сергей", status="closed")
    await office.says(closed, "Спасибо, до свидания")
    waiting = await office.talk(connection, LONG, status="handover")
    await office.says(waiting, "Позовите менеджера, пожалуйста, я уже третий раз спрашиваю про возврат и никто не отвечает")
    taken = await office.talk(connection, "Aigerim", status="human")
    await office.says(taken, "Сәлеметсіз бе, кепілдік қанша ай?")
    await office.says(taken, "Сәлеметсіз бе! 12 ай.", "member", status="failed", error="blocked")
    talk = await office.talk(connection, "Dilnoza")
    await office.says(talk, "Assalomu alaykum")
    await office.says(talk, "Yashil choy 100 grammi qancha turadi?")
    await office.says(
        talk,
        "Yashil choy, 100 g: 35 000 soʻm.\nYana nima kerak?",
        "bot",
        passage=passage,
        payload={"buttons": [{"id": "a", "title": "Yetkazib berish"}]},
    )
    return Office(address, tenant_id, email, talk, passage[0])


async def entered(context: BrowserContext, shop: Office) -> Page:
    page = await context.new_page()
    await page.goto(f"{shop.url}/inbox")
    await page.get_by_label("E-mail").fill(shop.email)
    await page.get_by_label("Password").fill(office.PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{shop.url}/inbox")
    return page


async def test_that_a_message_shows_at_once_and_a_person_takes_over(shop: Office, new_context: NewContext) -> None:
    page = await entered(await new_context(), shop)
    await page.get_by_role("link", name="Dilnoza").click()
    await expect(page.get_by_role("log")).to_contain_text("35 000 soʻm")
    await office.says(shop.talk, "Yetkazib berasizmi?")
    await expect(page.get_by_role("log")).to_contain_text("Yetkazib berasizmi?")
    await expect(page.get_by_text("When you write, it goes silent.")).to_be_visible()
    await page.get_by_role("button", name="Take over").click()
    await expect(page.get_by_role("button", name="Give back")).to_be_visible()
    await expect(page.get_by_text("When you write, it goes silent.")).to_be_hidden()
    field = page.get_by_role("textbox", name="Write to the customer…")
    await field.fill("Ha, bugun <b>bepul</b>")
    await field.press("Enter")
    await expect(page.get_by_role("log")).to_contain_text("Ha, bugun <b>bepul</b>")
    await expect(field).to_have_value("")
    async with db.step(shop.tenant_id) as session:
        row = await db.first(
            session, "SELECT status, author, text FROM messages WHERE conversation_id = %s ORDER BY number DESC", (shop.talk.id,)
        )
    assert row == {"status": "queued", "author": "member", "text": "Ha, bugun <b>bepul</b>"}


async def test_that_earlier_messages_stay_when_a_new_one_comes(shop: Office, new_context: NewContext) -> None:
    for number in range(60):
        await office.says(shop.talk, f"savol {number}")
    page = await entered(await new_context(), shop)
    await page.goto(f"{shop.url}/inbox/{shop.talk.id}")
    thread = page.get_by_role("log")
    await expect(thread).not_to_contain_text("Assalomu alaykum")
    await page.get_by_role("button", name="Earlier messages").click()
    await expect(thread).to_contain_text("Assalomu alaykum")
    await office.says(shop.talk, "yangi savol")
    await expect(thread).to_contain_text("yangi savol")
    await expect(thread).to_contain_text("Assalomu alaykum")
    await expect(page.get_by_role("button", name="Earlier messages")).to_be_hidden()


async def test_that_the_why_panel_leads_to_the_passage(shop: Office, new_context: NewContext) -> None:
    page = await entered(await new_context(viewport={"width": 1400, "height": 900}), shop)
    await page.goto(f"{shop.url}/inbox/{shop.talk.id}")
    await page.get_by_role("link", name="Why?").click()
    await expect(page.get_by_role("heading", name="Why this answer")).to_be_visible()
    await page.get_by_role("link", name="prices.csv").click()
    await expect(page.locator("article:target")).to_contain_text("Green tea, 100 g")


async def test_that_files_are_taken_one_by_one_and_refusals_are_clear(shop: Office, new_context: NewContext) -> None:
    page = await entered(await new_context(expected=("422",)), shop)
    await page.goto(f"{shop.url}/knowledge")
    await page.locator("input[type=file]").set_input_files(
        [
            {"name": "return <i>policy.txt", "mimeType": "text/plain", "buffer": b"Returns within 14 days."},
            {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""},
        ]
    )
    await expect(page.locator("#documents")).to_contain_text("policy")
    await expect(page.get_by_role("alert")).to_contain_text("There is no text in this file.")


async def test_that_everything_is_reached_by_keyboard(shop: Office, new_context: NewContext) -> None:
    page = await entered(await new_context(), shop)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find")
    await expect(field).to_be_focused()
    await field.press_sequentially("Dilno")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{shop.url}/inbox/{shop.talk.id}")


async def test_that_a_viewer_reads_and_does_not_write(shop: Office, new_context: NewContext) -> None:
    shop.email = await office.member(shop.tenant_id, "Victor", "viewer")
    page = await entered(await new_context(expected=("403",)), shop)
    await page.goto(f"{shop.url}/inbox/{shop.talk.id}")
    await expect(page.get_by_text("You may read here, not write.")).to_be_visible()
    await page.goto(f"{shop.url}/setup")
    await expect(page.get_by_role("heading")).to_contain_text("You may not do this")


PAGES = (
    "inbox",
    "inbox/{talk}",
    "knowledge",
    "knowledge?q=green+tea",
    "knowledge/{document}",
    "knowledge/answers/new",
    "try",
    "setup/website",
    "demo",
    "nowhere",
)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_that_every_page_is_accessible(shop: Office, new_context: NewContext, theme: str) -> None:
    context = await new_context(expected=("404",), color_scheme=theme, reduced_motion="reduce", viewport={"width": 1280, "height": 900})
    door = await context.new_page()
    await door.goto(f"{shop.url}/sign-in")
    assert await violations(door) == []
    page = await entered(context, shop)
    found: list[tuple[str, list[str]]] = []
    for one in PAGES:
        await page.goto(f"{shop.url}/{one.format(talk=shop.talk.id, document=shop.document_id)}", wait_until="domcontentloaded")
        await page.wait_for_function("getComputedStyle(document.body).fontFamily.includes('system-ui')")
        found.append((one, await violations(page)))
    assert [one for one in found if one[1]] == []


async def violations(page: Page) -> list[str]:
    found = await Axe().run(page, options=AXE)
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:240]}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


if SHOTS:

    async def test_that_the_pages_can_be_looked_at(shop: Office, new_context: NewContext) -> None:
        for theme in ("light", "dark"):
            for width in (1280, 390):
                context = await new_context(expected=("404",), color_scheme=theme, viewport={"width": width, "height": 860})
                page = await entered(context, shop)
                for number, one in enumerate((*PAGES, "inbox?q=zzz", "inbox/{talk}?why")):
                    place = one.format(talk=shop.talk.id, document=shop.document_id)
                    await page.goto(f"{shop.url}/{place.removesuffix('?why')}")
                    if one.endswith("?why") and width > 1180:
                        await page.get_by_role("link", name="Why?").click()
                    await page.wait_for_timeout(350)
                    await page.screenshot(path=f"{SHOTS}/{number:02}-{one.partition('/')[0].partition('?')[0]}-{width}-{theme}.png")
                await context.close()
