"""The fact that answers a question, picked from the passages: rows of a table said in words, sentences quoted.

How well a sentence answers is judged by the words it shares with the question (in four languages, through the search
lexicon), by its meaning, and by where search ranked its passage. When nothing is close enough there is no answer.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from savdo.ai import embed, language
from savdo.knowledge import words
from savdo.knowledge.models import Passage
from savdo.reply import sayings
from savdo.reply.models import Reading, Turn

Vector = NDArray[np.float64]

PASSAGES_READ: Final = 6
SENTENCES_EMBEDDED: Final = 10
MOST_ROWS: Final = 3
LONGEST_QUOTE: Final = 330
# Below this a neighbouring fact is as likely as the right one.
SUPPORTED: Final = 0.65
MONEY_HEADING: Final = re.compile(r"цена|стоимость|тариф.?руб|narx|summa|price|cost|баға|құны|so.?m|сум|тенге|теңге", re.IGNORECASE)
HEADING_CURRENCY: Final = (("UZS", r"so.?m|сум|сўм|uzs"), ("KZT", r"тенге|теңге|tenge|kzt|₸"), ("USD", r"usd|\$|доллар"))
ANCHOR: Final = re.compile(r"(?<!\w)(?:[A-Z]{2,}\w*|[a-z]+\d+|\d{3,}|[A-Z]\w*\d\w*)(?!\w)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence or a row that may be the answer."""

    text: str
    passage: Passage
    rank: int
    place: int


@dataclass(frozen=True, slots=True)
class Found:
    """An answer: what to say, the passages it stands in, and how well it is supported (0 to about 2)."""

    text: str
    cited: tuple[UUID, ...]
    support: float
    notes: tuple[str, ...] = ()


def find(turn: Turn, reading: Reading, question: str, passages: Sequence[Passage]) -> Found | None:
    """The best supported answer, or None when the passages do not hold one."""
    read = passages[:PASSAGES_READ]
    if not read:
        return None
    wanted = _weights(question, passages)
    units = [unit for rank, passage in enumerate(read) for unit in _units(passage, rank)]
    scored = sorted(((_lexical(unit, wanted), unit) for unit in units), key=lambda pair: -pair[0] + pair[1].rank * 0.05)
    asked = np.asarray(embed.query_now(question))
    rescored = [(_support(score, unit, asked, read[0].score, reading), unit) for score, unit in scored[:SENTENCES_EMBEDDED]]
    rescored.sort(key=lambda pair: -pair[0])
    support, best = rescored[0]
    notes = (f"support {support:.2f}",)
    if support < SUPPORTED or _misses_anchor(question, passages):
        return None
    if best.passage.kind == "row":
        rows = [unit for score, unit in rescored if unit.passage.kind == "row" and score > support - 0.12][:MOST_ROWS]
        return Found(_rows(turn, reading, rows), tuple(unit.passage.id for unit in rows), support, notes)
    return Found(_quoted(turn, reading, best, units), (best.passage.id,), support, notes)


def _weights(question: str, passages: Sequence[Passage]) -> dict[str, float]:
    # Rare among what was found tells more; shared concepts and names tell more than endings and fillers.
    terms = [set(words.terms(f"{' '.join(one.title_path)} {one.text}")) for one in passages]
    weights: dict[str, float] = {}
    for term in dict.fromkeys(words.terms(question)):
        holds = sum(term in one for one in terms)
        weights[term] = float(np.log(1 + len(terms) / (0.5 + holds))) * (1.2 if term.startswith("@") else 1.0)
    return weights


def _units(passage: Passage, rank: int) -> list[Unit]:
    if passage.kind == "row":
        return [Unit(passage.text, passage, rank, 0)]
    parts = [part.strip(" -*•\t") for part in re.split(r"\n+|(?<=[.!?])\s+(?=[^\Wa-zа-я_])", passage.text)]
    return [
        Unit(part, passage, rank, place)
        for place, part in enumerate(parts)
        if len(part) > 8 and not part.endswith("?") and not part.startswith("#")
    ]


def _lexical(unit: Unit, wanted: Mapping[str, float]) -> float:
    if not wanted:
        return 0.0
    inside, around = set(words.terms(unit.text)), set(words.terms(" ".join(unit.passage.title_path)))
    whole = set(words.terms(unit.passage.text)) if unit.passage.kind != "row" else inside
    total = sum(wanted.values())
    held = sum(
        weight * (1.0 if term in inside else 0.75 if term in around else 0.3 if term in whole else 0.0) for term, weight in wanted.items()
    )
    return held / total


def _support(lexical: float, unit: Unit, asked: Vector, highest: float, reading: Reading) -> float:
    heading = unit.passage.title_path[-1] if unit.passage.title_path else ""
    similarity = float(asked @ _vector(f"{heading}. {unit.text}"[:300]))
    support = 2 * lexical + 5 * (similarity - 0.8) + 0.1 * (unit.passage.score - highest)
    if reading.intent == "question_price":
        support += 0.4 * (unit.passage.kind == "row") + 0.2 * bool(re.search(r"\d", unit.text))
    return support


@functools.lru_cache(4096)
def _vector(text: str) -> Vector:
    return np.asarray(embed.query_now(text))


def _misses_anchor(question: str, passages: Sequence[Passage]) -> bool:
    """Whether the question names something (a model, a standard, a code) that no passage found knows."""
    held = {word for passage in passages for word in words.folded_words(f"{' '.join(passage.title_path)} {passage.text}")}
    named = [match[0] for match in ANCHOR.finditer(question) if not re.fullmatch(r"\d+", match[0]) or len(match[0]) > 4]
    return any(not (set(words.folded_words(name)) & held) for name in named)


def _rows(turn: Turn, reading: Reading, rows: Sequence[Unit]) -> str:
    lines = [row_said(unit.passage, str(turn.profile.get("currency") or ""), reading) for unit in rows]
    if len(lines) == 1:
        return lines[0]
    return "\n".join([sayings.say("rows", turn, reading), *(f"- {line}" for line in lines)])


def row_said(passage: Passage, currency: str, reading: Reading) -> str:
    """A table row in words: what it is, its price with the currency, then the rest with the headings."""
    names: list[str] = []
    rest: list[str] = []
    price = ""
    for heading, value in (passage.cells or {}).items():
        if not value.strip():
            continue
        if MONEY_HEADING.search(heading) and re.search(r"\d", value) and not price:
            price = _priced(heading, value, currency, reading)
        elif not price:
            names.append(value)
        else:
            rest.append(value if len(value.split()) > 2 else f"{heading.replace('_', ' ')}: {value}")
    own = (passage.language or language.identify(" ".join(names))[0]) == reading.language
    said = ", ".join(names) if own else f"«{', '.join(names)}»"
    said = f"{said}: {price}" if price else said
    more = "; ".join(rest)
    said = f"{said} ({more})" if rest and own else f"{said} («{more}»)" if rest else said
    return sayings.written(said, reading) if own and reading.language == "uz" else said


def _priced(heading: str, value: str, currency: str, reading: Reading) -> str:
    code = next((code for code, pattern in HEADING_CURRENCY if re.search(pattern, heading, re.IGNORECASE)), currency)
    if "%" in value:
        return value
    number = re.search(r"\d[\d\s.,]*", value)
    digits = re.sub(r"[^\d]", "", number[0]) if number else ""
    if not number or not digits:
        return value
    said = sayings.amount(int(digits), code, reading)
    before = value[: number.start()].strip()
    return f"{before} {said}".strip()


def _quoted(turn: Turn, reading: Reading, best: Unit, units: Sequence[Unit]) -> str:
    following = next((unit for unit in units if unit.passage.id == best.passage.id and unit.place == best.place + 1), None)
    quote = best.text
    if quote.endswith(":") and following:
        items = [unit.text for unit in units if unit.passage.id == best.passage.id and unit.place > best.place]
        quote = " ".join([quote, *items])[:LONGEST_QUOTE]
    quote = quote.replace("«", "“").replace("»", "”").replace("**", "")
    spoken = best.passage.language or language.identify(quote)[0]
    if spoken == reading.language:
        return sayings.written(quote, reading)
    return sayings.say("documents_say", turn, reading, quote=quote)
