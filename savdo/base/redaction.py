"""Takes what is private out of anything that is about to be logged."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[hidden]"

# Under such a key nothing is shown, whatever it is.
PRIVATE_KEYS = re.compile(
    r"(?i)(?:^|[_\-.])(?:password|passwd|token|secret|authorization|cookie|api_?key|credentials?|text|phone|email|body|content|reply)(?:$|[_\-.])"
)
# Ids, times and our own words; a phone pattern would eat digits of theirs.
OWN_KEYS = frozenset({"event", "level", "logger", "timestamp", "correlation"})

PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\d{6,}:[A-Za-z0-9_-]{30,}"), "[bot token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 [hidden]"),
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), "[token]"),
    (re.compile(r"\b(?:sk|pk|rk|gsk|hk|sv|xox[a-z]|AIza|EAA)[-_]?[A-Za-z0-9_-]{20,}"), "[key]"),
    (re.compile(r"(?i)\b((?:api[_-]?key|token|secret|password|access_token|sig(?:nature)?)=)[^\s&\"']+"), r"\1[hidden]"),
    (re.compile(r"(://[^/\s:@]+):[^/\s@]+@"), r"\1:[hidden]@"),
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "[email]"),
    # International, or grouped as people write it; not in the middle of an id, a uuid, a time or a date.
    (re.compile(r"(?<![\w.:+-])\+\d[\d\s().-]{7,17}\d(?![\w:])"), "[phone]"),
    (re.compile(r"(?<![\w.:+-])(?:998|7|8)[\s-]?\(?\d{2,3}\)?[\s-]?\d{3}[\s-]?\d{2}[\s-]?\d{2}(?![\w:.-])"), "[phone]"),
    (re.compile(r"(?<![\w.:+-])\(?\d{2,3}\)?[\s-]\d{3}[\s-]\d{2}[\s-]\d{2}(?![\w:.-])"), "[phone]"),
)
LONGEST = 20_000


def redacted(key: str, value: Any) -> Any:
    """The value with private things replaced by what they were; mappings and lists all the way down."""
    if key not in OWN_KEYS and PRIVATE_KEYS.search(key) and value not in (None, "", 0, False, True):
        return HIDDEN
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if isinstance(value, Mapping):
        return {inner: redacted(str(inner), one) for inner, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted("", one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return clean(str(value))


def clean(text: str) -> str:
    """A text without tokens, keys, e-mail addresses and phone numbers."""
    text = text[:LONGEST]
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text
