"""Scenarios: conversations with what is expected of them, and what a draft of the persona would make of them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from savdo import audit
from savdo.base.db import Session, step
from savdo.base.errors import Invalid
from savdo.conversations import thread
from savdo.reply import scenarios
from savdo.web import page
from savdo.web.page import Configurer

KINDS = ("scenarios", "replay")

router = APIRouter(include_in_schema=False)


@router.get("/persona/scenarios")
async def listed(request: Request, actor: Configurer) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        found, runs = await scenarios.listed(session), await _runs(session)
    return page.render(request, "scenarios/page.html", scenarios=found, runs=runs, replayed=scenarios.REPLAYED)


@router.get("/persona/runs")
async def runs(request: Request, actor: Configurer) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        found = await _runs(session)
    return page.render(request, "scenarios/runs.html", runs=found)


@router.post("/persona/runs")
async def begin(
    request: Request,
    actor: Configurer,
    kind: Annotated[Literal["scenarios", "replay"], Form()] = "scenarios",
    latest: Annotated[int, Form()] = 20,
    back: Annotated[str, Form()] = "",
) -> Response:
    if latest not in scenarios.REPLAYED:
        raise Invalid(f"One of {', '.join(map(str, scenarios.REPLAYED))} conversations.", field="latest")
    place = "/persona" if back == "persona" else "/persona/scenarios"
    try:
        async with step(actor.tenant_id) as session:
            await scenarios.start(session, actor.tenant_id, actor.member.id, kind, latest)
    except Invalid:
        return page.go(request, place, flash="scenarios.nothing_to_run")
    return page.go(request, place)


@router.get("/persona/scenarios/new")
async def new(request: Request, actor: Configurer) -> Response:
    return await _form(request, actor, None, {"name": "", "turns": [], "expect": {}})


@router.get("/persona/scenarios/{scenario_id}")
async def edit(request: Request, actor: Configurer, scenario_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        found = await scenarios.one(session, scenario_id)
    return await _form(request, actor, scenario_id, found)


@router.post("/persona/scenarios/new")
async def add(request: Request, actor: Configurer) -> Response:
    return await _save(request, actor, None)


@router.post("/persona/scenarios/{scenario_id}")
async def change(request: Request, actor: Configurer, scenario_id: UUID) -> Response:
    return await _save(request, actor, scenario_id)


@router.post("/persona/scenarios/{scenario_id}/delete")
async def delete(request: Request, actor: Configurer, scenario_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        await scenarios.remove(session, scenario_id)
        await audit.note(session, actor.tenant_id, actor.note, "scenario.deleted", str(scenario_id))
    return page.go(request, "/persona/scenarios", flash="scenarios.deleted")


@router.post("/persona/scenarios/record/{conversation_id}")
async def record(request: Request, actor: Configurer, conversation_id: UUID) -> Response:
    """A real conversation becomes a scenario, to be looked over before it is kept for long."""
    async with step(actor.tenant_id) as session:
        talk = await thread.one(session, conversation_id)
        name = f"{talk['contact_name'] or '—'} · {talk['last_message_at']:%Y-%m-%d}"[:120]
        made = await scenarios.record(session, actor.tenant_id, conversation_id, name)
    return page.go(request, f"/persona/scenarios/{made}", flash="scenarios.recorded")


async def _save(request: Request, actor: page.Actor, scenario_id: UUID | None) -> Response:
    form = {name: str(value) for name, value in (await request.form()).items()}
    turns, expect = form.get("turns", "").splitlines(), _expect(form)
    try:
        async with step(actor.tenant_id) as session:
            made = await scenarios.save(session, actor.tenant_id, scenario_id, form.get("name", ""), turns, expect)
            await audit.note(session, actor.tenant_id, actor.note, "scenario.saved", str(made))
    except Invalid as wrong:
        typed = {"name": form.get("name", ""), "turns": turns, "expect": expect}
        return await _form(request, actor, scenario_id, typed, wrong=wrong.field or "", status=422)
    return page.go(request, "/persona/scenarios", flash="scenarios.saved")


def _expect(form: Mapping[str, str]) -> dict[str, Any]:
    """The form's fields as `expected.missed` takes them; handover left out where either is right."""
    found: dict[str, Any] = {name: form.get(name, "").splitlines() for name in ("say", "never_say")}
    found["language"] = form.get("language", "")
    if form.get("handover") in ("yes", "no"):
        found["handover"] = 0 if form["handover"] == "yes" else None
    if fact := form.get("fact"):
        found["lead"] = {fact: form.get("fact_value", "")}
    return found


async def _form(
    request: Request, actor: page.Actor, scenario_id: UUID | None, scenario: Mapping[str, Any], *, wrong: str = "", status: int = 200
) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
    expect: Mapping[str, Any] = scenario["expect"]
    called = "either" if "handover" not in expect else "no" if expect["handover"] is None else "yes"
    fact, value = next(iter((expect.get("lead") or {}).items()), ("", ""))
    return page.render(
        request, "scenarios/form.html", status=status, scenario_id=scenario_id, scenario=scenario, called=called, fact=fact,
        fact_value=value, facts_offered=scenarios.FACTS, wrong=wrong,
    )  # fmt: skip


async def _runs(session: Session) -> list[dict[str, Any]]:
    """The latest run of each kind, newest first, with how many passed; what broke and what differs first."""
    found = [run for kind in KINDS if (run := await scenarios.latest(session, kind))]
    told = [{**run, "tally": scenarios.tally(run["results"]), "results": sorted(run["results"], key=_weight)} for run in found]
    return sorted(told, key=lambda run: run["id"], reverse=True)


def _weight(result: Mapping[str, Any]) -> tuple[bool, bool, bool]:
    fails = bool(result["missed_after"])
    return (not fails or bool(result["missed_before"]), not fails, not any(one["differs"] for one in result["turns"]))
