# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""The money a customer says they have: "500-700 ming", "до 2 млн", "$20k", "140 мыңға дейін"."""

import re
from typing import Any, Final

from savdo.ai import linear
from savdo.reply import numerals

SCALE: Final = r"(?:(?P<{0}>k|к|ming|минг|мың|мын|тыс\w*\.?|т\.|thousand|mln|млн\.?|million\w*|миллион\w*|mlrd|млрд|billion|миллиард\w*)(?!(?!dan|дан|нан|нен|тан|тен|ден|ga\b|га\b|gacha|гача|ға\b|ге\b)[a-jl-zа-ьғқң]))"
CURRENCY: Final = r"(?P<currency>\$|usd|dollar\w*|доллар\w*|у\.?е\.?|€|eur\w*|евро|so'm\w*|som\b|sum\b|сум\w*|сўм\w*|uzs|тенге|теңге\w*|tenge\w*|тг|tg|₸|kzt|руб\w*|₽)?"
NUMBER: Final = r"\d{1,3}(?:[ .,]\d{3})+(?!\d)|\d+(?:[.,]\d+)?"
AMOUNT: Final = re.compile(
    rf"(?P<dollar>\$)?\s?(?P<first>{NUMBER})\s?{SCALE.format('scale1')}?\s?(?:(?:-|–|—|dan|дан|нан|нен|тан|тен|до|to|ден|and)\s?\$?(?P<second>{NUMBER})\s?)?{SCALE.format('scale2')}?\s?{CURRENCY}",
    re.IGNORECASE,
)
POWERS: Final = (
    (re.compile(r"^(?:k|к|ming|минг|мың|мын|тыс|т\.|thous)", re.IGNORECASE), 1_000),
    (re.compile(r"^(?:mln|млн|millio|миллион)", re.IGNORECASE), 1_000_000),
    (re.compile(r"^(?:mlrd|млрд|billi|миллиард)", re.IGNORECASE), 1_000_000_000),
)
CODES: Final = (
    ("USD", r"\$|usd|dollar|доллар|у\.?е"),
    ("EUR", r"€|eur|евро"),
    ("UZS", r"so|sum|сум|сўм|uzs"),
    ("KZT", r"те[нң]ге|tenge|тг|tg|₸|kzt"),
    ("RUB", r"руб|₽"),
)
SAID: Final = re.compile(r"byud?jet|budjet|бюд?жет|budget|rassmatr|рассчитыва|располага", re.IGNORECASE)
HAVE: Final = re.compile(
    r"pulim bor|пулим бор|pulim|пулим|pul bor|мың бар|мын бар|ақшам бар|бар(?= соған| ақша)|есть (?:только )?$|у (?:меня|нас) (?:есть )?|have (?:around |about )?|got (?:about |around )?|қалтамда",
    re.IGNORECASE,
)
UP_TO_AFTER: Final = re.compile(
    r"^\s*(?:(?:so'm|сўм|sum)?\s*(?:ga|га)?\s*(?:gacha|гача)|(?:ға|ге|қа|ке)?\s*дейін|(?:dan|дан)?\s?(?:oshma|oshirol|ko'p emas|ko'pga|ошма|оширол|кўп эмас)|(?:нан|нен|дан|ден|тан|тен)?\s?(?:аспа|асыр)|\s*max)",
    re.IGNORECASE,
)
UP_TO_BEFORE: Final = re.compile(
    r"(?:\bдо|не (?:больше|дороже)|максимум|в пределах|up to|under|max|no more than|at most|below|ko'pi bilan|кўпи билан)\s*$",
    re.IGNORECASE,
)
FROM_BEFORE: Final = re.compile(r"(?:\bот|не меньше|минимум|at least|from|kamida|камида)\s*$", re.IGNORECASE)
SMALLEST: Final = 1_000
# Of the currencies whose notes are worth more.
SMALLEST_ABROAD: Final = 20
ABROAD: Final = re.compile(r"\$|usd|dollar|доллар|у\.?е|€|eur|евро", re.IGNORECASE)
CASE: Final = re.compile(r"(?:gacha|гача|dan|дан|нан|нен|тан|тен|ден)$")


def budget(text: str, default_currency: str) -> dict[str, Any] | None:
    """{min, max, currency} in major units when the customer says what they can spend, else None. A price somebody named is none."""
    text = _in_digits(linear.APOSTROPHES.sub("'", text))
    for match in AMOUNT.finditer(text):
        before, after = text[max(0, match.start() - 30) : match.start()], text[match.end() :]
        low, high, scaled = _values(match)
        smallest = SMALLEST_ABROAD if ABROAD.match(match["dollar"] or match["currency"] or "") else SMALLEST
        if high < smallest or (not scaled and high < 10_000 and not match["dollar"]):
            continue
        about = text[max(0, match.start() - 45) : match.end() + 30]
        currency = _currency(match, default_currency)
        if match["second"] and low < high and (SAID.search(about) or HAVE.search(about) or scaled):
            return {"min": low, "max": high, "currency": currency}
        if UP_TO_BEFORE.search(before) or UP_TO_AFTER.search(after):
            return {"min": None, "max": high, "currency": currency}
        if FROM_BEFORE.search(before) and SAID.search(about):
            return {"min": high, "max": None, "currency": currency}
        if SAID.search(about) or HAVE.search(before) or HAVE.search(text[match.start() : match.end() + 16]):
            return {"min": high, "max": high, "currency": currency}
    return None


def _in_digits(text: str) -> str:
    """ "икки миллионгача" as "2000000 гача"."""
    for numeral in sorted(numerals.find(text), key=lambda one: -one.start):
        if numeral.value >= SMALLEST:
            case = CASE.search(text[numeral.start : numeral.end].lower())
            text = f"{text[: numeral.start]}{int(numeral.value)}{' ' + case[0] if case else ''}{text[numeral.end :]}"
    return text


def _values(match: re.Match[str]) -> tuple[int, int, bool]:
    scale2 = _power(match["scale2"] or "")
    scale1 = _power(match["scale1"] or "")
    first = _number(match["first"]) * max(scale1, 1)
    if not match["second"]:
        value = first * max(scale2, 1)
        return int(value), int(value), bool(scale1 or scale2 or match["currency"] or match["dollar"])
    second = _number(match["second"]) * max(scale2, scale1 if scale1 and not scale2 else 0, 1)
    if scale2 and not scale1:
        first *= scale2
    return int(min(first, second)), int(max(first, second)), bool(scale1 or scale2)


def _number(written: str) -> float:
    compact = written.replace(" ", "")
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", compact):
        return float(re.sub(r"[.,]", "", compact))
    return float(compact.replace(",", "."))


def _power(scale: str) -> int:
    return next((power for pattern, power in POWERS if scale and pattern.match(scale)), 0)


def _currency(match: re.Match[str], default: str) -> str:
    written = match["dollar"] or match["currency"] or ""
    return next((code for code, pattern in CODES if written and re.match(pattern, written, re.IGNORECASE)), default)
