"""Blocks cut into passages: small enough to say one thing, whole enough to be understood alone."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from semchunk.semchunk import chunk

from savdo.knowledge.blocks import QUESTION_LEVEL, Block, Reading
from savdo.knowledge.refusals import Empty, TooMuchText

SMALLEST = 350
LARGEST = 700
# An answer is read together with its question, so it may be longer before it is cut.
LARGEST_ANSWER = 1_200
MOST_PASSAGES = 20_000
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage before it is stored; `kind` is text | row | answer."""

    kind: str
    title_path: tuple[str, ...]
    text: str
    cells: tuple[tuple[str, str], ...] = ()
    page: int | None = None


def cut(reading: Reading, name: str) -> list[Cut]:
    """The passages of a file in its order. `name` is the file's, its title where it has none of its own.
    Raises Empty, TooMuchText."""
    passages: list[Cut] = []
    for passage in _cut(reading, name):
        passages.append(passage)
        if len(passages) > MOST_PASSAGES:
            raise TooMuchText
    if not passages:
        raise Empty
    return passages


def title_of(name: str) -> str:
    """A file's name as a title: without its ending, underscores as spaces."""
    return re.sub(r"[\s_]+", " ", re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name)).strip()[:LONGEST_TITLE] or name[:LONGEST_TITLE]


def _cut(reading: Reading, name: str) -> Iterator[Cut]:
    title = reading.title or title_of(name)
    path: list[tuple[int, str]] = []
    body: list[Block] = []
    for block in reading.blocks:
        if block.kind in ("heading", "question"):
            yield from _section(_path(title, path), body, path)
            body = []
            while path and path[-1][0] >= block.level:
                path.pop()
            path.append((block.level, block.text[:LONGEST_TITLE]))
        elif block.kind == "row":
            yield from _section(_path(title, path), body, path)
            body = []
            yield from _row(_path(title, path), block)
        else:
            body.append(block)
    yield from _section(_path(title, path), body, path)


def _path(title: str, path: Iterable[tuple[int, str]]) -> tuple[str, ...]:
    headings = [text for _, text in path]
    # A document that opens with its own title does not need the file's name above it.
    return tuple(headings) if path and next(iter(path))[0] == 1 else (title, *headings)


def _section(title_path: tuple[str, ...], body: list[Block], path: list[tuple[int, str]]) -> Iterator[Cut]:
    largest = LARGEST_ANSWER if path and path[-1][0] == QUESTION_LEVEL else LARGEST
    kept: list[str] = []
    page: int | None = None
    for block, piece in ((part, piece) for part in body for piece in _pieces(part, largest)):
        length = sum(len(text) + 1 for text in kept)
        if kept and (
            length + len(piece) > largest or (length >= SMALLEST and block.kind == "paragraph" and length + len(piece) > SMALLEST + 150)
        ):
            yield Cut("text", title_path, "\n".join(kept), page=page)
            kept = []
        if not kept:
            page = block.page
        kept.append(piece)
    if kept:
        yield Cut("text", title_path, "\n".join(kept), page=page)


def _pieces(block: Block, largest: int) -> list[str]:
    text = f"- {block.text}" if block.kind == "item" else block.text
    return [text] if len(text) <= largest else _split(text)


def _split(text: str) -> list[str]:
    return [str(piece) for piece in chunk(text, chunk_size=LARGEST - 100, token_counter=len)]


def _row(title_path: tuple[str, ...], block: Block) -> Iterator[Cut]:
    if len(block.text) <= 2 * LARGEST:
        yield Cut("row", title_path, block.text, block.cells, block.page)
        return
    # A cell that holds a whole text: its passages keep the row's first cell as their heading.
    for piece in _split(block.text):
        yield Cut("text", (*title_path, block.cells[0][1][:LONGEST_TITLE]), piece, page=block.page)
