# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""Whether a figure of a reply was said, or follows exactly from what was said: a product, a sum, a share, a part. Pure."""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from typing import Final

from savdo.reply import claims, figures, grounds, links
from savdo.reply.figures import Figure
from savdo.reply.grounds import Known
from savdo.reply.models import Fault

# What makes a customer's own sum or percentage sayable: that it is theirs, and not ours.
BUDGET: Final = re.compile(
    r"budjet|byudjet|бюджет|budget|you said|you mentioned|you asked|you wrote|you have|you need|вы (?:указ|назв|писал|сказал|спросил|рассчит|располага)|aytgan|aytdingiz|yozgan|so'ragan|айтқан|айттыңыз|жазған|сұраған|айтган|ёзган|сўраган|"
    r"ваш\w* (?:сумм|средств|лимит)|sizning (?:pul|summa|mablag')|сіздің (?:қаржы|сома)",
    re.IGNORECASE,
)
GRANTS: Final = re.compile(
    r"соглас|договор|подтвержда|agreed|confirm|\bdeal\b|kelishdik|tasdiqla|келіст|раста|narxi|цена|стоит|price is|costs|бағасы|нархи|скидк|chegirma|discount|жеңілдік|чегирма|переведите|оплатите|to'lang|төлеңіз|pay\b",
    re.IGNORECASE,
)
COLLECTIVE: Final = re.compile(
    r"(?:на |нас |для )?(?:двоих|двое|вдво[её]м)|ikki (?:kishi|kishiga|kishilik)|екі адам|for two\b|(?:two|2) of us", re.IGNORECASE
)
TONNE: Final = re.compile(r"тонн|tonna|\bton", re.IGNORECASE)
ITEM: Final = re.compile(r"(?m)^\s*(?:[-•*–—▪✅🔹]|\d{1,2}[.)])\s")
UNITS: Final = ("plain", "hours", "months", "count", "measure")
AMOUNTS: Final = ("plain", "money")
# Where a reply names what is added (a bare total must show its parts), gives a total, tells what is left, and takes a part.
TOGETHER: Final = re.compile(
    r"вместе с|взносом|доставкой|с уч[её]том|bilan|билан|\bwith\b|including|\bextra\b|\bmore\b|доплат|плюс|\bplus\b|қоса|бірге|\w(?:мен|бен|пен)\b", re.IGNORECASE
)  # fmt: skip
TOTAL: Final = re.compile(
    r"вместе|за вс[её]|за (?:двоих|обоих|оба|обе)|hammasiga|ҳаммасига|ikkovi|иккови|бәріне|екеуі|for (?:both|all|everything|two)|выйдет|получ(?:ится|ается)|итог|всего|общ(?:ая|ий|ей)|в сумме|jami|hammasi|umumiy|жами|ҳаммаси|умумий|total|\ball in\b|together|comes? to|барлығы|жалпы|жиыны",
    re.IGNORECASE,
)
# Two things named beside each other have one price.
JOINED: Final = re.compile(
    r"\bоб[ае]\b|ikkala|иккала|екеу|\bboth\b|\bplus\b|\b(?:и|с|со|va|ва|and|мен|бен|пен|және)\b|\w(?:мен|бен|пен)\b|\+", re.IGNORECASE
)
LEFT: Final = re.compile(
    r"эконом|выгод|вместо|tejay|tejab|үнем|\bsav(?:e|ing)|instead of|остат|остал|остан|разниц|qolgan|қолган|қалған|remain|\bthe rest|difference|balance",
    re.IGNORECASE,
)
SHARE: Final = re.compile(
    r"%|процент|foiz|фоиз|пайыз|percent|deposit|предоплат|взнос|аванс|скидк|oldindan|олдиндан|boshlang'ich|chegirma|чегирма|алдын ала|жарна|жеңілдік|discount|down payment|yarmi|ярми|половин|\bhalf", re.IGNORECASE
)  # fmt: skip
# A price lowered by a sum the company names beside one of these.
LESS: Final = re.compile(r"дешевле|скидк|меньше|arzon|chegirma|kam\b|арзон|чегирма|арзан|жеңілдік|кем\b|cheaper|\boff\b|discount|\bless\b", re.IGNORECASE)  # fmt: skip
# A price raised by a percentage.
MORE: Final = re.compile(r"наценк|надбав|дороже|доплат|ustama|qimmat|qo'shim|устама|қиммат|қўшим|қымбат|үстеме|\badds?\b|\bextra\b|surcharge|\bmore\b|\bplus\b|\+\s?\d", re.IGNORECASE)  # fmt: skip
HALVED: Final = re.compile(r"half[- ]price|half off|полцены|половин\w+ цены|yarim narx|ярим нарх|жарты баға", re.IGNORECASE)
EACH: Final = re.compile(
    r"\bза (?:одн\w+|1|кажд\w+|штук\w|заняти\w|урок|час|день|человека)|кажд|по\s\d|за штук|\bодн[аоу]\w* \w+ (?:выйдет|обойд|стои)|har bir|\bbitta|\bbir (?:dars|kun|dona|kishi|seans|marta)|\bбир (?:дарс|кун|дона|киши)|\bбір \w+|bittasi|donasi|har (?:dars|kun|oy)|biri\b|ҳар бир|биттаси|донаси|әр(?:қайсы| )|біреуі|данасы|\beach\b|\bper\b|\bapiece|(?<=\d)\s?(?:eur|usd|gbp|dollars?|euros?|pounds?) an? \w+|[$€£]\d\S* an? \w+", re.IGNORECASE
)  # fmt: skip
ABOUT: Final = re.compile(
    r"примерно|около|порядка|приблизительно|где-то|≈|~|taxminan|chamasi|atrofida|тахминан|чамаси|атрофида|шамамен|жуық|шамасында|\babout\b|around|roughly|approximately|almost|nearly|just (?:over|under)", re.IGNORECASE
)  # fmt: skip
THOUSANDS: Final = re.compile(r"(?:тыс|ming|минг|мың|thousand|\d\s?[kк]\b)", re.IGNORECASE)
# A step on the way of what a tool worked out: "compute: 600000 + 2 * 90000 = 780000".
STEP: Final = re.compile(r"(\d+(?:\.\d+)?) ?[*×] ?(\d+(?:\.\d+)?)")
# A third of 1000 is 333.33 and 333; "about" may be as far off as a part in two hundred.
ROUNDED: Final = Decimal("0.5")
CLOSE: Final = Decimal("0.005")
SURE_COUNT: Final = 3
TIMES: Final = re.compile(r"\s?(?:marta|марта|рет|раза?|times|mahal|маҳал|мәрте)\b", re.IGNORECASE)
OFTEN: Final = re.compile(rf"\w{TIMES.pattern}", re.IGNORECASE)
APART: Final = re.compile(r"[.!?;]\s|,\s(?:и|а|and|va|ва|және)\s")
# Numbers this long are cards and accounts.
MOST_MONTHS: Final = 24
DOUBLE: Final = re.compile(r"вдвое|двойн|в два раза|ikki (?:barobar|baravar)|икки баробар|екі есе|\bdouble|\btwice", re.IGNORECASE)
MOST_KNOWN: Final = 24
ACCOUNT_DIGITS: Final = 13


def figure_faults(text: str, known: Known) -> Iterator[Fault]:
    """The figures of a reply that stand nowhere and follow from nothing that does."""
    text = links.without(text)
    listed = len(ITEM.findall(text))
    read = figures.read(text)
    worked_out = _worked_out(read, text, known)
    told = [
        figure
        for figure in read
        if not _is_loose(figure, text, known.company_text) and not (figure.kind == "plain" and 1 < listed == figure.raw[0])
    ]
    stated = [
        figure
        for figure in told
        if figure in worked_out or grounds.said(figure, known.company) or _said_by_customer(figure, known, text)
    ]  # fmt: skip
    # A total may stand before its parts.
    for _ in range(2):
        stated += [figure for figure in told if figure not in stated and _follows(figure, stated, text, known)]
    yield from (Fault("phone" if figure.kind == "phone" else "number", figure.words) for figure in told if figure not in stated)


def _is_loose(figure: Figure, text: str, company: str) -> bool:
    """Whether a number in words says too little to be a fact: "two questions", "three times a week" of three days."""
    is_often = bool(TIMES.match(text, figure.at + len(figure.words))) and not OFTEN.search(company)
    return figure.kind == "count" and (figure.raw[0] < SURE_COUNT or is_often)


def _worked_out(read: Sequence[Figure], text: str, known: Known) -> set[Figure]:
    """Examples the reply works out: a count of its own, a company's price, and exactly their product."""
    found: set[Figure] = set()
    for amount in (figure for figure in read if figure.kind in AMOUNTS and max(figure.values) > figures.LARGE / 100):
        for count in (figure for figure in read if figure.kind in UNITS and figure is not amount and 1 < figure.raw[0] <= 1000):
            if count.kind in ("hours", "months") and APART.search(text[min(amount.at, count.at) : max(amount.at, count.at)]):
                continue
            prices = (price for price in known.company if price.kind in AMOUNTS and _same_currency(price, amount))
            if any(value > 1 and value * count.raw[0] in amount.values for price in prices for value in price.values):
                found |= {amount, count}
    return found


def _same_currency(one: Figure, other: Figure) -> bool:
    return not one.currency or not other.currency or one.currency == other.currency


def _said_by_customer(figure: Figure, known: Known, text: str) -> bool:
    if not grounds.said(figure, known.customer):
        return False
    if figure.kind in ("hours", "months") and not any(
        other.kind == figure.kind and grounds.agree(figure, other) for other in known.customer
    ):
        # Three windows are no three years.
        return False
    around = claims.around(figure.words, text)
    if figure.kind == "phone":
        return len(str(figure.raw[0])) < ACCOUNT_DIGITS and grounds.to_customer(around)
    if figure.kind in ("date", "clock"):
        return grounds.is_tentative(figure.words, text)
    if figure.kind not in ("money", "percent") and not (figure.kind == "plain" and max(figure.values) >= figures.LARGE):
        return True
    clause = next((part for part in claims.CLAUSE.split(around) if figure.words.rstrip(".") in part), around)
    low = claims.NO_TROUBLE.sub(" ", claims.folded(around))
    return bool(claims.NO.search(low) or claims.ASKS.search(low) or (BUDGET.search(clause) and not GRANTS.search(clause)))


def _follows(figure: Figure, stated: Sequence[Figure], text: str, known: Known) -> bool:
    """Whether it is a product, a sum, a difference, a share, an instalment or a price by the piece of what was said."""
    if figure.kind == "percent" and LEFT.search(text):
        return any(grounds.agree(replace(figure, values=(100 - value,)), other) for value in figure.values for other in known.company)
    if figure.kind not in AMOUNTS:
        return False
    wanted = set(figure.values)
    if figure.kind == "plain" and THOUSANDS.search(text):
        # "720 тысяч: 320 за одно и 400 за другое": thousands are said once.
        wanted |= {value * figures.LARGE for value in figure.values if value < figures.LARGE}
    own = _sums_of(known.company, figure) | _steps(known.company_text)
    own |= {price * (100 - share) / 100 for price in own for share in _reduced(known.company_text)}
    prices, products = own | _sums_of(stated, figure), _products(own, known) | _spans(own, stated)
    lowered = _lowered(own, known)
    sums = prices | products | lowered | _products(lowered, known)
    sums |= _raised(prices | products, known)
    sums |= _by_part(sums, text, known)
    is_about = bool(ABOUT.search(text))
    if any(abs(value - one) <= (one * CLOSE if is_about else min(one * CLOSE, ROUNDED)) for one in wanted for value in sums):
        return True
    return _adds_up(wanted, stated, prices, products, text, claims.around(figure.words, text), known.customer_text) or _shares(
        wanted, sums, text, known
    )


def _sums_of(said: Sequence[Figure], figure: Figure) -> set[Decimal]:
    return {
        value
        for other in said
        if other.kind in AMOUNTS and _same_currency(figure, other)
        for value in other.values
        if value >= 10 or other.kind == "money"
    }


def _products(prices: set[Decimal], known: Known) -> set[Decimal]:
    """Prices by the customer's counts, and by a count of things times a count of hours, days or months."""
    counts = {value for other in known.customer if other.kind in UNITS for value in other.raw if value > 1}
    # "На полгода" are six months, "a fortnight" and "two weeks" fourteen days.
    spans = {
        value / (24 if other.kind == "hours" else 1)
        for other in known.customer
        if other.kind in ("hours", "months")
        for value in other.values
    }
    times = spans | {value for other in known.customer if other.kind in ("hours", "months") for value in other.raw}
    times = {value for value in times if value > 1}
    if COLLECTIVE.search(known.customer_text):
        counts.add(Decimal(2))
    counts |= {value for other in known.company if other.kind == "months" for value in other.values if 1 < value <= MOST_MONTHS}
    if DOUBLE.search(known.company_text):
        counts.add(Decimal(2))
    if TONNE.search(known.customer_text):
        counts |= {value * 1000 for value in counts}
    counts |= times
    counts |= {one * other for one, other in combinations(sorted(counts)[:6], 2)}
    return {price * count for price in prices for count in counts}


def _spans(prices: set[Decimal], stated: Sequence[Figure]) -> set[Decimal]:
    """Prices by the days, weeks or months the reply itself takes as an example."""
    spans = {one.raw[0] for one in stated if one.kind in ("hours", "months") and 1 < one.raw[0] <= MOST_MONTHS}
    return {price * span for price in prices for span in spans}


def _lowered(prices: set[Decimal], known: Known) -> set[Decimal]:
    """Prices less a sum of money that a text of the company takes off."""
    return {price - less for price in prices for less in _taken_off(known.company_text) if less * 2 <= price}


def _raised(prices: set[Decimal], known: Known) -> set[Decimal]:
    """Prices and a percentage that a text of the company adds to them."""
    return {price * (100 + share) / 100 for price in prices for share in _percent_beside(MORE, known.company_text)}


@functools.lru_cache(maxsize=256)
def _percent_beside(words: re.Pattern[str], company: str) -> frozenset[Decimal]:
    clauses = (clause for sentence in claims.sentences(company) for clause in claims.CLAUSE.split(sentence) if words.search(clause))
    return frozenset(value for clause in clauses for figure in figures.read(clause) if figure.kind == "percent" for value in figure.values)


@functools.lru_cache(maxsize=256)
def _reduced(company: str) -> frozenset[Decimal]:
    """The percentages a text of the company takes off a price."""
    return _percent_beside(LESS, company) | ({Decimal(50)} if HALVED.search(company) else frozenset[Decimal]())


@functools.lru_cache(maxsize=256)
def _taken_off(company: str) -> frozenset[Decimal]:
    clauses = (clause for sentence in claims.sentences(company) for clause in claims.CLAUSE.split(sentence) if LESS.search(clause))
    return frozenset(value for clause in clauses for figure in figures.read(clause) if figure.kind == "money" for value in figure.values)


@functools.lru_cache(maxsize=256)
def _steps(company: str) -> frozenset[Decimal]:
    return frozenset(Decimal(one) * Decimal(other) for one, other in STEP.findall(company))


def _by_part(sums: set[Decimal], text: str, known: Known) -> set[Decimal]:
    """Prices by the piece, where the reply speaks of one, and by the month, where it speaks of months."""
    parts: set[Decimal] = set()
    if EACH.search(text):
        parts |= {other.raw[0] for other in known.company if other.kind in ("plain", "measure") and 1 < other.raw[0] <= 100}
    if grounds.PER[3][0].search(text):
        parts |= {value for other in known.company if other.kind == "months" for value in other.values if 1 < value <= 60}
    return {total / part for total in sums for part in parts}


def _adds_up(
    wanted: set[Decimal], stated: Sequence[Figure], prices: set[Decimal], products: set[Decimal], text: str, around: str, asked: str
) -> bool:
    """The sum of what the reply names; of what the company names only where the reply speaks of a sum or of what is left."""
    parts = [other.values[0] for other in stated if other.kind in AMOUNTS and max(other.values) > 1][:7]
    most = max(wanted)
    said, counted = (sorted(value for value in values if value < most)[-12:] for values in (prices, products))
    pools: list[tuple[list[Decimal], tuple[int, ...]]] = [(parts, (2, 3, 4))]
    if TOGETHER.search(text) or (TOTAL.search(text) and JOINED.search(f"{around} {asked}")):
        pools.append((said + counted, (2, 3)))
    elif TOTAL.search(text) or JOINED.search(around) or TOGETHER.search(asked):
        pools += [(said + counted, (2,)), (said, (3, 4) if TOTAL.search(text) else (3,))]
    if any(sum(chosen) in wanted for pool, sizes in pools for size in sizes for chosen in combinations(pool, size)):
        return True
    known = sorted(prices | products)[-MOST_KNOWN:] if LEFT.search(text) else []
    return any(abs(one - other) in wanted for one, other in combinations(known, 2))


def _shares(wanted: set[Decimal], sums: set[Decimal], text: str, known: Known) -> bool:
    """A company's percentage of a sum, where the reply speaks of a share."""
    shares = {share for other in known.company if other.kind == "percent" for share in other.values} if SHARE.search(text) else set()
    return any({total * share / 100, total * (100 - share) / 100} & wanted for share in shares for total in sums)
