"""Serves an emulator over real HTTP on a free port, in the running event loop."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

Asgi = Callable[[Any, Any, Any], Awaitable[None]]
# The key under which an app finds a function that cuts the caller's connection.
CUT = "savdo.cut"


class _Server(uvicorn.Server):
    """Ends when it is asked to: uvicorn's own looks up ten times a second, which was most of the time of a short test."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ending = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        # Ctrl-C is for the tests, not for what they serve.
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        # A moment for what is being answered; a caller who waits for news of a minute is not waited for.
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=0.1)
        # A closed connection is let go in the loop's next round.
        await asyncio.sleep(0)


@asynccontextmanager
async def serving(app: Asgi, *, port: int = 0) -> AsyncGenerator[str]:
    """The address an app answers on: `http://127.0.0.1:PORT`. `port` 0 takes a free one.

    In the app `scope["savdo.cut"]()` breaks the connection without an answer.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(_cutting(app), log_config=None, access_log=False, lifespan="off", ws="none", proxy_headers=False)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="emulator")
    try:
        while not server.started:
            await asyncio.sleep(0)
            if task.done():
                await task
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.ending.set()
        await task
        listener.close()


def _cutting(app: Asgi) -> Asgi:
    async def served(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        # uvicorn hands over a bound method of the request's own object, which knows its connection.
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        scope[CUT] = transport.abort if transport is not None else (lambda: None)
        await app(scope, receive, send)

    return served
