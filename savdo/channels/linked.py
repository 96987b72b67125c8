"""The accounts that one connection answers for: kept among its settings, so that its adapter knows them.

`settings.accounts` is {owner: {link, first, name, enabled, may_reply, may_read, at}}. `first` is the link an account
came with at first, which its threads are called by; `link` the one it has now.
"""

from dataclasses import asdict
from typing import Any

from psycopg.types.json import Jsonb

from savdo.base.db import Session, first
from savdo.channels.models import Connection, Inbound

SWITCHED_OFF = "The owner of the account has switched this bot off in Telegram; it answers again once it is switched on there."
READ_ONLY = "The owner of the account allows this bot to read but not to reply; allow replies in Telegram."
NOT_LINKED = "No account uses this bot yet: its owner adds it in Telegram under Settings, Business, Chatbots."


async def changed(session: Session, connection: Connection, inbound: Inbound) -> None:
    """Notes what an owner allows now, and shows on the connection when the bot may not answer. An older notice changes nothing."""
    account, at = inbound.account, inbound.sent_at.timestamp() if inbound.sent_at else 0.0
    row = await first(session, "SELECT settings FROM connections WHERE id = %s FOR UPDATE", (connection.id,))
    if account is None or row is None:
        return
    accounts: dict[str, Any] = dict(row["settings"].get("accounts") or {})
    known = accounts.get(account.owner) or {}
    if at < known.get("at", 0):
        return
    accounts[account.owner] = {**asdict(account), "first": known.get("first") or account.link, "at": at}
    await session.execute(
        """UPDATE connections SET settings = settings || jsonb_build_object('accounts', %(accounts)s::jsonb),
                  problem = CASE WHEN %(problem)s::text IS NOT NULL THEN %(problem)s
                                 WHEN problem = ANY(%(ours)s) THEN NULL ELSE problem END
            WHERE id = %(id)s""",
        {
            "accounts": Jsonb(accounts), "problem": problem(accounts), "id": connection.id,
            "ours": [SWITCHED_OFF, READ_ONLY, NOT_LINKED],
        },
    )  # fmt: skip


def problem(accounts: dict[str, Any]) -> str | None:
    """Why nobody is answered, None while somebody is."""
    if not accounts:
        return NOT_LINKED
    enabled = [one for one in accounts.values() if one["enabled"]]
    if any(one["may_reply"] for one in enabled):
        return None
    return READ_ONLY if enabled else SWITCHED_OFF
