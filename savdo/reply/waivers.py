# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""What a reply takes off the customer: not needed, not paid for, included; and what it says is done that the company does not do. Pure.

A clause that waives or includes something stands only on a company's sentence about the same thing that waives, includes or gives too;
where no sentence speaks of the thing at all, `novelty` judges it.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from savdo.reply import claims, figures, novelty
from savdo.reply.grounds import Known
from savdo.reply.novelty import Spoken

INCLUDED: Final = re.compile(
    r"\bвход(?:ит|ят)\b|\bвойд[её]т|\bвойдут|включен|включ[её]н|в (?:эту )?(?:цену|стоимост)|в комплекте|(?:narx|shu|bahosi)\w* (?:ichi|kir)|ichiga oladi|shun\w* ichida|\bkiradi\b|бағасына кір|(?:соның|баға\w*) ішінде|\bкіреді|қосылған|\bincluded\b|\bincludes?\b|comes? with|part of (?:it|the (?:price|deal))|\bcover(?:s|ed)\b"
)
EXCLUDED: Final = re.compile(r"не вход|не включ|kirma|кірме|not includ|n't includ|\bexclud|отдельно|alohida|бөлек|separate")
WAIVING: Final = re.compile(rf"\w*(?:{novelty.WAIVED.pattern})\w*")
PARTS: Final = re.compile(rf"{claims.CLAUSE.pattern}|\s(?:и|and|va|ва|және)\s")
# What a company's sentence about the thing must say.
GRANTS: Final = re.compile(
    rf"{INCLUDED.pattern}|{novelty.WAIVED.pattern}|бесплатн|bepul|tekin|тегін|\bfree\b|\bбез\b|\bwithout\b|\bno\b|siz\b|сіз\b|\bvs[её]\b|\bвс[её]\b|o'z ichiga|\bс (?:завтрак|обед)|berami[zs]|выда[её]м|береміз|входн|берет(?:ся)? на себя|бер[её]м на себя|зачит|вычит|hisobga|есептел|keyin|после|кейін|\bafter\b"
)


# A company's clause that does not do something.
REFUSED: Final = re.compile(
    r"не (?:дела|работ|оказ|прода|ремонт|привоз|достав|выезж|берём|берем|отправ|приним|возвращ|выда|сда)|\w+(?:maymiz|ilmaydi|маймыз|мейміз|байды|бейді)\b|\b(?:do not|don't|cannot|can't|does not|doesn't|are not|aren't|is not|isn't)\b"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A company's clause: the words of it, those that name something, whether it names a price and whether it refuses something, and
    whether the sentence it stands in grants something."""

    spoken: Spoken
    named: tuple[str, ...]
    is_priced: bool
    refuses: bool
    grants: bool


def unfounded(text: str, language: str, known: Known) -> Iterator[str]:
    """The sentences that waive, include or do what no text of the company does."""
    company = [one for part in known.parts for one in _clauses(part)]
    for sentence in claims.sentences(text):
        low = claims.folded(sentence, language)
        if low.endswith("?") or claims.ASKS.search(low) or claims.COLLEAGUE.search(low):
            continue
        denies = bool(claims.NO.search(claims.NO_TROUBLE.sub(" ", low)) or REFUSED.search(low))
        for clause in PARTS.split(sentence):
            if _is_ungranted(clause, language, company) or (not denies and _is_refused(clause, company)):
                yield sentence


def _is_refused(clause: str, company: Sequence[Clause]) -> bool:
    """Whether a clause says yes to the very thing that the company says no to."""
    spoken = novelty.spoken(clause)
    named = [one for one in company if one.refuses and one.named and all(map(spoken.holds, one.named))]
    return any(not any(not one.refuses and all(map(one.spoken.holds, no.named)) for one in company) for no in named)


def _is_ungranted(clause: str, language: str, company: Sequence[Clause]) -> bool:
    low = claims.folded(clause, language)
    waives = bool(novelty.WAIVED.search(low)) and not claims.CONDITION.search(low)
    if not waives and (not INCLUDED.search(low) or EXCLUDED.search(low)):
        return False
    named = _named(WAIVING.sub(" ", low))
    about = [[one for one in company if one.spoken.holds(word)] for word in named or novelty.things(clause)]
    if waives and not any(about):
        return bool(named) or not any(one.grants for one in company)
    about = [clauses for clauses in about if clauses and (waives or all(one.is_priced for one in clauses))]
    return bool(about) and not any(one.grants for clauses in about for one in clauses)


@functools.lru_cache(maxsize=4096)
def _clauses(part: str) -> tuple[Clause, ...]:
    return tuple(
        _clause(clause, grants=bool(GRANTS.search(f"{claims.folded(sentence)} {claims.folded(sentence, 'uz')}")))
        for sentence in claims.sentences(part)
        for clause in PARTS.split(sentence)
    )


def _clause(clause: str, *, grants: bool) -> Clause:
    low = claims.folded(clause)
    refuses = bool(REFUSED.search(low)) and not novelty.WAIVED.search(low)
    return Clause(novelty.spoken(clause), _named(clause), _is_priced(clause), refuses, grants)


def _named(clause: str) -> tuple[str, ...]:
    return tuple(word for word in novelty.things(clause) if not novelty.is_plain(word))


def _is_priced(clause: str) -> bool:
    return any(one.kind == "money" or (one.kind == "plain" and max(one.values) > figures.LARGE) for one in figures.read(clause))
