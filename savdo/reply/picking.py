"""Which passage holds the answer, and how likely one does: search's own ranking first, then shared words and meaning.

The weights are a logistic regression over own questions about four companies in four languages
(`tests/reply/answering/`), checked on each company with the weights of the other three; docs/quality.md has the figures.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from savdo.ai import embed
from savdo.knowledge import words
from savdo.knowledge.models import Passage
from savdo.reply.models import Reading

Vector = NDArray[np.float64]

PASSAGES_READ: Final = 6
SENTENCE: Final = re.compile(r"\n+|(?<=[.!?;])\s+(?=[^\Wa-zа-я_])")
# In the order of `_features`: score, margin, similarity, shared, concepts, letters, priced row, figures, language, stranger, behind,
# nearest sentence, how far behind the best one, how far over the mean.
WEIGHTS: Final = np.asarray([1.38, 1.65, 1.14, 0.99, 0.70, -0.75, 0.06, -0.55, -1.67, -0.44, -0.32, 1.43, -0.19, 0.64])
BIAS: Final = -1.27
LARGE_FIGURE: Final = re.compile(r"\d{3}")


@dataclass(frozen=True, slots=True)
class Pick:
    """A passage and how likely (0 to 1) it holds the answer."""

    passage: Passage
    likely: float


def ranked(question: str, reading: Reading, passages: Sequence[Passage]) -> list[Pick]:
    """The passages by how likely each holds the answer, best first."""
    if not passages:
        return []
    features = features_of(question, reading, passages[:PASSAGES_READ], passages)
    likely = 1 / (1 + np.exp(-(features @ WEIGHTS + BIAS)))
    picks = [Pick(passage, float(share)) for passage, share in zip(passages, likely, strict=False)]
    return sorted(picks, key=lambda pick: -pick.likely)


def weights_of(question: str, texts: Sequence[set[str]]) -> dict[str, float]:
    """The terms of a question by how much each tells: what is rare among what was found tells more."""
    return {
        term: float(np.log(1 + len(texts) / (0.5 + sum(term in one for one in texts)))) for term in dict.fromkeys(words.terms(question))
    }


def sentences(passage: Passage) -> list[str]:
    """What a passage says, sentence by sentence and item by item; a row is one."""
    if passage.kind == "row":
        return [passage.text]
    parts = [part.strip(" -*•#\t\n").replace("**", "") for part in SENTENCE.split(passage.text)]
    return [part for part in parts if re.search(r"\w", part)] or [passage.text]


def nearness(question: str, passage: Passage, sentence: str) -> float:
    """How close a sentence under its heading is in meaning to a question (about 0.7 to 1)."""
    heading = passage.title_path[-1] if passage.title_path and passage.kind != "row" else ""
    return float(_vector(question) @ _vector(f"{heading}. {sentence}"[:300]))


def features_of(question: str, reading: Reading, read: Sequence[Passage], passages: Sequence[Passage]) -> NDArray[np.float64]:
    """One row of features for each passage read, beside all that were found."""
    texts = [f"{' '.join(one.title_path)} {one.text}" for one in passages]
    terms = [set(words.terms(text)) for text in texts]
    weights = weights_of(question, terms)
    letters = words.grams(question)
    spelled = [len(letters & words.grams(text)) / (len(letters) or 1) for text in texts]
    rivals = [max((two.score for two in passages if not of_a_kind(one, two)), default=0.0) for one in passages]
    nearest = np.asarray([max(nearness(question, one, sentence) for sentence in sentences(one)) for one in read])
    listed = [
        _features(reading, passage, passages[0].score, rivals[place], weights, terms[place], spelled[place])
        for place, passage in enumerate(read)
    ]
    by_meaning = np.column_stack([nearest - 0.85, nearest - nearest.max(), nearest - nearest.mean()]) * 10
    return np.column_stack([np.asarray(listed, np.float64), by_meaning])


@functools.lru_cache(8192)
def _vector(text: str) -> Vector:
    return np.asarray(embed.query_now(text))


def of_a_kind(one: Passage, other: Passage) -> bool:
    """Whether two passages are one, or rows about variants of one thing: they stand beside each other, not against."""
    if one.id == other.id:
        return True
    if one.document_id != other.document_id or not one.cells or not other.cells:
        return False
    return next(iter(one.cells.values())) == next(iter(other.cells.values()))


def _features(
    reading: Reading, passage: Passage, highest: float, rival: float, weights: dict[str, float], held: set[str], letters: float
) -> list[float]:
    concepts = [term for term in weights if term.startswith("@")]
    priced = reading.intent == "question_price"
    return [
        passage.score / 10,
        max(-1.0, min(1.0, (passage.score - rival) / 5)),
        (passage.similarity - 0.85) * 10,
        sum(weight for term, weight in weights.items() if term in held) / (sum(weights.values()) or 1),
        sum(term in held for term in concepts) / (len(concepts) or 1),
        letters,
        float(priced and passage.kind == "row"),
        float(priced and bool(LARGE_FIGURE.search(passage.text))),
        float(passage.language == reading.language),
        float(bool(concepts) and not any(term in held for term in concepts)),
        (highest - passage.score) / 5,
    ]
