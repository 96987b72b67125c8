"""Which passage holds the answer, and how likely one does: search's own ranking first, then shared words and meaning.

The weights are a logistic regression over own questions about four companies in four languages
(`tests/reply/answering/`), checked on each company with the weights of the other three; docs/quality.md has the figures.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from savdo.knowledge import words
from savdo.knowledge.models import Passage
from savdo.reply.models import Reading

PASSAGES_READ: Final = 6
# In the order of `_features`: score, margin, similarity, shared, concepts, letters, priced row, figures, language, stranger, behind.
WEIGHTS: Final = np.asarray([1.46, 1.76, 2.02, 0.80, 0.65, -0.51, -0.08, -0.47, -1.46, -0.48, -0.33])
BIAS: Final = -1.23
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
    features = features_of(question, reading, passages)[:PASSAGES_READ]
    likely = 1 / (1 + np.exp(-(features @ WEIGHTS + BIAS)))
    picks = [Pick(passage, float(share)) for passage, share in zip(passages, likely, strict=False)]
    return sorted(picks, key=lambda pick: -pick.likely)


def weights_of(question: str, texts: Sequence[set[str]]) -> dict[str, float]:
    """The terms of a question by how much each tells: what is rare among what was found tells more."""
    return {
        term: float(np.log(1 + len(texts) / (0.5 + sum(term in one for one in texts)))) for term in dict.fromkeys(words.terms(question))
    }


def features_of(question: str, reading: Reading, passages: Sequence[Passage]) -> NDArray[np.float64]:
    """One row of features a passage."""
    texts = [f"{' '.join(one.title_path)} {one.text}" for one in passages]
    terms = [set(words.terms(text)) for text in texts]
    weights = weights_of(question, terms)
    letters = words.grams(question)
    spelled = [len(letters & words.grams(text)) / (len(letters) or 1) for text in texts]
    rivals = [max((two.score for two in passages if not of_a_kind(one, two)), default=0.0) for one in passages]
    listed = [
        _features(reading, passage, passages[0].score, rivals[place], weights, terms[place], spelled[place])
        for place, passage in enumerate(passages)
    ]
    return np.asarray(listed, np.float64)


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
