"""Companies deliver in any order: a change that overtakes its message waits for it."""

from typing import Any

import pytest

from savdo.base import db
from savdo.channels.models import Connection, Inbound, Sender
from savdo.conversations import intake
from savdo.reply import turn

ANN = Sender("ann", "Ann")


def said(text: str, external_id: str = "m1") -> Inbound:
    return Inbound("message", external_id, "ann", ANN, text=text)


def edited(text: str, external_id: str = "m1", edit: int = 0) -> Inbound:
    return Inbound("edited", external_id, "ann", ANN, text=text, edit=edit)


async def messages(connection: Connection) -> list[dict[str, Any]]:
    """What came after the first message."""
    async with db.step(connection.tenant_id) as session:
        return await db.rows(session, "SELECT text, edited_at, deleted_at FROM messages WHERE external_id <> 'm0' ORDER BY number")


async def parked(connection: Connection) -> dict[str, Any]:
    async with db.step(connection.tenant_id) as session:
        [row] = await db.rows(session, "SELECT parked FROM conversations")
    return row["parked"]


async def test_that_an_edit_before_its_message_is_what_counts(connection: Connection) -> None:
    await turn.take(connection, [said("Hello", "m0")])
    for text in ("two cups", "three cups"):
        await turn.take(connection, [edited(text)])
    await turn.take(connection, [said("a cup"), said("and tea", "m2")])
    first, second = await messages(connection)
    assert (first["text"], first["edited_at"] is not None, second["text"], second["edited_at"]) == ("three cups", True, "and tea", None)
    assert await parked(connection) == {}


@pytest.mark.parametrize("first", ["the message", "its edits"])
async def test_that_an_earlier_edit_which_comes_later_changes_nothing(connection: Connection, first: str) -> None:
    edits = [
        edited("three cups", edit=3),
        edited("two cups", edit=2),
        edited("three cups", edit=3),
        edited("a pot", edit=4),
        edited("x", edit=1),
    ]
    for inbound in [said("Hello", "m0"), *([said("a cup"), *edits] if first == "the message" else [*edits, said("a cup")])]:
        await turn.take(connection, [inbound])
    [message] = await messages(connection)
    assert (message["text"], await parked(connection)) == ("a pot", {})
    # What was taken back stays so.
    await turn.take(connection, [Inbound("deleted", "m1", "ann", ANN), edited("five cups", edit=5), edited("six cups")])
    [message] = await messages(connection)
    assert (message["text"], message["deleted_at"] is not None) == ("", True)


async def test_that_what_was_taken_back_before_it_came_is_not_shown(connection: Connection) -> None:
    await turn.take(connection, [said("Hello", "m0"), Inbound("deleted", "m1", "ann", ANN), edited("late")])
    await turn.take(connection, [said("my card number"), said("my card number")])
    [message] = await messages(connection)
    assert (message["text"], message["deleted_at"] is not None) == ("", True)


async def test_that_changes_of_what_nobody_knows_do_not_pile_up(connection: Connection) -> None:
    await turn.take(connection, [said("Hello", "m0")])
    await turn.take(connection, [edited("x" * 5000, f"old{number}") for number in range(intake.MOST_PARKED + 5)])
    kept = await parked(connection)
    assert len(kept) == 5
    assert {len(one["text"]) for one in kept.values()} == {intake.LONGEST_PARKED}
