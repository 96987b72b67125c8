"""The persona: drafts that change nothing, versions with their differences, two people at once, and that it really acts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from savdo.accounts import access
from savdo.base import db
from savdo.base.errors import Invalid
from savdo.reply import behaviour, guard, persona, understand
from savdo.reply.models import Draft, Evidence, Turn
from tests.reply import cast


async def _member(tenant_id: UUID, name: str) -> UUID:
    async with db.step(tenant_id) as session:
        return await access.create_member(
            session, tenant_id, name=name, email=f"{name}-{tenant_id.hex}@p.example", password="correct horse 42", role="owner"
        )


async def _profile(tenant_id: UUID) -> dict[str, object]:
    async with db.step(tenant_id) as session:
        row = await db.first(session, "SELECT profile FROM tenants")
    assert row is not None
    return row["profile"]


async def test_that_a_version_holds_who_changed_what_and_can_be_brought_back(tenant_id: UUID) -> None:
    alice = await _member(tenant_id, "alice")
    async with db.step(tenant_id) as session:
        before = await persona.current(session)
        await persona.save(
            session, tenant_id, alice, {**before.fields, "tone": "professional", "forbidden_topics": [" politics ", ""]}, revision=0
        )
    assert (await _profile(tenant_id))["tone"] == "friendly"
    async with db.step(tenant_id) as session:
        drafted = await persona.current(session)
        assert (drafted.drafted_by, [one.field for one in drafted.changes]) == ("alice", ["tone", "forbidden_topics"])
        assert await persona.publish(session, tenant_id, alice, revision=drafted.revision) == 2
    profile = await _profile(tenant_id)
    assert (profile["tone"], profile["forbidden_topics"], profile["working_hours"] is not None) == ("professional", ["politics"], True)
    async with db.step(tenant_id) as session:
        known = await persona.current(session)
        await persona.restore(session, tenant_id, alice, 1, revision=known.revision)
        newest, second, first = await persona.versions(session)
    assert (newest["number"], newest["restored"], newest["author"], first["author"]) == (3, 1, "alice", None)
    assert second["changes"][0] == {"field": "tone", "before": "friendly", "after": "professional"}
    assert ((await _profile(tenant_id))["tone"], (await _profile(tenant_id))["forbidden_topics"]) == ("friendly", [])


async def test_that_the_second_of_two_who_save_is_told(tenant_id: UUID) -> None:
    alice, bob = await _member(tenant_id, "alice"), await _member(tenant_id, "bob")
    async with db.step(tenant_id) as session:
        seen = await persona.current(session)
        await persona.save(session, tenant_id, alice, {**seen.fields, "name": "Alice's"}, revision=seen.revision)
        await persona.discard(session, tenant_id, alice, revision=seen.revision + 1)
    # Whatever became of the other's draft: this person saw an older one.
    with pytest.raises(persona.ChangedMeanwhile):
        async with db.step(tenant_id) as session:
            await persona.save(session, tenant_id, bob, {**seen.fields, "name": "Bob's"}, revision=seen.revision)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("languages", ["xx"]),
        ("custom_instructions", "a" * 2001),
        ("handover_rules", ["a", "b" * 121]),
        ("visit_minutes", "soon"),
        ("visit_minutes", 4),
        ("visits_at_once", -1),
        ("visit_days_ahead", ""),
        ("visit_notice_hours", 169),
    ],
)
def test_that_a_wrong_field_is_named(field: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        persona.checked({**persona.FIELDS, "name": "Velo", field: value})
    assert refused.value.field == field


SUNDAY, MONDAY = datetime(2026, 5, 10, 8, tzinfo=UTC), datetime(2026, 5, 11, 8, tzinfo=UTC)


def _turn(text: str, now: datetime = MONDAY, **profile: object) -> Turn:
    made = cast.turn(text)
    return replace(made, now=now, profile={**made.profile, **profile})


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Что вы думаете о политике?", "политика"),
        ("What about your competitors?", "competitor"),
        ("Siyosat haqida nima deysiz?", "siyosat"),
    ],
)
def test_that_a_forbidden_topic_is_not_spoken_of(text: str, topic: str) -> None:
    turn = _turn(text, forbidden_topics=[topic])
    refused = behaviour.instead(turn, understand.read(turn))
    assert refused is not None
    assert "Velo Dunyo" in refused.text
    assert behaviour.instead(_turn("Сколько стоит велосипед?", forbidden_topics=[topic]), understand.read(turn)) is None
    evidence = Evidence((), (), turn.profile, ())
    assert [one.kind for one in guard.check(f"{topic}!", "ru", evidence) if one.detail == topic] == ["persona"]


def test_that_a_person_is_called_at_the_words_that_ask_for_one() -> None:
    turn = _turn("Нужна оптовая цена", handover_rules=["опт", "оптовый"])
    reading = understand.read(turn)
    assert behaviour.applied(turn, Draft("Ответ.", reading)).handover == "keyword"
    assert behaviour.applied(_turn("Нужна цена", handover_rules=["оптовый"]), Draft("Ответ.", reading)).handover is None


def test_that_outside_hours_the_customer_hears_when_people_are_back() -> None:
    closed = _turn("Сколько стоит велосипед?", SUNDAY, outside_hours="wait")
    waiting = behaviour.instead(closed, understand.read(closed))
    assert waiting is not None
    assert ("09:00–19:00" in waiting.text, waiting.handover) == (True, "low_confidence")
    assert behaviour.instead(replace(closed, now=MONDAY), understand.read(closed)) is None
    telling = replace(closed, profile={**closed.profile, "outside_hours": "tell"})
    called = Draft("Зову коллегу.", understand.read(closed), handover="keyword")
    assert "09:00–19:00" in behaviour.applied(telling, called).text
    assert behaviour.applied(replace(telling, now=MONDAY), called) == called
    assert not behaviour.is_open(closed.profile, MONDAY + timedelta(hours=6))
