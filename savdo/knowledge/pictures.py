"""Pictures among the knowledge: nothing is read in them, they are sent to customers. What one shows stands in its caption, which
is what a model chooses by."""

from typing import Final
from uuid import UUID

from savdo.base.db import Session, first
from savdo.base.errors import NotFound
from savdo.conversations import filetypes
from savdo.knowledge.refusals import LargePicture

MIMES: Final = frozenset({"image/png", "image/jpeg", "image/webp"})
# What every channel takes as a picture (WhatsApp the least).
LARGEST: Final = 5_000_000
LONGEST_CAPTION: Final = 300


def mime_of(content: bytes) -> str:
    """What kind of picture that may be sent the bytes are, "" where they are none. Raises LargePicture."""
    mime = filetypes.image(content)
    if mime not in MIMES:
        return ""
    if len(content) > LARGEST:
        raise LargePicture
    return mime


async def describe(session: Session, document_id: UUID, caption: str, *, shareable: bool) -> None:
    """Says what a picture shows, and whether the bot may send it. Raises NotFound."""
    caption = " ".join(caption.replace("\x00", "").split())[:LONGEST_CAPTION]
    change = "UPDATE documents SET caption = %s, shareable = %s, updated_at = now() WHERE id = %s AND mime = ANY(%s) RETURNING id"
    if await first(session, change, (caption, shareable, document_id, list(MIMES))) is None:
        raise NotFound
