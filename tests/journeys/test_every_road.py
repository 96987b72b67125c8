"""The same two days on every kind of road: what customers send is answered, and what has to stop the bot stops it."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb

from savdo.base import db
from savdo.base.settings import settings
from savdo.channels.abilities import Types
from savdo.channels.models import KINDS, channel
from savdo.conversations import outbox
from savdo.knowledge import ingest
from tests.ai.asking import configure, fresh
from tests.emulators import scripted
from tests.emulators.serving import serving
from tests.emulators.speech import Speech
from tests.journeys.conftest import PRICES, settled, until, working
from tests.journeys.roads import ROADS, WAIT_S, Road, road_of

# Beside "STOP", one of each writing.
GOODBYES = ("Больше мне не пишите", "Menga boshqa yozmang", "Менга энди ёзманг", "Маған енді жазбаңыз", "Unsubscribe me please")
# Nobody delivers to the sandbox.
EVERYWHERE = sorted(set(KINDS) - {"sandbox"})


@pytest_asyncio.fixture
async def prices(tenant_id: UUID) -> None:
    """The company has a price list."""
    document_id = await ingest.add(tenant_id, "prices.csv", PRICES.encode())
    await ingest.read(tenant_id=str(tenant_id), document_id=str(document_id))


@pytest_asyncio.fixture(params=EVERYWHERE)
async def road(request: pytest.FixtureRequest, tenant_id: UUID) -> AsyncGenerator[Road]:
    async with road_of(request.param, tenant_id) as found:
        yield found


@pytest_asyncio.fixture
async def speech(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Speech]:
    speech = Speech()
    async with serving(speech) as address:
        monkeypatch.setenv("SAVDO_SPEECH_URL", address)
        monkeypatch.setenv("SAVDO_SPEECH_KEY", "sk-speech")
        settings.cache_clear()
        yield speech
    monkeypatch.undo()
    settings.cache_clear()


@pytest_asyncio.fixture
async def sold(tenant_id: UUID) -> None:
    """Two campaigns, one with a question that lists its answers."""
    asks = {"qualification_questions": ["Choy qanday boʻlsin: barg yoki presslangan?"], "closing": "Qachon kelasiz?"}
    async with db.step(tenant_id) as session:
        for position, (name, flow) in enumerate((("Sencha choyi", {}), ("Puer choyi", asks))):
            await session.execute(
                """INSERT INTO campaigns (tenant_id, id, position, name, price, features, chat_flow)
                   VALUES (%s, %s, %s, %s, '{"amount": 132000, "currency": "UZS"}', '{}', %s)""",
                (tenant_id, db.new_id(), position, name, Jsonb(flow)),
            )


async def answers(road: Road, one: Any) -> list[str]:
    """What a customer was sent, once everything is stored, answered and sent."""
    await road.arrived()
    await settled(road.connection.tenant_id)
    return [text.replace("\u00a0", " ") for text in await road.heard(one)]


async def rows(road: Road, query: Any) -> list[dict[str, Any]]:
    async with db.step(road.connection.tenant_id) as session:
        return await db.rows(session, query)


def test_that_every_road_of_the_table_is_walked() -> None:
    assert sorted(ROADS) == EVERYWHERE


@pytest.mark.usefixtures("prices")
async def test_that_a_burst_a_voice_message_and_a_picture_are_answered_and_a_wait_is_kept(road: Road, speech: Speech) -> None:
    in_burst, speaking, showing, waiting, *_ = road.people
    for text in ("Salom", "menga choy kerak edi", "Puer necha pul?"):
        road.says(in_burst, text)
    road.speaks(speaking)
    road.shows(showing, "Shu choynak bormi?")
    await road.arrived()
    async with working():
        [answer] = await answers(road, in_burst)
        assert "132 000" in answer
        # The sound was decoded over there, and what it says was answered.
        [(_, _, _, seconds, _)] = speech.heard
        assert seconds == pytest.approx(0.3, abs=0.1)
        assert "84 000" in (await answers(road, speaking))[0]
        assert len(await answers(road, showing)) == 1
        await until(lambda: _kept(road))
        if road.befalls:
            road.befalls.floods()
        road.says(waiting, "Sencha choyi necha pul?")
        [answer] = await answers(road, waiting)
    assert "84 000" in answer
    assert road.befalls is None or road.befalls.waited() >= WAIT_S
    # What was sent comes back on most roads, and is no person's.
    await road.arrived()
    assert await rows(road, "SELECT 1 FROM messages WHERE author = 'member'") == []


async def test_that_a_goodbye_and_a_person_who_answers_silence_the_bot(road: Road) -> None:
    talking, leaving, going, *_ = road.people
    road.says(leaving, "STOP")
    road.says(going, GOODBYES[EVERYWHERE.index(road.connection.channel) % len(GOODBYES)])
    if road.person_answers:
        road.says(talking, "Sencha choyi necha pul?")
        road.person_answers(talking, "84 ming, keling")
        road.says(talking, "Rahmat, yana Puer bormi?")
    await road.arrived()
    async with working():
        assert await answers(road, talking) == []
        goodbye = await answers(road, leaving)
        road.says(leaving, "Sencha choyi necha pul?")
        assert await answers(road, leaving) == goodbye
    assert (len(goodbye), len(await road.heard(going))) == (1, 1)
    assert len(await rows(road, "SELECT 1 FROM contacts WHERE opted_out_at IS NOT NULL")) == 2
    # Nobody is written to, and the question is not lost.
    assert await rows(road, "SELECT reason FROM handovers WHERE reason <> 'member'") == [{"reason": "opted_out"}]


@pytest.mark.parametrize("road", sorted(set(EVERYWHERE) - {"web_chat"}), indirect=True)
async def test_that_a_block_is_noted_and_a_lost_connection_keeps_its_answers_for_the_next(road: Road) -> None:
    gone, patient, *_ = road.people
    assert road.befalls is not None
    road.befalls.blocks(gone)
    road.says(gone, "Sencha choyi necha pul?")
    await road.arrived()
    async with working():
        assert await answers(road, gone) == []
    assert len(await rows(road, "SELECT 1 FROM conversations WHERE blocked_at IS NOT NULL")) == 1
    road.says(patient, "Sencha choyi necha pul?")
    await road.arrived()
    road.befalls.ends()
    async with working():
        await until(lambda: _waits(road))
        await road.befalls.mends()
        async with db.step(road.connection.tenant_id) as session:
            await session.execute("UPDATE messages SET claimed_at = claimed_at - interval '1 minute' WHERE status = 'queued'")
        await outbox.sweep()
        assert len(await answers(road, patient)) == 1
    assert [one["status"] for one in await rows(road, "SELECT status FROM connections")] == ["active"]


@pytest.mark.usefixtures("sold")
async def test_that_buttons_are_offered_pressed_and_answered(road: Road) -> None:
    one, *_ = road.people
    pressed = ("Puer choyi", "Presslangan", "Operator chaqirish")
    async with working():
        road.says(one, "Assalomu alaykum")
        await answers(road, one)
        road.presses(one, pressed[0])
        asked = (await answers(road, one))[-1]
        assert "132 000" in asked
        assert "barg yoki presslangan?" in asked
        road.presses(one, pressed[1])
        assert "Qachon kelasiz?" in (await answers(road, one))[-1]
        road.says(one, "Sizda ISO 27001 sertifikati bormi?")
        await answers(road, one)
        road.presses(one, pressed[2])
        assert len(await answers(road, one)) == 5
    assert [row["reason"] for row in await rows(road, "SELECT reason FROM handovers")] == ["keyword"]
    said = await rows(road, "SELECT text, payload FROM messages WHERE author = 'contact' ORDER BY number")
    # Where a channel has no buttons their words are typed.
    typed = road.connection.channel in ("telegram_userbot", "waha")
    assert [(row["text"], "quick_reply" in row["payload"]) for row in said if row["text"] in pressed] == [
        (one, not typed) for one in pressed
    ]


@pytest.mark.usefixtures("prices")
@pytest.mark.parametrize("road", [kind for kind in EVERYWHERE if isinstance(channel(kind), Types)], indirect=True)
async def test_that_a_customer_sees_that_a_slow_answer_is_being_written(road: Road) -> None:
    one, typed = road.people[0], road.typed
    assert typed is not None

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await until(lambda: _true(typed(one) > 0))
        await scripted.app(scope, receive, send)

    with fresh() as patch:
        async with serving(slow) as address:
            configure(patch, scripted.NAME, {"compatible": address}, model_timeout_s="60", model_turn_s="120")
            road.says(one, "Puer choyi necha pul?")
            async with working():
                [answer] = await answers(road, one)
    assert "132000" in answer


async def _true(value: bool) -> bool:
    return value


async def _kept(road: Road) -> bool:
    found = await rows(road, "SELECT payload->'attachments'->0->>'mime' AS mime FROM messages WHERE kind = 'image'")
    return [one["mime"] for one in found] == ["image/png"]


async def _waits(road: Road) -> bool:
    """The connection is shown as lost, and the answer waits for the next one."""
    [connection] = await rows(road, "SELECT status, problem FROM connections")
    waiting = await rows(road, "SELECT status FROM messages WHERE status IN ('queued', 'sending')")
    assert road.befalls is not None
    return (connection["status"], bool(connection["problem"]), [one["status"] for one in waiting]) == (
        "reconnect",
        True,
        [road.befalls.kept],
    )
