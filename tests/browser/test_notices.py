"""What the browser itself tells while nobody looks at the page."""

import asyncio
from uuid import UUID

from playwright.async_api import expect

from savdo.base import db
from savdo.channels import connections
from tests.browser.conftest import NewContext
from tests.browser.street import signed_in
from tests.web import office

# Every notice is kept, and the tab can be put behind others, which a headless browser never does.
WATCHED = """
window.Notification = class extends Notification {
  constructor(title, options) { super(title, options); window.latest = this; told([title, options.body ?? ""]); }
};
Object.defineProperty(document, "hidden", { get: () => sessionStorage.behind === "yes" });
"""
BEHIND = "sessionStorage.behind = 'yes'; document.dispatchEvent(new Event('visibilitychange'))"


async def test_that_a_tab_in_the_background_tells_what_needs_somebody(
    address: str, database: str, tenant_id: UUID, new_context: NewContext
) -> None:
    email = await office.member(tenant_id, "Alice", "owner")
    connection = await office.web_chat(tenant_id)
    await office.says(await office.talk(connection, "Aigerim", status="handover"), "Call a person")
    talk = await office.talk(connection, "Dilnoza")
    context, told = await new_context(permissions=["notifications"]), asyncio.Queue[list[str]]()
    await context.expose_function("told", told.put_nowait)
    await context.add_init_script(WATCHED)
    page = await signed_in(context, f"{address}/inbox", email)
    await page.locator("aside summary").click()
    await page.locator("aside").get_by_role("switch", name="Notifications").check()
    assert await told.get() == ["You will be told like this", ""]
    async with page.expect_response("**/notices"):
        await page.evaluate(BEHIND)
    company = await page.locator(".company .word").inner_text()
    async with db.step(tenant_id) as session:
        await connections.mark(session, connection.id, "reconnect", "gone")
    # What waited before is no news.
    assert await told.get() == ["A channel has to be connected again", company]
    await expect(page.locator(".strip")).to_contain_text("is not connected")
    async with db.step(tenant_id) as session:
        await session.execute("UPDATE conversations SET status = 'handover' WHERE id = %s", (talk.id,))
    await office.says(talk, "Where is my order?")
    # Nothing says who wrote, or what.
    assert await told.get() == ["A customer is waiting for a person", company]
    await page.evaluate("latest.dispatchEvent(new Event('click'))")
    await expect(page).to_have_url(f"{address}/inbox/{talk.id}")
