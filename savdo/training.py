"""Learns the order of what a search finds, and whether any of it answers, from the questions in `training/`.

`python -m savdo.training` (part of `make train`): every company is taken on in a database of its own, every question is
searched for by the real query, and two small models are fitted. Each company is also ranked by what was learned from the
others, which is printed. Deterministic; `made_from` in the file says which questions it stands for.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
from rich.console import Console
from rich.progress import track

from savdo import training_meaning
from savdo.ai import embed
from savdo.base import embedded, runtime
from savdo.base.db import new_id, step
from savdo.base.migrate import migrate
from savdo.base.settings import settings
from savdo.knowledge import kinds, ranking, recall, search
from savdo.knowledge.ranking import Asked, Candidate, Floats, Linear
from savdo.operations import lifecycle
from savdo.training_meaning import Pair, Told

TRAINING: Final = Path(__file__).parents[1] / "training"
ORDER_PENALTY: Final = 3.0
SUPPORT_PENALTY: Final = 8.0
STEPS: Final = 300
FOLDS: Final = 5
RATE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Seen:
    """A question, what may answer it, and which of that does (`right`: places; empty when nothing does)."""

    company: str
    asked: Asked
    candidates: Sequence[Candidate]
    features: Floats
    right: tuple[int, ...]
    answerable: bool
    span: str


def main() -> None:
    told, pairs = asyncio.run(training_meaning.gathered(TRAINING))
    with embedded.scratch(settings().data_dir, f"training_{os.getpid()}") as url:
        migrate(url)
        seen = asyncio.run(_with_database(url, told, pairs))
    order, support = learned(seen)
    models = {"order": _plain(order), "sentence": _plain(fit_sentence(seen)), "support": _plain(support)}
    cross_validated(seen, Console())
    stored = {"made_from": made_from(), "questions": len(seen), "models": models}
    ranking.MODEL.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def learned(seen: Sequence[Seen]) -> tuple[Linear, Linear]:
    """The order, and whether anything answers. The second sees scores of companies the first did not learn from."""
    rows: list[Floats] = []
    truths: list[float] = []
    for inside, outside in _folds(seen):
        unseen = fit_order(inside)
        for one in outside:
            if one.candidates:
                rows.append(ranking.support_features(one.asked, one.candidates, one.features, unseen.scores(one.features)))
                truths.append(float(one.answerable))
    return fit_order(seen), fit_support(np.stack(rows), np.asarray(truths))


def fit_order(seen: Sequence[Seen]) -> Linear:
    """Which passage holds the answer."""
    return fit_choice([(one.features, one.right) for one in seen if one.right])


def fit_sentence(seen: Sequence[Seen]) -> Linear:
    """Which sentence of the right passage holds the answer."""
    return fit_choice(_sentences(seen))


def fit_choice(lots: Sequence[tuple[Floats, Sequence[int]]]) -> Linear:
    """A conditional logit with a ridge penalty, by Adam over all lots of (one row a choice, the right ones) at once."""
    everything = np.concatenate([features for features, _ in lots])
    mean, spread = everything.mean(axis=0), _spread(everything)
    most = max(len(features) for features, _ in lots)
    rows = np.zeros((len(lots), most, len(mean)), np.float32)
    missing = np.full((len(lots), most), -1e9, np.float32)
    right = np.zeros((len(lots), most), np.float32)
    for at, (features, chosen) in enumerate(lots):
        rows[at, : len(features)] = (features - mean) / spread
        missing[at, : len(features)] = 0.0
        right[at, list(chosen)] = 1.0

    def slope(weights: Floats) -> Floats:
        shares = ranking.shares(rows @ weights.astype(np.float32) + missing)
        wanted = shares * right
        wanted /= wanted.sum(axis=1, keepdims=True)
        return (np.tensordot(shares - wanted, rows, axes=2) + ORDER_PENALTY * weights) / len(lots)

    return Linear(mean, spread, _descended(slope, len(mean)))


def fit_support(rows: Floats, truths: Floats) -> Linear:
    """A logistic regression with a ridge penalty; both sides weigh alike."""
    mean, spread = rows.mean(axis=0), _spread(rows)
    scaled = np.column_stack([(rows - mean) / spread, np.ones(len(rows))])
    weight = np.where(truths == 1, 0.5 / max(truths.mean(), 1e-9), 0.5 / max(1 - truths.mean(), 1e-9))

    def slope(weights: Floats) -> Floats:
        missed = (1 / (1 + np.exp(-(scaled @ weights))) - truths) * weight
        return (scaled.T @ missed + SUPPORT_PENALTY * np.append(weights[:-1], 0.0)) / len(truths)

    weights = _descended(slope, scaled.shape[1])
    return Linear(mean, spread, weights[:-1], float(weights[-1]))


def cross_validated(seen: Sequence[Seen], out: Console) -> None:
    """Prints how companies fare with what was learned from others."""
    places: list[int] = []
    supports: list[tuple[float, bool]] = []
    for inside, outside in _folds(seen):
        order, support = learned(inside)
        for one in outside:
            if not one.candidates:
                continue
            scores = order.scores(one.features)
            ranked = list(np.argsort(-scores, kind="stable"))
            if one.answerable:
                places.append(min((ranked.index(at) + 1 for at in one.right), default=10_000))
            told = ranking.support_features(one.asked, one.candidates, one.features, scores)
            supports.append((float(support.scores(told)), one.answerable))
    out.print(f"right sentence of the right passage: {_sentence_accuracy(seen):.3f}")
    hits = {limit: sum(place <= limit for place in places) / len(places) for limit in (1, 2, 3, 5, 10)}
    out.print("right passage among the first:", {limit: round(share, 3) for limit, share in hits.items()})
    known = sorted(score for score, answerable in supports if answerable)
    unknown = [score for score, answerable in supports if not answerable]
    for refused in (0.05, 0.1, 0.2, 0.3):
        threshold = known[int(refused * len(known))]
        share = sum(score < threshold for score in unknown) / len(unknown)
        chance = 1 / (1 + np.exp(-threshold))
        out.print(f"refusing {refused:.2f} of the answerable recognises {share:.3f} of the others (threshold {chance:.3f})")


def made_from(folder: Path = TRAINING) -> str:
    """A digest of everything that was learned from and of what is seen of it."""
    files = [*sorted(folder.glob("*.jsonl")), *sorted(path for path in folder.glob("businesses/*/docs/*") if path.is_file())]
    files += [Path(str(module.__file__)) for module in (ranking, kinds, training_meaning)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


async def _with_database(url: str, told: Sequence[Told], pairs: Sequence[Pair]) -> list[Seen]:
    """What is seen of every question, its company embedded with a tuning that was not learned from it. Leaves the one learned
    from all behind."""
    seen: list[Seen] = []
    companies = sorted({one.company for one in told})
    async with runtime.running(settings(), url):
        for fold in range(FOLDS):
            held = companies[fold::FOLDS]
            known = [one for one in told if one.company not in held], [one for one in pairs if one.company not in held]
            await asyncio.to_thread(training_meaning.write, *known, "a part")
            seen += await _asked_of(held)
    training_meaning.write(told, pairs, made_from())
    return seen


async def _asked_of(companies: Sequence[str]) -> list[Seen]:
    tenants: dict[str, UUID] = {}
    for name in track(companies, "companies"):
        made = await lifecycle.onboard(TRAINING / "businesses" / name, email=f"{new_id().hex}@training.example")
        tenants[name] = made.tenant_id
    rows = [row for row in training_meaning.questions(TRAINING) if row["business"] in tenants]
    return [await _seen(tenants[row["business"]], row) for row in track(rows, "questions")]


async def _seen(tenant_id: UUID, row: Mapping[str, Any]) -> Seen:
    vector = await embed.asked(row["question"])
    async with step(tenant_id) as session:
        asked, candidates = await search.candidates(session, row["question"], vector)
    answerable = row["answer_doc"] is not None
    right = [at for at, one in enumerate(candidates) if answerable and recall.holds(one.passage, row["answer_doc"], row["answer_span"])]
    return Seen(row["business"], asked, candidates, ranking.features(asked, candidates), tuple(right), answerable, row["answer_span"] or "")


def _sentences(seen: Sequence[Seen]) -> list[tuple[Floats, list[int]]]:
    """For each question the sentences of its right passage, where there are several and one holds the excerpt."""
    lots: list[tuple[Floats, list[int]]] = []
    for one in (one for one in seen if one.right):
        candidate = one.candidates[one.right[0]]
        right = [at for at, sentence in enumerate(candidate.passage.sentences) if recall.says(sentence, one.span)]
        if len(candidate.near) > 1 and right:
            lots.append((ranking.sentence_features(one.asked, candidate), right))
    return lots


def _sentence_accuracy(seen: Sequence[Seen]) -> float:
    hits: list[bool] = []
    for inside, outside in _folds(seen):
        model = fit_sentence(inside)
        hits += [int(model.scores(features).argmax()) in right for features, right in _sentences(outside)]
    return sum(hits) / max(len(hits), 1)


def _descended(slope: Any, size: int) -> Floats:
    """Weights after `STEPS` steps of Adam (Kingma and Ba 2015)."""
    weights, first, second = np.zeros(size), np.zeros(size), np.zeros(size)
    for count in range(1, STEPS + 1):
        down = slope(weights)
        first, second = 0.9 * first + 0.1 * down, 0.99 * second + 0.01 * down * down
        weights = weights - RATE * (first / (1 - 0.9**count)) / (np.sqrt(second / (1 - 0.99**count)) + 1e-8)
    return weights


def _folds(seen: Sequence[Seen]) -> list[tuple[list[Seen], list[Seen]]]:
    """The questions in five parts, each company whole in one: the rest, and the part."""
    companies = sorted({one.company for one in seen})
    place = {company: at % FOLDS for at, company in enumerate(companies)}
    parts = [
        ([one for one in seen if place[one.company] != fold], [one for one in seen if place[one.company] == fold]) for fold in range(FOLDS)
    ]
    return [(inside, outside) for inside, outside in parts if inside and outside]


def _spread(rows: Floats) -> Floats:
    # What is the same everywhere tells nothing, and must not be divided by nothing.
    spread = rows.std(axis=0)
    return np.where(spread < 1e-3, 1.0, spread)


def _plain(model: Linear) -> dict[str, Any]:
    rounded = {name: [round(float(value), 5) for value in getattr(model, name)] for name in ("mean", "spread", "weights")}
    return rounded | {"bias": round(model.bias, 5)}


if __name__ == "__main__":
    main()
