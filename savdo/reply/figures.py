# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""Figures in a text: amounts, percentages, durations, dates, times and phones, in the formats of five writings.

"89 ming so'm", "89 000 сум", "89 тыс." and "89k" are the same figure. What cannot be told apart ("1.200" is a thousand
and a bit more than one) has several readings, and one that is known is enough. Pure.
"""

import functools
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from savdo.reply import moments, numerals
from savdo.reply.scanning import Figure, Kind, Scan, plain

__all__ = ["FILLER", "UNITS", "Figure", "Kind", "plain", "read", "readings"]

SCALES: Final = (
    (r"(?:ming|минг|мың|тыс(?:яч\w*)?\.?|thousand|(?<=\d)[kк]\b)", 1_000),
    (r"(?:mln|million|млн\.?|миллион\w*|mn)", 1_000_000),
    (r"(?:mlrd|milliard|млрд\.?|миллиард\w*|billion|bn)", 1_000_000_000),
)
# Uzbek and Kazakh endings stick to the word ("mingdan", "10-kunga"); these are the ones figures take.
ENDING: Final = r"(?:\s?[-‑]?(?:dan|gacha|ga|da|ning|ni|lik|li|ta|дан|ден|гача|га|да|нинг|ни|лик|ли|ға|ге|ға|дың|лық|тан|тен))?"
CURRENCIES: Final[Mapping[str, str]] = {
    "UZS": r"so['ʻ’‘`ʼ]?m\w*|sum\b|сўм\w*|сум\w*|сом\b|uzs",
    "KZT": r"tenge\w*|тенге\w*|теңге\w*|тг\b\.?|₸|kzt|tg\b",
    "USD": r"\$|usd|(?:aqsh |us )?dollar\w*|(?:ақш )?доллар\w*|у\.\s?е\.?|bucks",
    "EUR": r"€|eur\b|euro\w*|yevro\w*|евро\w*",
    "GBP": r"£|gbp|pounds?\b|фунт\w*",
    "RUB": r"₽|rub\w*|руб\w*\.?",
}
# Between a number and its unit: "3 рабочих дня", "2 ish kuni", "5 жұмыс күні", "10 business days".
FILLER: Final = r"(?:(?:ish|рабоч\w+|календарн\w+|банковск\w+|полн\w+|жұмыс|иш|business|working|calendar|full|to'liq|тўлиқ|толық)\s+)?"
UNITS: Final[tuple[tuple[str, Kind, Decimal], ...]] = (
    (r"%|foiz\w*|фоиз\w*|процент\w*|пайыз\w*|percent|per cent", "percent", Decimal(1)),
    (r"(?:daqiqa|minut|дақиқа|минут)\w*|мин\b\.?|min(?:ute)?s?\b", "hours", Decimal(1) / 60),
    (r"soat\w*|соат\w*|час(?:а|ов|ам|ы)?\b|сағат\w*|hours?\b|hrs?\b", "hours", Decimal(1)),
    (r"kun(?:i|lik|da|dan|ga|gacha|ni|dir)?\b|sutka\w*|кун(?:и|лик|да|дан|га|гача)?\b|д(?:ень|ня|ней|ням|нями|н\.)|сут(?:ки|ок)\b|күн\w*|days?\b",
     "hours", Decimal(24)),
    (r"hafta\w*|ҳафта\w*|недел\w*|апта\w*|weeks?\b", "hours", Decimal(168)),
    (r"oy(?:lik|ga|da|dan|gacha|ni|i)?\b|ой(?:лик|га|да|дан|гача)?\b|месяц\w*|мес\b\.?|ай(?:ға|да|дан|лық|ы)?\b|months?\b", "months", Decimal(1)),
    (r"yil(?:lik|ga|da|dan|gacha|i)?\b|йил(?:лик|га|да|дан|гача|и)?\b|год(?:а|у|ом|ов)?\b|лет\b|жыл\w*|years?\b|yosh\w*|ёш\w*|жас(?:қа|тан|та|ар)?\b", "months", Decimal(12)),
)  # fmt: skip
FLAGS: Final = re.IGNORECASE
APOSTROPHES: Final = str.maketrans(dict.fromkeys("ʻ’‘`ʼ´", "'"))
DIGITS: Final = r"\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d{1,3}(?:[.,]\d{3}){2,}(?!\d)|\d+(?:[.,]\d+)?"
SCALE: Final = "|".join(f"(?P<s{power}>{words})" for words, power in SCALES)
CURRENCY: Final = "|".join(f"(?P<c{code}>{words})" for code, words in CURRENCIES.items())
BEFORE: Final = re.compile(rf"(?:{re.sub('<c', '<b', CURRENCY)})\s?$", FLAGS)
# "A3" and "S2" are names.
AMOUNT: Final = re.compile(rf"(?<![\d.,])(?<!\b[^\W\d_])(?P<digits>{DIGITS})(?:\s?(?:{SCALE}){ENDING})?", FLAGS)
ENDED: Final = re.compile(ENDING, FLAGS)
MONEY: Final = re.compile(rf"\s?(?:{CURRENCY})", FLAGS)
UNIT: Final[tuple[tuple[re.Pattern[str], Kind, Decimal], ...]] = tuple(
    (re.compile(rf"\s?[-‑]?\s?{FILLER}(?:{words})", FLAGS), kind, factor) for words, kind, factor in UNITS
)
# What is weighed, measured or counted is neither a time nor a price.
MEASURE: Final = re.compile(
    r"\s?(?:[mм][23]?|kv\.?\s?m|кв\.?\s?м\w*|квадрат\w*|kvadrat\w*|шаршы|sq\.?\s?m|[kк][gг]\w*|kilo\w*|кило\w*|gr|гр?|km|км|[cс][mм]|mm|мм|l|л|litr\w*|литр\w*|[gг][bб]|mbit\w*|мбит\w*|мА|кВт|kw|шт\w*|dona\w*|дона\w*|дана\w*|pcs|pieces?|окн\w*|камер\w*|метр\w*|metr\w*|раза?|рет|marta|марта(?= )|times|mahal|маҳал|мәрте|человек\w*|kishi\w*|киши\w*|адам\w*|people|persons?|guests?|users?|seats?|орын\w*|мест\w?|nafar\w*|o'quvchi\w*|ученик\w*|оқушы\w*|pages?|страниц\w*|bet\w*|photos?|фото\w*|капсул\w*|kapsul\w*|capsules?|bags?|qop\w*|қоп\w*|қап\w*|мешк\w*|пачк\w*|lessons?|занят\w*|mashg'ulot\w*|урок\w*|dars\w*|сабақ\w*|roses?|роз\w*|atirgul\w*|раушан\w*|yosh\w*|жас\w*)(?![\w])",
    FLAGS,
)
# "Uch marta" may be three days of the week.
THINGS: Final = re.compile(rf"(?!\s?(?:marta|марта|рет|раза?|times|mahal|маҳал|мәрте)\b){MEASURE.pattern}", FLAGS)
# "Минут двадцать", "дня три": the number stands behind where it is not exact.
BEHIND: Final = re.compile(r"(?<!\d )(?<!\d)\b(?:минут|час(?:а|ов)|дн(?:я|ей)|недел[иь]|месяц(?:а|ев)|лет|года|процентов)\s$", FLAGS)
RANGE: Final = re.compile(r"\s?[-–—‑]\s?")
LISTED: Final = re.compile(r"\s?(?:[-–—‑,]|,?\s(?:и|или|va|ва|yoki|ёки|және|немесе|or|and|to|до)\s)\s?", FLAGS)
LARGE: Final = 1_000
# Thirty minutes are half an hour, though a sixtieth is no decimal.
EXACT: Final = 6
# A range of prices spans less.
FAR: Final = 50
# One, a half and one and a half that are said without a number.
IMPLIED: Final = (
    (
        re.compile(
            r"\b(?:через|в течение|(?:справ|сдела|управ|почин|привез|приед|довез|достав|успе|уложим)\w* (?:\w+ )?за|within an?|in an?|within the)(?=\s)(?!\s\w+ and a half)",
            FLAGS,
        ),
        Decimal(1),
    ),
    (re.compile(r"\b(?:полу?(?=час|год|дня|месяц|процент)|half an?(?=\s))", FLAGS), Decimal("0.5")),
    (re.compile(r"\b(?:an?|one)(?=\s(?:hour|day|week|month|year)s? and a half)", FLAGS), Decimal("1.5")),
)
# Half that is paid before is fifty percent.
HALF: Final = r"(?:половин\w+|yarm\w+|ярм\w+|жартыс\w+|\bhalf\b(?! an?\b))"
BEFOREHAND: Final = r"(?:предоплат|аванс|вперед|впер[её]д|сразу|oldindan|олдиндан|алдын ала|бірден|up ?front|in advance|deposit|prepa|\bpay|плат[ия]т|to'lay|төлей)"
HALVES: Final = re.compile(
    rf"\b(?P<first>{HALF})(?=[^.!?,;]{{0,30}}{BEFOREHAND})|(?<!\w){BEFOREHAND}\w*[^.!?,;\d]{{0,20}}?(?P<half>{HALF})", FLAGS
)
PHONE: Final = re.compile(r"(?<![\w.,])(?:\+\s?\d|\(?\d)(?:[ ()‑–-]{0,2}\d){6,14}(?![\d])")
GROUPED: Final = re.compile(r"\d{1,3}(?:[ ]\d{3})+")
LIST_MARK: Final = re.compile(r"(?m)^\s*(\d{1,2})[.)](?=\s)|(\d)️?⃣")


# A company's passages come back turn after turn, and reading their figures is most of what a check costs.
@functools.lru_cache(maxsize=4096)
def read(text: str) -> tuple[Figure, ...]:
    """Every figure of a text, in order. List numbering ("1." or "2)" at a line's start, counting up from 1) is not a figure."""
    scan = Scan(_without_numbering(plain(text).translate(APOSTROPHES)))
    moments.read(scan)
    _phones(scan)
    _amounts(scan)
    _in_words(scan)
    _share_units(scan)
    return tuple(sorted(scan.found, key=lambda figure: figure.at))


def _without_numbering(text: str) -> str:
    expected = 1
    for match in LIST_MARK.finditer(text):
        number = int(match[1] or match[2])
        if number in (1, expected):
            text = text[: match.start()] + " " * (match.end() - match.start()) + text[match.end() :]
            expected = number + 1
    return text


def _phones(scan: Scan) -> None:
    for match in PHONE.finditer(scan.text):
        words = match[0]
        parts = [part.strip() for part in re.split(r"\s?[-–‑]\s?", words)]
        if re.match(r"\+\s", words) and GROUPED.fullmatch(words[1:].strip()):
            continue  # a sum
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
        elif kind == "plain" and scale == 1 and MEASURE.match(text, match.end()):
            kind = "measure"
        scan.found.append(
            Figure(
                kind,
                tuple(round(value * factor, EXACT) for value in values),
                raw if scale == 1 else values,
                text[start:stop].strip(),
                start,
                currency,
            )
        )


def _in_words(scan: Scan) -> None:
    """Numbers in words: with a unit or a currency they are what they measure, large ones are amounts, small ones counts."""
    text = scan.text
    for numeral in numerals.find(text):
        if _follows_digits(text, numeral.start):
            continue
        value = numeral.value
        kind, factor, end = _unit(text, numeral.end)
        currency, stop = _currency(text, numeral.start, end if kind != "plain" else numeral.end)
        behind = BEHIND.search(text, max(0, numeral.start - 12), numeral.start)
        if currency:
            kind, end = "money", stop
        elif kind == "plain" and behind and value >= 2:
            kind, factor, _ = _unit(behind[0], 0)
        if kind == "plain":
            # "Ming rahmat" is a thousand thanks; "ikki ming" is an amount, and one of a thing is only "a".
            if value <= LARGE and not numeral.sure and not THINGS.match(text, numeral.end):
                continue
            kind = "plain" if value > LARGE else "measure" if value > 1 and THINGS.match(text, numeral.end) else "count"
        scan.found.append(
            Figure(kind, (round(value * factor, EXACT),), (value,), text[numeral.start : end].strip(), numeral.start, currency)
        )
    for pattern, value in IMPLIED:
        for match in pattern.finditer(text):
            kind, factor, end = _unit(text, match.end())
            if kind != "plain":
                scan.found.append(Figure(kind, (value * factor,), (value,), text[match.start() : end].strip(), match.start()))
    for match in HALVES.finditer(text):
        scan.found.append(Figure("percent", (Decimal(50),), (Decimal(50),), match["half"] or match["first"], match.start()))


def _follows_digits(text: str, at: int) -> bool:
    return bool(re.search(r"\d\s?[-‑]?$", text[max(0, at - 3) : at]))


def _share_units(scan: Scan) -> None:
    # In "10-20 %", "2–3 kun" and "3, 6 или 12 месяцев" the unit is said once.
    text = scan.text
    ordered = sorted((one for one in scan.found if one.kind != "phone"), key=lambda one: one.at)
    for place in range(len(ordered) - 2, -1, -1):
        one, following = ordered[place], ordered[place + 1]
        between = text[one.at + len(one.words) : following.at]
        if (
            one.kind == "plain"
            and following.kind in ("plain", "money")
            and LISTED.fullmatch(between)
            and (scale := _scale(following.words)) > 1
            and one.raw[0] * scale <= following.values[0]
        ):
            both = tuple(v * factor for v in one.values for factor in (scale, 1))
            scan.found[scan.found.index(one)] = ordered[place] = Figure(
                following.kind, both, one.raw, one.words, one.at, following.currency
            )
            continue
        apart = RANGE if following.kind == "money" else LISTED
        if following.kind == "money" and following.raw[0] > one.raw[0] * FAR and _scale(following.words) == 1:
            continue  # "до 12 — 400 000": what it is of, and its price
        if one.kind in ("plain", "count") and following.kind in ("percent", "hours", "months", "money") and apart.fullmatch(between):
            factor = following.values[0] / following.raw[0] if following.raw[0] and following.kind != "money" else Decimal(1)
            shared = Figure(following.kind, tuple(v * factor for v in one.values), one.raw, one.words, one.at, following.currency)
            scan.found[scan.found.index(one)] = ordered[place] = shared


def _scale(words: str) -> int:
    match = AMOUNT.match(words)
    return next((power for _, power in SCALES if match and match[f"s{power}"]), 1)


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
    # In "307 mln so'm 30 oyga" the currency belongs to the amount before it.
    if (match := BEFORE.search(text, max(0, start - 8), start)) and not re.search(r"[\dа-яa-z]\s?$", text[: match.start()], FLAGS):
        return next(code for code in CURRENCIES if match[f"b{code}"]), end
    return "", end
