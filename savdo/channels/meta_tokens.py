"""Watching the tokens of what is connected at Meta: those that end are renewed in time, and an owner hears of one that is lost.

A page's token has no end and dies of other reasons; an account's own on Instagram lives 60 days and can be renewed once it
is a day old. Source: the fact sheet on Meta's login and webhooks, sections 4 and 5.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from savdo import audit
from savdo.base import clock
from savdo.base.db import platform_step, rows, step
from savdo.base.jobs import job
from savdo.channels import alerts, connections, instagram_login, meta_graph
from savdo.channels.errors import Disconnected
from savdo.channels.models import Connection

KINDS = ("messenger", "instagram", "whatsapp_cloud")
# What is left of a token's life when it is renewed, and when its owner is told that this does not work.
RENEWED_BEFORE = timedelta(days=20)
TOLD_BEFORE = timedelta(days=7)
YOUNGEST = timedelta(hours=24)

log = structlog.get_logger()


async def watch_all() -> None:
    """Asks for a look at every connection at Meta; once a day is enough."""
    async with platform_step("the tokens of every connection at Meta") as session:
        found = await rows(session, "SELECT tenant_id, id FROM connections WHERE channel = ANY(%s) AND status = 'active'", (list(KINDS),))
    for row in found:
        async with step(row["tenant_id"]) as session:
            await watch.later(session, lock=f"token:{row['id']}", tenant_id=str(row["tenant_id"]), connection_id=str(row["id"]))


@job(attempts=5)
async def watch(tenant_id: str, connection_id: str) -> None:
    """Renews a token that ends soon, and tells the owner of one that ended or will. Raises what may pass by itself."""
    tenant = UUID(tenant_id)
    async with step(tenant) as session:
        connection = await connections.by_id(session, UUID(connection_id))
    if connection.status != "active":
        return
    try:
        ends_at = await _looked_after(connection)
    except Disconnected as error:
        async with step(tenant) as session:
            await connections.mark(session, connection.id, "reconnect", error.message)
        return
    left = ends_at - clock.now() if ends_at else None
    async with step(tenant) as session:
        if left is not None and left < TOLD_BEFORE:
            await alerts.tell(session, connection.id, alerts.ENDING, f"{ends_at:%Y-%m-%d}")
        else:
            await alerts.over(session, connection.id, [alerts.ENDING])


async def _looked_after(connection: Connection) -> datetime | None:
    """When the token ends, after it was renewed where that was due; None for never."""
    if connection.channel != "instagram" or connection.settings.get("page_id"):
        found = await meta_graph.permit(connection, "Facebook")
        if not found.is_valid:
            raise Disconnected
        return datetime.fromtimestamp(found.expires_at, UTC) if found.expires_at else None
    ends_at, given_at = (_moment(connection.settings, name) for name in ("token_expires_at", "token_given_at"))
    if ends_at is None or ends_at - clock.now() >= RENEWED_BEFORE or (given_at and clock.now() - given_at < YOUNGEST):
        return ends_at
    return await _renew(connection)


async def _renew(connection: Connection) -> datetime:
    before = connection.credentials.get("token", "")
    token = await instagram_login.renewed(before)
    now = clock.now()
    ends_at = now + timedelta(seconds=token.seconds)
    async with step(connection.tenant_id) as session:
        await session.execute("SELECT 1 FROM connections WHERE id = %s FOR UPDATE", (connection.id,))
        current = await connections.by_id(session, connection.id)
        if current.status == "off" or current.credentials.get("token") != before:
            # The owner was quicker.
            return _moment(current.settings, "token_expires_at") or ends_at
        await connections.save_credentials(session, current.id, {**current.credentials, "token": token.value})
        told = {"token_expires_at": ends_at.isoformat(), "token_given_at": now.isoformat()}
        await connections.save_settings(session, current.id, {**current.settings, **told})
        await audit.note(session, connection.tenant_id, "system", "connection.token_renewed", str(current.id), {"channel": current.channel})
    log.info("token renewed", channel=connection.channel, connection_id=str(connection.id))
    return ends_at


def _moment(told: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return datetime.fromisoformat(str(told.get(name) or ""))
    except ValueError:
        return None
