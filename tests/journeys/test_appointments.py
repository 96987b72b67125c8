"""A visit is booked by the transaction that writes the reply, by one customer, or not at all; nobody hears of one that is not."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from psycopg.types.json import Jsonb

from savdo.ai.talk import ToolCall
from savdo.appointments.models import Wish
from savdo.base import clock, db
from savdo.base.clock import WEEK
from savdo.channels.models import Connection
from savdo.channels.sandbox import Sandbox
from savdo.conversations import thread
from savdo.reply import record, tools, turn
from savdo.reply.models import Draft, Evidence, Reading, Turn
from savdo.reply.tools import Work
from tests.ai.asking import installed
from tests.emulators.models import Calls
from tests.journeys.conftest import Says

READING = Reading("uz", "latn", "booking", "neutral", False, None, {}, 0.9)
# Open at every hour, so that no test hangs on the hour it runs at.
ALWAYS: dict[str, Any] = {"timezone": "UTC", "working_hours": {day: ["00:00", "24:00"] for day in WEEK}}


@pytest_asyncio.fixture
async def open_house(connection: Connection, sandbox: Sandbox) -> AsyncGenerator[Connection]:
    """The sandbox connection of a company that is always open, at noon: tomorrow is the same day all through a test."""
    clock.move(datetime.combine(clock.now().date(), time(12), UTC) - clock.now())
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE tenants SET profile = profile || %s", (Jsonb(ALWAYS),))
    yield connection
    clock.reset()


def tomorrow(hour: int) -> datetime:
    return datetime.combine(clock.now().date() + timedelta(days=1), time(), UTC) + timedelta(hours=hour)


async def talks(connection: Connection) -> list[UUID]:
    async with db.step(connection.tenant_id) as session:
        return [row["id"] for row in await db.rows(session, "SELECT id FROM conversations ORDER BY id")]


async def loaded(connection: Connection, conversation: UUID) -> Turn:
    found = (await record.begin(connection.tenant_id, conversation)).turn
    assert found is not None
    return found


async def booked(connection: Connection) -> list[datetime]:
    async with db.step(connection.tenant_id) as session:
        found = await db.rows(session, "SELECT starts_at FROM appointments WHERE status = 'booked' ORDER BY starts_at")
    return [row["starts_at"].astimezone(UTC) for row in found]


async def test_that_of_two_customers_who_want_one_hour_at_once_one_has_it_and_the_other_hears_what_is_free(
    open_house: Connection, sandbox: Sandbox, says: Says
) -> None:
    for customer in ("1", "2"):
        await says("Ertaga soat 15:00 ga yozib qo'ying", thread=customer)
    both = await talks(open_house)
    await asyncio.gather(*(turn.answer(tenant_id=str(open_house.tenant_id), conversation_id=str(one)) for one in both))
    assert await booked(open_house) == [tomorrow(15)]
    has, has_not = sorted((sent.text for sent in sandbox.sent), key=lambda text: "band" in text)
    assert "ozib qo‘ydim: ertaga" in has
    assert "band" in has_not
    assert "14:00, 16:00" in has_not


async def test_that_a_time_taken_since_the_answer_was_drafted_is_not_confirmed(
    open_house: Connection, sandbox: Sandbox, says: Says
) -> None:
    for customer in ("1", "2"):
        await says("Ertaga soat 15:00 ga yozib qo'ying", thread=customer)
    first, second = [await loaded(open_house, one) for one in await talks(open_house)]
    draft = Draft("Yozib qo'ydim!", READING, visit=Wish(tomorrow(15), "to look"))
    assert await record.write(first, draft, (), {}) is not None
    written = await record.write(second, draft, (), {})
    assert written is not None
    assert written.claim is not None
    assert "Yozib qo'ydim" not in written.claim.text
    assert "Bo‘sh vaqtlar" in written.claim.text
    assert await booked(open_house) == [tomorrow(15)]


async def test_that_a_dropped_draft_books_nothing(open_house: Connection, sandbox: Sandbox, says: Says) -> None:
    draft = Draft("Yozib qo'ydim!", READING, visit=Wish(tomorrow(15)))
    await says("Ertaga soat 15:00 ga yozib qo'ying", thread="1")
    (wrote_on,) = await talks(open_house)
    outdated = await loaded(open_house, wrote_on)
    await says("Yo'q, indinga", thread="1")
    assert await record.write(outdated, draft, (), {}) is None
    taken = await loaded(open_house, wrote_on)
    async with db.step(open_house.tenant_id) as session:
        await thread.take_over(session, open_house.tenant_id, wrote_on, db.new_id())
    assert await record.write(taken, draft, (), {}) is None
    async with db.step(open_house.tenant_id) as session:
        await session.execute("UPDATE conversations SET status = 'bot'")
        await session.execute("UPDATE contacts SET opted_out_at = now()")
    assert await record.write(taken, draft, (), {}) is None
    assert await booked(open_house) == []


async def test_that_a_model_sees_what_is_free_and_books_with_its_reply(open_house: Connection, sandbox: Sandbox, says: Says) -> None:
    day = f"{tomorrow(0):%Y-%m-%d}"
    wanted = Calls([("free_slots", {"from_day": day, "to_day": day}), ("book_visit", {"day": day, "time": "15:00", "note": "to taste"})])
    async with installed("openai:gpt-4o-mini") as models:
        said = "Sizni ertaga soat 15:00 ga yozib qo'ydim."
        models.script = [wanted, {"reply": said, "language": "uz", "intent": "booking", "cited": []}]
        await says("Ertaga soat 15:00 ga yozib qo'ying")
        (conversation,) = await talks(open_house)
        await turn.answer(tenant_id=str(open_house.tenant_id), conversation_id=str(conversation))
        shown = str(models.asked[1]["messages"])
    assert [sent.text for sent in sandbox.sent] == [said]
    assert f"{tomorrow(0):%Y-%m-%d %A} 00:00, 01:00" in shown
    assert await booked(open_house) == [tomorrow(15)]
    async with db.step(open_house.tenant_id) as session:
        row = await db.first(session, "SELECT note, ends_at - starts_at AS length FROM appointments")
    assert row == {"note": "to taste", "length": timedelta(hours=1)}


async def test_that_the_tool_refuses_what_is_not_free_and_says_what_is(open_house: Connection, sandbox: Sandbox, says: Says) -> None:
    await says("Ertaga soat 15:00 ga yozib qo'ying", thread="1")
    await says("Ertaga kelsam bo'ladimi?", thread="2")
    first, second = [await loaded(open_house, one) for one in await talks(open_house)]
    assert await record.write(first, Draft("!", READING, visit=Wish(tomorrow(15))), (), {}) is not None
    work = Work(second, [], Evidence((), (), second.profile, ()))
    day = f"{tomorrow(0):%Y-%m-%d}"

    async def asked(**given: str) -> str:
        return (await tools.carry_out(work, ToolCall("1", "book_visit", dict(given)))).text

    assert await asked(day=day, time="15:30", note="") == (
        f"Not done: This time is taken. Free: {tomorrow(0):%Y-%m-%d %A} 14:00, 16:00, 17:00"
    )
    assert (await asked(day="2020-01-01", time="10:00", note="")).startswith("Not done: This time is over.")
    assert (await asked(day="tomorrow", time="10:00", note="")).startswith("Not done: A day is written")
    assert work.visit is None
    assert work.evidence.tools == ()
    assert "16:00" in await asked(day=day, time="16:00", note="to look")
    assert work.visit == Wish(tomorrow(16), "to look")


def test_that_the_tools_are_offered_where_there_is_a_diary() -> None:
    names = [tool.name for tool in tools.offered((), ALWAYS)]
    assert names[-2:] == ["free_slots", "book_visit"]
    schema = next(tool.parameters for tool in tools.offered((), ALWAYS) if tool.name == "book_visit")
    assert schema["required"] == ["day", "time", "note"]
    assert "book_visit" not in [tool.name for tool in tools.offered((), {**ALWAYS, "visits_at_once": 0})]
