"""A customer says goodbye for good, and comes back: what the bot may write, who is called, what members see."""

import pytest

from savdo.base import db, jobs
from savdo.channels.models import Connection, Inbound, Sender
from savdo.channels.sandbox import Sandbox
from savdo.reply import turn
from tests.journeys.conftest import Says, all_of, settled, working


async def consents(connection: Connection) -> list[str | None]:
    """Of every message of the customer: what it said of being written to."""
    return [row["payload"].get("consent") for row in await all_of(connection.tenant_id, "messages") if row["direction"] == "in"]


async def standing(connection: Connection) -> tuple[bool, str]:
    """(opted out, status)."""
    [contact], [talk] = await all_of(connection.tenant_id, "contacts"), await all_of(connection.tenant_id, "conversations")
    return contact["opted_out_at"] is not None, talk["status"]


async def calls(connection: Connection) -> list[tuple[str, str]]:
    async with db.step(connection.tenant_id) as session:
        found = await db.rows(session, "SELECT reason, summary FROM handovers WHERE ended_at IS NULL")
    return [(row["reason"], row["summary"]) for row in found]


@pytest.mark.parametrize("where", ["a person talks", "the road does not answer", "another app leads"])
async def test_that_a_goodbye_which_no_turn_reads_is_kept_without_a_word(
    connection: Connection, sandbox: Sandbox, says: Says, where: str
) -> None:
    async with db.step(connection.tenant_id) as session:
        if where == "the road does not answer":
            await session.execute("UPDATE connections SET settings = settings || '{\"answer_messages\": false}'")
    await says("Salom")
    async with db.step(connection.tenant_id) as session:
        if where == "a person talks":
            await session.execute("UPDATE conversations SET status = 'human', answered_number = inbound_number")
    inbound = Inbound("message", "bye", "42", Sender("42"), text="Больше мне не пишите", standby=where == "another app leads")
    await turn.take(connection, [inbound])
    await jobs.run_waiting()
    assert (await standing(connection))[0]
    assert (sandbox.sent, await consents(connection), await calls(connection)) == ([], [None, "withdrawn"], [])


async def test_that_who_asks_after_a_goodbye_is_left_to_a_person_and_who_returns_is_answered(
    tea_house: Connection, sandbox: Sandbox, says: Says
) -> None:
    await says("Menga boshqa yozmang")
    async with working():
        await settled(tea_house.tenant_id)
        assert (len(sandbox.sent), await standing(tea_house)) == (1, (True, "bot"))
        await says("Rahmat!")
        assert (await standing(tea_house), await calls(tea_house)) == ((True, "bot"), [])
        await says("Sencha choyi necha pul?")
        assert (await standing(tea_house), await calls(tea_house)) == ((True, "handover"), [("opted_out", "Sencha choyi necha pul?")])
        await settled(tea_house.tenant_id)
        assert len(sandbox.sent) == 1
        back = Inbound("message", "back", "42", Sender("42"), text="Yana yozing")
        await turn.take(tea_house, [back])
        await settled(tea_house.tenant_id)
        assert (len(sandbox.sent), (await standing(tea_house))[0]) == (2, False)
        await says("stop")
        await settled(tea_house.tenant_id)
        # What is delivered again a week later is no second return.
        await turn.take(tea_house, [back])
        await settled(tea_house.tenant_id)
    assert (len(sandbox.sent), (await standing(tea_house))[0]) == (3, True)
    assert await consents(tea_house) == ["withdrawn", None, None, "given", "withdrawn"]


async def test_that_a_question_in_the_breath_of_a_goodbye_reaches_a_person(tea_house: Connection, sandbox: Sandbox, says: Says) -> None:
    await says("STOP", "Puer choyi necha pul edi?")
    async with working():
        await settled(tea_house.tenant_id)
    assert await standing(tea_house) == (True, "handover")
    assert [reason for reason, _ in await calls(tea_house)] == ["opted_out"]
    assert len(sandbox.sent) == 1
