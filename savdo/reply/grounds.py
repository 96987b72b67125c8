# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""What was said, by whom, and whether a figure, a day or a time of a reply stands on it. Pure."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from savdo.base.clock import WEEK
from savdo.reply import claims, figures, injection, links, totals, weekdays
from savdo.reply.figures import Figure
from savdo.reply.models import Campaign, Evidence, Fault

# To the customer, by their own number; and to us, by ours.
TO_YOU: Final = re.compile(
    r"\bваш|\bвам\b|\bвас\b|\bсізге|\bсізбен|\bсіздің|\bsizga|\bsizning|\bsiz bilan|\bсизга|\bсизнинг|\bсиз билан|ingiz|ингиз|ңызға|ңізге|\byour?\b|нөміріңіз|raqamingiz",
    re.IGNORECASE,
)
TO_US: Final = re.compile(
    r"\bнаш\w*|\bнам\b|\bнас\b|\bbizning|\bbizga|\bбизнинг|\bбизга|\bбіздің|\bбізге|\bour\b|\bus\b|звоните|позвоните|пишите|напишите|qo'ng'iroq qiling|yozing|қўнғироқ қилинг|ёзинг|хабарласыңыз|қоңырау шалыңыз|жазыңыз|\bcall (?!you)|write to|contact|перевед|оплат|\bpay|to'lang|to'lov|төле|менеджер\w* [+\d]|карт[уаые]|\bcard",
    re.IGNORECASE,
)
PERSON_ASKED: Final = re.compile(
    rf"{claims.COLLEAGUE.pattern}|{claims.HEDGE.pattern}|удобн|qulay|ыңғайл|қулай|\bхотите|xohla|қала(?:й|са)|would (?:you )?like|prefer|suit|понял|тушундим|tushundim|түсіндім|understood|instead|within our|в часы работы|ish vaqtimiz|иш вақтимиз|жұмыс уақытымыз",
    re.IGNORECASE,
)
# "10 000 an hour" says one hour, though it is not written; (words, kind, value).
PER: Final[tuple[tuple[re.Pattern[str], figures.Kind, Decimal], ...]] = (
    (re.compile(r"soatiga|соатига|сағатына|(?:в|за|1|один) час\b|(?:per|an) hour|hourly|почасов", re.IGNORECASE), "hours", Decimal(1)),
    (re.compile(r"kuniga|кунига|күніне|(?:в|за) (?:день|сутки)|(?:per|a) day|kunlik|кунлик", re.IGNORECASE), "hours", Decimal(24)),
    (re.compile(r"haftasiga|ҳафтасига|аптасына|(?:в|за) неделю|(?:per|a) week|hafta oldin|апта бұрын", re.IGNORECASE), "hours", Decimal(168)),
    (re.compile(r"oyiga|oylik|ойига|ойлик|айына|айлық|(?:в|за) месяц|ежемесячн|месячн|(?:per|a) month|monthly|/\s?(?:ай|мес|oy)", re.IGNORECASE), "months", Decimal(1)),
    (re.compile(r"yiliga|йилига|yillik|йиллик|жылына|жылдық|(?:в|за) год|годов|(?:per|a) year|yearly|annual", re.IGNORECASE), "months", Decimal(12)),
    (re.compile(r"круглосуточн|тәулік бойы|kecha-yu kunduz|tunu kun|кеча-ю кундуз|24\s?/\s?7|(?:a)?round the clock|day and night", re.IGNORECASE), "hours", Decimal(24)),
    (re.compile(r"half[- ]price|полцены|половин\w+ цены|yarim narx|ярим нарх|жарты баға", re.IGNORECASE), "percent", Decimal(50)),
)  # fmt: skip
# "4 томдық" and "3x4" are no durations; "от 3 до 5", "10 for each" leave open what they count.
NOUN: Final = re.compile(r"\s?(?:[xх×*]\s?\d|[-‑]?\s?[^\W\d_]{3,})")
JOINING: Final = re.compile(
    r"\s?[-‑]?\s?(?:dan|дан|ден|тан|тен|нан|нен|gacha|гача|yoki|ёки|dona|или|либо|and|per|for|from|each|till?|until|plus|для|при|раб|ish|иш|бан|bank|bus|work|мен|және|немесе|дейін|кейін|keyin|кейин|соң|so'ng|сўнг|ortiq|ортиқ|астам)(?:\w|\b)",
    re.IGNORECASE,
)
OPENS: Final = re.compile(r"открыт|работаем|работает|ochiq|очиқ|ishlaymiz|ишлаймиз|ашық|жұмыс істе|\bopen\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Known:
    """What was said, read once: figures by who said them, the company's days open and off, its hours by day, and the texts."""

    company: tuple[Figure, ...]
    customer: tuple[Figure, ...]
    days: weekdays.Days
    customer_days: frozenset[int]
    hours: Mapping[int, frozenset[Decimal]]
    parts: tuple[str, ...]
    company_text: str
    customer_text: str
    names: str


def of(evidence: Evidence) -> Known:
    """The evidence read; orders to the answerer are left out, whoever wrote them."""
    company = [injection.without_orders(part) for part in _company_texts(evidence)]
    customer = [injection.without_orders(part) for part in evidence.customer_said]
    prices = [found for campaign in evidence.campaigns for found in _prices(campaign)]
    texts = [*company, *evidence.tools]
    return Known(
        (*(figure for part in texts for figure in figures_of(part)), *prices),
        tuple(figure for part in customer for figure in figures.read(part)),
        _days(texts, evidence.profile),
        frozenset().union(*(read.named | read.closed for read in map(weekdays.read, customer))),
        _with(_hours(evidence.profile) or _hours_of(texts), evidence.tools),
        tuple(texts),
        "\n".join(texts),
        "\n".join(customer),
        "\n".join([*texts, *customer, *(passage.document_name for passage in evidence.passages)]),
    )


def _company_texts(evidence: Evidence) -> Iterator[str]:
    for passage in evidence.passages:
        yield "\n".join([*passage.title_path, passage.text])
        for heading, value in (passage.cells or {}).items():
            yield f"{heading}: {value}"
            # A price with the unit it is for is told as "390 000 / month".
            if totals.UNIT_HEADING.match(heading):
                yield f"/ {value}"
    for campaign in evidence.campaigns:
        yield from (campaign.name, campaign.audience, *campaign.features, *_strings(campaign.chat_flow), *_strings(campaign.price))
    yield from _strings(evidence.profile)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _strings(inner)


def _prices(campaign: Campaign) -> Iterator[Figure]:
    amount, currency = campaign.price.get("amount"), str(campaign.price.get("currency") or "")
    if amount is not None and re.fullmatch(r"\d+(\.\d+)?", str(amount)):
        yield Figure("money", (Decimal(str(amount)),), (Decimal(str(amount)),), f"{amount} {currency}", 0, currency)


@functools.lru_cache(maxsize=4096)
def figures_of(text: str) -> tuple[Figure, ...]:
    """The figures of a company's text: a small number before a noun counts it, and "an hour" is one."""
    per = (Figure(kind, (value,), (Decimal(1),), found[0], found.start()) for words, kind, value in PER if (found := words.search(text)))
    return (*(replace(one, kind="measure") if _counts(one, text) else one for one in figures.read(text)), *per)


def _counts(figure: Figure, text: str) -> bool:
    noun = NOUN.match(text, figure.at + len(figure.words))
    return (
        figure.kind == "plain"
        and max(figure.values) < figures.LARGE
        and bool(noun)
        and not JOINING.match(text, figure.at + len(figure.words))
    )


def _days(texts: Sequence[str], profile: Mapping[str, Any]) -> weekdays.Days:
    """Days open and off; a day off that is named is off, though something else is every day."""
    by_profile = weekdays.of_profile(profile)
    read = [by_profile, *map(weekdays.read, texts)]
    spelled = [by_profile, *map(_spelled_days, texts)]
    named, closed, open_ = (
        frozenset[int]().union(*days)
        for days in ((one.named for one in read), (one.closed for one in read), (one.named for one in spelled))
    )
    return weekdays.Days(named - (closed - open_), closed)


@functools.lru_cache(maxsize=4096)
def _spelled_days(text: str) -> weekdays.Days:
    return weekdays.read(weekdays.EVERY.sub(" ", text.lower()))


def _hours(profile: Mapping[str, Any]) -> Mapping[int, frozenset[Decimal]]:
    hours: Mapping[str, Any] = profile.get("working_hours") or {}
    return {
        place: frozenset(value for text in _strings(hours[day]) for figure in figures.read(text) for value in figure.values)
        for place, day in enumerate(WEEK)
        if hours.get(day)
    }


def _hours_of(texts: Sequence[str]) -> Mapping[int, frozenset[Decimal]]:
    """Hours by day where a text tells them: "Mon-Fri 10:00-19:00, Sat 11:00-16:00"."""
    found: dict[int, frozenset[Decimal]] = {}
    for clause in (clause for text in texts for clause in weekdays.clauses(text)):
        days = weekdays.of_clause(clause)
        times = {value for figure in figures.read(clause) if figure.kind == "clock" for value in figure.values} if days else set[Decimal]()
        if len(times) > 1:
            found |= {day: found.get(day, frozenset()) | times for day in days}
    return found


def _with(hours: Mapping[int, frozenset[Decimal]], tools: Sequence[str]) -> Mapping[int, frozenset[Decimal]]:
    """Hours by day with those of the lines of tools that name a day: what is free or booked then."""
    found = dict(hours)
    for line in (line for result in tools for line in result.splitlines()):
        times = {value for figure in figures.read(line) if figure.kind == "clock" for value in figure.values}
        found |= {day: found[day] | times for day in weekdays.of_clause(line) & found.keys()}
    return found


def said(figure: Figure, by: tuple[Figure, ...]) -> bool:
    if figure.kind == "clock" and any(other.kind == "clock" for other in by):
        # Who tells their hours as hours has said them all; "10" of ten seats is no opening time.
        return any(agree(figure, other) for other in by if other.kind in ("clock", "phone"))
    return any(agree(figure, other) for other in by)


def agree(one: Figure, other: Figure) -> bool:
    if one.kind == "phone" or other.kind == "phone":
        return _same_phone(one, other)
    if one.kind == other.kind:
        return bool(set(one.values) & set(other.values)) and (not one.currency or not other.currency or one.currency == other.currency)
    kinds = {one.kind, other.kind}
    if kinds == {"date", "month"}:
        return one.kind == "month" and any(value // 100 in one.values for value in other.values)
    if kinds == {"hours", "months"}:
        # Thirty days are a month.
        days, months = (one, other) if one.kind == "hours" else (other, one)
        return any(value / 720 in months.values for value in days.values if value > 720)
    if kinds == {"count", "clock"}:
        return bool(set(one.raw) & set(other.raw))
    if kinds & {"measure", "count"} and not kinds <= {"plain", "measure", "count"}:
        return False
    if "plain" in kinds or "count" in kinds or kinds in ({"year", "months"}, {"money", "year"}):
        # A percentage is never bare, neither is a price ever a percentage; a month is no number.
        return one.kind not in ("percent", "month") and other.kind != "month" and bool(set(one.raw) & set(other.raw))
    return False


def _same_phone(one: Figure, other: Figure) -> bool:
    first, second = str(int(one.raw[0])), str(int(other.raw[0]))
    if one.kind == other.kind:
        shorter, longer = sorted((first[-9:], second[-9:]), key=len)
        return len(shorter) >= 7 and longer.endswith(shorter)
    # Nine digits in a row may as well be an amount.
    return first == second or bool(set(one.raw) & set(other.values))


def to_customer(sentence: str) -> bool:
    return bool(TO_YOU.search(sentence) and not TO_US.search(sentence))


def day_faults(text: str, known: Known) -> Iterator[Fault]:
    """Days of the week that nobody named, days off told as open, and hours of another day."""
    closed = known.days.closed - known.days.named
    # Who only tells the days off is open on the others.
    named = known.days.named or (weekdays.ALL - closed if closed else frozenset[int]())
    for clause in weekdays.clauses(text):
        days = weekdays.of_clause(clause)
        if not days:
            continue
        off = weekdays.is_off(clause)
        sayable = known.days.closed | (weekdays.ALL - known.days.named if known.days.named else frozenset()) if off else named - closed
        if not days <= sayable and not (not off and days - sayable <= known.customer_days and is_tentative(clause, text)):
            yield Fault("day", clause.strip())
        elif not off and (wrong := _wrong_hours(clause, days, known)):
            yield Fault("number", wrong)


def is_tentative(clause: str, text: str) -> bool:
    sentence = claims.around(clause.strip(), text)
    return any(PERSON_ASKED.search(claims.folded(sentence, language)) for language in ("", "uz"))


def _wrong_hours(clause: str, days: frozenset[int], known: Known) -> str:
    """A time that is some other day's and was not asked for, where the profile has the hours of these days and no text has others."""
    if not days <= set(known.hours):
        return ""
    told = [figure for figure in figures.read(clause) if figure.kind == "clock" and not said(figure, known.customer)]
    sayable = frozenset().union(*(known.hours[day] for day in days))
    every = frozenset().union(*known.hours.values())
    opens = OPENS.search(clause)
    return next((one.words for one in told if (opens or set(one.values) & every) and not set(one.values) & sayable), "")


def mail_faults(text: str, known: Known) -> Iterator[Fault]:
    """E-mail addresses of nobody, and the customer's own told as ours."""
    company, customer = known.company_text.lower(), known.customer_text.lower()
    for mail in links.EMAIL.findall(text):
        around = claims.around(mail.split("@")[0], text)
        if mail.lower() not in company and not (mail.lower() in customer and (to_customer(around) or to_customer(text))):
            yield Fault("leak", mail)


@functools.lru_cache(maxsize=256)
def spoken(text: str) -> frozenset[str]:
    """The words of a text by their first five letters, for what was said before."""
    return frozenset(word[:5] for word in re.findall(r"[^\W\d_]{4,}", claims.folded(text)))
