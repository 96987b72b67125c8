"""Looking up, making and marking connections. A key carries its tenant, so that no lookup crosses tenants."""

import base64
import json
import re
import secrets as random
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from psycopg import AsyncCursor
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo.base import secrets
from savdo.base.db import Session, first, new_id, platform_step, rows, step
from savdo.base.errors import NotFound
from savdo.channels import alerts
from savdo.channels.models import Connection

KEY = re.compile(r"[a-z]{2}_[A-Za-z0-9_-]{40}", re.ASCII)


class UnknownKey(NotFound):
    """There is no connection with this key."""

    code = "unknown_key"


def new_key(prefix: str, tenant_id: UUID) -> str:
    """A public, unguessable name of a connection, e.g. pk_…: 43 characters of A-Z a-z 0-9 _ -."""
    return prefix + base64.urlsafe_b64encode(tenant_id.bytes + random.token_bytes(14)).decode()


def tenant_of(key: str) -> UUID:
    """The tenant a key belongs to. Raises UnknownKey for anything that is no key."""
    # Looked at as a whole: decoding alone passes over whatever is no letter of it.
    if not KEY.fullmatch(key):
        raise UnknownKey
    return UUID(bytes=base64.urlsafe_b64decode(key[3:])[:16])


async def by_key(key: str, channel: str) -> Connection:
    """The connection behind a public key. Raises UnknownKey, also for one that was switched off."""
    async with step(tenant_of(key)) as session:
        row = await first(
            session,
            """SELECT tenant_id, id, channel, name, key, credentials, settings, status, account
                 FROM connections WHERE key = %s AND channel = %s AND status <> 'off'""",
            (key, channel),
        )
    if row is None:
        raise UnknownKey
    return _opened(row)


async def of_accounts(channel: str, accounts: Collection[str], businesses: Collection[str] = ()) -> list[Connection]:
    """The connections a delivery is for, of whichever company: by the account it names (a number, a page), or by the
    business (`settings.business_id`) where an event names only that. Those that were switched off are left out."""
    async with platform_step("whom a delivery of many is for") as session:
        found = await rows(
            session,
            """SELECT tenant_id, id, channel, name, key, credentials, settings, status, account FROM connections
                WHERE channel = %s AND status <> 'off' AND (account = ANY(%s) OR settings->>'business_id' = ANY(%s))""",
            (channel, list(accounts), list(businesses)),
        )
    return [_opened(row) for row in found]


async def of_owner(user_id: str) -> list[Connection]:
    """What a person connected by logging in at Meta (`settings.connected_by`, their id for this installation's app), in
    whichever company."""
    async with platform_step("what a person has connected") as session:
        found = await rows(
            session,
            """SELECT tenant_id, id, channel, name, key, credentials, settings, status, account FROM connections
                WHERE status <> 'off' AND settings->>'connected_by' = %s""",
            (user_id,),
        )
    return [_opened(row) for row in found]


async def by_id(session: Session, connection_id: UUID) -> Connection:
    return await answered(await asked(session, connection_id))


async def asked(session: Session, connection_id: UUID) -> AsyncCursor[DictRow]:
    """The first half of `by_id`, for a pipeline: the result comes with the others'."""
    return await session.execute(
        "SELECT tenant_id, id, channel, name, key, credentials, settings, status, account FROM connections WHERE id = %s", (connection_id,)
    )


async def answered(asked: AsyncCursor[DictRow]) -> Connection:
    row = await asked.fetchone()
    if row is None:
        raise UnknownKey
    return _opened(row)


async def create(
    session: Session,
    tenant_id: UUID,
    channel: str,
    name: str,
    *,
    credentials: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    account: str | None = None,
    status: str = "active",
) -> Connection:
    """A new connection with its key (pk_… for the web chat, hk_… for hooks).

    `account` is whose it is at the other company (a bot's id); the database refuses a second one that is not off.
    """
    connection_id = new_id()
    key = new_key("pk_" if channel == "web_chat" else "hk_", tenant_id)
    await session.execute(
        """INSERT INTO connections (tenant_id, id, channel, name, key, credentials, settings, account, status)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            tenant_id, connection_id, channel, name, key,
            secrets.seal(json.dumps(dict(credentials or {})).encode()), Jsonb(dict(settings or {})),
            account, status,
        ),
    )  # fmt: skip
    return await by_id(session, connection_id)


async def forget(session: Session, connection_id: UUID) -> None:
    """Switches a connection off and forgets its credentials; what was said stays."""
    await session.execute(
        "UPDATE connections SET status = 'off', problem = NULL, alerts = '{}', credentials = %s WHERE id = %s",
        (secrets.seal(b"{}"), connection_id),
    )


async def lose(session: Session, connection_id: UUID, problem: str) -> None:
    """The other company has ended what a connection lived by: its credentials are good for nothing, and its owner is asked
    for new ones."""
    await mark(session, connection_id, "reconnect", problem)
    await session.execute(
        "UPDATE connections SET credentials = %s WHERE id = %s AND status = 'reconnect'", (secrets.seal(b"{}"), connection_id)
    )


async def save_credentials(session: Session, connection_id: UUID, credentials: Mapping[str, str]) -> None:
    """New credentials, working ones: whatever was wrong with the connection is over."""
    await session.execute(
        "UPDATE connections SET status = 'active', problem = NULL, credentials = %s WHERE id = %s",
        (secrets.seal(json.dumps(dict(credentials)).encode()), connection_id),
    )
    await alerts.over(session, connection_id, alerts.RENEWED)


async def save_settings(session: Session, connection_id: UUID, settings: Mapping[str, Any]) -> None:
    await session.execute("UPDATE connections SET settings = %s WHERE id = %s", (Jsonb(dict(settings)), connection_id))


async def change_settings(session: Session, connection_id: UUID, changed: Mapping[str, Any]) -> None:
    """Some of a connection's settings; the others stay as they are."""
    await session.execute("UPDATE connections SET settings = settings || %s WHERE id = %s", (Jsonb(dict(changed)), connection_id))


async def mark(session: Session, connection_id: UUID, status: str, problem: str | None = None) -> None:
    """Sets the state the owner sees: active, reconnect or off, with the reason in words."""
    await session.execute(
        # What the owner switched off is not lost: nothing that still fails there asks for a new connection. Every page tells.
        """UPDATE connections SET status = %s, problem = %s WHERE id = %s AND (status <> 'off' OR %s <> 'reconnect')
           RETURNING pg_notify('savdo_live', json_build_array(tenant_id, '', 'connection', '')::text)""",
        (status, problem, connection_id, status),
    )


def _opened(row: DictRow) -> Connection:
    credentials = json.loads(secrets.open_sealed(row["credentials"]))
    return Connection(
        row["tenant_id"], row["id"], row["channel"], row["name"], row["key"], credentials, row["settings"], row["status"],
        row["account"] or "",
    )  # fmt: skip
