"""Everything together in a real browser: a customer in the chat of a shop's site, the owner in the office, a worker between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Frame, Page, Route, expect

from tests.browser import street
from tests.browser.conftest import NewContext
from tests.browser.looking import shot, violations
from tests.browser.street import Street, enter_office, enter_shop, said, write
from tests.journeys.conftest import settled, working

SENCHA, POT = "How much is Sencha choyi?", "How much is Cheskiy choynak?"
CUT = ("ERR_INTERNET_DISCONNECTED", "Failed to load resource")


@pytest_asyncio.fixture
async def town(address: str, database: str, tmp_path: Path) -> AsyncIterator[Street]:
    """The company with its documents read, its shop open, a worker at work."""
    async with street.opened_for(address, street.business(tmp_path / "oq-choy")) as opened, working():
        yield opened


async def test_that_an_answer_shows_to_visitor_and_owner_with_its_reasons(town: Street, new_context: NewContext) -> None:
    owner = await enter_office(await new_context(viewport={"width": 1400, "height": 900}), town)
    await expect(owner.get_by_text("No conversations yet")).to_be_visible()
    _, chat = await enter_shop(await new_context(), town)
    await write(chat, SENCHA)
    await expect(said(chat, "bot")).to_contain_text("84 000")
    # Nobody reloaded the list; only the first one brings the link.
    await owner.get_by_role("link", name="Visitor").click()
    log = owner.get_by_role("log")
    await expect(log).to_contain_text("84 000")
    await write(chat, POT)
    await expect(log).to_contain_text(POT)
    await expect(log).to_contain_text("275 000")
    await owner.get_by_role("link", name="Why?").first.click()
    why = owner.get_by_role("complementary", name="Details")
    await expect(why).to_contain_text("Answered locally")
    await expect(why).to_contain_text("About a price")
    for step in ("Understanding", "Searching", "Writing", "Total"):
        await expect(why.locator("dt", has_text=step)).to_be_visible()
    await why.locator(".cited").get_by_role("link", name="prices.csv").first.click()
    passage = owner.locator("article:target")
    await expect(passage).to_contain_text("Sencha")
    await expect(passage).to_be_in_viewport()


async def test_that_a_person_takes_over_and_gives_back(town: Street, new_context: NewContext) -> None:
    _, chat = await enter_shop(await new_context(), town)
    await write(chat, SENCHA)
    await expect(said(chat, "bot")).to_have_count(1)
    owner = await enter_office(await new_context(), town)
    await owner.get_by_role("link", name="Visitor").click()
    await owner.get_by_role("button", name="Take over").click()
    field = owner.get_by_role("textbox", name="Write to the customer…")
    await field.fill("Malika here, I can put one aside.")
    await field.press("Enter")
    await expect(said(chat, "human")).to_have_text(["Malika here, I can put one aside."])
    await expect(chat.locator(".log .human .who")).to_have_text("Oq Choy")
    await write(chat, POT)
    await expect(owner.get_by_role("log")).to_contain_text(POT)
    # Longer than the bot needs for an answer.
    await asyncio.sleep(0.5)
    await expect(said(chat, "bot")).to_have_count(1)
    await owner.get_by_role("button", name="Give back").click()
    await expect(owner.get_by_role("button", name="Take over")).to_be_visible()
    await write(chat, "How much is Puer choyi?")
    await expect(said(chat, "bot")).to_have_count(2)
    await expect(said(chat, "bot").last).to_contain_text("132 000")
    assert [one["author"] for one in await street.thread(town)] == ["contact", "bot", "member", "contact", "contact", "bot"]


async def test_that_two_tabs_show_one_thread_and_one_answer(town: Street, new_context: NewContext) -> None:
    context = await new_context()
    _, one = await enter_shop(context, town)
    _, two = await enter_shop(context, town)
    await write(one, SENCHA)
    for chat in (one, two):
        await expect(said(chat, "mine")).to_have_text([SENCHA])
        await expect(said(chat, "bot")).to_have_count(1)
    await write(two, POT)
    for chat in (one, two):
        await expect(said(chat, "mine")).to_have_text([SENCHA, POT])
        await expect(said(chat, "bot")).to_have_count(2)
        await expect(said(chat, "bot").last).to_contain_text("275 000")
    await settled(town.company.tenant_id)
    assert [one["author"] for one in await street.thread(town)] == ["contact", "bot"] * 2


async def test_that_a_list_that_comes_late_hides_nothing_said_meanwhile(town: Street, new_context: NewContext) -> None:
    context = await new_context()
    first, one = await enter_shop(context, town)
    second, two = await enter_shop(context, town)
    listed, answered = asyncio.Event(), asyncio.Event()

    async def say_late(route: Route) -> None:
        await listed.wait()
        await route.continue_()

    async def list_late(route: Route) -> None:
        answer = await route.fetch()
        listed.set()
        await answered.wait()
        await route.fulfill(response=answer)

    await first.route("**/widget/v1/messages", say_late)
    await second.route("**/widget/v1/messages?limit=50", list_late)
    await write(one, SENCHA)
    for chat in (one, two):
        await expect(said(chat, "bot")).to_have_count(1)
    async with second.expect_response("**/widget/v1/messages?limit=50"):
        answered.set()
    await asyncio.sleep(0.1)
    await expect(said(two, "mine")).to_have_text([SENCHA])
    await expect(said(two, "bot")).to_have_count(1)


async def test_that_what_is_asked_without_a_network_arrives_once_and_is_answered_once(town: Street, new_context: NewContext) -> None:
    context = await new_context(expected=CUT)
    _, chat = await enter_shop(context, town)
    await write(chat, SENCHA)
    await expect(said(chat, "bot")).to_have_count(1)
    await context.set_offline(True)
    for text in ("And the pot?", POT):
        await write(chat, text)
    await expect(chat.get_by_text("No connection.")).to_be_visible()
    await context.set_offline(False)
    await expect(said(chat, "bot").last).to_contain_text("275 000", timeout=8000)
    await settled(town.company.tenant_id)
    said_all = await street.thread(town)
    assert [one["text"] for one in said_all if one["author"] == "contact"] == [SENCHA, "And the pot?", POT]
    # Two messages that come together are one turn; on a slow day they are two. Never is there more than one answer to each.
    answers = sum(one["author"] == "bot" for one in said_all)
    assert answers in (2, 3)
    await expect(said(chat, "bot")).to_have_count(answers)
    await expect(said(chat, "mine")).to_have_text([SENCHA, "And the pot?", POT])


async def test_that_who_opts_out_hears_one_word_and_then_nothing(town: Street, new_context: NewContext) -> None:
    owner = await enter_office(await new_context(), town)
    _, chat = await enter_shop(await new_context(), town)
    await write(chat, "Please stop writing to me, unsubscribe")
    await expect(said(chat, "bot")).to_have_count(1)
    await write(chat, SENCHA)
    await expect(owner.locator("#talks .preview")).to_have_text(SENCHA)
    await asyncio.sleep(0.5)
    await expect(said(chat, "bot")).to_have_count(1)
    await expect(owner.locator("#talks")).to_contain_text("Opted out")
    await owner.get_by_role("link", name="Visitor").click()
    await expect(owner.get_by_text("This customer wants no more messages.")).to_be_visible()
    await expect(owner.get_by_role("complementary", name="Details")).not_to_contain_text("opt_out")


async def test_that_a_price_list_answers_as_soon_as_it_is_read(
    address: str, database: str, tmp_path: Path, new_context: NewContext
) -> None:
    folder = street.business(tmp_path / "oq-choy", **{"faq.md": "# Oq Choy\n\n## Where are you?\nChilonzor 5, Tashkent.\n"})
    async with street.opened_for(address, folder) as town:
        owner = await enter_office(await new_context(), town, "/knowledge")
        async with owner.expect_file_chooser() as chooser:
            await owner.get_by_text("Upload documents").click()
        await (await chooser.value).set_files(_prices("84000"))
        documents = owner.get_by_role("region", name="Documents and answers")
        await expect(documents.get_by_text("Waiting")).to_be_visible()
        await expect(documents.get_by_role("progressbar")).to_be_visible()
        async with working():
            row = documents.locator(".file", has_text="prices.csv")
            await expect(row.get_by_text("Ready")).to_be_visible()
            _, chat = await enter_shop(await new_context(), town)
            await write(chat, SENCHA)
            await expect(said(chat, "bot").last).to_contain_text("84 000")
            await row.get_by_role("link", name="prices.csv", exact=True).click()
            await owner.get_by_role("button", name="Replace").click()
            await owner.get_by_label("New file").set_input_files(_prices("91000"))
            await owner.get_by_role("dialog").get_by_role("button", name="Replace").click()
            await expect(owner.locator("article.passage", has_text="91000").or_(owner.get_by_text("91 000"))).to_be_visible()
            await write(chat, SENCHA)
            await expect(said(chat, "bot").last).to_contain_text("91 000")
            await expect(said(chat, "bot").last).not_to_contain_text("84 000")


async def test_that_a_trial_shows_its_reasons_and_is_no_customer(town: Street, new_context: NewContext) -> None:
    owner = await enter_office(await new_context(viewport={"width": 1400, "height": 900}), town, "/try")
    field = owner.get_by_role("textbox", name="Ask as a customer…")
    await field.fill(SENCHA)
    await field.press("Enter")
    log = owner.get_by_role("log")
    await expect(log).to_contain_text("84 000")
    await expect(field).to_have_value("")
    await owner.get_by_role("link", name="Why?").click()
    why = owner.get_by_role("complementary", name="Why this answer")
    await expect(why.get_by_role("link", name="prices.csv").first).to_be_visible()
    await expect(why).to_contain_text("Answered locally")
    await owner.get_by_role("link", name="Inbox").first.click()
    await expect(owner.get_by_text("No conversations yet")).to_be_visible()
    await expect(owner.locator(".rail .count")).to_have_count(0)


async def test_that_the_keyboard_is_enough_for_the_owner(town: Street, new_context: NewContext) -> None:
    _, chat = await enter_shop(await new_context(), town)
    await write(chat, SENCHA)
    await expect(said(chat, "bot")).to_have_count(1)
    owner = await (await new_context(viewport={"width": 1280, "height": 800})).new_page()
    await owner.goto(f"{town.office}/inbox")
    # The first field is focused for them, as soon as the page is there.
    await owner.wait_for_function("document.activeElement && document.activeElement.name === 'email'")
    await owner.keyboard.type(town.company.email)
    await owner.keyboard.press("Tab")
    await owner.keyboard.type(town.company.password)
    await owner.keyboard.press("Enter")
    await expect(owner).to_have_url(f"{town.office}/inbox")
    await _tab_to(owner, "a.talk")
    await owner.keyboard.press("Enter")
    await expect(owner.get_by_role("log")).to_contain_text("84 000")
    await _tab_to(owner, "textarea[name=text]")
    await owner.keyboard.type("Shall I put it aside?")
    await owner.keyboard.press("Enter")
    await expect(said(chat, "human")).to_have_text(["Shall I put it aside?"])
    await _tab_to(owner, "[data-why]", key="Shift+Tab")
    await owner.keyboard.press("Enter")
    await expect(owner.get_by_role("heading", name="Why this answer")).to_be_visible()


async def test_that_axe_finds_nothing_anywhere(town: Street, new_context: NewContext) -> None:
    context = await new_context(expected=("404",), reduced_motion="reduce", viewport={"width": 1280, "height": 800})
    door = await context.new_page()
    await door.goto(f"{town.office}/sign-in")
    found = await _looked_at(door, "sign-in")
    await door.close()
    owner = await enter_office(context, town)
    found += await _looked_at(owner, "inbox-empty")
    shop, chat = await enter_shop(await new_context(reduced_motion="reduce"), town)
    await write(chat, SENCHA)
    await expect(said(chat, "bot")).to_have_count(1)
    found += await _looked_at(shop, "shop", chat)
    talk = owner.get_by_role("link", name="Visitor")
    await talk.click()
    await owner.get_by_role("link", name="Why?").wait_for()
    found += await _looked_at(owner, "inbox-thread")
    await owner.goto(f"{town.office}{await owner.get_by_role('link', name='Why?').get_attribute('href')}")
    found += await _looked_at(owner, "inbox-why")
    document = await owner.locator(".found a").first.get_attribute("href")
    pages = (
        "knowledge",
        (document or "").strip("/"),
        "try",
        "persona",
        "persona/scenarios",
        "setup",
        "setup/models",
        "nowhere",
        f"inbox/{town.company.tenant_id}",
    )
    for path in pages:
        await owner.goto(f"{town.office}/{path}", wait_until="domcontentloaded")
        found += await _looked_at(owner, path.partition("#")[0].replace("/", "-"))
    await owner.goto(f"{town.office}/demo?key={town.company.widget_key}")
    await owner.evaluate("Savdo.open()")
    demo = await street.chat_of(owner)
    found += await _looked_at(owner, "demo", demo)
    assert found == []


async def _looked_at(page: Page, name: str, frame: Frame | None = None) -> list[tuple[str, int, str]]:
    """What is wrong with a page, and with a frame in it, on a laptop and on a phone: (where, width, what)."""
    wrong: list[tuple[str, int, str]] = []
    await shot(page, name)
    for width, height in ((1280, 800), (390, 844)):
        await page.set_viewport_size({"width": width, "height": height})
        if name not in ("shop", "demo"):
            await page.wait_for_function("getComputedStyle(document.body).fontFamily.includes('system-ui')")
        for one in (page, *([frame] if frame else [])):
            wrong += [(name, width, words) for words in await violations(one)]
        sideways = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if sideways > 0:
            wrong.append((name, width, f"{sideways} px wider than the screen"))
    await page.set_viewport_size({"width": 1280, "height": 800})
    return wrong


async def _tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Presses the key until the element is focused; everything on the way must be seen to be focused."""
    for _ in range(40):
        await page.keyboard.press(key)
        seen = await page.evaluate(
            """() => { const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
                 const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none';
                 return one === document.body || (ring && box.width > 0) ? '' : one.outerHTML.slice(0, 160) }"""
        )
        assert seen == "", "The focus cannot be seen."
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by {key}.")


def _prices(sencha: str) -> Any:
    content = f"tovar,narx_som,birlik\nSencha choyi,{sencha},kg\nPuer choyi,132000,kg\n"
    return {"name": "prices.csv", "mimeType": "text/csv", "buffer": content.encode()}
