"""From rows to figures: shares by language, precision and recall by label, confusion, reliability of a confidence, noise. Pure."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

T = TypeVar("T")
Figures = dict[str, Any]
Pairs = Sequence[tuple[str, str]]
HEADLINES: Final = (
    "language_accuracy", "intent_macro_f1", "sentiment_macro_f1", "wants_human_recall", "wants_human_precision", "entities_f1",
    "retrieval_hit_at_3", "retrieval_hit_at_10", "answers_correct", "answers_forbidden", "unanswerable_recognised", "answerable_refused",
    "invented", "dialogues_passed", "dialogue_expectations",
)  # fmt: skip
# Of these, less is better.
FAILINGS: Final = frozenset({"answers_forbidden", "answerable_refused", "invented"})
BINS: Final = 10
# A headline that falls by less is no reason to stop anybody, however many rows say so.
SLACK: Final = 0.02


@dataclass(slots=True)
class Tally:
    """Figures as they come in: the whole, by language, of how many rows, and every wrong row. What has no rows is left out."""

    whole: Figures = field(default_factory=dict[str, Any])
    by_language: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    rows: dict[str, int] = field(default_factory=dict[str, int])
    wrong: list[Figures] = field(default_factory=list[Figures])

    def mean(self, name: str, values: Sequence[tuple[str, float | bool]]) -> None:
        """The share over (language, value)."""
        self.measure(name, values, lambda listed: sum(map(float, listed)) / len(listed))

    def measure(self, name: str, values: Sequence[tuple[str, T]], of: Callable[[Sequence[T]], float]) -> None:
        """`of` all values, and of those of each language."""
        if not values:
            return
        spoken: dict[str, list[T]] = defaultdict(list)
        for language, value in values:
            spoken[language].append(value)
        self.whole[name], self.rows[name] = round(of([value for _, value in values]), 4), len(values)
        self.by_language[name] = {language: round(of(listed), 4) for language, listed in sorted(spoken.items())}


@dataclass(frozen=True, slots=True)
class Change:
    """A headline before and now. `noise` is two standard errors of as many rows; `fell` and `rose` are beyond it."""

    name: str
    before: float
    now: float
    noise: float

    @property
    def gain(self) -> float:
        return round((self.before - self.now) if self.name in FAILINGS else (self.now - self.before), 4)

    @property
    def fell(self) -> bool:
        return self.gain < -max(self.noise, SLACK)

    @property
    def rose(self) -> bool:
        return self.gain > max(self.noise, SLACK)


def entities_f1(counts: Sequence[tuple[int, int, int]]) -> float:
    """F1 over (right, too many, missing) of each row."""
    right, extra, missing = (sum(one[place] for one in counts) for place in range(3))
    return 2 * right / (2 * right + extra + missing) if right else 0.0


def several_f1(pairs: Sequence[tuple[frozenset[str], frozenset[str]]]) -> float:
    """F1 over the labels of all rows together; each pair is (true labels, told labels)."""
    right = sum(len(true & told) for true, told in pairs)
    return 2 * right / sum(len(true) + len(told) for true, told in pairs) if right else 0.0


def by_label(wanted: Sequence[frozenset[str]], told: Sequence[frozenset[str]]) -> dict[str, Figures]:
    """Precision, recall and F1 of each label over rows that may have several, and in how many rows it is wanted."""
    labels = sorted(frozenset().union(*wanted, *told))
    both = list(zip(wanted, told, strict=True))
    return {label: _label([(label in true, label in said) for true, said in both]) for label in labels}


def _label(pairs: Sequence[tuple[bool, bool]]) -> Figures:
    right = sum(true and said for true, said in pairs)
    wanted, told = sum(true for true, _ in pairs), sum(said for _, said in pairs)
    return {
        "precision": round(right / told, 3) if told else 0.0,
        "recall": round(right / wanted, 3) if wanted else 0.0,
        "f1": round(2 * right / (wanted + told), 3) if right else 0.0,
        "rows": wanted,
    }


def confusion(pairs: Pairs) -> dict[str, dict[str, int]]:
    """True label → told label → rows."""
    matrix: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for true, told in pairs:
        matrix[true][told] += 1
    return {true: dict(sorted(row.items())) for true, row in sorted(matrix.items())}


def confused(matrix: Mapping[str, Mapping[str, int]], most: int) -> list[tuple[str, str, int]]:
    """The largest confusions: (true, told, rows)."""
    wrong = [(true, told, count) for true, row in matrix.items() for told, count in row.items() if true != told]
    return sorted(wrong, key=lambda one: (-one[2], one))[:most]


def reliability(said: Sequence[tuple[float, bool]]) -> Figures:
    """How far a confidence (0 to 1) is from the share that is right with it: ten bins, and the expected calibration error
    (the gap of each bin, weighed by its rows)."""
    bins: list[Figures] = []
    for place in range(BINS):
        inside = [(one, right) for one, right in said if min(int(one * BINS), BINS - 1) == place]
        if inside:
            bins.append({
                "from": place / BINS, "rows": len(inside), "said": round(sum(one for one, _ in inside) / len(inside), 3),
                "right": round(sum(right for _, right in inside) / len(inside), 3),
            })  # fmt: skip
    gaps = sum(one["rows"] * abs(one["said"] - one["right"]) for one in bins)
    return {"ece": round(gaps / len(said), 3) if said else 0.0, "bins": bins}


def spread(values: Sequence[float]) -> dict[str, float]:
    """p50 and p95."""
    ordered = sorted(values)
    return {f"p{share}": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 1) for share in (50, 95)}


def noise(value: float, rows: int) -> float:
    """Two standard errors of a share of so many rows. Two right and two wrong are added (Agresti and Coull 1998), so that
    nothing is taken for certain because it was always right so far."""
    share = (value * rows + 2) / (rows + 4)
    return 2 * math.sqrt(share * (1 - share) / (rows + 4))


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """The headlines both results have. A result says of how many rows each is (`rows`); an old one that does not, of as many as now."""
    counted = {**now["rows"], **before.get("rows", {})}
    shared = [name for name in HEADLINES if name in before and name in now]
    return [Change(name, before[name], now[name], round(noise(before[name], counted[name]), 4)) for name in shared]
