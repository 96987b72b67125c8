"""A text being read for figures: what was recognised is blanked, so that a date is not read again as two numbers."""

import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Kind = Literal["plain", "percent", "money", "hours", "months", "clock", "date", "month", "year", "phone", "count", "measure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """`values` are the readings, in base units of the kind: money in major units of `currency` ("" when unsaid), hours,
    months, minutes of the day (clock), 100 × month + day (date), month of the year (month), last nine digits (phone),
    a small number in words without a unit (count), weight, length or pieces (measure). `raw` is the bare number."""

    kind: Kind
    values: tuple[Decimal, ...]
    raw: tuple[Decimal, ...]
    words: str
    at: int
    currency: str = ""


@dataclass(slots=True)
class Scan:
    """`text` with what was found so far blanked, and what was found."""

    text: str
    found: list[Figure] = field(default_factory=list[Figure])

    def take(self, start: int, end: int, kind: Kind, *values: Decimal, currency: str = "", raw: tuple[Decimal, ...] = ()) -> None:
        self.found.append(Figure(kind, values, raw or values, self.text[start:end].strip(), start, currency))
        self.text = self.text[:start] + "\x00" * (end - start) + self.text[end:]


def plain(text: str) -> str:
    """One form for what looks the same: full-width and other digits, no-break spaces, dashes and invisible marks."""
    # Square and cubic metres keep no figure of their own.
    text = unicodedata.normalize("NFKC", re.sub(r"[²³]", "", text))
    text = re.sub(r"[\u200b-\u200f\u2060\ufeff\u00ad]", "", text)
    text = re.sub(r"[\u00a0\u202f\u2007\u2009]", " ", text)
    return text if text.isascii() else re.sub(r"\d", lambda digit: str(unicodedata.digit(digit[0])), text)
