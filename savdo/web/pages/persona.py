"""Persona: how the bot is and behaves, as a draft; what would change, publishing it, and every version that was."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from starlette.datastructures import FormData

from savdo.appointments.models import SETTINGS
from savdo.base import texts
from savdo.base.db import Session, step
from savdo.base.errors import Invalid
from savdo.reply import persona, scenarios
from savdo.web import page
from savdo.web.page import Configurer

Revision = Annotated[int, Form(ge=0)]
LINES = ("forbidden_topics", "handover_rules")

router = APIRouter(include_in_schema=False)


@router.get("/persona")
async def shown(request: Request, actor: Configurer) -> Response:
    return await _page(request, actor)


@router.post("/persona")
async def save(request: Request, actor: Configurer) -> Response:
    form = await request.form()
    typed, revision = _typed(form), str(form.get("revision") or "")
    try:
        async with step(actor.tenant_id) as session:
            await persona.save(session, actor.tenant_id, actor.member.id, typed, revision=int(revision) if revision.isdigit() else -1)
    except Invalid as wrong:
        return await _page(request, actor, typed=typed, wrong=wrong.field or "", status=422)
    except persona.ChangedMeanwhile:
        return await _page(request, actor, typed=typed, overtaken=True, status=409)
    return page.go(request, "/persona", flash="persona.saved")


@router.post("/persona/publish")
async def publish(request: Request, actor: Configurer, revision: Revision = 0) -> Response:
    try:
        async with step(actor.tenant_id) as session:
            await persona.publish(session, actor.tenant_id, actor.member.id, revision=revision)
    except persona.ChangedMeanwhile:
        return await _page(request, actor, overtaken=True, status=409)
    return page.go(request, "/persona", flash="persona.published")


@router.post("/persona/discard")
async def discard(request: Request, actor: Configurer, revision: Revision = 0) -> Response:
    try:
        async with step(actor.tenant_id) as session:
            await persona.discard(session, actor.tenant_id, actor.member.id, revision=revision)
    except persona.ChangedMeanwhile:
        return await _page(request, actor, overtaken=True, status=409)
    return page.go(request, "/persona", flash="persona.discarded")


@router.post("/persona/versions/{number}/restore")
async def restore(request: Request, actor: Configurer, number: int, revision: Revision = 0) -> Response:
    try:
        async with step(actor.tenant_id) as session:
            await persona.restore(session, actor.tenant_id, actor.member.id, number, revision=revision)
    except persona.ChangedMeanwhile:
        return await _page(request, actor, overtaken=True, status=409)
    return page.go(request, "/persona", flash="persona.restored")


@router.get("/persona/gate")
async def gate(request: Request, actor: Configurer) -> Response:
    async with step(actor.tenant_id) as session:
        known = await persona.current(session)
        found = await _gate(session, known)
    return page.render(request, "persona/gate.html", known=known, gate=found)


async def _gate(session: Session, known: persona.Persona) -> dict[str, Any]:
    """What the scenarios say of the draft as it stands: state none (there are no scenarios) | untested | running | failed | done."""
    run = await scenarios.latest(session, "scenarios")
    if run is None or run["revision"] != known.revision:
        return {"state": "untested" if await scenarios.listed(session) else "none", "broken": ()}
    results: list[dict[str, Any]] = run["results"]
    broken = [one["name"] for one in results if one["missed_after"] and not one["missed_before"]]
    return {"state": run["status"], "done": run["done"], "total": run["total"], "broken": broken, **scenarios.tally(results)}


async def _page(
    request: Request,
    actor: page.Actor,
    *,
    typed: Mapping[str, Any] | None = None,
    wrong: str = "",
    overtaken: bool = False,
    status: int = 200,
) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        known = await persona.current(session)
        listed = await persona.versions(session)
        gate = await _gate(session, known)
    saved = known.draft or known.fields
    # What the other saved stands beside what this person typed, field by field.
    theirs = {one.field: _told(actor, one.field, one.before) for one in persona.changes(saved, typed)} if overtaken and typed else {}
    versions = [{**one, "changes": [_change(actor, change) for change in one["changes"]]} for one in listed]
    return page.render(
        request, "persona/page.html", status=status, known=known, form=typed or saved, wrong=wrong, overtaken=overtaken, theirs=theirs,
        changes=[_change(actor, {"field": one.field, "before": one.before, "after": one.after}) for one in known.changes],
        versions=versions, gate=gate, tones=persona.TONES, outside=persona.OUTSIDE, longest=persona.LONGEST,
        visits=SETTINGS,
    )  # fmt: skip


def _typed(form: FormData) -> dict[str, Any]:
    """The form's fields in the shape of `persona.FIELDS`."""
    found: dict[str, Any] = {name: str(form.get(name) or "") for name in persona.FIELDS}
    found["languages"] = [str(one) for one in form.getlist("languages")]
    numbers = {name: str(form.get(name, persona.FIELDS[name])).strip() for name in SETTINGS}
    found |= {name: int(said) if said.isdecimal() else said for name, said in numbers.items()}
    return found | {name: found[name].splitlines() for name in LINES}


def _change(actor: page.Actor, change: Mapping[str, Any]) -> dict[str, str]:
    return {
        "label": texts.t(f"persona.{change['field']}", actor.language),
        "before": _told(actor, change["field"], change["before"]), "after": _told(actor, change["field"], change["after"]),
    }  # fmt: skip


def _told(actor: page.Actor, field: str, value: Any) -> str:
    """A field's value in the reader's words; empty when nothing is said."""
    if field == "languages":
        return ", ".join(page.NAMES[one] for one in value if one in page.NAMES)
    if field in LINES:
        return "\n".join(value)
    key = f"persona.{field}_{value}"
    return texts.t(key, actor.language) if field in ("tone", "outside_hours") and texts.has(key) else str(value)
