"""A wish to come or to be called: the time as it was understood, said back in the customer's language, and what is still missing. Pure."""

import functools
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from savdo.reply import leads, sayings
from savdo.reply.models import Reading, Turn

FILE: Final = Path(__file__).with_name("visits.toml")
WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Days this near are called by their own words.
NEAR: Final = ("today", "tomorrow")


def answer(turn: Turn, reading: Reading) -> str:
    """What is said to who wants to come: their day and time again, then one question for what is missing: the day, else the
    hour, else how to reach them. On a day off, the hours and which day else."""
    when: Mapping[str, Any] | None = reading.entities.get("when") or turn.facts.get("when")
    now = _local(turn)
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
    known = {**turn.facts, **reading.entities}
    contact = "" if known.get("phone") or known.get("email") else "ask_phone" if known.get("name") else "ask_contact"
    told = sayings.say("booking_at", turn, reading, when=said(when, now, reading))
    return _two(told, sayings.say(contact, turn, reading) if contact else "")


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
    clock = _words("at_hour", reading).format(hour=f"{begins:%H:%M}")
    if when.get("day_said") is False:
        return clock if when["precision"] != "part" else _part(when, begins, reading)
    day = _day(when, now, reading)
    if when["precision"] in ("day", "week", "month"):
        return day
    return _words("day_and_hour", reading).format(day=day, hour=_part(when, begins, reading) if when["precision"] == "part" else clock)


def evidence(turn: Turn, reading: Reading) -> tuple[str, ...]:
    """The dates and hours that follow from the customer's own words, for the guard: who says "tomorrow at 5" has said 7 May, 17:00."""
    when: Mapping[str, Any] | None = reading.entities.get("when") or turn.facts.get("when")
    if when is None:
        return ()
    begins, ends = datetime.fromisoformat(when["from"]), datetime.fromisoformat(when["to"]) - timedelta(minutes=1)
    days = _list("weekdays", reading)
    return (f"{begins:%Y-%m-%d %H:%M} - {ends:%Y-%m-%d} {datetime.fromisoformat(when['to']):%H:%M} {days[begins.weekday()]}",)


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
    day = WEEK[datetime.fromisoformat(when["from"]).weekday()]
    return (
        when.get("day_said") is not False
        and when["precision"] not in ("week", "month")
        and day in hours
        and not hours[day]
        and any(hours.values())
    )


def _local(turn: Turn) -> datetime:
    return turn.now.astimezone(ZoneInfo(str(turn.profile.get("timezone") or "UTC"))).replace(tzinfo=None)


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
