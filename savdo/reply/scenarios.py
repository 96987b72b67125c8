"""Scenarios: conversations with what is expected of them, and runs that try a draft of the persona before customers meet it.

A run rehearses every conversation twice, with the persona of now and with the draft, so that what differs is the draft's.
It is a job that stores each result as it comes, and goes on where it stopped.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo.base import live
from savdo.base.db import Session, first, new_id, rows, step
from savdo.base.errors import Invalid, NotFound
from savdo.base.jobs import job
from savdo.base.redaction import clean
from savdo.reply import expected, persona, rehearsal
from savdo.reply.persona import LANGUAGES

MOST_SCENARIOS, MOST_TURNS, LONGEST_TURN, MOST_WISHES = 100, 20, 1000, 20
# How many of the latest conversations may be replayed.
REPLAYED: Final = (10, 20, 50, 100)
# Facts of a lead a scenario may ask for.
FACTS: Final = ("name", "phone", "email", "timeline", "company", "quantity")


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation of a run: the customer's turns and what is expected, as `expected.missed` has it."""

    name: str
    turns: tuple[str, ...]
    expect: Mapping[str, Any]
    scenario_id: str = ""


async def listed(session: Session) -> list[DictRow]:
    return await rows(session, "SELECT id, name, turns, expect FROM scenarios ORDER BY name, id")


async def one(session: Session, scenario_id: UUID) -> DictRow:
    found = await first(session, "SELECT id, name, turns, expect FROM scenarios WHERE id = %s", (scenario_id,))
    if found is None:
        raise NotFound
    return found


async def save(
    session: Session, tenant_id: UUID, scenario_id: UUID | None, name: str, turns: Sequence[str], expect: Mapping[str, Any]
) -> UUID:
    """Keeps a new scenario, or a changed one. Raises Invalid naming the field, NotFound."""
    said, wanted = checked(turns, expect)
    if not name.strip() or len(name) > 120:
        raise Invalid("A name of at most 120 characters is needed.", field="name")
    if scenario_id is not None:
        await one(session, scenario_id)
    elif len(await listed(session)) >= MOST_SCENARIOS:
        raise Invalid(f"At most {MOST_SCENARIOS} scenarios.", field="name")
    kept = scenario_id or new_id()
    await session.execute(
        """INSERT INTO scenarios (tenant_id, id, name, turns, expect) VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (tenant_id, id) DO UPDATE SET name = EXCLUDED.name, turns = EXCLUDED.turns, expect = EXCLUDED.expect""",
        (tenant_id, kept, " ".join(name.split()), Jsonb(said), Jsonb(wanted)),
    )
    return kept


def checked(turns: Sequence[str], expect: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Turns and expectations as a person wrote them, without what is empty. Raises Invalid naming the field."""
    said = [text.strip() for text in turns if text.strip()]
    if not said or len(said) > MOST_TURNS or any(len(text) > LONGEST_TURN for text in said):
        raise Invalid(f"One to {MOST_TURNS} messages of at most {LONGEST_TURN} characters.", field="turns")
    wanted: dict[str, Any] = {}
    for name in ("say", "never_say"):
        lines = [text.strip() for text in expect.get(name) or () if text.strip()]
        if len(lines) > MOST_WISHES:
            raise Invalid(f"At most {MOST_WISHES} lines.", field=name)
        wanted |= {name: lines} if lines else {}
    if expect.get("language") in LANGUAGES:
        wanted["language"] = expect["language"]
    if "handover" in expect:
        # By the end of it, or never.
        wanted["handover"] = None if expect["handover"] is None else len(said) - 1
    told = {key: str(value).strip() for key, value in (expect.get("lead") or {}).items() if key in FACTS}
    # A quantity is a number among the facts of a lead.
    lead = {key: int(value) if value.isdigit() and key == "quantity" else value for key, value in told.items() if value}
    return said, wanted | ({"lead": lead} if lead else {})


async def remove(session: Session, scenario_id: UUID) -> None:
    await session.execute("DELETE FROM scenarios WHERE id = %s", (scenario_id,))


async def record(session: Session, tenant_id: UUID, conversation_id: UUID, name: str) -> UUID:
    """A scenario of what a customer really said; expected is the language and whether a person was called. Phones and
    addresses are left out. Raises NotFound, Invalid when nothing was said."""
    head = await first(
        session,
        """SELECT language, EXISTS (SELECT 1 FROM handovers h WHERE h.conversation_id = c.id AND h.reason <> 'member') AS called
             FROM conversations c WHERE id = %s""",
        (conversation_id,),
    )
    if head is None:
        raise NotFound
    turns = (await _said(session, conversation_id))[:MOST_TURNS]
    expect = {"language": head["language"], "handover": 0 if head["called"] else None}
    return await save(session, tenant_id, None, name, turns, expect)


async def start(session: Session, tenant_id: UUID, member_id: UUID, kind: str, latest: int = 20) -> UUID:
    """Begins a run of kind scenarios | replay against the draft; a replay is of so many of the `latest` conversations. Raises
    Invalid when there is nothing to run."""
    cases = await _cases(session, kind, latest)
    if not cases:
        raise Invalid("There is nothing to run yet.", field=kind)
    known, run_id = await persona.current(session), new_id()
    await session.execute(
        "INSERT INTO scenario_runs (tenant_id, id, kind, revision, total, started_by) VALUES (%s, %s, %s, %s, %s, %s)",
        (tenant_id, run_id, kind, known.revision, len(cases), member_id),
    )
    await run.later(session, tenant_id=str(tenant_id), run_id=str(run_id))
    return run_id


@job(attempts=3)
async def run(tenant_id: str, run_id: str) -> None:
    """Rehearses what of a run is not done yet. A draft that was changed meanwhile is another one: the run ends as failed."""
    tenant, wanted = UUID(tenant_id), UUID(run_id)
    async with step(tenant) as session:
        row = await first(session, "SELECT kind, done, total, revision FROM scenario_runs WHERE id = %s AND status = 'running'", (wanted,))
        cases = await _cases(session, row["kind"], row["total"]) if row else []
        known = await persona.current(session)
        company = await first(session, "SELECT profile FROM tenants")
    if row is None or company is None:
        return
    now, draft = company["profile"], {**company["profile"], **(known.draft or known.fields)}
    for case in cases[row["done"] :]:
        before = await rehearsal.rehearse(tenant, now, case.turns)
        after = await rehearsal.rehearse(tenant, draft, case.turns) if known.changes else before
        async with step(tenant) as session:
            if (await persona.current(session)).revision != row["revision"]:
                break
            await _keep(session, wanted, _result(case, before, after))
            await live.publish(session, tenant, None, "run")
    async with step(tenant) as session:
        # Whatever was added or taken away meanwhile.
        await session.execute(
            "UPDATE scenario_runs SET status = CASE WHEN done >= least(total, %s) THEN 'done' ELSE 'failed' END WHERE id = %s",
            (len(cases), wanted),
        )
        await live.publish(session, tenant, None, "run")


async def latest(session: Session, kind: str) -> DictRow | None:
    return await first(session, "SELECT * FROM scenario_runs WHERE kind = %s ORDER BY id DESC LIMIT 1", (kind,))


def tally(results: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many conversations passed `before` and `after`, how many the draft `broke` and `mended`, how many answers `differ`."""
    broke = [one for one in results if one["missed_after"] and not one["missed_before"]]
    mended = [one for one in results if one["missed_before"] and not one["missed_after"]]
    return {
        "before": sum(not one["missed_before"] for one in results), "after": sum(not one["missed_after"] for one in results),
        "broke": len(broke), "mended": len(mended), "differ": sum(turn["differs"] for one in results for turn in one["turns"]),
    }  # fmt: skip


def _result(case: Case, before: rehearsal.Rehearsed, after: rehearsal.Rehearsed) -> dict[str, Any]:
    turns = [
        {
            "text": old["text"], "before": old["reply"], "after": new["reply"], "called_before": old["handover"],
            "called_after": new["handover"],
            "differs": (old["reply"], old["handover"]) != (new["reply"], new["handover"]),
        }
        for old, new in zip(before.turns, after.turns, strict=True)
    ]  # fmt: skip
    return {
        "name": case.name, "scenario_id": case.scenario_id, "turns": turns,
        "missed_before": [asdict(one) for one in expected.missed(case.expect, before.turns, before.facts)],
        "missed_after": [asdict(one) for one in expected.missed(case.expect, after.turns, after.facts)],
    }  # fmt: skip


async def _keep(session: Session, run_id: UUID, result: Mapping[str, Any]) -> None:
    await session.execute(
        "UPDATE scenario_runs SET results = results || %s, done = done + 1 WHERE id = %s",
        (Jsonb([result], dumps=lambda value: json.dumps(value, ensure_ascii=False, default=str)), run_id),
    )


async def _cases(session: Session, kind: str, latest: int) -> list[Case]:
    if kind == "scenarios":
        return [Case(row["name"], tuple(row["turns"]), row["expect"], str(row["id"])) for row in await listed(session)]
    talks = await rows(
        session,
        """SELECT c.id, p.name FROM conversations c JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
            WHERE NOT c.is_test AND EXISTS (SELECT 1 FROM messages m WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.id
                                               AND m.author = 'contact' AND m.deleted_at IS NULL AND m.text <> '')
            ORDER BY c.last_message_at DESC, c.id DESC LIMIT %s""",
        (latest,),
    )
    return [Case(row["name"] or "", tuple(await _said(session, row["id"]))[:MOST_TURNS], {}) for row in talks]


async def _said(session: Session, conversation_id: UUID) -> list[str]:
    """The customer's turns: what was said between two answers is one. Without phones and addresses."""
    found = await rows(
        session,
        """SELECT string_agg(m.text, E'\\n' ORDER BY m.number) AS text FROM messages m
             LEFT JOIN turns t ON t.tenant_id = m.tenant_id AND t.conversation_id = m.conversation_id
                                  AND m.number BETWEEN t.first_number AND t.last_number
            WHERE m.conversation_id = %s AND m.author = 'contact' AND m.deleted_at IS NULL AND m.text <> ''
            GROUP BY coalesce(t.last_number, m.number) ORDER BY min(m.number)""",
        (conversation_id,),
    )
    return [clean(row["text"])[:LONGEST_TURN] for row in found]
