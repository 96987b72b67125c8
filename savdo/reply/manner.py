# ruff: noqa: E501 # a pattern is one line, or its alternatives cannot be read
"""How a reply is said: its length on this channel, its tone, and that it is words for a customer and not code. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from savdo.reply.models import Fault

# What one message may hold, in characters: below what each company allows, and as much as anybody reads in a chat.
LONGEST: Final[Mapping[str, int]] = {
    "telegram_bot": 1800, "telegram_business": 1800, "telegram_userbot": 1500, "whatsapp_cloud": 1500, "waha": 1500,
    "instagram": 900, "messenger": 1500, "web_chat": 1500,
}  # fmt: skip
LONGEST_ELSEWHERE: Final = 1800
EMOJI: Final = re.compile(
    "[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55][\U0001f3fb-\U0001f3ff\ufe0f]?(?:\u200d[\U0001f300-\U0001faff\u2600-\u27bf]\ufe0f?)*"
)
MOST_EMOJI: Final[Mapping[str, int]] = {"casual": 6, "friendly": 2, "professional": 0}
SHOUTED: Final = re.compile(r"(?:\b[A-ZА-ЯЁӘӨҮҰҚҒҢІҺЎҲ'’ʻʼ‘]{3,}\b[\s,]+(?:[A-ZА-ЯЁӘӨҮҰҚҒҢІҺЎҲ]{1,2}[\s,]+)?){3,}")
MARKS: Final = re.compile(r"!{3,}|\?{4,}|[!?]{6,}")
RUDE: Final = re.compile(
    r"\b(?:дурак|дура\b|идиот|туп(?:ой|ая|ица)|заткни|отвали|дебил|кретин|придур|бестолоч|ahmoq|аҳмоқ|tentak|тентак|jinni|ovozingni o'chir|ақымақ|есуас|топас|stupid|idiot|moron|shut up|dumb\b|get lost|loser|fool\b)",
    re.IGNORECASE,
)
CODE: Final = re.compile(
    r"```|`[^`\n]{3,}`|!\[[^\]]*\]\s?\(|\]\(\s*(?:https?|javascript|data):|<\/?[a-z][a-z0-9]*(?:\s[^<>]*)?\/?>|<!--|\{\s*\"\w+\"\s*:|\b(?:import os|import sys|def \w+\(|function\s?\w*\(|console\.log|print\(|exec\(|eval\(|os\.system|subprocess|document\.cookie|alert\()"
    r"|\b(?:select|delete|insert|update|drop)\s[^.!?]{0,40}\b(?:from|into|table|set)\b\s\w+\s?(?:;|where|values|$)|\brm -rf\b|\bcurl\s+-|\bsudo\s|\b[a-z]+_[a-z_]+\s?\(|\btool_call|\[(?:tool|call|function|action)\b|^(?:tool|action|function|call|command)\s*[:=]|/etc/passwd|\$\{|\{\{|\}\}|\[\[",
    re.IGNORECASE | re.MULTILINE,
)
ENCODED: Final = re.compile(
    r"(?<![\w/@])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[a-z])[A-Za-z0-9+/]{32,}={0,2}|(?:\b[0-9a-f]{2}\s){8,}|\b[01]{8}(?:\s[01]{8}){2,}|(?:\\x[0-9a-f]{2}|\\u[0-9a-f]{4}){3,}"
)


def most_emoji(tone: str) -> int:
    return MOST_EMOJI.get(tone.lower(), MOST_EMOJI["friendly"])


def toned(text: str, tone: str) -> str:
    """A text made of the company's own, which may hold emoji, as its tone has it: without them where none are sent."""
    return text if most_emoji(tone) else re.sub(f"^(?:{EMOJI.pattern})+ *| *(?:{EMOJI.pattern})", "", text, flags=re.MULTILINE)


def faults(text: str, channel: str, tone: str) -> Iterator[Fault]:
    """What is wrong with the manner of a reply on a kind of channel, for a company of this tone (professional, friendly, casual)."""
    if len(text) > (most := LONGEST.get(channel, LONGEST_ELSEWHERE)):
        yield Fault("length", f"{len(text)} characters, at most {most}")
    # A quote shouts as its document does.
    own = re.sub(r"«[^»]*»", " ", text)
    if shouted := SHOUTED.search(f"{own} "):
        yield Fault("tone", shouted[0].strip())
    if marks := MARKS.search(text):
        yield Fault("tone", marks[0])
    if rude := RUDE.search(own):
        yield Fault("tone", rude[0])
    emoji = EMOJI.findall(text)
    if len(emoji) > most_emoji(tone):
        yield Fault("tone", "".join(emoji))
    if code := CODE.search(text) or ENCODED.search(text):
        yield Fault("leak", code[0].strip()[:60])
