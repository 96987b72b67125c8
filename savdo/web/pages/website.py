"""Set-up: the web chat on the company's site."""

import json
import re
import secrets as random
from typing import Any

from fastapi import APIRouter, Request, Response

from savdo import audit
from savdo.base import secrets, texts
from savdo.base.db import Session, first, step
from savdo.base.errors import Invalid
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.models import Connection
from savdo.channels.web_chat import ORIGIN
from savdo.web import page
from savdo.web.page import Configurer
from savdo.web.pages import conduct

PRECHAT = ("name", "phone", "email")

router = APIRouter(include_in_schema=False)


@router.get("/setup/website")
async def setup(request: Request, actor: Configurer) -> Response:
    return await _page(request, actor)


@router.post("/setup/widget")
async def save_widget(request: Request, actor: Configurer) -> Response:
    form = {name: str(value).strip() for name, value in (await request.form()).items()}
    try:
        chosen = _chosen(form)
    except Invalid as wrong:
        return await _page(request, actor, typed=form, wrong=wrong.field or "", status=422)
    async with step(actor.tenant_id) as session:
        connection = await _web_chat(session, actor)
        await connections.save_settings(session, connection.id, {**connection.settings, **chosen})
        await audit.note(session, actor.tenant_id, actor.note, "widget.changed", str(connection.id))
    return page.go(request, "/setup/website", flash="setup.saved")


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
        prechat=PRECHAT, **{**defaults, **values},
    )  # fmt: skip


async def _web_chat(session: Session, actor: page.Actor) -> Connection:
    row = await first(session, "SELECT id FROM connections WHERE channel = 'web_chat' AND status <> 'off' ORDER BY id LIMIT 1")
    if row is None:
        return await connections.create(session, actor.tenant_id, "web_chat", "Website")
    return await connections.by_id(session, row["id"])


def _form(widget: Connection) -> dict[str, str]:
    """The settings as the form's fields hold them."""
    chosen = widget.settings
    fields = {one["name"]: "required" if one.get("required") else "optional" for one in (chosen.get("prechat") or {}).get("fields", ())}
    found = {
        "colour": chosen.get("colour") or "#0f766e", "position": chosen.get("position") or "right", "theme": chosen.get("theme") or "auto",
        "name": chosen.get("name") or "", "bot_name": chosen.get("bot_name") or "", "origins": "\n".join(chosen.get("origins") or ()),
        "require_identity": "on" if chosen.get("require_identity") else "", "show_hours": "on" if chosen.get("show_hours") else "",
        **{f"prechat_{name}": fields.get(name, "") for name in PRECHAT},
    }  # fmt: skip
    for language in texts.LANGUAGES:
        found[f"welcome_{language}"] = (chosen.get("welcome") or {}).get(language, "")
        found[f"starters_{language}"] = "\n".join((chosen.get("starters") or {}).get(language, ()))
    return found


def _chosen(form: dict[str, str]) -> dict[str, Any]:
    """The form's fields as settings. Raises Invalid naming the field."""
    origins = [one.strip().lower().rstrip("/") for one in form.get("origins", "").split() if one.strip()][:50]
    if any(not ORIGIN.fullmatch(one) for one in origins):
        raise Invalid("Write each address as https://shop.example", field="origins")
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", form.get("colour", "")):
        raise Invalid("A colour looks like #0f766e.", field="colour")
    fields = [{"name": name, "required": form[f"prechat_{name}"] == "required"} for name in PRECHAT if form.get(f"prechat_{name}")]
    return {
        "colour": form["colour"].lower(), "origins": origins, "name": form.get("name", "")[:80], "bot_name": form.get("bot_name", "")[:40],
        "position": "left" if form.get("position") == "left" else "right",
        "theme": form["theme"] if form.get("theme") in ("light", "dark") else "auto",
        "require_identity": form.get("require_identity") == "on", "show_hours": form.get("show_hours") == "on",
        "prechat": {"fields": fields} if fields else None,
        "welcome": {one: text[:300] for one in texts.LANGUAGES if (text := form.get(f"welcome_{one}", ""))},
        "starters": {one: lines for one in texts.LANGUAGES if (lines := _lines(form.get(f"starters_{one}", "")))},
    }  # fmt: skip


def _lines(text: str) -> list[str]:
    return [line.strip()[:80] for line in text.splitlines() if line.strip()][:6]
