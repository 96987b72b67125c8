# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""Things a reply speaks of that nobody named: whoever invents a service, a condition or a gift brings a word for it. Pure.

Every word of a sentence that tells something has to stand, in any form or language the lexicon knows, in a text of the company or in
what the customer asked, or be one that says nothing by itself (`plain_words.toml`). Questions, requests, what is to be asked first
and what is denied tell nothing. Where a text of the company is in another language than the reply, one word is not enough.
"""

import functools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from savdo.ai.language import identify
from savdo.knowledge import words
from savdo.reply import claims, links, sayings
from savdo.reply.grounds import Known

PLAIN: Final = Path(__file__).with_name("plain_words.toml")
# Two forms of a word begin alike; shorter words say too little.
ALIKE: Final = 4
PLAIN_ALIKE: Final = 5
# As many words of the lexicon that no text in another language has are no gap of the lexicon.
STRANGE: Final = 2
SHORTEST: Final = 3
# What the customer is asked to do: to send, to choose, to come.
REQUEST: Final = re.compile(r"\b\w{3,}(?:йте|ите)\b(?<!хотите)|\w{2}ing\b(?!\s\w+(?:di|miz)\b)|(?:ңыз|ңіз)\b")
REQUEST_EN: Final = re.compile(
    r"^\W*(?:please|just|then|and)?\s*(?:send|tell|choose|write|call|come|let|give|bring|pick|visit|see|check)\b"
)
# "You need no certificate" denies, and gives.
WAIVED: Final = re.compile(
    r"не (?:нуж|понадоб|треб|обязат|надо|плат|бер[уеё]|дополн|доплач|добавл|взима|счита)|kerak emas|kerakmas|shart emas|to'lamay|olmaymiz|olinmay|yo'qolmay|қажет емес|керек емес|төлеме|алмаймыз|алынбай|to'lov yo'q|to'lovsiz|ақы жоқ|ақысыз|доплат\w* нет|без доплат|no (?:need|extra|additional)|(?:not|n't) (?:need|charge|pay|cost|have to)"
)


# What somebody else does, or may do: who promises says what we do, and names it.
OTHERS_DO: Final = re.compile(
    r"\w{2}(?:[её]т|ит|[уюая]т|ть|ти|ишь|[её]шь|ете|[её]те|ите)(?:ся|сь)?$|\w{2}(?:ish|ash|иш|аш)(?:i|ingiz|и|ингиз)$|\w{2}(?:уға|уге|уыңыз|уіңіз)$|\w{2}(?:a|y)(?:di|siz|dilar|ди|сиз)$|\w{2}(?:а|й)(?:ди|сиз)$|\w{2}(?:sa|sangiz|gach|guncha|ganda|gandan|ib|са|сангиз|гач|иб)$"
    r"|\w{2}[аей](?:ды|ді|сыз|сіз)$|\w{2}(?:са|се|саңыз|сеңіз|ғанда|генде|қанда|кенде|ғаннан|геннен|ып|іп)$"
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of a text: their stems, how they begin, and what they mean."""

    stems: frozenset[str]
    starts: frozenset[str]
    short: frozenset[str]
    concepts: frozenset[str]

    def holds(self, word: str) -> bool:
        alike = word[:ALIKE] in self.starts or (len(word) <= PLAIN_ALIKE and word[: ALIKE - 1] in self.short)
        return alike or words.stem(word) in self.stems or any(one in self.concepts for one in words.concepts(word))


def sentences(text: str, language: str, known: Known) -> Iterator[str]:
    """The sentences of a reply that tell of something nobody named."""
    company, asked = [spoken(part) for part in known.parts], spoken(known.customer_text)
    long = [part for part in known.parts if len(part) >= claims.JUDGED]
    is_read = bool(long) and all(identify(part)[0] == language for part in long)
    for sentence in claims.sentences(links.without(text)):
        # "Yes, at night too" grants what was asked for: the customer's words are no ground.
        said = company if claims.YES.match(sentence) else [*company, asked]
        new = [word for word in clause_words(sentence, language) if not any(one.holds(word) for one in said)]
        if new and (is_read or len([word for word in new if words.concepts(word)]) >= STRANGE):
            yield sentence


def things(clause: str, *, every: bool = False) -> list[str]:
    """The words of a clause that name something, folded; where none does (or with `every`), the longer ones of all."""
    folded = [word for word in words.folded_words(clause) if not word.isdigit()]
    named = [] if every else [word for word in folded if not is_plain(word)]
    return named or [word for word in folded if len(word) > SHORTEST and word not in words.lexicon().stop]


def clause_words(sentence: str, language: str) -> Iterator[str]:
    """The words of a sentence that tell something, folded."""
    low = claims.folded(sentence, language)
    if low.endswith("?") or claims.ASKS.search(low) or claims.COLLEAGUE.search(low):
        return
    for clause in claims.CLAUSE.split(sentence):
        low = claims.folded(clause, language)
        if _is_request(low, language):
            continue
        if not claims.NO.search(claims.NO_TROUBLE.sub(" ", low)) or WAIVED.search(low):
            told = (
                words.fold(word)
                for word in re.findall(r"[^\W\d_]+", words.APOSTROPHES.sub("", clause.lower()))
                if not OTHERS_DO.search(word)
            )
            yield from (word for word in told if not is_plain(word))


def _is_request(low: str, language: str) -> bool:
    return bool((REQUEST_EN if language == "en" else REQUEST).search(low))


@functools.lru_cache(maxsize=4096)
def spoken(text: str) -> Spoken:
    folded = words.folded_words(text)
    return Spoken(
        frozenset(map(words.stem, folded)),
        frozenset(word[:ALIKE] for word in folded if len(word) >= ALIKE),
        frozenset(word[: ALIKE - 1] for word in folded if ALIKE - 1 <= len(word) <= PLAIN_ALIKE),
        frozenset(words.concepts(text)),
    )


@functools.lru_cache(maxsize=16_384)
def is_plain(word: str) -> bool:
    forms, stems, starts = _plain()
    if len(word) < SHORTEST or word.isdigit() or not forms.isdisjoint((word, word.removesuffix("s"))) or word in words.lexicon().stop:
        return True
    return word[:PLAIN_ALIKE] in starts or words.stem(word) in stems


@functools.cache
def _plain() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The plain words with those of our own sentences, their stems, and how they begin."""
    listed = [language["small"] for language in tomllib.loads(PLAIN.read_text(encoding="utf-8")).values()]
    own = [
        one for tone in (sayings.catalogue(), *sayings.tones().values()) for ways in tone.values() for way in ways.values() for one in way
    ]
    folded = words.folded_words(" ".join([*listed, *own]))
    return (
        frozenset(folded),
        frozenset(stem for stem in map(words.stem, folded) if len(stem) >= SHORTEST),
        frozenset(word[:PLAIN_ALIKE] for word in folded if len(word) >= PLAIN_ALIKE),
    )
