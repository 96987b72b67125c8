"""When a company receives people: the rules its profile gives, and the times that are free by them. Pure; local times are aware
datetimes in the company's zone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from savdo.base import clock
from savdo.base.errors import Conflict

# What a profile says beside working hours and time zone, with what holds where it does not, and the least and most of it.
# Nobody is received where `visits_at_once` is 0: a person confirms every wish.
SETTINGS: Final[Mapping[str, tuple[int, int, int]]] = {
    "visit_minutes": (60, 5, 480), "visits_at_once": (1, 0, 50), "visit_days_ahead": (14, 1, 90), "visit_notice_hours": (2, 0, 168),
}  # fmt: skip
DAY_MINUTES: Final = 24 * 60


class Unbookable(Conflict):
    """This time cannot be booked."""

    code = "unbookable"


class Past(Unbookable):
    """This time is over."""

    code = "visit_past"


class TooSoon(Unbookable):
    """This is too soon: a visit needs more notice."""

    code = "visit_too_soon"


class TooFar(Unbookable):
    """This is too far ahead to be booked."""

    code = "visit_too_far"


class Closed(Unbookable):
    """The company is closed then."""

    code = "visit_closed"


class Taken(Unbookable):
    """This time is taken."""

    code = "visit_taken"


@dataclass(frozen=True, slots=True)
class Wish:
    """A visit to be booked, and in a few words what for."""

    starts_at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Booked:
    """A time that somebody has; `place` is which of those received at once."""

    starts_at: datetime
    ends_at: datetime
    place: int


@dataclass(frozen=True, slots=True)
class Rules:
    """`hours`: by weekday, Monday 0, the minutes of the day it opens and closes; what closes after midnight has more than a day's."""

    zone: ZoneInfo
    hours: Mapping[int, tuple[int, int]]
    length: timedelta
    at_once: int
    ahead: timedelta
    notice: timedelta


@dataclass(frozen=True, slots=True)
class Diary:
    """What is booked as one customer may know it: `taken` without their own times."""

    rules: Rules
    now: datetime
    taken: Sequence[Booked]

    def place(self, starts_at: datetime) -> int:
        """The place that is free for a visit from then on. Raises Past, TooSoon, TooFar, Closed, Taken."""
        local = starts_at.astimezone(self.rules.zone)
        if local <= self.now:
            raise Past
        if local < self.now + self.rules.notice:
            raise TooSoon
        if local > self.now + self.rules.ahead:
            raise TooFar
        # What begins after midnight may belong to the day before.
        if not any(self._is_open(local, day) for day in (local.date(), local.date() - timedelta(days=1))):
            raise Closed
        used = {one.place for one in self.taken if one.starts_at < starts_at + self.rules.length and starts_at < one.ends_at}
        if len(used) >= self.rules.at_once:
            raise Taken
        return min(place for place in range(1, self.rules.at_once + 1) if place not in used)

    def free(self, first: date, last: date) -> list[datetime]:
        """The free times of some days, one visit after the other from opening time on, earliest first."""
        # A day outside of what may be booked has none: it is not even looked at.
        first = max(first, self.now.astimezone(self.rules.zone).date())
        last = min(last, (self.now + self.rules.ahead).astimezone(self.rules.zone).date())
        days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
        return [starts_at for day in days for starts_at in self._grid(day) if self._is_free(starts_at)]

    def nearest(self, wished: datetime, count: int) -> list[datetime]:
        """The free times nearest to a wished one, earliest first."""
        today = self.now.astimezone(self.rules.zone).date()
        found = self.free(today, today + self.rules.ahead)
        return sorted(sorted(found, key=lambda one: (abs(one - wished), one))[:count])

    def _grid(self, day: date) -> Iterator[datetime]:
        opens, closes = self.rules.hours.get(day.weekday(), (0, 0))
        step = int(self.rules.length.total_seconds()) // 60
        for minute in range(opens, closes - step + 1, step):
            yield _at(day, minute, self.rules.zone)

    def _is_free(self, starts_at: datetime) -> bool:
        try:
            self.place(starts_at)
        except Unbookable:
            return False
        return True

    def _is_open(self, local: datetime, day: date) -> bool:
        if day.weekday() not in self.rules.hours:
            return False
        opens, closes = (_at(day, minute, self.rules.zone) for minute in self.rules.hours[day.weekday()])
        return opens <= local and local + self.rules.length <= closes


def rules_of(profile: Mapping[str, Any]) -> Rules | None:
    """None where a company receives nobody, or does not say when."""
    week: Mapping[str, Sequence[str] | None] = profile.get("working_hours") or {}
    hours = {place: _hours(times) for place, day in enumerate(clock.WEEK) if (times := week.get(day))}
    minutes, at_once, days, notice = (setting(profile, name) for name in SETTINGS)
    if not hours or not at_once:
        return None
    zone = clock.zone(str(profile.get("timezone") or ""))
    return Rules(zone, hours, timedelta(minutes=minutes), at_once, timedelta(days=days), timedelta(hours=notice))


def setting(profile: Mapping[str, Any], name: str) -> int:
    """One of SETTINGS as a profile has it, or as it is usually where that is no number within bounds."""
    usual, least, most = SETTINGS[name]
    said = str(profile.get(name, usual))
    return int(said) if said.isdecimal() and least <= int(said) <= most else usual


def _hours(times: Sequence[str]) -> tuple[int, int]:
    opens, closes = _minutes(times[0]), _minutes(times[-1])
    return opens, closes if closes > opens else closes + DAY_MINUTES


def _minutes(written: str) -> int:
    hour, _, minute = written.partition(":")
    return int(hour) * 60 + int(minute or 0)


def _at(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """A minute of a day as clocks on the wall show it."""
    return datetime.combine(day, time(), zone) + timedelta(minutes=minute)
