"""What tests of the web chat share: a server of it, and somebody who answers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from psycopg.types.json import Jsonb

from savdo.base import db, live
from savdo.channels.models import Connection
from savdo.web import widget
from tests.emulators.serving import serving


@asynccontextmanager
async def chat_server() -> AsyncGenerator[str]:
    """The address of the web chat, with live events."""
    app = FastAPI()
    app.include_router(widget.router)
    listening = asyncio.create_task(live.listen())
    async with serving(app) as address:
        yield address
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


async def said_to(site: Connection, text: str, visitor_id: str = "%", author: str = "bot", **payload: Any) -> int:
    """A message to a visitor (or to the only one), as an answer or a member writes it; returns its number."""
    async with db.step(site.tenant_id) as session:
        row = await db.first(
            session,
            """WITH c AS (UPDATE conversations SET revision = revision + 1, answered_number = inbound_number
                           WHERE connection_id = %s AND external_id LIKE %s RETURNING *)
               INSERT INTO messages
                      (tenant_id, id, conversation_id, connection_id, number, revision, direction, author, text, payload, status)
               SELECT tenant_id, %s, id, connection_id, revision, revision, 'out', %s, %s, %s, 'sent' FROM c
               RETURNING number, conversation_id""",
            (site.id, visitor_id, uuid4(), author, text, Jsonb(payload)),
        )
        assert row is not None
        await live.publish(session, site.tenant_id, row["conversation_id"], "message", str(row["number"]))
    return row["number"]
