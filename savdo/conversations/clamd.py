"""Showing a file to a virus scanner: clamd's INSTREAM command, where `SAVDO_CLAMD_URL` is set.

The file goes in blocks, each with its length in four bytes before it, and ends with an empty one; the answer is a line that
ends with `OK`, `FOUND` or `ERROR`. Source: the manual page of clamd.
"""

import asyncio
import contextlib
from urllib.parse import urlsplit

from savdo.base.errors import Invalid, Unavailable
from savdo.base.settings import settings

BLOCK = 65_536
SECONDS = 30.0
PORT = 3310


class Infected(Invalid):
    """A virus scanner found something in this file; it was not kept."""

    code = "infected"


class ScannerUnavailable(Unavailable):
    """The virus scanner does not answer; without it no file is taken. Try again in a moment."""

    code = "scanner_unavailable"


async def check(content: bytes) -> None:
    """Passes a file that is clean, and every file where no scanner is set. Raises Infected, ScannerUnavailable."""
    if not settings().clamd_url:
        return
    try:
        async with asyncio.timeout(SECONDS):
            answer = await _asked(content)
    except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
        raise ScannerUnavailable from None
    if answer.endswith("FOUND"):
        raise Infected
    if not answer.endswith("OK"):
        # A file that the scanner does not take, too large a one for example, was not seen by it.
        raise ScannerUnavailable


async def _asked(content: bytes) -> str:
    reader, writer = await _opened()
    try:
        writer.write(b"zINSTREAM\0")
        for start in range(0, len(content), BLOCK):
            block = content[start : start + BLOCK]
            writer.write(len(block).to_bytes(4, "big") + block)
            await writer.drain()
        writer.write(bytes(4))
        await writer.drain()
        return (await reader.readuntil(b"\0")).rstrip(b"\0\n ").decode("utf-8", "replace")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _opened() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    place = urlsplit(settings().clamd_url)
    if place.scheme == "unix":
        return await asyncio.open_unix_connection(place.path)
    return await asyncio.open_connection(place.hostname, place.port or PORT)
