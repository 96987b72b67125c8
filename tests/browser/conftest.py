"""A real Chromium. Whatever a page writes to its console as an error fails the test that opened it."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.browser import street

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "savdo" / "web" / "assets" / "built"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream",
)  # fmt: skip

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Long, because the other test process may have the machine just then; what is right is there at once.
PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)

NewContext = Callable[..., Awaitable[BrowserContext]]


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of built assets. `make assets` builds them; a test never waits for a download."""
    if not (BUILT / "widget" / "loader.js").exists():
        subprocess.run(["npm", "run", "--silent", "build:widget"], cwd=ROOT, check=True)
    return BUILT


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(opened: str, built: Path) -> AsyncIterator[str]:
    """The app over HTTP."""
    async with street.app_served() as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    executable = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if executable is None and not os.environ.get("CI"):
        pytest.skip("No Chromium here (on Debian and Ubuntu: apt install chromium); everything else is tested.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def new_context(browser: Browser) -> AsyncIterator[NewContext]:
    """Makes browser profiles; at the end, none of their pages may have complained.

    `expected` are words of complaints that belong to the test (a request that fails because the network was cut).
    """
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    async def make(*, expected: tuple[str, ...] = (), **options: Any) -> BrowserContext:
        context = await browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)

        def note(words: str) -> None:
            if not any(one in words for one in expected):
                complaints.append(words)

        def watch(page: Page) -> None:
            def said(message: ConsoleMessage) -> None:
                if message.type == "error":
                    note(message.text)

            page.on("console", said)
            page.on("pageerror", lambda error: note(str(error)))

        context.on("page", watch)
        opened.append(context)
        return context

    yield make
    for context in opened:
        await context.close()
    assert complaints == []
