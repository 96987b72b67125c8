"""What a file is read into: headings, paragraphs, list items, table rows and questions, in order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["heading", "question", "paragraph", "item", "row"]
# Below every heading of a document; a question ends where the next heading or question begins.
QUESTION_LEVEL = 7


@dataclass(frozen=True, slots=True)
class Block:
    """`level` is 1 to 7 for headings and questions. `cells` are (heading, value) of a row, in order; `page` counts from 1."""

    kind: Kind
    text: str
    level: int = 0
    cells: tuple[tuple[str, str], ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as blocks. `title` is what the file itself says it is called, or empty; `pages` is None where there are none."""

    blocks: tuple[Block, ...]
    title: str = ""
    pages: int | None = None
    kind: str = field(default="text")


def size(blocks: Iterable[Block]) -> int:
    """Letters in all, headings not counted."""
    return sum(len(block.text) for block in blocks if block.kind not in ("heading", "question"))
