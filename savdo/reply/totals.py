# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""What the whole of it costs: a price by the square metre times the metres spoken of, exactly. No discount is ever guessed. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from savdo.knowledge import words
from savdo.knowledge.models import Passage
from savdo.reply import sayings
from savdo.reply.models import Reading, Turn

ASKED: Final = re.compile(
    r"\b(?:jami|hammasi|umumiy|жами|ҳаммаси|хаммаси|умумий|всего|итого|вс[её] вместе|общ(?:ая|ую|ей)|выйдет|обойд[её]тся|барлығы|барлыгы|жалпы|total|altogether|overall|come to)\b",
    re.IGNORECASE,
)
METRES: Final = re.compile(r"(?<![\d.,])(\d{1,4})\s?(?:m2|м2|m²|м²|кв\w*|kv\w*|sq\w*|шаршы\w*|квадрат\w*)", re.IGNORECASE)
BY_THE_METRE: Final = re.compile(r"(?<!\w)(?:m2|м2|m²|м²|кв\.?\s?м|kv\.?\s?m|sq\.?\s?m)(?!\w)", re.IGNORECASE)
MONEY_HEADING: Final = re.compile(r"цена|стоимость|тариф.?руб|narx|summa|price|cost|баға|құны|so.?m|сум|тенге|теңге", re.IGNORECASE)
UNIT_HEADING: Final = re.compile(r"birlik|o.?lchov birligi|unit\b|единица|ед\b|бірлік|өлшем бірлігі", re.IGNORECASE)
# How far back the metres and the thing were named.
LATEST: Final = 6


@dataclass(frozen=True, slots=True)
class Priced:
    """Something with a price of a square metre; `terms` are what it is called, `passage` where it stands (None: a campaign)."""

    name: str
    price: Decimal
    currency: str
    terms: frozenset[str]
    passage: UUID | None


@dataclass(frozen=True, slots=True)
class Total:
    """`text` to say, `worked` the sum in it, the passage it was drawn from."""

    text: str
    worked: str
    cited: tuple[UUID, ...]


def find(turn: Turn, reading: Reading, passages: Sequence[Passage]) -> Total | None:
    """The sum for who asks what all of it comes to; None when it is not asked, or what is multiplied is not certain."""
    metres = area(turn)
    if metres is None or not ASKED.search(turn.text):
        return None
    meant = _meant(turn, [*_rows(turn, passages), *_campaigns(turn)])
    if meant is None:
        return None
    total = sayings.amount(metres * meant.price, meant.currency, reading)
    worked = f"{metres} × {sayings.number(meant.price, reading)} = {total}"
    return Total(f"{sayings.written(meant.name, reading)}: {worked}.", worked, (meant.passage,) if meant.passage else ())


def area(turn: Turn) -> int | None:
    """The square metres this turn speaks of, else the last ones of the thread."""
    for text in reversed(_said(turn)):
        found = METRES.findall(text)
        if found:
            return int(found[0]) if len(set(found)) == 1 and int(found[0]) else None
    return None


def _meant(turn: Turn, priced: Sequence[Priced]) -> Priced | None:
    """What the thread names by a word that nothing with another price is called; the first of equals is search's own choice."""
    said = set(words.terms("\n".join(_said(turn))))

    def own(one: Priced) -> int:
        others = frozenset[str]().union(*(other.terms for other in priced if other.price != one.price))
        return len((one.terms - others) & said)

    best = max(priced, key=own, default=None)
    return best if best is not None and own(best) else None


def _rows(turn: Turn, passages: Sequence[Passage]) -> Iterator[Priced]:
    for row in passages:
        cells = list((row.cells or {}).items())
        place = next((place for place, (heading, _) in enumerate(cells) if MONEY_HEADING.search(heading)), None)
        if not place or not BY_THE_METRE.search(row.text) or not re.fullmatch(r"\d[\d\s]*", cells[place][1].strip()):
            continue
        name = ", ".join(value for _, value in cells[:place])
        price = Decimal(re.sub(r"\s", "", cells[place][1]))
        yield Priced(name, price, str(turn.profile.get("currency") or ""), frozenset(words.terms(name)), row.id)


def _campaigns(turn: Turn) -> Iterator[Priced]:
    for one in turn.campaigns:
        if one.price.get("amount") and BY_THE_METRE.search(str(one.price.get("per") or "")):
            currency = str(one.price.get("currency") or turn.profile.get("currency") or "")
            yield Priced(one.name, Decimal(str(one.price["amount"])), currency, frozenset(words.terms(one.name)), None)


def _said(turn: Turn) -> list[str]:
    return [*[one.text for one in turn.history if one.author == "contact"][-LATEST:], turn.text]
