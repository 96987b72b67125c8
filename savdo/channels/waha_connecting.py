"""Connecting a number by a company's own WAHA server: the server is checked, the session made, the code shown until the phone
has scanned it; and letting it go. Nothing is kept before the server has accepted the key."""

import contextlib
import json
import secrets as random
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from savdo import audit
from savdo.base import secrets
from savdo.base.db import Session, first, new_id, step
from savdo.base.errors import Conflict, Invalid, NotFound, SavdoError
from savdo.base.settings import settings
from savdo.channels import connections, waha_api
from savdo.channels.models import Connection
from savdo.channels.waha import RISK, Waha

KIND = Waha.kind
# Which text says to its owner what stands in a connection's `problem` or among the warnings of a check.
TEXTS: Mapping[str, str] = {
    "": "waha.problem_not_working",
    waha_api.NotWorking().message: "waha.problem_not_working",
    waha_api.STANDS: "waha.problem_stands",
    waha_api.AWAY: "channels.at_waha_unreachable",
    waha_api.NoSession().message: "waha.problem_no_session",
    waha_api.WRONG_KEY: "waha.problem_key",
    RISK: "waha.risk_terms",
}


class NoPublicAddress(Invalid):
    """WAHA delivers to this server's public address, and none is set (SAVDO_PUBLIC_URL)."""

    code = "no_public_address"


class WrongServer(Invalid):
    """This is not the address of a WAHA server; it looks like https://waha.example.com."""

    code = "wrong_server"


class WrongNumber(Invalid):
    """This is not a phone number; write it with the country code."""

    code = "wrong_number"


class NumberTaken(Conflict):
    """This number is connected already, here or by another company; disconnect it there first."""

    code = "number_taken"


async def connect(tenant_id: UUID, actor: str, server: str, session: str, api_key: str, again: UUID | None = None) -> Connection:
    """A connection that waits for its phone: see `code`. The one of the same server and session, or `again`, goes on where it
    stopped. Raises NoPublicAddress, WrongServer, NotFound, NumberTaken, and what the server refuses with; then nothing was changed."""
    if not settings().public_url:
        raise NoPublicAddress
    chosen = {"api_base": _address(server), "session": session.strip() or "default"}
    known = await look(tenant_id, again) if again else await _same(tenant_id, chosen)
    before = known or Connection(tenant_id, new_id(), KIND, "WhatsApp", "", {}, {}, "off")
    # The secret stays while there is one: deliveries on their way are signed with it.
    credentials = {"secret": random.token_urlsafe(32), **before.credentials, "api_key": api_key.strip()}
    tried = replace(before, credentials=credentials, settings={**before.settings, **chosen}, status="reconnect")
    with contextlib.suppress(waha_api.NoSession):
        await waha_api.state(tried)
    made = await _kept(tried, known)
    try:
        await deliver(made)
    except SavdoError:
        await _taken_back(made, known)
        raise
    async with step(tenant_id) as opened:
        await audit.note(opened, tenant_id, actor, f"connection.{'reconnected' if known else 'added'}", str(made.id), {"channel": KIND})
    return made


async def deliver(connection: Connection) -> None:
    """Has the server deliver what happens here. Raises what it refuses with."""
    await Waha().subscribe(connection, f"{settings().public_url.rstrip('/')}/hooks/{KIND}/{connection.key}")


async def code(tenant_id: UUID, connection_id: UUID) -> waha_api.Code:
    """What the page shows, asked for every 5 seconds: the code to scan, or that the number works, which then is noted.
    Raises NotFound, NumberTaken, and what the server refuses with."""
    connection = await look(tenant_id, connection_id)
    found = await waha_api.code(connection)
    if found.status == "WORKING" and connection.status != "active":
        await _works(connection)
    return found


async def pairing_code(tenant_id: UUID, connection_id: UUID, phone: str) -> str:
    """What is typed into the phone of this number instead of scanning. Raises WrongNumber, NotFound, and what the server refuses with."""
    digits = "".join(one for one in phone if one.isdecimal())
    if not 8 <= len(digits) <= 15:
        raise WrongNumber(field="phone")
    return await waha_api.pairing_code(await look(tenant_id, connection_id), digits)


async def disconnect(tenant_id: UUID, actor: str, connection_id: UUID) -> None:
    """Has the server deliver no more and the phone forget it; what was said stays. Also when the server is gone."""
    connection = await look(tenant_id, connection_id)
    with contextlib.suppress(SavdoError):
        await Waha().subscribe(connection, "")
        await waha_api.log_out(connection)
    async with step(tenant_id) as opened:
        await connections.forget(opened, connection_id)
        await audit.note(opened, tenant_id, actor, "connection.off", str(connection_id), {"channel": KIND})


async def look(tenant_id: UUID, connection_id: UUID) -> Connection:
    """A connection of this kind that was not let go. Raises NotFound."""
    async with step(tenant_id) as opened:
        connection = await connections.by_id(opened, connection_id)
    if connection.channel != KIND or connection.status == "off":
        raise NotFound
    return connection


def _address(server: str) -> str:
    place = urlsplit(server.strip())
    if place.scheme not in ("http", "https") or not place.hostname or place.query or place.username:
        raise WrongServer(field="server")
    return server.strip().rstrip("/")


async def _same(tenant_id: UUID, chosen: Mapping[str, str]) -> Connection | None:
    # Also one that was let go: its conversations are with the same number.
    async with step(tenant_id) as opened:
        row = await first(
            opened,
            """SELECT id FROM connections WHERE channel = %s AND settings->>'api_base' = %s AND settings->>'session' = %s
                ORDER BY (status = 'off'), id DESC LIMIT 1""",
            (KIND, chosen["api_base"], chosen["session"]),
        )
        return await connections.by_id(opened, row["id"]) if row else None


async def _kept(tried: Connection, known: Connection | None) -> Connection:
    try:
        async with step(tried.tenant_id) as opened:
            if known is not None:
                await _write(opened, tried)
                return tried
            return await connections.create(
                opened, tried.tenant_id, KIND, tried.name, credentials=tried.credentials, settings=tried.settings, status=tried.status
            )
    except UniqueViolation:
        raise NumberTaken from None


async def _taken_back(made: Connection, known: Connection | None) -> None:
    async with step(made.tenant_id) as opened:
        if known is not None:
            await _write(opened, known)
        else:
            await opened.execute("DELETE FROM connections WHERE id = %s", (made.id,))


async def _write(opened: Session, connection: Connection) -> None:
    sealed = secrets.seal(json.dumps(dict(connection.credentials)).encode())
    await opened.execute(
        "UPDATE connections SET credentials = %s, settings = %s, status = %s, problem = NULL WHERE id = %s",
        (sealed, Jsonb(dict(connection.settings)), connection.status, connection.id),
    )


async def _works(connection: Connection) -> None:
    session = await waha_api.state(connection)
    number = session.me.id.partition("@")[0].partition(":")[0] if session.me else ""
    checked = await Waha().check(replace(connection, account=number))
    try:
        async with step(connection.tenant_id) as opened:
            await opened.execute(
                "UPDATE connections SET status = 'active', problem = NULL, name = %s, account = %s WHERE id = %s AND status <> 'off'",
                (checked.name, number or None, connection.id),
            )
    except UniqueViolation:
        raise NumberTaken from None
