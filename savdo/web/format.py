"""How numbers, times, money and names look to a person: by their language and the company's time zone."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import dates, numbers
from markupsafe import Markup, escape

from savdo.base import clock, texts

# Facts whose values are codes, each with words of its own.
CODED = ("timeline", "objection")
# What the notes of a turn (savdo/reply) look like, and which text says it.
NOTES = tuple(
    (re.compile(pattern, re.DOTALL), f"why.note_{key}")
    for pattern, key in (
        (r"likely (?P<support>[\d.]+), share (?P<share>[\d.]+)", "likely"), (r"not spoken of: (?P<what>.+)", "topic"),
        (r"a person is called at: (?P<what>.+)", "rule"), ("outside working hours", "hours"),
        (r"read as (?P<intent>\w+), doubted", "doubted"), ("nothing but a file", "file"), ("no passage answers this", "nothing"),
        ("last resort", "last"), (r"tools: (?P<what>.+)", "tools"), (r"(?P<model>\S+): (?P<ms>[\d.]+) ms", "model"),
        (r"(?P<model>\S+): (?P<ms>[\d.]+) ms, price unknown", "unpriced"),
    )
)  # fmt: skip


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def number(value: float, language: str) -> str:
    return numbers.format_decimal(value, locale=language)


def money(micros: int, currency: str, language: str) -> str:
    """Millionths of a currency; what a model call cost is far below a cent."""
    return numbers.format_currency(micros / 1_000_000, currency, format="¤0.0000", locale=language, currency_digits=False)


def size(count: int, language: str) -> str:
    """Bytes as KB or MB."""
    if count < 1_000_000:
        return f"{numbers.format_decimal(max(1, round(count / 1000)), locale=language)} KB"
    return f"{numbers.format_decimal(round(count / 1_000_000, 1), locale=language)} MB"


def ago(moment: datetime, language: str, timezone: str) -> Markup:
    """The short distance to now, with the exact time on hover."""
    delta = moment - clock.now()
    seconds = abs(delta.total_seconds())
    if seconds < 86_400:
        short = dates.format_timedelta(delta, granularity="minute", threshold=1, format="narrow", add_direction=False, locale=language)
    else:
        local = moment.astimezone(zone(timezone))
        skeleton = "MMMd" if local.year == clock.now().year else "yMMMd"
        short = dates.format_skeleton(skeleton, local, locale=language)
    return _time(moment, short, language, timezone)


def at(moment: datetime, language: str, timezone: str) -> Markup:
    """The hour and minute, with the exact time on hover."""
    return _time(moment, dates.format_time(moment, "HH:mm", tzinfo=zone(timezone), locale=language), language, timezone)


def day(moment: datetime, language: str, timezone: str) -> str:
    return dates.format_skeleton("yMMMMd", moment.astimezone(zone(timezone)), locale=language)


def facts(known: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """What is known of a customer or was understood of a turn, as (what, value) in words; what has no words is not for people."""
    named = [(f"fact.{name}", _fact(name, value, language)) for name, value in known.items()]
    return [(texts.t(key, language), words) for key, words in named if words and texts.has(key)]


def unbroken(text: str) -> str:
    """A price in groups of three is one word: "3 400 000" never ends a line after the 3."""
    return re.sub(r"(?<=\d) (?=\d{3}(?!\d))", "\u00a0", text)


def note(words: str, language: str) -> str:
    """A note of a turn in the reader's words; one that is known nowhere, such as a model's error, as it stands."""
    for pattern, key in NOTES:
        if found := pattern.fullmatch(words):
            told = found.groupdict()
            if "intent" in told and texts.has(f"intent.{told['intent']}"):
                told["intent"] = texts.t(f"intent.{told['intent']}", language)
            return texts.t(key, language, **told)
    return words


def initials(name: str | None) -> str:
    words = [word for word in (name or "").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper() if words else "?"


def _fact(name: str, value: Any, language: str) -> str:
    if isinstance(value, Mapping):
        ends = [number(value[end], language) for end in ("min", "max") if value.get(end) is not None]
        return " ".join(["–".join(dict.fromkeys(ends)), str(value.get("currency") or "")]).strip() if ends else ""
    if isinstance(value, list | tuple):
        # Each of the `objections` is an `objection`.
        return ", ".join(words for one in value if (words := _fact(name.removesuffix("s"), one, language)))
    if name in CODED:
        return texts.t(f"{name}.{value}", language) if texts.has(f"{name}.{value}") else ""
    if isinstance(value, bool) or value is None:
        return ""
    return number(value, language) if isinstance(value, int | float) else str(value)


def _time(moment: datetime, short: str, language: str, timezone: str) -> Markup:
    exact = dates.format_datetime(moment, "d MMMM y, HH:mm:ss", tzinfo=zone(timezone), locale=language)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(), exact, escape(short))
