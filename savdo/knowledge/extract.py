"""A file's bytes as blocks. What it is, is decided by its content; its name only tells one kind of text from another.

Formats that a hostile file can make slow or hungry are read in a process of their own, bounded in time and memory.
"""

import asyncio
import io
import json
import os
import re
import sys
import zipfile
from dataclasses import replace
from typing import Any, Literal

from savdo.knowledge import plain, tables
from savdo.knowledge.blocks import Block, Reading
from savdo.knowledge.refusals import REFUSALS, Broken, Empty, OldOffice, Protected, TookTooLong, UnknownKind, Unsafe

FileKind = Literal["pdf", "docx", "xlsx", "html", "csv", "text"]
MIMES: dict[FileKind, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "csv": "text/csv",
    "text": "text/plain",
}
LONGEST_S = 120.0
# Plain text up to this size takes milliseconds, less than starting a process.
AT_HAND = 300_000
# An archive of office XML packs 5 to 20 times; only what is far beyond that and large is refused.
MOST_UNPACKED = 200_000_000
MOST_RATIO = 100
UNSUSPICIOUS = 10_000_000
MOST_MEMBERS = 5_000
DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|table|div|h[1-6]|section|article|main)\b", re.IGNORECASE)
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
NOT_TEXT = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"ID3", b"OggS", b"\x7fELF", b"MZ\x90", b"{\\rtf")
# How often a letter stands in Russian, Uzbek or Kazakh text; the wrong code page turns them into rare ones.
COMMON_LETTERS = frozenset("оеаинтсрвлкмдпуыйялибзғқҳўәіңөұү")

_processes = asyncio.Semaphore(2)


async def read(content: bytes, name: str) -> Reading:
    """The blocks of a file. Raises a refusal (refusals.py), each of which says what its owner can do."""
    kind = kind_of(content, name)
    if kind in ("text", "csv") and len(content) <= AT_HAND:
        reading = await asyncio.to_thread(parse_text, content, kind)
    else:
        async with _processes:
            reading = await _apart(kind, content)
    return cleaned(reading)


def kind_of(content: bytes, name: str) -> FileKind:
    """What the bytes are. Raises Empty, Protected, OldOffice, Unsafe, Broken, UnknownKind."""
    if not content.strip(b"\0 \t\r\n"):
        raise Empty
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(b"PK\x03\x04"):
        return _office_kind(content)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        # A protected .docx is an old Office container around an encrypted package.
        raise Protected if "EncryptedPackage".encode("utf-16-le") in content else OldOffice
    text = decoded(content[:50_000])
    if text.lstrip().startswith("<") and HTML.search(text[:5_000]):
        return "html"
    return "csv" if _is_table(text, name) else "text"


def decoded(content: bytes) -> str:
    """Bytes as text: by their mark, else UTF-8, else the Cyrillic code page that gives the most usual letters. Raises UnknownKind."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    head = content[:4_000]
    if head.startswith(NOT_TEXT):
        raise UnknownKind
    if head.count(0) > len(head) // 4:
        text = content.decode("utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be", "replace")
        return _printable(text)
    if head.count(0) > 8:
        raise UnknownKind
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A cut in the middle of the last letter is our own doing.
        if error.start > len(content) - 4:
            return content[: error.start].decode("utf-8-sig")
    texts = [content.decode(page, "replace") for page in ("cp1251", "koi8-r", "cp866")]
    best = max(texts, key=lambda text: sum(letter in COMMON_LETTERS for letter in text[:20_000]))
    return _printable(best)


def _printable(text: str) -> str:
    if sum(letter.isprintable() or letter.isspace() for letter in text[:4_000]) < 0.9 * len(text[:4_000]):
        raise UnknownKind
    return text


def parse_text(content: bytes, kind: str) -> Reading:
    text = decoded(content)
    return tables.parse_csv(text) if kind == "csv" else plain.parse(text)


def guard_archive(content: bytes) -> None:
    """Refuses an archive that would unpack to far more than its size or declares entities, before anything is unpacked.

    The sizes are those its directory states; the reader stops at them. Raises Protected, Unsafe, Broken.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            ratio = unpacked / max(1, len(content))
            if unpacked > MOST_UNPACKED or len(members) > MOST_MEMBERS or (unpacked > UNSUSPICIOUS and ratio > MOST_RATIO):
                raise Unsafe
            if any(member.flag_bits & 1 for member in members):
                raise Protected
            for member in members:
                if member.filename.endswith((".xml", ".rels")):
                    with archive.open(member) as file:
                        head = file.read(4_096).replace(b"\0", b"")
                    if DECLARATION.search(head):
                        raise Unsafe
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError, RuntimeError):
        raise Broken from None


def cleaned(reading: Reading) -> Reading:
    """Without control characters, which the database refuses, and without marks that turn the direction of text around."""

    def clean(text: str) -> str:
        return CONTROLS.sub("", text).strip()

    blocks = [
        replace(block, text=clean(block.text), cells=tuple((clean(heading), clean(value)) for heading, value in block.cells))
        for block in reading.blocks
    ]
    return replace(reading, title=clean(reading.title), blocks=tuple(block for block in blocks if block.text))


def _office_kind(content: bytes) -> FileKind:
    guard_archive(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
    if "word/document.xml" in names:
        return "docx"
    if "xl/workbook.xml" in names:
        return "xlsx"
    raise UnknownKind


def _is_table(text: str, name: str) -> bool:
    if name.lower().endswith((".md", ".markdown")):
        return False
    delimiter = tables.delimiter_of(text)
    if delimiter is None:
        return False
    # Commas also stand in sentences; without the name of a table there must be three columns, filled alike.
    named = name.lower().endswith((".csv", ".tsv"))
    lines = [line for line in text.splitlines()[:30] if line.strip()]
    wide = sum(line.count(delimiter) >= 2 for line in lines) >= 0.9 * len(lines)
    short = sum(len(line) for line in lines) < 250 * len(lines)
    return named or (wide and short and delimiter != "|")


async def _apart(kind: str, content: bytes) -> Reading:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "savdo.knowledge.parse", kind,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        # It reads a stranger's file, so it is given none of our secrets.
        env={key: value for key, value in os.environ.items() if key in ("PATH", "PYTHONPATH", "SYSTEMROOT", "TMPDIR", "LANG")},
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(content), LONGEST_S)
    except TimeoutError:
        raise TookTooLong from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        # Ended by its limit of time (SIGXCPU, SIGKILL) or of memory.
        raise TookTooLong if (process.returncode or 0) < 0 else Broken
    return _reading(json.loads(output))


def _reading(answer: dict[str, Any]) -> Reading:
    if refused := answer.get("refused"):
        raise REFUSALS[refused]
    blocks = tuple(
        Block(kind, text, level, tuple((heading, value) for heading, value in cells), page)
        for kind, text, level, cells, page in answer["blocks"]
    )
    return Reading(blocks, answer["title"], answer["pages"], answer["kind"])
