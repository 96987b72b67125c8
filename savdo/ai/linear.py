"""Linear models on character n-grams, with or without a sentence vector beside them: a few hundred KB, run in numpy.

A text becomes `BUCKETS` hashed n-gram counts (square-rooted, length 1). A model file holds any number of heads; a head
has labels, one row of 8-bit weights a label, a scale for each row, a bias and the temperature that makes its shares honest.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BUCKETS: Final = 8192
LONGEST_GRAM: Final = 5
LONGEST_TEXT: Final = 600
APOSTROPHES: Final = re.compile("[ʻʼ‘’`´′']")


@dataclass(frozen=True, slots=True)
class Head:
    """One question a text is asked: `weights` (labels × features; whole numbers of 8 bits, which numpy multiplies the slow way
    unless they are held as floats), `scale` and `bias` (labels)."""

    labels: tuple[str, ...]
    weights: Floats
    scale: Floats
    bias: Floats
    temperature: float

    def shares(self, features: Floats) -> Floats:
        """A share for each label, summing to 1."""
        scores = ((self.weights @ features) * self.scale + self.bias) / self.temperature
        shares = np.exp(scores - scores.max())
        return shares / shares.sum()

    def best(self, features: Floats) -> tuple[str, float]:
        shares = self.shares(features)
        index = int(shares.argmax())
        return self.labels[index], float(shares[index])


def plain(text: str) -> str:
    """The text as the models see it: lower case, no apostrophes, every digit alike, no run of a letter over two, no addresses."""
    text = APOSTROPHES.sub("", text[:LONGEST_TEXT].lower())
    text = re.sub(r"\S+@\S+|https?://\S+|\b\S+\.(?:uz|kz|ru|com|example)\b", " @ ", text)
    text = re.sub(r"\d", "0", text)
    text = re.sub(r"0+", "00", text)
    return re.sub(r"\s+", " ", re.sub(r"(.)\1{2,}", r"\1\1", text)).strip()


def grams(text: str) -> Floats:
    """Hashed character n-grams of 1 to 5 letters, words apart, and whole words."""
    buckets: list[int] = []
    for word in re.findall(r"\w+|[^\w\s]+", plain(text)):
        padded = f" {word} "
        cut = {padded[start : start + size] for size in range(1, LONGEST_GRAM + 1) for start in range(max(1, len(padded) - size + 1))}
        buckets += [zlib.crc32(gram.encode()) % BUCKETS for gram in (*cut, f"={word}")]
    counts = np.sqrt(np.bincount(np.asarray(buckets, np.int64), minlength=BUCKETS)).astype(np.float32)
    length = float(np.linalg.norm(counts))
    return (counts / length).astype(np.float32) if length else counts


def load(path: Path) -> dict[str, Head]:
    """The heads of a model file by name."""
    with np.load(path, allow_pickle=False) as stored:
        names = [name.removesuffix(".weights") for name in stored.files if name.endswith(".weights")]
        return {
            name: Head(
                tuple(str(label) for label in stored[f"{name}.labels"]),
                stored[f"{name}.weights"].astype(np.float32), stored[f"{name}.scale"].astype(np.float32),
                stored[f"{name}.bias"].astype(np.float32), float(stored[f"{name}.temperature"]),
            )
            for name in names
        }  # fmt: skip


def save(path: Path, heads: Mapping[str, Head], made_from: str) -> None:
    """Writes a model file; `made_from` is the digest of what it was trained on."""
    arrays: dict[str, Any] = {"made_from": np.array(made_from)}
    for name, head in heads.items():
        arrays[f"{name}.labels"] = np.array(head.labels)
        arrays[f"{name}.weights"] = head.weights.astype(np.int8)
        arrays[f"{name}.scale"] = head.scale
        arrays[f"{name}.bias"] = head.bias
        arrays[f"{name}.temperature"] = np.array(head.temperature)
    np.savez_compressed(path, **arrays)


def made_from(path: Path) -> str:
    """The digest a model file was trained on."""
    with np.load(path, allow_pickle=False) as stored:
        return str(stored["made_from"])


def duals(alike: Floats, labels: Sequence[str], penalty: float) -> tuple[tuple[str, ...], Floats, Floats]:
    """A ridge classifier in its dual form, from how alike the rows are (rows × rows): one solve, the same on every run.
    Gives the labels, a share of every row in each of them (rows × labels), and the bias."""
    names = tuple(sorted(set(labels)))
    index = {name: position for position, name in enumerate(names)}
    wanted = np.zeros((len(labels), len(names)), np.float32)
    wanted[np.arange(len(labels)), [index[label] for label in labels]] = 1.0
    bias = wanted.mean(axis=0)
    # Rare labels weigh as much as frequent ones up to the square root, or they would never be named.
    weight = np.sqrt(1.0 / np.maximum(bias, 1e-9))[[index[label] for label in labels]]
    damped = alike.astype(np.float32)
    damped[np.diag_indices(len(labels))] += (penalty * weight.mean() / weight).astype(np.float32)
    return names, np.linalg.solve(damped, wanted - bias).astype(np.float32), bias


def fit(features: Floats, alike: Floats, labels: Sequence[str], penalty: float, temperature: float) -> Head:
    """The head of a ridge classifier; `alike` is features × features."""
    names, alpha, bias = duals(alike, labels, penalty)
    exact = (features.T @ alpha).T
    scale = np.maximum(np.abs(exact).max(axis=1), 1e-9) / 127
    return Head(names, np.round(exact / scale[:, None]).astype(np.float32), scale.astype(np.float32), bias.astype(np.float32), temperature)
