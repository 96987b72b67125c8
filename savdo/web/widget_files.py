"""Files in the web chat: uploading one before the message that carries it, and reading it again.

An upload's id is signed for its visitor, so that nobody can send or see somebody else's file. A file's address holds
its own signature, because an image tag carries no token.
"""

import hmac
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from savdo.base import limits, secrets
from savdo.base.db import Session, step
from savdo.base.errors import Invalid
from savdo.base.settings import settings
from savdo.channels.web_chat import Visitor
from savdo.conversations import media
from savdo.web.widget_door import Guest, WidgetRoute, guest, limited

SAFE_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
INLINE = SAFE_IMAGES | {"audio/ogg", "audio/mpeg", "audio/mp4", "audio/webm", "audio/wav"}
MULTIPART_ROOM = 16_000

router = APIRouter(route_class=WidgetRoute)


class UnknownUpload(Invalid):
    """This upload is not known, or is not yours."""

    code = "unknown_upload"


@router.post("/uploads")
async def upload(request: Request, guest: Annotated[Guest, Depends(guest)]) -> JSONResponse:
    connection, visitor = guest.connection, guest.visitor
    async with step(connection.tenant_id) as session:
        await limits.take(session, f"widget:uploads:{visitor.id}", limit=60, per_seconds=3600)
    async with limited(request, settings().upload_mb * 1_000_000 + MULTIPART_ROOM).form(max_files=1, max_fields=5) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Invalid("A part named file is needed.", field="file")
        content, name, mime = await file.read(), file.filename or "file", file.content_type or ""
    kept = await media.keep(connection.tenant_id, conversation_id=None, name=name, content=content, mime=mime)
    return JSONResponse(
        {"id": _upload_id(visitor, kept.id), "name": kept.name, "mime": kept.mime, "size": kept.size, "kind": kept.kind}, 201
    )


@router.get("/files/{reference}")
async def download(reference: str) -> Response:
    tenant_id, attachment_id = media.addressed(reference)
    async with step(tenant_id) as session:
        attachment = await media.find(session, attachment_id)
    content = await media.content(tenant_id, attachment)
    inline = attachment.mime in INLINE
    return Response(
        content,
        media_type=attachment.mime if inline else "application/octet-stream",
        headers={
            "Content-Disposition": f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(attachment.name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, max-age=31536000, immutable",
            "Referrer-Policy": "no-referrer",
        },
    )


async def kept(session: Session, visitor: Visitor, uploads: Sequence[str]) -> list[dict[str, Any]]:
    """What a message carries of each upload. Raises UnknownUpload for one that is not this visitor's."""
    found: list[dict[str, Any]] = []
    for one in uploads:
        attachment_id = _uploaded(visitor, one)
        attachment = await media.find(session, attachment_id)
        found.append(
            {"id": str(attachment.id), "kind": attachment.kind, "name": attachment.name, "mime": attachment.mime, "size": attachment.size}
        )
    return found


def address_of(tenant_id: UUID, attachment_id: str) -> str:
    """Where the visitor's window reads a file, on this server."""
    return media.address(tenant_id, UUID(attachment_id))


def _upload_id(visitor: Visitor, attachment_id: UUID) -> str:
    return f"up_{attachment_id.hex}{_mac('upload', attachment_id.bytes + visitor.id.encode()).hex()}"


def _uploaded(visitor: Visitor, upload_id: str) -> UUID:
    try:
        attachment_id = UUID(hex=upload_id.removeprefix("up_")[:32])
    except ValueError:
        raise UnknownUpload(field="attachments") from None
    if not hmac.compare_digest(upload_id.encode(), _upload_id(visitor, attachment_id).encode()):
        raise UnknownUpload(field="attachments")
    return attachment_id


def _mac(purpose: str, content: bytes) -> bytes:
    return hmac.digest(secrets.derived_key(f"widget {purpose}"), content, "sha256")[:16]
