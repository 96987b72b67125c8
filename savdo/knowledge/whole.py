"""A small knowledge base as a whole, always in the same order, so that a provider can cache it; and the files of it that
may be sent to customers."""

from dataclasses import dataclass
from uuid import UUID

from savdo.base.db import Session, first, rows
from savdo.base.errors import NotFound
from savdo.knowledge.models import Passage

MOST_PASSAGES = 150
MOST_FILES = 20
# What stands around a passage where it is shown.
MARKS = 80


@dataclass(frozen=True, slots=True)
class Shareable:
    """A document that the bot may send as a file, or a picture with what it shows; `file_key` is where its bytes are."""

    id: UUID
    name: str
    mime: str
    file_key: str
    caption: str = ""


async def passages(session: Session, most_bytes: int) -> tuple[Passage, ...]:
    """Every passage that is answered from, document by document; empty when there are more than fit into `most_bytes`."""
    found = await rows(
        session,
        """SELECT p.id, p.document_id, d.name, p.kind, p.title_path, p.text, p.cells, p.page, p.language
             FROM documents d JOIN passages p ON p.tenant_id = d.tenant_id AND p.document_id = d.id AND p.version = d.version
            -- Known beforehand, so that a large knowledge base is not read in vain.
            WHERE (SELECT coalesce(sum(o.passages), 0) FROM documents o WHERE o.version > 0) <= %s
            ORDER BY d.created_at, d.id, p.position""",
        (MOST_PASSAGES,),
    )
    if sum(len("".join([row["text"], *row["title_path"]]).encode()) + MARKS for row in found) > most_bytes:
        return ()
    return tuple(
        Passage(
            row["id"],
            row["document_id"],
            row["name"],
            row["kind"],
            tuple(row["title_path"]),
            row["text"],
            row["cells"],
            row["page"],
            row["language"],
        )
        for row in found
    )


async def shareable(session: Session) -> tuple[Shareable, ...]:
    """The files the tenant marked as ones the bot may send."""
    found = await rows(
        session,
        """SELECT id, name, mime, file_key, caption FROM documents
            WHERE shareable AND kind = 'file' AND status = 'ready' ORDER BY name, id LIMIT %s""",
        (MOST_FILES,),
    )
    return tuple(Shareable(row["id"], row["name"], row["mime"], row["file_key"], row["caption"]) for row in found)


async def set_shareable(session: Session, document_id: UUID, allowed: bool) -> None:
    """Whether the bot may send the file itself. Raises NotFound."""
    changed = "UPDATE documents SET shareable = %s, updated_at = now() WHERE id = %s AND kind = 'file' RETURNING id"
    if await first(session, changed, (allowed, document_id)) is None:
        raise NotFound
