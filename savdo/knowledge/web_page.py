"""HTML: what a visitor would read, with its headings, lists, tables and folded questions; never its scripts or hidden parts."""

import re
from typing import Any

from lxml import html
from lxml.etree import ParserError, XMLSyntaxError

from savdo.knowledge import extract, tables
from savdo.knowledge.blocks import QUESTION_LEVEL, Block, Reading
from savdo.knowledge.refusals import Empty

DROPPED = frozenset(
    "script style noscript template iframe object embed svg math canvas nav form button select input textarea dialog video audio".split()  # noqa: SIM905 # a list of words
)
BLOCKS = frozenset("p div section article main header footer aside address blockquote pre li dt dd figcaption td th center body".split())  # noqa: SIM905 # a list of words
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])", re.IGNORECASE)


def parse(content: bytes) -> Reading:
    """Raises Empty, TooManyRows."""
    text = extract.decoded(content)
    # A declared encoding would contradict the text, which is decoded already.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    try:
        root = html.document_fromstring(
            text, parser=html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
        )
    except (ParserError, XMLSyntaxError):
        raise Empty from None
    found = root.findtext(".//title") or ""
    walk = _Walk()
    body = root.find("body")
    walk.into(body if body is not None else root, 0)
    walk.close()
    if not walk.blocks:
        raise Empty
    return Reading(tuple(walk.blocks), title=" ".join(found.split()), kind="html")


class _Walk:
    """Gathers running text until a block element ends it."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.running: list[str] = []
        self.is_item = False

    def close(self) -> None:
        if text := " ".join("".join(self.running).split()):
            self.blocks.append(Block("item" if self.is_item else "paragraph", text))
        self.running = []
        self.is_item = False

    def into(self, element: Any, depth: int) -> None:
        if depth > 300:
            return
        self.running.append(element.text or "")
        for child in element:
            if isinstance(child.tag, str) and not _is_hidden(child):
                self.child(child, depth)
            self.running.append(child.tail or "")

    def child(self, element: Any, depth: int) -> None:
        tag = element.tag.lower()
        if tag == "br":
            self.running.append(" ")
        elif re.fullmatch(r"h[1-6]", tag) or tag in ("summary", "dt", "caption"):
            self.close()
            self.heading(tag, " ".join(element.text_content().split()))
        elif tag == "table" and element.find(".//table") is None:
            self.close()
            self.blocks.extend(tables.rows(_grid(element), level=6, fill_first=True))
        elif tag in BLOCKS or tag in ("ul", "ol", "dl", "table", "tr", "details"):
            self.close()
            self.is_item = tag == "li"
            self.into(element, depth + 1)
            self.close()
        else:
            self.into(element, depth + 1)

    def heading(self, tag: str, text: str) -> None:
        if not text:
            return
        if tag in ("summary", "dt") or (text.endswith("?") and tag != "h1"):
            self.blocks.append(Block("question", text, QUESTION_LEVEL))
        else:
            self.blocks.append(Block("heading", text, int(tag[1]) if tag[0] == "h" else 6))


def _is_hidden(element: Any) -> bool:
    if element.tag.lower() in DROPPED or element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return bool(HIDDEN.search(element.get("style") or ""))


def _grid(table: Any) -> list[list[str]]:
    grid: list[list[str]] = []
    for row in table.iter("tr"):
        line: list[str] = []
        for cell in row:
            if cell.tag in ("td", "th") and not _is_hidden(cell):
                line.append(" ".join(cell.text_content().split()))
                span = cell.get("colspan") or "1"
                line.extend([""] * (min(int(span), tables.MOST_COLUMNS) - 1 if span.isdigit() else 0))
        grid.append(line)
    return grid
