"""Pictures on the knowledge page: uploaded like a document, described, and given to the bot to send."""

from uuid import UUID

import pytest

from savdo.base import jobs, texts
from savdo.base.db import rows, step
from tests.web import office

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 9


@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_that_an_owner_uploads_a_picture_and_lets_the_bot_send_it(tenant_id: UUID, language: str) -> None:
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner", language))
        answer = await browser.post("/knowledge/upload", files={"file": ("kitchen.png", PNG, "text/html")})
        assert answer.status_code == 303
        await jobs.run_waiting()
        async with step(tenant_id) as session:
            [document] = await rows(session, "SELECT id FROM documents WHERE status = 'ready'")
        address = f"/knowledge/{document['id']}"
        shown = (await browser.get(address)).text
        assert texts.t("knowledge.caption", language) in shown
        assert "checked" not in shown[shown.index('name="shareable"') :][:40]
        await browser.post(address + "/caption", data={"caption": "<b>Oq oshxona</b>", "shareable": "true"})
        shown = (await browser.get(address)).text
        assert 'value="&lt;b&gt;Oq oshxona&lt;/b&gt;"' in shown
        assert "checked" in shown[shown.index('name="shareable"') :][:40]
        assert texts.t("knowledge.sent", language) in (await browser.get("/knowledge")).text
        file = await browser.get(address + "/file")
    assert (file.content, file.headers["content-type"]) == (PNG, "image/png")
    assert file.headers["content-security-policy"] == "default-src 'none'; sandbox"
