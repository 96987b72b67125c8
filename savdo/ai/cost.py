"""What model calls cost: every call a row, sums by day beside it, and a cap that is checked before the call.

The worst a call can cost is booked before it is made, in one statement that refuses when the day's cap would be passed;
afterwards the booking becomes what it really cost. The day's row is locked meanwhile, so two turns at once cannot both take
the last of it. A call whose end nobody saw (a killed worker) stays booked at its worst: the provider may have charged for it.
"""

import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

from savdo.ai.talk import Entry, Usage
from savdo.base import clock
from savdo.base.db import Session, first, new_id, rows, step
from savdo.base.errors import SavdoError

Purpose = Literal["answer", "vision", "transcript", "voice", "review", "trial"]


class OverBudget(SavdoError):
    """The day's budget for models does not allow this call."""

    code = "over_budget"


@dataclass(frozen=True, slots=True)
class Payer:
    """Who a call is made for, and what for: message `number` of a conversation, or the answer to it. `day` is the tenant's own date."""

    tenant_id: UUID
    conversation_id: UUID
    number: int
    day: date
    purpose: Purpose = "answer"


@dataclass(frozen=True, slots=True)
class Booked:
    """A call that may be made, and the most it may cost, in millionths of USD."""

    id: UUID
    micros: int


@dataclass(slots=True)
class Bill:
    """What a call came to, written by whoever makes it; `micros` in millionths of USD, `ms` is known when the call is over."""

    usage: Usage = field(default_factory=Usage)
    micros: int = 0
    priced: bool = True
    ms: int = 0


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
    """Today where the tenant is."""
    return clock.now().astimezone(clock.zone(timezone)).date()


@asynccontextmanager
async def paying(payer: Payer, entry: Entry, worst_micros: int, cap_micros: int | None) -> AsyncGenerator[Bill]:
    """Around one call: booked before, settled after, also when it fails. Raises OverBudget when the cap does not allow it."""
    booked = await book(payer, entry, worst_micros, cap_micros)
    if booked is None:
        raise OverBudget
    bill, started, failed = Bill(), time.perf_counter(), None
    try:
        yield bill
    except SavdoError as error:
        failed = error
    bill.ms = round((time.perf_counter() - started) * 1000)
    await settle(payer, booked, bill.usage, bill.micros, bill.priced, bill.ms, failed.message if failed else "")
    if failed is not None:
        raise failed


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
               INSERT INTO model_calls (tenant_id, id, conversation_id, number, day, purpose, provider, model, own_key, micros, asked_at)
               SELECT tenant_id, %(id)s, %(conversation)s, %(number)s, %(day)s, %(purpose)s, %(provider)s, %(model)s, %(own)s, %(worst)s,
                      %(now)s
                 FROM day RETURNING id""",
            {
                "tenant": payer.tenant_id, "day": payer.day, "worst": worst_micros, "cap": cap_micros, "id": call_id,
                "conversation": payer.conversation_id, "number": payer.number, "purpose": payer.purpose, "provider": entry.provider,
                "model": entry.name, "own": entry.own, "now": clock.now(),
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


async def of_turn(session: Session, turn_id: UUID) -> list[tuple[str, Sum]]:
    """What an answer took by purpose, the dearest first: with what its messages took to be understood, the answers that were
    "dropped" because another message came, the answer spoken, and the review that followed it."""
    found = await rows(
        session,
        f"""SELECT CASE WHEN purpose = 'answer' AND number < last_number THEN 'dropped' ELSE purpose END AS what, {SUMS}
             FROM (SELECT c.*, t.last_number
                     FROM turns t JOIN model_calls c ON c.tenant_id = t.tenant_id AND c.conversation_id = t.conversation_id
                    WHERE t.id = %s AND c.number >= t.first_number
                      AND (c.number <= t.last_number OR c.purpose = 'review' AND NOT EXISTS (
                            SELECT 1 FROM turns n WHERE n.tenant_id = t.tenant_id AND n.conversation_id = t.conversation_id
                               AND n.last_number > t.last_number AND n.first_number <= c.number))) calls
            GROUP BY what ORDER BY sum(micros) DESC, what""",  # noqa: S608 # our own columns
        (turn_id,),
    )
    return [(row["what"], _sum(row)) for row in found]


async def of_conversation(session: Session, conversation_id: UUID) -> list[tuple[str, Sum]]:
    """What a conversation took by purpose, the dearest first."""
    found = await rows(
        session,
        f"""SELECT purpose, {SUMS} FROM model_calls WHERE conversation_id = %s
            GROUP BY purpose ORDER BY sum(micros) DESC, purpose""",  # noqa: S608 # our own columns
        (conversation_id,),
    )
    return [(row["purpose"], _sum(row)) for row in found]


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
        (datetime.combine(since - timedelta(days=1), datetime.min.time(), UTC), since),
    )
    return [ModelSum(row["model"], _sum(row), row["priced"]) for row in found]


def total(sums: Iterable[Sum]) -> Sum:
    listed = list(sums)
    return Sum(**{name: sum(getattr(one, name) for one in listed) for name in Sum.__slots__})


def _sum(row: Any) -> Sum:
    return Sum(**{name: int(row[name]) for name in Sum.__slots__}) if row else Sum()
