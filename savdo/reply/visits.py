"""A wish to come or to be called: the time as it was understood, said back in the customer's language, booked where it is free and the
company has a diary, and what is still missing. Pure."""

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from savdo.appointments.models import Diary, Taken, TooFar, Unbookable, Wish
from savdo.base import clock
from savdo.reply import leads, sayings
from savdo.reply.models import Draft, Reading, Turn

FILE: Final = Path(__file__).with_name("visits.toml")
# Days this near are called by their own words.
NEAR: Final = ("today", "tomorrow")
# Whoever calls a visit off names its time too.
CALLED_OFF: Final = re.compile(r"отмен|\bbekor|\bбекор|болдырма|бас тарт|\bcancel|\bcall (?:it|that|this) off", re.IGNORECASE)
# So many free times are offered instead of one that is not.
OFFERED: Final = 3
# So many of a day whose hour is still to be said.
SHOWN: Final = 5


def may_be(turn: Turn, reading: Reading) -> bool:
    """Whether a turn may be answered with what the diary says."""
    return reading.intent == "booking" or goes_on(turn, reading)


def draft(turn: Turn, reading: Reading) -> Draft:
    """The answer to who wants to come. With a diary, a day and an hour that are free are booked, others are offered instead of what
    is not; without one, and for a time too far ahead, a colleague confirms. A visit that is called off is a colleague's."""
    if CALLED_OFF.search(turn.text):
        return Draft(sayings.say("person_called", turn, reading), reading, handover="keyword", notes=("a visit is called off",))
    when: Mapping[str, Any] | None = reading.entities.get("when") or turn.facts.get("when")
    is_ahead = when is not None and datetime.fromisoformat(when["to"]) > local(turn)
    found = _by_diary(turn, reading, turn.diary, when) if turn.diary and when and is_ahead else None
    made = found or Draft(answer(turn, reading), reading)
    # Days and hours in it are the customer's own and the diary's.
    return replace(made, grounds=(made.text,))


def instead(turn: Turn, reading: Reading, diary: Diary, when: Mapping[str, Any], refused: Unbookable) -> Draft:
    """What is said when a time cannot be had: the free ones nearest to it; a colleague is called where there are none. What is known
    of the customer's wish is then a day, so that an hour alone is an answer."""
    free = diary.nearest(_begins(when, diary), OFFERED)
    if not free:
        return Draft(sayings.say("unknown", turn, reading), reading, handover="low_confidence", notes=("no time is free",))
    key = "visit_taken" if isinstance(refused, Taken) else "visit_impossible"
    no = sayings.say(key, turn, reading, when=said(when, local(turn), reading))
    reading = replace(reading, entities={**reading.entities, "when": _all_day(free[0])})
    text = _two(no, sayings.say("visit_free", turn, reading, times=_listed(turn, reading, free)))
    return Draft(text, reading, notes=(refused.code,))


def local(turn: Turn) -> datetime:
    """Now, as a clock on the company's wall shows it."""
    return clock.local(turn.profile, turn.now).replace(tzinfo=None)


def at(moment: datetime, diary: Diary) -> dict[str, Any]:
    """A moment in the shape of `dates`."""
    begins = moment.astimezone(diary.rules.zone).replace(tzinfo=None).isoformat(timespec="minutes")
    return {"from": begins, "to": begins, "precision": "minute"}


def told(times: Sequence[datetime]) -> str:
    """Times for models and the guard: "2026-05-07 Thursday 15:00, 16:00", a line a day."""
    return "\n".join(f"{day[0]:%Y-%m-%d %A} {_clocks(day)}" for day in _days(times))


def answer(turn: Turn, reading: Reading) -> str:
    """What is said to who wants to come: their day and time again, then one question for what is missing: the day, else the
    hour, else how to reach them. On a day off, the hours and which day else."""
    when: Mapping[str, Any] | None = reading.entities.get("when") or turn.facts.get("when")
    now = local(turn)
    if when is None or datetime.fromisoformat(when["to"]) <= now:
        hours = sayings.hours(turn.profile, reading)
        return _two(sayings.say("hours", turn, reading, hours=hours) if hours else "", sayings.say("ask_when", turn, reading))
    if _is_off(turn, when):
        return _two(
            sayings.say("day_off", turn, reading, when=_capital(_day(when, now, reading))),
            sayings.say("hours", turn, reading, hours=sayings.hours(turn.profile, reading)),
        )
    missing = asks(when)
    if missing:
        return _two(sayings.say("booking_noted", turn, reading, when=said(when, now, reading)), sayings.say(missing, turn, reading))
    return _two(sayings.say("booking_at", turn, reading, when=said(when, now, reading)), contact_wish(turn, reading))


def contact_wish(turn: Turn, reading: Reading) -> str:
    """What asks how to reach the customer, where that is not known."""
    known = {**turn.facts, **reading.entities}
    if known.get("phone") or known.get("email"):
        return ""
    return sayings.say("ask_phone" if known.get("name") else "ask_contact", turn, reading)


def goes_on(turn: Turn, reading: Reading) -> bool:
    """Whether a customer who wants to come names the day or the hour that was asked for, in words that say nothing else."""
    spoken_of = bool(leads.signals_of(turn.facts).get("booking"))
    return spoken_of and "when" in reading.entities and reading.intent in ("unclear", "contact_details", "greeting", "off_topic")


def asks(when: Mapping[str, Any]) -> str:
    """The sentence that asks for what a time leaves open: ask_day, ask_hour, or nothing."""
    if when.get("day_said") is False or when["precision"] in ("week", "month"):
        return "ask_day"
    return "ask_hour" if when["precision"] in ("day", "part") else ""


def said(when: Mapping[str, Any], now: datetime, reading: Reading) -> str:
    """ "ertaga, 7-may soat 17:00", "в пятницу, 8 мая, после обеда"."""
    begins = datetime.fromisoformat(when["from"])
    hour = _words("at_hour", reading).format(hour=f"{begins:%H:%M}")
    if when.get("day_said") is False:
        return hour if when["precision"] != "part" else _part(when, begins, reading)
    day = _day(when, now, reading)
    if when["precision"] in ("day", "week", "month"):
        return day
    return _words("day_and_hour", reading).format(day=day, hour=_part(when, begins, reading) if when["precision"] == "part" else hour)


def evidence(turn: Turn, reading: Reading) -> tuple[str, ...]:
    """The dates and hours that follow from the customer's own words, for the guard: who says "tomorrow at 5" has said 7 May, 17:00."""
    when: Mapping[str, Any] | None = reading.entities.get("when") or turn.facts.get("when")
    if when is None:
        return ()
    begins, ends = datetime.fromisoformat(when["from"]), datetime.fromisoformat(when["to"]) - timedelta(minutes=1)
    days = _list("weekdays", reading)
    return (f"{begins:%Y-%m-%d %H:%M} - {ends:%Y-%m-%d} {datetime.fromisoformat(when['to']):%H:%M} {days[begins.weekday()]}",)


def _by_diary(turn: Turn, reading: Reading, diary: Diary, when: Mapping[str, Any]) -> Draft | None:
    """None where the diary does not say: no day is named, it is a day off, or too far ahead."""
    if _is_off(turn, when) or asks(when) == "ask_day":
        return None
    begins = _begins(when, diary)
    try:
        if asks(when) == "ask_hour":
            return _hours_of(turn, reading, diary, when)
        diary.place(begins)
    except TooFar:
        return None
    except Unbookable as refused:
        return instead(turn, reading, diary, when, refused)
    booked = sayings.say("visit_booked", turn, reading, when=said(when, local(turn), reading))
    wish = Wish(begins, " ".join(turn.text.split()))
    return Draft(_two(booked, contact_wish(turn, reading)), reading, visit=wish)


def _hours_of(turn: Turn, reading: Reading, diary: Diary, when: Mapping[str, Any]) -> Draft:
    """The hours that are free within the time named, of many some. Raises TooFar, Unbookable."""
    begins, ends = _begins(when, diary), _begins({"from": when["to"]}, diary)
    if begins > diary.now + diary.rules.ahead:
        raise TooFar
    free = [one for one in diary.free(begins.date(), begins.date()) if begins <= one < ends]
    if not free:
        raise Unbookable
    some = free[:: -(-len(free) // SHOWN)]
    noted = sayings.say("booking_noted", turn, reading, when=said(when, local(turn), reading))
    return Draft(_two(noted, sayings.say("visit_free", turn, reading, times=_clocks(some))), reading)


def _begins(when: Mapping[str, Any], diary: Diary) -> datetime:
    return datetime.fromisoformat(when["from"]).replace(tzinfo=diary.rules.zone)


def _all_day(moment: datetime) -> dict[str, Any]:
    begins = datetime.combine(moment.date(), time())
    ends = begins + timedelta(days=1)
    return {"from": begins.isoformat(timespec="minutes"), "to": ends.isoformat(timespec="minutes"), "precision": "day"}


def _listed(turn: Turn, reading: Reading, times: Sequence[datetime]) -> str:
    """ "завтра, 7 мая 10:00, 11:00; в пятницу, 8 мая 09:00"."""
    return "; ".join(f"{_day(_all_day(day[0]), local(turn), reading)} {_clocks(day)}" for day in _days(times))


def _days(times: Sequence[datetime]) -> list[list[datetime]]:
    return [list(of_day) for _, of_day in groupby(times, key=lambda one: one.date())]


def _clocks(times: Sequence[datetime]) -> str:
    return ", ".join(f"{one:%H:%M}" for one in times)


def _day(when: Mapping[str, Any], now: datetime, reading: Reading) -> str:
    begins = datetime.fromisoformat(when["from"])
    months = _list("months", reading)
    if when["precision"] == "month":
        return _list("in_month", reading)[begins.month - 1]
    if when["precision"] == "week":
        last = datetime.fromisoformat(when["to"]) - timedelta(days=1)
        first = _words("date", reading).format(day=begins.day, month=months[begins.month - 1])
        return f"{first} – {_words('date', reading).format(day=last.day, month=months[last.month - 1])}"
    date = _words("date", reading).format(day=begins.day, month=months[begins.month - 1])
    ahead = (begins.date() - now.date()).days
    name = _words(NEAR[ahead], reading) if ahead < len(NEAR) else _list("on_weekdays", reading)[begins.weekday()]
    return f"{name}, {date}"


def _part(when: Mapping[str, Any], begins: datetime, reading: Reading) -> str:
    ends = datetime.fromisoformat(when["to"])
    length = (ends - begins).total_seconds() / 3600
    wide = {(6, 6): "morning", (9, 4): "forenoon", (13, 5): "afternoon", (18, 4): "evening", (12, 2): "noon", (12, 5): "daytime"}
    name = wide.get((begins.hour, int(length)))
    return _words(name, reading) if name else _words("after_hour", reading).format(hour=f"{begins:%H:%M}")


def _is_off(turn: Turn, when: Mapping[str, Any]) -> bool:
    hours: Mapping[str, Any] = turn.profile.get("working_hours") or {}
    day = clock.WEEK[datetime.fromisoformat(when["from"]).weekday()]
    return (
        when.get("day_said") is not False
        and when["precision"] not in ("week", "month")
        and day in hours
        and not hours[day]
        and any(hours.values())
    )


def _list(key: str, reading: Reading) -> list[str]:
    return [word.replace("_", " ") for word in sayings.written(_catalogue()[key][reading.language][0], reading).split()]


def _words(key: str, reading: Reading) -> str:
    return sayings.written(_catalogue()[key][reading.language][0], reading)


@functools.cache
def _catalogue() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def _two(first: str, second: str) -> str:
    return f"{first} {second}".strip()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
