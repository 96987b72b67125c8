"""Lists to choose from, for channels that have them and for those that do not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from savdo.channels.models import Button, Choice, Menu, Outbound


def read(payload: Mapping[str, Any] | None) -> Menu | None:
    """A menu as it stands in a message's `payload.menu`: {title, choices: [{id, title, description}]}."""
    if payload is None:
        return None
    return Menu(payload["title"], tuple(Choice(one["id"], one["title"], one.get("description", "")) for one in payload["choices"]))


def as_text(outbound: Outbound) -> Outbound:
    """The message with its list as numbered lines."""
    choices = outbound.menu.choices if outbound.menu else ()
    lines = [f"{number}. {one.title}" + (f" — {one.description}" if one.description else "") for number, one in enumerate(choices, 1)]
    return replace(outbound, text="\n".join(filter(None, (outbound.text.rstrip(), *lines))), menu=None)


def buttons_as_text(text: str, buttons: tuple[Button, ...]) -> str:
    """The text with its buttons as lines below it, for a channel that cannot show this many or such long ones."""
    lines = [f"{one.title}: {one.url}" if one.url else f"• {one.title}" for one in buttons]
    return "\n".join(filter(None, (text.rstrip(), *lines)))
