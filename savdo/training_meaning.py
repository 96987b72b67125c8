"""Learns how vectors of questions and sentences are tuned to each other (`ai/embed.py`, `tuning.npz`) from `training/`.

First without looking at answers: the middles, the directions in which the four languages differ, and how much every
direction spreads (a shrunk whitening). Then a map that brings questions nearer to the sentences that answer them than to
the other sentences of their company.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from savdo.ai import embed, language
from savdo.knowledge import extract, meaning, passages, ranking, recall

Floats = NDArray[np.float64]

DIRECTIONS: Final = 8
WHITENED: Final = 0.1
HEAT: Final = 0.05
STEPS: Final = 30
RATE: Final = 0.003
KEPT: Final = 30.0


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence under its heading, as it is embedded; `place` is its own among all sentences."""

    place: int
    company: str
    document: str
    text: str
    language: str
    vector: Floats


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and the places of the sentences that answer it."""

    company: str
    language: str
    vector: Floats
    right: tuple[int, ...]


async def gathered(folder: Path) -> tuple[list[Told], list[Pair]]:
    """Every sentence of the companies of a training folder, and every question with the sentences that answer it."""
    told = await _sentences(sorted(folder.glob("businesses/*/docs/*")))  # noqa: ASYNC240 # a script
    return told, [await _pair(row, told) for row in track(list(questions(folder)), "questions")]


def write(told: Sequence[Told], pairs: Sequence[Pair], made_from: str) -> None:
    """Writes `tuning.npz`, and has it used from now on."""
    arrays: dict[str, Any] = {name: array.astype(np.float16) for name, array in tuned(told, pairs).items()}
    np.savez_compressed(embed.TUNING, made_from=np.array(made_from), **arrays)
    embed.tuning.cache_clear()


def tuned(told: Sequence[Told], pairs: Sequence[Pair]) -> dict[str, NDArray[Any]]:
    """The arrays of a tuning by name."""
    sentences, questions = np.stack([one.vector for one in told]), np.stack([one.vector for one in pairs])
    sentence_middle, question_middle = sentences.mean(axis=0), questions.mean(axis=0)
    apart = [vectors.mean(axis=0) - middle for vectors, middle in (
        *((sentences[[at for at, one in enumerate(told) if one.language == spoken]], sentence_middle) for spoken in _spoken(told)),
        *((questions[[at for at, one in enumerate(pairs) if one.language == spoken]], question_middle) for spoken in _spoken(pairs)),
    )]  # fmt: skip
    directions = np.linalg.svd(np.stack(apart), full_matrices=False)[2][:DIRECTIONS]
    flat = np.eye(sentences.shape[1]) - directions.T @ directions
    spread = np.cov(np.concatenate([(sentences - sentence_middle) @ flat, (questions - question_middle) @ flat]).T)
    values, axes = np.linalg.eigh(spread)
    values = np.maximum(values, 0.0)
    white = flat @ (axes @ np.diag(((1 - WHITENED) * values.mean() + WHITENED * values) ** -0.5) @ axes.T)
    # Of no consequence for angles, but halves of a float hold numbers near one best.
    white = white / np.linalg.norm(white) * np.sqrt(len(white))
    toward = _toward(_lengthened((sentences - sentence_middle) @ white), _lengthened((questions - question_middle) @ white), told, pairs)
    return {
        "question_middle": question_middle, "sentence_middle": sentence_middle, "question_map": white @ toward, "sentence_map": white,
    }  # fmt: skip


def _toward(sentences: Floats, questions: Floats, told: Sequence[Told], pairs: Sequence[Pair]) -> Floats:
    """A map near the identity under which questions choose their sentences: softmax over the company, by Adam."""
    among = {
        company: np.asarray([at for at, one in enumerate(told) if one.company == company]) for company in {one.company for one in told}
    }
    places = {company: np.asarray([told[at].place for at in listed]) for company, listed in among.items()}
    answered = [(question, pair) for question, pair in zip(questions, pairs, strict=True) if pair.right]
    identity = np.eye(sentences.shape[1])
    learned, first, second = identity.copy(), np.zeros_like(identity), np.zeros_like(identity)
    for count in track(range(1, STEPS + 1), "tuning"):
        down = KEPT * (learned - identity) / len(answered)
        for question, pair in answered:
            rivals = sentences[among[pair.company]]
            likely = ranking.shares((question @ learned) @ rivals.T / HEAT)
            wanted = likely * np.isin(places[pair.company], pair.right)
            down += np.outer(question, (likely - wanted / wanted.sum()) @ rivals) / HEAT / len(answered)
        first, second = 0.9 * first + 0.1 * down, 0.99 * second + 0.01 * down * down
        learned = learned - RATE * (first / (1 - 0.9**count)) / (np.sqrt(second / (1 - 0.99**count)) + 1e-8)
    return learned


async def _sentences(paths: Sequence[Path]) -> list[Told]:
    found: list[Told] = []
    for path in track(paths, "sentences"):
        cuts = passages.cut(await extract.read(path.read_bytes(), path.name), path.name)
        texts = [meaning.under_heading(cut, one) for cut in cuts for one in meaning.sentences(cut.kind, cut.text)]
        spoken = [language.identify(cut.text)[0] for cut in cuts for _ in meaning.sentences(cut.kind, cut.text)]
        vectors = await embed.passages(texts)
        found += [
            Told(len(found) + at, path.parts[-3], path.name, *one)
            for at, one in enumerate(zip(texts, spoken, map(np.asarray, vectors), strict=True))
        ]
    return found


async def _pair(row: Mapping[str, Any], told: Sequence[Told]) -> Pair:
    right = [
        one.place for one in told
        if one.company == row["business"] and one.document == row["answer_doc"] and recall.says(one.text, row["answer_span"])
    ]  # fmt: skip
    return Pair(row["business"], language.identify(row["question"])[0], np.asarray(await embed.query(row["question"])), tuple(right))


def questions(folder: Path) -> Iterable[Mapping[str, Any]]:
    """The rows of every file of questions."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _spoken(listed: Sequence[Told] | Sequence[Pair]) -> list[str]:
    return sorted({one.language for one in listed})


def _lengthened(vectors: Floats) -> Floats:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
