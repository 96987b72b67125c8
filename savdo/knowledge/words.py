"""Text as words that can be found again, whatever script, apostrophe or ending it was typed with.

Uzbek is written in two scripts, Kazakh and Russian are often typed in Latin letters, and nobody agrees on the apostrophe
of oʻ. So every word is folded to one plain Latin form, its usual endings are cut, and words that mean one thing in the four
languages (the folder `lexicon`) also give one shared word that starts with "@". Both sides of a search go through here.
"""

import functools
import os
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from savdo.ai import language

LEXICON = Path(__file__).with_name("lexicon")
LANGUAGES: tuple[str, ...] = ("uz", "ru", "kk", "en")
LONGEST_WORD = 40
LONGEST_IDIOM = 4
SHORTEST_STEM = 3
# A word up to this long is another word in another language.
LONGEST_STRANGER = 4
# The highest position a tsvector knows.
MOST_POSITION = 16_000

CYRILLIC = str.maketrans(
    {
        "а": "a", "ә": "a", "б": "b", "в": "v", "г": "g", "ғ": "g", "д": "d", "е": "e", "ё": "e", "ж": "j", "з": "z", "и": "i",
        "й": "i", "к": "k", "қ": "k", "л": "l", "м": "m", "н": "n", "ң": "n", "о": "o", "ө": "o", "п": "p", "р": "r", "с": "s",
        "т": "t", "у": "u", "ү": "u", "ұ": "u", "ў": "o", "ф": "f", "х": "h", "ҳ": "h", "һ": "h", "ц": "s", "ч": "ch", "ш": "sh",
        "щ": "sh", "ъ": "", "ы": "i", "ь": "", "э": "e", "ю": "iu", "я": "ia", "і": "i",
    }
)  # fmt: skip
# What is left after the letters: one sound, one spelling. Order matters.
SPELLINGS = (
    ("ye", "e"), ("yo", "e"), ("zh", "j"), ("kh", "h"), ("ck", "k"), ("ts", "s"), ("ph", "f"), ("w", "v"), ("x", "h"),
    ("q", "k"), ("y", "i"),
)  # fmt: skip
APOSTROPHES = re.compile("['`´ʻʼʽ‘’‛′＇ʹ\u02c8]")
JOINED_NUMBER = re.compile(r"(?<=\d)(?:[\s\u00a0\u202f.,](?=\d{3}(?!\d)))+")
WORD = re.compile(r"\d+|[^\W\d_]+")
REPEATED = re.compile(r"([a-z])\1+")
SOFT_C = re.compile(r"c(?=[eiy])")
HARD_C = re.compile(r"c(?!h)")
# A digit and a letter side by side are two words.
NO_WORD = re.compile(r"[^\w\n|]+|_|(?<=\d)(?=[^\W\d])|(?<=[^\W\d])(?=\d)")
ENGLISH_ENDING = re.compile(r"(?<=\w{3})(?:i?es|s|ed|ing|ers?|li|[ei])$")
DENIAL = re.compile(r"(?:ma|me|ba|be|pa|pe)(?:s|di|i|imiz|idi|gan|gen|sa|se)(?:[a-z]{0,3})$|[^ae]siz$")
MARKS = re.compile("[\u0300-\u036f]")
CONCEPT = re.compile(r'^([a-z0-9_]+) = \["([^"\n]+)", "([^"\n]+)", "([^"\n]+)", "([^"\n]+)"\]$', re.MULTILINE)


Idiom = tuple[str, tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """`idioms`: stems of a way to say it → the concepts, the folded words they are said with and the language. `said`: concept → language →
    how a customer is told it. `areas`: file → its concepts. `stop`: folded words that say nothing."""

    idioms: Mapping[tuple[str, ...], Sequence[Idiom]]
    said: Mapping[str, Mapping[str, str]]
    areas: Mapping[str, frozenset[str]]
    stop: frozenset[str]


def terms(text: str) -> list[str]:
    """What a text is found by, in order, repeats kept: stems, numbers, and the shared words of the lexicon ("@delivery")."""
    return list(_terms(text))


@functools.lru_cache(maxsize=4096)
def _terms(text: str) -> tuple[str, ...]:
    stop, links = lexicon().stop, lexicon().areas["links"]
    plain = [stem(word) for word in folded_words(text) if word not in stop]
    return (*plain, *(concept for concept in concepts(text) if concept[1:] not in links))


@functools.lru_cache(16_384)
def concepts(text: str) -> tuple[str, ...]:
    """The lexicon's shared words ("@delivery") for every idiom of up to four words that stands in a text."""
    idioms = lexicon().idioms
    written = _written(text)
    folded = tuple(map(fold, written))
    stems = tuple(map(stem, folded))
    spoken = language.identify(text)[0]
    found: dict[str, None] = {}
    for start, word in enumerate(written):
        for end in range(start + 1, min(start + LONGEST_IDIOM, len(written)) + 1):
            if stems[start:end] in idioms:
                found |= dict.fromkeys(_meant(folded[start:end], word.isascii(), spoken))
    return tuple(found)


@functools.lru_cache(16_384)
def _meant(said: tuple[str, ...], is_latin: bool, spoken: str) -> tuple[str, ...]:
    fitting = [
        (_distance(said, idiom), concept)
        for concept, idiom, tongue in lexicon().idioms[tuple(map(stem, said))]
        # Folded, "был" is "bill": nobody writes English in Cyrillic.
        if (tongue != "en" or is_latin) and (tongue == spoken or _is_told_apart(idiom)) and is_said(said, idiom, tongue)
    ]
    # Of strangers with one stem, those that are nearest as written.
    return tuple(f"@{concept}" for distance, concept in fitting if distance == min(fitting)[0])


def _is_told_apart(idiom: Sequence[str]) -> bool:
    """Whether words are long enough to be the same ones in another language: "do" is English, Russian and Kazakh."""
    return len(idiom) > 1 or len(idiom[0]) > LONGEST_STRANGER


def concept_of(folded: Sequence[str], spoken: str) -> str:
    """The one meaning of folded words taken together in a language, that whose listed form is nearest; empty when there is none."""
    listed = lexicon().idioms.get(tuple(map(stem, folded)), ())
    fitting = [
        (_distance(folded, idiom), concept)
        for concept, idiom, tongue in listed
        if tongue == spoken and is_said(folded, idiom, tongue) and all(map(_is_long_or_same, folded, idiom))
    ]
    return min(fitting)[1] if fitting else ""


def _is_long_or_same(word: str, listed: str) -> bool:
    # Three letters begin too many words: to be told to a customer they have to be the word.
    return len(listed) > SHORTEST_STEM or word == listed


def _distance(folded: Sequence[str], idiom: Sequence[str]) -> int:
    alike = sum(len(os.path.commonprefix(pair)) for pair in zip(folded, idiom, strict=True))  # noqa: RUF071 # letters are meant
    return len("".join(folded)) + len("".join(idiom)) - 2 * alike


def is_said(folded: Sequence[str], idiom: Sequence[str], language: str) -> bool:
    """Whether words with the stems of an idiom are forms of its words. Stems are cut so short that most strangers share one."""
    if language == "en":
        return all(ENGLISH_ENDING.sub("", word) == ENGLISH_ENDING.sub("", listed) for word, listed in zip(folded, idiom, strict=True))
    return all(_is_form(word, listed) or (language == "ru" and _is_case(word, listed)) for word, listed in zip(folded, idiom, strict=True))


def _is_case(word: str, listed: str) -> bool:
    """Whether two Russian words differ in their last letters only: "кухню" is "кухня", though their stem is but "кух"."""
    alike = len(os.path.commonprefix((word, listed)))  # noqa: RUF071 # letters are meant
    return len(listed) >= 5 and abs(len(word) - len(listed)) <= 1 and alike >= max(4, len(listed) - 2)


def _is_form(word: str, listed: str) -> bool:
    if word == listed:
        return True
    if bool(_denies(word)) != bool(_denies(listed)):
        return False
    if len(listed) <= 3:
        # "Qimmat" (dear) is no form of "kiyim" (clothes), folded "kim", nor "qizil" (red) of "qiz" (girl).
        return word.startswith(listed) and len(word) <= len(listed) + 2 and not word.endswith(("t", "il"))
    if word.startswith(listed):
        return True
    if len(stem(listed)) <= SHORTEST_STEM:
        return False
    alike = len(os.path.commonprefix((word, listed)))  # noqa: RUF071 # letters are meant
    if alike == len(word):
        return len(listed) == alike + 1
    return alike >= max(5, 0.7 * len(listed)) or (alike == 4 and max(len(word), len(listed)) == 5)


def _denies(word: str) -> re.Match[str] | None:
    # Without ("pulsiz") and not ("kerakmas") are endings in Uzbek and Kazakh, and make another meaning.
    return DENIAL.search(word)


@functools.lru_cache(8192)
def grams(text: str) -> frozenset[str]:
    """Three and four letters in a row of every word, its ends marked by "_": what survives a typo or an unknown ending."""
    stop = lexicon().stop
    found: set[str] = set()
    for word in folded_words(text):
        if word in stop or len(word) < 3:
            continue
        marked = f"_{word}_"
        for size in (3, 4):
            found.update(marked[at : at + size] for at in range(len(marked) - size + 1))
    return frozenset(found)


def folded_words(text: str) -> list[str]:
    return [fold(word) for word in _written(text)]


def _written(text: str) -> list[str]:
    return WORD.findall(JOINED_NUMBER.sub("", APOSTROPHES.sub("", text.lower())))


@functools.lru_cache(65_536)
def fold(word: str) -> str:
    """One lower-case word in plain Latin letters; digits stay as they are."""
    if word.isdigit():
        return word[:LONGEST_WORD]
    word = unicodedata.normalize("NFC", word[:LONGEST_WORD]).translate(CYRILLIC)
    word = "".join(letter for letter in unicodedata.normalize("NFKD", word) if letter.isalpha())
    word = HARD_C.sub("k", SOFT_C.sub("s", word))
    for spelling, sound in SPELLINGS:
        word = word.replace(spelling, sound)
    return REPEATED.sub(r"\1", word)


@functools.lru_cache(65_536)
def stem(word: str) -> str:
    """A folded word without its endings; at least three letters stay. Cuts too much rather than too little, alike on both sides."""
    if word.isdigit():
        return word
    endings, longest = _grammar()[1:]
    for _ in range(3):
        for size in range(min(longest, len(word) - SHORTEST_STEM), 0, -1):
            # One letter is often part of the root of a short word, a long ending hardly ever.
            if word[-size:] in endings and (size > 1 or len(word) > SHORTEST_STEM + 1):
                word = word[:-size]
                break
        else:
            break
    return word


@functools.cache
def lexicon() -> Lexicon:
    # One pattern and one folding for the whole folder: read as TOML and folded word by word it would hold up a start by a second.
    # A test reads it as TOML and compares.
    files = {path.stem: CONCEPT.findall(path.read_text(encoding="utf-8")) for path in sorted(LEXICON.glob("*.toml"))}
    rows = [row for listed in files.values() for row in listed]
    folded = {language: _folded_lines("\n".join(row[at] for row in rows)) for at, language in enumerate(LANGUAGES, 1)}
    stems = {word: stem(word) for word in {word for lines in folded.values() for word in " ".join(lines).replace("|", " ").split()}}
    idioms: dict[tuple[str, ...], list[Idiom]] = {}
    for tongue, lines in folded.items():
        for (concept, *_), line in zip(rows, lines, strict=True):
            for way in dict.fromkeys(line.split("|")):
                idiom = tuple(way.split())
                idioms.setdefault(tuple([stems[word] for word in idiom]), []).append((concept, idiom, tongue))
    said = {concept: dict(zip(LANGUAGES, [way.partition("|")[0] for way in ways], strict=True)) for concept, *ways in rows}
    areas = {area: frozenset(row[0] for row in listed) for area, listed in files.items()}
    return Lexicon(idioms, said, areas, _grammar()[0])


def _folded_lines(text: str) -> list[str]:
    """What `folded_words` finds, for many lines of idioms at once: words parted by one space, idioms by "|"."""
    text = unicodedata.normalize("NFC", APOSTROPHES.sub("", text.lower())).translate(CYRILLIC)
    text = HARD_C.sub("k", SOFT_C.sub("s", MARKS.sub("", unicodedata.normalize("NFKD", text))))
    for spelling, sound in SPELLINGS:
        text = text.replace(spelling, sound)
    return NO_WORD.sub(" ", REPEATED.sub(r"\1", text)).split("\n")


@functools.cache
def _grammar() -> tuple[frozenset[str], frozenset[str], int]:
    """The stop words, the endings and the letters of the longest ending; apart from the idioms, because those are stemmed with them."""
    tables: dict[str, dict[str, list[str]]] = tomllib.loads((LEXICON / "grammar.toml").read_text(encoding="utf-8"))
    stop, endings = (
        frozenset(word for listed in tables[table].values() for text in listed for word in folded_words(text))
        for table in ("stop", "endings")
    )
    return stop, endings, max(map(len, endings))


def words_vector(title_path: Iterable[str], text: str) -> str:
    """The text form of the tsvector a passage is found by; words of its headings carry the weight A."""
    headings = [f"'{term}':{min(at, MOST_POSITION)}A" for at, term in enumerate(terms(" . ".join(title_path)), 1)]
    body = [f"'{term}':{min(at, MOST_POSITION)}" for at, term in enumerate(terms(text), 1)]
    return " ".join([*headings, *body])


def grams_vector(title_path: Iterable[str], text: str) -> str:
    """The text form of the tsvector of a passage's letters."""
    return " ".join(f"'{gram}'" for gram in sorted(grams(" ".join([*title_path, text]))))
