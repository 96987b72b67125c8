"""What people read, in four languages: TOML catalogues with the languages side by side.

A key is "<file>.<entry>": `t("inbox.search", "ru")` reads `search` of inbox.toml; an entry with a dot in its name
("status.bot") is the whole key. Where a number decides the form,
the entry holds a table of plural forms (one, few, many, other) and `count` is given.
"""

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from babel import Locale

from savdo.base.errors import SavdoError

LANGUAGES = ("uz", "ru", "kk", "en")
FOLDER = Path(__file__).parents[1] / "web" / "texts"

Entry = Mapping[str, str | Mapping[str, str]]


class NoText(SavdoError):
    """A text is missing."""

    code = "no_text"


def t(key: str, language: str, **values: Any) -> str:
    """The text of a key with its values filled in. Raises NoText for a key or a language that is not there."""
    try:
        text = catalogue()[key][language]
    except KeyError:
        raise NoText(f"There is no text {key!r} in {language!r}.") from None
    if not isinstance(text, str):
        form = Locale.parse(language).plural_form(values["count"])
        text = text.get(form) or text["other"]
    return text.format(**values) if values else text


def has(key: str) -> bool:
    return key in catalogue()


@functools.cache
def catalogue() -> Mapping[str, Entry]:
    """Every key with its texts."""
    found: dict[str, Entry] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
            key = name if "." in name else f"{path.stem}.{name}"
            if key in found:
                raise NoText(f"The text {key!r} stands twice, the second time in {path.name}.")
            found[key] = entry
    return found


def preferred(accept_language: str) -> str:
    """The best of our languages for an Accept-Language header, else English."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language.split(",")[:20]:
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        wanted.append((-weight, tag.partition("-")[0].lower()))
    return next((tag for _, tag in sorted(wanted, key=lambda one: one[0]) if tag in LANGUAGES), "en")
