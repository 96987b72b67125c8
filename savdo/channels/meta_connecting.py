"""Connecting a company's number, page or account at Meta, giving it a new token, and letting it go.

An account belongs to one connection of the whole installation: events name it, and nothing else. Nothing is kept before
Meta has accepted the token, its permissions and the delivery of its events.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from savdo import audit
from savdo.base.db import Session, first, new_id, step
from savdo.base.errors import Conflict, NotFound, SavdoError
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.meta_webhooks import NoMetaApp
from savdo.channels.models import Checked, Connection, channel

# Our own address, which stands in the app's settings: Meta asks for none with each account.
HOOK = "/hooks/meta"
# Their events come by one page's subscription.
PAGE_KINDS = ("messenger", "instagram")
REVOKED = "Whoever connected this has taken the permission back at Meta; connect it again."


class AccountHere(Conflict):
    """This account is already connected here."""

    code = "account_here"


class AccountTaken(Conflict):
    """This account is connected to another company here; disconnect it there first."""

    code = "account_taken"


async def connect(
    tenant_id: UUID, by: str, kind: str, account: str, credentials: Mapping[str, str], chosen: Mapping[str, Any] | None = None
) -> tuple[Connection, Checked]:
    """Connects an account (a number's, a page's id) with its token, and has its events delivered; one that was connected
    before goes on where it stopped. `chosen` are its settings, `business_id` among them where the channel has one.

    Raises NoMetaApp, AccountHere, AccountTaken, and what Meta's refusals mean; then nothing was changed.
    """
    if not settings().meta_app_secret.get_secret_value():
        raise NoMetaApp
    async with step(tenant_id) as session:
        known = await _known(session, kind, account)
    if known is not None and known.status == "active":
        raise AccountHere
    tried = replace(
        known or Connection(tenant_id, new_id(), kind, "", "", {}, {}, "active"),
        credentials=credentials, settings={**(known.settings if known else {}), **(chosen or {})}, account=account,
    )  # fmt: skip
    checked = await channel(kind).check(tried)
    # Ours before Meta is told of it, so that no other company's deliveries are taken away.
    made = await _claimed(tenant_id, tried, checked.name, known)
    try:
        await deliver(replace(tried, id=made.id, key=made.key))
    except SavdoError:
        await _released(tenant_id, made, known)
        raise
    async with step(tenant_id) as session:
        await connections.save_credentials(session, made.id, credentials)
        await connections.save_settings(session, made.id, tried.settings)
        await session.execute("UPDATE connections SET name = %s WHERE id = %s", (checked.name or account, made.id))
        action = "connection.reconnected" if known else "connection.added"
        await audit.note(session, tenant_id, by, action, str(made.id), {"channel": kind})
        return await connections.by_id(session, made.id), checked


async def renew(tenant_id: UUID, by: str, connection_id: UUID, credentials: Mapping[str, str]) -> Checked:
    """A new token for the same account. Raises NotFound, and what Meta's refusals mean."""
    async with step(tenant_id) as session:
        connection = await own(session, connection_id)
    tried = replace(connection, credentials=credentials)
    checked = await channel(connection.channel).check(tried)
    await deliver(tried)
    async with step(tenant_id) as session:
        await connections.save_credentials(session, connection_id, credentials)
        await audit.note(session, tenant_id, by, "connection.reconnected", str(connection_id), {"channel": connection.channel})
    return checked


async def disconnect(tenant_id: UUID, by: str, connection_id: UUID) -> None:
    """Ends the deliveries and forgets the token; what was said is kept. Raises NotFound."""
    async with step(tenant_id) as session:
        connection = await own(session, connection_id)
        if connection.status == "off":
            return
        await connections.forget(session, connection_id)
        await audit.note(session, tenant_id, by, "connection.off", str(connection_id), {"channel": connection.channel})
    business = str(connection.settings.get("business_id") or "")
    # Deliveries are a business', or a page's: while another of its numbers, or its other channel, is connected they go on.
    kinds = PAGE_KINDS if connection.channel in PAGE_KINDS else (connection.channel,)
    for kind in kinds if business else ():
        if await connections.of_accounts(kind, (), [business]):
            return
    # Switched off here is what counts: whatever Meta still delivers finds no connection.
    with contextlib.suppress(SavdoError):
        await channel(connection.channel).subscribe(connection, "")


async def revoke(user_id: str) -> None:
    """Whoever connected something at Meta has taken that back, there: their token and their id are forgotten, and the
    company is asked to connect it again."""
    for connection in await connections.of_owner(user_id):
        async with step(connection.tenant_id) as session:
            await connections.lose(session, connection.id, REVOKED)
            await connections.change_settings(session, connection.id, {"connected_by": ""})
            await audit.note(
                session, connection.tenant_id, "system", "connection.revoked", str(connection.id), {"channel": connection.channel}
            )


async def deliver(connection: Connection) -> None:
    """Has Meta deliver the events of a connection here. Raises what its refusals mean."""
    await channel(connection.channel).subscribe(connection, _hook())


async def own(session: Session, connection_id: UUID) -> Connection:
    """A connection of the session's tenant. Raises NotFound."""
    try:
        return await connections.by_id(session, connection_id)
    except connections.UnknownKey:
        raise NotFound from None


async def _known(session: Session, kind: str, account: str) -> Connection | None:
    row = await first(
        session,
        "SELECT id FROM connections WHERE channel = %s AND account = %s ORDER BY (status = 'off'), id DESC LIMIT 1",
        (kind, account),
    )
    return await connections.by_id(session, row["id"]) if row else None


async def _claimed(tenant_id: UUID, tried: Connection, name: str, known: Connection | None) -> Connection:
    try:
        async with step(tenant_id) as session:
            if known is None:
                return await connections.create(
                    session, tenant_id, tried.channel, name or tried.account, settings=tried.settings, account=tried.account,
                    status="reconnect",
                )  # fmt: skip
            await session.execute("UPDATE connections SET status = 'reconnect' WHERE id = %s AND status = 'off'", (known.id,))
            return known
    except UniqueViolation:
        async with step(tenant_id) as session:
            mine = await _known(session, tried.channel, tried.account)
        raise (AccountHere if mine and mine.status != "off" else AccountTaken) from None


async def _released(tenant_id: UUID, made: Connection, known: Connection | None) -> None:
    async with step(tenant_id) as session:
        if known is not None:
            await session.execute("UPDATE connections SET status = %s WHERE id = %s AND status = 'reconnect'", (known.status, made.id))
        else:
            await session.execute("DELETE FROM connections WHERE id = %s", (made.id,))


def _hook() -> str:
    return (settings().public_url.rstrip("/") or "https://localhost") + HOOK
