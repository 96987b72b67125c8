"""What is taken as an attachment, how it is called, and how a customer's media arrive."""

import io
import zipfile
from datetime import timedelta
from uuid import UUID

import pytest

from savdo.base import db
from savdo.channels.models import Connection, Inbound, Media, Sender
from savdo.conversations import intake, media
from savdo.conversations.filetypes import EmptyFile, TypeRefused, detect, safe_name


def office(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "mime"),
    [
        (b"\x89PNG\r\n\x1a\n....", "a.exe", "image/png"),
        (b"\xff\xd8\xff\xe0....", "", "image/jpeg"),
        (b"RIFF....WEBPVP8 ", "", "image/webp"),
        (b"OggS" + b"\0" * 24 + b"OpusHead", "", "audio/ogg"),
        (b"ID3\x04", "", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "", "audio/mpeg"),
        (b"\0\0\0\x20ftypM4A ....", "", "audio/mp4"),
        (b"\0\0\0\x20ftypisom....hdlr\0\0\0\0\0\0\0\0vide", "", "video/mp4"),
        (b"\0\0\0\x20ftypmp42....hdlr\0\0\0\0\0\0\0\0soun", "", "audio/mp4"),
        (b"\x1a\x45\xdf\xa3....webm...V_VP9", "", "video/webm"),
        (b"\x1a\x45\xdf\xa3....webm...A_OPUS", "", "audio/webm"),
        (b"%PDF-1.7\n", "", "application/pdf"),
        (office("[Content_Types].xml", "xl/workbook.xml"), "", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"Narxi: 12 000 so'm", "narx.txt", "text/plain"),
        ("чай;12000".encode("cp1251"), "narx.csv", "text/csv"),
    ],
)
def test_that_the_content_decides_the_type(content: bytes, name: str, mime: str) -> None:
    assert detect(content, name) == mime


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", b"  <!DOCTYPE html><p>",
        b"\xef\xbb\xbf<?xml version='1.0'?><svg/>",
        b"MZ\x90\x00\x03", b"\x7fELF\x02", b"#!/bin/sh\n", b"\x00\x01\x02\x03", office("a.txt"),
        office("[Content_Types].xml", "META-INF/MANIFEST.MF"),
        office("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), b"PK\x03\x04broken", "<html>".encode("utf-16"),
    ],
)  # fmt: skip
def test_that_pages_programs_and_the_unknown_are_refused_under_any_name(content: bytes) -> None:
    with pytest.raises(TypeRefused):
        detect(content, "photo.jpg")


def test_that_an_empty_file_is_refused() -> None:
    with pytest.raises(EmptyFile):
        detect(b"", "a.txt")


@pytest.mark.parametrize(
    ("name", "mime", "safe"),
    [
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\x\\photo.JPG", "image/jpeg", "photo.JPG"),
        ("invoice\u202efdp.exe", "application/pdf", "invoicefdp.exe.pdf"),
        ("a\x00b\n.png", "image/png", "ab.png"),
        ("<script>.png", "image/png", "_script_.png"),
        ("page.html", "image/jpeg", "page.html.jpg"),
        ("", "audio/ogg", "file.ogg"),
        ("нархи 2026.pdf", "application/pdf", "нархи 2026.pdf"),
    ],
)
def test_that_a_name_is_safe_and_tells_the_real_type(name: str, mime: str, safe: str) -> None:
    assert safe_name(name, mime) == safe


def test_that_a_name_is_never_longer_than_120_characters() -> None:
    assert len(safe_name("ж" * 500 + ".pdf", "application/pdf")) == 120
    assert len(safe_name("ж" * 500, "image/png")) == 120


async def test_that_a_kept_file_is_read_by_its_own_company_only(tenant_id: UUID, other_tenant_id: UUID) -> None:
    kept = await media.keep(tenant_id, conversation_id=None, name="a.png", content=b"\x89PNG\r\n\x1a\n1", mime="text/html")
    async with db.step(tenant_id) as session:
        assert await media.find(session, kept.id) == kept
    assert await media.content(tenant_id, kept) == b"\x89PNG\r\n\x1a\n1"
    assert (kept.kind, kept.mime, kept.size) == ("image", "image/png", 9)
    async with db.step(other_tenant_id) as session:
        with pytest.raises(media.NoSuchAttachment):
            await media.find(session, kept.id)


async def test_that_too_large_a_file_is_refused(tenant_id: UUID) -> None:
    with pytest.raises(media.FileTooLarge):
        await media.keep(tenant_id, conversation_id=None, name="a", content=b"x" * 20_000_001, mime="")


async def sent(connection: Connection, *found: Media) -> UUID:
    inbound = Inbound("message", "1", "thread", Sender("someone"), media=found)
    async with db.step(connection.tenant_id) as session:
        conversation = await intake.lock(session, connection, inbound)
        taken = await intake.store(session, connection, inbound, conversation, timedelta(), timedelta())
    assert taken.message_id is not None
    return taken.message_id


async def test_that_a_customers_media_become_attachments_once(connection: Connection) -> None:
    message_id = await sent(connection, Media("file", "ref-1", "menu.txt", "text/plain", 7), Media("file", "ref-2"))
    for _ in range(2):
        await media.fetch(str(connection.tenant_id), str(message_id))
    async with db.step(connection.tenant_id) as session:
        row = await db.first(session, "SELECT payload, number, revision FROM messages WHERE id = %s", (message_id,))
        kept = await db.rows(session, "SELECT id FROM attachments WHERE message_id = %s", (message_id,))
    assert row is not None
    assert "media" not in row["payload"]
    assert [one["name"] for one in row["payload"]["attachments"]] == ["menu.txt", "file.txt"]
    assert row["revision"] == row["number"] + 1
    assert {str(one["id"]) for one in kept} == {one["id"] for one in row["payload"]["attachments"]}


async def test_that_media_of_a_message_taken_back_are_not_kept(connection: Connection) -> None:
    message_id = await sent(connection, Media("file", "ref-1"))
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE messages SET deleted_at = now() WHERE id = %s", (message_id,))
    await media.fetch(str(connection.tenant_id), str(message_id))
    async with db.step(connection.tenant_id) as session:
        assert await db.rows(session, "SELECT 1 FROM attachments WHERE message_id = %s", (message_id,)) == []
