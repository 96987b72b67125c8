"""How numbers, times, money and names look to a person: by their language and the company's time zone."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from babel import Locale, dates, numbers, units
from markupsafe import Markup, escape

from savdo.base import clock, texts

# Facts whose values are codes, each with words of its own.
CODED = ("timeline", "objection")
Patterns = Sequence[tuple[re.Pattern[str], str]]


def _patterns(prefix: str, *listed: tuple[str, str]) -> Patterns:
    return tuple((re.compile(pattern, re.DOTALL), f"{prefix}{key}") for pattern, key in listed)


# What the notes of a turn (savdo/reply) look like, and which text says it.
NOTES = _patterns(
    "why.note_",
    (r"likely (?P<support>[\d.]+), share (?P<share>[\d.]+)", "likely"), (r"not spoken of: (?P<what>.+)", "topic"),
    (r"a person is called at: (?P<what>.+)", "rule"), ("outside working hours", "hours"),
    (r"read as (?P<intent>\w+), doubted", "doubted"), ("nothing but a file", "file"), ("no passage answers this", "nothing"),
    ("last resort", "last"), (r"tools: (?P<what>.+)", "tools"), (r"(?P<model>\S+): (?P<ms>[\d.]+) ms", "model"),
    (r"visit_\w+|unbookable", "not_free"), ("no time is free", "full"), ("a visit is called off", "called_off"),
    (r"(?P<model>\S+): (?P<ms>[\d.]+) ms, price unknown", "unpriced"), (r"(?P<model>[a-z]+:\S+): (?P<problem>.+)", "passed_by"),
)  # fmt: skip
# Why a model gave no answer (savdo/ai).
PROBLEMS = _patterns(
    "models.problem_",
    ("status 40[13]", "key"), ("status 402", "credit"), ("status 404", "unknown"), ("status 429", "busy"),
    (r"status (?P<status>4\d\d)", "refused"), (r"status (?P<status>\d+)", "down"), (r"no answer in (?P<seconds>\S+) s", "slow"),
    ("an answer in another shape", "shape"), (".+ failed several times just now.*", "resting"), ("The day's budget .*", "budget"),
    ("The time for this answer .*", "time"), ("This address is private.*", "private"), ("There is no host .*", "host"),
    (r"\w*(?:Error|Exception|Timeout)", "unreachable"),
)  # fmt: skip
# What the guard (savdo/reply) says besides the reply's own words.
FAULTS = _patterns(
    "why.fault_",
    ("an order to the answerer", "order"), ("repeats an order to the answerer", "echo"), ("repeats its own rules", "rules"),
    (r"not in (?P<tongue>\w\w)", "tongue"), (r"(?P<count>\d+) characters, at most (?P<most>\d+)", "long"),
)  # fmt: skip


def number(value: float, language: str) -> str:
    return numbers.format_decimal(value, locale=language)


def money(micros: int, currency: str, language: str) -> str:
    """Millionths of a currency; what a model call cost is far below a cent, so an amount below one unit has four digits."""
    digits = "¤#,##0.00" if micros >= 1_000_000 or micros % 10_000 == 0 else "¤0.0000"
    return numbers.format_currency(micros / 1_000_000, currency, format=digits, locale=language, currency_digits=False)


def size(count: int, language: str) -> str:
    """Bytes as kB or MB."""
    unit, value = ("kilobyte", max(1, round(count / 1000))) if count < 1_000_000 else ("megabyte", round(count / 1_000_000, 1))
    return units.format_unit(value, f"digital-{unit}", "short", locale=language)


def ago(moment: datetime, language: str, timezone: str) -> Markup:
    """The short distance to now, with the exact time on hover."""
    delta = moment - clock.now()
    seconds = abs(delta.total_seconds())
    if seconds < 86_400:
        short = dates.format_timedelta(delta, granularity="minute", threshold=1, format="narrow", add_direction=False, locale=language)
    else:
        local = moment.astimezone(clock.zone(timezone))
        skeleton = "MMMd" if local.year == clock.now().year else "yMMMd"
        short = dates.format_skeleton(skeleton, local, locale=language)
    return _time(moment, short, language, timezone)


def at(moment: datetime, language: str, timezone: str) -> Markup:
    """The hour and minute, with the exact time on hover."""
    return _time(moment, dates.format_time(moment, "HH:mm", tzinfo=clock.zone(timezone), locale=language), language, timezone)


def span(begins: datetime, ends: datetime, language: str, timezone: str) -> str:
    """ "Thu, May 7, 15:00–16:00", with the year where it is another."""
    first, last = begins.astimezone(clock.zone(timezone)), ends.astimezone(clock.zone(timezone))
    skeleton = "MMMEd" if first.year == clock.now().year else "yMMMEd"
    return f"{dates.format_skeleton(skeleton, first, locale=language)}, {first:%H:%M}–{last:%H:%M}"


def second(moment: datetime, language: str, timezone: str) -> str:
    """The hour, minute and second, as a part of a sentence about what is over soon."""
    return dates.format_time(moment, "HH:mm:ss", tzinfo=clock.zone(timezone), locale=language)


def day(moment: datetime, language: str, timezone: str) -> str:
    return date_of(moment.astimezone(clock.zone(timezone)).date(), language)


def date_of(day: date, language: str) -> str:
    """A day that is one already, wherever it was."""
    return dates.format_skeleton("yMMMMd", datetime.combine(day, datetime.min.time()), locale=language)


def facts(known: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """What is known of a customer or was understood of a turn, as (what, value) in words; what has no words is not for people."""
    named = [(f"fact.{name}", _fact(name, value, language)) for name, value in known.items()]
    return [(texts.t(key, language), words) for key, words in named if words and texts.has(key)]


def unbroken(text: str) -> str:
    """A price in groups of three is one word: "3 400 000" never ends a line after the 3."""
    return re.sub(r"(?<=\d) (?=\d{3}(?!\d))", "\u00a0", text)


def note(words: str, language: str) -> str:
    """A note of a turn in the reader's words; one that is known nowhere, as it stands."""
    return _told(NOTES, words, language)


def problem(words: str, language: str) -> str:
    """Why a model gave no answer, in the reader's words; what is known nowhere, as it stands."""
    return _told(PROBLEMS, words, language)


def fault(kind: str, detail: str, language: str) -> tuple[str, str]:
    """What the guard held against a reply, as (what, which words of it)."""
    key = f"fault.{kind}"
    return texts.t(key, language) if texts.has(key) else kind, _told(FAULTS, detail, language)


def _told(patterns: Patterns, words: str, language: str) -> str:
    for pattern, key in patterns:
        if found := pattern.fullmatch(words):
            told = {name: _INNER[name](value, language) if name in _INNER else value for name, value in found.groupdict().items()}
            return texts.t(key, language, **told)
    return words


def _intent(name: str, language: str) -> str:
    return texts.t(f"intent.{name}", language) if texts.has(f"intent.{name}") else name


def _tongue(code: str, language: str) -> str:
    return Locale.parse(code).get_display_name(language) or code


# Parts of such a sentence that have words of their own.
_INNER = {"intent": _intent, "problem": problem, "tongue": _tongue}


def provider(name: str, language: str) -> str:
    """What a provider of models calls itself; a server of one's own in words."""
    return texts.t("models.compatible", language) if name == "compatible" else {"openai": "OpenAI"}.get(name, name.capitalize())


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
    exact = dates.format_datetime(moment, "d MMMM y, HH:mm:ss", tzinfo=clock.zone(timezone), locale=language)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(), exact, escape(short))
