"""A virus scanner that speaks clamd's INSTREAM: it finds the EICAR test file, and fails when told to."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

# The file every scanner finds, in two parts so that none finds this one.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class Clamd:
    """`seen` are the files it was shown; `answers` replaces its verdict ("" breaks the connection)."""

    seen: list[bytes] = field(default_factory=list[bytes])
    answers: str | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[str]:
        """Its address, tcp://…"""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        try:
            yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            await server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        content = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            content += await reader.readexactly(size)
        self.seen.append(content)
        verdict = "stream: Eicar-Signature FOUND" if EICAR in content else "stream: OK"
        answer = verdict if self.answers is None else self.answers
        if answer:
            writer.write(answer.encode() + b"\0")
            await writer.drain()
        writer.close()
        await writer.wait_closed()
