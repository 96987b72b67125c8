"""How long something takes, said in the customer's language: "30 дней" → "30 kun". For quotes in another one."""

import re
from collections.abc import Mapping
from typing import Final

from savdo.reply import figures, sayings
from savdo.reply.models import Reading

MOST: Final = 3
NAMES: Final = ("minute", "hour", "day", "week", "month", "year")
WORKING: Final = re.compile(r"ish\b|рабоч|жұмыс|иш\b|business|working", re.IGNORECASE)
NUMBER: Final = r"(?<![\d.,:])(?P<number>\d{1,3}(?:\s?[-–—]\s?\d{1,3})?)\s?[-‑]?\s?"
UNIT: Final = tuple(
    (name, re.compile(rf"{NUMBER}(?P<kind>{figures.FILLER})(?:{words})", re.IGNORECASE))
    for name, (words, _, _) in zip(NAMES, figures.UNITS[1:], strict=True)
)
# "до 18 часов" is a time of the day.
CLOCK: Final = re.compile(r"(?:^|\s)(?:с|до|в|к|от|after|until|till|at)\s$", re.IGNORECASE)
SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "uz": {"minute": "daqiqa", "hour": "soat", "day": "kun", "work": "ish kuni", "week": "hafta", "month": "oy", "year": "yil"},
    "kk": {"minute": "минут", "hour": "сағат", "day": "күн", "work": "жұмыс күні", "week": "апта", "month": "ай", "year": "жыл"},
    "en": {
        "minute": "minute|minutes", "hour": "hour|hours", "day": "day|days", "work": "working day|working days", "week": "week|weeks",
        "month": "month|months", "year": "year|years",
    },
    "ru": {
        "minute": "минута|минуты|минут", "hour": "час|часа|часов", "day": "день|дня|дней", "work": "рабочий день|рабочих дня|рабочих дней",
        "week": "неделя|недели|недель", "month": "месяц|месяца|месяцев", "year": "год|года|лет",
    },
}  # fmt: skip


def said(text: str, reading: Reading) -> str:
    """The durations of a text in the customer's language, "30 kun, 6 oy"; empty when there are none or too many to be told apart."""
    found = sorted(
        (match.start(), match["number"], "work" if name == "day" and WORKING.search(match["kind"]) else name)
        for name, pattern in UNIT
        for match in pattern.finditer(text)
        if not (name == "hour" and CLOCK.search(text[: match.start()]))
    )
    told = list(dict.fromkeys(worded(number, name, reading) for _, number, name in found))
    return ", ".join(told) if len(told) <= MOST else ""


def worded(number: str, name: str, reading: Reading) -> str:
    """A number of a unit (`NAMES`, or work for working days) in the form the language asks for."""
    number = re.sub(r"\s", "", number)
    forms = SAID[reading.language][name].split("|")
    count = int(re.split("[-–—]", number)[-1])
    if len(forms) == 3:
        one, few = count % 10 == 1 and count % 100 != 11, 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14
        form = forms[0] if one else forms[1] if few else forms[2]
    else:
        form = forms[0] if count == 1 else forms[-1]
    return f"{number} {sayings.written(form, reading)}"
