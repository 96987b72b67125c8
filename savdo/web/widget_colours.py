"""A site's theme colour made readable: which text stands on it, and how it looks as text itself.

Contrast after WCAG 2.2 (relative luminance of sRGB); 4.5 is the least for text.
"""

import re

DEFAULT = "#0f766e"
LEAST = 4.5
LIGHT_GROUND = "#ffffff"
DARK_GROUND = "#17191d"
INK = "#101114"


def palette(colour: str) -> dict[str, str]:
    """`accent`, the text `on_accent`, and the accent as text on the light and on the dark ground."""
    accent = colour.lower() if re.fullmatch(r"#[0-9a-fA-F]{6}", colour) else DEFAULT
    on_accent = "#ffffff" if contrast(accent, "#ffffff") >= contrast(accent, INK) else INK
    return {
        "accent": accent,
        "on_accent": on_accent,
        "ink_light": readable(accent, LIGHT_GROUND, "#000000"),
        "ink_dark": readable(accent, DARK_GROUND, "#ffffff"),
    }


def readable(colour: str, ground: str, towards: str) -> str:
    """The colour, moved towards black or white only as far as it must be to be read on the ground."""
    for tenth in range(11):
        moved = mixed(colour, towards, tenth / 10)
        if contrast(moved, ground) >= LEAST:
            return moved
    return towards


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (one / 255 for one in _parts(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def mixed(colour: str, other: str, share: float) -> str:
    parts = (round(a + (b - a) * share) for a, b in zip(_parts(colour), _parts(other), strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


def _parts(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
