"""Word documents (.docx): headings by style or by bold lines, lists, tables."""

import io
import re
from typing import Any

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph

from savdo.knowledge import tables
from savdo.knowledge.blocks import QUESTION_LEVEL, Block, Reading
from savdo.knowledge.refusals import Empty

HEADING_STYLE = re.compile(r"(?:heading|заголовок|sarlavha|тақырып)\s*(\d)?", re.IGNORECASE)
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def parse(content: bytes) -> Reading:
    """Raises Empty, and whatever python-docx raises on a damaged file. `guard_archive` has looked at the archive before."""
    document = docx.Document(io.BytesIO(content))
    blocks: list[Block] = []
    for part in document.iter_inner_content():
        if isinstance(part, Table):
            blocks.extend(tables.rows(_grid(part), level=6, fill_first=True))
        elif text := " ".join(part.text.split()):
            blocks.append(_block(part, text))
    if not blocks:
        raise Empty
    return Reading(tuple(blocks), kind="docx")


def _block(paragraph: Paragraph, text: str) -> Block:
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    marked = HEADING_STYLE.match(style)
    if marked or style.lower() in ("title", "название"):
        level = int(marked[1] or 1) if marked else 1
        return Block("question", text, QUESTION_LEVEL) if text.endswith("?") and level > 1 else Block("heading", text, level)
    if len(text) <= 140 and (text.endswith("?") or not text.endswith((".", ",", ";"))) and _is_bold(paragraph):
        return Block("question", text, QUESTION_LEVEL) if text.endswith("?") else Block("heading", text, 6)
    properties = paragraph._p.pPr  # pyright: ignore[reportPrivateUsage] # the only road to a list's numbering
    if style.lower().startswith("list") or (properties is not None and properties.numPr is not None):
        return Block("item", text)
    return Block("paragraph", text)


def _is_bold(paragraph: Paragraph) -> bool:
    runs = [run for run in paragraph.runs if run.text.strip()]
    return bool(runs) and all(run.bold for run in runs)


def _grid(table: Table) -> list[list[str]]:
    # From the XML: the library's own cells take quadratic time in a long table.
    element: Any = table._tbl  # pyright: ignore[reportPrivateUsage] # the same
    grid: list[list[str]] = []
    for row in element.iterfind(f"{W}tr"):
        line: list[str] = []
        for cell in row.iterfind(f"{W}tc"):
            paragraphs = ("".join(text.text or "" for text in paragraph.iter(f"{W}t")) for paragraph in cell.iterfind(f"{W}p"))
            line.append(" ".join(filter(None, (text.strip() for text in paragraphs))))
            span = cell.find(f"{W}tcPr/{W}gridSpan")
            line.extend([""] * (int(span.get(f"{W}val", "1")) - 1 if span is not None else 0))
        grid.append(line)
    return grid
