"""How deliveries from Telegram are going: what waits there, what went wrong last, and setting right what can be.

Only where Telegram delivers by itself; a bot whose messages we ask for says what is wrong when it is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from savdo.base import clock
from savdo.base.db import platform_step, rows, step
from savdo.base.jobs import job
from savdo.base.settings import settings
from savdo.channels import (
    connections,
    linked,
    telegram_api,
    telegram_bot,
    telegram_business,
    telegram_connecting,
    telegram_held,
    telegram_polling,
)
from savdo.channels.errors import Disconnected
from savdo.channels.models import Connection, channel

# More than this waits at Telegram only when deliveries fail or we are too slow.
LONG_QUEUE = 50
RECENT = timedelta(minutes=30)
NOT_DELIVERED = "Telegram cannot deliver this bot's messages to this server; they wait there for a day."
GONE_ELSEWHERE = "This bot's messages go to another program now; connect it here again to end that."

# Which text says to its owner what stands in a connection's `problem` or among the warnings of a check.
TEXTS: Mapping[str, str] = {
    telegram_api.REVOKED: "setup.problem_token",
    telegram_api.ELSEWHERE: "setup.problem_elsewhere",
    NOT_DELIVERED: "telegram.problem_not_delivered",
    GONE_ELSEWHERE: "telegram.problem_gone_elsewhere",
    linked.SWITCHED_OFF: "telegram.problem_switched_off",
    linked.READ_ONLY: "telegram.problem_read_only",
    linked.NOT_LINKED: "telegram.problem_not_linked",
    telegram_held.LoggedOut().message: "telegram.problem_logged_out",
    telegram_held.UsedTwice().message: "telegram.problem_used_twice",
    telegram_held.AccountLost().message: "telegram.problem_account_lost",
    telegram_held.LIMITED: "telegram.problem_limited",
    telegram_api.DELIVERED_ELSEWHERE: "telegram.warn_elsewhere",
    telegram_bot.READS_GROUPS: "telegram.warn_reads_groups",
    telegram_bot.GROUP_PRIVACY: "telegram.warn_group_privacy",
    telegram_business.NO_BUSINESS_MODE: "telegram.warn_business_mode",
}


@dataclass(frozen=True, slots=True)
class Health:
    """`ours`: Telegram delivers to this server. `pending` updates wait there; `last_error` is Telegram's own word for what
    went wrong last, "" when nothing did."""

    ours: bool
    pending: int
    last_error: str = ""
    last_error_at: datetime | None = None
    elsewhere: bool = False

    @property
    def failing(self) -> bool:
        recent = self.last_error_at is not None and clock.now() - self.last_error_at < RECENT
        return self.pending > LONG_QUEUE or (recent and self.pending > 0)


async def look(connection: Connection) -> Health:
    """Asks Telegram how deliveries of a bot are going. Raises as `telegram_api.call`."""
    hook = await telegram_api.webhook(connection)
    at = datetime.fromtimestamp(min(hook.last_error_date, 1 << 34), UTC) if hook.last_error_date > 0 else None
    ours = connection.key in hook.url
    return Health(ours, hook.pending_update_count, hook.last_error_message, at, elsewhere=bool(hook.url) and not ours)


async def watch_all() -> None:
    """Asks for a look at every bot that Telegram delivers for; every few minutes."""
    if telegram_polling.needed(settings().public_url):
        return
    async with platform_step("how deliveries from Telegram are going") as session:
        found = await rows(
            session,
            "SELECT tenant_id, id FROM connections WHERE channel = ANY(%s) AND status = 'active'",
            (list(telegram_connecting.KINDS),),
        )
    for row in found:
        async with step(row["tenant_id"]) as session:
            await watch.later(session, lock=f"telegram-health:{row['id']}", tenant_id=str(row["tenant_id"]), connection_id=str(row["id"]))


@job(attempts=3)
async def watch(tenant_id: str, connection_id: str) -> None:
    """Notes how a bot's deliveries are going; a webhook that is gone is set again, and one that leads elsewhere is told of."""
    tenant = UUID(tenant_id)
    async with step(tenant) as session:
        connection = await connections.by_id(session, UUID(connection_id))
    try:
        health = await look(connection)
        if not health.ours and not health.elsewhere:
            hook = f"{settings().public_url.rstrip('/')}/hooks/{connection.channel}/{connection.key}"
            await channel(connection.channel).subscribe(connection, hook)
    except Disconnected as error:
        async with step(tenant) as session:
            await connections.mark(session, connection.id, "reconnect", error.message)
        return
    await _note(connection, health)


async def _note(connection: Connection, health: Health) -> None:
    problem = GONE_ELSEWHERE if health.elsewhere else NOT_DELIVERED if health.failing else None
    told = {
        "pending": health.pending, "last_error": health.last_error, "elsewhere": health.elsewhere,
        "last_error_at": health.last_error_at.isoformat() if health.last_error_at else None, "looked_at": clock.now().isoformat(),
    }  # fmt: skip
    async with step(connection.tenant_id) as session:
        await session.execute(
            """UPDATE connections SET state = state || jsonb_build_object('health', %s::jsonb),
                  problem = CASE WHEN %s::text IS NOT NULL THEN %s WHEN problem = ANY(%s) THEN NULL ELSE problem END
                WHERE id = %s AND status = 'active'""",
            (Jsonb(told), problem, problem, [NOT_DELIVERED, GONE_ELSEWHERE], connection.id),
        )
