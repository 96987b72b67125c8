"""Looking at a page: what axe finds in light and in dark, and screenshots for whoever wants them."""

import os
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Frame, Page

# Where screenshots go, when somebody wants to look at them.
SHOTS = os.environ.get("SAVDO_SHOTS", "")
THEMES = ("light", "dark")
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# All that depends on the theme: what is under the colours is the same page.
COLOURS = ("color-contrast", "link-in-text-block")
AXE = Axe()


async def violations(place: Page | Frame) -> list[str]:
    """What axe finds in a page, or in a frame of one, in light and in dark: the rule, where, and what to do."""
    page = place.page if isinstance(place, Frame) else place
    await place.evaluate(AXE.axe_script)
    found = await _found(place, "tag", TAGS)
    await _in_theme(page, "dark")
    found += await _found(place, "rule", COLOURS)
    await _in_theme(page, "light")
    return found


async def _found(place: Page | Frame, kind: str, values: tuple[str, ...]) -> list[str]:
    # What passed is long and nobody reads it; a frame inside is looked at by itself.
    options = {"runOnly": {"type": kind, "values": values}, "resultTypes": ["violations"], "iframes": False}
    result: Any = await place.evaluate("options => axe.run(options)", options)
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:240]}"
        for one in result["violations"]
        for node in one["nodes"]
    ]  # fmt: skip


async def _in_theme(page: Page, theme: str) -> None:
    # Nothing may be half-way between two colours when it is looked at.
    await page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # pyright: ignore[reportArgumentType] # one of THEMES
    # A change of the scheme is told to the page before its next picture, and to its frames.
    for frame in page.frames:
        await frame.evaluate("new Promise(done => requestAnimationFrame(done))")


async def shot(page: Page, name: str) -> None:
    """Pictures of the whole page on a phone and on a laptop, in light and in dark."""
    for theme in THEMES if SHOTS else ():
        await _in_theme(page, theme)
        for width, height in ((390, 844), (1280, 900)):
            await page.set_viewport_size({"width": width, "height": height})
            await page.wait_for_timeout(350)
            await page.screenshot(path=f"{SHOTS}/{name}-{width}-{theme}.png", full_page=True)
