"""The web chat in a real browser, on a page that belongs to somebody else."""

import asyncio
import gzip
import html
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest_asyncio
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from playwright.async_api import BrowserContext, Frame, Page, expect

from savdo.base import db
from savdo.channels import connections
from savdo.channels.models import Connection
from tests.browser.conftest import NewContext
from tests.browser.looking import violations
from tests.emulators.serving import serving
from tests.web import visiting

HOSTILE = """
savdo-chat, div, button, iframe, body > * { display: none !important; position: static !important; opacity: 0 !important;
  width: 1px !important; font-size: 90px !important; color: lime !important;
  transform: rotate(9deg) !important; pointer-events: none !important }
h1 { display: block !important; opacity: 1 !important; width: auto !important }
"""


@dataclass
class Shop:
    """A foreign site that embeds the chat: another origin, a strict policy, hostile styles."""

    url: str
    connection: Connection


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base(opened: str, built: Path) -> AsyncIterator[str]:
    async with visiting.chat_server() as address:
        yield address


@pytest_asyncio.fixture
async def shop(base: str, database: str, tenant_id: UUID) -> AsyncIterator[Shop]:
    app = FastAPI()
    async with serving(app) as url:
        async with db.step(tenant_id) as session:
            connection = await connections.create(
                session, tenant_id, "web_chat", "Website", credentials={"identity_secret": "hmac_token_abc"}, settings=settings(url)
            )
        policy = f"default-src 'none'; style-src 'self'; script-src 'nonce-n0nce'; connect-src {base}; frame-src {base}"
        loader = f'{base}/widget/v1/loader.js" data-key="{html.escape(connection.key)}" data-locale="en'
        script = f'<script async nonce="n0nce" src="{loader}"></script>'

        @app.get("/")
        async def front() -> HTMLResponse:
            page = f'<!doctype html><html lang="en"><title>Shop</title><link rel="stylesheet" href="/site.css"><h1>Shop</h1>{script}'
            return HTMLResponse(page, headers={"Content-Security-Policy": policy})

        @app.get("/site.css")
        async def styles() -> Response:
            return Response(HOSTILE, media_type="text/css")

        @app.get("/favicon.ico")
        async def favicon() -> Response:
            return Response(status_code=204)

        yield Shop(url, connection)


def settings(url: str) -> dict[str, Any]:
    return {
        "origins": [url], "colour": "#2563eb", "name": "Oq Choy", "welcome": {"en": "Hello! **Tea** questions?"},
        "starters": {"en": ["What does it cost?", "Do you deliver?"]},
    }  # fmt: skip


async def visit(context: BrowserContext, shop: Shop) -> Page:
    page = await context.new_page()
    await page.add_init_script("addEventListener('chat:ready', () => (document.documentElement.dataset.chat = 'ready'))")
    await page.goto(shop.url)
    await page.wait_for_selector("html[data-chat=ready]", state="attached")
    return page


async def window_of(page: Page) -> Frame:
    """The chat's own document, once it is drawn."""
    for _ in range(200):
        for frame in page.frames:
            if "/widget/v1/frame" in frame.url:
                await frame.wait_for_selector("textarea, .prechat", state="attached")
                return frame
        await asyncio.sleep(0.02)
    raise AssertionError("The chat has no window.")


async def press_launcher(page: Page) -> Frame:
    size = page.viewport_size
    assert size is not None
    await page.mouse.click(size["width"] - 48, size["height"] - 48)
    frame = await window_of(page)
    await expect(frame.get_by_role("dialog")).to_be_visible()
    return frame


async def say(frame: Frame, text: str) -> None:
    await frame.get_by_role("textbox").fill(text)
    await frame.get_by_role("textbox").press("Enter")


async def stored(frame: Frame, text: str) -> None:
    """Writes something and waits until the server has it."""
    await say(frame, text)
    await expect(frame.get_by_label("Sent", exact=True)).to_be_visible()


async def accessible(page: Page, role: str) -> list[dict[str, Any]]:
    """The page's nodes of a role as assistive technology gets them, also in a closed shadow root."""
    session = await page.context.new_cdp_session(page)
    nodes = (await session.send("Accessibility.getFullAXTree"))["nodes"]
    return [node for node in nodes if node.get("role", {}).get("value") == role]


async def launcher_name(page: Page) -> str:
    (button,) = await accessible(page, "button")
    return button["name"]["value"]


def bubbles(frame: Frame, kind: str) -> Any:
    return frame.locator(f".log .{kind} .bubble")


async def test_that_a_visitor_chats_on_a_strict_and_hostile_page(new_context: NewContext, shop: Shop) -> None:
    page = await visit(await new_context(viewport={"width": 1280, "height": 800}), shop)
    frame = await press_launcher(page)
    await expect(frame.locator(".welcome strong")).to_have_text("Tea")
    await expect(frame.get_by_text("The assistant is a bot")).to_be_visible()
    await frame.get_by_role("button", name="What does it cost?").click()
    await expect(bubbles(frame, "mine")).to_have_text(["What does it cost?"])
    await expect(frame.locator(".typing .dots")).to_be_visible()
    await visiting.said_to(shop.connection, "**50 000** so‘m", buttons=[{"id": "buy", "title": "I want it"}])
    await expect(bubbles(frame, "bot")).to_have_text(["50 000 so‘m"])
    await expect(frame.locator(".typing .dots")).to_have_count(0)
    await frame.get_by_role("button", name="I want it").click()
    await expect(bubbles(frame, "mine")).to_have_text(["What does it cost?", "I want it"])
    box = await (await frame.frame_element()).bounding_box()
    assert box is not None
    assert (box["width"], box["x"] + box["width"]) == (400, 1260)
    assert await page.evaluate("Object.keys(window).filter(name => /savdo/i.test(name))") == []
    assert await page.evaluate("[typeof Savdo.open, document.querySelector('savdo-chat').shadowRoot]") == ["function", None]


async def test_that_two_tabs_show_the_same_thread(new_context: NewContext, shop: Shop) -> None:
    context = await new_context()
    one = await visit(context, shop)
    first = await press_launcher(one)
    await stored(first, "from the first tab")
    two = await visit(context, shop)
    second = await press_launcher(two)
    await expect(bubbles(second, "mine")).to_have_text(["from the first tab"])
    await stored(second, "from the second tab")
    await visiting.said_to(shop.connection, "an answer")
    for frame in (first, second):
        await expect(bubbles(frame, "mine")).to_have_text(["from the first tab", "from the second tab"])
        await expect(bubbles(frame, "bot")).to_have_text(["an answer"])
    # The first tab held the stream for both.
    await one.close()
    await visiting.said_to(shop.connection, "still here?")
    await expect(bubbles(second, "bot")).to_have_text(["an answer", "still here?"])


async def test_that_what_is_written_without_a_network_is_sent_when_it_is_back(new_context: NewContext, shop: Shop) -> None:
    context = await new_context(expected=("ERR_INTERNET_DISCONNECTED", "Failed to load resource"))
    page = await visit(context, shop)
    frame = await press_launcher(page)
    await stored(frame, "before")
    await context.set_offline(True)
    for text in ("one", "two", "three"):
        await say(frame, text)
    await expect(frame.get_by_text("No connection.")).to_be_visible()
    await expect(frame.get_by_label("Sending")).to_be_visible()
    await visiting.said_to(shop.connection, "said meanwhile")
    await context.set_offline(False)
    await expect(bubbles(frame, "bot")).to_have_text(["said meanwhile"], timeout=8000)
    await expect(frame.get_by_label("Sending")).to_have_count(0, timeout=8000)
    await expect(frame.get_by_text("No connection.")).to_have_count(0)
    async with db.step(shop.connection.tenant_id) as session:
        kept = await db.rows(session, "SELECT text FROM messages WHERE direction = 'in' ORDER BY number")
    assert [row["text"] for row in kept] == ["before", "one", "two", "three"]


async def test_that_an_unsent_message_survives_a_reload(new_context: NewContext, shop: Shop) -> None:
    context = await new_context(expected=("ERR_INTERNET_DISCONNECTED", "Failed to load resource"))
    page = await visit(context, shop)
    frame = await press_launcher(page)
    await context.set_offline(True)
    await say(frame, "do not lose me")
    await expect(frame.get_by_label("Sending")).to_be_visible()
    await context.set_offline(False)
    await page.reload()
    await page.wait_for_selector("html[data-chat=ready]", state="attached")
    frame = await press_launcher(page)
    await expect(bubbles(frame, "mine")).to_have_text(["do not lose me"])
    await expect(frame.get_by_label("Sent", exact=True)).to_be_visible()


async def test_that_a_token_that_ended_costs_nothing_that_was_written(new_context: NewContext, shop: Shop) -> None:
    context = await new_context(expected=("401",))
    page = await visit(context, shop)
    await page.evaluate("key => localStorage.setItem(`savdo:${key}:token`, 'ended')", shop.connection.key)
    await page.reload()
    await page.wait_for_selector("html[data-chat=ready]", state="attached")
    frame = await press_launcher(page)
    await stored(frame, "I was here before")
    await visiting.said_to(shop.connection, "Welcome back")
    await expect(bubbles(frame, "bot")).to_have_text(["Welcome back"])


async def test_that_a_signed_in_person_finds_the_thread_on_another_device(new_context: NewContext, shop: Shop) -> None:
    person = {"identifier": "user-42", "hmac": "250dc1b67dc214659d8b2552b6533a8c971a004d6f0948a4d2c2c3b925c6134a", "name": "Ana"}
    laptop = await visit(await new_context(), shop)
    frame = await press_launcher(laptop)
    await stored(frame, "Where is my order?")
    identify = "person => new Promise(done => { Savdo.on('identified', done); Savdo.identify(person) })"
    await laptop.evaluate(identify, person)
    phone = await visit(await new_context(), shop)
    await phone.evaluate(identify, person)
    there = await press_launcher(phone)
    await expect(bubbles(there, "mine")).to_have_text(["Where is my order?"])
    await visiting.said_to(shop.connection, "On its way")
    for one in (frame, there):
        await expect(bubbles(one, "bot")).to_have_text(["On its way"])
    await phone.evaluate("Savdo.reset()")
    await expect(bubbles(there, "mine")).to_have_count(0)
    assert await phone.evaluate("Object.keys(localStorage)") == []


async def test_that_markup_in_a_message_stays_text(new_context: NewContext, shop: Shop) -> None:
    page = await visit(await new_context(), shop)
    frame = await press_launcher(page)
    hostile = "<img src=x onerror=\"document.title='owned'\"> <script>document.title='owned'</script>"
    await stored(frame, hostile)
    await expect(bubbles(frame, "mine")).to_have_text([hostile])
    await visiting.said_to(shop.connection, f"{hostile} [go](javascript:alert(1)) [ok](https://ok.example/a) https://b.example/c.")
    await expect(frame.locator(".log .bot")).to_have_count(1)
    assert await frame.locator(".log img, .log script").count() == 0
    links = frame.locator(".log a")
    assert [await one.get_attribute("href") for one in await links.all()] == ["https://ok.example/a", "https://b.example/c"]
    assert [await one.get_attribute("rel") for one in await links.all()] == ["noopener nofollow noreferrer"] * 2
    assert await page.title() == "Shop"


async def test_that_the_keyboard_is_enough(new_context: NewContext, shop: Shop) -> None:
    page = await visit(await new_context(), shop)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    frame = await window_of(page)
    await expect(frame.get_by_role("textbox")).to_be_focused()
    await page.keyboard.type("typed")
    await page.keyboard.press("Enter")
    await expect(bubbles(frame, "mine")).to_have_text(["typed"])
    for _ in range(12):
        await page.keyboard.press("Tab")
        assert await frame.evaluate("document.hasFocus() && document.activeElement !== document.body")
    await page.keyboard.press("Escape")
    await (await frame.frame_element()).wait_for_element_state("hidden")
    (button,) = await accessible(page, "button")
    assert next(one["value"]["value"] for one in button["properties"] if one["name"] == "focused")


async def test_that_unread_messages_are_counted_on_the_button_and_the_tab(new_context: NewContext, shop: Shop) -> None:
    page = await visit(await new_context(), shop)
    frame = await press_launcher(page)
    await stored(frame, "Hi")
    await page.evaluate("Savdo.close()")
    await visiting.said_to(shop.connection, "one")
    await visiting.said_to(shop.connection, "two")
    await expect(page).to_have_title("(2) Shop")
    assert await launcher_name(page) == "Open chat, 2 unread"
    await page.evaluate("Savdo.open()")
    await expect(page).to_have_title("Shop")
    read = 0
    for _ in range(50):
        async with db.step(shop.connection.tenant_id) as session:
            row = await db.first(session, "SELECT visitor_read_number FROM conversations")
        read = row["visitor_read_number"] if row else 0
        if read == 3:
            break
        await asyncio.sleep(0.02)
    assert read == 3


async def test_that_a_phone_gets_the_whole_screen(new_context: NewContext, shop: Shop) -> None:
    page = await visit(await new_context(viewport={"width": 320, "height": 640}, has_touch=True), shop)
    frame = await press_launcher(page)
    await say(frame, "widewordwithoutanyspace" * 20)
    await asyncio.sleep(0.3)
    assert await (await frame.frame_element()).bounding_box() == {"x": 0, "y": 0, "width": 320, "height": 640}
    assert await frame.evaluate("document.documentElement.scrollWidth") == 320
    await frame.get_by_role("button", name="Close chat").click()
    await (await frame.frame_element()).wait_for_element_state("hidden")


async def test_that_a_file_is_sent_and_a_wrong_one_refused_in_words(new_context: NewContext, shop: Shop) -> None:
    page = await visit(await new_context(expected=("Failed to load resource",)), shop)
    frame = await press_launcher(page)
    picker = frame.locator("input[type=file]")
    await picker.set_input_files({"name": "evil.exe", "mimeType": "image/png", "buffer": b"MZ\x90\x00" + b"\x00" * 300})
    await expect(frame.get_by_text("Files of this kind are not accepted.")).to_be_visible()
    await frame.get_by_role("button", name="Remove: evil.exe").click()
    await picker.set_input_files({"name": "prices.txt", "mimeType": "text/plain", "buffer": b"green tea 50 000"})
    await expect(frame.get_by_role("button", name="Send")).to_be_enabled()
    await frame.get_by_role("button", name="Send").click()
    await expect(frame.locator(".log span.file, .log a.file")).to_contain_text("prices.txt")


async def test_that_a_voice_message_is_recorded_and_can_be_played(new_context: NewContext, shop: Shop) -> None:
    page = await visit(await new_context(permissions=["microphone"]), shop)
    frame = await press_launcher(page)
    await frame.get_by_role("button", name="Record a voice message").click()
    await expect(frame.get_by_role("timer")).to_have_text("0:01")
    await frame.get_by_role("button", name="Finish recording").click()
    await expect(frame.get_by_role("button", name="Send")).to_be_enabled()
    await frame.get_by_role("button", name="Send").click()
    await expect(frame.get_by_label("Sent", exact=True)).to_be_visible()
    await page.reload()
    frame = await press_launcher(page)
    await expect(frame.locator(".log audio")).to_have_count(1)


async def test_that_axe_finds_nothing(new_context: NewContext, shop: Shop) -> None:
    page = await visit(await new_context(reduced_motion="reduce"), shop)
    frame = await press_launcher(page)
    found = await violations(frame)
    await stored(frame, "How much?")
    await visiting.said_to(shop.connection, "See https://x.example\n- one\n- two", buttons=[{"id": "a", "title": "Buy"}])
    await expect(bubbles(frame, "bot")).to_have_count(1)
    assert found + await violations(frame) == []


def test_that_the_bundles_are_small(built: Path) -> None:
    sizes = {name: len(gzip.compress((built / "widget" / name).read_bytes(), 9)) for name in ("loader.js", "frame.js", "frame.css")}
    assert sizes["loader.js"] < 5_000
    assert sizes["frame.js"] + sizes["frame.css"] < 30_000
