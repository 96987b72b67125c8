"""Attachments: what customers and members send beside text, checked by content and kept under the tenant's folder."""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid5

import structlog
from psycopg.types.json import Jsonb

from savdo.base import files, live, secrets
from savdo.base.db import Session, first, new_id, rows, step
from savdo.base.errors import NotFound, SavdoError, TooLarge
from savdo.base.jobs import is_last_attempt, job
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.models import Connection, Media, MediaKind, channel
from savdo.conversations import clamd
from savdo.conversations.filetypes import detect, kind_of, safe_name

log = structlog.get_logger()


class FileTooLarge(TooLarge):
    """This file is larger than allowed."""


class NoSuchAttachment(NotFound):
    """This attachment does not exist, or no longer."""

    code = "no_such_attachment"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A kept file. `name` is safe to show and to save under, `mime` was found by content, `size` is in bytes."""

    id: UUID
    kind: MediaKind
    name: str
    mime: str
    size: int

    def as_payload(self) -> dict[str, Any]:
        """As it stands in a message's `payload.attachments`."""
        return asdict(self) | {"id": str(self.id)}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message whose media are still at the other company."""

    id: UUID
    conversation_id: UUID
    media: tuple[Media, ...]
    connection: Connection


async def keep(tenant_id: UUID, *, conversation_id: UUID | None, name: str, content: bytes, mime: str) -> Attachment:
    """Stores a file and its row, not yet part of a message. `mime` is what the sender claims; the content decides.

    Raises TypeRefused, EmptyFile, FileTooLarge, FilesUnavailable.
    """
    attachment, digest = await store(tenant_id, new_id(), name=name or mime.partition("/")[0], content=content)
    async with step(tenant_id) as session:
        await _record(session, tenant_id, attachment, digest, conversation_id, None)
    return attachment


async def keep_all(tenant_id: UUID, *, conversation_id: UUID, uploads: Sequence[tuple[str, bytes, str]]) -> tuple[Attachment, ...]:
    """Keeps every (name, content, mime) or none of them. Raises as `keep`."""
    kept: list[Attachment] = []
    try:
        for name, content, mime in uploads:
            kept.append(await keep(tenant_id, conversation_id=conversation_id, name=name, content=content, mime=mime))
    except SavdoError:
        await discard(tenant_id, kept)
        raise
    return tuple(kept)


async def discard(tenant_id: UUID, attachments: Sequence[Attachment]) -> None:
    """Removes kept files that became part of no message."""
    async with step(tenant_id) as session:
        removed = await rows(
            session, "DELETE FROM attachments WHERE id = ANY(%s) AND message_id IS NULL RETURNING id", ([one.id for one in attachments],)
        )
    for row in removed:
        await files.delete(_key(tenant_id, row["id"]))


async def find(session: Session, attachment_id: UUID) -> Attachment:
    """An attachment of the session's tenant. Raises NoSuchAttachment."""
    row = await first(session, "SELECT id, name, mime, size, file_key FROM attachments WHERE id = %s", (attachment_id,))
    if row is None:
        raise NoSuchAttachment
    return Attachment(row["id"], kind_of(row["mime"]), row["name"], row["mime"], row["size"])


async def content(tenant_id: UUID, attachment: Attachment) -> bytes:
    """The bytes of a kept file, with no transaction open. Raises NoSuchFile, FilesUnavailable."""
    return await files.get(_key(tenant_id, attachment.id))


def address(tenant_id: UUID, attachment_id: UUID) -> str:
    """The path where whoever was given it may read a kept file, until the file is removed."""
    raw = tenant_id.bytes + attachment_id.bytes
    return f"/widget/v1/files/{base64.urlsafe_b64encode(raw + _mac(raw)).decode().rstrip('=')}"


def addressed(reference: str) -> tuple[UUID, UUID]:
    """The tenant and the attachment that the last part of an address names. Raises NoSuchAttachment."""
    try:
        raw = base64.urlsafe_b64decode(reference + "=" * (-len(reference) % 4))
    except (binascii.Error, ValueError):
        raise NoSuchAttachment from None
    if len(raw) != 48 or not hmac.compare_digest(raw[32:], _mac(raw[:32])):
        raise NoSuchAttachment
    return UUID(bytes=raw[:16]), UUID(bytes=raw[16:32])


async def attach(session: Session, message_id: UUID, attachments: tuple[Attachment, ...]) -> None:
    """Makes kept files part of a message of the same conversation; the message's payload is the caller's."""
    await session.execute(
        """UPDATE attachments SET message_id = m.id FROM messages m
            WHERE m.id = %s AND attachments.id = ANY(%s) AND attachments.tenant_id = m.tenant_id
              AND coalesce(attachments.conversation_id, m.conversation_id) = m.conversation_id""",
        (message_id, [one.id for one in attachments]),
    )


@job(attempts=8)
async def fetch(tenant_id: str, message_id: str) -> None:
    """Downloads the media of a customer's message. What is refused for good is named in the thread; the rest is tried again."""
    tenant = UUID(tenant_id)
    async with step(tenant) as session:
        waiting = await _waiting(session, UUID(message_id))
    if waiting is None:
        return
    found = [await _fetched(tenant, waiting, number) for number in range(len(waiting.media))]
    async with step(tenant) as session:
        finished = await _finish(session, tenant, waiting, [payload for payload, _ in found])
        for payload, digest in found:
            if finished and digest:
                attachment = Attachment(UUID(payload["id"]), payload["kind"], payload["name"], payload["mime"], payload["size"])
                await _record(session, tenant, attachment, digest, waiting.conversation_id, waiting.id)
    if not finished and not await _is_fetched(tenant, waiting.id):
        # The customer took the message back meanwhile; its files go with it.
        for payload, _ in found:
            await files.delete(_key(tenant, UUID(payload["id"])))


async def store(tenant_id: UUID, attachment_id: UUID, *, name: str, content: bytes) -> tuple[Attachment, bytes]:
    """Checks and stores the bytes alone, with no transaction open: the attachment and its SHA-256. Raises as `keep`."""
    limit = settings().upload_mb * 1_000_000
    if len(content) > limit:
        raise FileTooLarge(f"This file is larger than {settings().upload_mb} MB.")
    mime, digest = await asyncio.to_thread(lambda: (detect(content, name), hashlib.sha256(content).digest()))
    await clamd.check(content)
    # Before the row: a row without its file would be a promise, a file without its row only waste.
    await files.put(_key(tenant_id, attachment_id), content)
    return Attachment(attachment_id, kind_of(mime), safe_name(name, mime), mime, len(content)), digest


async def _waiting(session: Session, message_id: UUID) -> Waiting | None:
    row = await first(
        session,
        "SELECT conversation_id, connection_id, payload FROM messages WHERE id = %s AND deleted_at IS NULL AND payload ? 'media'",
        (message_id,),
    )
    if row is None:
        return None
    media = tuple(_media(one) for one in row["payload"]["media"])
    return Waiting(message_id, row["conversation_id"], media, await connections.by_id(session, row["connection_id"]))


async def _fetched(tenant_id: UUID, waiting: Waiting, number: int) -> tuple[dict[str, Any], bytes]:
    """What stands in the payload, and the SHA-256 (empty when there is no file). Raises what may pass by itself."""
    media = waiting.media[number]
    # The same id at every attempt, so that one that broke off leaves no second copy.
    attachment_id = uuid5(waiting.id, str(number))
    try:
        content = await channel(waiting.connection.channel).fetch(waiting.connection, media, settings().upload_mb * 1_000_000)
        attachment, digest = await store(tenant_id, attachment_id, name=media.name or media.kind, content=content)
    except SavdoError as error:
        if not error.permanent and not is_last_attempt():
            raise
        log.info("media refused", channel=waiting.connection.channel, code=error.code, message_id=str(waiting.id))
        refused = {"kind": media.kind, "name": media.name[:120], "mime": media.mime, "size": media.size, "problem": error.message}
        if not error.permanent:
            refused["lost"] = True
        return {"id": str(attachment_id), **refused}, b""
    payload = attachment.as_payload()
    if media.kind == "sticker" and attachment.kind == "image":
        payload["kind"] = "sticker"
    return payload, digest


async def _finish(session: Session, tenant_id: UUID, waiting: Waiting, attachments: list[dict[str, Any]]) -> bool:
    # The conversation first, as everywhere: two orders of locking would block each other.
    bumped = await first(
        session, "UPDATE conversations SET revision = revision + 1 WHERE id = %s RETURNING revision", (waiting.conversation_id,)
    )
    if bumped is None:
        return False
    changed = await first(
        session,
        """UPDATE messages SET payload = (payload - 'media') || %s, revision = %s
            WHERE id = %s AND deleted_at IS NULL AND payload ? 'media' RETURNING number""",
        (Jsonb({"attachments": attachments}), bumped["revision"], waiting.id),
    )
    if changed is None:
        return False
    await live.publish(session, tenant_id, waiting.conversation_id, "message", str(changed["number"]))
    return True


async def _is_fetched(tenant_id: UUID, message_id: UUID) -> bool:
    async with step(tenant_id) as session:
        return await first(session, "SELECT 1 FROM attachments WHERE message_id = %s LIMIT 1", (message_id,)) is not None


async def _record(
    session: Session, tenant_id: UUID, attachment: Attachment, digest: bytes, conversation_id: UUID | None, message_id: UUID | None
) -> None:
    await session.execute(
        """INSERT INTO attachments (tenant_id, id, conversation_id, message_id, name, mime, size, sha256, file_key)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (tenant_id, id) DO NOTHING""",
        (
            tenant_id, attachment.id, conversation_id, message_id, attachment.name, attachment.mime, attachment.size, digest,
            _key(tenant_id, attachment.id),
        ),
    )  # fmt: skip


def _media(one: Mapping[str, Any]) -> Media:
    return Media(one["kind"], one["reference"], one.get("name", ""), one.get("mime", ""), one.get("size", 0))


def _mac(content: bytes) -> bytes:
    return hmac.digest(secrets.derived_key("widget file"), content, "sha256")[:16]


def _key(tenant_id: UUID, attachment_id: UUID) -> str:
    return f"{tenant_id}/attachments/{attachment_id}"
