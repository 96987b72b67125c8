"""Tables of any file kind: which row holds the headings, and each row said with them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from savdo.knowledge.blocks import Block, Reading
from savdo.knowledge.refusals import TooManyRows

MOST_ROWS = 20_000
MOST_COLUMNS = 60
# The headings stand within the first rows, below a title or two.
HEADING_WITHIN = 10
DELIMITERS = ",;\t|"
NUMBER = re.compile(r"^[\s\d.,:%+/()-]*\d[\s\d.,:%+/()-]*\D{0,6}$")


def rows(grid: Iterable[Sequence[str]], *, level: int = 3, page: int | None = None, fill_first: bool = False) -> list[Block]:
    """A table's cells as blocks: lines above its headings as paragraphs, a row with a single cell as a heading of `level`,
    every other row as a row. `fill_first`: an empty first cell repeats the one above, as in merged cells."""
    lines = _lines(grid)
    width = max((_filled(line) for line in lines), default=0)
    if width < 2:
        return [Block("paragraph", text, page=page) for line in lines if (text := " ".join(line).strip())]
    at = _heading_row(lines, width)
    headings = _headings(lines[at], len(lines[at])) if at is not None else []
    blocks = [Block("paragraph", "; ".join(filter(None, line)), page=page) for line in lines[: at or 0]]
    above = ""
    for line in lines[at + 1 if at is not None else 0 :]:
        if _filled(line) == 1 and line[0] and width > 2 and not NUMBER.match(line[0]):
            blocks.append(Block("heading", line[0], level=level, page=page))
            above = ""
            continue
        if fill_first and not line[0] and above:
            line = [above, *line[1:]]
        above = line[0]
        blocks.append(_row(line, headings, page))
    return blocks


def parse_csv(text: str) -> Reading:
    """A text of separated values. Raises TooManyRows."""
    delimiter = delimiter_of(text) or ","
    return Reading(tuple(rows(_csv_lines(text, delimiter))), kind="csv")


def delimiter_of(text: str) -> str | None:
    """The sign that parts the values of a table in text, or None when the text is not one."""
    lines = [line for line in text.splitlines()[:60] if line.strip()]
    best: tuple[float, str] | None = None
    for delimiter in DELIMITERS:
        widths = Counter(len(line) for line in _csv_lines("\n".join(lines), delimiter))
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        alike = count / sum(widths.values())
        if width >= 2 and alike >= 0.7 and (best is None or alike * width > best[0]):
            best = (alike * width, delimiter)
    return best[1] if best and len(lines) >= 2 else None


def said(cells: Iterable[tuple[str, str]]) -> str:
    """A row in words: "model: X; price: 100"."""
    return "; ".join(value if heading.isdigit() else f"{heading}: {value}" for heading, value in cells)


def _csv_lines(text: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    except csv.Error:
        # A stray quote or an overlong field: then the signs alone part the values.
        yield from (line.split(delimiter) for line in text.splitlines())


def _lines(grid: Iterable[Sequence[str]]) -> list[list[str]]:
    lines: list[list[str]] = []
    for cells in grid:
        line = [" ".join(cell.split()) for cell in cells[:MOST_COLUMNS]]
        if any(line):
            lines.append(line)
        if len(lines) > MOST_ROWS:
            raise TooManyRows
    # Columns that are empty from top to bottom are layout.
    kept = sorted({at for line in lines for at, cell in enumerate(line) if cell})
    return [[line[at] if at < len(line) else "" for at in kept] for line in lines]


def _filled(line: Sequence[str]) -> int:
    return sum(1 for cell in line if cell)


def _heading_row(lines: Sequence[Sequence[str]], width: int) -> int | None:
    for at, line in enumerate(lines[:HEADING_WITHIN]):
        if at + 1 >= len(lines):
            break
        filled = [cell for cell in line if cell]
        if len(filled) >= max(2, 0.6 * width) and len(set(filled)) == len(filled):
            return None if any(NUMBER.match(cell) for cell in filled) else at
    return None


def _headings(line: Sequence[str], width: int) -> list[str]:
    headings: list[str] = []
    for at in range(width):
        name = line[at].replace("_", " ").strip() or str(at + 1)
        headings.append(name if name not in headings else f"{name} {at + 1}")
    return headings


def _row(line: Sequence[str], headings: Sequence[str], page: int | None) -> Block:
    cells = tuple((headings[at] if at < len(headings) else str(at + 1), cell) for at, cell in enumerate(line) if cell)
    return Block("row", said(cells), cells=cells, page=page)
