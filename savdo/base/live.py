"""What is happening now, told to every web process over LISTEN/NOTIFY.

`publish` rides in the transaction that wrote the row, so nothing is told that did not happen. A notice only says
where to look: the listener reads the rows through its own door. After a lost connection every subscriber gets
`MISSED`, and reads again from what it saw last.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from uuid import UUID

import psycopg

from savdo.base.db import LINE, Session, pool

CHANNEL = "savdo_live"


@dataclass(frozen=True, slots=True)
class Notice:
    """`kind` is one of message, status, conversation, typing, document, run, connection, missed.

    `extra` is small and holds no personal data.
    """

    tenant_id: str
    conversation_id: str
    kind: str
    extra: str = ""


MISSED = Notice("", "", "missed")

_subscribers: dict[str, set[asyncio.Queue[Notice]]] = {}


async def publish(session: Session, tenant_id: UUID, conversation_id: UUID | None, kind: str, extra: str = "") -> None:
    notice = Notice(str(tenant_id), str(conversation_id or ""), kind, extra)
    await session.execute("SELECT pg_notify(%s, %s)", (CHANNEL, json.dumps(list(asdict(notice).values()))))


@asynccontextmanager
async def subscribe(tenant_id: UUID) -> AsyncGenerator[asyncio.Queue[Notice]]:
    """A queue of this tenant's notices; at most 256 wait, then the oldest give way to one `MISSED`."""
    queue: asyncio.Queue[Notice] = asyncio.Queue(256)
    key = str(tenant_id)
    _subscribers.setdefault(key, set()).add(queue)
    try:
        yield queue
    finally:
        _subscribers[key].discard(queue)
        if not _subscribers[key]:
            del _subscribers[key]


async def listen() -> None:
    """Hands out notices until cancelled; connects again by itself."""
    while True:
        with contextlib.suppress(psycopg.Error, OSError):
            async with await psycopg.AsyncConnection.connect(str(pool().conninfo), **LINE, autocommit=True) as connection:
                await connection.execute("LISTEN savdo_live")
                _tell_everyone(MISSED)
                async for notification in connection.notifies():
                    notice = Notice(*json.loads(notification.payload))
                    for queue in _subscribers.get(notice.tenant_id, ()):
                        _put(queue, notice)
        await asyncio.sleep(0.5)


def _tell_everyone(notice: Notice) -> None:
    for queues in _subscribers.values():
        for queue in queues:
            _put(queue, notice)


def _put(queue: asyncio.Queue[Notice], notice: Notice) -> None:
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        notice = MISSED
    queue.put_nowait(notice)
