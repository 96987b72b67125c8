"""The owner's pages in a real browser: live, by keyboard, accessible in light and dark."""

from dataclasses import dataclass
from uuid import UUID

import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from savdo.base import db
from savdo.channels import connections
from savdo.conversations import merging
from tests.browser.conftest import NewContext
from tests.browser.looking import shot, violations
from tests.browser.street import chat_of, signed_in
from tests.web import office

LONG = "Мухаммадкарим-Абдурахмонов Шахзодбек Қобилжонұлы"


@dataclass
class Office:
    url: str
    tenant_id: UUID
    email: str
    talk: office.Talk
    document_id: UUID


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
    return await signed_in(context, f"{shop.url}/inbox", shop.email)


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
    # On a narrow window the details lie over the thread.
    await page.set_viewport_size({"width": 390, "height": 844})
    opener = page.get_by_role("button", name="Details")
    await opener.press("Enter")
    await expect(page.get_by_role("complementary", name="Details")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(opener).to_be_focused()
    # The preview follows what is typed, in the language it is typed in, and leaves the keyboard where it is.
    await page.set_viewport_size({"width": 1280, "height": 900})
    await page.goto(f"{shop.url}/setup/website")
    await page.locator("summary", has_text="Oʻzbekcha").press("Enter")
    welcome = page.locator("#welcome_uz")
    # What is still folded up takes no focus.
    await expect(welcome).to_be_visible()
    await welcome.focus()
    await expect(welcome).to_be_focused()
    await welcome.press_sequentially("Choyxonaga xush kelibsiz")
    window = await chat_of(page)
    await expect(window.get_by_text("Choyxonaga xush kelibsiz")).to_be_visible()
    await expect(welcome).to_be_focused()


async def test_that_a_viewer_reads_and_does_not_write(shop: Office, new_context: NewContext) -> None:
    shop.email = await office.member(shop.tenant_id, "Victor", "viewer")
    page = await entered(await new_context(expected=("403",)), shop)
    await page.goto(f"{shop.url}/inbox/{shop.talk.id}")
    await expect(page.get_by_text("You may read here, not write.")).to_be_visible()
    await page.goto(f"{shop.url}/setup")
    await expect(page.get_by_role("heading")).to_contain_text("You may not do this")
    assert await violations(page) == []


# Pages and states that test_journey does not come by.
PAGES = (
    "inbox",
    "inbox/{talk}",
    "knowledge",
    "knowledge?q=green+tea",
    "knowledge/{document}",
    "knowledge/answers/new",
    "setup/website",
    "companies",
    "inbox/{talk}/same?q=i",
    "privacy/deletion?code=looked-at",
)


async def merged_and_forgotten(shop: Office) -> None:
    """The customer of the conversation wrote on another road too, and somebody else was forgotten."""
    async with db.step(shop.tenant_id) as session:
        bot = await connections.create(session, shop.tenant_id, "telegram_bot", "Tea bot", account=str(db.new_id()))
    twin = await office.talk(bot, "Dilnoza R.")
    await office.says(twin, "Bormisiz?")
    async with db.step(shop.tenant_id) as session:
        known = await db.rows(session, "SELECT contact_id FROM conversations WHERE id IN (%s, %s)", (shop.talk.id, twin.id))
        await merging.merge(session, shop.tenant_id, "system", known[0]["contact_id"], known[1]["contact_id"])
    async with db.platform_step("somebody was forgotten") as session:
        await session.execute("INSERT INTO deletions (code, done_at) VALUES ('looked-at', now()) ON CONFLICT DO NOTHING")


async def test_that_every_other_page_and_state_is_accessible(shop: Office, new_context: NewContext) -> None:
    context = await new_context(reduced_motion="reduce", viewport={"width": 1280, "height": 900})
    door = await context.new_page()
    await door.goto(f"{shop.url}/sign-in")
    assert await violations(door) == []
    page = await entered(context, shop)
    await merged_and_forgotten(shop)
    found: list[tuple[str, list[str]]] = []
    for number, one in enumerate(PAGES):
        await page.goto(f"{shop.url}/{one.format(talk=shop.talk.id, document=shop.document_id)}", wait_until="domcontentloaded")
        await page.wait_for_function("getComputedStyle(document.body).fontFamily.includes('system-ui')")
        found.append((one, await violations(page)))
        await shot(page, f"{number:02}-{one.partition('/')[0].partition('?')[0]}")
    assert [one for one in found if one[1]] == []
