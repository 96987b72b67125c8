"""Taking documents in: stored first, read by a job, and answered from only when all of it can be.

A new version is written beside the one being answered from and takes over in one step, so there is no moment without
answers, and a file that cannot be read leaves the old one in place. Reading again after a crash writes the same rows.
"""

import asyncio
import contextlib
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

import structlog
from psycopg.types.json import Json

from savdo.ai import language
from savdo.base import files, live, places
from savdo.base.db import Session, first, new_id, rows, step
from savdo.base.errors import Conflict, NotFound
from savdo.base.jobs import job
from savdo.base.settings import settings
from savdo.knowledge import extract, meaning, passages, pictures, postings, words
from savdo.knowledge.meaning import Meant, vector_text
from savdo.knowledge.models import Document
from savdo.knowledge.passages import Cut
from savdo.knowledge.refusals import Refused, TooLargeFile

# Passages that are embedded and stored together; after each lot the progress shows.
LOT = 8
LONGEST_NAME = 200
# Documents that are listed at once.
PAGE = 50
UNFIT = re.compile("[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

log = structlog.get_logger()

COLUMNS: LiteralString = """id, kind, name, mime, size, status, problem, progress, version, pages, passages, language,
  question, answer, caption, shareable, file_key, created_at, updated_at"""


@dataclass(frozen=True, slots=True)
class Work:
    """A version of a document that is to be read."""

    tenant_id: UUID
    document_id: UUID
    version: int
    name: str
    file_key: str
    mime: str = ""


async def add(tenant_id: UUID, name: str, content: bytes) -> UUID:
    """Takes a file in and has it read. The same bytes again are the same document; other bytes under the name of a document
    replace it. Raises TooLargeFile, Empty, UnknownKind and the other refusals that show at once."""
    name = clean_name(name)
    mime, digest, key = await _stored_file(tenant_id, name, content)
    async with step(tenant_id) as session:
        # Two people may upload the same at once.
        await session.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (str(tenant_id),))
        same = await first(session, "SELECT id, status FROM documents WHERE kind = 'file' AND sha256 = %s", (digest,))
        if same is not None:
            if same["status"] == "failed":
                await _queue(session, tenant_id, same["id"])
            return same["id"]
        named = await first(session, "SELECT id FROM documents WHERE kind = 'file' AND name = %s ORDER BY id LIMIT 1", (name,))
        if named is not None:
            old = await _replaced(session, tenant_id, named["id"], name, mime, content, digest, key)
            document_id: UUID = named["id"]
        else:
            old = ""
            document_id = new_id()
            await session.execute(
                """INSERT INTO documents (tenant_id, id, kind, name, mime, size, sha256, file_key)
                   VALUES (%s, %s, 'file', %s, %s, %s, %s, %s)""",
                (tenant_id, document_id, name, mime, len(content), digest, key),
            )
            await _queue(session, tenant_id, document_id)
    await _forget_file(tenant_id, old)
    return document_id


async def replace(tenant_id: UUID, document_id: UUID, name: str, content: bytes) -> None:
    """Puts a new file in the place of a document's; the old one is answered from until the new one is read.
    Raises NotFound, Conflict (another document has these bytes) and what `add` raises."""
    name = clean_name(name)
    mime, digest, key = await _stored_file(tenant_id, name, content)
    async with step(tenant_id) as session:
        await session.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (str(tenant_id),))
        same = await first(session, "SELECT id, name FROM documents WHERE kind = 'file' AND sha256 = %s", (digest,))
        if same is not None and same["id"] != document_id:
            raise Conflict(f"The same file is already here as “{same['name']}”.")
        old = await _replaced(session, tenant_id, document_id, name, mime, content, digest, key)
    await _forget_file(tenant_id, old)


async def delete(tenant_id: UUID, document_id: UUID) -> None:
    """Removes a document; from now on nothing is answered from it. Raises NotFound."""
    async with step(tenant_id) as session:
        row = await first(session, "DELETE FROM documents WHERE id = %s RETURNING file_key", (document_id,))
        if row is None:
            raise NotFound
        await live.publish(session, tenant_id, None, "document", str(document_id))
    await _forget_file(tenant_id, row["file_key"])


async def retry(tenant_id: UUID, document_id: UUID) -> None:
    """Has a document read once more. Raises NotFound."""
    async with step(tenant_id) as session:
        if await first(session, "SELECT 1 FROM documents WHERE id = %s AND kind = 'file' FOR UPDATE", (document_id,)) is None:
            raise NotFound
        await _queue(session, tenant_id, document_id)


async def document(session: Session, document_id: UUID) -> Document:
    """Raises NotFound."""
    row = await first(session, f"SELECT {COLUMNS} FROM documents WHERE id = %s", (document_id,))  # noqa: S608 # our own columns
    if row is None:
        raise NotFound
    return Document(**row)


async def documents(session: Session, *, after: str = "", limit: int = PAGE) -> tuple[list[Document], str]:
    """A page of the list, newest first, and the place to go on from, or empty. Raises Invalid."""
    at, document_id = places.read(after)
    found = await rows(
        session,
        f"""SELECT {COLUMNS} FROM documents WHERE %s::timestamptz IS NULL OR (updated_at, id) < (%s, %s)
             ORDER BY updated_at DESC, id DESC LIMIT %s""",  # noqa: S608 # our own columns
        (at, at, document_id, limit + 1),
    )
    page = [Document(**row) for row in found[:limit]]
    return page, places.word(page[-1].updated_at, page[-1].id) if len(found) > limit else ""


@job(attempts=6)
async def read(tenant_id: str, document_id: str) -> None:
    """Reads the newest version of a document and answers from it. A refusal is written on the document; what may pass
    (files or database away) is tried again."""
    work = await _begun(UUID(tenant_id), UUID(document_id))
    if work is None:
        return
    try:
        cuts, pages = await _cuts(work)
        if await _stored(work, cuts):
            await _take_over(work, cuts, pages)
    except (Refused, files.NoSuchFile) as refused:
        await _failed(work, refused.message)
    except Exception:
        await _failed(work, "Reading this file went wrong; it is tried again by itself.")
        raise


async def _cuts(work: Work) -> tuple[list[Cut], int | None]:
    """The passages of a file, none of a picture, and its number of pages. Raises a refusal, NoSuchFile."""
    if work.mime in pictures.MIMES:
        return [], None
    reading = await extract.read(await files.get(work.file_key), work.name)
    return await asyncio.to_thread(passages.cut, reading, work.name), reading.pages


def checked(content: bytes, name: str) -> str:
    """What a file is, as a MIME type. Raises TooLargeFile, Empty, UnknownKind and the other refusals that show at once."""
    if len(content) > settings().upload_mb * 1_000_000:
        raise TooLargeFile(f"This file is larger than {settings().upload_mb} MB. Split it, or leave out the pictures.")
    return pictures.mime_of(content) or extract.MIMES[extract.kind_of(content, name)]


def clean_name(name: str) -> str:
    """A file's name without its folders, and without signs that hide what it is (such as those that turn text around)."""
    name = UNFIT.sub("", re.split(r"[/\\]", name)[-1]).strip(" .")
    if len(name) > LONGEST_NAME:
        start, dot, ending = name.rpartition(".")
        name = f"{start[: LONGEST_NAME - 10]}{dot}{ending[:9]}" if dot else name[:LONGEST_NAME]
    return name or "document"


async def insert(session: Session, work: Work, position: int, cuts: Sequence[Cut], meant: Sequence[Meant], spoken: str) -> None:
    """Writes passages from `position` on; those of the same version and position are overwritten."""
    values = [
        (
            work.tenant_id, new_id(), work.document_id, work.version, position + at, cut.kind, list(cut.title_path), cut.text,
            Json(dict(cut.cells)) if cut.cells else None, cut.page, language.identify(cut.text, spoken)[0],
            vector_text(one.vector), list(one.sentences), [vector_text(each) for each in one.vectors],
            words.words_vector(cut.title_path, cut.text), words.grams_vector(cut.title_path, cut.text),
        )
        for at, (cut, one) in enumerate(zip(cuts, meant, strict=True))
    ]  # fmt: skip
    async with session.cursor() as cursor:
        await cursor.executemany(
            """INSERT INTO passages (tenant_id, id, document_id, version, position, kind, title_path, text, cells, page, language,
                                     embedding, sentences, sentence_embeddings, words, grams)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::halfvec, %s, %s::text[]::halfvec[], %s::tsvector, %s::tsvector)
               ON CONFLICT (tenant_id, document_id, version, position) DO UPDATE
                  SET kind = excluded.kind, title_path = excluded.title_path, text = excluded.text, cells = excluded.cells,
                      page = excluded.page, language = excluded.language, embedding = excluded.embedding,
                      sentences = excluded.sentences, sentence_embeddings = excluded.sentence_embeddings,
                      words = excluded.words, grams = excluded.grams""",
            values,
        )


def language_of(cuts: Sequence[Cut]) -> str:
    """The language of most of the first passages; "" where there are none."""
    most = Counter(language.identify(cut.text)[0] for cut in cuts[:40]).most_common(1)
    return most[0][0] if most else ""


async def _stored_file(tenant_id: UUID, name: str, content: bytes) -> tuple[str, bytes, str]:
    """What the checked file is, its SHA-256 and the key it is kept under: the file stands before the row that names it."""
    mime = checked(content, name)
    digest = hashlib.sha256(content).digest()
    key = f"{tenant_id}/documents/{digest.hex()}"
    await files.put(key, content)
    return mime, digest, key


async def _queue(session: Session, tenant_id: UUID, document_id: UUID) -> None:
    await session.execute(
        "UPDATE documents SET status = 'queued', problem = NULL, progress = 0, updated_at = now() WHERE id = %s", (document_id,)
    )
    await read.later(session, lock=f"document:{document_id}", tenant_id=str(tenant_id), document_id=str(document_id))
    await live.publish(session, tenant_id, None, "document", str(document_id))


async def _replaced(
    session: Session, tenant_id: UUID, document_id: UUID, name: str, mime: str, content: bytes, digest: bytes, key: str
) -> str:
    """The key of the file that gives way."""
    row = await first(session, "SELECT file_key, sha256 FROM documents WHERE id = %s AND kind = 'file' FOR UPDATE", (document_id,))
    if row is None:
        raise NotFound
    if bytes(row["sha256"]) == digest:
        return ""
    await session.execute(
        """UPDATE documents SET name = %s, mime = %s, size = %s, sha256 = %s, file_key = %s, reading_version = reading_version + 1
            WHERE id = %s""",
        (name, mime, len(content), digest, key, document_id),
    )
    await _queue(session, tenant_id, document_id)
    return row["file_key"]


async def _forget_file(tenant_id: UUID, key: str) -> None:
    if not key:
        return
    async with step(tenant_id) as session:
        used = await first(session, "SELECT 1 FROM documents WHERE file_key = %s", (key,))
    if used is None:
        # A file left behind costs a little space; the document is right without it.
        with contextlib.suppress(files.FilesUnavailable):
            await files.delete(key)


async def _begun(tenant_id: UUID, document_id: UUID) -> Work | None:
    async with step(tenant_id) as session:
        row = await first(
            session,
            """UPDATE documents SET status = 'reading', updated_at = now()
                WHERE id = %s AND kind = 'file' AND (version < reading_version OR status <> 'ready')
            RETURNING version, reading_version, name, mime, file_key""",
            (document_id,),
        )
        if row is None:
            return None
        version: int = row["reading_version"]
        if row["version"] == version:
            # Read once more on request: beside the version being answered from, like any other.
            version += 1
            await session.execute("UPDATE documents SET reading_version = %s WHERE id = %s", (version, document_id))
        await live.publish(session, tenant_id, None, "document", str(document_id))
    return Work(tenant_id, document_id, version, row["name"], row["file_key"], row["mime"])


async def _stored(work: Work, cuts: Sequence[Cut]) -> bool:
    """Whether all passages were written; not when the document was deleted or a newer version came meanwhile."""
    spoken = language_of(cuts)
    for position in range(0, len(cuts), LOT):
        lot = cuts[position : position + LOT]
        meant = await meaning.of(lot)
        async with step(work.tenant_id) as session:
            if not await _is_wanted(session, work):
                return False
            await insert(session, work, position, lot, meant, spoken)
            progress = min(99, 100 * (position + len(lot)) // len(cuts))
            await session.execute("UPDATE documents SET progress = %s, updated_at = now() WHERE id = %s", (progress, work.document_id))
            await live.publish(session, work.tenant_id, None, "document", str(work.document_id))
    return True


async def _is_wanted(session: Session, work: Work) -> bool:
    row = await first(session, "SELECT version, reading_version FROM documents WHERE id = %s FOR UPDATE", (work.document_id,))
    if row is not None and row["reading_version"] == work.version and row["version"] < work.version:
        return True
    if row is not None and row["version"] != work.version:
        await session.execute("DELETE FROM passages WHERE document_id = %s AND version = %s", (work.document_id, work.version))
    return False


async def _take_over(work: Work, cuts: Sequence[Cut], pages: int | None) -> None:
    async with step(work.tenant_id) as session:
        if not await _is_wanted(session, work):
            return
        await session.execute(
            "DELETE FROM passages WHERE document_id = %s AND (version <> %s OR position >= %s)", (work.document_id, work.version, len(cuts))
        )
        await session.execute(
            """UPDATE documents SET version = %s, status = 'ready', problem = NULL, progress = 100, passages = %s, pages = %s,
                      language = %s, updated_at = now() WHERE id = %s""",
            (work.version, len(cuts), pages, language_of(cuts) or None, work.document_id),
        )
        await postings.write(session, work.tenant_id, work.document_id)
        await live.publish(session, work.tenant_id, None, "document", str(work.document_id))


async def _failed(work: Work, problem: str) -> None:
    async with step(work.tenant_id) as session:
        if not await _is_wanted(session, work):
            return
        await session.execute("DELETE FROM passages WHERE document_id = %s AND version = %s", (work.document_id, work.version))
        await session.execute(
            "UPDATE documents SET status = 'failed', problem = %s, updated_at = now() WHERE id = %s",
            (problem, work.document_id),
        )
        await live.publish(session, work.tenant_id, None, "document", str(work.document_id))
    log.info("document not read", document=str(work.document_id), problem=problem)
