"""Set-up: the web chat on the company's site."""

import json
import re
import secrets as random
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from savdo import audit
from savdo.base import clock, secrets, texts
from savdo.base.db import Session, first, step
from savdo.base.errors import Invalid
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.models import Connection
from savdo.channels.web_chat import ORIGIN
from savdo.web import page, widget_frame
from savdo.web.page import Configurer
from savdo.web.pages import conduct

PRECHAT = ("name", "phone", "email")
LOCALES = ("auto", *texts.LANGUAGES)
# Texts the form asks for in each language, and how long each may be.
WORDS = {"welcome": 300, "launcher": 40, "consent": 500}

router = APIRouter(include_in_schema=False)


@router.get("/setup/website")
async def setup(request: Request, actor: Configurer) -> Response:
    return await _page(request, actor)


@router.post("/setup/widget")
async def save_widget(request: Request, actor: Configurer) -> Response:
    form = await _typed(request)
    try:
        async with step(actor.tenant_id) as session:
            connection = await _web_chat(session, actor)
            await connections.save_settings(session, connection.id, _changed(connection.settings, form))
            await audit.note(session, actor.tenant_id, actor.note, "widget.changed", str(connection.id))
    except Invalid as wrong:
        return await _page(request, actor, typed=form, wrong=wrong.field or "", status=422)
    return page.go(request, "/setup/website", flash="setup.saved")


@router.post("/setup/widget/draft")
async def draft(request: Request, actor: Configurer, locale: Annotated[str, Query(max_length=35)] = "auto") -> Response:
    """What a visitor would be shown if the form were saved as it is now; nothing is stored."""
    # Which sites may show it is not to be seen, and an address that is half typed would be refused.
    form = await _typed(request) | {"origins": ""}
    async with step(actor.tenant_id) as session:
        saved = await _web_chat(session, actor)
        tenant = await first(session, "SELECT profile FROM tenants")
    shown = replace(saved, settings=_changed(saved.settings, form))
    profile = tenant["profile"] if tenant else {}
    return JSONResponse(widget_frame.public_settings(shown, profile, widget_frame.language_for(shown, locale), clock.now()))


@router.post("/setup/secret")
async def rotate_secret(request: Request, actor: Configurer) -> Response:
    """A new secret; the one before goes on working until the next, so that the site can change without a gap."""
    async with step(actor.tenant_id) as session:
        connection = await _web_chat(session, actor)
        old = connection.credentials.get("identity_secret", "")
        fresh = {"identity_secret": random.token_urlsafe(32), **({"identity_secret_old": old} if old else {})}
        await session.execute(
            "UPDATE connections SET credentials = %s WHERE id = %s", (secrets.seal(json.dumps(fresh).encode()), connection.id)
        )
        await audit.note(session, actor.tenant_id, actor.note, "widget.secret_renewed", str(connection.id))
    return page.go(request, "/setup/website#identity", flash="setup.secret_new")


@router.post("/setup/secret/show")
async def show_secret(request: Request, actor: Configurer) -> Response:
    async with step(actor.tenant_id) as session:
        connection = await _web_chat(session, actor)
        await audit.note(session, actor.tenant_id, actor.note, "widget.secret_shown", str(connection.id))
    return await _page(request, actor, secret=connection.credentials.get("identity_secret", ""))


async def _page(request: Request, actor: page.Actor, *, typed: dict[str, str] | None = None, status: int = 200, **values: Any) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        widget = await _web_chat(session, actor)
        does = await conduct.shown(session, widget.channel, widget.settings)
    base = settings().public_url.rstrip("/") or str(request.base_url).rstrip("/")
    snippet = f'<script async src="{base}/widget/v1/loader.js" data-key="{widget.key}" data-locale="auto"></script>'
    defaults: dict[str, Any] = {"wrong": "", "secret": "", **does}
    return page.render(
        request, "setup/website.html", status=status, widget=widget, form={**_form(widget), **(typed or {})}, snippet=snippet,
        has_secret=bool(widget.credentials.get("identity_secret")),
        prechat=PRECHAT, locales=LOCALES, words=WORDS, **{**defaults, **values},
    )  # fmt: skip


async def _web_chat(session: Session, actor: page.Actor) -> Connection:
    row = await first(session, "SELECT id FROM connections WHERE channel = 'web_chat' AND status <> 'off' ORDER BY id LIMIT 1")
    if row is None:
        return await connections.create(session, actor.tenant_id, "web_chat", "Website")
    return await connections.by_id(session, row["id"])


async def _typed(request: Request) -> dict[str, str]:
    return {name: str(value).strip() for name, value in (await request.form()).items()}


def _form(widget: Connection) -> dict[str, str]:
    """The settings as the form's fields hold them."""
    chosen = widget.settings
    prechat: dict[str, Any] = chosen.get("prechat") or {}
    fields = {one["name"]: "required" if one.get("required") else "optional" for one in prechat.get("fields") or ()}
    found = {
        "colour": chosen.get("colour") or "#0f766e", "position": chosen.get("position") or "right", "theme": chosen.get("theme") or "auto",
        "name": chosen.get("name") or "", "bot_name": chosen.get("bot_name") or "", "origins": "\n".join(chosen.get("origins") or ()),
        "locale": chosen.get("locale") or "auto", "version": prechat.get("version") or "",
        "require_identity": "on" if chosen.get("require_identity") else "", "show_hours": "on" if chosen.get("show_hours") else "",
        **{f"prechat_{name}": fields.get(name, "") for name in PRECHAT},
    }  # fmt: skip
    for language in texts.LANGUAGES:
        for name, of in (("welcome", chosen), ("launcher", chosen), ("consent", prechat)):
            found[f"{name}_{language}"] = (of.get(name) or {}).get(language, "")
        found[f"starters_{language}"] = "\n".join((chosen.get("starters") or {}).get(language, ()))
    return found


def _changed(kept: Mapping[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """The settings with the form's fields in them; what it does not show stays. Raises Invalid naming the field."""
    origins = [one.strip().lower().rstrip("/") for one in form.get("origins", "").split() if one.strip()][:50]
    if any(not ORIGIN.fullmatch(one) for one in origins):
        raise Invalid("Write each address as https://shop.example", field="origins")
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", form.get("colour", "")):
        raise Invalid("A colour looks like #0f766e.", field="colour")
    return {
        **kept,
        "colour": form["colour"].lower(), "origins": origins, "name": form.get("name", "")[:80], "bot_name": form.get("bot_name", "")[:40],
        "position": "left" if form.get("position") == "left" else "right",
        "theme": form["theme"] if form.get("theme") in ("light", "dark") else "auto",
        "locale": form["locale"] if form.get("locale") in LOCALES else "auto",
        "require_identity": form.get("require_identity") == "on", "show_hours": form.get("show_hours") == "on",
        "prechat": _prechat(kept.get("prechat") or {}, form),
        "welcome": _words(form, "welcome"), "launcher": _words(form, "launcher"),
        "starters": {one: lines for one in texts.LANGUAGES if (lines := _lines(form.get(f"starters_{one}", "")))},
    }  # fmt: skip


def _prechat(kept: dict[str, Any], form: dict[str, str]) -> dict[str, Any] | None:
    fields = [{"name": name, "required": form[f"prechat_{name}"] == "required"} for name in PRECHAT if form.get(f"prechat_{name}")]
    asked = {**kept, "fields": fields, "consent": _words(form, "consent"), "version": form.get("version", "")[:40]}
    return {name: value for name, value in asked.items() if value} or None


def _words(form: dict[str, str], name: str) -> dict[str, str]:
    return {one: text[: WORDS[name]] for one in texts.LANGUAGES if (text := form.get(f"{name}_{one}", ""))}


def _lines(text: str) -> list[str]:
    return [line.strip()[:80] for line in text.splitlines() if line.strip()][:6]
