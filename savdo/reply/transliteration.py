"""Uzbek and Kazakh and Russian in the letters people type them in: Latin for Cyrillic and back, with and without special letters."""

import re
from collections.abc import Iterator
from typing import Final

from savdo.ai import linear

UZBEK_PAIRS: Final = (
    ("o'", "ў"), ("g'", "ғ"), ("sh", "ш"), ("ch", "ч"), ("yo", "ё"), ("yu", "ю"), ("ya", "я"), ("ye", "е"), ("ts", "ц"),
)  # fmt: skip
UZBEK_LETTERS: Final = str.maketrans("abdefghijklmnopqrstuvxyz'c", "абдэфгҳижклмнопқрстувхйзъц")
RUSSIAN_LETTERS: Final[dict[str, str]] = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "zh", "з": "z", "и": "i", "й": "y", "к": "k", "л": "l",
    "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "c", "ч": "ch", "ш": "sh",
    "щ": "sch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip
KAZAKH_LETTERS: Final[dict[str, str]] = {
    **RUSSIAN_LETTERS,
    "ә": "a",
    "ғ": "g",
    "қ": "k",
    "ң": "n",
    "ө": "o",
    "ұ": "u",
    "ү": "u",
    "һ": "h",
    "і": "i",
    "х": "h",
    "ж": "zh",
}
PLAIN_CYRILLIC: Final = str.maketrans("ўқғҳәңөұүһі", "укгханоуухи")
WORD: Final = re.compile(r"[A-Za-zʻʼ‘’`'-]+")


def uzbek_cyrillic(text: str) -> str:
    """Uzbek Latin text in Cyrillic letters; addresses and what stands between « » stay as they are."""
    parts = re.split(r"(\S+@\S+|https?://\S+|\S+\.(?:uz|kz|com|ru|org|example)\b\S*|«[^»]*»|\{\w+\})", text)
    return "".join(part if index % 2 else WORD.sub(_cyrillic_word, part) for index, part in enumerate(parts))


def typed_otherwise(text: str, language: str, script: str) -> Iterator[tuple[str, str]]:
    """How the same message looks typed on another keyboard: (text, script)."""
    lower = text.lower()
    if language == "uz" and script == "latn":
        yield uzbek_cyrillic(lower), "cyrl"
        yield uzbek_cyrillic(lower).translate(PLAIN_CYRILLIC), "cyrl"
    elif language == "uz":
        yield lower.translate(PLAIN_CYRILLIC), "cyrl"
    elif language == "kk" and script == "cyrl":
        yield lower.translate(PLAIN_CYRILLIC), "cyrl"
        yield _latin(lower, KAZAKH_LETTERS), "latn"
    elif language == "ru" and script == "cyrl":
        yield _latin(lower, RUSSIAN_LETTERS), "latn"


def _latin(text: str, letters: dict[str, str]) -> str:
    return "".join(letters.get(letter, letter) for letter in text)


def _cyrillic_word(match: re.Match[str]) -> str:
    word = linear.APOSTROPHES.sub("'", match[0])
    lower = word.lower()
    if lower.startswith("e"):
        lower = "э" + lower[1:]
    for latin, cyrillic in UZBEK_PAIRS:
        lower = lower.replace(latin, cyrillic)
    # Only a word's first e is э; inside a word it is е, as after a consonant.
    lower = lower[:1].translate(UZBEK_LETTERS) + lower[1:].replace("e", "е").translate(UZBEK_LETTERS)
    if len(word) > 1 and word.isupper():
        return lower.upper()
    return lower[:1].upper() + lower[1:] if word[:1].isupper() else lower
