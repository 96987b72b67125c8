"""How every connection is doing: whether it is still delivered to, what was missed meanwhile, and whether it is strangely quiet.

A delivery that was ended elsewhere is asked for again. What was said while nobody looked is read back where the other
company remembers it: a repeat is known by its id, and what a person has answered meanwhile stands behind its question, in
the same transaction, so the bot has nothing to answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from savdo import audit
from savdo.base import clock
from savdo.base.db import Session, first, platform_step, rows, step
from savdo.base.errors import SavdoError
from savdo.base.jobs import job
from savdo.channels import connections, meta_connecting
from savdo.channels.abilities import Delivers, Remembers
from savdo.channels.errors import ChannelError, Disconnected
from savdo.channels.models import Connection, Inbound, channel
from savdo.reply import turn

# Looks are minutes apart: after a longer pause nobody was there, or the other company was not.
GAP = timedelta(minutes=30)
OVERLAP = timedelta(minutes=5)
LONGEST_GAP = timedelta(days=7)
# A bot that answers a question of yesterday is worse than a person who does.
ANSWERED_WITHIN = timedelta(hours=24)
# How much has to be known before silence says anything, and what is no silence at all.
LEAST_LOOKS, LEAST_TIME, SHORTEST_SILENCE = 20, timedelta(days=3), timedelta(hours=12)

SILENT = "Nothing has come in for far longer than usual; write to it yourself and see whether that arrives."
NOT_DELIVERED = "The other company refuses to deliver messages here; connect it again."
# Which text says so to the owner.
TEXTS: Mapping[str, str] = {SILENT: "watching.silent", NOT_DELIVERED: "watching.not_delivered"}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watch:
    """What the looks at a connection have found: when the last one was, when something was last heard, since when and how
    often it was, and the longest silence (seconds) that was no fault. `restored_at`: deliveries were asked for again."""

    looked_at: datetime
    heard_at: datetime | None = None
    since: datetime | None = None
    times: int = 0
    longest_s: float = 0.0
    restored_at: datetime | None = None


WATCH = TypeAdapter(Watch)


async def watch_all() -> None:
    """Asks for a look at every connection of another company's; every few minutes."""
    async with platform_step("how every connection is doing") as session:
        found = await rows(
            session, "SELECT tenant_id, id FROM connections WHERE status = 'active' AND channel <> ALL(%s)", (["sandbox", "web_chat"],)
        )
    for row in found:
        async with step(row["tenant_id"]) as session:
            await watch.later(session, lock=f"watch:{row['id']}", tenant_id=str(row["tenant_id"]), connection_id=str(row["id"]))


@job(attempts=3)
async def watch(tenant_id: str, connection_id: str) -> None:
    """One look. Raises what may pass by itself; what happened since the look before is then caught up with later."""
    tenant, now = UUID(tenant_id), clock.now()
    async with step(tenant) as session:
        connection = await connections.by_id(session, UUID(connection_id))
        row = await _known(session, connection.id)
    if connection.status != "active" or row["problem"] not in (None, *TEXTS):
        # Something is wrong that others look after; the time until that is mended is caught up with.
        return
    before = WATCH.validate_python(row["watch"]) if row["watch"] else None
    try:
        delivered, problem = await _delivered(connection)
    except Disconnected as error:
        async with step(tenant) as session:
            await connections.mark(session, connection.id, "reconnect", error.message)
        return
    away = row["away_at"] is not None and before is not None and row["away_at"] >= before.looked_at
    if before is not None and (not delivered or away or now - before.looked_at > GAP):
        await catch_up(connection, max(before.looked_at - OVERLAP, now - LONGEST_GAP))
    after = looked(before, row["heard_at"], now)
    await _note(connection, after if delivered else replace(after, restored_at=now), problem or (SILENT if silent(after, now) else None))


async def catch_up(connection: Connection, since: datetime) -> None:
    """Stores what was said since then and is not known yet, of either side."""
    adapter = channel(connection.channel)
    if not isinstance(adapter, Remembers):
        return
    try:
        found = await adapter.missed(connection, since)
    except ChannelError as error:
        if not error.permanent:
            raise
        log.warning("missed messages not told", channel=connection.channel, code=error.code)
        return
    threads: dict[str, list[Inbound]] = {}
    for inbound in found:
        late = inbound.sent_at is not None and clock.now() - inbound.sent_at > ANSWERED_WITHIN
        threads.setdefault(inbound.thread_id, []).append(replace(inbound, standby=True) if late else inbound)
    for inbounds in threads.values():
        await turn.take(connection, inbounds)


def looked(before: Watch | None, heard_at: datetime | None, now: datetime) -> Watch:
    """What is known after one more look, which found that something was last heard at `heard_at`."""
    if before is None:
        return Watch(now, heard_at, heard_at)
    if heard_at is None or (before.heard_at is not None and heard_at <= before.heard_at):
        return replace(before, looked_at=now)
    pause = (heard_at - before.heard_at).total_seconds() if before.heard_at else 0.0
    # A silence that the owner was told of is no measure for the next.
    usual = before.longest_s if before.heard_at and silent(before, heard_at) else max(before.longest_s, pause)
    return replace(before, looked_at=now, heard_at=heard_at, since=before.since or heard_at, times=before.times + 1, longest_s=usual)


def silent(watch: Watch, now: datetime) -> bool:
    """Whether nothing was heard for more than twice as long as ever before, of a connection that is heard from often."""
    if watch.heard_at is None or watch.since is None or watch.times < LEAST_LOOKS or watch.heard_at - watch.since < LEAST_TIME:
        return False
    return now - watch.heard_at > max(SHORTEST_SILENCE, timedelta(seconds=2 * watch.longest_s))


async def _delivered(connection: Connection) -> tuple[bool, str | None]:
    """Whether it is still delivered to, and what its owner has to know; deliveries that have ended are asked for again."""
    adapter = channel(connection.channel)
    if not isinstance(adapter, Delivers) or await adapter.delivering(connection):
        return True, None
    try:
        await meta_connecting.deliver(connection)
    except SavdoError as error:
        if isinstance(error, Disconnected) or not error.permanent:
            raise
        return False, NOT_DELIVERED
    return False, None


async def _known(session: Session, connection_id: UUID) -> DictRow:
    # Backwards from the newest: of a connection that is heard from it is among the first.
    row = await first(
        session,
        """SELECT problem, state->'watch' AS watch, (state->>'away_at')::timestamptz AS away_at,
                  (SELECT m.created_at FROM messages m WHERE m.tenant_id = n.tenant_id AND m.connection_id = n.id AND m.direction = 'in'
                      AND m.id > uuidv7(%s) ORDER BY m.id DESC LIMIT 1) AS heard_at
             FROM connections n WHERE id = %s""",
        (-LONGEST_GAP, connection_id),
    )
    assert row is not None
    return row


async def _note(connection: Connection, watch: Watch, problem: str | None) -> None:
    async with step(connection.tenant_id) as session:
        changed = await first(
            session,
            """UPDATE connections SET state = state || jsonb_build_object('watch', %(watch)s::jsonb),
                  problem = CASE WHEN %(problem)s::text IS NOT NULL THEN %(problem)s WHEN problem = ANY(%(ours)s) THEN NULL ELSE problem END
                WHERE id = %(id)s AND status = 'active' RETURNING problem IS DISTINCT FROM old.problem AS told, problem""",
            {"watch": Jsonb(WATCH.dump_python(watch, mode="json")), "problem": problem, "ours": list(TEXTS), "id": connection.id},
        )
        if changed is not None and changed["told"]:
            action = "connection.problem" if changed["problem"] else "connection.recovered"
            await audit.note(session, connection.tenant_id, "system", action, str(connection.id), {"channel": connection.channel})
