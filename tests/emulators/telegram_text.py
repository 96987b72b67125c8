"""How Telegram reads HTML: the tags it knows, balanced, and only four named entities."""

import html
import re

TAGS = frozenset({"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"})
TOKEN = re.compile(r"<(/?)([a-zA-Z-]*)([^<>]*)>|&(#?\w+);|<|&(?=#?\w*;)")
ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


class CannotParse(Exception):
    """The description of the refusal."""


def parsed(text: str) -> str:
    """The text a customer sees. Raises CannotParse."""
    plain: list[str] = []
    opened: list[str] = []
    at = 0
    for found in TOKEN.finditer(text):
        plain.append(text[at : found.start()])
        at = found.end()
        closing, tag, _, entity = found.groups()
        if entity is not None:
            plain.append(_entity(entity))
        elif tag is None or tag.lower() not in TAGS:
            raise CannotParse(f'Unsupported start tag "{tag or ""}" at byte offset {len(text[: found.start()].encode())}')
        elif not closing:
            opened.append(tag.lower())
        elif not opened or opened.pop() != tag.lower():
            raise CannotParse(f"Unexpected end tag at byte offset {len(text[: found.start()].encode())}")
    if opened:
        raise CannotParse(f'Can\'t find end tag corresponding to start tag "{opened[-1]}"')
    return "".join([*plain, text[at:]]).strip()


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _entity(name: str) -> str:
    if name.startswith("#"):
        return html.unescape(f"&{name};")
    # An unknown name stays as it is written.
    return ENTITIES.get(name, f"&{name};")
