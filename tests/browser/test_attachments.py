"""Files in the inbox's composer, in a real browser."""

from uuid import UUID

import pytest
from playwright.async_api import FilePayload, Request, expect

from tests.browser.conftest import NewContext
from tests.browser.looking import violations
from tests.browser.street import signed_in
from tests.web import office

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 30
NOTE: FilePayload = {"name": "narxlar.txt", "mimeType": "text/plain", "buffer": b"Puer: 132 000"}
PROGRAM: FilePayload = {"name": "run.exe", "mimeType": "application/octet-stream", "buffer": b"MZ\x90\x00" + bytes(90)}


@pytest.mark.parametrize("width", [1280, 390])
async def test_that_a_chosen_file_is_named_sent_and_gone_from_the_composer(
    address: str, database: str, tenant_id: UUID, new_context: NewContext, width: int
) -> None:
    context = await new_context(expected=("415",), viewport={"width": width, "height": 800})
    talk = await office.talk(await office.web_chat(tenant_id), "Dilnoza")
    await office.says(talk, "Narxlar roʻyxati bormi?")
    page = await signed_in(context, f"{address}/inbox/{talk.id}", await office.member(tenant_id, "Alice", "owner"))
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
    assert await violations(page) == []
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
