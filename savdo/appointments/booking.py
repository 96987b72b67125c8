"""Appointments of a company: which times are free, booking one so that nobody else has it, cancelling one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from savdo import audit
from savdo.appointments.models import Booked, Closed, Diary, Wish, rules_of
from savdo.base import live
from savdo.base.db import Session, first, new_id, rows
from savdo.base.errors import NotFound

LONGEST_NOTE = 200


class NoAppointment(NotFound):
    """There is no such appointment, or it is cancelled already."""

    code = "no_appointment"


async def diary(session: Session, profile: Mapping[str, Any], now: datetime, contact_id: UUID | None = None) -> Diary | None:
    """What is free for a contact, whose own visits ahead take nothing from them: a wish for another time moves them. None where
    the company receives nobody."""
    rules = rules_of(profile)
    if rules is None:
        return None
    found = await rows(
        session,
        """SELECT starts_at, ends_at, place FROM appointments WHERE status = 'booked' AND place IS NOT NULL AND ends_at > %s
              AND contact_id IS DISTINCT FROM %s""",
        (now, contact_id),
    )
    return Diary(rules, now, [Booked(row["starts_at"], row["ends_at"], row["place"]) for row in found])


async def book(session: Session, tenant_id: UUID, profile: Mapping[str, Any], conversation_id: UUID, wish: Wish, now: datetime) -> DictRow:
    """The appointment of a conversation's contact; one they had ahead is moved. Raises Past, TooSoon, TooFar, Closed, Taken."""
    # One after the other: what is free is looked at, and then taken.
    await session.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"appointments:{tenant_id}",))
    talk = await first(session, "SELECT contact_id, is_test FROM conversations WHERE id = %s", (conversation_id,))
    assert talk is not None
    known = await diary(session, profile, now, talk["contact_id"])
    if known is None:
        raise Closed
    # Whoever only tries the bot takes nobody's time.
    place = known.place(wish.starts_at)
    made = {
        "tenant": tenant_id, "id": new_id(), "contact": talk["contact_id"], "conversation": conversation_id, "from": wish.starts_at,
        "to": wish.starts_at + known.rules.length, "place": None if talk["is_test"] else place, "note": wish.note[:LONGEST_NOTE],
        "now": now,
    }  # fmt: skip
    return await _moved(session, made) or await _made(session, made)


async def cancel(session: Session, tenant_id: UUID, actor: str, appointment_id: UUID) -> None:
    """The time is free again. Raises NoAppointment."""
    row = await first(
        session,
        "UPDATE appointments SET status = 'cancelled' WHERE id = %s AND status = 'booked' RETURNING conversation_id, starts_at",
        (appointment_id,),
    )
    if row is None:
        raise NoAppointment
    await audit.note(session, tenant_id, actor, "appointment.cancelled", str(appointment_id), {"starts_at": row["starts_at"].isoformat()})
    await live.publish(session, tenant_id, row["conversation_id"], "conversation")


async def of_contact(session: Session, contact_id: UUID, now: datetime) -> list[DictRow]:
    """A contact's newest appointments, the next one first: id, starts_at, ends_at, status, note, ahead."""
    return await rows(
        session,
        """SELECT id, starts_at, ends_at, status, note, starts_at > %(now)s AS ahead FROM appointments WHERE contact_id = %(contact)s
            ORDER BY starts_at DESC, id DESC LIMIT 5""",
        {"now": now, "contact": contact_id},
    )


async def _moved(session: Session, made: Mapping[str, Any]) -> DictRow | None:
    return await first(
        session,
        """UPDATE appointments SET conversation_id = %(conversation)s, starts_at = %(from)s, ends_at = %(to)s, place = %(place)s,
                  note = %(note)s
            WHERE id = (SELECT id FROM appointments WHERE contact_id = %(contact)s AND status = 'booked' AND starts_at > %(now)s
                         ORDER BY starts_at = %(from)s DESC, starts_at LIMIT 1) RETURNING *""",
        made,
    )


async def _made(session: Session, made: Mapping[str, Any]) -> DictRow:
    row = await first(
        session,
        """INSERT INTO appointments (tenant_id, id, contact_id, conversation_id, starts_at, ends_at, place, note)
           VALUES (%(tenant)s, %(id)s, %(contact)s, %(conversation)s, %(from)s, %(to)s, %(place)s, %(note)s) RETURNING *""",
        made,
    )
    assert row is not None
    return row
