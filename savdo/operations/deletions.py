"""What Meta asks in the name of a person: to forget them, and to let go of what they had connected.

The person is named by an id for this installation's app: of whoever connected a page or an account, and of a customer where
a channel knows them by it. Source: the fact sheet on Meta's login and webhooks, section 8.
"""

import hmac
from datetime import datetime
from uuid import UUID

from savdo.base import secrets
from savdo.base.db import first, platform_step, rows
from savdo.base.errors import NotFound
from savdo.base.jobs import job
from savdo.channels import meta_connecting
from savdo.conversations import erasure

KINDS = ("messenger", "instagram")


async def ask(user_id: str) -> str:
    """Has a person forgotten, whoever knows them; the code by which the progress is asked for, the same each time."""
    code = hmac.digest(secrets.derived_key("deletions"), user_id.encode(), "sha256").hex()[:24]
    async with platform_step("a person asks to be forgotten") as session:
        begun = await first(
            session,
            """INSERT INTO deletions AS d (code) VALUES (%s) ON CONFLICT (code)
               DO UPDATE SET asked_at = now(), done_at = NULL WHERE d.done_at IS NOT NULL RETURNING 1 AS new""",
            (code,),
        )
        if begun is not None:
            await carry_out.later(session, code=code, user_id=user_id)
    return code


async def done_at(code: str) -> datetime | None:
    """When a person was forgotten, None while that is under way. Raises NotFound."""
    async with platform_step("how a deletion is going") as session:
        found = await first(session, "SELECT done_at FROM deletions WHERE code = %s", (code,))
    if found is None:
        raise NotFound
    return found["done_at"]


@job(attempts=8)
async def carry_out(code: str, user_id: str) -> None:
    """Erases the contacts with this id in every company, and the logins made by this person."""
    await meta_connecting.revoke(user_id)
    async with platform_step("whom a person is known to") as session:
        known = await rows(
            session,
            """SELECT DISTINCT i.tenant_id, i.contact_id FROM identities i
                 JOIN connections n ON n.tenant_id = i.tenant_id AND n.id = i.connection_id
                WHERE i.external_id = %s AND n.channel = ANY(%s)""",
            (user_id, list(KINDS)),
        )
    for row in known:
        await _erased(row["tenant_id"], row["contact_id"])
    async with platform_step("a person was forgotten") as session:
        await session.execute("UPDATE deletions SET done_at = now() WHERE code = %s", (code,))


async def _erased(tenant_id: UUID, contact_id: UUID) -> None:
    try:
        await erasure.erase(tenant_id, contact_id, "system")
    except NotFound:
        # Erased together with the contact it was merged with.
        return
