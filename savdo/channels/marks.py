"""The light marks of our texts (`**bold**`, `- list`, bare links), cut to a channel's length and turned into its own marks.

Lengths are UTF-16 code units, which is what the companies count in: an emoji is two.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
BULLET = re.compile(r"^([ \t]*)[-*][ \t]+", re.MULTILINE)
# Where a text may be cut, the best first: between paragraphs, lines, sentences, words.
BORDERS = (re.compile(r"\n[ \t]*\n\s*"), re.compile(r"\n\s*"), re.compile(r"(?<=[.!?…。])[\"')»”]*\s+"), re.compile(r"\s+"))
# A cut that leaves less than this share of the length in a part waits for a lesser border.
LEAST_SHARE = 0.3
JOINER = "\u200d"


@dataclass(frozen=True, slots=True)
class Marked:
    """A text without its marks, and where it is bold (start, end in characters)."""

    text: str
    bold: tuple[tuple[int, int], ...] = ()

    def html(self) -> str:
        """With `<b>`, and `&`, `<`, `>` escaped."""
        pieces: list[str] = []
        at = 0
        for start, end in self.bold:
            pieces += [escape(self.text[at:start]), "<b>", escape(self.text[start:end]), "</b>"]
            at = end
        return "".join([*pieces, escape(self.text[at:])])


def read(text: str) -> Marked:
    """The marks of a text; `**` without a partner on its line is left as it stands."""
    text = BULLET.sub(r"\1• ", text.strip())
    plain: list[str] = []
    bold: list[tuple[int, int]] = []
    at = length = 0
    for found in BOLD.finditer(text):
        before = text[at : found.start()]
        start = length + len(before)
        length = start + len(found[1])
        plain += [before, found[1]]
        bold.append((start, length))
        at = found.end()
    return Marked("".join([*plain, text[at:]]), tuple(bold))


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def octets(text: str) -> int:
    """Length in bytes of UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def parts(marked: Marked, longest: int, length: Callable[[str], int] = units) -> list[Marked]:
    """The text in parts of at most `longest` by `length`, cut between paragraphs, sentences or words where there are any."""
    return [_part(marked, start, end) for start, end in _cuts(marked.text, longest, length) if marked.text[start:end].strip()]


def escape(text: str) -> str:
    return html.escape(text, quote=False)


def _cuts(text: str, longest: int, length: Callable[[str], int]) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        reach = _reach(text, start, longest, length)
        if reach == len(text):
            yield start, reach
            return
        end, start_of_next = _border(text, start, reach)
        yield start, end
        start = start_of_next


def _reach(text: str, start: int, longest: int, length: Callable[[str], int]) -> int:
    # No character is more than four bytes, so that few need counting one by one.
    end, left = start, longest
    while left >= 4 and end < len(text):
        piece = text[end : end + left // 4]
        end += len(piece)
        left -= length(piece)
    while end < len(text) and length(text[end]) <= left:
        left -= length(text[end])
        end += 1
    return end


def _border(text: str, start: int, reach: int) -> tuple[int, int]:
    """Where the part ends and where the next one starts (blanks between them belong to neither)."""
    least = start + int((reach - start) * LEAST_SHARE)
    for border in BORDERS:
        # One character more: a border right behind the last one that fits.
        found = [match for match in border.finditer(text, start, reach + 1) if match.start() >= least]
        if found:
            return found[-1].start(), found[-1].end()
    # Not inside a letter with its accents or an emoji of several characters.
    end = reach
    while end > least and _continues(text, end):
        end -= 1
    return (end, end) if end > least else (reach, reach)


def _continues(text: str, at: int) -> bool:
    character = text[at]
    skin_or_variant = "\U0001f3fb" <= character <= "\U0001f3ff" or "\ufe00" <= character <= "\ufe0f"
    return skin_or_variant or JOINER in (character, text[at - 1]) or unicodedata.combining(character) > 0


def _part(marked: Marked, start: int, end: int) -> Marked:
    while marked.text[start].isspace():
        start += 1
    while marked.text[end - 1].isspace():
        end -= 1
    bold = [(max(first, start) - start, min(last, end) - start) for first, last in marked.bold if first < end and last > start]
    return Marked(marked.text[start:end], tuple(bold))
