"""A tenant's own chain of models, keys and cap: set by its owner on a page or by an operator from the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from savdo import audit
from savdo.ai import choice, cost
from savdo.ai.choice import Choice
from savdo.ai.cost import ModelState, Sum
from savdo.base.db import first, step
from savdo.base.errors import NotFound
from savdo.base.settings import settings


@dataclass(frozen=True, slots=True)
class Overview:
    """What a page shows: what the tenant chose, how each model of its chain does, and what today cost (its own date)."""

    choice: Choice
    models: tuple[ModelState, ...]
    today: Sum
    cap_micros: int | None


async def change(
    tenant_id: UUID,
    actor: str,
    *,
    chain: Sequence[str] | None = None,
    keys: Mapping[str, str] | None = None,
    base: str | None = None,
    cap_usd: float | None = None,
) -> Choice:
    """Changes what is given, as `choice.choose`; who did it is kept, the keys are not. Raises NotFound, Invalid."""
    async with step(tenant_id) as session:
        if await first(session, "SELECT 1 FROM tenants WHERE id = %s", (tenant_id,)) is None:
            raise NotFound(f"There is no company {tenant_id}.")
        made = await choice.choose(session, tenant_id, settings(), chain=chain, keys=keys, base=base, cap_usd=cap_usd)
        details = {"chain": list(made.chain), "keys": made.shown_keys, "base": made.base, "cap_micros": made.cap_micros}
        await audit.note(session, tenant_id, actor, "models.changed", str(tenant_id), details)
    return made


async def overview(tenant_id: UUID) -> Overview:
    """Raises NotFound."""
    async with step(tenant_id) as session:
        row = await first(session, "SELECT profile->>'timezone' AS timezone FROM tenants WHERE id = %s", (tenant_id,))
        if row is None:
            raise NotFound(f"There is no company {tenant_id}.")
        chosen = await choice.chosen(session)
        entries = choice.entries(settings(), chosen)
        states = await cost.states(session, entries)
        today = await cost.of_day(session, cost.day_in(row["timezone"] or ""))
    caps = [limit for entry in entries if (limit := choice.cap(settings(), chosen, entry)) is not None]
    return Overview(chosen, tuple(states), today, min(caps, default=None))
