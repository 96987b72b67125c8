"""Phone numbers in every habit of writing, also given in parts over several messages."""

import re
from collections.abc import Sequence
from typing import Final

import phonenumbers

CANDIDATE: Final = re.compile(r"(?<![\w.,])\+?\(?\d(?:[\s().\-–—/]{0,3}\d){6,14}(?!\d|\s?(?:mln|млн|ming|минг|мың|тыс|сум|so'm|₸|%))")
PART: Final = re.compile(r"\d[\d\s().\-]*\d|\d")
REGIONS: Final = {"UZS": "UZ", "KZT": "KZ", "RUB": "RU", "KGS": "KG", "TJS": "TJ", "USD": "UZ"}
# A fragment is a message of mostly digits, with a word or two around them.
MOST_WORDS: Final = 3


def find(messages: Sequence[str], before: Sequence[str], currency: str) -> tuple[str | None, str]:
    """The last valid phone of the messages in E.164, and the text without it."""
    region = REGIONS.get(currency, "UZ")
    text = "\n".join(messages)
    found: str | None = None
    for match in CANDIDATE.finditer("\n".join(messages)):
        number, written = _first_valid(match[0], region)
        if number:
            found, text = number, text.replace(written, " ", 1)
    if found:
        return found, text
    joined = _in_parts(messages, before, region)
    return (joined, PART.sub(" ", text)) if joined else (None, text)


def valid(digits: str, region: str) -> str | None:
    """E.164 of what somebody in `region` dialled, or None. People write 8 before a foreign country code and leave codes out."""
    bare = re.sub(r"\D", "", digits)
    if re.search(r"^\D*\+", digits):
        return _known(f"+{bare}")
    if len(bare) == 13 and bare.startswith("8998"):
        return _known(f"+{bare[1:]}")
    if len(bare) == 12 and bare.startswith("998"):
        return _known(f"+{bare}")
    if len(bare) == 11 and bare[0] in "78":
        return _known(f"+7{bare[1:]}")
    if len(bare) == 10 and bare.startswith("7"):
        return _known(f"+7{bare}")
    if len(bare) == 9:
        return _known(f"+998{bare}")
    return _known(bare, region) if 9 < len(bare) < 13 else None


def _first_valid(written: str, region: str) -> tuple[str | None, str]:
    # Two numbers or a price may stand beside the phone: the longest part that is a number wins.
    written = written.strip()
    if number := valid(written, region):
        return number, written
    lines = [line for line in re.split(r"[\n/]|\s{2,}", written) if line != written]
    return next(((number, line) for line in lines if (number := valid(line, region))), (None, written))


def _known(number: str, region: str | None = None) -> str | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _in_parts(messages: Sequence[str], before: Sequence[str], region: str) -> str | None:
    fragments = [_fragment(message) for message in (*before, *messages)]
    if not fragments or not _fragment(messages[-1]):
        return None
    joined = ""
    for fragment in reversed(fragments):
        joined = fragment + joined
        if len(joined) >= 9 and (number := valid(joined, region)):
            return number
        if len(joined) > 13:
            return None
    return None


def _fragment(message: str) -> str:
    # "Yes, tomorrow then. My number is 8 747": only its last sentence is of the number.
    if len(re.findall(r"[^\W\d_]{2,}", message)) > MOST_WORDS:
        message = re.split(r"[.!?;,\n]\s", message.strip())[-1]
    digits = re.sub(r"\D", "", message)
    return digits if 2 <= len(digits) <= 9 and len(re.findall(r"[^\W\d_]{2,}", message)) <= MOST_WORDS else ""
