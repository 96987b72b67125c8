"""What a message points at, as a member sees it in the thread."""

from uuid import UUID

import pytest

from savdo.base import texts
from tests.web import office

POINTED = (
    {"reply_to": "#1"}, {"reply_to": "wamid.unknown"}, {"story": {"kind": "mention", "url": "javascript:alert(1)"}},
    {"products": [{"id": "PUER-357", "quantity": 0, "price": "$13", "currency": "", "name": "Puer <b>"}]},
    {"products": [{"id": "CUP-1", "quantity": 3, "price": "5", "currency": "USD", "name": ""}], "reply_to": "wamid.unknown"},
)  # fmt: skip


@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_that_quotes_stories_and_products_are_shown(database: str, tenant_id: UUID, language: str) -> None:
    talk = await office.talk(await office.web_chat(tenant_id), "Dilnoza")
    await office.says(talk, "Yashil choy bormi?")
    for payload in POINTED:
        await office.says(talk, "", payload=payload)
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner", language))
        page = (await browser.get(f"/inbox/{talk.id}")).text
    quoted = page[page.index('href="#m-1"') :]
    assert "Yashil choy bormi?" in quoted[: quoted.index("</a>")]
    for key in ("quote_gone", "story_mention", "asks_about", "ordered"):
        assert page.count(texts.t(f"inbox.{key}", language)) == 1, key
    assert "javascript:" not in page
    assert "Puer &lt;b&gt;" in page
    assert "3 × 5 USD" in page
