"""Text as words that can be found again, whatever script, apostrophe or ending it was typed with.

Uzbek is written in two scripts, Kazakh and Russian are often typed in Latin letters, and nobody agrees on the apostrophe
of oʻ. So every word is folded to one plain Latin form, its usual endings are cut, and words that mean one thing in the four
languages (`lexicon.toml`) also give one shared word that starts with "@". Both sides of a search go through here.
"""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LEXICON = Path(__file__).with_name("lexicon.toml")
LONGEST_WORD = 40
LONGEST_IDIOM = 4
SHORTEST_STEM = 3
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


@dataclass(frozen=True, slots=True)
class Lexicon:
    """`idioms`: stems of a way to say it → the concepts and the folded words they are said with. `stop`: folded words that say nothing."""

    idioms: Mapping[tuple[str, ...], Sequence[tuple[str, tuple[str, ...]]]]
    stop: frozenset[str]


def terms(text: str) -> list[str]:
    """What a text is found by, in order, repeats kept: stems, numbers, and the shared words of the lexicon ("@delivery")."""
    return list(_terms(text))


@functools.lru_cache(maxsize=4096)
def _terms(text: str) -> tuple[str, ...]:
    folded = folded_words(text)
    stems = [stem(word) for word in folded]
    stop = lexicon().stop
    plain = [stemmed for word, stemmed in zip(folded, stems, strict=True) if word not in stop]
    return (*plain, *concepts(folded, stems))


def concepts(folded: Sequence[str], stems: Sequence[str]) -> list[str]:
    """The lexicon's shared words for every idiom of up to four words that stands in a text given as folded words and stems."""
    idioms = lexicon().idioms
    found: list[str] = []
    for start in range(len(stems)):
        for length in range(1, LONGEST_IDIOM + 1):
            for concept, idiom in idioms.get(tuple(stems[start : start + length]), ()):
                if all(map(_is_form, folded[start : start + length], idiom)):
                    found.append(f"@{concept}")
    return list(dict.fromkeys(found))


def _is_form(word: str, listed: str) -> bool:
    # Stems are cut so short that "pulsiz" (free) meets "pul" (money); a form of a word begins like it, too.
    if len(listed) <= 3:
        return word.startswith(listed) and len(word) <= len(listed) + 2
    return word.startswith(listed[: max(3 if len(listed) == 4 else 4, round(0.65 * len(listed)))])


def grams(text: str) -> set[str]:
    """Three and four letters in a row of every word, its ends marked by "_": what survives a typo or an unknown ending."""
    stop = lexicon().stop
    found: set[str] = set()
    for word in folded_words(text):
        if word in stop or len(word) < 3:
            continue
        marked = f"_{word}_"
        for size in (3, 4):
            found.update(marked[at : at + size] for at in range(len(marked) - size + 1))
    return found


def folded_words(text: str) -> list[str]:
    return [fold(word) for word in WORD.findall(JOINED_NUMBER.sub("", APOSTROPHES.sub("", text.lower())))]


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
    endings = _file()[2]
    for _ in range(3):
        cut = next((ending for ending in endings if word.endswith(ending) and len(word) - len(ending) >= _least(ending)), None)
        if cut is None:
            break
        word = word[: -len(cut)]
    return word


def _least(ending: str) -> int:
    # One letter is often part of the root of a short word, a long ending hardly ever.
    return SHORTEST_STEM + 1 if len(ending) < 2 else SHORTEST_STEM


@functools.cache
def lexicon() -> Lexicon:
    tables, stop, _ = _file()
    idioms: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}
    for concept, languages in tables["concepts"].items():
        for idiom in "|".join(languages).split("|"):
            folded = tuple(folded_words(idiom))[:LONGEST_IDIOM]
            idioms.setdefault(tuple(map(stem, folded)), []).append((concept, folded))
    return Lexicon(idioms, stop)


@functools.cache
def _file() -> tuple[dict[str, dict[str, list[str]]], frozenset[str], tuple[str, ...]]:
    # Apart from the idioms, because those are stemmed with the endings that stand in the same file.
    tables: dict[str, dict[str, list[str]]] = tomllib.loads(LEXICON.read_text(encoding="utf-8"))
    stop = {word for listed in tables["stop"].values() for text in listed for word in folded_words(text)}
    endings = {ending for listed in tables["endings"].values() for text in listed for ending in folded_words(text)}
    return tables, frozenset(stop), tuple(sorted(endings, key=lambda ending: (-len(ending), ending)))


def words_vector(title_path: Iterable[str], text: str) -> str:
    """The text form of the tsvector a passage is found by; words of its headings carry the weight A."""
    headings = [f"'{term}':{min(at, MOST_POSITION)}A" for at, term in enumerate(terms(" . ".join(title_path)), 1)]
    body = [f"'{term}':{min(at, MOST_POSITION)}" for at, term in enumerate(terms(text), 1)]
    return " ".join([*headings, *body])


def grams_vector(title_path: Iterable[str], text: str) -> str:
    """The text form of the tsvector of a passage's letters."""
    return " ".join(f"'{gram}'" for gram in sorted(grams(" ".join([*title_path, text]))))
