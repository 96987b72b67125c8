"""A long conversation in short: what is older than the messages a turn reads, by extraction. Pure, free, the same each time.

What the customer said is kept longer than what was answered, and answers with figures longer than those without: they are what
a later question goes back to. The longer the conversation, the shorter each line of it becomes.
"""

import re
from collections.abc import Sequence
from typing import Final

from savdo.reply.models import Said

# Bytes, as prompts are counted.
LONGEST: Final = 6_000
# Characters of a line, tried in this order until everything fits.
LINES: Final = (220, 160, 120, 90, 60, 40)
NAMES: Final = {"contact": "customer", "bot": "we", "member": "colleague"}
SENTENCE: Final = re.compile(r"(?<=[.!?…])\s+|\n+")


def extended(summary: str, said: Sequence[Said], longest: int = LONGEST) -> str:
    """The summary with what was said since, at most `longest` bytes: first answers without figures go, then every line
    becomes shorter, and only then the oldest go."""
    lines = [line for line in summary.split("\n") if line]
    lines += [f"{NAMES[one.author]}: {_gist(one)}" for one in said if one.text.strip() and one.author in NAMES]
    if _bytes(lines) > longest:
        old = len(lines) * 2 // 3
        lines = [line for place, line in enumerate(lines) if place >= old or not line.startswith("we: ") or re.search(r"\d", line)]
    for line_length in LINES:
        if _bytes(lines) <= longest:
            break
        lines = [_cut(line, line_length) for line in lines]
    while len(lines) > 1 and _bytes(lines) > longest:
        lines.pop(0)
    return "\n".join(lines)


def _gist(said: Said) -> str:
    sentences = [one.strip() for one in SENTENCE.split(said.text) if one.strip()]
    if said.author == "contact":
        return _cut(" ".join(sentences), LINES[0])
    figures = [one for one in sentences if re.search(r"\d", one)]
    return _cut(" ".join(dict.fromkeys([*sentences[:1], *figures])), LINES[0])


def _cut(text: str, longest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _bytes(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
