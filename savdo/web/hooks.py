"""Everything another company POSTs to us: find the connection, verify the raw bytes, parse, store, then 200."""

import asyncio
import hmac
from collections.abc import Sequence
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from savdo.base import telemetry
from savdo.base.errors import Forbidden, TooLarge, Unavailable
from savdo.base.settings import settings
from savdo.channels import connections, meta_webhooks
from savdo.channels.models import KINDS, channel
from savdo.reply import turn

# No less than any event of the channels we know; files come by reference.
LARGEST_BODY = 3_500_000

# How the description of the interface has what is read raw here, because it is signed.
DELIVERY: Final = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}
CHALLENGE: Final = {
    "parameters": [
        {"name": name, "in": "query", "required": True, "schema": {"type": "string"}}
        for name in ("hub.mode", "hub.verify_token", "hub.challenge")
    ]
}

router = APIRouter()
log = structlog.get_logger()
_acknowledgements: set[asyncio.Task[None]] = set()


@router.post("/hooks/{kind}/{key}", openapi_extra=DELIVERY)
async def receive(kind: str, key: str, request: Request) -> Response:
    """Answers 200 only for what is stored: the other company repeats anything else."""
    adapter = channel(kind)
    body = await _read(request)
    connection = await connections.by_key(key, kind)
    adapter.verify(connection, request.headers, body)
    inbounds = adapter.parse(connection, body)
    await _take(connection, inbounds)
    return Response(status_code=200)


@router.get("/hooks/meta", openapi_extra=CHALLENGE)
async def challenge(request: Request) -> Response:
    """Meta's first call: the challenge comes back as it was, when the token is ours."""
    asked = request.query_params
    token = settings().meta_verify_token.get_secret_value()
    known = bool(token) and hmac.compare_digest(asked.get("hub.verify_token", "").encode(), token.encode())
    if asked.get("hub.mode") != "subscribe" or not known or "hub.challenge" not in asked:
        raise Forbidden("The mode, the verify token or the challenge is not right.")
    return PlainTextResponse(asked["hub.challenge"])


@router.post("/hooks/meta", openapi_extra=DELIVERY)
async def receive_meta(request: Request) -> Response:
    """One body holds events of many companies' numbers, pages and accounts; those of nobody here are counted."""
    body = await _read(request)
    meta_webhooks.verify(request.headers, body)
    failed = False
    for (kind, account, business), piece in meta_webhooks.routed(body).items():
        found = await connections.of_accounts(kind, [account] if account else [], [business] if business else []) if kind in KINDS else []
        if not found:
            telemetry.unclaimed_event(kind)
        for connection in found:
            failed = not await _took(connection, piece) or failed
    # What could be stored is; the rest comes again with everything, and what is known already is a repeat.
    return Response(status_code=500 if failed else 200)


async def _took(connection: connections.Connection, piece: bytes) -> bool:
    """Whether everything of it is stored."""
    threads: dict[str, list[turn.Inbound]] = {}
    for inbound in channel(connection.channel).parse(connection, piece):
        threads.setdefault(inbound.thread_id, []).append(inbound)
    whole = True
    for inbounds in threads.values():
        try:
            # Each conversation in a transaction of its own: two bodies about the same ones would block each other.
            await _take(connection, inbounds)
        except Unavailable:
            raise
        except Exception:
            # Our own fault; the other conversations' events are not held up by it.
            log.exception("event not taken", channel=connection.channel, connection_id=str(connection.id))
            whole = False
    return whole


async def _take(connection: connections.Connection, inbounds: Sequence[turn.Inbound]) -> None:
    marks = channel(connection.channel).limits.read_marks and connection.status == "active"
    for inbound, taken in zip(inbounds, await turn.take(connection, inbounds), strict=True):
        if inbound.quick_reply or (marks and inbound.event == "message" and not taken.silent and not taken.repeat):
            task = asyncio.create_task(_acknowledge(connection, inbound))
            _acknowledgements.add(task)
            task.add_done_callback(_acknowledgements.discard)


async def _read(request: Request) -> bytes:
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
