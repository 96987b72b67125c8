"""Everything another company POSTs to us: find the connection, verify the raw bytes, parse, store, then 200."""

import asyncio

import structlog
from fastapi import APIRouter, Request, Response

from savdo.base.errors import TooLarge
from savdo.channels import connections
from savdo.channels.models import channel
from savdo.reply import turn

# Larger than any event of the channels we know; files come by reference.
LARGEST_BODY = 2_000_000

router = APIRouter()
log = structlog.get_logger()
_acknowledgements: set[asyncio.Task[None]] = set()


@router.post("/hooks/{kind}/{key}")
async def receive(kind: str, key: str, request: Request) -> Response:
    """Answers 200 only for what is stored: the other company repeats anything else."""
    adapter = channel(kind)
    body = await _read(request)
    connection = await connections.by_key(key, kind)
    adapter.verify(connection, request.headers, body)
    inbounds = adapter.parse(connection, body)
    await turn.take(connection, inbounds)
    for inbound in inbounds:
        if inbound.quick_reply:
            task = asyncio.create_task(_acknowledge(connection, inbound))
            _acknowledgements.add(task)
            task.add_done_callback(_acknowledgements.discard)
    return Response(status_code=200)


async def _read(request: Request) -> bytes:
    if int(request.headers.get("content-length") or 0) > LARGEST_BODY:
        raise TooLarge(f"The body may have {LARGEST_BODY:,} bytes at most.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise TooLarge(f"The body may have {LARGEST_BODY:,} bytes at most.")
    return bytes(body)


async def _acknowledge(connection: connections.Connection, inbound: turn.Inbound) -> None:
    try:
        await channel(connection.channel).acknowledge(connection, inbound)
    except Exception as error:  # noqa: BLE001 # the event is stored; a spinner that stays is the worst that happens
        log.info("not acknowledged", channel=connection.channel, error=type(error).__name__)
