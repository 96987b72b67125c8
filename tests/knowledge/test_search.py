"""Finding passages, on a small business of our own and on a large one."""

from uuid import UUID

from savdo.ai import embed
from savdo.base.db import new_id, step
from savdo.knowledge import answers, postings, search
from savdo.knowledge.ranking import Asked

MANY = 90


async def test_that_a_company_without_documents_finds_nothing(tenant_id: UUID) -> None:
    vector = await embed.asked("salom")
    async with step(tenant_id) as session:
        for text in ("salom", ""):
            found = await search.find(session, text, vector)
            assert (found.passages, found.support) == ((), 0.0)


async def test_that_among_many_a_passage_is_found_by_meaning_and_by_a_word(tenant_id: UUID) -> None:
    await _many(tenant_id, MANY)
    answer = await answers.add_answer(tenant_id, "Kafolat qancha?", "Mebelga ikki yil kafolat beramiz.")
    asked, found = await _candidates(tenant_id, "warranty zanzibar")
    assert (asked.known, asked.frequency[:2]) == (MANY + 1, (0, 1))
    assert len(found) < MANY
    assert {"Zanzibar", "Mebelga ikki yil kafolat beramiz."} <= found
    await answers.change_answer(tenant_id, answer, "Yetkazib berish qancha?", "Shahar ichida bepul.")
    asked, found = await _candidates(tenant_id, "kafolat zanzibar")
    assert asked.frequency[:2] == (0, 1)
    assert "Zanzibar" in found


async def _candidates(tenant_id: UUID, text: str) -> tuple[Asked, set[str]]:
    vector = await embed.asked(text)
    async with step(tenant_id) as session:
        asked, found = await search.candidates(session, text, vector, many=MANY - 1)
    return asked, {one.passage.text for one in found}


async def _many(tenant_id: UUID, count: int) -> None:
    """A document whose vectors say nothing; one of its passages can be found by its words."""
    document_id = new_id()
    async with step(tenant_id) as session:
        await session.execute(
            """INSERT INTO documents (tenant_id, id, kind, name, mime, size, sha256, status, version, passages)
               VALUES (%s, %s, 'file', 'prices.csv', 'text/csv', 1, '', 'ready', 1, %s)""",
            (tenant_id, document_id, count),
        )
        await session.execute(
            """INSERT INTO passages (tenant_id, id, document_id, version, position, text, embedding, sentences, sentence_embeddings,
                                     words, grams)
               SELECT %(tenant)s, gen_random_uuid(), %(document)s, 1, n, said, vector, ARRAY[said], ARRAY[vector],
                      CASE WHEN n = 7 THEN '''zanzibar'':1' ELSE '' END::tsvector, ''::tsvector
                 FROM generate_series(1, %(count)s) n,
                      LATERAL (SELECT CASE WHEN n = 7 THEN 'Zanzibar' ELSE 'Row ' || n END AS said) s,
                      LATERAL (SELECT array_agg(sin(n * i * i))::real[]::halfvec AS vector FROM generate_series(1, 384) i) v""",
            {"tenant": tenant_id, "document": document_id, "count": count},
        )
        await postings.write(session, tenant_id, document_id)
