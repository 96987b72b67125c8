"""Makes the model files from the labelled examples: `python -m savdo.reply.train` (part of `make train`), about ten minutes.

Each example also teaches the ways it would be typed elsewhere: without special letters, in the other script.
Deterministic; `made_from` in the files says which examples they stand for, and a test compares it.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import track

from savdo.ai import embed, language, linear
from savdo.reply import topic, transliteration, understand

EXAMPLES: Final = Path(__file__).with_name("examples")
LANGUAGE_PENALTY: Final = 0.6
FOLDS: Final = 3
TEMPERATURES: Final = (0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3)


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled message; `group` keeps an example and its variants on one side of a cross-validation."""

    text: str
    language: str
    script: str
    intent: str
    sentiment: str
    wants_human: bool
    objection: str
    group: int


def main() -> None:
    examples = list(variants(read_examples()))
    digest = made_from()
    heads = {script: language_head([one for one in examples if one.script == script]) for script in ("latn", "cyrl")}
    linear.save(language.MODEL, heads, digest)
    features = _features(examples)
    alike = features @ features.T
    out = Console()
    fitted: dict[str, linear.Head] = {}
    for name, (label, penalty) in LABELS.items():
        chosen = np.asarray([index for index, one in enumerate(examples) if label(one)])
        rows, among = features[chosen], alike[np.ix_(chosen, chosen)]
        labels = [label(examples[index]) for index in chosen]
        temperature, accuracy = calibrate(among, labels, [examples[index].group for index in chosen], penalty)
        fitted[name] = linear.fit(rows, among, labels, penalty, temperature)
        out.print(f"{name}: {len(chosen)} rows, cross-validated accuracy {accuracy:.3f}, temperature {temperature}")
    linear.save(understand.MODEL, fitted, digest)


def _features(examples: Sequence[Example]) -> linear.Floats:
    # What is read is the message without its greeting, so that is what is learned from.
    texts = [topic.bare(one.text) for one in examples]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(track(pool.map(understand.features, texts), "examples", total=len(texts))))


def _objection(example: Example) -> str:
    # The kind is only asked of an objection; that it is one, the intent says.
    return example.objection


# What each head is asked, and its penalty: where cross-validation was best on the examples.
LABELS: Final[dict[str, tuple[Callable[[Example], str], float]]] = {
    "intent": (lambda example: example.intent, 4.0),
    "sentiment": (lambda example: example.sentiment, 2.0),
    "human": (lambda example: "yes" if example.wants_human else "no", 2.0),
    "objection": (_objection, 2.0),
}


def read_examples(folder: Path = EXAMPLES) -> list[Example]:
    """The rows as they were written; the file's name says language and script."""
    found: list[Example] = []
    for path in sorted(folder.glob("*.jsonl")):
        spoken, script = path.stem.split("_")[:2]
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.append(
                Example(
                    row["text"], row.get("language", spoken), script, row["intent"], row.get("sentiment", "neutral"),
                    row.get("wants_human", False), row.get("objection", ""), len(found),
                )
            )  # fmt: skip
    return found


def variants(examples: Iterable[Example]) -> Iterable[Example]:
    """Each example and how it would be typed on another keyboard."""
    for one in examples:
        seen = {one.text}
        yield one
        for text, script in transliteration.typed_otherwise(one.text, one.language, one.script):
            if text not in seen:
                seen.add(text)
                yield Example(text, one.language, script, one.intent, one.sentiment, one.wants_human, one.objection, one.group)


def language_head(examples: Sequence[Example]) -> linear.Head:
    rows = np.stack([linear.grams(one.text) for one in examples])
    alike, labels = rows @ rows.T, [one.language for one in examples]
    temperature, _ = calibrate(alike, labels, [one.group for one in examples], LANGUAGE_PENALTY)
    return linear.fit(rows, alike, labels, LANGUAGE_PENALTY, temperature)


def calibrate(alike: linear.Floats, labels: Sequence[str], groups: Sequence[int], penalty: float) -> tuple[float, float]:
    """The temperature at which held-out shares lose least (log loss), and the held-out accuracy."""
    fold = np.array(groups) % FOLDS
    losses, right = dict.fromkeys(TEMPERATURES, 0.0), 0
    for held in range(FOLDS):
        inside, outside = np.flatnonzero(fold != held).tolist(), np.flatnonzero(fold == held).tolist()
        names, alpha, bias = linear.duals(alike[np.ix_(inside, inside)], [labels[index] for index in inside], penalty)
        scores = alike[np.ix_(outside, inside)] @ alpha + bias
        truth = np.array([names.index(labels[index]) for index in outside])
        right += int((scores.argmax(axis=1) == truth).sum())
        for temperature in TEMPERATURES:
            scaled = scores / temperature
            log_sum = np.log(np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1)) + scaled.max(axis=1)
            losses[temperature] += float((log_sum - scaled[np.arange(len(truth)), truth]).sum())
    return min(losses, key=lambda temperature: losses[temperature]), right / len(labels)


def made_from(folder: Path = EXAMPLES) -> str:
    """A digest of everything the model files depend on."""
    parts = [path.read_bytes() for path in sorted(folder.glob("*.jsonl"))]
    parts += [Path(module.__file__ or "").read_bytes() for module in (linear, transliteration, embed)][:2]
    return hashlib.sha256(b"\0".join([*parts, str(LANGUAGE_PENALTY).encode()])).hexdigest()


if __name__ == "__main__":
    main()
