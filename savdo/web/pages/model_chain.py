"""Set-up: the models that write answers, in their order; keys, the daily cap, what was spent, and what models may open and send."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from savdo import audit
from savdo.ai import chain
from savdo.ai.choice import PROVIDERS
from savdo.base import texts
from savdo.base.db import rows, step
from savdo.base.errors import Invalid
from savdo.base.settings import settings
from savdo.knowledge import whole
from savdo.operations import tenant_models
from savdo.operations.tenant_models import Listed, Overview
from savdo.web import format as show
from savdo.web import page
from savdo.web.page import Configurer

HERE: Final = "/setup/models"
# How each state looks (the tags of app.css).
LOOKS: Final[Mapping[str, str]] = {"working": "ready", "failing": "failed", "resting": "queued", "unasked": "plain", "keyless": "failed"}
DEAREST_CAP: Final = 100_000
MOST_FILES_LISTED: Final = 200
Model = Annotated[str, Form(max_length=200)]
Key = Annotated[str, Form(max_length=1000)]

router = APIRouter(include_in_schema=False)


@router.get(HERE)
async def shown(request: Request, actor: Configurer) -> Response:
    return await _page(request, actor)


@router.post(HERE)
async def add(
    request: Request,
    actor: Configurer,
    provider: Model = "",
    name: Model = "",
    key: Key = "",
    base: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    try:
        await tenant_models.add(actor.tenant_id, actor.note, provider, name, key=key, base=base)
    except Invalid as wrong:
        return await _page(request, actor, form={"provider": provider, "name": name, "base": base}, wrong=wrong.field or "", status=422)
    return page.go(request, HERE, flash="models.added")


@router.post(HERE + "/move")
async def move(request: Request, actor: Configurer, model: Model, places: Annotated[int, Form(ge=-1, le=1)]) -> Response:
    await tenant_models.move(actor.tenant_id, actor.note, model, places)
    return page.go(request, HERE, flash="setup.saved")


@router.post(HERE + "/remove")
async def remove(request: Request, actor: Configurer, model: Model) -> Response:
    await tenant_models.remove(actor.tenant_id, actor.note, model)
    return page.go(request, HERE, flash="models.removed")


@router.post(HERE + "/installed")
async def use_installed(request: Request, actor: Configurer) -> Response:
    """Back to the chain of the installation."""
    await tenant_models.change(actor.tenant_id, actor.note, chain=[])
    return page.go(request, HERE, flash="setup.saved")


@router.post(HERE + "/test")
async def try_out(request: Request, actor: Configurer, model: Model) -> Response:
    """One small call to a model; what came of it, in words."""
    try:
        answered = await tenant_models.try_out(actor.tenant_id, actor.note, model)
    except chain.PASSED_BY as error:
        problem = show.problem(error.message, actor.language)
        return await _page(request, actor, trouble=texts.t("models.test_failed", actor.language, model=model, problem=problem))
    cost = show.money(answered.cost_micros, "USD", actor.language)
    seconds = show.number(round(answered.ms / 1000, 1), actor.language)
    return await _page(request, actor, told=texts.t("models.test_ok", actor.language, model=model, seconds=seconds, money=cost))


@router.post(HERE + "/keys")
async def replace_key(request: Request, actor: Configurer, provider: Model, key: Key = "") -> Response:
    if key.strip():
        await tenant_models.change(actor.tenant_id, actor.note, keys={provider: key})
    return page.go(request, HERE, flash="setup.saved")


@router.post(HERE + "/keys/remove")
async def remove_key(request: Request, actor: Configurer, provider: Model) -> Response:
    await tenant_models.forget_key(actor.tenant_id, actor.note, provider)
    return page.go(request, HERE, flash="models.removed")


@router.post(HERE + "/cap")
async def save_cap(request: Request, actor: Configurer, cap: Annotated[str, Form(max_length=40)] = "") -> Response:
    dollars = _dollars(cap)
    if dollars is None:
        return await _page(request, actor, form={"cap": cap}, wrong="cap", status=422)
    await tenant_models.change(actor.tenant_id, actor.note, cap_usd=dollars)
    return page.go(request, HERE, flash="setup.saved")


@router.post(HERE + "/pages")
async def save_pages(request: Request, actor: Configurer, pages: Annotated[str, Form(max_length=10_000)] = "") -> Response:
    try:
        await tenant_models.allow_pages(actor.tenant_id, actor.note, pages.splitlines())
    except Invalid:
        return await _page(request, actor, form={"pages": pages}, wrong="pages", status=422)
    return page.go(request, HERE, flash="setup.saved")


@router.post(HERE + "/files")
async def allow_file(request: Request, actor: Configurer, document: Annotated[UUID, Form()], allowed: Annotated[bool, Form()]) -> Response:
    """Whether the bot may send a file of the knowledge."""
    async with step(actor.tenant_id) as session:
        await whole.set_shareable(session, document, allowed)
        await audit.note(session, actor.tenant_id, actor.note, "document.shareable", str(document), {"allowed": allowed})
    return page.go(request, f"{HERE}#files", flash="setup.saved")


async def _page(
    request: Request,
    actor: page.Actor,
    *,
    form: Mapping[str, str] | None = None,
    wrong: str = "",
    told: str = "",
    trouble: str = "",
    status: int = 200,
) -> Response:
    found = await tenant_models.overview(actor.tenant_id)
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        sent = await whole.shareable(session)
        unsent = await rows(
            session,
            """SELECT id, name FROM documents WHERE NOT shareable AND kind = 'file' AND status = 'ready'
                ORDER BY updated_at DESC, id DESC LIMIT %s""",
            (MOST_FILES_LISTED,),
        )
    cap = "" if found.choice.cap_micros is None else f"{found.choice.cap_micros / 1_000_000:g}"
    usual = {"provider": "anthropic", "name": "", "base": found.choice.base, "cap": cap, "pages": "\n".join(found.pages)}
    return page.render(
        request, "setup/models.html", status=status, found=found, models=[_model(actor, found, one) for one in found.listed],
        keys=_keys(found), form={**usual, **(form or {})}, wrong=wrong, told=told, trouble=trouble, sent=sent, unsent=unsent,
        all_down=bool(found.models) and all(one.problem for one in found.models),
        installed_cap=round(settings().model_daily_usd * 1_000_000),
        providers={one: show.provider(one, actor.language) for one in PROVIDERS},
        periods=(("today", found.today, found.today_by_model), ("month", found.month, found.month_by_model)),
        more_files=len(sent) < whole.MOST_FILES, days_listed=tenant_models.DAYS_LISTED,
    )  # fmt: skip


def _model(actor: page.Actor, found: Overview, one: Listed) -> dict[str, Any]:
    """A model of the chain as its row shows it."""
    provider, _, name = one.name.partition(":")
    state = _state(one)
    return {
        "full": one.name, "name": name, "provider": show.provider(provider, actor.language), "state": state, "look": LOOKS[state],
        "paid": _paid(actor, found, one), "problem": show.problem(one.state.problem, actor.language), "calls": one.state.calls,
        "failures": one.state.failures, "last_at": one.state.last_at, "resting_until": one.state.resting_until,
        "seconds": round(one.state.median_ms / 1000, 1),
    }  # fmt: skip


def _state(one: Listed) -> str:
    if one.entry is None:
        return "keyless"
    if one.state.resting:
        return "resting"
    if one.state.problem:
        return "failing"
    return "working" if one.state.calls else "unasked"


def _paid(actor: page.Actor, found: Overview, one: Listed) -> str:
    """Whose key and money a model is asked with."""
    if one.entry is None:
        return ""
    if not one.entry.own:
        return texts.t("models.paid_installed", actor.language)
    end = found.choice.shown_keys.get(one.entry.provider, "")
    return texts.t("models.paid_own", actor.language, end=end) if end else texts.t("models.paid_server", actor.language)


def _keys(found: Overview) -> list[dict[str, Any]]:
    """Each key by its end, with the models that go when it does."""
    return [
        {
            "provider": provider, "end": end,
            "models": [one for one in found.choice.chain if one.startswith(f"{provider}:") and one not in found.installed],
        }
        for provider, end in found.choice.shown_keys.items()
    ]  # fmt: skip


def _dollars(text: str) -> float | None:
    """ "2,50" → 2.5, -1 for nothing (the installation's own cap), None for what is no amount."""
    if not text.strip():
        return -1
    try:
        amount = Decimal(text.strip().lstrip("$").replace(",", ".").replace("\xa0", ""))
    except InvalidOperation:
        return None
    return float(amount) if amount.is_finite() and 0 <= amount <= DEAREST_CAP else None
