"""What is taken as an attachment, how it is called, and how a customer's media arrive."""

import io
import zipfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import circuit, db, files, jobs
from savdo.channels import connections
from savdo.channels.models import Connection, Inbound, Media, Sender
from savdo.conversations import intake, media
from savdo.conversations.filetypes import EmptyFile, TypeRefused, detect, safe_name
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram


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


@dataclass
class Bot:
    """A Telegram bot's connection, and Telegram."""

    connection: Connection
    telegram: Telegram

    async def customer_sends(self, *documents: tuple[str, bytes]) -> UUID:
        """A message with documents whose download waits in the queue; returns its id."""
        found: list[Media] = []
        for name, content in documents:
            shown = self.telegram.customer_sends_document(42, name, content)["message"]["document"]
            found.append(Media("file", shown["file_id"], name, shown["mime_type"], shown["file_size"]))
        message_id = await sent(self.connection, *found)
        async with db.step(self.connection.tenant_id) as session:
            await media.fetch.later(session, tenant_id=str(self.connection.tenant_id), message_id=str(message_id))
        return message_id

    async def payload(self, message_id: UUID) -> dict[str, Any]:
        async with db.step(self.connection.tenant_id) as session:
            row = await db.first(session, "SELECT payload FROM messages WHERE id = %s", (message_id,))
        assert row is not None
        return row["payload"]

    async def content(self, attachment_id: str) -> bytes:
        async with db.step(self.connection.tenant_id) as session:
            found = await media.find(session, UUID(attachment_id))
        return await media.content(self.connection.tenant_id, found)


@pytest_asyncio.fixture
async def bot(tenant_id: UUID) -> AsyncGenerator[Bot]:
    telegram = Telegram()
    async with serving(telegram.app) as address:
        async with db.step(tenant_id) as session:
            connection = await connections.create(
                session, tenant_id, "telegram_bot", "Bot",
                credentials={"token": telegram.token, "secret": "media"}, settings={"api_base": address},
            )  # fmt: skip
        yield Bot(connection, telegram)


async def until_tried_again() -> float:
    """How long the one waiting job waits, in seconds; and makes it due."""
    async with db.platform_step("a job's wait") as session:
        row = await db.first(session, "SELECT extract(epoch FROM scheduled_at - now())::float AS wait FROM procrastinate_jobs")
        await session.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    assert row is not None
    return row["wait"]


@pytest.mark.parametrize(
    ("status", "description", "more", "least"),
    [(502, "Bad Gateway", {}, 0), (429, "Too Many Requests: retry after 30", {"retry_after": 30}, 28)],
)
async def test_that_a_file_is_fetched_again_after_a_passing_failure(
    bot: Bot, status: int, description: str, more: dict[str, int], least: float
) -> None:
    bot.telegram.fails("getFile", status, description, **more)
    message_id = await bot.customer_sends(("menu.pdf", b"%PDF-1.7 menu"))
    await jobs.run_waiting()
    # Still to come, and not lost from sight meanwhile.
    assert [one["name"] for one in (await bot.payload(message_id))["media"]] == ["menu.pdf"]
    assert await until_tried_again() > least
    await jobs.run_waiting()
    [kept] = (await bot.payload(message_id))["attachments"]
    assert (kept["name"], kept["mime"], kept["size"]) == ("menu.pdf", "application/pdf", 13)
    assert await bot.content(kept["id"]) == b"%PDF-1.7 menu"
    assert bot.telegram.calls["getfile"] == 2


async def test_that_a_failure_in_the_middle_leaves_no_second_copy(bot: Bot) -> None:
    message_id = await bot.customer_sends(("a.pdf", b"%PDF-1.7 a"), ("b.pdf", b"%PDF-1.7 b"))
    bot.telegram.is_slow("getFile", 0)
    bot.telegram.fails("getFile", 500, "Internal Server Error")
    await jobs.run_waiting()
    assert bot.telegram.calls["getfile"] == 2
    assert "attachments" not in await bot.payload(message_id)
    await until_tried_again()
    await jobs.run_waiting()
    one, other = (await bot.payload(message_id))["attachments"]
    assert (await bot.content(one["id"]), await bot.content(other["id"])) == (b"%PDF-1.7 a", b"%PDF-1.7 b")
    assert await files.delete_under(str(bot.connection.tenant_id)) == 2


async def test_that_a_refused_file_is_named_with_its_problem_and_the_others_are_kept(bot: Bot) -> None:
    message_id = await bot.customer_sends(("menu.pdf", b"%PDF-1.7 menu"), ("prices.pdf", b"MZ\x90\x00\x03 program"))
    await jobs.run_waiting()
    payload = await bot.payload(message_id)
    kept, refused = payload["attachments"]
    assert "media" not in payload
    assert (kept["name"], "problem" in kept) == ("menu.pdf", False)
    assert (refused["name"], refused["kind"]) == ("prices.pdf", "file")
    assert refused["problem"]
    async with db.step(bot.connection.tenant_id) as session:
        assert [row["name"] for row in await db.rows(session, "SELECT name FROM attachments")] == ["menu.pdf"]
        with pytest.raises(media.NoSuchAttachment):
            await media.find(session, UUID(refused["id"]))
    # Tried once and over: nothing waits, nothing failed, nothing of it was stored.
    async with db.platform_step("the queue is empty") as session:
        assert await jobs.waiting(session) == {}
    assert await files.delete_under(str(bot.connection.tenant_id)) == 1


async def test_that_a_file_telegram_no_longer_has_is_a_problem_and_not_tried_for_ever(bot: Bot) -> None:
    message_id = await bot.customer_sends(("menu.pdf", b"%PDF-1.7 menu"))
    bot.telegram.files.clear()
    await jobs.run_waiting()
    [gone] = (await bot.payload(message_id))["attachments"]
    assert gone["name"] == "menu.pdf"
    assert gone["problem"]
    assert bot.telegram.calls["getfile"] == 1


async def test_that_a_file_that_never_comes_is_marked_as_lost_at_the_last_attempt(bot: Bot) -> None:
    bot.telegram.fails("getFile", 502, "Bad Gateway", times=8)
    message_id = await bot.customer_sends(("menu.pdf", b"%PDF-1.7 menu"))
    await jobs.run_waiting()
    assert "media" in await bot.payload(message_id)
    async with db.platform_step("seven attempts later") as session:
        await session.execute("UPDATE procrastinate_jobs SET attempts = 7, scheduled_at = now()")
    circuit.forget()
    await jobs.run_waiting()
    payload = await bot.payload(message_id)
    [lost] = payload["attachments"]
    assert (lost["name"], lost["lost"], bool(lost["problem"]), "media" in payload) == ("menu.pdf", True, True, False)
    async with db.platform_step("the queue is empty") as session:
        assert await jobs.waiting(session) == {}
