"""Speaking for every company's personal Telegram accounts: each by exactly one worker, which takes over when another dies.

Two connections with one session kill it, so a worker speaks for an account only while it holds its lease: a row that it
renews, and lets go of before it runs out when it cannot. Nothing that happened is counted as heard before it is stored.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import structlog
from pydantic_core import to_json

from savdo.base.db import first, new_id, platform_step, rows, step
from savdo.base.errors import SavdoError
from savdo.channels import connections, telegram_held, telegram_relay
from savdo.channels.errors import Disconnected
from savdo.channels.models import Connection, Inbound, channel
from savdo.channels.telegram_held import Event, Held, Peer, UserbotClient
from savdo.channels.telegram_userbot import TelegramUserbot

EVERY_S = 3.0
LEASE_S = 20.0
# What is left of a lease when a holder that could not renew it falls silent.
MARGIN_S = 6.0
LOOK_S = 0.5
LONGEST_PAUSE_S = 60.0
RELAY_EVERY_S = 0.1

Take = Callable[[Connection, Sequence[Inbound]], Awaitable[object]]

log = structlog.get_logger()


@dataclass(slots=True)
class Speaking:
    """An account that this worker speaks for; `until` is its lease's end on this process's own clock."""

    tenant_id: UUID
    id: UUID
    made_of: str
    task: asyncio.Task[None]
    until: float


@dataclass(slots=True)
class Worker:
    """One process that speaks for accounts. `pace` is the least time between two messages of an account, in seconds."""

    take: Take
    lease_s: float = LEASE_S
    pace: float = telegram_held.PACE_S
    id: UUID = field(default_factory=new_id)
    # Set when somebody in another process has asked something of an account.
    called: dict[UUID, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    speaking: dict[UUID, Speaking] = field(default_factory=dict[UUID, Speaking])


async def hold(take: Take, *, every: float = EVERY_S, lease_s: float = LEASE_S, pace: float = telegram_held.PACE_S) -> None:
    """Speaks for the accounts that nobody else speaks for, until cancelled, and hands what happens to `take`.

    `every` is how soon, in seconds, a new, changed or ended connection is noticed; it must be far less than `lease_s`.
    """
    worker = Worker(take, lease_s, pace)
    telegram_held.elsewhere.append(telegram_relay.ask)
    beside = [asyncio.create_task(_watch_calls(worker)), asyncio.create_task(let_go_in_time(worker))]
    try:
        while True:
            try:
                await _round(worker)
            except (SavdoError, psycopg.Error, OSError) as error:
                log.warning("accounts not looked after", error=type(error).__name__)
            await asyncio.sleep(every)
    finally:
        telegram_held.elsewhere.remove(telegram_relay.ask)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await _end(worker, list(worker.speaking.values()))


async def let_go_in_time(worker: Worker) -> None:
    """Falls silent for every account whose lease could not be renewed, before somebody else may take it; asks nobody, since
    asking the database is what may take too long."""
    while True:
        late = time.monotonic() + min(MARGIN_S, worker.lease_s / 3)
        for one in worker.speaking.values():
            if one.until < late and not one.task.done():
                log.warning("lease not renewed in time", connection_id=str(one.id))
                one.task.cancel()
        await asyncio.sleep(LOOK_S)


async def _round(worker: Worker) -> None:
    async with platform_step("accounts to speak for") as session:
        found = await rows(
            session,
            """SELECT tenant_id, id, md5(credentials || convert_to(settings::text, 'UTF8')) AS made_of
                 FROM connections WHERE channel = %s AND status = 'active'""",
            (TelegramUserbot.kind,),
        )
    wanted = {row["id"]: row for row in found}
    ended = [
        one for one in worker.speaking.values()
        if one.id not in wanted or wanted[one.id]["made_of"] != one.made_of or one.task.done()
    ]  # fmt: skip
    await _end(worker, ended)
    for row in found:
        # Counted from before the question: the lease is never longer here than it is there.
        asked = time.monotonic()
        leased = await _leased(worker, row["tenant_id"], row["id"])
        known = worker.speaking.get(row["id"])
        if known is not None and not leased:
            await _end(worker, [known])
        elif known is not None:
            known.until = asked + worker.lease_s
        elif leased:
            task = asyncio.create_task(_speak(worker, row["tenant_id"], row["id"]), name=f"account {row['id']}")
            worker.speaking[row["id"]] = Speaking(row["tenant_id"], row["id"], row["made_of"], task, asked + worker.lease_s)


async def _leased(worker: Worker, tenant_id: UUID, connection_id: UUID) -> bool:
    async with step(tenant_id) as session:
        row = await first(
            session,
            """INSERT INTO userbot_leases AS l (tenant_id, connection_id, holder, until) VALUES (%s, %s, %s, now() + %s)
               ON CONFLICT (tenant_id, connection_id) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until
                     WHERE l.holder = EXCLUDED.holder OR l.until < now() RETURNING 1 AS mine""",
            (tenant_id, connection_id, worker.id, timedelta(seconds=worker.lease_s)),
        )
    return row is not None


async def _end(worker: Worker, ended: Iterable[Speaking]) -> None:
    for one in ended:
        one.task.cancel()
        [outcome] = await asyncio.gather(one.task, return_exceptions=True)
        if isinstance(outcome, Exception):
            log.error("account given up", connection_id=str(one.id), error=type(outcome).__name__)
        worker.speaking.pop(one.id, None)
        with contextlib.suppress(SavdoError, psycopg.Error, OSError):
            async with step(one.tenant_id) as session:
                await session.execute("DELETE FROM userbot_leases WHERE connection_id = %s AND holder = %s", (one.id, worker.id))


async def _speak(worker: Worker, tenant_id: UUID, connection_id: UUID) -> None:
    """One account, until its session is no longer accepted."""
    async with step(tenant_id) as session:
        connection = await connections.by_id(session, connection_id)
    pause = 0.0
    while True:
        try:
            await asyncio.sleep(pause)
            await _connected(worker, connection)
        except Disconnected as error:
            await _lost(connection, error)
            return
        except (SavdoError, psycopg.Error, OSError) as error:
            pause = max(getattr(error, "retry_after", 1.0), min(LONGEST_PAUSE_S, pause * 2))
            log.info("account waits", connection_id=str(connection_id), error=type(error).__name__, seconds=pause)


async def _connected(worker: Worker, connection: Connection) -> None:
    speaker = telegram_held.client(connection.credentials.get("session", ""), str(connection.settings.get("client") or ""))
    held = Held(speaker, lambda peer: _peer(connection, peer), pace=worker.pace)
    relaying: asyncio.Task[None] | None = None
    try:
        await speaker.connect()
        with telegram_held.holding(connection.id, held):
            relaying = asyncio.create_task(_relay(worker, connection, held))
            await _listen(worker, connection, speaker)
    finally:
        if relaying is not None:
            relaying.cancel()
            await asyncio.gather(relaying, return_exceptions=True)
        await speaker.close()


async def _listen(worker: Worker, connection: Connection, speaker: UserbotClient) -> None:
    async with step(connection.tenant_id) as session:
        row = await first(session, "SELECT state->'heard' AS heard FROM connections WHERE id = %s", (connection.id,))
    heard = row["heard"] if row else None
    if heard is None:
        # What was written before the account was connected is its owner's to answer.
        await _mark_heard(connection, await speaker.newest())
    else:
        await _catch_up(worker, connection, speaker, await speaker.missed(int(heard)))
    async for event in speaker.events():
        await _heard(worker, connection, speaker, [event])
        if event.get("event") == "message":
            await _mark_heard(connection, int(event["message_id"]))


async def _catch_up(worker: Worker, connection: Connection, speaker: UserbotClient, missed: Sequence[Event]) -> None:
    """What was said meanwhile, each person's at once: a question that the owner has answered then stands there with its
    answer, and the bot owes none."""
    talks: dict[int, list[Event]] = {}
    for event in missed:
        talks.setdefault(int(event["peer"]["id"]), []).append(event)
    for events in talks.values():
        if not await _heard(worker, connection, speaker, events):
            for event in events:
                await _heard(worker, connection, speaker, [event])
    if missed:
        await _mark_heard(connection, max(int(event["message_id"]) for event in missed))


async def _heard(worker: Worker, connection: Connection, speaker: UserbotClient, events: Sequence[Event]) -> bool:
    """Stores what happened, however long the database is away; whether that could be stored."""
    pause = 0.5
    while True:
        try:
            await _stored(worker, connection, speaker, events)
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError):
            log.warning("event waits for the database", connection_id=str(connection.id))
        except SavdoError as error:
            if error.permanent:
                log.error("event refused", connection_id=str(connection.id), code=error.code)
                return False
        except Exception as error:  # noqa: BLE001 # whatever it is about an event, the next ones must not wait for it
            log.error("event not stored", connection_id=str(connection.id), error=type(error).__name__)
            return False
        else:
            return True
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


async def _stored(worker: Worker, connection: Connection, speaker: UserbotClient, events: Sequence[Event]) -> None:
    """Of one person, in one transaction."""
    inbounds: list[Inbound] = []
    peer: Peer | None = None
    for event in events:
        whole = await _looked_up(connection, event) if event.get("event") == "deleted" else event
        if found := channel(connection.channel).parse(connection, to_json(whole)):
            peer = await _noted(connection, whole, wrote=any(one.event == "message" for one in found)) or peer
            inbounds += found
    if not inbounds:
        return
    taken = await worker.take(connection, inbounds)
    told: list[Any] = taken if isinstance(taken, list) else []
    awaited = [
        inbound for inbound, one in zip(inbounds, told, strict=False) if inbound.event == "message" and not (one.silent or one.repeat)
    ]
    if peer is not None and awaited:
        # The mark tells the customer that somebody is there; one that is missing harms nobody.
        with contextlib.suppress(SavdoError):
            await speaker.read(peer, int(awaited[-1].external_id))


async def _looked_up(connection: Connection, event: Event) -> Event:
    """A deletion names numbers only: whose chats they stood in is known here."""
    numbers = [str(one["message_id"]) for one in event.get("messages", ())]
    async with step(connection.tenant_id) as session:
        found = await rows(
            session,
            """SELECT m.external_id AS number, c.external_id AS peer, m.direction = 'out' AS out
                 FROM messages m JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
                WHERE m.connection_id = %s AND m.external_id = ANY(%s)""",
            (connection.id, numbers),
        )
    messages = [{"message_id": int(row["number"]), "peer": int(row["peer"]), "out": row["out"]} for row in found]
    return {"event": "deleted", "messages": messages}


async def _noted(connection: Connection, event: Event, *, wrote: bool) -> Peer | None:
    """Keeps how a person is named in calls, and that they wrote: only then they may be written to."""
    person: Mapping[str, Any] = event.get("peer") or {}
    if "access_hash" not in person:
        return None
    peer = Peer(int(person["id"]), int(person["access_hash"]))
    async with step(connection.tenant_id) as session:
        await session.execute(
            """INSERT INTO userbot_peers AS p (tenant_id, connection_id, peer, access_hash, wrote_at)
               VALUES (%(tenant)s, %(connection)s, %(peer)s, %(hash)s, CASE WHEN %(wrote)s THEN now() END)
               ON CONFLICT (tenant_id, connection_id, peer) DO UPDATE SET access_hash = EXCLUDED.access_hash,
                     wrote_at = coalesce(EXCLUDED.wrote_at, p.wrote_at)""",
            {
                "tenant": connection.tenant_id, "connection": connection.id, "peer": peer.id, "hash": peer.access_hash, "wrote": wrote,
            },
        )  # fmt: skip
    return peer


async def _peer(connection: Connection, peer: int) -> Peer | None:
    async with step(connection.tenant_id) as session:
        row = await first(
            session,
            "SELECT access_hash FROM userbot_peers WHERE connection_id = %s AND peer = %s AND wrote_at IS NOT NULL",
            (connection.id, peer),
        )
    return Peer(peer, row["access_hash"]) if row else None


async def _mark_heard(connection: Connection, number: int) -> None:
    async with step(connection.tenant_id) as session:
        await session.execute(
            """UPDATE connections SET last_event_at = now(),
                  state = state || jsonb_build_object('heard', greatest(coalesce((state->>'heard')::bigint, 0), %s::bigint))
                WHERE id = %s""",
            (number, connection.id),
        )


async def _watch_calls(worker: Worker) -> None:
    """One look for all accounts of this worker: most calls are made in the process that holds the account, and need none."""
    while True:
        await asyncio.sleep(RELAY_EVERY_S)
        if not worker.speaking:
            continue
        with contextlib.suppress(SavdoError, psycopg.Error, OSError):
            async with platform_step("calls of accounts") as session:
                found = await rows(
                    session,
                    "SELECT DISTINCT connection_id AS id FROM userbot_calls WHERE claimed_at IS NULL AND connection_id = ANY(%s)",
                    (list(worker.speaking),),
                )
            for row in found:
                worker.called[row["id"]].set()


async def _relay(worker: Worker, connection: Connection, held: Held) -> None:
    called = worker.called[connection.id]
    called.set()
    while True:
        await called.wait()
        called.clear()
        with contextlib.suppress(SavdoError, psycopg.Error, OSError):
            await telegram_relay.forget_old(connection)
            while await telegram_relay.carry_out(connection, held):
                pass


async def _lost(connection: Connection, error: Disconnected) -> None:
    """Shows the owner that the account is gone, and forgets a session that is good for nothing any more."""
    async with step(connection.tenant_id) as session:
        await connections.lose(session, connection.id, error.message)
    log.info("account disconnected", connection_id=str(connection.id), code=error.code)
