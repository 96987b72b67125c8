"""Finding passages, on a small business of our own."""

from uuid import UUID

from savdo.ai import embed
from savdo.base.db import step
from savdo.knowledge import search


async def test_that_a_company_without_documents_finds_nothing(tenant_id: UUID) -> None:
    meaning = await embed.asked("salom")
    async with step(tenant_id) as session:
        for text in ("salom", ""):
            found = await search.find(session, text, meaning)
            assert (found.passages, found.support) == ((), 0.0)
