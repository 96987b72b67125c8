"""A customer writes, Savdo answers: once, in order, and not when it should be silent."""

import asyncio
from uuid import UUID

import pytest

from savdo.base import db, jobs, telemetry
from savdo.channels.errors import Blocked, Busy, Uncertain
from savdo.channels.models import Connection, Event, Inbound, Sender
from savdo.channels.sandbox import Sandbox
from savdo.conversations import outbox, visitors
from savdo.operations import lifecycle
from savdo.reply import record, turn
from savdo.reply.models import Draft, Reading, Turn
from tests.journeys.conftest import Says, settled, thread, working

READING = Reading("en", "latn", "question_product", "neutral", False, None, {}, 0.9)


async def test_that_a_question_is_answered_from_the_price_list(tea_house: Connection, sandbox: Sandbox, says: Says) -> None:
    await says("Sencha choyi necha pul?")
    async with working():
        await settled(tea_house.tenant_id)
    assert "84 000" in sandbox.sent[0].text.replace("\u00a0", " ")


async def test_that_a_burst_of_five_gets_one_answer(tea_house: Connection, sandbox: Sandbox, says: Says) -> None:
    async with working():
        for text in ("Salom", "menga", "choy kerak edi", "Puer", "necha pul?"):
            await says(text)
            await asyncio.sleep(0.01)
        await settled(tea_house.tenant_id)
    assert len(sandbox.sent) == 1
    assert "132 000" in sandbox.sent[0].text.replace("\u00a0", " ")


async def test_that_the_same_message_thrice_at_once_is_one(connection: Connection, sandbox: Sandbox) -> None:
    inbound = Inbound("message", "same", "42", Sender("42"), text="Hello?")
    taken = await asyncio.gather(*(turn.take(connection, [inbound]) for _ in range(3)))
    assert sorted(one[0].repeat for one in taken) == [False, True, True]
    assert len({one[0].number for one in taken}) == 1
    assert len(await thread(connection.tenant_id)) == 1


async def test_that_a_redelivery_after_the_answer_is_still_a_repeat(connection: Connection, sandbox: Sandbox) -> None:
    inbound = Inbound("message", "same", "42", Sender("42"), text="Hello?")
    await turn.take(connection, [inbound])
    async with working():
        await settled(connection.tenant_id)
        await turn.take(connection, [inbound])
        await asyncio.sleep(0.2)
        await settled(connection.tenant_id)
    assert len(sandbox.sent) == 1


async def test_that_fifty_conversations_keep_their_order(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    async def customer(number: int) -> None:
        for place in range(20):
            await says(f"message {place}", thread=str(number))

    async with working(loops=4):
        await asyncio.gather(*(customer(number) for number in range(50)))
        await settled(connection.tenant_id, seconds=90)
    async with db.step(connection.tenant_id) as session:
        stored = await db.rows(
            session,
            """SELECT c.external_id, array_agg(m.text ORDER BY m.number) AS texts
                 FROM messages m JOIN conversations c ON c.id = m.conversation_id
                WHERE m.direction = 'in' GROUP BY 1""",
        )
        overlaps = await db.rows(
            session,
            """SELECT 1 FROM turns a JOIN turns b ON a.conversation_id = b.conversation_id AND a.id <> b.id
                AND a.first_number <= b.last_number AND b.first_number <= a.last_number""",
        )
        uncovered = await db.rows(
            session,
            """SELECT 1 FROM messages m WHERE m.direction = 'in' AND NOT EXISTS (SELECT 1 FROM turns t
                 WHERE t.conversation_id = m.conversation_id AND m.number BETWEEN t.first_number AND t.last_number)""",
        )
    assert len(stored) == 50
    assert all(row["texts"] == [f"message {place}" for place in range(20)] for row in stored)
    assert not overlaps
    assert not uncovered
    for number in range(50):
        # Sent in the order they were written, within each conversation.
        ids = [one.message_id for one in sandbox.sent if one.thread_id == str(number)]
        assert ids == sorted(ids)


async def loaded(connection: Connection) -> Turn:
    """The turn as a worker that is just answering holds it."""
    async with db.step(connection.tenant_id) as session:
        row = await db.first(session, "SELECT id FROM conversations")
    assert row is not None
    found = (await record.begin(connection.tenant_id, row["id"])).turn
    assert found is not None
    return found


async def queued(connection: Connection, text: str) -> UUID:
    """A written answer that nobody has begun to send; returns its conversation."""
    answering = await loaded(connection)
    await record.write(answering, Draft(text, READING), (), {})
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE messages SET status = 'queued', claimed_at = NULL, attempts = 0 WHERE direction = 'out'")
    return answering.conversation_id


async def test_that_a_draft_is_dropped_when_the_customer_wrote_on(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    await says("How much?")
    answering = await loaded(connection)
    await says("for two kilos")
    assert not await record.write(answering, Draft("84 000", READING), (), {})
    assert all(author == "contact" for author, _, _ in await thread(connection.tenant_id))


@pytest.mark.parametrize(
    ("event", "message", "left"),
    [("edited", "42:3", ["Sencha?", "And the cup?"]), ("deleted", "42:3", ["Sencha?"]), ("edited", "42:1", None)],
)
async def test_that_what_is_changed_while_it_is_answered_is_answered_as_it_stands_then(
    connection: Connection, sandbox: Sandbox, says: Says, event: Event, message: str, left: list[str] | None
) -> None:
    await says("Puer?")
    await record.write(await loaded(connection), Draft("132 000", READING), (), {})
    await says("Sencha?", "And the teapot?")
    answering = await loaded(connection)
    async with db.platform_step("the job that answers now is no waiting one") as session:
        await session.execute("DELETE FROM procrastinate_jobs")
    await turn.take(connection, [Inbound(event, message, "42", Sender("42"), text="And the cup?")])
    async with db.platform_step("jobs that wait") as session:
        waiting = await jobs.waiting(session)
    written = await record.write(answering, Draft("84 000 and 275 000", READING), (), {})
    if left is None:
        # What was answered before may change: the draft is no worse for it.
        assert written is not None
        assert not waiting
        return
    assert written is None
    assert waiting == {"todo": 1}
    again = await loaded(connection)
    assert [said.text for said in again.fresh] == left
    assert await record.write(again, Draft("84 000", READING), (), {})


@pytest.mark.parametrize("meanwhile", ["a person took over", "opted out", "suspended"])
async def test_that_a_draft_is_dropped_when_the_bot_must_be_silent(connection: Connection, says: Says, meanwhile: str) -> None:
    await says("How much?")
    answering = await loaded(connection)
    async with db.step(connection.tenant_id) as session:
        if meanwhile == "a person took over":
            await session.execute("UPDATE conversations SET status = 'human'")
        elif meanwhile == "opted out":
            await session.execute("UPDATE contacts SET opted_out_at = now()")
    if meanwhile == "suspended":
        await lifecycle.suspend(connection.tenant_id)
    assert not await record.write(answering, Draft("84 000", READING), (), {})
    assert (await record.begin(connection.tenant_id, answering.conversation_id)).turn is None


async def test_that_two_answers_to_one_turn_are_impossible(connection: Connection, says: Says) -> None:
    await says("How much?")
    answering = await loaded(connection)
    written = await asyncio.gather(*(record.write(answering, Draft(f"answer {n}", READING), (), {}) for n in range(5)))
    assert sum(one is not None for one in written) == 1


async def seems_to_answer(connection: Connection) -> bool:
    """Whether a visitor is shown that an answer is being written."""
    async with db.step(connection.tenant_id) as session:
        seen = await visitors.thread_of(session, connection.id, "42")
    assert seen is not None
    return seen.answering


async def test_that_what_was_asked_while_suspended_is_answered_afterwards(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    await lifecycle.suspend(connection.tenant_id)
    await says("Hello?")
    async with working():
        await asyncio.sleep(0.3)
        assert sandbox.sent == []
        assert not await seems_to_answer(connection)
        await lifecycle.resume(connection.tenant_id)
        assert await seems_to_answer(connection)
        async with db.step(connection.tenant_id) as session:
            await session.execute("UPDATE conversations SET answer_due_at = now() - interval '1 hour'")
        await turn.sweep()
        await settled(connection.tenant_id)
    assert len(sandbox.sent) == 1


async def test_that_the_bot_is_silent_while_a_person_talks(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    await says("Hello?")
    async with working():
        await settled(connection.tenant_id)
        async with db.step(connection.tenant_id) as session:
            await session.execute("UPDATE conversations SET status = 'human'")
        await says("Are you there?")
        await asyncio.sleep(0.3)
        async with db.step(connection.tenant_id) as session:
            # Given back: what the person saw is theirs, the next message is the bot's.
            await session.execute("UPDATE conversations SET status = 'bot'")
        await turn.sweep()
        await asyncio.sleep(0.2)
    assert len(sandbox.sent) == 1


async def test_that_a_queued_answer_is_withdrawn_when_a_person_takes_over(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    await says("How much?")
    conversation_id = await queued(connection, "84 000")
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE conversations SET status = 'human'")
    await outbox.deliver(str(connection.tenant_id), str(conversation_id))
    assert sandbox.sent == []
    assert (await thread(connection.tenant_id))[-1][2] == "failed"


async def test_that_a_queued_answer_waits_while_its_company_is_suspended(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    await says("How much?")
    conversation_id = await queued(connection, "84 000")
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE messages SET created_at = now() - interval '1 hour' WHERE direction = 'out'")
    await lifecycle.suspend(connection.tenant_id)
    await outbox.deliver(str(connection.tenant_id), str(conversation_id))
    await outbox.sweep()
    await jobs.run_waiting()
    assert sandbox.sent == []
    await lifecycle.resume(connection.tenant_id)
    await outbox.sweep()
    await jobs.run_waiting()
    assert [one.text for one in sandbox.sent] == ["84 000"]


async def test_that_an_opt_out_is_confirmed_once_and_then_obeyed(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    await says("Boshqa menga yozmang, obunani bekor qiling")
    async with working():
        await settled(connection.tenant_id)
        assert len(sandbox.sent) == 1
        await says("Narxi qancha?")
        await asyncio.sleep(0.3)
    assert len(sandbox.sent) == 1
    async with db.step(connection.tenant_id) as session:
        assert await db.rows(session, "SELECT 1 FROM contacts WHERE opted_out_at IS NOT NULL")


async def test_that_a_crash_while_sending_is_looked_up_and_not_sent_twice(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    await says("How much?")
    conversation_id = await queued(connection, "84 000")
    await outbox.deliver(str(connection.tenant_id), str(conversation_id))
    async with db.step(connection.tenant_id) as session:
        # As a process leaves it that dies between the call and the mark.
        await session.execute("UPDATE messages SET status = 'sending', claimed_at = now() WHERE direction = 'out'")
    with pytest.raises(outbox.InFlight):
        # It may only be slow: nobody takes over before the lease ends.
        await outbox.deliver(str(connection.tenant_id), str(conversation_id))
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE messages SET claimed_at = now() - interval '1 minute' WHERE direction = 'out'")
    await outbox.deliver(str(connection.tenant_id), str(conversation_id))
    assert len(sandbox.sent) == 1
    assert (await thread(connection.tenant_id))[-1][2] == "sent"


async def test_that_an_uncertain_message_is_shown_and_not_repeated(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    sandbox.refuses_with(Uncertain())
    await says("How much?")
    async with working():
        await settled(connection.tenant_id)
        await outbox.sweep()
        await asyncio.sleep(0.2)
    assert (await thread(connection.tenant_id))[-1][2] == "uncertain"
    assert sandbox.attempts == 1


async def test_that_a_busy_channel_is_tried_again_and_keeps_order(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    sandbox.refuses_with(Busy(retry_after=0.1))
    await says("One?")
    async with working():
        await asyncio.sleep(0.5)
        await says("Two?")
        await settled(connection.tenant_id)
    assert len(sandbox.sent) == 2
    assert [one.message_id for one in sandbox.sent] == sorted(one.message_id for one in sandbox.sent)


async def test_that_a_blocked_customer_is_not_tried_again(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    sandbox.refuses_with(Blocked())
    await says("How much?")
    async with working():
        await settled(connection.tenant_id)
    assert sandbox.attempts == 1
    async with db.step(connection.tenant_id) as session:
        assert await db.rows(session, "SELECT 1 FROM conversations WHERE blocked_at IS NOT NULL")


async def test_that_an_answer_which_fails_for_good_calls_a_person(connection: Connection, sandbox: Sandbox, says: Says) -> None:
    await says("How much?")
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        await session.execute("UPDATE procrastinate_jobs SET status = 'failed'")
        await session.execute("UPDATE conversations SET answer_due_at = now() - interval '1 hour', answer_waiting = false")
    await turn.sweep()
    await jobs.run_waiting()
    assert len(sandbox.sent) == 1
    async with db.step(connection.tenant_id) as session:
        row = await db.first(session, "SELECT reason FROM handovers")
    assert row is not None
    assert row["reason"] == "failure"


async def test_that_an_advertisement_is_left_without_a_word_and_counted_as_that(says: Says, sandbox: Sandbox) -> None:
    await says("Раскрутка каналов, накрутка подписчиков дешево, 1000 подписчиков за 5 долларов, пишите в личку")
    await jobs.run_waiting()
    assert sandbox.sent == []
    assert 'savdo_answers_total{channel="sandbox",model="local",outcome="silent"}' in telemetry.metrics_text().decode()


async def test_that_strange_text_is_kept_whole(connection: Connection, says: Says) -> None:
    texts = ["<script>alert(1)</script>", "مرحبا كم السعر؟", "👩‍👩‍👧‍👦 qancha?", "a\x00b", "я" * 20_000, "\ud800 lone"]
    for text in texts:
        await says(text)
    stored = [text for _, text, _ in await thread(connection.tenant_id)]
    assert stored[:3] == texts[:3]
    assert stored[3] == "ab"
    assert len(stored[4]) == 20_000


async def test_that_a_company_sees_its_own_threads_only(connection: Connection, other_tenant_id: UUID, says: Says) -> None:
    await says("secret")
    assert await thread(other_tenant_id) == []


async def test_that_what_was_taken_back_before_its_answer_owes_none(connection: Connection, sandbox: Sandbox) -> None:
    asked = Inbound("message", "first", "42", Sender("42"), text="Hello?")
    await turn.take(connection, [asked])
    await turn.take(connection, [Inbound("deleted", "first", "42", Sender("42"))])
    async with working():
        await settled(connection.tenant_id)
    # Settled means that no answer is owed either.
    assert sandbox.sent == []
