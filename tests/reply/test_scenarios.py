"""Scenarios: what a draft of the persona would change is known before a customer meets it, and nothing of a run is real."""

from typing import Any
from uuid import UUID

import pytest

from savdo.accounts import access
from savdo.base import db, jobs
from savdo.base.errors import Invalid
from savdo.channels.models import Connection, Inbound, Sender
from savdo.knowledge import answers
from savdo.reply import expected, persona, scenarios, turn
from tests.web import office

DELIVERY = "How much is delivery?"
POLITICS = "What do you think about politics?"


async def _member(tenant_id: UUID) -> UUID:
    async with db.step(tenant_id) as session:
        return await access.create_member(
            session, tenant_id, name="Alice", email=f"a-{tenant_id.hex}@s.example", password="correct horse 42", role="owner"
        )


async def _drafted(tenant_id: UUID, alice: UUID, **fields: Any) -> None:
    async with db.step(tenant_id) as session:
        known = await persona.current(session)
        await persona.save(session, tenant_id, alice, {**known.fields, **fields}, revision=known.revision)


async def _counted(tenant_id: UUID) -> dict[str, int]:
    async with db.step(tenant_id) as session:
        row = await db.first(
            session,
            """SELECT (SELECT count(*) FROM conversations) AS conversations, (SELECT count(*) FROM messages) AS messages,
                      (SELECT count(*) FROM leads) AS leads, (SELECT count(*) FROM turns) AS turns""",
        )
    assert row is not None
    return row


async def _ran(tenant_id: UUID, alice: UUID, kind: str) -> dict[str, Any]:
    async with db.step(tenant_id) as session:
        await scenarios.start(session, tenant_id, alice, kind)
    await jobs.run_waiting()
    async with db.step(tenant_id) as session:
        run = await scenarios.latest(session, kind)
    assert run is not None
    return run


async def test_that_a_run_tells_what_the_draft_breaks_and_touches_nobody(tenant_id: UUID) -> None:
    alice = await _member(tenant_id)
    await answers.add_answer(tenant_id, DELIVERY, "Delivery in Tashkent is 25 000 so'm.")
    await _drafted(tenant_id, alice, forbidden_topics=["delivery"])
    async with db.step(tenant_id) as session:
        await scenarios.save(session, tenant_id, None, "Delivery", [DELIVERY], {"say": ["25 000"], "language": "en"})
        await scenarios.save(session, tenant_id, None, "Hello", ["Hello"], {"never_say": ["discount"], "handover": None})
    run = await _ran(tenant_id, alice, "scenarios")
    assert (run["status"], run["done"], scenarios.tally(run["results"])) == (
        "done", 2, {"before": 2, "after": 1, "broke": 1, "mended": 0, "differ": 1},
    )  # fmt: skip
    (asked,) = run["results"][0]["turns"]
    assert ("25 000" in asked["before"], "25 000" in asked["after"]) == (True, False)
    assert [one["kind"] for one in run["results"][0]["missed_after"]] == ["unsaid"]
    assert await _counted(tenant_id) == {"conversations": 0, "messages": 0, "leads": 0, "turns": 0}


async def test_that_real_conversations_are_recorded_and_replayed_without_their_phones(connection: Connection) -> None:
    tenant_id = connection.tenant_id
    alice = await _member(tenant_id)
    for text in (POLITICS, "Call me, please: +998 90 123 45 67"):
        taken = await turn.take(connection, [Inbound("message", db.new_id().hex, "9", Sender("9", name="Ann"), text=text)])
        await turn.answer(tenant_id=str(tenant_id), conversation_id=str(taken[0].conversation_id))
    await _drafted(tenant_id, alice, forbidden_topics=["politics"])
    before = await _counted(tenant_id)
    async with db.step(tenant_id) as session:
        # Answers wait in the queue of the sandbox; only the run is of interest.
        await session.execute("DELETE FROM procrastinate_jobs")
        conversation = taken[0].conversation_id
        assert conversation is not None
        made = await scenarios.one(session, await scenarios.record(session, tenant_id, conversation, "Ann"))
    assert made["turns"][0] == POLITICS
    assert "123" not in made["turns"][1]
    run = await _ran(tenant_id, alice, "replay")
    assert (run["status"], run["total"], len(run["results"][0]["turns"])) == ("done", 1, 2)
    assert await _counted(tenant_id) == before


async def test_that_as_many_of_the_latest_conversations_are_replayed_as_was_wished(connection: Connection) -> None:
    for number in range(12):
        # A picture without a word cannot be replayed, and takes nobody's place.
        text = "" if number == 11 else f"Hello {number}"
        await turn.take(connection, [Inbound("message", db.new_id().hex, str(number), Sender(str(number)), text=text)])
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(connection.tenant_id, "Alice", "owner"))
        shown = (await browser.get("/persona/scenarios")).text
        refused = await browser.post("/persona/runs", data={"kind": "replay", "latest": "100000"})
        await browser.post("/persona/runs", data={"kind": "replay", "latest": "10"})
    async with db.step(connection.tenant_id) as session:
        # Only the run is of interest.
        await session.execute("DELETE FROM procrastinate_jobs WHERE task_name <> 'reply.scenarios.run'")
    await jobs.run_waiting()
    async with db.step(connection.tenant_id) as session:
        run = await scenarios.latest(session, "replay")
    assert run is not None
    assert (run["status"], run["total"], run["results"][0]["turns"][0]["text"], refused.status_code) == ("done", 10, "Hello 10", 422)
    assert [f"Last {count} conversations" in shown for count in (10, 20, 50, 100)] == [True] * 4


async def test_that_a_run_of_a_draft_that_was_changed_meanwhile_counts_for_nothing(tenant_id: UUID) -> None:
    alice = await _member(tenant_id)
    await _drafted(tenant_id, alice, tone="casual")
    async with db.step(tenant_id) as session:
        await scenarios.save(session, tenant_id, None, "Hello", ["Hello"], {})
        await scenarios.start(session, tenant_id, alice, "scenarios")
    await _drafted(tenant_id, alice, tone="professional")
    await jobs.run_waiting()
    async with db.step(tenant_id) as session:
        run = await scenarios.latest(session, "scenarios")
    assert run is not None
    assert (run["status"], run["results"]) == ("failed", [])


@pytest.mark.parametrize(
    ("turns", "expect", "field"), [([" "], {}, "turns"), (["a"] * 21, {}, "turns"), (["a"], {"say": ["b"] * 21}, "say")]
)
def test_that_a_wrong_scenario_names_its_field(turns: list[str], expect: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        scenarios.checked(turns, expect)
    assert refused.value.field == field


SAID = [{"reply": "Delivery is 25 000 so'm, our courier brings it tomorrow.", "handover": None}, {"reply": "", "handover": "keyword"}]


@pytest.mark.parametrize(
    ("expect", "kinds"),
    [
        ({"say": ["25000"], "never_say": ["discount"], "language": "en", "handover": 1}, []),
        ({"say": ["5 000"], "never_say": ["courier"], "language": "ru", "handover": None}, ["called", "unsaid", "said", "language"]),
        ({"handover": 0, "lead": {"name": "Ann"}}, ["not_called", "lead"]),
    ],
)
def test_that_what_was_not_as_expected_is_told(expect: dict[str, Any], kinds: list[str]) -> None:
    assert [one.kind for one in expected.missed(expect, SAID, {})] == kinds
