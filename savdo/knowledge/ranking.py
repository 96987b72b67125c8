"""The order of what a search found, and whether any of it answers: two small linear models over what can be seen of a
question beside a passage. Learned from own questions about own companies (`training/`, `make train`); the weights are in
`ranking.json`, whose digest a test compares.

The order is a conditional logit (McFadden 1974): a passage's share is the softmax of its score over the candidates, and in
the same way a sentence's over its passage. Whether any answers is a logistic regression over the best passage, its rivals and
what of the question nothing found speaks of.
"""

import functools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from savdo.ai import language
from savdo.knowledge import kinds, words
from savdo.knowledge.models import Found, Passage

Floats = NDArray[np.float64]

MODEL: Final = Path(__file__).with_name("ranking.json")
NUMBER: Final = re.compile(r"\d+")
# Similarities of this embedding model lie within a few hundredths of each other.
SPREAD: Final = 20.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was looked for: its terms, in how many of the `known` passages each stands (`frequency`), its letters."""

    text: str
    terms: tuple[str, ...]
    grams: frozenset[str]
    frequency: tuple[int, ...]
    known: int

    def rarity(self) -> dict[str, float]:
        """How much each term tells: the rarer among the known passages, the more."""
        return {term: math.log(1 + self.known / (0.5 + often)) for term, often in zip(self.terms, self.frequency, strict=True)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that may answer: its similarity (and that against others of its language, `own`), that of each of its
    sentences (`near`), the terms and letters it shares with the question, and how
    many different words and letter groups it has."""

    passage: Passage
    similarity: float
    own: float
    near: tuple[float, ...]
    terms: frozenset[str]
    headings: frozenset[str]
    grams: frozenset[str]
    words: int
    letters: int


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights over features brought to mean 0 and spread 1; `bias` is 0 for the order."""

    mean: Floats
    spread: Floats
    weights: Floats
    bias: float = 0.0

    def scores(self, features: Floats) -> Floats:
        return ((features - self.mean) / self.spread) @ self.weights + self.bias


def shares(scores: NDArray[Any]) -> NDArray[Any]:
    """The softmax of scores, along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def ranked(asked: Asked, candidates: Sequence[Candidate], limit: int) -> Found:
    """The best candidates, best first, each with its share, and how likely any of them answers."""
    if not candidates:
        return Found((), 0.0)
    seen = features(asked, candidates)
    scores = model()["order"].scores(seen)
    order = np.argsort(-scores, kind="stable")
    support = float(model()["support"].scores(support_features(asked, candidates, seen, scores)))
    likely = shares(scores)
    passages = [
        replace(candidates[at].passage, nearness=sentence_shares(asked, candidates[at]), score=round(float(likely[at]), 4))
        for at in order[:limit]
    ]
    return Found(tuple(passages), round(1 / (1 + math.exp(-support)), 4))


def features(asked: Asked, candidates: Sequence[Candidate]) -> Floats:
    """One row of what can be seen for each candidate."""
    rarity = asked.rarity()
    spelled = _spelled(asked, candidates)
    wanted, spoken = kinds.asked(asked.text), language.identify(asked.text)[0]
    numbers = set(NUMBER.findall(asked.text))
    by_meaning = _by_meaning(candidates)
    rows = [
        [
            *_shared(one, rarity), spelled[at], len(one.grams) / (one.letters + 20),
            *_shape(one.passage, spoken, numbers), *_kinds(one.passage, wanted),
        ]
        for at, one in enumerate(candidates)
    ]  # fmt: skip
    return np.column_stack([by_meaning, np.asarray(rows, np.float64)])


def support_features(asked: Asked, candidates: Sequence[Candidate], seen: Floats, scores: Floats) -> Floats:
    """What tells whether the best candidate answers: how it stands against its rivals, what of the question it leaves out."""
    order = np.argsort(-scores, kind="stable")
    best, rivals = candidates[order[0]], scores[order[1:6]]
    likely = shares(scores)
    meant = [(term, often) for term, often in zip(asked.terms, asked.frequency, strict=True) if term.startswith("@")]
    plain = [(term, often) for term, often in zip(asked.terms, asked.frequency, strict=True) if not term.startswith("@")]
    three = [candidates[at] for at in order[:3]]
    rare = [term for term, often in meant if often <= max(3, asked.known // 20)]
    return np.asarray(
        [
            float(scores[order[0]]), float(scores[order[0]] - (rivals.mean() if len(rivals) else 0)),
            float(scores[order[0]] - (rivals[0] if len(rivals) else 0)),
            float(likely.max()), float(-(likely * np.log(likely + 1e-9)).sum()),
            sum(often == 0 for _, often in plain) / (len(plain) + 1), sum(often == 0 for _, often in meant) / (len(meant) + 1),
            _share(term in best.terms for term, _ in meant), _share(any(term in one.terms for one in three) for term, _ in meant),
            _share(term in best.terms for term in rare), _share(term in best.headings for term, _ in meant),
            _share(term in best.terms for term, _ in plain),
            max(max(one.near) for one in candidates) * 10, max(best.near) * 10, len(asked.terms) / 10, len(asked.text) / 100,
            *kinds.asked(asked.text), *seen[order[0]],
        ]
    )  # fmt: skip


@functools.cache
def model() -> Mapping[str, Linear]:
    """The learned weights: `order`, `sentence` and `support`."""
    stored: Mapping[str, Any] = json.loads(MODEL.read_text(encoding="utf-8"))
    return {
        name: Linear(np.asarray(one["mean"]), np.asarray(one["spread"]), np.asarray(one["weights"]), one["bias"])
        for name, one in stored["models"].items()
    }


def sentence_shares(asked: Asked, one: Candidate) -> tuple[float, ...]:
    """The share (summing to 1) each sentence of a passage has in holding the answer."""
    if len(one.near) == 1:
        return (1.0,)
    scores = model()["sentence"].scores(sentence_features(asked, one))
    return tuple(round(float(share), 4) for share in shares(scores))


def sentence_features(asked: Asked, one: Candidate) -> Floats:
    """One row of what can be seen for each sentence of a passage."""
    near = np.asarray(one.near)
    rarity = asked.rarity()
    whole, letters = sum(rarity.values()) or 1.0, len(asked.grams) or 1
    wanted = kinds.asked(asked.text)
    rows: list[list[float]] = []
    for at, sentence in enumerate(one.passage.sentences):
        terms = set(words.terms(sentence))
        standing = kinds.standing_in(sentence)
        rows.append(
            [
                sum(weight for term, weight in rarity.items() if term in terms) / whole,
                sum(weight for term, weight in rarity.items() if term in terms and term.startswith("@")) / whole,
                len(asked.grams & words.grams(sentence)) / letters, float(at == 0), at / len(one.near), min(len(sentence), 300) / 100,
                float(sentence.endswith("?")), *standing, *(a * b for a, b in zip(wanted, standing, strict=True)),
            ]
        )  # fmt: skip
    by_meaning = [column * SPREAD for column in (near - near.mean(), near - near.max())]
    return np.column_stack([*by_meaning, np.asarray(rows, np.float64)])


def _by_meaning(candidates: Sequence[Candidate]) -> Floats:
    near = np.asarray([max(one.near) for one in candidates])
    similarity, own = np.asarray([one.similarity for one in candidates]), np.asarray([one.own for one in candidates])
    rank = 1 / (1 + np.argsort(np.argsort(-near)))
    return np.column_stack([*((column - column.mean()) * SPREAD for column in (similarity, own, near)), rank])


def _shared(one: Candidate, rarity: Mapping[str, float]) -> list[float]:
    """How much of the question's words, meanings and both stands in a passage and in its headings, rare ones weighing more."""
    plain = {term: weight for term, weight in rarity.items() if not term.startswith("@")}
    meant = {term: weight for term, weight in rarity.items() if term.startswith("@")}
    held = sum(weight for term, weight in rarity.items() if term in one.terms)
    whole = sum(rarity.values()) or 1.0
    return [
        sum(weight for term, weight in plain.items() if term in one.terms) / (sum(plain.values()) or 1.0),
        sum(weight for term, weight in meant.items() if term in one.terms) / (sum(meant.values()) or 1.0),
        sum(weight for term, weight in rarity.items() if term in one.headings) / whole,
        sum(weight for term, weight in meant.items() if term in one.headings) / (sum(meant.values()) or 1.0),
        held / whole * math.log(1 + len(rarity)),
        held / (one.words + 10),
    ]


def _spelled(asked: Asked, candidates: Sequence[Candidate]) -> list[float]:
    """How much of the question's letters each candidate has, rare ones weighing more."""
    known = len(candidates)
    weights = {gram: math.log(1 + known / (0.5 + sum(gram in one.grams for one in candidates))) for gram in asked.grams}
    whole = sum(weights.values()) or 1.0
    return [sum(weights[gram] for gram in one.grams) / whole for one in candidates]


def _shape(passage: Passage, spoken: str, numbers: set[str]) -> list[float]:
    return [
        float(passage.language == spoken),
        float(passage.kind == "row"),
        float(passage.kind == "answer"),
        min(len(passage.text), 600) / 300,
        len(numbers & set(NUMBER.findall(passage.text))) / (len(numbers) or 1),
    ]


def _kinds(passage: Passage, wanted: Sequence[float]) -> list[float]:
    """Which kinds of facts stand there, which of them were asked for, and whether a row answers the question for a price."""
    standing = kinds.standing(passage)
    return [*standing, *(a * b for a, b in zip(wanted, standing, strict=True)), wanted[0] * float(passage.kind == "row")]


def _share(truths: Any) -> float:
    listed = list(truths)
    return sum(listed) / len(listed) if listed else 0.5
