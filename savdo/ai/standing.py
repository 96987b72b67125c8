"""How the models do, from the rows of their calls: a page and /metrics are other processes than the workers that ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from savdo.base import circuit, clock
from savdo.base.db import Session, first, rows

RECENT: Final = timedelta(minutes=10)
LATELY: Final = timedelta(days=1)
# Longer than any call takes: one that was begun before the rest did may have failed within it.
SLOWEST: Final = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class ModelState:
    """How a model did in the last day. `problem` is that of its last call, empty when it went well; `resting_until` says that its
    provider failed so often just now that it is not asked before."""

    model: str
    calls: int = 0
    failures: int = 0
    micros: int = 0
    median_ms: int = 0
    last_at: datetime | None = None
    problem: str = ""
    resting_until: datetime | None = None

    @property
    def resting(self) -> bool:
        return self.resting_until is not None


# Tenants' providers by the breaker's own rule: since their last success as many failures within a minute as open it, and the
# last failure in its rest. A probe that fails alone, hours later, prolongs the rest.
_RESTING: LiteralString = """
  WITH suspects AS (
    SELECT DISTINCT tenant_id, provider FROM model_calls WHERE outcome = 'failed' AND asked_at > %(begun)s),
  calls AS (
    SELECT c.tenant_id, c.provider, c.outcome, c.asked_at, c.asked_at + c.ms * interval '1 ms' AS ended_at,
           max(c.asked_at) FILTER (WHERE c.outcome = 'ok') OVER (PARTITION BY c.tenant_id, c.provider) AS well_at
      FROM suspects JOIN model_calls c USING (tenant_id, provider) WHERE c.asked_at > %(since)s),
  failures AS (
    SELECT tenant_id, provider, ended_at, ended_at - lag(ended_at, %(failures)s - 1)
             OVER (PARTITION BY tenant_id, provider ORDER BY ended_at) AS within
      FROM calls WHERE outcome = 'failed' AND asked_at > coalesce(well_at, '-infinity'))
  SELECT tenant_id, provider, max(ended_at) AS failed_at FROM failures
   GROUP BY tenant_id, provider HAVING bool_or(within < %(within)s) AND max(ended_at) > %(rested)s"""


async def states(session: Session, models: Sequence[str]) -> list[ModelState]:
    """How each of these models ("openai:gpt-5") did for the session's tenant."""
    found = await rows(
        session,
        """SELECT provider || ':' || model AS model, count(*) AS calls, count(*) FILTER (WHERE outcome = 'failed') AS failures,
                  sum(micros)::bigint AS micros, coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), 0) AS median_ms,
                  max(asked_at) AS last_at,
                  coalesce((array_agg(problem ORDER BY asked_at DESC) FILTER (WHERE outcome <> 'asked'))[1], '') AS problem
             FROM model_calls WHERE asked_at > %s GROUP BY provider, model""",
        (clock.now() - LATELY,),
    )
    until = {row["provider"]: row["failed_at"] + circuit.REST for row in await _resting(session)}
    by_name = {str(row["model"]): row for row in found}
    return [ModelState(**by_name.get(one, {"model": one}), resting_until=until.get(one.partition(":")[0])) for one in models]


async def refused_keys(session: Session) -> list[str]:
    """The providers that refused the tenant's own key when they were last asked; none whose settings were changed since. Looks
    at a few calls only, since every page asks this."""
    found = await rows(
        session,
        """SELECT DISTINCT ON (provider) provider, own_key AND problem ~ '^status 40[13]$' AS refused
             FROM (SELECT provider, own_key, problem, asked_at FROM model_calls ORDER BY asked_at DESC LIMIT 20) latest
            WHERE asked_at > coalesce((SELECT updated_at FROM model_settings), '-infinity') ORDER BY provider, asked_at DESC""",
    )
    return [row["provider"] for row in found if row["refused"]]


async def figures(session: Session) -> tuple[list[dict[str, Any]], list[str], int]:
    """For /metrics, over every tenant: calls, failures and micros of the last ten minutes by provider; the provider of each open
    breaker; how many tenants' caps held a call back today."""
    found = await rows(
        session,
        """SELECT provider, count(*) AS calls, count(*) FILTER (WHERE outcome = 'failed') AS failures, sum(micros)::bigint AS micros
             FROM model_calls WHERE asked_at > %s GROUP BY provider""",
        (clock.now() - RECENT,),
    )
    held = await first(session, "SELECT count(*) AS n FROM model_days WHERE held_micros > 0 AND day >= %s", (clock.now().date(),))
    return found, [row["provider"] for row in await _resting(session)], held["n"] if held else 0


async def _resting(session: Session) -> list[dict[str, Any]]:
    now = clock.now()
    return await rows(
        session,
        _RESTING,
        {
            "begun": now - circuit.REST - SLOWEST, "rested": now - circuit.REST, "since": now - LATELY,
            "failures": circuit.FAILURES, "within": circuit.WITHIN,
        },
    )  # fmt: skip
