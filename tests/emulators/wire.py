"""A server that answers each connection with what a test wrote down: also broken, slow and endless answers."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CLOSE = b""


@dataclass
class Wire:
    """`answers` are sent in turn, the last one for ever; `CLOSE` hangs up, `None` never answers. `requests` is what came."""

    port: int = 0
    answers: list[bytes | None] = field(default_factory=list[bytes | None])
    requests: list[bytes] = field(default_factory=list[bytes])
    servers_named: list[str] = field(default_factory=list[str])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def listening(*answers: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Wire]:
    wire = Wire(answers=list(answers))
    open_ones: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        try:
            wire.requests.append(await _request(reader))
            said = wire.answers.pop(0) if len(wire.answers) > 1 else wire.answers[0]
            if said is None:
                await reader.read()
            else:
                writer.write(said)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: wire.servers_named.append(name or "")
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for writer in open_ones:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.split(b":")[1]))
    return head
