# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""The day and the time a customer names for a visit or a call, resolved from now in the company's time zone. Pure.

Texts are read in one folded alphabet, so that "эртага", "ertaga" and "zavtra", "завтра" are one spelling each, in the five
writings and in Russian typed in Latin letters. A deadline ("до 5 мая", "by Friday"), a length ("5 часов") and something that
comes back ("every Friday") are no appointment.
"""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from savdo.base.clock import WEEK, local
from savdo.reply import day_words, hours
from savdo.reply.day_words import fold
from savdo.reply.hours import Clock
from savdo.reply.models import Turn

# People explain first and name the time at the end.
LONGEST: Final = 600
# A date that has just gone by was not meant for the next year.
GONE: Final = timedelta(days=60)
NUMBER: Final = r"(?P<n>\d{1,2}|bir|ikki|uch|eki|ush|odin|odnu|dva|dve|tri|paru|an?|one|two|three|(?:a )?couple(?: of)?|yarim|jarty|half an?|pol|poltora)"
UNIT: Final = r"(?P<unit>kun|den|dn|day|[xh]afta|nedel|apta|week|oy|mesya|ay|month|soat|chas|sagat|hour|minut|dakika|daki)\w*"
AHEAD: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bcherez\s(?:{NUMBER}\s?)?{UNIT}",
        rf"\b{UNIT}\scherez\s{NUMBER}",
        rf"\b{NUMBER}[\s-]?{UNIT}\s(?:keyin|song|son)\b",
        rf"(?<!with)\bin\s(?:about\s|like\s)?{NUMBER}\s{UNIT}",
        rf"\b(?:{NUMBER}\s)?{UNIT}\s(?:from now|later)\b",
    )
)
COUNTS: Final[Mapping[str, float]] = {
    "bir": 1, "ikki": 2, "uch": 3, "eki": 2, "ush": 3, "odin": 1, "odnu": 1, "dva": 2, "dve": 2, "tri": 3, "paru": 2, "a": 1, "an": 1, "one": 1, "two": 2,
    "three": 3, "couple": 2, "a couple": 2, "couple of": 2, "a couple of": 2, "yarim": 0.5, "jarty": 0.5, "half a": 0.5, "half an": 0.5, "pol": 0.5, "poltora": 1.5,
}  # fmt: skip
UNITS: Final[Mapping[str, str]] = {
    "kun": "day", "den": "day", "dn": "day", "day": "day", "xafta": "week", "hafta": "week", "nedel": "week", "apta": "week", "week": "week", "oy": "month",
    "mesya": "month", "ay": "month", "month": "month", "soat": "hour", "chas": "hour", "sagat": "hour", "hour": "hour", "minut": "minute", "dakika": "minute", "daki": "minute",
}  # fmt: skip
HALF_HOUR: Final = re.compile(r"\bcherez polchasa\b|\bin half an hour\b|\b(?:yarim soatdan|jarty sagattan) (?:keyin|song|son)\b")
# What is answered to "which hour?": nothing but a number.
BARE_HOUR: Final = re.compile(r"^\W*(?P<h>[01]?\d|2[0-3])(?:[:.\s-](?P<m>[0-5]\d))?\W*$")


@dataclass(frozen=True, slots=True)
class Day:
    """Some days in a row; `precision` is day | week | month."""

    first: date
    days: int
    precision: str


def of_turn(turn: Turn, text: str) -> dict[str, Any] | None:
    """When, by what is said in `text` of this turn, the customer wants to come or be called: {"from", "to": local ISO times, "precision": minute | hour | part | day |
    week | month}, and "day_said": False when only an hour was named. A day of an earlier turn and an hour of this one are put
    together. None when nothing is named."""
    before: Mapping[str, Any] | None = turn.facts.get("when")
    return read(text, local(turn.profile, turn.now).replace(tzinfo=None), turn.profile.get("working_hours") or {}, before)


def read(text: str, now: datetime, opened: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """`of_turn` for a text, local time `now`, working hours as a profile has them, and what was named earlier."""
    folded = day_words.without_traps(fold(text[-LONGEST:]))
    if day_words.PAST.search(folded):
        return None
    if moment := _in_hours(folded, now):
        return moment
    earlier = _still_ahead(before, now)
    open_question = earlier is not None and (earlier.get("day_said") is False or earlier["precision"] in ("day", "part"))
    day = day_of(folded, now.date())
    clock = hours.read(day_words.without_dates(folded), named_day=day is not None or open_question) or (
        _bare(folded) if open_question else None
    )
    if day is None and clock is None:
        return None
    if earlier is not None:
        day, clock = _joined(day, clock, earlier)
    if day is not None:
        return _on(day, clock, opened)
    return _without_day(clock, now, opened) if clock else None


def day_of(folded: str, today: date) -> Day | None:
    """The day, week or month a folded text names."""
    return _in_days(folded, today) or _dated(folded, today) or _relative(folded, today) or _weekday(folded, today) or _long(folded, today)


def _in_hours(folded: str, now: datetime) -> dict[str, Any] | None:
    """ "In two hours", "через полчаса"."""
    if HALF_HOUR.search(folded):
        return _span(*_around(now + timedelta(minutes=30)), "minute")
    count, unit = _ahead(folded)
    if unit not in ("hour", "minute"):
        return None
    return _span(*_around(now + timedelta(minutes=count * (60 if unit == "hour" else 1))), "hour" if count > 1 else "minute")


def _around(begins: datetime) -> tuple[datetime, datetime]:
    # Nobody means 14:03.
    begins -= timedelta(minutes=begins.minute % 5, seconds=begins.second, microseconds=begins.microsecond)
    return begins, begins + timedelta(hours=1)


def _in_days(folded: str, today: date) -> Day | None:
    """ "In a week", "2 oydan keyin"."""
    count, unit = _ahead(folded)
    if unit == "month":
        return Day(_months_on(today, max(1, int(count))), 1, "month")
    if unit in ("day", "week"):
        return Day(today + timedelta(days=round(count * (7 if unit == "week" else 1))), 1, "day")
    return None


def _ahead(folded: str) -> tuple[float, str]:
    for pattern in AHEAD:
        if match := pattern.search(folded):
            count = match["n"] or "a"
            return (COUNTS[count] if count in COUNTS else float(count)), UNITS[match["unit"]]
    return 0.0, ""


def _dated(folded: str, today: date) -> Day | None:
    for match in day_words.DATE.finditer(folded):
        named = match.groupdict()
        word = next((value for name, value in named.items() if name.startswith("mon") and value), None)
        month = day_words.month_of(word) if word else int(named["m"])
        number = int(next(value for name, value in named.items() if name.startswith("d") and value))
        year = next((value for name, value in named.items() if name.startswith("y") and value), None)
        if found := _date(today, month, number, year):
            return Day(found, 1, "day")
    if match := day_words.DAY_OF_MONTH.search(folded):
        number = int(next(value for value in match.groups() if value))
        for ahead in range(3):
            month = _months_on(today.replace(day=1), ahead)
            if number <= calendar.monthrange(month.year, month.month)[1] and month.replace(day=number) >= today:
                return Day(month.replace(day=number), 1, "day")
    return None


def _date(today: date, month: int, number: int, year: str | None) -> date | None:
    try:
        found = date(int(year[-2:]) + 2000 if year else today.year, month, number)
    except ValueError:
        return None
    if found >= today:
        return found
    return found.replace(year=today.year + 1) if year is None and today - found > GONE and (month, number) != (2, 29) else None


def _relative(folded: str, today: date) -> Day | None:
    for pattern, ahead in day_words.RELATIVE:
        if pattern.search(folded):
            return Day(today + timedelta(days=ahead), 1, "day")
    return None


def _weekday(folded: str, today: date) -> Day | None:
    if day_words.EVERY.search(folded):
        return None
    for place, pattern in enumerate(day_words.WEEKDAYS):
        if pattern.search(folded):
            ahead = (place - today.weekday()) % 7
            if day_words.NEXT.search(folded):
                # Of the next calendar week, whatever day it is today.
                ahead = 7 - today.weekday() + place
            return Day(today + timedelta(days=ahead), 1, "day")
    return None


def _long(folded: str, today: date) -> Day | None:
    monday = today - timedelta(days=today.weekday())
    if day_words.WEEKEND.search(folded):
        saturday = monday + timedelta(days=12 if day_words.NEXT.search(folded) else 5)
        return Day(saturday, 2, "week")
    if day_words.NEXT_WEEK.search(folded):
        return Day(monday + timedelta(days=7), 7, "week")
    if day_words.THIS_WEEK.search(folded):
        return Day(today, 7 - today.weekday(), "week")
    if day_words.NEXT_MONTH.search(folded):
        return _month(_months_on(today.replace(day=1), 1))
    if match := day_words.IN_MONTH.search(folded):
        month = day_words.month_of(next(value for value in match.groups() if value))
        return _month(date(today.year + (month < today.month), month, 1))
    return None


def _month(first: date) -> Day:
    return Day(first, calendar.monthrange(first.year, first.month)[1], "month")


def _on(day: Day, clock: Clock | None, opened: Mapping[str, Any]) -> dict[str, Any]:
    if clock is None or day.days > 1 or day.precision == "month":
        begins = datetime.combine(day.first, time())
        return _span(begins, begins + timedelta(days=day.days), day.precision)
    times = _times(opened, day.first)
    first, last = clock.resolved(times)
    begins = datetime.combine(day.first, time())
    return _span(begins + timedelta(minutes=first), begins + timedelta(minutes=last), clock.precision)


def _without_day(clock: Clock, now: datetime, opened: Mapping[str, Any]) -> dict[str, Any]:
    """The next time it is that late; which day was meant is to be asked."""
    first, last = clock.resolved(_times(opened, now.date()) or next((found for day in WEEK if (found := opened.get(day))), None))
    begins = datetime.combine(now.date(), time()) + timedelta(minutes=first)
    if begins <= now:
        begins += timedelta(days=1)
    return _span(begins, begins + timedelta(minutes=last - first), clock.precision) | {"day_said": False}


def _joined(day: Day | None, clock: Clock | None, earlier: Mapping[str, Any]) -> tuple[Day | None, Clock | None]:
    """What this turn leaves open, from an earlier one: its day under a new hour, its hour under a new day."""
    begins, precision = datetime.fromisoformat(earlier["from"]), earlier["precision"]
    if day is None and earlier.get("day_said") is not False and precision not in ("week", "month"):
        # "At four", after "on Friday afternoon".
        afternoon = clock is not None and not clock.half and precision == "part" and begins.hour >= hours.MORNING_ENDS
        return Day(begins.date(), 1, "day"), replace(clock, half="p") if clock and afternoon else clock
    if clock is None and earlier.get("day_said") is False:
        return day, Clock(begins.hour, begins.minute, "24")
    return day, clock


def _bare(folded: str) -> Clock | None:
    match = BARE_HOUR.search(folded)
    return Clock(int(match["h"]), int(match["m"] or 0)) if match else None


def _times(opened: Mapping[str, Any], day: date) -> Any:
    return opened.get(WEEK[day.weekday()])


def _still_ahead(before: Mapping[str, Any] | None, now: datetime) -> Mapping[str, Any] | None:
    return before if before and datetime.fromisoformat(before["to"]) > now else None


def _span(begins: datetime, ends: datetime, precision: str) -> dict[str, Any]:
    return {"from": begins.isoformat(timespec="minutes"), "to": ends.isoformat(timespec="minutes"), "precision": precision}


def _months_on(first: date, count: int) -> date:
    month = first.month - 1 + count
    year, month = first.year + month // 12, month % 12 + 1
    return date(year, month, min(first.day, calendar.monthrange(year, month)[1]))
