"""A company that can answer, a worker in this process, and a customer who writes."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, LiteralString
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import db, jobs
from savdo.channels import telegram_polling
from savdo.channels.models import Connection, Inbound, Sender
from savdo.channels.sandbox import Sandbox
from savdo.knowledge import ingest
from savdo.reply import turn

PRICES = "tovar,narx_som,birlik\nSencha choyi,84000,kg\nPuer choyi,132000,kg\nCheskiy choynak,275000,dona\n"
FAQ = """# Yetkazib berish

## Yetkazib berish qancha turadi?
Toshkent bo'ylab yetkazib berish 25 000 so'm, 300 000 so'mdan oshsa bepul.

## Доставка в регионы
В другие области отправляем почтой, 40 000 сум, 3 рабочих дня.
"""

Says = Callable[..., Awaitable[None]]


@pytest_asyncio.fixture
async def tea_house(connection: Connection, sandbox: Sandbox) -> Connection:
    """The sandbox connection of a company that has a price list and answers to questions."""
    await documents_read(connection.tenant_id)
    return connection


async def documents_read(tenant_id: UUID) -> None:
    """The company has a price list and answers to questions."""
    for name, text in (("prices.csv", PRICES), ("faq.md", FAQ)):
        document_id = await ingest.add(tenant_id, name, text.encode())
        await ingest.read(tenant_id=str(tenant_id), document_id=str(document_id))


@pytest.fixture
def says(connection: Connection) -> Says:
    """`await says("text", …, thread="42")`: the customer writes; each text its own message."""
    count = iter(range(1, 10_000))

    async def say(*texts: str, thread: str = "42") -> None:
        for text in texts:
            await turn.take(connection, [Inbound("message", f"{thread}:{next(count)}", thread, Sender(thread, name="Ann"), text=text)])

    return say


@asynccontextmanager
async def working(loops: int = 2) -> AsyncGenerator[None]:
    """A worker runs beside the test."""
    stop = asyncio.Event()
    task = asyncio.create_task(jobs.work(concurrency=100, loops=loops, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def polling() -> AsyncGenerator[asyncio.Task[None]]:
    """Bots that Telegram is asked for are read beside the test."""
    task = asyncio.create_task(telegram_polling.poll(turn.take, every=0.05))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def settled(tenant_id: UUID, seconds: float = 60) -> None:
    """Waits until everything is answered and sent."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        async with db.step(tenant_id) as session:
            row = await db.first(
                session,
                """SELECT (SELECT count(*) FROM conversations WHERE answered_number < inbound_number AND status IN ('bot', 'handover'))
                        + (SELECT count(*) FROM messages WHERE status IN ('queued', 'sending')) AS open""",
            )
        if row is not None and row["open"] == 0:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not everything was answered in time")


async def until(is_so: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await is_so():  # noqa: ASYNC110 # a test may look often
            await asyncio.sleep(0.03)


async def all_of(tenant_id: UUID, table: str) -> list[dict[str, Any]]:
    """The rows of a company with one conversation, messages in order."""
    queries: dict[str, LiteralString] = {
        "messages": "SELECT * FROM messages ORDER BY number", "contacts": "SELECT * FROM contacts",
        "conversations": "SELECT * FROM conversations", "connections": "SELECT * FROM connections",
    }  # fmt: skip
    async with db.step(tenant_id) as session:
        return await db.rows(session, queries[table])


async def thread(tenant_id: UUID) -> list[tuple[str, str, str]]:
    """(author, text, status) of every message of the company, in order."""
    async with db.step(tenant_id) as session:
        found = await db.rows(session, "SELECT author, text, status FROM messages ORDER BY conversation_id, number")
    return [(row["author"], row["text"], row["status"]) for row in found]
