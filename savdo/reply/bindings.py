# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""Whether a figure of a reply belongs to what the reply says it of: a warranty of three years told for the work that has one. Pure.

Only where the company names this very thing with another figure of the same kind, and names this figure nowhere near it.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from savdo.reply import claims, figures, grounds
from savdo.reply.figures import Figure
from savdo.reply.given import OBJECTS
from savdo.reply.grounds import Known
from savdo.reply.models import Fault

# Days and months are both durations.
KINDS: Final[Mapping[str, str]] = {"money": "money", "percent": "percent", "hours": "duration", "months": "duration"}
# What a figure may be of, beside the things that may be free.
OF: Final[Mapping[str, re.Pattern[str]]] = {
    **{name: OBJECTS[name] for name in ("delivery", "measuring", "installation", "lifting", "design", "cleaning", "storage", "trial")},
    **{
        name: re.compile(words)
        for name, words in {
            "warranty": r"гаранти|kafolat|garantiya|кепілдік|warrant|guarantee", "prepayment": r"предоплат|аванс|перв\w+ взнос|oldindan|boshlang'ich|алдын ала|бастапқы|upfront|up front|in advance|down payment|prepa",
            "pledge": r"залог|garov|кепіл(?!дік)|\bdeposit|pledge", "discount": r"скидк|chegirma|жеңілдік|discount|\boff\b|дешевле|arzon|арзан|cheaper", "fine": r"штраф|jarima|айыппұл|penalt|\bfine\b|\blate fee", "return": r"возврат|обмен|вернуть|qaytar|almashtir|қайтар|ауыстыр|return|refund|exchange",
            "minimum": r"миним|kamida|minimal|ең аз|кемінде|minimum|at least", "making": r"изготовлен|tayyor|tayyorlan|дайын|готов|to make|production|ready", "repeat": r"повторн|takroriy|қайта(?:лама)? қабылдау|follow-?up|repeat", "instalment": r"рассрочк|bo'lib to'la|muddatli|бөліп төле|instal",
            "express": r"срочн|экспресс|shoshilinch|tezkor|шұғыл|жедел|urgent|express|same-day", "night": r"ночн|tungi|түнгі|\bnight\b(?! \d)", "extra": r"доплат|qo'shimcha|қосымша|\bextra\b|surcharge",
        }.items()
    },
}  # fmt: skip
# What one word says of a whole sentence: "15 years on this, 2 years on that, guaranteed".
QUALITIES: Final = frozenset(OF) - frozenset(OBJECTS)
# "The bed with delivery" is the bed.
WITH: Final = re.compile(
    r"\b(?:с|со|вместе с|включая|with|including|incl)\s\w+|\w+(?:\s(?:bilan|билан)|(?:мен|бен|пен)\b(?:\s(?:бірге|қоса))?)|\w+ (?:qo'shib|ichida|included|входит|включен\w*)"
)
# Words of money, time and asking are no subjects.
UNIT: Final = re.compile(
    r"so'm|сум|сўм|теңге|тенге|usd|dollar|доллар|eur|pound|oyiga|kuni|soat|час|года?$|лет$|месяц|сут|недел|день|дней|дня|минут|yil|hafta|month|week|hour|year|күн|сағат|апта|жыл|narx|цена|сто[ия]|баға|cost|price|итого|всего|jami|жами|барлы|total|only|from|only|также|ещё|адам|kishi|киши|челов|person|people|guest|yana|ham$|для|with"
)
SHARED: Final = re.compile(r"birga|вместе|\bоба\b|\bобе\b|\bboth\b|together|бірге|екеуі|ikkalasi|ikkovi")
CLAUSE: Final = re.compile(r"[.!?;\n]+\s*|,\s+|\s(?:а|но|и|but|and|lekin|ammo|va|бірақ|және|ал|plus)\s")


@dataclass(frozen=True, slots=True)
class Bound:
    """A figure, what its own clause says it is of, and what it may be of by the clauses before it."""

    figure: Figure
    of: frozenset[str]
    near: frozenset[str]
    subject: str
    words: frozenset[str]
    is_shared: bool = False


def faults(text: str, language: str, known: Known) -> Iterator[Fault]:
    """Figures that a company says of another thing than the reply does."""
    told = [one for clause in CLAUSE.split(text) for one in _told(clause, language)]
    if told:
        bound = [one for part in known.parts for one in _bound(part)]
        yield from (Fault("number", one.figure.words) for one in told if _belongs_elsewhere(one, bound, known))


def _told(clause: str, language: str) -> Iterator[Bound]:
    low = WITH.sub(" ", claims.folded(clause, language))
    if not claims.ASKS.search(low):
        of, words = _of(low), frozenset(_stems(low))
        yield from (Bound(figure, of, of, "", words, bool(SHARED.search(low))) for figure in figures.read(clause) if figure.kind in KINDS)


def _belongs_elsewhere(told: Bound, bound: Sequence[Bound], known: Known) -> bool:
    alike = [one for one in bound if KINDS.get(one.figure.kind) == KINDS[told.figure.kind]]
    here = [one for one in alike if grounds.agree(told.figure, one.figure)]
    if not here or grounds.said(told.figure, known.customer):
        return False
    if any(_is_multiple(told.figure, one.figure, known) for one in alike if told.of & one.of or one.subject in told.words):
        return False
    if not any(told.of & one.near for one in here) and any(told.of & one.of for one in alike):
        return True
    subjects = {one.subject for one in alike if one.subject and one not in here} & told.words
    return len(subjects) == 1 and not told.is_shared and not any(not one.words or one.words & told.words for one in here)


def _is_multiple(told: Figure, other: Figure, known: Known) -> bool:
    """Whether it is this other figure as many times as the customer wants."""
    counts = {value for figure in known.customer for value in figure.raw if value > 1}
    return any(one == value * count for one in told.values for value in other.values for count in counts)


@functools.lru_cache(maxsize=4096)
def _bound(text: str) -> tuple[Bound, ...]:
    """The figures of a company's text with what they are of; a clause that names nothing goes on with what was named before it."""
    found: list[Bound] = []
    before = frozenset[str]()
    for sentence in claims.sentences(text):
        said, whole = list[str](), _of(f"{claims.folded(sentence)} {claims.folded(sentence, 'uz')}")
        for clause in CLAUSE.split(sentence):
            low = f"{claims.folded(clause)} {claims.folded(clause, 'uz')}"
            of, own = _of(low), _stems(low)
            subject = next(iter(_stems(re.split(r"\d", claims.folded(clause), maxsplit=1)[0])), "")
            before, said = of or before, own if subject else said + own
            found += [
                Bound(figure, of, of or before | whole & QUALITIES, subject, frozenset(said))
                for figure in figures.read(clause)
                if figure.kind in KINDS
            ]
    return tuple(found)


def _stems(low: str) -> list[str]:
    return [word[:4] for word in re.findall(r"[^\W\d_]{4,}", low) if not UNIT.match(word) and not _of(word)]


def _of(low: str) -> frozenset[str]:
    return frozenset(name for name, words in OF.items() if words.search(low))
