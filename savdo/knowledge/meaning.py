"""What a passage means, sentence by sentence: a question is about one sentence, so each is compared for itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from savdo.ai import embed
from savdo.knowledge.passages import Cut

# After a mark only where a new sentence begins: "8 oy. Kafolat" and not "т.е. до".
BETWEEN = re.compile(r"\n+|(?<=[.!?;…])\s+(?=[\d«“\"(]*[^\W\d_a-zа-яёәғқңөұүһіўҳ])")
# "Yes." says nothing alone.
SHORTEST = 18
LONGEST_HEADING = 160


@dataclass(frozen=True, slots=True)
class Meant:
    """A passage's sentences, the vector of each under its heading, and the middle of those."""

    sentences: tuple[str, ...]
    vectors: tuple[list[float], ...]

    @property
    def vector(self) -> list[float]:
        middle = [sum(column) for column in zip(*self.vectors, strict=True)]
        length = sum(value * value for value in middle) ** 0.5 or 1.0
        return [value / length for value in middle]


async def of(cuts: Sequence[Cut]) -> list[Meant]:
    """What passages mean, in order. Raises Unavailable when an embeddings endpoint is set and does not answer."""
    parted = [sentences(cut.kind, cut.text) for cut in cuts]
    texts = [under_heading(cut, sentence) for cut, parts in zip(cuts, parted, strict=True) for sentence in parts]
    vectors = iter(await embed.told(texts))
    return [Meant(tuple(parts), tuple(next(vectors) for _ in parts)) for parts in parted]


def sentences(kind: str, text: str) -> list[str]:
    """What a passage says, sentence by sentence and item by item; a row is one."""
    if kind == "row":
        return [text]
    kept: list[str] = []
    for part in BETWEEN.split(text):
        part = part.strip(" -*•#\t\n").replace("**", "")
        if not re.search(r"\w", part):
            continue
        if kept and len(kept[-1]) < SHORTEST:
            kept[-1] = f"{kept[-1]} {part}"
        else:
            kept.append(part)
    return kept or [text]


def vector_text(vector: Sequence[float]) -> str:
    """The text form of a halfvec."""
    return f"[{','.join(map(str, vector))}]"


def under_heading(cut: Cut, sentence: str) -> str:
    """A sentence as it is embedded: alone it often does not say what it is about."""
    heading = cut.title_path[-1][:LONGEST_HEADING] if cut.title_path and cut.kind != "row" else ""
    return f"{heading}. {sentence}" if heading else sentence
