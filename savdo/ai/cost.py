"""What model calls cost: every call a row, sums by day beside it, and a cap that is checked before the call.

The worst a call can cost is booked before it is made, in one statement that refuses when the day's cap would be passed;
afterwards the booking becomes what it really cost. The day's row is locked meanwhile, so two turns at once cannot both take
the last of it. A call whose end nobody saw (a killed worker) stays booked at its worst: the provider may have charged for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from savdo.ai.talk import Entry, Usage
from savdo.base import clock
from savdo.base.db import Session, first, new_id, rows, step


@dataclass(frozen=True, slots=True)
class Payer:
    """Who a call is made for: the answer to message `number` of a conversation. `day` is the tenant's own date."""

    tenant_id: UUID
    conversation_id: UUID
    number: int
    day: date


@dataclass(frozen=True, slots=True)
class Booked:
    """A call that may be made, and the most it may cost, in millionths of USD."""

    id: UUID
    micros: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Calls and what they came to; `micros` are millionths of USD, `tokens_cached` a part of `tokens_in`."""

    calls: int = 0
    failures: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    micros: int = 0


@dataclass(frozen=True, slots=True)
class ModelSum:
    """What one model came to; `priced` False when the price of a call was not known."""

    model: str
    sum: Sum
    priced: bool


SUMS: Final = (
    "count(*) AS calls, count(*) FILTER (WHERE outcome = 'failed') AS failures, coalesce(sum(tokens_in), 0) AS tokens_in, "
    "coalesce(sum(tokens_out), 0) AS tokens_out, coalesce(sum(tokens_cached), 0) AS tokens_cached, coalesce(sum(micros), 0) AS micros"
)


# What the day would have come to with the call that was not made: a page tells from it whether the cap holds calls back.
_HELD_BACK: LiteralString = """
  INSERT INTO model_days AS d (tenant_id, day, held_micros) VALUES (%(tenant)s, %(day)s, %(worst)s)
  ON CONFLICT (tenant_id, day) DO UPDATE SET held_micros = d.micros + EXCLUDED.held_micros"""


def day_in(timezone: str) -> date:
    """Today where the tenant is; an unknown zone is UTC."""
    try:
        zone = ZoneInfo(timezone or "UTC")
    except (ValueError, OSError, LookupError):
        zone = ZoneInfo("UTC")
    return clock.now().astimezone(zone).date()


async def book(payer: Payer, entry: Entry, worst_micros: int, cap_micros: int | None) -> Booked | None:
    """Books the worst a call can cost; None when the day's cap does not allow it. `cap_micros` None is no cap."""
    call_id = new_id()
    async with step(payer.tenant_id) as session:
        row = await first(
            session,
            """WITH day AS (
                 INSERT INTO model_days AS d (tenant_id, day, calls, micros)
                 SELECT %(tenant)s, %(day)s, 1, %(worst)s WHERE %(cap)s::bigint IS NULL OR %(worst)s <= %(cap)s
                 ON CONFLICT (tenant_id, day) DO UPDATE SET calls = d.calls + 1, micros = d.micros + EXCLUDED.micros
                  WHERE %(cap)s::bigint IS NULL OR d.micros + EXCLUDED.micros <= %(cap)s
                 RETURNING tenant_id)
               INSERT INTO model_calls (tenant_id, id, conversation_id, number, day, provider, model, own_key, micros, asked_at)
               SELECT tenant_id, %(id)s, %(conversation)s, %(number)s, %(day)s, %(provider)s, %(model)s, %(own)s, %(worst)s, %(now)s
                 FROM day RETURNING id""",
            {
                "tenant": payer.tenant_id, "day": payer.day, "worst": worst_micros, "cap": cap_micros, "id": call_id,
                "conversation": payer.conversation_id, "number": payer.number, "provider": entry.provider, "model": entry.name,
                "own": entry.own, "now": clock.now(),
            },
        )  # fmt: skip
        if row is None:
            await session.execute(_HELD_BACK, {"tenant": payer.tenant_id, "day": payer.day, "worst": worst_micros})
    return Booked(call_id, worst_micros) if row else None


async def settle(payer: Payer, booked: Booked, usage: Usage, micros: int, priced: bool, ms: int, problem: str = "") -> None:
    """Writes what a booked call came to; with a `problem` it failed."""
    async with step(payer.tenant_id) as session:
        await session.execute(
            """WITH call AS (
                 UPDATE model_calls SET outcome = %(outcome)s, problem = %(problem)s, tokens_in = %(tokens_in)s,
                        tokens_out = %(tokens_out)s, tokens_cached = %(cached)s, micros = %(micros)s, priced = %(priced)s, ms = %(ms)s
                  WHERE id = %(id)s AND outcome = 'asked' RETURNING tenant_id, day)
               UPDATE model_days d SET micros = d.micros - %(worst)s + %(micros)s, tokens_in = d.tokens_in + %(tokens_in)s,
                      tokens_out = d.tokens_out + %(tokens_out)s, tokens_cached = d.tokens_cached + %(cached)s,
                      failures = d.failures + CASE %(outcome)s WHEN 'failed' THEN 1 ELSE 0 END
                 FROM call WHERE d.tenant_id = call.tenant_id AND d.day = call.day""",
            {
                "outcome": "failed" if problem else "ok", "problem": problem, "tokens_in": usage.tokens_in, "tokens_out": usage.tokens_out,
                "cached": usage.cached, "micros": micros, "priced": priced, "ms": ms, "id": booked.id, "worst": booked.micros,
            },
        )  # fmt: skip


async def of_turn(session: Session, conversation_id: UUID, number: int) -> Sum:
    """What the answer to message `number` took, also one that was dropped because another message came."""
    query = f"SELECT {SUMS} FROM model_calls WHERE conversation_id = %s AND number = %s"  # noqa: S608 # our own columns
    return _sum(await first(session, query, (conversation_id, number)))


async def of_day(session: Session, day: date) -> Sum:
    """What the tenant of the session spent on its own date, with what is booked now."""
    return _sum(
        await first(session, "SELECT calls, failures, tokens_in, tokens_out, tokens_cached, micros FROM model_days WHERE day = %s", (day,))
    )


async def held_back(session: Session, day: date) -> int:
    """What the day would have come to with the last call that its cap held back; 0 when none was."""
    row = await first(session, "SELECT held_micros FROM model_days WHERE day = %s", (day,))
    return int(row["held_micros"]) if row else 0


async def days(session: Session, since: date) -> list[tuple[date, Sum]]:
    """Every day with a call from `since` on, oldest first."""
    found = await rows(
        session,
        "SELECT day, calls, failures, tokens_in, tokens_out, tokens_cached, micros FROM model_days WHERE day >= %s ORDER BY day",
        (since,),
    )
    return [(row["day"], _sum(row)) for row in found]


async def by_model(session: Session, since: date) -> list[ModelSum]:
    """What each model came to from the tenant's date `since` on, the dearest first; by index, at most the calls of a month."""
    found = await rows(
        session,
        f"""SELECT provider || ':' || model AS model, bool_and(priced) AS priced, {SUMS} FROM model_calls
             WHERE asked_at >= %s AND day >= %s GROUP BY provider, model ORDER BY sum(micros) DESC, count(*) DESC, 1""",  # noqa: S608 # our own columns
        # The tenant's day may have begun before that of UTC.
        (datetime.combine(since - timedelta(days=1), time(), UTC), since),
    )
    return [ModelSum(row["model"], _sum(row), row["priced"]) for row in found]


def total(sums: Iterable[Sum]) -> Sum:
    listed = list(sums)
    return Sum(**{name: sum(getattr(one, name) for one in listed) for name in Sum.__slots__})


def _sum(row: Any) -> Sum:
    return Sum(**{name: int(row[name]) for name in Sum.__slots__}) if row else Sum()
