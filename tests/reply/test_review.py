"""The review after the quiet time: once a quiet time, again after something new, in words without a model and with one call."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from psycopg.rows import DictRow

from savdo.ai import chain
from savdo.base import db, jobs
from savdo.channels.models import Connection, Inbound, Product, Sender
from savdo.knowledge import ingest
from savdo.reply import leads, review, turn
from tests.ai.asking import installed


async def _said(connection: Connection, *texts: str) -> UUID:
    conversation = None
    for text in texts:
        taken = await turn.take(connection, [Inbound("message", db.new_id().hex, "7", Sender("7", name="Ann"), text=text)])
        conversation = taken[0].conversation_id
        await turn.answer(tenant_id=str(connection.tenant_id), conversation_id=str(conversation))
    assert conversation is not None
    async with db.step(connection.tenant_id) as session:
        # Nobody waits for a quarter of an hour.
        await session.execute("UPDATE conversations SET last_message_at = now() - interval '20 minutes' WHERE id = %s", (conversation,))
    return conversation


async def _reviews(connection: Connection) -> list[DictRow]:
    async with db.step(connection.tenant_id) as session:
        return await db.rows(session, "SELECT * FROM reviews ORDER BY through_number")


async def _swept(connection: Connection) -> None:
    await review.sweep()
    async with db.step(connection.tenant_id) as session:
        await session.execute("DELETE FROM procrastinate_jobs WHERE task_name LIKE 'reply.turn%'")
    await jobs.run_waiting()


async def test_that_a_quiet_conversation_is_reviewed_once_and_again_when_something_new_is_said(connection: Connection) -> None:
    conversation = await _said(connection, "Hello", "Do you deliver to Samarkand?", "I want to buy it, my phone is +998901234567")
    quarter = timedelta(minutes=15)
    assert (connection.tenant_id, conversation) in await review.quiet(quarter)
    assert (connection.tenant_id, conversation) not in await review.quiet(timedelta(minutes=30))
    await _swept(connection)
    (made,) = await _reviews(connection)
    assert (made["outcome"], made["action"], made["model"]) == ("ready_to_buy", "close", "local")
    assert "Samarkand" in made["summary"]
    assert {"ready_to_buy", "reachable"} <= {code for code, _ in made["reasons"]}
    assert (connection.tenant_id, conversation) not in await review.quiet(quarter)
    await review.review(tenant_id=str(connection.tenant_id), conversation_id=str(conversation))
    assert len(await _reviews(connection)) == 1
    await _said(connection, "Please stop writing to me, unsubscribe")
    await _swept(connection)
    assert [one["outcome"] for one in await _reviews(connection)] == ["ready_to_buy", "opted_out"]


async def test_that_one_call_puts_a_review_in_words(connection: Connection) -> None:
    for text in ("Do you deliver to Samarkand?", "And how much is it?"):
        taken = await turn.take(connection, [Inbound("message", db.new_id().hex, "8", Sender("8"), text=text)])
    conversation = taken[0].conversation_id  # pyright: ignore[reportPossiblyUnboundVariable] # there are two texts
    words = "The customer asked for delivery to Samarkand.\nNEXT: Tell them the price of delivery.\nTOPICS: Delivery; Samarkand ; Delivery;"
    # Loading the model library would use up a call's time on a slow day; a worker loads it before its first job.
    await asyncio.to_thread(chain.adapter)
    async with installed("openai:gpt-4o-mini") as provider:
        provider.script = [{"reply": words, "language": "en", "intent": "question_delivery"}]
        await review.review(tenant_id=str(connection.tenant_id), conversation_id=str(conversation))
    (made,) = await _reviews(connection)
    assert made["topics"] == ["Delivery", "Samarkand"]
    assert (made["summary"], made["advice"]) == ("The customer asked for delivery to Samarkand.", "Tell them the price of delivery.")
    assert (made["model"], made["cost_micros"] > 0, len(provider.asked)) == ("openai:gpt-4o-mini", True, 1)


async def test_that_a_review_without_a_model_names_what_was_asked_about(connection: Connection) -> None:
    document_id = await ingest.add(connection.tenant_id, "prices.csv", b"product,price_uzs\nSencha tea,84000\nPuer tea,132000\n")
    await ingest.read(tenant_id=str(connection.tenant_id), document_id=str(document_id))
    conversation = await _said(connection, "Hello", "How much is the Sencha tea?")
    await review.review(tenant_id=str(connection.tenant_id), conversation_id=str(conversation))
    assert [one["topics"] for one in await _reviews(connection)] == [["question_price", "Sencha tea"]]


async def test_that_a_review_tells_what_was_ordered(connection: Connection) -> None:
    order = Inbound("message", "1", "7", Sender("7"), products=(Product("PUER-357", 2, "13.2", "USD"),))
    await turn.take(connection, [order])
    await _said(connection, "I need it by Friday")
    await _swept(connection)
    [made] = await _reviews(connection)
    assert "PUER-357: 2 × 13.2 USD" in made["summary"]


async def test_that_a_trial_is_not_reviewed(connection: Connection) -> None:
    conversation = await _said(connection, "How much is it?")
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE conversations SET is_test = true WHERE id = %s", (conversation,))
    await review.review(tenant_id=str(connection.tenant_id), conversation_id=str(conversation))
    assert (connection.tenant_id, conversation) not in await review.quiet(timedelta(0))
    assert await _reviews(connection) == []


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, ["little"]),
        ({"signals": {"questions": 2}, "phone": "+998901234567", "timeline": "months"}, ["questions", "reachable", "months"]),
        ({"signals": {"complaint": True}, "objections": ["price", "trust"]}, ["complaint", "objections"]),
    ],
)
def test_that_a_score_has_its_reasons(facts: dict[str, object], codes: list[str]) -> None:
    assert [code for code, _ in leads.reasons(facts)] == codes
