"""PDF: text page by page, lines joined to paragraphs, larger letters as headings; what stands on every page is left out."""

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pypdf
from pypdf.errors import DependencyError, FileNotDecryptedError, PdfReadError, PdfStreamError

from savdo.knowledge import plain
from savdo.knowledge.blocks import QUESTION_LEVEL, Block, Reading
from savdo.knowledge.refusals import Broken, Protected, Scanned, TooManyPages

MOST_PAGES = 1_000
LONGEST_HEADING = 120
ENDED = re.compile(r"[.!?:;…»”\"]$")


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    size: float
    page: int


def parse(content: bytes) -> Reading:
    """Raises Protected, Broken, TooManyPages, Scanned."""
    try:
        reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
        # Many are "protected" against printing only and open without a password.
        if reader.is_encrypted and not reader.decrypt(""):
            raise Protected
        # What the file says first: counting its pages walks all of them.
        if int(reader.root_object["/Pages"].get("/Count", 0)) > MOST_PAGES or len(reader.pages) > MOST_PAGES:  # pyright: ignore[reportAttributeAccessIssue] # a dictionary of the file
            raise TooManyPages
        lines = [line for number, page in enumerate(reader.pages, 1) for line in _lines(page, number)]
        pages = len(reader.pages)
    except (FileNotDecryptedError, DependencyError):
        raise Protected from None
    except (PdfReadError, PdfStreamError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise Broken from None
    if sum(len(line.text) for line in lines) < 20 * pages:
        raise Scanned
    return Reading(tuple(_blocks(_without_repeats(lines, pages))), pages=pages, kind="pdf")


def _lines(page: Any, number: int) -> list[Line]:
    sizes: dict[str, float] = {}

    def visit(text: str, cm: Sequence[float], tm: Sequence[float], _: Any, size: float) -> None:
        scale = abs(tm[3] * cm[3]) or abs(tm[1] * cm[1]) or 1.0
        for part in text.split("\n"):
            if key := " ".join(part.split()):
                sizes[key] = max(sizes.get(key, 0.0), round(size * scale, 1))

    text = page.extract_text(visitor_text=visit)
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return [Line(line, _size(line, sizes), number) for line in lines] if text.strip() else []


def _size(line: str, sizes: dict[str, float]) -> float:
    if line in sizes:
        return sizes[line]
    # The line came in several pieces; a heading is of one size from end to end.
    return (
        min((size for piece, size in sizes.items() if len(piece) > 2 and piece in line), default=0.0)
        if len(line) <= LONGEST_HEADING
        else 0.0
    )


def _without_repeats(lines: Sequence[Line], pages: int) -> list[Line]:
    if pages < 4:
        return list(lines)
    seen = Counter(text for text, _ in {(re.sub(r"\d+", "#", line.text), line.page) for line in lines})
    return [line for line in lines if not line.text or seen[re.sub(r"\d+", "#", line.text)] <= 0.6 * pages]


def _blocks(lines: Sequence[Line]) -> list[Block]:
    letters: Counter[float] = Counter()
    for line in lines:
        letters[line.size] += len(line.text)
    usual = letters.most_common(1)[0][0] if letters else 0.0
    larger = sorted({line.size for line in lines if line.size > usual * 1.12 and line.text}, reverse=True)
    blocks: list[Block] = []
    running: list[Line] = []
    for line in [*lines, Line("", 0.0, 0)]:
        is_heading = bool(line.text) and line.size > usual * 1.12 and len(line.text) <= LONGEST_HEADING
        if running and (is_heading or _ends(running, line)):
            blocks.extend(_paragraph(running))
            running = []
        if is_heading:
            blocks.append(_heading(line, 1 + min(larger.index(line.size), 4)))
        elif line.text:
            running.append(line)
    return blocks


def _heading(line: Line, level: int) -> Block:
    if line.text.endswith("?") and level > 1:
        return Block("question", line.text, QUESTION_LEVEL, page=line.page)
    return Block("heading", line.text, level, page=line.page)


def _ends(running: Sequence[Line], line: Line) -> bool:
    if not line.text or plain.ITEM.match(line.text):
        return True
    last = running[-1].text
    widest = max(len(one.text) for one in running)
    return bool(ENDED.search(last)) and len(last) < 0.8 * widest


def _paragraph(running: Sequence[Line]) -> list[Block]:
    # A word parted at the end of a line is put together again.
    text = re.sub(r"(\w)- (?=[a-zа-яёўқғҳәіңөұү])", r"\1", " ".join(line.text for line in running))
    page = running[0].page
    if len(running) == 1 and len(text) <= LONGEST_HEADING and text.endswith("?"):
        return [Block("question", text, QUESTION_LEVEL, page=page)]
    if item := plain.ITEM.match(text):
        return [Block("item", item[1], page=page)]
    return [Block("paragraph", text, page=page)]
