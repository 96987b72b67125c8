"""Finding passages, on a small business of our own."""

from uuid import UUID

from savdo.ai import embed
from savdo.base.db import step
from savdo.knowledge import search


async def test_that_a_company_without_documents_finds_nothing(tenant_id: UUID) -> None:
    vector = await embed.query("salom")
    async with step(tenant_id) as session:
        assert await search.find(session, "salom", vector) == []
        assert await search.find(session, "", vector) == []
