"""Which language a short, mixed, carelessly typed message wants its answer in, and in which letters.

General detectors fail on such messages (no apostrophes, Russian words inside Uzbek and Kazakh, Russian in Latin letters).
Letters and words that only one language has decide where they stand; else a linear model on character n-grams does.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from savdo.ai import linear

Language = Literal["uz", "ru", "kk", "en"]
Script = Literal["latn", "cyrl"]

MODEL: Final = Path(__file__).with_name("language.npz")
LANGUAGES: Final[Mapping[str, Language]] = {"uz": "uz", "ru": "ru", "kk": "kk", "en": "en"}
# Letters no neighbour has: Kazakh ә ө ү ұ ң і һ; Uzbek ў ҳ (қ and ғ are in both); Russian ы э щ are in Kazakh too.
KAZAKH_LETTERS: Final = re.compile("[әөүұңіһ]")
UZBEK_LETTERS: Final = re.compile("[ўҳ]")
CERTAIN: Final = 0.97


@functools.lru_cache(maxsize=4096)
def identify(text: str, before: str = "") -> tuple[Language, Script]:
    """The language and the script of a text; `before` is the thread's language, kept when the text says nothing of its own."""
    letters = re.sub(r"\S+@\S+|https?://\S+|\b\S+\.example\b|[^\w\s]|[\d_]", " ", text.lower())
    cyrillic = len(re.findall("[а-яёәөүұңіһқғўҳ]", letters))
    latin = len(re.findall("[a-z]", letters))
    if cyrillic + latin < 2:
        language = LANGUAGES.get(before, "ru" if cyrillic else "uz")
        return language, "latn" if language == "en" or (language == "uz" and not cyrillic) else "cyrl"
    script: Script = "cyrl" if cyrillic >= latin else "latn"
    return _language(text, letters, script, before), script


def shares(text: str, script: Script) -> dict[Language, float]:
    """How likely each language is, from the n-grams alone."""
    head = _heads()[script]
    return dict(zip((LANGUAGES[label] for label in head.labels), map(float, head.shares(linear.grams(text))), strict=True))


def _language(text: str, letters: str, script: Script, before: str) -> Language:
    if script == "cyrl":
        kazakh, uzbek = len(KAZAKH_LETTERS.findall(letters)), len(UZBEK_LETTERS.findall(letters))
        if kazakh > uzbek:
            return "kk"
        if uzbek > kazakh:
            return "uz"
    likely = shares(text, script)
    known = LANGUAGES.get(before)
    if known in likely:
        # A name, a number with one word, "ok": the thread knows better than four letters do.
        likely[known] += 0.5 if len(letters.split()) <= 2 else 0.15
    return max(likely, key=lambda language: likely[language])


@functools.cache
def _heads() -> dict[str, linear.Head]:
    return linear.load(MODEL)
