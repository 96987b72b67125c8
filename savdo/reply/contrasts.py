"""Whether a figure or a day of a reply is told of the thing the company tells it of: the cat's price said for the dog. Pure.

A company's texts are read as items: a clause, the words of it and its figures. A reply's figure is wrong where every item that has it
holds fewer of the reply's words than some item with another figure, and none that the other lacks.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Final

from savdo.reply import bindings, claims, figures, grounds, novelty, waivers, weekdays
from savdo.reply.figures import Figure
from savdo.reply.grounds import Known
from savdo.reply.models import Fault
from savdo.reply.novelty import Spoken

KINDS: Final = frozenset(("money", "percent", "clock", "hours", "months"))
# "With free delivery" is said of something else.
WITH: Final = re.compile(r"\bwith (?:\w+ )?\w+")
# More days than these are opening days, and say nothing of one thing.
MOST_DAYS: Final = 4


Token = str | Figure


@dataclass(frozen=True, slots=True)
class Item:
    """A clause of the company's; `context` are the words its sentence began with, and its clauses without figures."""

    spoken: Spoken
    context: Spoken
    names: tuple[str, ...]
    figures: tuple[Figure, ...]
    days: frozenset[int]

    def held(self, tokens: Sequence[Token]) -> frozenset[Token]:
        return frozenset(token for token in tokens if self._holds(token))

    def _holds(self, token: Token) -> bool:
        if isinstance(token, str):
            return self.spoken.holds(token) or self.context.holds(token)
        return any(grounds.agree(token, one) for one in self.figures)


def faults(text: str, language: str, known: Known) -> Iterator[Fault]:
    """Figures and days that the company tells of another thing."""
    items = [item for part in known.parts for item in _items(part)]
    counts = {Decimal(1), *(value for one in known.customer for value in one.raw if value > 1)}
    counts |= {one * other for one, other in combinations(sorted(counts)[:6], 2)}
    for sentence in claims.sentences(text):
        if not sentence.endswith("?") and not claims.ASKS.search(claims.folded(sentence, language)):
            for clause in _parts(sentence):
                yield from _of_clause(clause, items, counts, known)


def _of_clause(clause: str, items: Sequence[Item], counts: set[Decimal], known: Known) -> Iterator[Fault]:
    named = words_of(bindings.WITH.sub(" ", WITH.sub(" ", clause.lower())))
    if not named:
        return
    read = grounds.figures_of(clause)
    for figure in read:
        if figure.kind in KINDS and not grounds.said(figure, known.customer):
            tokens = [*named, *(one for one in read if one is not figure and one.kind != figure.kind)]
            if _is_of_another(figure, tokens, items, counts, novelty.spoken(clause)):
                yield Fault("number", figure.words)
    if _is_another_day(weekdays.of_clause(clause), named, items, novelty.spoken(clause)):
        yield Fault("day", clause)


def _parts(sentence: str) -> Iterator[str]:
    """The clauses of a reply; what is joined by "and" is one thing where it has one price."""
    for clause in claims.CLAUSE.split(sentence):
        prices = [one for one in figures.read(clause) if one.kind in KINDS]
        yield from waivers.PARTS.split(clause) if len(prices) > 1 else [clause]


def words_of(clause: str) -> list[str]:
    return [word for word in novelty.things(clause) if not novelty.is_plain(word)]


def _is_of_another(figure: Figure, tokens: Sequence[Token], items: Sequence[Item], counts: set[Decimal], said: Spoken) -> bool:
    alike = [(item, [one for one in item.figures if one.kind == figure.kind]) for item in items]
    own = [item for item, found in alike if any(_makes(one, figure, counts) for one in found)]
    return _is_dominated(tokens, own, [item for item, found in alike if found and item not in own], said)


def _is_another_day(days: frozenset[int], named: Sequence[str], items: Sequence[Item], said: Spoken) -> bool:
    if not days or len(days) > MOST_DAYS:
        return False
    own = [item for item in items if days <= item.days]
    other = [item for item in items if item.days and len(item.days) <= MOST_DAYS and not days & item.days]
    return _is_dominated(named, own, other, said)


def _is_dominated(tokens: Sequence[Token], own: Sequence[Item], other: Sequence[Item], said: Spoken) -> bool:
    """Whether one other item holds more than every own one, which has a name of its own that is not said; and as much as all others
    together: two things have a price of their own."""
    held, more = [item.held(tokens) for item in own], [item.held(tokens) for item in other]
    together = frozenset[Token]().union(*more)
    return bool(held) and any(
        mine == together and all(one < mine and _is_unnamed(item, rival, said) for item, one in zip(own, held, strict=True))
        for rival, mine in zip(other, more, strict=True)
    )


def _is_unnamed(own: Item, rival: Item, said: Spoken) -> bool:
    """Whether a clause says nothing of what tells an item from its rival."""
    apart = [word for word in own.names if not rival.spoken.holds(word)]
    return bool(apart) and not any(map(said.holds, apart))


def _makes(one: Figure, figure: Figure, counts: set[Decimal]) -> bool:
    if one.kind != "money":
        return grounds.agree(one, figure)
    return any(value * count in figure.values for value in one.values for count in counts)


@functools.lru_cache(maxsize=4096)
def _items(part: str) -> tuple[Item, ...]:
    found: list[Item] = []
    for sentence in claims.sentences(part):
        clauses = list(_labelled(waivers.PARTS.split(sentence)))
        read = [(clause, grounds.figures_of(clause), weekdays.of_clause(clause)) for clause in clauses]
        bare = " . ".join(clause for clause, told, days in read if not told and not days)
        context = novelty.spoken(f"{next(iter(words_of(sentence)), '')} . {bare}")
        found += [
            Item(novelty.spoken(clause), context, tuple(novelty.things(clause, every=True)), told, days) for clause, told, days in read
        ]
    return tuple(found)


def _labelled(clauses: Sequence[str]) -> Iterator[str]:
    """Clauses each with a name: a bare figure goes with what stands before it."""
    label = ""
    for clause in clauses:
        if words_of(clause):
            if label:
                yield label
            label = clause
        else:
            label = f"{label}, {clause}" if label else clause
    yield label
