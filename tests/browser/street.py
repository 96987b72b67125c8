"""A company taken on from a folder, the whole app behind it, and its shop: a foreign site with the chat on it."""

import asyncio
import html
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from playwright.async_api import BrowserContext, Frame, Locator, Page, expect

from savdo.base import db, live
from savdo.channels import connections
from savdo.operations import lifecycle
from tests.conftest import PROFILE
from tests.emulators.serving import serving
from tests.journeys.conftest import FAQ, PRICES
from tests.web.office import PASSWORD, app

STYLES = "body { font: 16px/1.6 system-ui, sans-serif; margin: 40px; color: #222 } p { max-width: 36em }"


@dataclass(frozen=True)
class Street:
    """The office's address and the shop's; how the owner signs in."""

    office: str
    shop: str
    company: lifecycle.Onboarded


@asynccontextmanager
async def app_served() -> AsyncGenerator[str]:
    """The real app over HTTP, on the pool of the tests, with live events."""
    listening = asyncio.create_task(live.listen())
    async with serving(app()) as address:
        yield address
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


@asynccontextmanager
async def opened_for(office: str, folder: Path) -> AsyncGenerator[Street]:
    """A new company of the folder's documents, and its shop on another port under a strict policy."""
    company = await lifecycle.onboard(folder)
    site = FastAPI()

    @site.get("/")
    async def front() -> HTMLResponse:
        loader = f'{office}/widget/v1/loader.js" data-key="{html.escape(company.widget_key)}" data-locale="en'
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/site.css">'
        text = "<h1>Oq Choy</h1><p>Tea from the mountains of China, packed in Tashkent. We deliver all over the country.</p>"
        script = f'<script async nonce="n0nce" src="{loader}"></script>'
        policy = f"default-src 'none'; style-src 'self'; script-src 'nonce-n0nce'; connect-src {office}; frame-src {office}"
        page = f'<!doctype html><html lang="en"><title>Shop</title>{head}<main>{text}</main>{script}'
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    @site.get("/site.css")
    async def styles() -> Response:
        return Response(STYLES, media_type="text/css")

    @site.get("/favicon.ico")
    async def favicon() -> Response:
        return Response(status_code=204)

    async with serving(site) as url:
        connection = await connections.by_key(company.widget_key, "web_chat")
        async with db.step(company.tenant_id) as session:
            await connections.save_settings(session, connection.id, {**connection.settings, "origins": [url]})
        yield Street(office, url, company)


def business(folder: Path, **documents: str) -> Path:
    """A business folder of a tea house: with a price list and answers to questions when no documents are given."""
    (folder / "docs").mkdir(parents=True)
    (folder / "profile.json").write_text(json.dumps(PROFILE))
    for name, text in (documents or {"prices.csv": PRICES, "faq.md": FAQ}).items():
        (folder / "docs" / name).write_text(text)
    return folder


async def enter_shop(context: BrowserContext, street: Street) -> tuple[Page, Frame]:
    """A visitor's tab with the chat open."""
    page = await context.new_page()
    await page.add_init_script("addEventListener('chat:ready', () => (document.documentElement.dataset.chat = 'ready'))")
    await page.goto(street.shop)
    await page.wait_for_selector("html[data-chat=ready]", state="attached")
    await page.evaluate("Savdo.open()")
    return page, await chat_of(page)


async def chat_of(page: Page) -> Frame:
    """The chat's own document, once it can be written in."""
    # As patient as the browser's own expectations on a busy machine.
    for _ in range(1000):
        for frame in page.frames:
            if "/widget/v1/frame" in frame.url:
                await expect(frame.get_by_role("textbox")).to_be_visible()
                return frame
        await asyncio.sleep(0.02)
    raise AssertionError("The chat has no window.")


async def enter_office(context: BrowserContext, street: Street, path: str = "/inbox") -> Page:
    """The owner's tab."""
    return await signed_in(context, f"{street.office}{path}", street.company.email, street.company.password)


async def signed_in(context: BrowserContext, url: str, email: str, password: str = PASSWORD) -> Page:
    """A member's tab on a page of the office, after the real sign-in form."""
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(url)
    return page


async def write(frame: Frame, text: str) -> None:
    """The visitor writes and sends."""
    await frame.get_by_role("textbox").fill(text)
    await frame.get_by_role("textbox").press("Enter")


def said(frame: Frame, kind: str) -> Locator:
    """What the chat shows of a side: `mine`, `bot` or `human`."""
    return frame.locator(f".log .{kind} .bubble")


async def thread(street: Street) -> list[dict[str, Any]]:
    """author and text of every message of the company, in order."""
    async with db.step(street.company.tenant_id) as session:
        return await db.rows(session, "SELECT author, text FROM messages ORDER BY conversation_id, number")
