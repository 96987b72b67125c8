"""A tenant's own chain of models, keys and cap, and what models may do for it: set by its owner on a page or by an operator from
the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Unpack
from uuid import UUID

from psycopg.types.json import Jsonb

from savdo import audit
from savdo.ai import chain, choice, cost, standing
from savdo.ai.chain import Answered
from savdo.ai.choice import Changes, Choice
from savdo.ai.cost import ModelSum, Payer, Sum
from savdo.ai.standing import ModelState
from savdo.ai.talk import Entry
from savdo.base.db import Session, first, step
from savdo.base.errors import Invalid, NotFound
from savdo.base.settings import settings

MOST_PAGES: Final = 20
LONGEST_NAME: Final = 120
# A trial call belongs to no conversation.
NO_CONVERSATION: Final = UUID(int=0)
DAYS_LISTED: Final = 30


@dataclass(frozen=True, slots=True)
class Listed:
    """A model of the chain; `entry` None when its key is gone."""

    entry: Entry | None
    state: ModelState

    @property
    def name(self) -> str:
        return self.state.model


@dataclass(frozen=True, slots=True)
class Overview:
    """What a page shows. Sums are of the tenant's own date and month, `days` the latest ones, newest first; `held_back`
    says that the cap holds calls back now, `thrifty` that only the cheaper models are asked; `pages` are those a model may visit."""

    choice: Choice
    listed: tuple[Listed, ...]
    installed: tuple[str, ...]
    today: Sum
    month: Sum
    today_by_model: tuple[ModelSum, ...]
    month_by_model: tuple[ModelSum, ...]
    days: tuple[tuple[date, Sum], ...]
    cap_micros: int | None
    held_back: bool
    thrifty: bool
    pages: tuple[str, ...]

    @property
    def models(self) -> tuple[ModelState, ...]:
        """How those do that can be asked."""
        return tuple(one.state for one in self.listed if one.entry)


async def change(tenant_id: UUID, actor: str, **changes: Unpack[Changes]) -> Choice:
    """Changes what is given, as `choice.choose`; who did it is kept, the keys are not. Raises NotFound, Invalid."""
    async with step(tenant_id) as session:
        await _locked(session, tenant_id)
        return await _changed(session, tenant_id, actor, **changes)


async def add(tenant_id: UUID, actor: str, provider: str, name: str, *, key: str = "", base: str = "") -> None:
    """Puts a model at the end of the chain, with a new key and address where they are given; one that stands there already is asked
    with the new key. The installation's chain becomes the tenant's own with it. Raises NotFound, Invalid that names the field: name,
    twice, full, key or base."""
    model = f"{provider}:{name.strip()}"
    async with step(tenant_id) as session:
        await _locked(session, tenant_id)
        known = await _shown_chain(session)
        if not name.strip() or len(name.strip()) > LONGEST_NAME:
            raise Invalid("Write the model's name.", field="name")
        if model in known and not key.strip():
            raise Invalid(f"{model} is asked already.", field="twice")
        wanted = list(dict.fromkeys([*known, model]))
        if len(wanted) > choice.LONGEST_CHAIN:
            raise Invalid(f"At most {choice.LONGEST_CHAIN} models.", field="full")
        changes = Changes(chain=wanted)
        if key.strip():
            changes["keys"] = {provider: key}
        # The address is of no other provider's models, whatever a form still holds.
        if base.strip() and provider == "compatible":
            changes["base"] = base
        try:
            await _changed(session, tenant_id, actor, **changes)
        except Invalid as wrong:
            missing = "base" if provider == "compatible" else "key"
            raise Invalid(wrong.message, field=missing if wrong.field == "chain" else wrong.field) from None


async def move(tenant_id: UUID, actor: str, model: str, places: int) -> None:
    """Moves a model towards the end of the chain, by -1 towards its beginning. Raises NotFound."""
    async with step(tenant_id) as session:
        await _locked(session, tenant_id)
        known = await _shown_chain(session)
        if model not in known:
            raise NotFound
        at = known.index(model)
        known.insert(max(0, at + places), known.pop(at))
        await _changed(session, tenant_id, actor, chain=known)


async def remove(tenant_id: UUID, actor: str, model: str) -> None:
    """Takes a model out of the chain; after the last one it is the installation's again."""
    async with step(tenant_id) as session:
        await _locked(session, tenant_id)
        known = await _shown_chain(session)
        await _changed(session, tenant_id, actor, chain=[one for one in known if one != model])


async def forget_key(tenant_id: UUID, actor: str, provider: str) -> None:
    """Removes a key, and from the chain the models that cannot be asked without it."""
    async with step(tenant_id) as session:
        await _locked(session, tenant_id)
        known = (await choice.chosen(session)).chain
        changes = Changes(
            keys={provider: ""}, chain=[one for one in known if one in settings().models or not one.startswith(f"{provider}:")]
        )
        if provider == "compatible":
            changes["base"] = ""
        await _changed(session, tenant_id, actor, **changes)


async def try_out(tenant_id: UUID, actor: str, model: str) -> Answered:
    """One small call, paid as any other. Raises NotFound, and what says why there is no answer: `chain.PASSED_BY`."""
    async with step(tenant_id) as session:
        day = cost.day_in(await _timezone(session, tenant_id))
        chosen = await choice.chosen(session)
        entry = dict(choice.listed(settings(), chosen)).get(model)
        if entry is None:
            raise NotFound
        await audit.note(session, tenant_id, actor, "models.tried", model)
    return await chain.tried(Payer(tenant_id, NO_CONVERSATION, 0, day, "trial"), chosen, entry)


async def allow_pages(tenant_id: UUID, actor: str, pages: Sequence[str]) -> None:
    """The sites and paths a model may visit. Raises Invalid."""
    given = list(dict.fromkeys(one.strip() for one in pages if one.strip()))
    if len(given) > MOST_PAGES or any(not choice.is_safe(one) for one in given):
        raise Invalid(f"At most {MOST_PAGES} addresses that begin with https://.", field="pages")
    async with step(tenant_id) as session:
        await _locked(session, tenant_id)
        await session.execute("UPDATE tenants SET profile = profile || %s", (Jsonb({"allowed_pages": given}),))
        await audit.note(session, tenant_id, actor, "models.pages", str(tenant_id), {"pages": given})


async def overview(tenant_id: UUID) -> Overview:
    """Raises NotFound."""
    async with step(tenant_id) as session:
        day = cost.day_in(await _timezone(session, tenant_id))
        chosen = await choice.chosen(session)
        listed = choice.listed(settings(), chosen)
        states = await standing.states(session, [name for name, _ in listed])
        today, held = await cost.of_day(session, day), await cost.held_back(session, day)
        first_shown, first_of_month = day - timedelta(days=DAYS_LISTED - 1), day.replace(day=1)
        days = await cost.days(session, min(first_shown, first_of_month))
        of_today = await cost.by_model(session, day)
        of_month = await cost.by_model(session, first_of_month)
        pages = await _pages(session)
    limits = [limit for _, entry in listed if entry and (limit := choice.cap(settings(), chosen, entry)) is not None]
    cap = min(limits, default=None)
    return Overview(
        chosen, tuple(Listed(entry, state) for (_, entry), state in zip(listed, states, strict=True)), settings().models,
        today, cost.total(one for at, one in days if at >= first_of_month), tuple(of_today), tuple(of_month),
        tuple((at, one) for at, one in reversed(days) if at >= first_shown and one.calls), cap, held_back=cap is not None and held > cap,
        thrifty=cap is not None and today.micros > chain.THRIFTY * cap, pages=pages,
    )  # fmt: skip


async def _changed(session: Session, tenant_id: UUID, actor: str, **changes: Unpack[Changes]) -> Choice:
    made = await choice.choose(session, tenant_id, settings(), **changes)
    details = {"chain": list(made.chain), "keys": made.shown_keys, "base": made.base, "cap_micros": made.cap_micros}
    await audit.note(session, tenant_id, actor, "models.changed", str(tenant_id), details)
    return made


async def _locked(session: Session, tenant_id: UUID) -> None:
    """Two members who change the chain at once do so one after the other."""
    if await first(session, "SELECT 1 FROM tenants WHERE id = %s FOR NO KEY UPDATE", (tenant_id,)) is None:
        raise NotFound(f"There is no company {tenant_id}.")


async def _shown_chain(session: Session) -> list[str]:
    return [name for name, _ in choice.listed(settings(), await choice.chosen(session))]


async def _timezone(session: Session, tenant_id: UUID) -> str:
    row = await first(session, "SELECT profile->>'timezone' AS timezone FROM tenants WHERE id = %s", (tenant_id,))
    if row is None:
        raise NotFound(f"There is no company {tenant_id}.")
    return row["timezone"] or ""


async def _pages(session: Session) -> tuple[str, ...]:
    row = await first(session, "SELECT profile->'allowed_pages' AS pages FROM tenants")
    return tuple(str(one) for one in (row and row["pages"]) or ())
