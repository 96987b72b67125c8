# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""Days of the week in a text: named, in a range, "every day", "at weekends"; and which of them are said to be days off. Pure.

Days are numbers, Monday is 0.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from savdo.base.clock import WEEK

ALL: Final = frozenset(range(7))
NAMES: Final = (
    r"\bdushanba|\bдушанба|понедельник|дүйсенбі|\bmonday", r"\bseshanba|\bсешанба|вторник|сейсенбі|\btuesday", r"chorshanba|чоршанба|\bсред(?:а|у|ы|ой|ам|е|ам)\b|сәрсенбі|\bwednesday",
    r"payshanba|пайшанба|четверг|бейсенбі|\bthursday", r"\bjuma|\bжума|\bпятниц|\bжұма|\bfriday", r"\bshanba|\bшанба|\bсуббот|\bсенбі|\bsaturday",
    r"yakshanba|якшанба|воскресень|жексенбі|\bsunday",
)  # fmt: skip
SHORT: Final = (
    r"\bпн\b|\bдс\b|\bmon\b", r"\bвт\b|\bсс\b|\btues?\b", r"\bср\b|\bwed\b", r"\bчт\b|\bбс\b|\bthu(?:rs)?\b", r"\bпт\b|\bжм\b|\bfri\b", r"\bсб\b|\bsat\b", r"\bвс\b|\bжс\b|\bsun\b",
)  # fmt: skip
# Two letters are days only beside another day.
PAIRED: Final = tuple(
    re.compile(rf"\b(?:{first})\s?[-–]\s?(?:{last})\b")
    for first, last in (("du", "ju"), ("du", "sha"), ("du", "ya|yak"), ("ду", "жу"), ("ду", "ша"), ("ду", "як"))
)
PAIRED_DAYS: Final = tuple(frozenset(range(days)) for days in (5, 6, 7, 5, 6, 7))
DAY: Final = re.compile("|".join(f"(?P<d{place}>{long}|{short})" for place, (long, short) in enumerate(zip(NAMES, SHORT, strict=True))))
THROUGH: Final = re.compile(r"(?:s?\s?[-–—]\s?|\s(?:по|до|to|through|thru|till|until)\s)$|(?:dan|дан|ден|нан|нен)\s(?:to)?$")
EVERY: Final = re.compile(
    r"ежедневно|кажд\w+ день|без выходных|har kuni|ҳар куни|kun ?ora ?siz|күн сайын|күнделікті|\bevery ?day|\bdaily\b|seven days|7 days a week|dam olish(?: kun\w*)?siz|24\s?/\s?7|круглосуточно|kecha-yu kunduz|кеча-ю кундуз|tunu kun|туну кун|24 (?:soat|соат) (?:ishla|ишла|ochiq|очиқ|davomida|давомида)|24 часа\b(?! (?:до|с момента|после))|24 hours a day|around the clock|тәулік бойы|24 сағат бойы|демалыссыз|без перерыв"
)
WORKING: Final = re.compile(r"\bбудн|(?<!\d )\bish kunlari\b|иш кунлари\b|жұмыс күндері|\bweekdays?\b")
WEEKEND: Final = re.compile(
    r"(?:по|в|на) выходны[ем]|\bвыходные(?=(?: дни)?\s?(?:[-—–:]\s?)?\d)|dam olish kunlari|дам олиш кунлари|демалыс күндері|\bweekends?\b"
)
CLOSED: Final = re.compile(
    r"выходн(?:ой|ые|ым)|санитарн|не работа|закрыт|не принима|yopiq|ёпиқ|\bdam\b|\bдам\b|ishlamay|ишламай|демал|жабық|істемей|\bclosed\b|not open|don't work|do not work|except|кроме|tashqari|ташқари|басқа күн|day off|боғлиқ эмас"
)
CLAUSE: Final = re.compile(r"[.!?;,\n]+\s*|\s(?:а|но|but|lekin|ammo|бірақ)\s")


@dataclass(frozen=True, slots=True)
class Days:
    """The days a text names as open (or names at all), and those it names as days off."""

    named: frozenset[int]
    closed: frozenset[int]


@functools.lru_cache(maxsize=4096)
def read(text: str) -> Days:
    named: set[int] = set()
    closed: set[int] = set()
    told = clauses(text)
    for place, clause in enumerate(told):
        days = of_clause(clause)
        # "В понедельник санитарный день, не работаем": the clause behind says it.
        behind = told[place + 1] if place + 1 < len(told) else ""
        # "Saturday, Sunday closed" is said of both.
        is_bare = not re.search(r"\w", DAY.sub(" ", clause.lower()))
        off = is_off(clause) or (is_off(behind) and (is_bare or not of_clause(behind)) and not re.search(r"\d", clause))
        (closed if off else named).update(days)
    return Days(frozenset(named), frozenset(closed))


def is_off(clause: str) -> bool:
    """Whether a clause tells of days off; "at weekends" and "without days off" do not."""
    return bool(CLOSED.search(EVERY.sub(" ", WEEKEND.sub(" ", clause.lower()))))


def clauses(text: str) -> list[str]:
    return [clause for clause in CLAUSE.split(text) if clause and clause.strip()]


@functools.lru_cache(maxsize=8192)
def of_clause(clause: str) -> frozenset[int]:
    """The days of one clause, ranges filled in."""
    low = clause.lower()
    days: set[int] = set()
    last: tuple[int, int] | None = None
    for match in DAY.finditer(low):
        day = int(str(match.lastgroup)[1:])
        if last and THROUGH.search(low[last[1] : match.start()]):
            days.update((last[0] + step) % 7 for step in range((day - last[0]) % 7 + 1))
        days.add(day)
        last = (day, match.end())
    for pattern, span in zip(PAIRED, PAIRED_DAYS, strict=True):
        if pattern.search(low):
            days |= span
    for pattern, span in ((EVERY, ALL), (WORKING, frozenset(range(5))), (WEEKEND, frozenset((5, 6)))):
        if pattern.search(low):
            days |= span
    return frozenset(days)


def of_profile(profile: Mapping[str, Any]) -> Days:
    """Open days and days off by the working hours of a profile."""
    hours: Mapping[str, Any] = profile.get("working_hours") or {}
    opened = frozenset(place for place, day in enumerate(WEEK) if hours.get(day))
    return Days(opened, frozenset(place for place, day in enumerate(WEEK) if day in hours and not hours[day]))
