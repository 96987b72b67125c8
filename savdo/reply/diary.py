"""A company's diary in a turn: opened for an answer, read and noted in by the tools of a model, and written in by the transaction
that writes the reply."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from savdo.appointments import booking
from savdo.appointments.models import Diary, Unbookable, Wish, rules_of
from savdo.base.db import Session, step
from savdo.base.errors import Invalid
from savdo.reply import leads, visits
from savdo.reply.models import Draft, Turn

# What a model is told of free times at most: a week of a company that is always open.
MOST_TIMES: Final = 60
CLOSED: Final = "This company does not take bookings here; say that a colleague will confirm the time."


class Unreadable(Invalid):
    """A day is written as 2026-05-07, an hour as 15:00."""


async def opened(turn: Turn) -> Turn:
    """The turn with what is free for its customer, where the company says when it receives people."""
    if rules_of(turn.profile) is None:
        return turn
    async with step(turn.tenant_id) as session:
        return replace(turn, diary=await _read(session, turn))


async def free(turn: Turn, given: Mapping[str, str]) -> str:
    """The free times from `from_day` to `to_day`, a line a day. Raises Unreadable, Unbookable."""
    diary = await _diary(turn)
    first, last = _day(given["from_day"]), _day(given["to_day"])
    found = diary.free(first, last)[:MOST_TIMES]
    return visits.told(found) if found else f"Nothing is free from {first} to {last}."


async def wish(turn: Turn, given: Mapping[str, str]) -> Wish:
    """The visit a model wants to book on `day` at `time`. Raises Unreadable, Unbookable where it is not free, with what is."""
    diary = await _diary(turn)
    try:
        wished = datetime.fromisoformat(f"{_day(given['day'])}T{given['time'].strip().zfill(5)}").replace(tzinfo=diary.rules.zone)
    except ValueError:
        raise Unreadable from None
    try:
        diary.place(wished)
    except Unbookable as refused:
        nearest = visits.told(diary.nearest(wished, visits.OFFERED))
        raise type(refused)(f"{refused.message} Free: {nearest or 'nothing'}") from None
    return Wish(wished, given.get("note", "").strip())


async def settled(session: Session, turn: Turn, draft: Draft) -> Draft:
    """The draft with its visit booked; where somebody else has the time by now, one that says so and what is free instead."""
    if draft.visit is None:
        return draft
    try:
        await booking.book(session, turn.tenant_id, turn.profile, turn.conversation_id, draft.visit, turn.now)
    except Unbookable as refused:
        known = await _read(session, turn)
        assert known is not None
        honest = visits.instead(turn, draft.reading, known, visits.at(draft.visit.starts_at, known), refused)
        return replace(
            draft, text=honest.text, reading=honest.reading, visit=None, buttons=(), handover=draft.handover or honest.handover,
            facts={**draft.facts, **leads.facts_of(turn, honest.reading)}, notes=(*draft.notes, *honest.notes),
        )  # fmt: skip
    return draft


async def _diary(turn: Turn) -> Diary:
    diary = (await opened(turn)).diary
    if diary is None:
        raise Unbookable(CLOSED)
    return diary


async def _read(session: Session, turn: Turn) -> Diary | None:
    return await booking.diary(session, turn.profile, turn.now, turn.contact_id)


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        raise Unreadable from None
