"""Fifty files that mean harm: none is kept as what it pretends to be, and each refusal says why."""

import asyncio
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Generator
from pathlib import PurePosixPath
from uuid import UUID

import pytest

from savdo.base import db, files, http
from savdo.base.errors import SavdoError
from savdo.base.settings import settings
from savdo.channels.models import Connection
from savdo.conversations import clamd, media
from savdo.conversations.filetypes import EXTENSIONS
from savdo.web.pages.inbox import SHOWN
from tests.emulators.clamd import EICAR, Clamd
from tests.emulators.serving import serving

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(document.cookie)</script>"
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
PDF = b"%PDF-1.7\n"
WORD = ("[Content_Types].xml", "word/document.xml")


def packed(*names: str, content: bytes = b"x", mimetype: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


def lying(claimed: int) -> bytes:
    """An office file whose directory claims that its document unpacks to so many bytes."""
    whole = bytearray(packed(*WORD))
    at = whole.rindex(b"PK\x01\x02")
    struct.pack_into("<I", whole, at + 24, claimed)
    return bytes(whole)


def huge_picture() -> bytes:
    """A picture of 65,000 by 65,000 points in a few bytes."""
    header = struct.pack(">IIBBBBB", 65_000, 65_000, 8, 6, 0, 0, 0)
    chunk = b"IHDR" + header
    return PNG + struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))


# Name, content: none of these is taken, under any name.
REFUSED: list[tuple[str, bytes]] = [
    ("photo.jpg", SVG), ("icon.svg", SVG), ("a.svg", b"\xef\xbb\xbf" + SVG), ("a.svg", b"<?xml version='1.0'?>" + SVG),
    ("a.svg", b"<!-- a picture -->\n" + SVG), ("a.svg", SVG.decode().encode("utf-16")), ("a.svgz", gzip.compress(SVG)),
    ("page.html", HTML), ("photo.png", HTML), ("a.txt", b"\n\n \t" + HTML), ("a.txt", HTML.decode().encode("utf-16-le")),
    ("a.xhtml", b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>"),
    ("feed.xml", b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"),
    ("setup.exe", b"MZ\x90\x00\x03\x00"), ("photo.jpg", b"MZ\x90\x00\x03\x00"), ("run", b"\x7fELF\x02\x01\x01\x00"),
    ("run.sh", b"#!/bin/sh\nrm -rf /\n"), ("notes.txt", b"#!/usr/bin/env python3\nimport os\n"),
    ("app.jar", packed("META-INF/MANIFEST.MF", "Main.class")), ("app.apk", packed("AndroidManifest.xml", "classes.dex")),
    ("a.zip", packed("a.txt")), ("a.zip", packed("../../../etc/cron.d/x")), ("letter.docx", packed("a.txt")),
    ("letter.docx", packed(*WORD, "word/vbaProject.bin")), ("letter.docx", packed(*WORD, "word/VBAPROJECT.BIN")),
    ("letter.docx", lying(600_000_000)), ("letter.docx", packed(*WORD, *(f"word/{n}" for n in range(10_001)), content=b"")),
    ("letter.docx", packed(*WORD)[:-30]), ("letter.docx", b"PK\x03\x04" + b"\xff" * 64), ("a.odt", packed("x", mimetype="text/html")),
    ("a.gz", gzip.compress(b"0" * 1_000_000)), ("a.7z", b"7z\xbc\xaf\x27\x1c\x00\x04"), ("a.rar", b"Rar!\x1a\x07\x01\x00"),
    ("a.class", b"\xca\xfe\xba\xbe\x00\x00\x00\x34"), ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64)),
    ("song.ogg", b"OggS" + bytes(60)), ("clip.mp4", b"\x00\x00\x00\x20ftypevil" + bytes(32)), ("clip.mkv", b"\x1a\x45\xdf\xa3matroska"),
    ("null", b"\x00" * 64), ("empty.png", b""),
]  # fmt: skip
# Name, content, what it is kept as: two things at once, and names that lead elsewhere. Kept as the harmless one, by its real type.
TAMED: list[tuple[str, bytes, str]] = [
    ("page.html", PNG + HTML, "image/png"), ("evil.svg", JPEG + SVG, "image/jpeg"), ("x.html", b"GIF89a/*" + HTML + b"*/", "image/gif"),
    ("run.exe", PDF + b"MZ\x90\x00", "application/pdf"), ("a.jar", JPEG + packed("Main.class"), "image/jpeg"),
    ("../../../etc/passwd", b"root:x:0:0", "text/plain"), ("..\\..\\windows\\system32\\a.bat", PNG, "image/png"),
    ("gpj.\u202eexe.png", PNG, "image/png"), ("a\x00.png\r\nSet-Cookie: a=b", PNG, "image/png"), ("bomb.png", huge_picture(), "image/png"),
]  # fmt: skip


def test_that_they_are_fifty() -> None:
    assert len(REFUSED) + len(TAMED) == 50


async def test_that_none_is_kept_and_every_refusal_says_why(tenant_id: UUID) -> None:
    for name, content in REFUSED:
        with pytest.raises(SavdoError) as refused:
            await media.keep(tenant_id, conversation_id=None, name=name, content=content, mime="image/png")
        assert refused.value.status in (413, 415, 422), name
        assert refused.value.permanent, name
        assert len(refused.value.message) > 15, name
    async with db.step(tenant_id) as session:
        assert await db.rows(session, "SELECT 1 FROM attachments") == []
    assert await files.delete_under(str(tenant_id)) == 0


async def test_that_what_is_two_things_at_once_is_only_the_harmless_one(tenant_id: UUID) -> None:
    for name, content, mime in TAMED:
        kept = await media.keep(tenant_id, conversation_id=None, name=name, content=content, mime="text/html")
        assert kept.mime == mime, name
        assert PurePosixPath(kept.name).suffix.lower() in EXTENSIONS[mime], name
        assert not set(kept.name) & set("/\\\r\n\x00\u202e<>"), name
    # Nothing that a browser would run is ever shown inside a page.
    assert not any(mime.startswith(SHOWN) for mime in ("text/html", "image/svg+xml", "text/xml", "application/xhtml+xml"))
    assert not {"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"} & set(EXTENSIONS)


async def test_that_too_much_is_refused_before_it_is_looked_at(tenant_id: UUID) -> None:
    with pytest.raises(media.FileTooLarge) as refused:
        await media.keep(tenant_id, conversation_id=None, name="a.png", content=PNG + bytes(20_000_000), mime="")
    assert "20 MB" in refused.value.message


async def test_that_a_redirect_into_a_private_network_is_not_followed(connection: Connection) -> None:
    async def redirects(scope: object, receive: object, send: object) -> None:
        # Where clouds tell machines their secrets.
        headers = [(b"location", b"http://169.254.169.254/latest/meta-data/")]
        await send({"type": "http.response.start", "status": 302, "headers": headers})  # pyright: ignore[reportCallIssue, reportGeneralTypeIssues] # ASGI
        await send({"type": "http.response.body", "body": b""})  # pyright: ignore[reportCallIssue, reportGeneralTypeIssues] # ASGI

    async with serving(redirects) as address:
        with pytest.raises(http.AddressRefused):
            await http.send("GET", f"{address}/file.jpg", service="hostile", redirects=3)


@pytest.fixture
def scanner() -> Generator[tuple[Clamd, pytest.MonkeyPatch]]:
    patch = pytest.MonkeyPatch()
    yield Clamd(), patch
    patch.undo()
    settings.cache_clear()


async def test_that_every_file_is_shown_to_the_scanner_and_an_infected_one_not_kept(
    tenant_id: UUID, scanner: tuple[Clamd, pytest.MonkeyPatch]
) -> None:
    clam, patch = scanner
    async with clam.serving() as address:
        patch.setenv("SAVDO_CLAMD_URL", address)
        settings.cache_clear()
        await media.keep(tenant_id, conversation_id=None, name="a.png", content=PNG + bytes(200_000), mime="")
        with pytest.raises(clamd.Infected):
            await media.keep(tenant_id, conversation_id=None, name="a.txt", content=EICAR, mime="")
        assert [len(one) for one in clam.seen] == [200_008, 68]
        for answer in ("INSTREAM size limit exceeded. ERROR", ""):
            clam.answers = answer
            with pytest.raises(clamd.ScannerUnavailable) as refused:
                await media.keep(tenant_id, conversation_id=None, name="b.png", content=PNG, mime="")
            assert not refused.value.permanent
    with pytest.raises(clamd.ScannerUnavailable):
        await asyncio.wait_for(media.keep(tenant_id, conversation_id=None, name="b.png", content=PNG, mime=""), 20)
    async with db.step(tenant_id) as session:
        assert [row["name"] for row in await db.rows(session, "SELECT name FROM attachments")] == ["a.png"]
