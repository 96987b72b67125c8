"""While an answer is written, the customer sees that it is."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import structlog

from savdo.base.db import first, step
from savdo.channels import connections
from savdo.channels.abilities import Types
from savdo.channels.models import channel
from savdo.reply.models import Turn

# An answer without a model comes sooner than that and costs nothing more.
AFTER_S = 0.3
# Telegram forgets it after 5 seconds, the others later.
EVERY_S = 4.0
# Of the tasks that show it.
NAME = "typing"

log = structlog.get_logger()


@contextmanager
def shown(turn: Turn, *, after: float = AFTER_S, every: float = EVERY_S) -> Generator[None]:
    """Shows "typing" beside what is done within, `after` so many seconds and again and again, where the channel can. Nothing
    waits for it, and its failure is nobody's."""
    adapter = channel(turn.channel)
    if not isinstance(adapter, Types):
        yield
        return
    task = asyncio.create_task(_show(adapter, turn, after, every), name=NAME)
    try:
        yield
    finally:
        task.cancel()


async def _show(adapter: Types, turn: Turn, after: float, every: float) -> None:
    await asyncio.sleep(after)
    try:
        async with step(turn.tenant_id) as session:
            row = await first(session, "SELECT connection_id, external_id FROM conversations WHERE id = %s", (turn.conversation_id,))
            assert row is not None
            connection = await connections.by_id(session, row["connection_id"])
        while connection.status == "active":
            await adapter.typing(connection, row["external_id"])
            await asyncio.sleep(every)
    except Exception as error:  # noqa: BLE001 # the answer comes all the same
        log.info("not shown as typing", channel=turn.channel, error=type(error).__name__)
