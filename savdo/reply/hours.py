# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""Hours and parts of the day in folded text ("soat 5 da", "в полшестого", "half past six", "түстен кейін"). Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

HOUR_WORDS: Final[Mapping[str, int]] = {
    "on bir": 11, "on ikki": 12, "on eki": 12, "odinnadtsat": 11, "dvenadtsat": 12, "eleven": 11, "twelve": 12,
    "bir": 1, "one": 1, "ikki": 2, "dva": 2, "eki": 2, "two": 2, "uch": 3, "tri": 3, "ush": 3, "three": 3, "tort": 4, "chetyre": 4, "four": 4,
    "besh": 5, "pyat": 5, "bes": 5, "five": 5, "olti": 6, "shest": 6, "alty": 6, "six": 6, "yetti": 7, "etti": 7, "sem": 7, "jeti": 7, "seven": 7,
    "sakkiz": 8, "vosem": 8, "segiz": 8, "eight": 8, "tokkiz": 9, "devyat": 9, "togyz": 9, "nine": 9, "on": 10, "desyat": 10, "ten": 10,
}  # fmt: skip
ORDINALS: Final[Mapping[str, int]] = {
    "pervogo": 1, "vtorogo": 2, "tretego": 3, "chetvertogo": 4, "chetvyortogo": 4, "pyatogo": 5, "shestogo": 6, "sedmogo": 7, "vosmogo": 8,
    "devyatogo": 9, "desyatogo": 10, "odinnadtsatogo": 11, "dvenadtsatogo": 12,
}  # fmt: skip
MINUTES: Final[Mapping[str, int]] = {"pyatnadtsati": 15, "chetverti": 15, "desyati": 10, "pyati": 5, "dvadtsati": 20}
WORDS: Final = "|".join(HOUR_WORDS)
# Alone, with a case ending, these are other words: "onda" is "then", "birde" is "once".
SAFE_WORDS: Final = "|".join(word for word in HOUR_WORDS if word not in ("on", "bir", "one", "ten", "sem"))
N: Final = rf"(?P<h>[01]?\d|2[0-3]|{WORDS})"
M: Final = r"(?:\s?[:.\-]\s?(?P<m>[0-5]\d))?"
LOCATIVE: Final = r"(?:da|de|te|larda|lerde|larga)\b"
DATIVE: Final = r"(?:ga|ge|ke|ka|lar|ler)\b"
# What is counted after a number, so that it is no hour.
COUNTED: Final = (
    r"(?!\s?(?:-\s?\d|[.,]\d|%|raz|dn\b|dn[eyao]|den\b|kun|day|nedel|[xh]afta|apta|week|mesya|oy|month|god|let\b|sht|komnat|chel|tys|mln|million|etaj|protsent|klass|grupp|"
    r"variant|filial|mest|minut|ta\b|dona|kishi|metr|kg|km|times|people|percent|dollars?|items?|rooms?|banks?|gorod|tsvet|stran|\d))"
)
RANGES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\d.,:])(?P<a>[01]?\d|2[0-3])[:.](?P<am>[0-5]\d)\s?(?:-|do|dan|to|den|ten)\s?(?P<b>[01]?\d|2[0-4])[:.](?P<bm>[0-5]\d)",
        r"\b(?:s|so|from|between|mejdu)\s(?P<a>[01]?\d|2[0-3])(?::(?P<am>[0-5]\d))?\s?(?:chas\w* )?(?:do|to|till|until|and|i|-)\s(?P<b>[01]?\d|2[0-4])(?::(?P<bm>[0-5]\d))?(?:\s?(?P<half>[ap])\.?m\b)?(?!\s?(?:dn|kun|day|mes|mln|tys|%|let|god|maya|\d))",
        r"(?<![\d.,:])(?P<a>[01]?\d|2[0-3])(?::(?P<am>[0-5]\d))?\s?-?(?:dan|den|ten|nan|nen|tan)\s(?P<b>[01]?\d|2[0-4])(?::(?P<bm>[0-5]\d))?\s?-?(?:gacha|(?:ga|ge|ka|ke) deyin)",
        r"\b(?:soat|sagat)\s(?P<a>[01]?\d|2[0-3])\s?-\s?(?P<b>[01]?\d|2[0-4])\b(?!\s?-?(?:may|kun))",
        r"(?<![\d.,:])(?P<a>1[0-2]|\d)\s?-\s?(?P<b>1[0-2]|\d)\s?(?P<half>[ap])\.?m\b",
    )
)
CLOCKS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\d.,:/])(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)(?:\s?(?P<half>[ap])\.?m\b)?(?!:?\d)",
        r"(?<![\d.,:/])(?P<h>1[0-2]|[1-9])(?:[.](?P<m>[0-5]\d))?\s?(?P<half>[ap])\.?m\b",
        r"\bkuarter\s(?P<side>past|to)\s" + N + r"\b",
        r"\bbez\s(?P<less>pyatnadtsati|chetverti|desyati|pyati|dvadtsati|\d{1,2})\s(?:minut\s)?" + N + r"\b",
        r"\bpol(?:ovin[aeuy])?\s?(?P<ordinal>"
        + "|".join(ORDINALS)
        + r")\b|\bpol(?:ovin[aeuy])?[\s-]?(?P<halfto>1[0-2]|[1-9])(?:-?(?:go|ti|mi))?\b",
        r"\bhalf\s(?:past\s)?(?P<thirty>1[0-2]|[1-9]|" + WORDS + r")\b",
        r"\b(?:soat|sagat)\s(?:(?:kechki|keshki|kechkurun|ertalabki|ertalab|tangy|tongi|kunduzgi)\s)?(?P<thirty>[01]?\d|2[0-3]|"
        + WORDS
        + r")\s(?:yarim|jar[yi]m)\w*",
        r"(?<![\d.,:])(?P<thirty>1[0-2]|[1-9]|" + WORDS + r")\s?(?:yarim|jar[yi]m)(?:da|de|ga|larda|lerde|ge)\b",
        r"\b(?:soat|sagat)\s(?:(?:kechki|keshki|kechkurun|ertalabki|ertalab|tangy|tongi|kunduzgi)\s)?"
        + N
        + M
        + r"(?!\d)(?!\s?-?(?:gacha|kacha|(?:ga|ge|ka|ke) deyin))(?!\s?-?(?:dan|den|ten|nan|tan)?\s?-?(?:keyin|song|son)\b)",
        r"(?<![\d.,:])(?P<h>[01]?\d|2[0-3])(?:[.:\-](?P<m>[0-5]\d))?\s?-?" + LOCATIVE + r"(?!\s?(?:\d))",
        r"\b(?P<h>" + SAFE_WORDS + r")\s?-?" + LOCATIVE,
        r"\b(?:kechki|keshki|kechkurun|ertalabki|ertalab|tangy|tongi|kunduzgi|kunduz[gi]*|keshke|kechga|kechasi|utrom|vecherom|dnem|tusten keyin|tushdan keyin)\s(?P<h>[01]?\d|2[0-3])(?:[.:](?P<m>[0-5]\d))?(?:\s?-?(?:lar\w*|ga|ge|ke|da|de))?\b"
        + COUNTED,
        r"(?<![\d.,:])(?P<h>1[0-2]|[1-9])(?:\s?chas(?:ov|a)?)?\s(?:utra|vechera|nochi)\b",
        r"\b(?:v|k|vo|okolo|posle|chasov v|primerno v|gde-?to v)\s(?P<h>[01]?\d|2[0-3]|"
        + WORDS
        + r")(?:\s?[:.\-]\s?(?P<m>[0-5]\d))?(?:\s?chas\w*|\s?ch\b)?\s(?:dnya|popoludni|utra|vechera)\b",
        r"\b(?:v|k|okolo|chasam k)\s(?P<h>[01]?\d|2[0-3]|"
        + WORDS
        + r")(?:\s?[:.\-]\s?(?P<m>[0-5]\d)|\s(?P<m2>[0-5]0)\b)?(?:\s?chas(?:ov|am|a)?|\s?ch)?\b"
        + COUNTED,
        r"\b(?P<one>v chas)\b",
        r"\b(?:at|around|about|by)\s(?:about\s)?(?P<h>[01]?\d|2[0-3]|" + WORDS + r")(?:[:.](?P<m>[0-5]\d))?(?:\soclock)?\b" + COUNTED,
        r"(?<![\d.,:])" + N + r"\soclock\b",
    )
)
# Said like this an hour is one only beside a day.
CLOCKS_BESIDE_DAY: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\d.,:])(?P<h>[01]?\d|2[0-3])(?:[.:](?P<m>[0-5]\d))?\s?-?" + DATIVE,
        r"(?<!na )(?<!za )(?<!po )(?<![\d.,:])(?P<h>[01]?\d|2[0-3])\s?chas(?:ov|a|am)\b",
        r"(?<![\d.,:])(?P<h>[01]\d|2[0-3])[.\-](?P<m>[0-5]\d)(?![\d.])",
        r"\bna\s(?P<h>[01]?\d|2[0-3]|" + WORDS + r")(?:[:.\-](?P<m>[0-5]\d))?\b(?!\schas)" + COUNTED,
        r"(?:^|[a-z,;]\s)(?P<h>[01]?\d|2[0-3])\W*$",
    )
)
LATER: Final = re.compile(
    r"\b(?:soat |sagat |posle |after |s )?(?P<h>[01]?\d|2[0-3])(?::(?P<m>[0-5]\d))?(?:\s?-?(?:dan|den|ten|nan|nen|tan)\s(?:keyin|song|son)\b)|\b(?:posle|after)\s(?P<h2>[01]?\d|2[0-3])(?::(?P<m2>[0-5]\d))?(?:\s?(?P<half>[ap])\.?m\b)?(?:\schas\w*|\svechera)?\b(?![\s-]?(?:\d|maya|dn|kun|day|nedel|week))"
)
PARTS: Final[Sequence[tuple[re.Pattern[str], str, int, int]]] = tuple(
    (re.compile(pattern), name, first * 60, last * 60)
    for pattern, name, first, last in (
        (r"\bdo obeda\b|\btushgacha\b|\btuske deyin\b|\btushlikkacha\b|\bbefore (?:lunch|noon)\b|\bpervoy polovin\w* dnya\b|\bkunning birinchi yarm\w*", "forenoon", 9, 13),
        (r"\btushdan (?:keyin|song)\b|\btushlikdan (?:keyin|song)\b|\bpeshindan (?:keyin|song)\b|\bposle ob[ei]da\b|\btusten (?:keyin|son)\b|\bafter lunch\b|\bafternoon\b|\bvtoroy polovin\w* dnya\b|\babeddan keyin\b|\bobeddan keyin\b|\bkunning ikkinchi yarm\w*", "afternoon", 13, 18),
        (r"\btanerten\w*|\btanda\b|\btan ata\b|\bertengisin\b|\bertengilik\b|\bazanda\b|\bertalab\w*|\berta bilan\b|\bertamen\b|\btongda\b|\berta tong\w*|\butrom\b|\bs utra\b|\butrechkom\b|\butra\b|\bmorning\b|\btangy\b|\btongi\b", "morning", 6, 12),
        (r"\bkechkurun\w*|\bkech (?=soat|\d)|\bkechki\b|\bkechga\b|\bkechda\b|\bkechasi\b|\boksho[mn]\w*|\bvecher(?:om|kom|a|u)?\b|\bkeshk[eiu]\w*|\bkeshte\b|\bkeshkurym\b|\bevening\b|\btonight\b", "evening", 18, 22),
        (r"\btushda\b|\btushlikda\b|\bpeshinda\b|\bv obed\b|\bv polden\b|\btuste\b|\btal tuste\b|\bnoon\b|\bmidday\b|\blunch ?time\b|\bat lunch\b|\babedda\b|\bobedda\b|\bobedenn\w*", "noon", 12, 14),
        (r"\bkunduzi?\b|\bdn[ye]m\b|\bdnyom\b|\bkundiz\b|\bdaytime\b|\b(?:chas|chasa|chasov|v \d{1,2}) dnya\b|\bpopoludni\b", "day", 12, 17),
        (r"\bnochyu\b|\btunda\b|\btunde\b|\bat night\b|\bnochi\b", "night", 22, 24),
    )
)  # fmt: skip
MORNING_ENDS: Final = 12
# Without working hours to tell by, nobody comes before this.
FIRST_HOUR: Final = 8


@dataclass(frozen=True, slots=True)
class Clock:
    """An hour as said, or a part of the day (`first`, `last`: minutes). `half` is a | p | 24 where it is said which it is;
    `until` is (hour, minute) of a range; `open_end` says that it is meant to be after that hour."""

    hour: int = 0
    minute: int = 0
    half: str = ""
    until: tuple[int, int] | None = None
    open_end: bool = False
    part: tuple[int, int] | None = None

    @property
    def precision(self) -> str:
        return "part" if self.part or self.open_end else "minute" if self.minute else "hour"

    def resolved(self, times: Any) -> tuple[int, int]:
        """First and last minute of the day; `times` are the working hours of the day (["09:00", "18:00"] or None), which tell
        that "5" is 17:00 where 05:00 is outside of them."""
        if self.part:
            return self.part
        opens, closes = (_minutes(times[0]), _minutes(times[1])) if times else (FIRST_HOUR * 60, 20 * 60)
        first = self._placed(self.hour, self.minute, opens, closes)
        if self.until:
            last = self._placed(*self.until, opens, closes)
            return (first, last) if first < last else (first, last + 720 if last + 720 <= 1440 else first + 60)
        if self.open_end:
            return first, max(closes, first + 60)
        return first, first + 60

    def _placed(self, hour: int, minute: int, opens: int, closes: int) -> int:
        said = hour * 60 + minute
        later = said + 720
        if self.half == "24" or hour > MORNING_ENDS or (hour == 0 and not self.half):
            return said
        if self.half == "a":
            return minute if hour == MORNING_ENDS else said
        if hour == MORNING_ENDS:
            return said
        if self.half == "p":
            return later
        if opens <= said <= closes:
            return said
        return later if opens <= later <= closes or hour < FIRST_HOUR else said


def read(folded: str, *, named_day: bool) -> Clock | None:
    """The hour, the range of hours or the part of the day of a folded text without traps."""
    part = next(((name, first, last) for pattern, name, first, last in PARTS if pattern.search(folded)), None)
    half = {"morning": "a", "forenoon": "", "night": "", "day": "p", "noon": "p"}.get(part[0], "p") if part else ""
    for pattern in RANGES:
        if match := pattern.search(folded):
            return _range(match, half)
    if match := LATER.search(folded):
        return _later(match, half)
    for pattern in (*CLOCKS, *(CLOCKS_BESIDE_DAY if named_day else ())):
        if (match := pattern.search(folded)) and (clock := _clock(match, half)):
            return clock
    return Clock(part=(part[1], part[2])) if part else None


def _clock(match: re.Match[str], half: str) -> Clock | None:
    said = {name: value for name, value in match.groupdict().items() if value}
    half = said.get("half") or half
    if "one" in said:
        return Clock(1, 0, half or "p")
    if "ordinal" in said or "halfto" in said:
        hour = ORDINALS[said["ordinal"]] if "ordinal" in said else int(said["halfto"])
        return Clock(hour - 1 or 12, 30, half)
    if "thirty" in said:
        return Clock(_hour(said["thirty"]), 30, half)
    hour = _hour(said["h"])
    if "less" in said:
        less = MINUTES[said["less"]] if said["less"] in MINUTES else int(said["less"])
        return Clock(hour - 1 or 12, 60 - less, half)
    if "side" in said:
        return Clock(hour, 15, half) if said["side"] == "past" else Clock(hour - 1 or 12, 45, half)
    minute = int(said.get("m") or said.get("m2") or 0)
    # 09:00 is what a clock shows; "9" is what people say.
    shown = said["h"].startswith("0")
    return Clock(hour, minute, "24" if shown or hour > MORNING_ENDS else half)


def _range(match: re.Match[str], half: str) -> Clock:
    said = match.groupdict()
    half = said.get("half") or ("24" if said["a"].startswith("0") else half)
    return Clock(int(said["a"]), int(said.get("am") or 0), half, until=(int(said["b"]), int(said.get("bm") or 0)))


def _later(match: re.Match[str], half: str) -> Clock:
    hour = int(match["h"] or match["h2"])
    return Clock(hour, int(match["m"] or match["m2"] or 0), match["half"] or half, open_end=True)


def _hour(said: str) -> int:
    return int(said) if said.isdigit() else HOUR_WORDS[said]


def _minutes(written: str) -> int:
    hour, _, minute = written.partition(":")
    return int(hour) * 60 + int(minute or 0)
