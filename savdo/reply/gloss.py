"""A foreign sentence word by word in the customer's language: "аккумулятор: 6 месяцев" → "akkumulyator: 6 oy".

No translation: what the lexicon knows is said in the order it stands, numbers and names stay, the rest is left out. It
stands beside the company's own words, so that a customer who cannot read those sees what they say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from savdo.ai import linear
from savdo.knowledge import words
from savdo.reply import durations, sayings
from savdo.reply.models import Reading

TOKEN: Final = re.compile(
    r"(?P<code>[^\W\d_]+\d\w*)|"
    r"(?P<number>\d(?:[\d.,:  –-]*\d)?\s?[%₸$]?)|(?P<word>[^\W\d_]+(?:[ʻʼ‘’'`-][^\W\d_]+)*)|(?P<mark>[.,;:!?()\n—–]+)"
)
# A "not" that is not understood with its word would turn the sentence into its opposite.
NEGATED: Final = re.compile(
    r"(?:не|нет|ни|нельзя|без|not|no|never|without|cannot|\w*n't|emas|yoʻq|yo'q|эмас|йўқ|емес|жоқ)"
    r"|\w+(?:may|maydi|maymiz|maysiz|mas|mang|manglar|май|майди|маймиз|мас|манг|майды|мейді|майды|маймыз|мейміз|маңыз|меңіз|мас|мес|байды|бейді|пайды|пейді)\w{0,4}",
    re.IGNORECASE,
)
TIMES: Final = re.compile(r"marta|marotaba|раза?|рет|times?|марта", re.IGNORECASE)
TIMES_SAID: Final = {"uz": "marta", "ru": "раз", "kk": "рет", "en": "times"}
# "с 9:00 до 18:00", "9:00 dan 18:00 gacha": in the other language the two words stand on the other side.
TIME: Final = r"(\d{1,2}(?::\d\d)?)"
RANGE: Final = re.compile(
    rf"\b(?:с|от|from)\s+{TIME}\s+(?:до|to|till|until)\s+{TIME}(?![\d:])|"
    rf"(?<![\d:]){TIME}\s?-?(?:dan|дан|ден|тан|тен)\s+{TIME}\s?-?(?:gacha|гача|(?:ге|ға|ке|қа)?\s?дейін)",
    re.IGNORECASE,
)
COUNT: Final = re.compile(r"[\d\s.,–-]+")
CLOCK: Final = re.compile(r"\d{1,2}:\d\d")
# Stands for a word that is not known: what is around it does not belong together either.
UNTOLD: Final = "…"
# Less than this share of the words known, and it says something else.
KNOWN: Final = 0.5
LONGEST: Final = 260


@dataclass(frozen=True, slots=True)
class Piece:
    """A number, a word as written with its folded forms, a code (A54), or a mark that parts."""

    kind: str
    text: str
    folded: tuple[str, ...] = ()


def of(sentence: str, spoken: str, reading: Reading) -> str:
    """The gloss of a sentence in the language `spoken`, or nothing when too little of it is known."""
    pieces = _pieces(RANGE.sub(_range, sentence))
    told: list[str] = []
    known = missed = at = 0
    while at < len(pieces):
        piece = pieces[at]
        said, taken = piece.text, 1
        if piece.kind == "word":
            said, taken = _said(pieces, at, spoken, reading)
            if not said and NEGATED.fullmatch(linear.APOSTROPHES.sub("'", piece.text)):
                return ""
            known, missed = known + bool(said), missed + (not said and not _says_nothing(piece))
            said = said or (piece.text if _is_name(piece, at) else "")
        elif piece.kind == "number":
            said, taken = _counted(pieces, at, spoken, reading)
            known += taken > 1
        told.append("" if piece.kind == "mark" else said or UNTOLD)
        at += taken
    if not known or known < KNOWN * (known + missed):
        return ""
    return _joined(told)[:LONGEST]


def _joined(told: Sequence[str]) -> str:
    """A number belongs to what follows it, a time of the day to what stands before it; nothing reaches over a mark ("")."""
    text = before = ""
    for said in told:
        near = (COUNT.fullmatch(before) and not said[:1].isdigit()) or (CLOCK.match(said) and before and not CLOCK.match(before))
        # A word is told once; a figure each time, or the next one would take its place.
        if said and said != UNTOLD and (said[:1].isdigit() or f", {said}, " not in f", {text}, "):
            text += said if not text else f" {said}" if near else f", {said}"
        before = "" if said == UNTOLD else said
    return text


def _range(match: re.Match[str]) -> str:
    first, last = (one for one in match.groups() if one)
    return f"{first}–{last}"


def _pieces(sentence: str) -> list[Piece]:
    return [
        Piece(str(match.lastgroup), match[0].strip(), tuple(words.folded_words(match[0])) if match.lastgroup == "word" else ())
        for match in TOKEN.finditer(sentence)
    ]


def _said(pieces: Sequence[Piece], at: int, spoken: str, reading: Reading) -> tuple[str, int]:
    """What the longest turn of speech from here means, and how many words it takes; ("", 1) when it is not known."""
    run: list[Piece] = []
    for piece in pieces[at : at + words.LONGEST_IDIOM]:
        if piece.kind != "word":
            break
        run.append(piece)
    for count in range(len(run), 0, -1):
        folded = [word for piece in run[:count] for word in piece.folded]
        concept = words.concept_of(folded, spoken)
        if concept:
            return sayings.written(words.lexicon().said[concept][reading.language], reading), count
    return _of_parts(pieces[at].text, spoken, reading), 1


def _of_parts(word: str, spoken: str, reading: Reading) -> str:
    """What "понедельник-пятница" means, where both parts are known; else nothing."""
    meant = [words.concept_of(words.folded_words(part), spoken) for part in re.split("[-–]", word)]
    return (
        "–".join(sayings.written(words.lexicon().said[one][reading.language], reading) for one in meant)
        if len(meant) > 1 and all(meant)
        else ""
    )


def _counted(pieces: Sequence[Piece], at: int, spoken: str, reading: Reading) -> tuple[str, int]:
    """A number with the unit that follows it in the right form, and how many pieces they take."""
    number = pieces[at].text
    following = [piece.text for piece in pieces[at + 1 : at + 3] if piece.kind == "word"]
    for away in range(1, len(following) + 1):
        counted = f"{number} {' '.join(following[:away])}"
        if TIMES.fullmatch(following[away - 1]):
            return f"{number} {sayings.written(TIMES_SAID[reading.language], reading)}", away + 1
        unit = next((name for name, pattern in durations.UNIT if pattern.match(counted)), "")
        if unit and re.fullmatch(r"\d{1,3}(?:\s?[-–—]\s?\d{1,3})?", number):
            work = unit == "day" and bool(durations.WORKING.search(counted))
            return durations.worded(number, "work" if work else unit, reading), away + 1
    said, taken = _said(pieces, at + 1, spoken, reading) if at + 1 < len(pieces) and pieces[at + 1].kind == "word" else ("", 0)
    return (f"{number} {said}", taken + 1) if said else (number, 1)


def _is_name(piece: Piece, at: int) -> bool:
    """Names, brands and codes are the same in every language."""
    return (piece.text.isupper() and len(piece.text) > 1) or (at > 0 and piece.text[0].isupper())


def _says_nothing(piece: Piece) -> bool:
    return all(word in words.lexicon().stop for word in piece.folded)
