"""What model calls cost: every call a row, sums by day beside it, and a cap that is checked before the call.

The worst a call can cost is booked before it is made, in one statement that refuses when the day's cap would be passed;
afterwards the booking becomes what it really cost. The day's row is locked meanwhile, so two turns at once cannot both take
the last of it. A call whose end nobody saw (a killed worker) stays booked at its worst: the provider may have charged for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from savdo.ai.talk import Entry, Usage
from savdo.base import circuit, clock
from savdo.base.db import Session, first, new_id, rows, step

RECENT: Final = timedelta(minutes=10)
LATELY: Final = timedelta(hours=1)


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
class ModelState:
    """How a model did in the last hour, as every process sees it. `resting`: it failed so often just now that it is not asked."""

    model: str
    calls: int
    failures: int
    micros: int
    median_ms: int
    last_at: datetime | None
    problem: str
    resting: bool


SUMS: Final = (
    "count(*) AS calls, count(*) FILTER (WHERE outcome = 'failed') AS failures, coalesce(sum(tokens_in), 0) AS tokens_in, "
    "coalesce(sum(tokens_out), 0) AS tokens_out, coalesce(sum(tokens_cached), 0) AS tokens_cached, coalesce(sum(micros), 0) AS micros"
)


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


async def of_conversation(session: Session, conversation_id: UUID) -> Sum:
    return _sum(await first(session, f"SELECT {SUMS} FROM model_calls WHERE conversation_id = %s", (conversation_id,)))  # noqa: S608 # our own columns


async def of_day(session: Session, day: date) -> Sum:
    """What the tenant of the session spent on its own date, with what is booked now."""
    return _sum(
        await first(session, "SELECT calls, failures, tokens_in, tokens_out, tokens_cached, micros FROM model_days WHERE day = %s", (day,))
    )


async def days(session: Session, since: date) -> list[tuple[date, Sum]]:
    """Every day with a call from `since` on, oldest first."""
    found = await rows(
        session,
        "SELECT day, calls, failures, tokens_in, tokens_out, tokens_cached, micros FROM model_days WHERE day >= %s ORDER BY day",
        (since,),
    )
    return [(row["day"], _sum(row)) for row in found]


async def states(session: Session, entries: Sequence[Entry]) -> list[ModelState]:
    """How each model of a chain did for the session's tenant, from the rows: a page is another process than the worker."""
    found = await rows(
        session,
        """SELECT provider, model, count(*) AS calls, count(*) FILTER (WHERE outcome = 'failed') AS failures, sum(micros) AS micros,
                  coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), 0) AS ms, max(asked_at) AS last_at,
                  -- That of the last call, empty when it went well.
                  coalesce((array_agg(problem ORDER BY asked_at DESC) FILTER (WHERE outcome <> 'asked'))[1], '') AS problem
             FROM model_calls WHERE asked_at > %s GROUP BY provider, model""",
        (clock.now() - LATELY,),
    )
    resting = {row["provider"] for row in await _resting(session)}
    by_name = {f"{row['provider']}:{row['model']}": row for row in found}
    return [_state(repr(entry), by_name.get(repr(entry)), entry.provider in resting) for entry in entries]


async def figures(session: Session) -> tuple[list[dict[str, Any]], int]:
    """For /metrics, over every tenant: calls, failures and micros of the last ten minutes by provider; how many breakers are open."""
    found = await rows(
        session,
        """SELECT provider, count(*) AS calls, count(*) FILTER (WHERE outcome = 'failed') AS failures, sum(micros)::bigint AS micros
             FROM model_calls WHERE asked_at > %s GROUP BY provider""",
        (clock.now() - RECENT,),
    )
    return found, len(await _resting(session))


async def _resting(session: Session) -> list[dict[str, Any]]:
    """Tenant and provider by the breaker's own rule: as many failures within a minute, the last of them in its rest."""
    now = clock.now()
    return await rows(
        session,
        """SELECT tenant_id, provider FROM model_calls WHERE asked_at > %s
            GROUP BY tenant_id, provider
           HAVING count(*) FILTER (WHERE outcome = 'failed') >= %s AND max(asked_at) FILTER (WHERE outcome = 'failed') > %s
              AND coalesce(max(asked_at) FILTER (WHERE outcome = 'ok') < max(asked_at) FILTER (WHERE outcome = 'failed'), true)""",
        (now - circuit.WITHIN, circuit.FAILURES, now - circuit.REST),
    )


def _sum(row: Any) -> Sum:
    return Sum(**{name: int(row[name]) for name in Sum.__slots__}) if row else Sum()


def _state(model: str, row: Any, resting: bool) -> ModelState:
    if row is None:
        return ModelState(model, 0, 0, 0, 0, None, "", resting)
    return ModelState(model, row["calls"], row["failures"], int(row["micros"]), int(row["ms"]), row["last_at"], row["problem"], resting)
