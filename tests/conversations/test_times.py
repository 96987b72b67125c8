"""Companies deliver late, again and in any order: what counts is when the customer wrote."""

from datetime import datetime, timedelta

import pytest
from psycopg.rows import DictRow

from savdo.base import clock, db
from savdo.channels.models import Connection, Inbound, Sender, channel
from savdo.conversations import thread
from savdo.reply import record, turn
from savdo.reply.models import Draft, Reading

ANN = Sender("ann", "Ann")
READING = Reading("en", "latn", "question_product", "neutral", False, None, {}, 0.9)
DAY = timedelta(days=1)


def said(text: str, at: datetime | None) -> Inbound:
    return Inbound("message", text, "ann", ANN, text=text, sent_at=at)


async def conversation(connection: Connection) -> DictRow:
    async with db.step(connection.tenant_id) as session:
        [row] = await db.rows(session, "SELECT * FROM conversations")
    return row


@pytest.mark.parametrize(
    ("delivered", "days_ago"), [((3,), 3), ((0, 3), 0), ((3, None), 0), ((-2,), 0), ((5, 2, 4), 2)]
)  # fmt: skip
async def test_that_what_comes_late_opens_no_window(connection: Connection, delivered: tuple[int | None, ...], days_ago: int) -> None:
    now = clock.now()
    for days in delivered:
        await turn.take(connection, [said(f"{days} days ago", None if days is None else now - days * DAY)])
    heard = (await conversation(connection))["last_inbound_at"]
    assert abs(heard - (now - days_ago * DAY)) < timedelta(minutes=5)
    until = channel("whatsapp_cloud").limits.open_until(heard, person=True)
    assert until is not None
    assert (until > now) == (days_ago == 0)


async def test_that_a_burst_delivered_in_reverse_is_read_and_shown_as_it_was_written(connection: Connection) -> None:
    now = clock.now()
    await turn.take(connection, [said("Hello", now - timedelta(minutes=9))])
    first = (await record.begin(connection.tenant_id, (await conversation(connection))["id"])).turn
    assert first is not None
    await record.write(first, Draft("Good day!", READING), (), {})
    burst = ["I need tea", "green", "two kilos", "how much?"]
    for place, text in reversed(list(enumerate(burst))):
        await turn.take(connection, [said(text, now - timedelta(seconds=8 - place))])
    # What was written before the answer and comes after it stands where it came.
    await turn.take(connection, [said("late", now - timedelta(minutes=12))])
    row = await conversation(connection)
    asked = (await record.begin(connection.tenant_id, row["id"])).turn
    assert asked is not None
    assert asked.text.split("\n") == ["late", *burst]
    assert (asked.through, [one.at for one in asked.fresh]) == (row["inbound_number"], sorted(one.at for one in asked.fresh))
    assert await record.write(asked, Draft("84 000", READING), (), {}) is not None
    row = await conversation(connection)
    assert row["answered_number"] == row["inbound_number"] == asked.through
    async with db.step(connection.tenant_id) as session:
        shown, _ = await thread.messages(session, row["id"])
        [covered] = await db.rows(session, "SELECT first_number, last_number FROM turns ORDER BY last_number DESC LIMIT 1")
    assert [one["text"] for one in shown] == ["Hello", "Good day!", "late", *burst, "84 000"]
    numbers = [one["number"] for one in shown if one["text"] in ("late", *burst)]
    assert (covered["first_number"], covered["last_number"]) == (min(numbers), max(numbers))
