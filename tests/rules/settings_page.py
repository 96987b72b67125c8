"""Writes docs/settings.md from the settings class: `python -m tests.rules.settings_page`."""

from pydantic import SecretStr

from savdo.base.settings import Settings
from tests.rules.tree import ROOT

PAGE = ROOT / "docs" / "settings.md"
HEAD = """# Settings

Every setting is an environment variable. A missing one leaves its default; a wrong one stops the start with its name.
Each can also be given as the path of a file that holds the value, by adding `_FILE` to its name, as container secrets are.
This page is written from the settings class; a test keeps it fresh.

| variable | default | what it does |
| --- | --- | --- |
"""


def page() -> str:
    return HEAD + "".join(
        f"| `SAVDO_{name.upper()}` | {_default(field.default)} | {_cell(field.description)} |\n"
        for name, field in Settings.model_fields.items()
    )


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        return "empty, secret"
    if value in ("", ()):
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(page())
