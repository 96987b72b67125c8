"""Free times by a company's hours, zone and settings, and that one time is booked by one customer."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import UniqueViolation

from savdo.appointments import booking, models
from savdo.appointments.models import Booked, Diary, Wish
from savdo.base import db
from savdo.channels.models import Connection
from tests.web import office

# A Wednesday, 15:00 in Tashkent.
NOW = datetime(2026, 5, 6, 10, tzinfo=UTC)
PROFILE: dict[str, Any] = {
    "timezone": "Asia/Tashkent",
    "working_hours": {day: ["09:00", "19:00"] for day in ("mon", "tue", "wed", "thu", "fri")} | {"sat": ["10:00", "16:00"], "sun": None},
}


def diary(*taken: Booked, **settings: Any) -> Diary:
    rules = models.rules_of({**PROFILE, **settings})
    assert rules is not None
    return Diary(rules, NOW, taken)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """In May, as a clock in Tashkent shows it."""
    return datetime(2026, 5, day, tzinfo=UTC) + timedelta(hours=hour - 5, minutes=minute)


def hours(found: list[datetime]) -> list[str]:
    return [f"{one:%d %H:%M}" for one in found]


@pytest.mark.parametrize(
    ("wished", "settings", "refused"),
    [
        (at(7, 15), {}, None),
        (at(7, 15, 25), {}, None),
        (at(6, 17), {}, None),
        (at(6, 14), {}, models.Past),
        (at(6, 16), {}, models.TooSoon),
        (at(6, 16), {"visit_notice_hours": 0}, None),
        (at(7, 18, 30), {}, models.Closed),
        (at(7, 18, 30), {"visit_minutes": 30}, None),
        (at(7, 8), {}, models.Closed),
        (at(10, 12), {}, models.Closed),
        (at(9, 16), {}, models.Closed),
        (at(21, 12), {}, models.TooFar),
        (at(21, 12), {"visit_days_ahead": 30}, None),
        # What is no number, or none within bounds, is as it is usually.
        (at(7, 18, 30), {"visit_minutes": "soon"}, models.Closed),
        (at(7, 18, 30), {"visit_minutes": 3}, models.Closed),
        (at(8, 23), {"working_hours": {"fri": ["18:00", "02:00"]}}, None),
        (at(9, 1), {"working_hours": {"fri": ["18:00", "02:00"]}}, None),
        (at(9, 1, 30), {"working_hours": {"fri": ["18:00", "02:00"]}}, models.Closed),
    ],
)
def test_that_a_time_is_bookable_while_the_company_is_open_for_the_whole_visit(
    wished: datetime, settings: dict[str, Any], refused: type[models.Unbookable] | None
) -> None:
    if refused is None:
        assert diary(**settings).place(wished) == 1
    else:
        with pytest.raises(refused):
            diary(**settings).place(wished)


def test_that_free_times_leave_out_what_is_booked_and_stand_in_the_companys_zone() -> None:
    known = diary(Booked(at(7, 10), at(7, 11), 1), Booked(at(7, 13, 30), at(7, 14, 30), 1))
    assert hours(known.free(date(2026, 5, 6), date(2026, 5, 7))) == [
        "06 17:00", "06 18:00", "07 09:00", "07 11:00", "07 12:00", "07 15:00", "07 16:00", "07 17:00", "07 18:00",
    ]  # fmt: skip
    assert hours(known.free(date(2026, 5, 9), date(2026, 5, 10)))[-1] == "09 15:00"
    assert hours(known.nearest(at(7, 10), 3)) == ["07 09:00", "07 11:00", "07 12:00"]
    assert known.free(date(2020, 1, 1), date(2020, 1, 2)) == known.free(date(2030, 1, 1), date(2030, 1, 2)) == []


def test_that_so_many_at_once_are_received_and_no_more() -> None:
    two = (Booked(at(7, 10), at(7, 11), 1), Booked(at(7, 10, 30), at(7, 11, 30), 2))
    assert diary(two[0], visits_at_once=2).place(at(7, 10)) == 2
    with pytest.raises(models.Taken):
        diary(*two, visits_at_once=2).place(at(7, 10))
    # Places that were given away before there were fewer of them count too.
    with pytest.raises(models.Taken):
        diary(two[1], visits_at_once=1).place(at(7, 11))


def test_that_in_summer_time_an_hour_is_the_one_on_the_wall() -> None:
    rules = models.rules_of({"timezone": "Europe/Berlin", "working_hours": {"mon": ["09:00", "11:00"]}})
    assert rules is not None
    # Between these two Mondays the clocks go forward.
    found = Diary(rules, datetime(2026, 3, 20, tzinfo=UTC), ()).free(date(2026, 3, 23), date(2026, 3, 30))
    assert [f"{one.astimezone(UTC):%d %H:%M}" for one in found] == ["23 08:00", "23 09:00", "30 07:00", "30 08:00"]


@pytest.mark.parametrize("profile", [{}, {"working_hours": {"mon": None}}, {**PROFILE, "visits_at_once": 0}])
def test_that_a_company_that_does_not_say_when_or_receives_nobody_has_no_diary(profile: dict[str, Any]) -> None:
    assert models.rules_of(profile) is None


async def _book(one: office.Talk, starts_at: datetime, **settings: Any) -> bool:
    tenant_id = one.connection.tenant_id
    try:
        async with db.step(tenant_id) as session:
            await booking.book(session, tenant_id, {**PROFILE, **settings}, one.id, Wish(starts_at, "to look"), NOW)
    except models.Taken:
        return False
    return True


async def _booked(tenant_id: UUID) -> list[datetime]:
    async with db.step(tenant_id) as session:
        found = await db.rows(session, "SELECT starts_at FROM appointments WHERE status = 'booked' ORDER BY starts_at, place")
    return [row["starts_at"].astimezone(UTC) for row in found]


async def test_that_of_customers_at_once_as_many_get_a_time_as_are_received(connection: Connection) -> None:
    talks = [await office.talk(connection, name) for name in ("Ann", "Bob", "Col", "Dan")]
    first = await asyncio.gather(*(_book(one, at(7, 15, place * 5)) for place, one in enumerate(talks)))
    assert sorted(first) == [False, False, False, True]
    second = await asyncio.gather(*(_book(one, at(8, 15), visits_at_once=2) for one in talks))
    assert sorted(second) == [False, False, True, True]


async def test_that_another_time_moves_a_visit_and_a_cancelled_one_is_free_again(connection: Connection) -> None:
    tenant_id = connection.tenant_id
    ann, bob = await office.talk(connection, "Ann"), await office.talk(connection, "Bob")
    assert await _book(ann, at(7, 15))
    # Their own time takes nothing from them.
    assert await _book(ann, at(7, 15, 30))
    assert await _booked(tenant_id) == [at(7, 15, 30)]
    assert not await _book(bob, at(7, 16))
    async with db.step(tenant_id) as session:
        (row,) = await booking.of_contact(session, (await _contact(session, ann)), NOW)
        assert (row["status"], row["note"], row["ahead"]) == ("booked", "to look", True)
        await booking.cancel(session, tenant_id, "member:x", row["id"])
    async with db.step(tenant_id) as session:
        noted = await db.rows(session, "SELECT actor, action, subject FROM audit WHERE action = 'appointment.cancelled'")
        with pytest.raises(booking.NoAppointment):
            await booking.cancel(session, tenant_id, "member:x", row["id"])
    assert [(one["actor"], one["subject"]) for one in noted] == [("member:x", str(row["id"]))]
    assert await _book(bob, at(7, 16))


async def test_that_a_test_conversation_takes_nobodys_time(connection: Connection) -> None:
    tried, ann = await office.talk(connection, "Owner", is_test=True), await office.talk(connection, "Ann")
    assert await _book(tried, at(7, 15))
    assert await _book(ann, at(7, 15))
    assert len(await _booked(connection.tenant_id)) == 2


async def test_that_the_database_itself_refuses_one_place_twice(connection: Connection) -> None:
    ann, bob = await office.talk(connection, "Ann"), await office.talk(connection, "Bob")
    assert await _book(ann, at(7, 15))
    with pytest.raises(UniqueViolation):
        async with db.step(connection.tenant_id) as session:
            await session.execute(
                """INSERT INTO appointments (tenant_id, id, contact_id, conversation_id, starts_at, ends_at, place)
                   SELECT tenant_id, %s, contact_id, id, %s, %s, 1 FROM conversations WHERE id = %s""",
                (db.new_id(), at(7, 15), at(7, 15) + timedelta(hours=1), bob.id),
            )


async def _contact(session: db.Session, one: office.Talk) -> UUID:
    row = await db.first(session, "SELECT contact_id FROM conversations WHERE id = %s", (one.id,))
    assert row is not None
    return row["contact_id"]
