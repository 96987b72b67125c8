"""The fact that answers a question, picked from the passages: rows of a table said in words, passages quoted.

Search's own ranking says which passage it is; a short passage is said whole, since which of its sentences
holds the fact is a guess more. When no passage is likely enough there is no answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from savdo.ai import language
from savdo.knowledge import kinds, words
from savdo.knowledge.models import Found, Passage
from savdo.reply import directions, durations, figures, gloss, headings, sayings, topic, totals
from savdo.reply.models import Reading, Turn

MOST_ROWS: Final = 3
LONGEST_QUOTE: Final = 350
LONGEST_OF_TWO: Final = 260
# A text this short is said whole; of a longer one, sentences are told until they hold the answer with this share.
WHOLE: Final = 160
ENOUGH: Final = 0.7
# Below this a neighbouring fact is as likely as the right one.
LIKELY: Final = 0.4
PLAIN: Final = 0.2
# From this on, one of two questions is answered although nobody knows the other.
SURE: Final = 0.6
FEW_WORDS: Final = 8
# A question this short that names a thing names nothing else.
SHORT: Final = 5
ALONE: Final = 0.5
# Rows this close to the best are told beside it.
CLOSE: Final = 0.8
# Below this the second text is told too, when it is at least this share as likely.
CERTAIN: Final = 0.75
SECOND: Final = 0.35
MOST_PIECES: Final = 1000
HEADING_CURRENCY: Final = (("UZS", r"so.?m|сум|сўм|uzs"), ("KZT", r"тенге|теңге|tenge|kzt|₸"), ("USD", r"usd|\$|доллар"))
COUNTED: Final = re.compile(r"(?<![\d.,])(?P<count>\d{1,3})\s?(?P<unit>[^\W\d]+)")
CURRENCY_NAMED: Final = re.compile("|".join(rf"\b(?:{named})\w*|[₸$]" for _, named in HEADING_CURRENCY), re.IGNORECASE)
AMOUNT: Final = re.compile(r"(?P<before>\D*)(?P<number>\d+(?:[\s.,]\d+)*)(?P<after>\D*)")
# Every answer puts what it worked out in brackets, or behind the total's mark.
WORKED_OUT: Final = re.compile(r"\(([^()]+)\)|(\d+ × [\d ]+ = [^.\n]+)")
WANTED: Final = re.compile(
    r"\b(?:хочу|хотим|хотел\w*|нуж(?:ен|на|но|ны)|ищу|ищем|интересу\w+|kerak|керак|керек|қажет|olmoqchi\w*|олмоқчи\w*|need|want"
    r"|looking for|interested in)\b",
    re.IGNORECASE,
)
ANCHOR: Final = re.compile(r"(?<!\w)(?:[A-Z]{2,}\w*|[a-z]+\d+|\d{3,}|[A-Z]\w*\d\w*)(?!\w)")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: what to say, the passages it stands in and their language, how likely (0 to 1) they hold it, and what was
    worked out of them (totals, meanings of foreign words). `half` when only one of two questions is answered."""

    text: str
    cited: tuple[UUID, ...]
    support: float
    language: str
    notes: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()
    half: bool = False


def find(turn: Turn, reading: Reading, question: str, found: Found) -> Told | None:
    """The most likely answer, or None when the passages do not hold one. Of two questions in one both are answered, or the one
    that can be."""
    halves = [told for half, one in found.halves if (told := _alone(turn, reading, half, one)) and told.support >= LIKELY]
    if found.halves and len(halves) == len(found.halves):
        return _together(halves)
    whole = _alone(turn, reading, question, found)
    return whole or next((replace(told, half=True) for told in halves if told.support >= SURE), None)


def _together(halves: Sequence[Told]) -> Told:
    cited = tuple(dict.fromkeys(one for told in halves for one in told.cited))
    notes, grounds = (
        tuple(dict.fromkeys(one for lot in lots for one in lot))
        for lots in zip(*((told.notes, told.grounds) for told in halves), strict=True)
    )
    text = "\n".join(dict.fromkeys(told.text for told in halves))
    return Told(text, cited, min(told.support for told in halves), halves[0].language, notes, grounds)


def _alone(turn: Turn, reading: Reading, question: str, found: Found) -> Told | None:
    if not suffices(question, found) or _misses_anchor(question, found.passages):
        return None
    told = _told(question, found.passages)
    best = told[0]
    said = _rows(turn, reading, told) if best.kind == "row" else _quotes(turn, reading, _of_section(question, told))
    if not said:
        return None
    grounds = tuple(worked[0] or worked[1] for worked in WORKED_OUT.findall(said))
    notes = (f"likely {found.support:.2f}, share {best.score:.2f}",)
    return Told(said, tuple(one.id for one in told), found.support, best.language or "", notes, grounds)


def suffices(question: str, found: Found) -> bool:
    """Whether there is support enough to answer: a plain short question that one passage is nearly alone in answering needs less."""
    if not found.passages:
        return False
    if _rows_named(question, found.passages) or headings.section(question, found.passages):
        return True
    plain = len(question.split()) <= FEW_WORDS and found.passages[0].score >= ALONE
    return found.support >= (PLAIN if plain else LIKELY)


def names_goods(question: str, found: Found) -> bool:
    """Whether a short question names rows of a table and nothing else: "хочу кухню"."""
    return bool(_rows_named(question, found.passages))


def _rows_named(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """The rows of one table that are called what a short question names and nothing else: every sofa, for "how much is a sofa?".
    None when the best passage is no such row, unless a price is asked for or the thing is wanted."""
    things = topic.things(question)
    if not things or len(question.split()) > SHORT or headings.asks_of_company(question):
        return []
    called = [one for one in passages if _is_called(one, things)]
    rows = [one for one in called if one.document_id == called[0].document_id]
    return rows if rows and (rows[0] is passages[0] or kinds.asked(question)[0] or WANTED.search(question)) else []


def _is_called(row: Passage, things: Sequence[frozenset[str]]) -> bool:
    cells = list((row.cells or {}).items())
    priced = next((at for at, (heading, value) in enumerate(cells) if totals.MONEY_HEADING.search(heading) and re.search(r"\d", value)), 0)
    called = set(words.terms(" ".join(value for _, value in cells[:priced])))
    return all(thing & called for thing in things)


def _told(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """The passages an answer is made of: the best, rows about the same thing beside a row, a second text when it is a close call."""
    best = passages[0]
    if named := _rows_named(question, passages):
        return named[:MOST_ROWS]
    if section := headings.section(question, passages):
        return [section]
    if best.kind == "row":
        return [one for one in passages if one.kind == "row" and one.score >= CLOSE * best.score][:MOST_ROWS]
    others = [one for one in passages[1:] if one.kind != "row" and one.score >= SECOND * best.score]
    return [best, *(others[:1] if best.score < CERTAIN else [])]


def _misses_anchor(question: str, passages: Sequence[Passage]) -> bool:
    """Whether the question names something (a model, a standard, a code) that no passage found knows."""
    held = {word for passage in passages for word in words.folded_words(f"{' '.join(passage.title_path)} {passage.text}")}
    named = [match[0] for match in ANCHOR.finditer(question) if not re.fullmatch(r"\d+", match[0]) or len(match[0]) > 4]
    return any(not (set(words.folded_words(name)) & held) for name in named)


def _rows(turn: Turn, reading: Reading, rows: Sequence[Passage]) -> str:
    lines = [row_said(row, str(turn.profile.get("currency") or ""), reading) + _total(turn, reading, row) for row in rows]
    if len(lines) == 1:
        return lines[0]
    return "\n".join([sayings.say("rows", turn, reading), *(f"- {line}" for line in lines)])


def _total(turn: Turn, reading: Reading, row: Passage) -> str:
    """What the wanted quantity costs. Not when the row itself says the number: "a table for 10" is no ten tables."""
    count: Any = reading.entities.get("quantity") or _area(turn, row)
    cell = next(((heading, value) for heading, value in (row.cells or {}).items() if totals.MONEY_HEADING.search(heading)), None)
    if not isinstance(count, int) or not 1 < count < MOST_PIECES or cell is None or re.search(rf"(?<!\d){count}(?!\d)", row.text):
        return ""
    price = re.sub(r"\D", "", cell[1])
    if not re.fullmatch(r"\s*\d[\d\s]*", cell[1]) or not int(price):
        return ""
    total = sayings.amount(count * int(price), _currency(cell[0], str(turn.profile.get("currency") or "")), reading)
    return f". {count} × {sayings.number(int(price), reading)} = {total}"


def _area(turn: Turn, row: Passage) -> int | None:
    """The square metres, metres, kilograms … asked about, where the row is priced by them."""
    text = _with_counts(turn)
    asked = totals.METRES.findall(text)
    if len(asked) == 1 and totals.BY_THE_METRE.search(row.text):
        return int(asked[0])
    unit = {one for heading, value in (row.cells or {}).items() if totals.UNIT_HEADING.match(heading) for one in words.concepts(value)}
    counted = [match["count"] for match in COUNTED.finditer(text) if unit & set(words.concepts(match["unit"]))]
    return int(counted[0]) if len(counted) == 1 else None


def _with_counts(turn: Turn) -> str:
    """What the customer says of how much; who asks what all of it costs has said so before."""
    if re.search(r"\d", turn.text) or not totals.ASKED.search(turn.text):
        return turn.text
    before = [said.text for said in turn.history if said.author == "contact"]
    return "\n".join([*before[-topic.CHAIN :], turn.text])


def row_said(passage: Passage, currency: str, reading: Reading) -> str:
    """A table row in words: what it is, its price with the currency, then the rest with the headings."""
    names: list[str] = []
    rest: list[str] = []
    price = ""
    for heading, value in (passage.cells or {}).items():
        if not value.strip():
            continue
        if totals.MONEY_HEADING.search(heading) and re.search(r"\d", value) and not price:
            price = _priced(heading, value, currency, reading)
        elif not price:
            names.append(value)
        elif totals.UNIT_HEADING.match(heading) and "/" not in price:
            price = f"{price} / {_foreign_said(passage, value, reading) or value}"
        else:
            rest.append(value if len(value.split()) > 2 else f"{heading.replace('_', ' ')}: {value}")
    own = (passage.language or language.identify(" ".join(names))[0]) == reading.language
    said = ", ".join(names) if own else f"«{', '.join(names)}»"
    said = f"{said}: {price}" if price else said
    more = "; ".join(rest)
    if not own and (told := _glossed(passage, [*names, *rest], reading)):
        return f"{said} ({told})"
    said = f"{said} ({more})" if rest and own else f"{said} («{more}»)" if rest else said
    return sayings.written(said, reading) if own and reading.language == "uz" else said


def _foreign_said(passage: Passage, value: str, reading: Reading) -> str:
    """A cell of a foreign row word by word, empty where a word of it is not known or the row is in the customer's language."""
    spoken = passage.language or language.identify(passage.text)[0]
    return gloss.of(value, spoken, reading) if spoken != reading.language else ""


def _glossed(passage: Passage, values: Sequence[str], reading: Reading) -> str:
    """The cells of a foreign row, each word by word where that is known, else as it stands."""
    spoken = passage.language or language.identify(" ".join(values))[0]
    told = [gloss.of(value.partition(": ")[2] or value, spoken, reading) for value in values]
    return "; ".join(said or f"«{value}»" for said, value in zip(told, values, strict=True)) if any(told) else ""


def _priced(heading: str, value: str, currency: str, reading: Reading) -> str:
    """One amount said with its currency; a range, a share, several amounts stand as they are written."""
    code = _currency(heading, currency)
    amount = AMOUNT.fullmatch(value.strip())
    if not amount or "%" in value:
        bare = re.search(r"\d", value) and "%" not in value and not CURRENCY_NAMED.search(value)
        return f"{value} {sayings.currency_word(code, reading)}" if bare else value
    number, *_ = figures.readings(amount["number"])
    # A fraction stands as it is written: "4.1" may be millions, and is not ours to spell out.
    said = f"{amount['number']} {sayings.currency_word(code, reading)}" if number % 1 else sayings.amount(number, code, reading)
    after = CURRENCY_NAMED.sub("", amount["after"]).strip(" .")
    return " ".join(filter(None, (amount["before"].strip(), said, after)))


def _currency(heading: str, currency: str) -> str:
    return next((code for code, pattern in HEADING_CURRENCY if re.search(pattern, heading, re.IGNORECASE)), currency)


def _quotes(turn: Turn, reading: Reading, told: Sequence[Passage]) -> str:
    """What the passages say, but for what is for sellers."""
    longest = LONGEST_QUOTE if len(told) == 1 else LONGEST_OF_TWO
    excerpts = {one.id: list(filter(None, map(directions.told, _excerpt(one, longest)))) for one in told}
    kept = [one for one in told if excerpts[one.id]]
    return "\n".join(_quoted(turn, reading, one, excerpts[one.id], is_first=one is kept[0]) for one in kept)


def _of_section(question: str, told: Sequence[Passage]) -> list[Passage]:
    """The passages with the sentence to begin at; a section whose subject alone is asked for is told from its start."""
    if not headings.is_whole(question, told[0]):
        return list(told)
    # Shares that never add up to enough: as many sentences are told as there is room for.
    return [replace(told[0], nearness=tuple(ENOUGH / 2 ** (place + 2) for place in range(len(told[0].sentences)))), *told[1:]]


def _quoted(turn: Turn, reading: Reading, passage: Passage, parts: Sequence[str], *, is_first: bool) -> str:
    quote = re.sub(r"[;:,]+(?=\.?$)", "", " ".join(parts))
    spoken = passage.language or language.identify(quote)[0]
    if spoken == reading.language:
        return sayings.written(quote, reading)
    said = sayings.say("documents_say", turn, reading, quote=quote) if is_first else f"«{quote}»"
    # Who cannot read the quote reads what its words mean; figures need no translation, but what they count does.
    meant = "; ".join(filter(None, (gloss.of(part, spoken, reading) for part in parts))) or durations.said(quote, reading)
    return f"{said} ({meant})" if meant else said


def _excerpt(passage: Passage, longest: int) -> list[str]:
    """The sentence that answers, and its neighbours as long as they may answer too; a short passage whole."""
    parts = [part.replace("«", "“").replace("»", "”") for part in passage.sentences or (passage.text,)]
    if len(parts) == 1 or not passage.nearness or len(passage.text) <= WHOLE:
        return parts
    first = last = max(range(len(parts)), key=lambda place: passage.nearness[place])
    while sum(passage.nearness[first : last + 1]) < ENOUGH:
        around = [place for place in (last + 1, first - 1) if 0 <= place < len(parts)]
        fits = [place for place in around if len(" ".join(parts[first : last + 1])) + len(parts[place]) < longest]
        if not fits:
            break
        nearest = max(fits, key=lambda place: passage.nearness[place])
        first, last = min(first, nearest), max(last, nearest)
    return parts[first : last + 1]
