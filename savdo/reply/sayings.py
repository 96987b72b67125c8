"""The sentences around facts, in five writings: never one that was just said."""

import functools
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from babel import numbers

from savdo.base.clock import WEEK
from savdo.reply import transliteration
from savdo.reply.models import Reading, Turn

FILE: Final = Path(__file__).with_name("sentences.toml")
TONES: Final = Path(__file__).with_name("tones.toml")
CURRENCY_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "UZS": {"uz": "so‘m", "ru": "сум", "kk": "сум", "en": "UZS"},
    "KZT": {"uz": "₸", "ru": "₸", "kk": "₸", "en": "₸"},
    "USD": {"uz": "$", "ru": "$", "kk": "$", "en": "USD"},
    "RUB": {"uz": "₽", "ru": "₽", "kk": "₽", "en": "RUB"},
}
RECENT: Final = 6


def say(key: str, turn: Turn, reading: Reading, **filled: str) -> str:
    """A sentence of the catalogue in the company's tone and the customer's writing; the variant the bot has not used for longest."""
    return min((variant.format(**filled) for variant in _variants(key, turn, reading)), key=lately(turn).rfind)


def lately(turn: Turn) -> str:
    """What the bot has said within the last messages."""
    return " ".join(one.text for one in turn.history[-RECENT:] if one.author == "bot")


def says(key: str, text: str, turn: Turn, reading: Reading) -> bool:
    """Whether a text holds the sentence, one in which nothing is filled in."""
    return any(variant in text for variant in _variants(key, turn, reading))


def _variants(key: str, turn: Turn, reading: Reading) -> list[str]:
    sentences = tones().get(str(turn.profile.get("tone")), {}).get(key) or catalogue()[key]
    return [written(variant, reading) for variant in sentences[reading.language]]


def written(text: str, reading: Reading) -> str:
    """Uzbek in the letters the customer writes."""
    return transliteration.uzbek_cyrillic(text) if reading.language == "uz" and reading.script == "cyrl" else text


def amount(value: float | Decimal, currency: str, reading: Reading) -> str:
    """1650000 → "1 650 000 сум"."""
    return f"{number(value, reading)} {currency_word(currency, reading)}"


def number(value: float | Decimal, reading: Reading) -> str:
    """1650000 → "1 650 000"; 12.5 → "12,50" in Russian, "12.50" in English."""
    # A space between thousands in English too: what is expected of a reply (savdo.reply.expected) ignores spaces between digits
    # and no other mark, so that "1,650,000" would not hold the "1 650 000" of a price list.
    whole, _, part = f"{value:,.2f}".partition(".")
    fraction = "" if part == "00" else f"{numbers.get_decimal_symbol(reading.language)}{part}"
    return whole.replace(",", " ") + fraction


def currency_word(currency: str, reading: Reading) -> str:
    """ "UZS" → "сум"."""
    return written(CURRENCY_WORDS.get(currency, {}).get(reading.language, currency), reading)


def hours(profile: Mapping[str, Any], reading: Reading) -> str:
    """ "пн-пт 09:00–18:00, сб 10:00–14:00, вс выходной"; empty when the profile does not say."""
    week: Mapping[str, Sequence[str] | None] = profile.get("working_hours") or {}
    if not any(week.values()):
        return ""
    names = written(catalogue()["days"][reading.language][0], reading).split()
    spans: list[tuple[int, int, tuple[str, ...] | None]] = []
    for index, day in enumerate(WEEK):
        if day not in week:
            continue
        times = tuple(week[day] or ()) or None
        if spans and spans[-1][2] == times and spans[-1][1] == index - 1:
            spans[-1] = (spans[-1][0], index, times)
        else:
            spans.append((index, index, times))
    return ", ".join(_span(first, last, times, names, reading) for first, last, times in spans)


def _span(first: int, last: int, times: tuple[str, ...] | None, names: Sequence[str], reading: Reading) -> str:
    days = names[first] if first == last else f"{names[first]}-{names[last]}"
    if times is None:
        return written(catalogue()["closed_day"][reading.language][0], reading).format(days=days)
    return f"{days} {times[0]}–{times[-1]}"


@functools.cache
def catalogue() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@functools.cache
def tones() -> dict[str, dict[str, dict[str, list[str]]]]:
    """The sentences that a tone says otherwise, by tone."""
    return tomllib.loads(TONES.read_text(encoding="utf-8"))
