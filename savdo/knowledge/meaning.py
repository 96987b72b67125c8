"""What a passage means, sentence by sentence: a question is about one sentence, so each is compared for itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from savdo.ai import embed
from savdo.ai.embed import Meaning
from savdo.knowledge.passages import Cut

# After a mark only where a new sentence begins: "8 oy. Kafolat" and not "т.е. до".
BETWEEN = re.compile(r"\n+|(?<=[.!?;…])\s+(?=[\d«“\"(]*[^\W\d_a-zа-яёәғқңөұүһіўҳ])")
# "Yes." says nothing alone.
SHORTEST = 18
LONGEST_HEADING = 160


@dataclass(frozen=True, slots=True)
class Meant:
    """A passage's sentences, what each means under its heading, and the middle of their vectors."""

    sentences: tuple[str, ...]
    meanings: tuple[Meaning, ...]

    @property
    def vector(self) -> list[float]:
        middle = [sum(column) for column in zip(*(one.vector for one in self.meanings), strict=True)]
        length = sum(value * value for value in middle) ** 0.5 or 1.0
        return [value / length for value in middle]


async def of(cuts: Sequence[Cut]) -> list[Meant]:
    """What passages mean, in order. Raises Unavailable when an embeddings endpoint is set and does not answer."""
    parted = [sentences(cut.kind, cut.text) for cut in cuts]
    texts = [under_heading(cut, sentence) for cut, parts in zip(cuts, parted, strict=True) for sentence in parts]
    meanings = iter(await embed.told(texts))
    return [Meant(tuple(parts), tuple(next(meanings) for _ in parts)) for parts in parted]


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


def latent_text(latent: Sequence[tuple[int, float]]) -> str:
    """The text form of a sparsevec, which counts from one."""
    return f"{{{','.join(f'{place + 1}:{weight}' for place, weight in latent)}}}/{embed.LATENT_TERMS}"


def under_heading(cut: Cut, sentence: str) -> str:
    """A sentence as it is embedded: alone it often does not say what it is about."""
    heading = cut.title_path[-1][:LONGEST_HEADING] if cut.title_path and cut.kind != "row" else ""
    return f"{heading}. {sentence}" if heading else sentence
