"""Markdown and plain text: headings however people mark them, lists, tables, questions with their answers."""

import re
from collections.abc import Sequence

from savdo.knowledge import tables
from savdo.knowledge.blocks import QUESTION_LEVEL, Block, Reading

LONGEST_HEADING = 140
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
BOLD = re.compile(r"^(?:\*\*|__)(.+?)(?:\*\*|__):?$")
QUOTED = re.compile(r"^(?:\d{1,3}[.)]\s*)?[\"«“„‘'](.{2,120})[\"»”’']\s*[:.]?$")
UNDERLINE = re.compile(r"^(={3,}|-{3,})$")
ITEM = re.compile(r"^\s*(?:[-*+•–—·▪◦]|\d{1,3}[.)]|[a-zа-я]\))\s+(.+)$")
ASKED = re.compile(r"^(?:q|question|в|вопрос|savol|s|сұрақ|сурак)\s*\d*\s*[:.)]\s*(.+)$", re.IGNORECASE)
ANSWERED = re.compile(r"^(?:a|answer|о|ответ|javob|j|жауап)\s*\d*\s*[:.)]\s*(.+)$", re.IGNORECASE)
TABLE_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")
# Every pattern is bounded: a hostile line of 20 MB must not be walked again for each of its signs.
INLINE = (
    (re.compile(r"!?\[([^\]\[]{0,300})\]\(([^()\s]{1,500})[^()]{0,100}\)"), r"\1 (\2)"),
    (re.compile(r"(\*\*|__)([^*_]{1,500})\1"), r"\2"),
    (re.compile(r"(?<!\w)[*_]([^\s*_][^*_]{0,300})[*_](?!\w)"), r"\1"),
    (re.compile(r"`([^`]{1,300})`"), r"\1"),
)
MARKUP = re.compile(r"<(?:script|style)\b[^<>]{0,300}>[^<]*|<!--[^<>]*-->|</?[a-z][^<>]{0,300}>", re.IGNORECASE)


def parse(text: str) -> Reading:
    """Any text as blocks. Raises TooManyRows."""
    lines = MARKUP.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return Reading(tuple(_blocks(lines)), kind="text")


def _blocks(lines: Sequence[str]) -> list[Block]:
    blocks: list[Block] = []
    at = 0
    while at < len(lines):
        if end := _table_end(lines, at):
            blocks.extend(tables.rows(_pipes(lines[at:end])))
            at = end
            continue
        end = at
        while end < len(lines) and lines[end].strip() and not (end > at and (_table_end(lines, end) or HEADING.match(lines[end].strip()))):
            end += 1
        blocks.extend(_paragraph([line.rstrip() for line in lines[at:end]]))
        at = max(end, at + 1)
    return blocks


def _paragraph(lines: Sequence[str]) -> list[Block]:
    """The lines up to an empty one."""
    blocks: list[Block] = []
    running: list[str] = []
    kind = "paragraph"

    def close() -> None:
        if text := inline(" ".join(running)):
            blocks.append(Block("item" if kind == "item" else "paragraph", text))
        running.clear()

    for number, line in enumerate(lines):
        text = line.strip()
        under = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if UNDERLINE.match(text) and (running or not under):
            if running and number == 1:
                blocks.append(Block("heading", inline(running.pop()), level=1 if text[0] == "=" else 2))
            continue
        if heading := _heading(text, is_first=not running):
            close()
            blocks.append(heading)
        elif item := ITEM.match(line):
            close()
            kind = "item"
            running.append(item[1])
        else:
            if not running:
                kind = "paragraph"
            running.append(ANSWERED.sub(r"\1", text) if blocks and blocks[-1].kind == "question" else text)
    close()
    return blocks


def _heading(text: str, *, is_first: bool) -> Block | None:
    if marked := HEADING.match(text):
        title = inline(marked[2])
        return (
            Block("question", title, QUESTION_LEVEL)
            if title.endswith("?") and len(marked[1]) > 1
            else Block("heading", title, len(marked[1]))
        )
    if len(text) > LONGEST_HEADING or not text:
        return None
    if asked := ASKED.match(text):
        return Block("question", inline(asked[1]), QUESTION_LEVEL)
    if bold := BOLD.match(text):
        title = inline(bold[1])
        return Block("question", title, QUESTION_LEVEL) if title.endswith("?") else Block("heading", title, 5)
    if quoted := QUOTED.match(text):
        return Block("question", quoted[1], QUESTION_LEVEL)
    if is_first and text.endswith("?") and not ITEM.match(text):
        return Block("question", inline(text), QUESTION_LEVEL)
    if is_first and _is_shouted(text):
        return Block("heading", text, 2)
    return None


def _is_shouted(text: str) -> bool:
    letters = [letter for letter in re.sub(r"\(.*?\)", "", text) if letter.isalpha()]
    return len(letters) >= 4 and sum(letter.isupper() for letter in letters) >= 0.9 * len(letters) and not text.endswith((".", ","))


def inline(text: str) -> str:
    """A line without the signs of its formatting; a link keeps its address."""
    for pattern, kept in INLINE:
        text = pattern.sub(kept, text)
    return " ".join(text.split())


def _table_end(lines: Sequence[str], at: int) -> int:
    """Where the pipe table that begins at a line ends, or 0."""
    if at + 1 >= len(lines) or "|" not in lines[at] or "-" not in lines[at + 1] or not TABLE_RULE.match(lines[at + 1]):
        return 0
    end = at + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    return end


def _pipes(lines: Sequence[str]) -> list[list[str]]:
    return [[inline(cell) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in lines if not TABLE_RULE.match(line)]
