# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""Dates, months and times of the day in a text, in five writings, in digits and in words."""

import re
from decimal import Decimal
from typing import Final

from savdo.reply import numerals
from savdo.reply.scanning import Figure, Scan

FLAGS: Final = re.IGNORECASE
MONTHS: Final = (
    r"yanvar|январ|қаңтар|jan(?:uary)?\b", r"fevral|феврал|ақпан|feb(?:ruary)?\b", r"mart|март|наурыз|mar(?:ch)?\b",
    r"aprel|апрел|сәуір|apr(?:il)?\b", r"may(?=(?:ning|da|dan|gacha|ni|ga)?\b)|ма[йя](?=(?:нинг|да|дан|гача|ни|га)?\b)|мамыр", r"iyun|июн|маусым|june?\b", r"iyul|июл|шілде|july?\b",
    r"avgust|август|тамыз|aug(?:ust)?\b", r"sentabr|sentyabr|сентябр|сентабр|қыркүйек|sept?(?:ember)?\b", r"oktabr|oktyabr|октябр|октабр|қазан|oct(?:ober)?\b",
    r"noyabr|ноябр|қараша|nov(?:ember)?\b", r"dekabr|декабр|желтоқсан|dec(?:ember)?\b",
)  # fmt: skip
# "may" and "march" are also what one may do and how one marches.
ALONE: Final = (
    r"yanvar|январ|қаңтар|january", r"fevral|феврал|ақпан|february", r"mart(?:da|ning|dan|gacha)?\b|март|наурыз|(?<=in )march|(?<=of )march|(?<=by )march|(?<=until )march",
    r"aprel|апрел|сәуір|april", r"may(?:da|ning|dan|gacha| oyi)|ма[йяе]\b|мамыр|(?<=in )may\b|(?<=of )may\b|(?<=by )may\b|(?<=until )may\b",
    r"iyun|июн|маусым|june", r"iyul|июл|шілде|july", r"avgust|август|тамыз|august", r"sentabr|sentyabr|сентябр|сентабр|қыркүйек|september",
    r"oktabr|oktyabr|октябр|октабр|қазан|october", r"noyabr|ноябр|қараша|november", r"dekabr|декабр|желтоқсан|december",
)  # fmt: skip
NAMED_DATE: Final = tuple(
    (re.compile(rf"\b(?P<a>\d{{1,2}})(?:st|nd|rd|th)?[-‑\s]{{1,2}}(?:of )?(?:{words})|\b(?:{words})\w*[\s-](?P<b>\d{{1,2}})(?:st|nd|rd|th)?\b(?![:\d])", FLAGS), number)
    for number, words in enumerate(MONTHS, 1)
)  # fmt: skip
MONTH: Final = tuple((re.compile(rf"\b(?:{words})\w*", FLAGS), number) for number, words in enumerate(ALONE, 1))
ANY_MONTH: Final = re.compile("|".join(pattern.pattern for pattern, _ in MONTH), FLAGS)
AND: Final = r"\s?(?:,|и|va|ва|and|or|или|yoki|ёки|және|мен|немесе|по|to|[-–])\s?"
DAY: Final = r"(?:the )?\d{1,2}(?:st|nd|rd|th)?"
# "12 и 19 июня": the month is said once, behind them or before them.
BEFORE: Final = re.compile(rf"(?<![\d.,:])(?:{DAY}{AND})+$", FLAGS)
BEHIND: Final = re.compile(
    rf"[^\d\n.!?]{{0,30}}?(?P<days>{DAY}(?:{AND}{DAY})+|{DAY}(?=-?(?:kun|кун|күн|чис|чисел|st|nd|rd|th)))(?!\d|[:.]\d|\s?(?:000|%|ming|mln|тыс|млн|so'm|сум|₸|\$))",
    FLAGS,
)
MORE: Final = re.compile(rf"(?:{AND}{DAY})+(?!\d|[:.]\d|\s\d{{3}}|\s?(?:%|ming|mln|тыс|млн|so'm|сум|₸|\$))", FLAGS)
# A year, or weight and length and money, makes "7.09" something else than the seventh of September.
DATE: Final = re.compile(
    r"\b(?P<y>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)\b|\b(?P<d2>\d{1,2})[./](?P<m2>\d{1,2})[./](?P<y2>(?:20)?\d\d)\b"
    r"|\b(?P<d3>[1-9]|[0-3]\d)\.(?P<m3>0[1-9]|1[0-2])\b(?![.,]?\d)(?!\s?(?:mln|млн|%|\$|€|₸|usd|eur|uzs|so'm|сум|руб|тенге|теңге|тыс|ming|k\b|к\b|kg|кг|m\b|м\b|l\b|л\b|гб|gb|дюйм|soat|час|сағат))",
    FLAGS,
)
CLOCK: Final = re.compile(
    r"\b(?P<h>[01]?\d|2[0-4]):(?P<min>[0-5]\d)\s?(?P<half>[ap]\.?m\b\.?)?|\b(?P<h2>1[0-2]|[1-9])\s?(?P<half2>[ap]\.?m\b\.?)", FLAGS
)
HOUR: Final = r"(?<![\d:.,])(?P<{0}>[01]?\d|2[0-4])(?:[.](?P<{0}m>[0-5]\d))?(?!\d|:\d|\s\d{{3}})"
HOURS: Final = tuple(
    re.compile(pattern, FLAGS)
    for pattern in (
        rf"\b(?:с|from)\s{HOUR.format('a')}\s(?:утра\s)?(?:до|to|till|until)\s{HOUR.format('b')}\b(?!\s?(?:%|\w{{0,3}}[к₸$]|тыс|млн|лет|мес|нед|дн|штук|кг|кв))",
        rf"{HOUR.format('a')}\s?[-‑]?(?:dan|дан|ден|тан|тен|нан|нен)\s(?:кешкі\s|kechki\s|kechqurun\s|кечқурун\s|кечки\s)?{HOUR.format('b')}\s?[-‑]?(?:gacha|гача|(?:ға|ге|қа|ке)\sдейін)",
        rf"(?:\b(?:(?:mon|tue|wed|thu|fri|sat|sun)(?:\w*days?)?|пн|вт|ср|чт|пт|сб|вс|du|ju|sha|yak|дс|жм|сб|жс)|vaqti|вақти|уақыты|часы работы|график|hours|open|daily|ежедневно|har kuni|ҳар куни|күн сайын)\W{{1,3}}{HOUR.format('a')}(?:\s?[-–]\s?|\sto\s){HOUR.format('b')}\b(?!\s?(?:%|\w))",
        rf"\b(?:soat|соат|сағат)\s{HOUR.format('a')}\b",
        # "2 дня" alone are two days.
        rf"\b(?:в|к|до|с|после)\s{HOUR.format('a')}\s(?:час(?:ов|а)?|дня)\b",
        rf"{HOUR.format('a')}\s(?:утра|вечера|ночи)\b|\b(?:ertalab|эрталаб|kechqurun|кечқурун|kechki|кечки|таңғы|кешкі|түнгі)\s(?:soat\s|соат\s|сағат\s)?{HOUR.format('b')}\b(?!\s?(?:ming|минг|мың))",
        rf"{HOUR.format('a')}\s(?:to|till|until|-|–)\s(?=\d{{1,2}}(?::\d\d)?\s?[ap]\.?m)",
    )
)
AT_BEFORE: Final = re.compile(
    r"\b(?:soat|соат|сағат|түнгі|кешкі|таңғы|түскі|kechki|кечки|tungi|тунги|ertalab(?:ki)?|эрталаб(?:ки)?|kechqurun|кечқурун)\s$", FLAGS
)
AT_BEHIND: Final = re.compile(
    r"\s(?:час(?:ов|а)? )?(?:утра|вечера|ночи)\b|\so'clock|\sin the (?:morning|evening|afternoon)|\s?[ap]\.?m\b", FLAGS
)
AT: Final = re.compile(rf"{AT_BEFORE.pattern.removesuffix('$')}|{AT_BEHIND.pattern}", FLAGS)
LATER: Final = re.compile(r"\|\s(?:дня|вечера)|(?:kech|кеч|кешкі)\w*\s(?:soat\s|соат\s|сағат\s)?\|", FLAGS)
EARLIER: Final = re.compile(r"\|\sутра|(?:ertalab|эрталаб|таңғы)\s(?:soat\s|соат\s|сағат\s)?\|", FLAGS)
ALWAYS: Final = re.compile(r"\b24\s?/\s?7\b")
NOON: Final = re.compile(r"\bnoon\b|\bmidday\b|\bполдень\b|\bполудня\b", FLAGS)


def read(scan: Scan) -> None:
    """Takes the dates, months and times out of a text."""
    # "24/7" is said of hours, not in figures.
    scan.text = ALWAYS.sub(lambda match: "\x00" * len(match[0]), scan.text)
    _numbered_dates(scan)
    _named_dates(scan)
    _dates_in_words(scan)
    _months(scan)
    _hours(scan)
    _hours_in_words(scan)
    _clocks(scan)


def _numbered_dates(scan: Scan) -> None:
    for match in DATE.finditer(scan.text):
        day, month = (match["d"] or match["d2"] or match["d3"]), (match["m"] or match["m2"] or match["m3"])
        if 1 <= int(day) <= 31 and 1 <= int(month) <= 12:
            year = match["y"] or match["y2"]
            raw = (Decimal(f"{int(day)}.{month}"),) if match["d3"] else ()
            scan.take(*match.span(), "date", _date(int(month), int(day)), raw=raw)
            if year:
                value = Decimal(year if len(year) == 4 else f"20{year}")
                scan.found.append(Figure("year", (value,), (Decimal(year),), match[0], match.start()))


def _named_dates(scan: Scan) -> None:
    # Twelve searches are paid for only where there is a number that may be a day.
    if not re.search(r"\d", scan.text):
        return
    for pattern, month in NAMED_DATE:
        for match in pattern.finditer(scan.text):
            day = int(match["a"] or match["b"])
            if not 1 <= day <= 31:
                continue
            scan.take(*match.span(), "date", _date(month, day))
            beside = (
                BEFORE.search(scan.text, max(0, match.start() - 40), match.start()) if match["a"] else MORE.match(scan.text, match.end())
            )
            if beside:
                _list(scan, month, beside.start(), beside.end())


def _list(scan: Scan, month: int, start: int, end: int) -> None:
    for number in re.finditer(r"\d{1,2}", scan.text[start:end]):
        if 1 <= int(number[0]) <= 31:
            scan.take(start + number.start(), start + number.end(), "date", _date(month, int(number[0])))


def _dates_in_words(scan: Scan) -> None:
    if not ANY_MONTH.search(scan.text):
        return
    for numeral in numerals.find(scan.text):
        if not 1 <= numeral.value <= 31 or numeral.value % 1:
            continue
        for pattern, month in MONTH:
            behind = re.compile(rf"[\s-](?:of )?(?:{pattern.pattern})", FLAGS).match(scan.text, numeral.end)
            before = re.compile(rf"(?:{pattern.pattern})\s(?:the )?$", FLAGS).search(scan.text, max(0, numeral.start - 20), numeral.start)
            if behind or before:
                start, end = (before.start() if before else numeral.start), (behind.end() if behind else numeral.end)
                scan.take(start, end, "date", _date(month, int(numeral.value)))
                break


def _months(scan: Scan) -> None:
    if not ANY_MONTH.search(scan.text):
        return
    for pattern, month in MONTH:
        for match in pattern.finditer(scan.text):
            days = BEHIND.match(scan.text, match.end())
            scan.take(*match.span(), "month", Decimal(month))
            if days:
                _list(scan, month, *days.span("days"))


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
    for match in NOON.finditer(scan.text):
        scan.take(*match.span(), "clock", Decimal(720), raw=(Decimal(12),))


def _hours(scan: Scan) -> None:
    for pattern in HOURS:
        for match in pattern.finditer(scan.text):
            for name in ("a", "b"):
                if name in pattern.groupindex and match[name]:
                    _hour(scan, match, name)


def _hours_in_words(scan: Scan) -> None:
    if not AT.search(scan.text):
        return
    for numeral in numerals.find(scan.text):
        start, end, hour = numeral.start, numeral.end, int(numeral.value)
        before, behind = AT_BEFORE.search(scan.text, max(0, start - 14), start), AT_BEHIND.match(scan.text, end)
        if (before or behind) and numeral.value == hour and 1 <= hour <= 24:
            _take_hour(scan, start, end, hour, 0)


def _hour(scan: Scan, match: re.Match[str], name: str) -> None:
    hour, minutes = int(match[name]), int(match[f"{name}m"] or 0)
    _take_hour(scan, match.start(name), match.end(f"{name}m") if match[f"{name}m"] else match.end(name), hour, minutes)


def _take_hour(scan: Scan, start: int, end: int, hour: int, minutes: int) -> None:
    beside = scan.text[max(0, start - 14) : start] + "|" + scan.text[end : end + 8]
    # "с 9 до 6" leaves open which six it is.
    hours = (hour,) if hour >= 12 or EARLIER.search(beside) else (hour + 12,) if LATER.search(beside) else (hour, hour + 12)
    raw = (Decimal(hour), *map(Decimal, hours)) if not minutes else (Decimal(f"{hour}.{minutes:02}"),)
    scan.take(start, end, "clock", *(Decimal(one * 60 + minutes) for one in hours), raw=raw)


def _date(month: int, day: int) -> Decimal:
    return Decimal(month * 100 + day)
