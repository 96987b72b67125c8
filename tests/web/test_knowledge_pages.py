"""Large documents and many of them: page by page, opened where the answer stands."""

import re
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest_asyncio

from savdo.base import db
from tests.web import office


@pytest_asyncio.fixture
async def alice(tenant_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner"))
        yield browser


async def large(tenant_id: UUID, count: int) -> tuple[UUID, list[UUID]]:
    """A document of so many passages: their ids in order."""
    document_id, _ = await office.document(tenant_id, "prices.csv", "Row 0")
    async with db.step(tenant_id) as session:
        await session.execute(
            """INSERT INTO passages (tenant_id, id, document_id, version, position, title_path, text, embedding, sentences,
                                     sentence_embeddings, words, grams)
               SELECT tenant_id, gen_random_uuid(), document_id, version, n, title_path, 'Row ' || n, embedding, sentences,
                      sentence_embeddings, words, grams FROM passages, generate_series(1, %s) AS n WHERE document_id = %s""",
            (count - 1, document_id),
        )
        await session.execute("UPDATE documents SET passages = %s WHERE id = %s", (count, document_id))
        found = await db.rows(session, "SELECT id FROM passages WHERE document_id = %s ORDER BY position", (document_id,))
    return document_id, [row["id"] for row in found]


def shown(text: str) -> list[int]:
    return [int(number) for number in re.findall(r">Row (\d+)</article>|</p>Row (\d+)</article>", text) for number in number if number]


async def test_that_a_large_document_opens_at_the_passage_that_was_asked_for(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    document_id, passages = await large(tenant_id, 250)
    text = (await alice.get(f"/knowledge/{document_id}", params={"at": str(passages[230])})).text
    assert (shown(text), f'id="p-{passages[230]}"' in text, "201–250 of 250" in text) == (list(range(200, 250)), True, True)
    # What is shown stays shown when the document changes.
    assert f'hx-get="/knowledge/{document_id}?start=200"' in text
    seen: list[int] = []
    address = f"/knowledge/{document_id}"
    while address:
        text = (await alice.get(address)).text
        seen += shown(text)
        onward = re.search(r'href="(\?start=\d+)" rel="next"', text)
        address = f"/knowledge/{document_id}{onward[1]}" if onward else ""
    assert seen == list(range(250))
    assert 'href="?start=100" rel="prev"' in text
    # The document was replaced meanwhile: from its beginning.
    assert shown((await alice.get(f"/knowledge/{document_id}", params={"at": str(db.new_id())})).text)[0] == 0


async def test_that_many_documents_are_listed_without_gaps_or_repeats(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    async with db.step(tenant_id) as session:
        # The same moment for all: only the id decides the order.
        await session.execute(
            """INSERT INTO documents (tenant_id, id, kind, name, mime, size, sha256, status, updated_at)
               SELECT %s, gen_random_uuid(), 'file', 'file' || n, 'text/plain', 1, n::text::bytea, 'ready', '2026-01-01'
                 FROM generate_series(100, 219) AS n""",
            (tenant_id,),
        )
    seen: list[str] = []
    address: str | None = "/knowledge"
    while address:
        text = (await alice.get(address)).text
        seen += re.findall(r'<a class="name wraps"[^>]*>file(\d+)</a>', text)
        onward = re.search(r'href="(/knowledge\?after=[^"]+)" rel="next"', text)
        address = onward[1] if onward else None
    assert sorted(seen) == [str(number) for number in range(100, 220)]
    assert (await alice.get("/knowledge?after=nonsense")).status_code == 422
