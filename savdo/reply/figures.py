# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""Figures in a text: amounts, percentages, durations, dates, times and phones, in the formats of five writings.

"89 ming so'm", "89 000 сум", "89 тыс." and "89k" are the same figure. What cannot be told apart ("1.200" is a thousand
and a bit more than one) has several readings, and one that is known is enough. Pure.
"""

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal

Kind = Literal["plain", "percent", "money", "hours", "months", "clock", "date", "year", "phone"]

SCALES: Final = (
    (r"(?:ming|минг|мың|тыс(?:яч\w*)?\.?|thousand|(?<=\d)[kк]\b)", 1_000),
    (r"(?:mln|million|млн\.?|миллион\w*|mn)", 1_000_000),
    (r"(?:mlrd|milliard|млрд\.?|миллиард\w*|billion|bn)", 1_000_000_000),
)
# Uzbek and Kazakh endings stick to the word ("mingdan", "10-kunga"); these are the ones figures take.
ENDING: Final = r"(?:\s?[-‑]?(?:dan|ga|gacha|da|ni|ning|lik|li|ta|дан|ден|га|гача|да|ни|нинг|лик|ли|ға|ге|ға|дың|лық|тан|тен))?"
CURRENCIES: Final[Mapping[str, str]] = {
    "UZS": r"so['ʻ’‘`ʼ]?m\w*|sum\b|сўм\w*|сум\w*|сом\b|uzs",
    "KZT": r"tenge\w*|тенге\w*|теңге\w*|тг\b\.?|₸|kzt|tg\b",
    "USD": r"\$|usd|dollar\w*|доллар\w*|у\.\s?е\.?|bucks",
    "EUR": r"€|eur\b|euro\w*|yevro\w*|евро\w*",
    "RUB": r"₽|rub\w*|руб\w*\.?",
}
# Between a number and its unit: "3 рабочих дня", "2 ish kuni", "5 жұмыс күні", "10 business days".
FILLER: Final = r"(?:(?:ish|рабоч\w+|календарн\w+|жұмыс|иш|business|working|calendar)\s+)?"
UNITS: Final[tuple[tuple[str, Kind, Decimal], ...]] = (
    (r"%|foiz\w*|фоиз\w*|процент\w*|пайыз\w*|percent|per cent", "percent", Decimal(1)),
    (r"(?:daqiqa|minut|дақиқа|минут)\w*|мин\b\.?|min(?:ute)?s?\b", "hours", Decimal(1) / 60),
    (r"soat\w*|соат\w*|час(?:а|ов|ам|ы)?\b|сағат\w*|hours?\b|hrs?\b", "hours", Decimal(1)),
    (r"kun(?:i|lik|da|dan|ga|gacha|ni|dir)?\b|sutka\w*|кун(?:и|лик|да|дан|га|гача)?\b|д(?:ень|ня|ней|ням|нями|н\.)|сут(?:ки|ок)\b|күн\w*|days?\b",
     "hours", Decimal(24)),
    (r"hafta\w*|ҳафта\w*|недел\w*|апта\w*|weeks?\b", "hours", Decimal(168)),
    (r"oy(?:lik|ga|da|dan|gacha|ni|i)?\b|ой(?:лик|га|да|дан|гача)?\b|месяц\w*|мес\b\.?|ай(?:ға|да|дан|лық|ы)?\b|months?\b", "months", Decimal(1)),
    (r"yil(?:lik|ga|da|dan|gacha|i)?\b|йил(?:лик|га|да|дан|гача|и)?\b|год(?:а|у|ом|ов)?\b|лет\b|жыл\w*|years?\b", "months", Decimal(12)),
)  # fmt: skip
MONTHS: Final = (
    r"yanvar|январ|қаңтар|jan(?:uary)?\b", r"fevral|феврал|ақпан|feb(?:ruary)?\b", r"mart|март|наурыз|mar(?:ch)?\b",
    r"aprel|апрел|сәуір|apr(?:il)?\b", r"may|ма[йя]|мамыр", r"iyun|июн|маусым|june?\b", r"iyul|июл|шілде|july?\b",
    r"avgust|август|тамыз|aug(?:ust)?\b", r"sentabr|sentyabr|сентябр|қыркүйек|sept?(?:ember)?\b", r"oktabr|oktyabr|октябр|қазан|oct(?:ober)?\b",
    r"noyabr|ноябр|қараша|nov(?:ember)?\b", r"dekabr|декабр|желтоқсан|dec(?:ember)?\b",
)  # fmt: skip
WORDS: Final = {
    2: r"ikki|икки|дв[ае]|двух|екі|two", 3: r"uch|уч|три|тр[её]х|үш|three", 4: r"to['ʻ’‘]rt|тўрт|четыр\w+|төрт|four",
    5: r"besh|беш|пят[ьи]|бес|five", 6: r"olti|олти|шест[ьи]|алты|six", 7: r"yetti|етти|сем[ьи]|жеті|seven",
    8: r"sakkiz|саккиз|восемь|восьми|сегіз|eight", 9: r"to['ʻ’‘]qqiz|тўққиз|девят[ьи]|тоғыз|nine", 10: r"o['ʻ’‘]n|ўн|десят[ьи]|он|ten",
    12: r"o['ʻ’‘]n ikki|ўн икки|двенадцат[ьи]|он екі|twelve", 14: r"o['ʻ’‘]n to['ʻ’‘]rt|ўн тўрт|четырнадцат[ьи]|он төрт|fourteen",
    15: r"o['ʻ’‘]n besh|ўн беш|пятнадцат[ьи]|он бес|fifteen", 20: r"yigirma|йигирма|двадцат[ьи]|жиырма|twenty",
    30: r"o['ʻ’‘]ttiz|ўттиз|тридцат[ьи]|отыз|thirty", 50: r"ellik|эллик|пятьдесят|пятидесяти|елу|fifty", 100: r"yuz|юз|сто|ста|жүз|hundred",
}  # fmt: skip

FLAGS: Final = re.IGNORECASE
DIGITS: Final = r"\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d{1,3}(?:[.,]\d{3}){2,}(?!\d)|\d+(?:[.,]\d+)?"
SCALE: Final = "|".join(f"(?P<s{power}>{words})" for words, power in SCALES)
CURRENCY: Final = "|".join(f"(?P<c{code}>{words})" for code, words in CURRENCIES.items())
BEFORE: Final = re.compile(rf"(?:{re.sub('<c', '<b', CURRENCY)})\s?$", FLAGS)
AMOUNT: Final = re.compile(rf"(?<![\d.,])(?P<digits>{DIGITS})(?:\s?(?:{SCALE}){ENDING})?", FLAGS)
ENDED: Final = re.compile(ENDING, FLAGS)
MONEY: Final = re.compile(rf"\s?(?:{CURRENCY})", FLAGS)
UNIT: Final[tuple[tuple[re.Pattern[str], Kind, Decimal], ...]] = tuple(
    (re.compile(rf"\s?[-‑]?\s?{FILLER}(?:{words})", FLAGS), kind, factor) for words, kind, factor in UNITS
)
WORD: Final = tuple(
    (re.compile(rf"\b(?:{words})\s(?={FILLER}(?:{'|'.join(unit[0] for unit in UNITS)}))", FLAGS), value) for value, words in WORDS.items()
)
NAMED_DATE: Final = tuple(
    (re.compile(rf"\b(?P<a>\d{{1,2}})(?:st|nd|rd|th)?[-‑\s]{{1,2}}(?:of )?(?:{words})|\b(?:{words})\w*\s(?P<b>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)", FLAGS), number)
    for number, words in enumerate(MONTHS, 1)
)  # fmt: skip
DATE: Final = re.compile(
    r"\b(?P<y>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)\b|\b(?P<d2>\d{1,2})[./](?P<m2>\d{1,2})[./](?P<y2>(?:20)?\d\d)\b|\b(?P<d3>\d\d)\.(?P<m3>\d\d)\b(?![.,]?\d)(?!\s?(?:mln|млн|%))"
)
CLOCK: Final = re.compile(
    r"\b(?P<h>[01]?\d|2[0-4])[:](?P<min>[0-5]\d)\s?(?P<half>[ap]\.?m\b\.?)?|\b(?P<h2>1[0-2]|[1-9])\s?(?P<half2>[ap]\.?m\b\.?)", FLAGS
)
PHONE: Final = re.compile(r"(?<![\d.,])(?:\+\s?\d|\(?\d)(?:[ ()‑–-]{0,2}\d){6,14}(?![\d])")
GROUPED: Final = re.compile(r"\d{1,3}(?:[ ]\d{3})+")
LIST_MARK: Final = re.compile(r"(?m)^\s*(\d{1,2})[.)](?=\s)|(\d)️?⃣")


@dataclass(frozen=True, slots=True)
class Figure:
    """`values` are the readings, in base units of the kind: money in major units of `currency` ("" when unsaid), hours,
    months, minutes of the day (clock), 100 × month + day (date), last nine digits (phone). `raw` is the bare number."""

    kind: Kind
    values: tuple[Decimal, ...]
    raw: tuple[Decimal, ...]
    words: str
    at: int
    currency: str = ""


@dataclass(slots=True)
class Scan:
    """A text being read: what was recognised is blanked, so that a date is not read again as two numbers."""

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
    return re.sub(r"\d", lambda digit: str(unicodedata.digit(digit[0])), text)


# A company's passages come back turn after turn, and reading their figures is most of what a check costs.
@functools.lru_cache(maxsize=4096)
def read(text: str) -> tuple[Figure, ...]:
    """Every figure of a text, in order. List numbering ("1." or "2)" at a line's start, counting up from 1) is not a figure."""
    scan = Scan(_without_numbering(plain(text)))
    _dates(scan)
    _clocks(scan)
    _phones(scan)
    _amounts(scan)
    for pattern, value in WORD:
        for match in pattern.finditer(scan.text):
            kind, factor, end = _unit(scan.text, match.end() - 1)
            scan.found.append(Figure(kind, (value * factor,), (Decimal(value),), scan.text[match.start() : end], match.start()))
    return tuple(sorted(scan.found, key=lambda figure: figure.at))


def _without_numbering(text: str) -> str:
    expected = 1
    for match in LIST_MARK.finditer(text):
        number = int(match[1] or match[2])
        if number in (1, expected):
            text = text[: match.start()] + " " * (match.end() - match.start()) + text[match.end() :]
            expected = number + 1
    return text


def _dates(scan: Scan) -> None:
    for match in DATE.finditer(scan.text):
        day, month = (match["d"] or match["d2"] or match["d3"]), (match["m"] or match["m2"] or match["m3"])
        if 1 <= int(day) <= 31 and 1 <= int(month) <= 12:
            year = match["y"] or match["y2"]
            scan.take(
                *match.span(), "date", Decimal(int(month) * 100 + int(day)), raw=(Decimal(f"{int(day)}.{month}"),) if match["d3"] else ()
            )
            if year:
                scan.found.append(
                    Figure("year", (Decimal(year if len(year) == 4 else f"20{year}"),), (Decimal(year),), match[0], match.start())
                )
    for pattern, month in NAMED_DATE:
        for match in pattern.finditer(scan.text):
            day = int(match["a"] or match["b"])
            if 1 <= day <= 31:
                scan.take(*match.span(), "date", Decimal(month * 100 + day))


def _clocks(scan: Scan) -> None:
    for match in CLOCK.finditer(scan.text):
        hour, minute = int(match["h"] or match["h2"]), int(match["min"] or 0)
        half = (match["half"] or match["half2"] or "").lower()
        said = Decimal(hour)
        if half.startswith("p") and hour < 12:
            hour += 12
        if half.startswith("a") and hour == 12:
            hour = 0
        # "10:00" is also said as "from 10": the bare hour counts as known with it.
        scan.take(*match.span(), "clock", Decimal(hour * 60 + minute), raw=(Decimal(hour), said) if minute == 0 else (Decimal(-1),))


def _phones(scan: Scan) -> None:
    for match in PHONE.finditer(scan.text):
        words = match[0]
        parts = [part.strip() for part in re.split(r"\s?[-–‑]\s?", words)]
        if not words.startswith("+") and all(
            GROUPED.fullmatch(part) or (part.isdigit() and len(parts) == 1 and len(part) < 9) for part in parts
        ):
            continue  # an amount or a range of amounts
        digits = re.sub(r"\D", "", words)
        scan.take(*match.span(), "phone", Decimal(digits[-9:]), raw=(Decimal(digits),))


def _amounts(scan: Scan) -> None:
    text, last = scan.text, None
    for match in AMOUNT.finditer(text):
        scale = next((power for _, power in SCALES if match[f"s{power}"]), 1)
        raw = readings(match["digits"])
        values, start = tuple(value * scale for value in raw), match.start()
        if last and last[1] > scale > 1 and text[last[2] : start].strip() == "":
            # "1 mln 200 ming" is one amount; its parts were not said.
            values, start = tuple(one + other for one in last[0] for other in values), last[3]
            scan.found.pop()
        last = (values, scale, match.end(), start)
        end = ENDED.match(text, match.end())
        kind, factor, stop = _unit(text, match.end()) if scale == 1 else ("plain", Decimal(1), match.end())
        currency, stop = _currency(text, start, stop if kind != "plain" else (end.end() if end else match.end()))
        if currency:
            kind = "money"
        scan.found.append(
            Figure(
                kind, tuple(value * factor for value in values), raw if scale == 1 else values, text[start:stop].strip(), start, currency
            )
        )
    _share_units(scan, text)


def _share_units(scan: Scan, text: str) -> None:
    # In "10-20 %" and "2–3 kun" the unit is said once.
    ordered = sorted((one for one in scan.found if one.kind != "phone"), key=lambda one: one.at)
    for one, following in pairwise(ordered):
        between = text[one.at + len(one.words) : following.at]
        if one.kind == "plain" and following.kind in ("percent", "hours", "months", "money") and re.fullmatch(r"\s?[-–—‑]\s?", between):
            factor = following.values[0] / following.raw[0] if following.raw[0] and following.kind != "money" else Decimal(1)
            scan.found[scan.found.index(one)] = Figure(
                following.kind, tuple(v * factor for v in one.values), one.raw, one.words, one.at, following.currency
            )


def readings(digits: str) -> tuple[Decimal, ...]:
    """The values a written number may have: "1 200" → 1200; "1,5" → 1.5; "1.200" → 1200 and 1.2."""
    compact = re.sub(r"[ '’]", "", digits)
    if not re.search(r"[.,]", compact):
        return (Decimal(compact),)
    if len(re.findall(r"[.,]", compact)) > 1:
        whole, _, rest = compact.rpartition(compact[-3]) if compact[-3] in ".," else (compact, "", "")
        return (Decimal(re.sub(r"[.,]", "", whole) + (f".{rest}" if rest else "")),)
    decimal = Decimal(compact.replace(",", "."))
    if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", compact):
        return (Decimal(re.sub(r"[.,]", "", compact)), decimal)
    return (decimal,)


def _unit(text: str, at: int) -> tuple[Kind, Decimal, int]:
    for pattern, kind, factor in UNIT:
        if match := pattern.match(text, at):
            return kind, factor, match.end()
    return "plain", Decimal(1), at


def _currency(text: str, start: int, end: int) -> tuple[str, int]:
    if match := MONEY.match(text, end):
        return next(code for code in CURRENCIES if match[f"c{code}"]), match.end()
    if match := BEFORE.search(text, max(0, start - 8), start):
        return next(code for code in CURRENCIES if match[f"b{code}"]), end
    return "", end
