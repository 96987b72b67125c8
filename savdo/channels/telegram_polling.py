"""Long polling, for an installation that Telegram cannot deliver to because it has no public https address.

One loop a bot. Nothing is confirmed to Telegram before it is stored: an update counts as read when the next request
asks for what follows it, and that request is made after `take` returned. An advisory lock a bot keeps a second
process from reading beside the first; should its database connection break, every loop ends and begins again.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import structlog
from pydantic import JsonValue
from pydantic_core import to_json

from savdo.base import clock
from savdo.base.db import LINE, DatabaseDown, first, platform_step, pool, rows, step
from savdo.base.errors import SavdoError
from savdo.channels import connections, telegram_updates
from savdo.channels.errors import Disconnected
from savdo.channels.models import Connection, Inbound, channel
from savdo.channels.telegram_api import ELSEWHERE, REVOKED, ReadElsewhere, call
from savdo.channels.telegram_bot import UPDATES, TelegramBot
from savdo.channels.telegram_business import UPDATES as BUSINESS_UPDATES
from savdo.channels.telegram_business import TelegramBusiness

# What is asked for, by kind of bot.
ASKED: Mapping[str, list[JsonValue]] = {TelegramBot.kind: UPDATES, TelegramBusiness.kind: BUSINESS_UPDATES}
EVERY_S = 3.0
# Telegram answers as soon as there is something, and after this when there is nothing (it allows 50).
HOLD_S = 30
# Update ids begin anew at a random number after a week of silence, so an old offset would hide new messages.
OFFSET_LIVES = timedelta(days=3)
LONGEST_PAUSE_S = 30.0

Take = Callable[[Connection, Sequence[Inbound]], Awaitable[object]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Bot:
    """A connection to be read; `made_of` changes when its token or settings do."""

    tenant_id: UUID
    id: UUID
    made_of: str


@dataclass(slots=True)
class Loop:
    """A bot being read, and what it was made of at the start."""

    task: asyncio.Task[None]
    made_of: str


def needed(public_url: str) -> bool:
    """Whether Telegram cannot deliver to this address by itself."""
    return not public_url.startswith("https://")


async def poll(take: Take, *, every: float = EVERY_S) -> None:
    """Reads every tenant's active bots until cancelled and hands their updates to `take`.

    `every` is how soon, in seconds, a new, changed or removed connection is noticed. An update is confirmed once
    `take` returned; while `take` raises a passing error, the same updates are handed over again. Pressed buttons are
    acknowledged here.
    """
    while True:
        try:
            await _under_locks(take, every)
        except (SavdoError, psycopg.Error, OSError) as error:
            log.warning("telegram polling paused", error=type(error).__name__)
        await asyncio.sleep(every)


async def _under_locks(take: Take, every: float) -> None:
    loops: dict[UUID, Loop] = {}
    async with await psycopg.AsyncConnection.connect(str(pool().conninfo), **LINE, autocommit=True) as locks:
        try:
            while True:
                bots = await _bots()
                await _end(loops, bots, locks)
                for bot in bots.values():
                    if bot.id not in loops and await _locked(locks, bot.id):
                        loops[bot.id] = Loop(asyncio.create_task(_read(bot, take), name=f"telegram {bot.id}"), bot.made_of)
                # Also finds out that the connection, and with it every lock, is gone.
                await locks.execute("SELECT 1")
                await asyncio.sleep(every)
        finally:
            await _cancel(loops.values())


async def _bots() -> dict[UUID, Bot]:
    async with platform_step("telegram polling") as session:
        found = await rows(
            session,
            """SELECT tenant_id, id, md5(credentials || convert_to(settings::text, 'UTF8')) AS made_of
                 FROM connections WHERE channel = ANY(%s) AND status = 'active'""",
            (list(ASKED),),
        )
    return {row["id"]: Bot(row["tenant_id"], row["id"], row["made_of"]) for row in found}


async def _end(loops: dict[UUID, Loop], bots: Mapping[UUID, Bot], locks: psycopg.AsyncConnection[Any]) -> None:
    for connection_id, loop in list(loops.items()):
        bot = bots.get(connection_id)
        if bot is None or bot.made_of != loop.made_of or loop.task.done():
            await _cancel([loop])
            del loops[connection_id]
            await locks.execute("SELECT pg_advisory_unlock(%s)", (_lock_number(connection_id),))


async def _cancel(loops: Iterable[Loop]) -> None:
    ending = [loop.task for loop in loops]
    for task in ending:
        task.cancel()
    for outcome in await asyncio.gather(*ending, return_exceptions=True):
        if isinstance(outcome, Exception):
            log.error("telegram polling failed", error=type(outcome).__name__)


async def _locked(locks: psycopg.AsyncConnection[Any], connection_id: UUID) -> bool:
    found = await (await locks.execute("SELECT pg_try_advisory_lock(%s)", (_lock_number(connection_id),))).fetchone()
    return bool(found and found[0])


def _lock_number(connection_id: UUID) -> int:
    return int.from_bytes(hashlib.sha256(b"telegram polling" + connection_id.bytes).digest()[:8], signed=True)


async def _read(bot: Bot, take: Take) -> None:
    """One bot's loop; ends when its token is no longer accepted."""
    pause, shown, webhook_gone = 0.0, None, False
    async with step(bot.tenant_id) as session:
        connection = await connections.by_id(session, bot.id)
    offset, read_at = await _offset(connection)
    while True:
        await asyncio.sleep(pause)
        try:
            if not webhook_gone:
                await channel(connection.channel).subscribe(connection, "")
                webhook_gone = True
            updates = await _updates(connection, offset if clock.now() - read_at < OFFSET_LIVES else None)
            if updates:
                await _handed_over(connection, updates, take)
                offset, read_at = _next(updates), clock.now()
                await _keep_offset(connection, offset)
            pause = 0.0
            shown = await _shown(connection, shown, "")
        except Disconnected as error:
            await _tell(connection, "reconnect", error.message)
            return
        except SavdoError as error:
            # An answer that never came is as usual here as one that says "wait"; what was not stored comes again.
            pause = max(getattr(error, "retry_after", 1.0), min(LONGEST_PAUSE_S, pause * 2))
            if isinstance(error, ReadElsewhere):
                shown = await _shown(connection, shown, error.message)
            log.info("telegram polling waits", connection_id=str(connection.id), code=error.code, seconds=pause)


async def _updates(connection: Connection, offset: int | None) -> list[Mapping[str, Any]]:
    asked: dict[str, JsonValue] = {"timeout": HOLD_S, "limit": 100, "allowed_updates": ASKED[connection.channel]}
    if offset is not None:
        asked["offset"] = offset
    result = await call(connection, "getUpdates", asked, wait=HOLD_S + 10)
    found = result if isinstance(result, list) else []
    return [update for update in found if isinstance(update, dict) and isinstance(update.get("update_id"), int)]


async def _handed_over(connection: Connection, updates: Sequence[Mapping[str, Any]], take: Take) -> None:
    """Has the updates stored, in order; one that cannot be stored does not hold up the others. Raises what may pass."""
    read = [_inbounds(connection, update) for update in updates]
    if not await _is_stored(connection, [one for inbounds in read for one in inbounds], take):
        for update, inbounds in zip(updates, read, strict=True):
            # At least as it came; if not even that, it would come again for ever, and nothing after it.
            for attempt in (inbounds, [telegram_updates.unknown(update)]):
                if await _is_stored(connection, attempt, take):
                    break
            else:
                log.error("update given up", connection_id=str(connection.id), update_id=update["update_id"])


async def _is_stored(connection: Connection, inbounds: Sequence[Inbound], take: Take) -> bool:
    try:
        taken = await take(connection, inbounds)
    except (psycopg.OperationalError, psycopg.InterfaceError, OSError):
        # The database went away in the middle, which says nothing about these updates.
        raise DatabaseDown from None
    except SavdoError as error:
        if not error.permanent:
            raise
        log.error("updates refused", connection_id=str(connection.id), code=error.code)
        return False
    except Exception as error:  # noqa: BLE001 # whatever it is about an update, the next ones must not wait for it
        log.error("updates not stored", connection_id=str(connection.id), error=type(error).__name__)
        return False
    wanted = [one for one, silent in zip(inbounds, _silent(inbounds, taken), strict=True) if _is_acknowledged(connection, one, silent)]
    # They are stored; a button that goes on spinning is the worst that can happen here.
    await asyncio.gather(*(channel(connection.channel).acknowledge(connection, one) for one in wanted), return_exceptions=True)
    return True


def _silent(inbounds: Sequence[Inbound], taken: object) -> list[bool]:
    """Which of them the bot will not answer, as the main path says."""
    told: list[Any] = taken if isinstance(taken, list) else []
    return [bool(getattr(one, "silent", True) or getattr(one, "repeat", True)) for one in told] or [True] * len(inbounds)


def _is_acknowledged(connection: Connection, inbound: Inbound, silent: bool) -> bool:
    marked = channel(connection.channel).limits.read_marks and inbound.event == "message" and not silent
    return bool(inbound.quick_reply or marked)


def _inbounds(connection: Connection, update: Mapping[str, Any]) -> list[Inbound]:
    try:
        return channel(connection.channel).parse(connection, to_json(update))
    except (SavdoError, ValueError):
        return [telegram_updates.unknown(update)]


def _next(updates: Sequence[Mapping[str, Any]]) -> int:
    return int(updates[-1]["update_id"]) + 1


async def _shown(connection: Connection, shown: str | None, problem: str) -> str:
    """Shows the owner what is wrong, or that it no longer is."""
    if problem != shown:
        await _tell(connection, "active", problem)
    return problem


async def _tell(connection: Connection, status: str, problem: str) -> None:
    async with step(connection.tenant_id) as session:
        # What the owner switched off meanwhile stays off, and other problems than these are not over because this one is.
        await session.execute(
            """UPDATE connections SET status = %s, problem = CASE WHEN %s <> '' THEN %s WHEN problem = ANY(%s) THEN NULL ELSE problem END
                WHERE id = %s AND status = 'active'""",
            (status, problem, problem, [ELSEWHERE, REVOKED], connection.id),
        )


async def _offset(connection: Connection) -> tuple[int | None, datetime]:
    async with step(connection.tenant_id) as session:
        row = await first(session, "SELECT state, last_event_at FROM connections WHERE id = %s", (connection.id,))
    state = row["state"] if row else {}
    return state.get("offset"), row["last_event_at"] if row and row["last_event_at"] else clock.now()


async def _keep_offset(connection: Connection, offset: int) -> None:
    async with step(connection.tenant_id) as session:
        await session.execute(
            "UPDATE connections SET state = state || jsonb_build_object('offset', %s::bigint), last_event_at = now() WHERE id = %s",
            (offset, connection.id),
        )
