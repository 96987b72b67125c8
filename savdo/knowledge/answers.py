"""Questions and answers written by hand: answered from as soon as they are saved."""

import hashlib
from uuid import UUID

from savdo.ai import language
from savdo.base import live
from savdo.base.db import Session, first, new_id, step
from savdo.base.errors import Invalid, NotFound
from savdo.knowledge import ingest, meaning, passages, postings
from savdo.knowledge.blocks import Block, Reading
from savdo.knowledge.meaning import Meant
from savdo.knowledge.passages import Cut

LONGEST_QUESTION = 500
LONGEST_ANSWER = 10_000


async def add_answer(tenant_id: UUID, question: str, answer: str) -> UUID:
    """Raises Invalid naming the field."""
    question, answer = _checked(question, answer)
    cuts, meant = await _prepared(question, answer)
    document_id = new_id()
    async with step(tenant_id) as session:
        await session.execute(
            """INSERT INTO documents (tenant_id, id, kind, name, mime, size, sha256, status, progress)
               VALUES (%s, %s, 'answer', %s, 'text/plain', 0, '', 'ready', 100)""",
            (tenant_id, document_id, question[:200]),
        )
        await _write(session, tenant_id, document_id, question, answer, cuts, meant)
    return document_id


async def change_answer(tenant_id: UUID, document_id: UUID, question: str, answer: str) -> None:
    """Raises NotFound, or Invalid naming the field."""
    question, answer = _checked(question, answer)
    cuts, meant = await _prepared(question, answer)
    async with step(tenant_id) as session:
        await _write(session, tenant_id, document_id, question, answer, cuts, meant)


async def _prepared(question: str, answer: str) -> tuple[list[Cut], list[Meant]]:
    blocks = tuple(Block("paragraph", paragraph) for part in answer.split("\n\n") if (paragraph := part.strip()))
    reading = Reading((Block("question", question, level=1), *blocks))
    cuts = [Cut("answer", (question,), cut.text) for cut in passages.cut(reading, question)]
    return cuts, await meaning.of(cuts)


async def _write(
    session: Session, tenant_id: UUID, document_id: UUID, question: str, answer: str, cuts: list[Cut], meant: list[Meant]
) -> None:
    spoken = language.identify(f"{question} {answer}")[0]
    row = await first(
        session,
        """UPDATE documents SET question = %s, answer = %s, name = %s, size = %s, sha256 = %s, language = %s, passages = %s,
                  version = version + 1, reading_version = version + 1, updated_at = now()
            WHERE id = %s AND kind = 'answer' RETURNING version""",
        (
            question, answer, question[:200], len(answer.encode()), hashlib.sha256(f"{question}\0{answer}".encode()).digest(),
            spoken, len(cuts), document_id,
        ),
    )  # fmt: skip
    if row is None:
        raise NotFound
    await session.execute("DELETE FROM passages WHERE document_id = %s", (document_id,))
    await ingest.insert(session, ingest.Work(tenant_id, document_id, row["version"], "", ""), 0, cuts, meant, spoken)
    await postings.write(session, tenant_id, document_id)
    await live.publish(session, tenant_id, None, "document", str(document_id))


def _checked(question: str, answer: str) -> tuple[str, str]:
    question = " ".join(ingest.UNFIT.sub(" ", question).split())
    answer = "\n".join(ingest.UNFIT.sub(" ", line).strip() for line in answer.strip().split("\n")).strip()
    if not question or len(question) > LONGEST_QUESTION:
        raise Invalid("Write the question, in at most 500 characters.", field="question")
    if not answer or len(answer) > LONGEST_ANSWER:
        raise Invalid("Write the answer, in at most 10,000 characters.", field="answer")
    return question, answer
