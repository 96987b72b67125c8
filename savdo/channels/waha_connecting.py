"""Connecting a number by a company's own WAHA server: the server is checked, the session made, the code shown until the phone
has scanned it; and letting it go. Nothing is kept before the server has accepted the key."""

import contextlib
import secrets as random
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

from psycopg.errors import UniqueViolation

from savdo import audit
from savdo.base.db import new_id, step
from savdo.base.errors import Conflict, Invalid, NotFound, SavdoError
from savdo.base.settings import settings
from savdo.channels import connections, waha_api
from savdo.channels.models import Connection
from savdo.channels.waha import Waha

KIND = Waha.kind


class NoPublicAddress(Invalid):
    """WAHA delivers to this server's public address, and none is set (SAVDO_PUBLIC_URL)."""

    code = "no_public_address"


class WrongServer(Invalid):
    """This is not the address of a WAHA server; it looks like https://waha.example.com."""

    code = "wrong_server"


class NumberTaken(Conflict):
    """This number is connected already, here or by another company; disconnect it there first."""

    code = "number_taken"


async def connect(tenant_id: UUID, actor: str, server: str, session: str, api_key: str) -> Connection:
    """A connection that waits for its phone: see `code`. Raises NoPublicAddress, WrongServer, and what the server refuses with."""
    if not settings().public_url:
        raise NoPublicAddress
    place = urlsplit(server.strip())
    if place.scheme not in ("http", "https") or not place.hostname or place.query or place.username:
        raise WrongServer(field="server")
    credentials = {"api_key": api_key.strip(), "secret": random.token_urlsafe(32)}
    chosen = {"api_base": server.strip().rstrip("/"), "session": session.strip() or "default"}
    with contextlib.suppress(waha_api.NoSession):
        await waha_api.state(Connection(tenant_id, new_id(), KIND, "WhatsApp", "", credentials, chosen, "reconnect"))
    async with step(tenant_id) as opened:
        made = await connections.create(opened, tenant_id, KIND, "WhatsApp", credentials=credentials, settings=chosen, status="reconnect")
        await audit.note(opened, tenant_id, actor, "connection.added", str(made.id), {"channel": KIND})
    try:
        await Waha().subscribe(made, f"{settings().public_url.rstrip('/')}/hooks/{KIND}/{made.key}")
    except SavdoError:
        async with step(tenant_id) as opened:
            await connections.forget(opened, made.id)
        raise
    return made


async def code(tenant_id: UUID, connection_id: UUID) -> waha_api.Code:
    """What the page shows, asked for every 5 seconds: the code to scan, or that the number works, which then is noted.
    Raises NotFound, NumberTaken, and what the server refuses with."""
    connection = await _known(tenant_id, connection_id)
    found = await waha_api.code(connection)
    if found.status == "WORKING" and connection.status != "active":
        await _works(connection)
    return found


async def disconnect(tenant_id: UUID, actor: str, connection_id: UUID) -> None:
    """Has the server deliver no more and the phone forget it; what was said stays. Also when the server is gone."""
    connection = await _known(tenant_id, connection_id)
    with contextlib.suppress(SavdoError):
        await Waha().subscribe(connection, "")
        await waha_api.log_out(connection)
    async with step(tenant_id) as opened:
        await connections.forget(opened, connection_id)
        await audit.note(opened, tenant_id, actor, "connection.off", str(connection_id), {"channel": KIND})


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


async def _known(tenant_id: UUID, connection_id: UUID) -> Connection:
    async with step(tenant_id) as opened:
        connection = await connections.by_id(opened, connection_id)
    if connection.channel != KIND or connection.status == "off":
        raise NotFound
    return connection
