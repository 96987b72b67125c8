"""Set-up: the web chat on the company's site, and Telegram."""

import contextlib
import json
import re
import secrets as random
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from savdo import audit
from savdo.base import secrets, texts
from savdo.base.db import Session, first, new_id, rows, step
from savdo.base.errors import Invalid, NotFound, SavdoError
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.models import Connection, channel
from savdo.channels.web_chat import ORIGIN
from savdo.web import page
from savdo.web.page import Configurer

TELEGRAM_TOKEN = re.compile(r"\d{5,20}:[A-Za-z0-9_-]{30,60}")
PRECHAT = ("name", "phone", "email")

router = APIRouter(include_in_schema=False)


@router.get("/setup")
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
    return page.go(request, "/setup", flash="setup.saved")


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
    return page.go(request, "/setup#identity", flash="setup.secret_new")


@router.post("/setup/secret/show")
async def show_secret(request: Request, actor: Configurer) -> Response:
    async with step(actor.tenant_id) as session:
        connection = await _web_chat(session, actor)
        await audit.note(session, actor.tenant_id, actor.note, "widget.secret_shown", str(connection.id))
    return await _page(request, actor, secret=connection.credentials.get("identity_secret", ""))


@router.post("/setup/telegram")
async def connect_telegram(request: Request, actor: Configurer, token: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Asks Telegram who the bot is before anything is kept."""
    token = token.strip()
    try:
        name = await _checked(actor, token)
    except SavdoError as error:
        language = actor.language
        key = f"error.{error.code}"
        problem = texts.t(key, language) if texts.has(key) else error.message
        return await _page(request, actor, telegram_problem=problem, status=422)
    async with step(actor.tenant_id) as session:
        credentials = {"token": token, "secret": random.token_urlsafe(32)}
        connection = await connections.create(session, actor.tenant_id, "telegram_bot", name, credentials=credentials)
        await audit.note(session, actor.tenant_id, actor.note, "connection.added", str(connection.id), {"channel": "telegram_bot"})
    await _subscribe(connection)
    return page.go(request, "/setup#telegram", flash="setup.connected")


@router.post("/setup/telegram/{connection_id}/disconnect")
async def disconnect_telegram(request: Request, actor: Configurer, connection_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        connection = await connections.by_id(session, connection_id)
        if connection.channel != "telegram_bot":
            raise NotFound
        await connections.mark(session, connection_id, "off")
        await audit.note(session, actor.tenant_id, actor.note, "connection.off", str(connection_id))
    # Switched off here is what counts: whatever Telegram still delivers finds no connection.
    with contextlib.suppress(SavdoError):
        await channel("telegram_bot").subscribe(connection, "")
    return page.go(request, "/setup#telegram", flash="setup.disconnected")


async def _page(request: Request, actor: page.Actor, *, typed: dict[str, str] | None = None, status: int = 200, **values: Any) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        widget = await _web_chat(session, actor)
        bots = await rows(
            session,
            """SELECT id, name, status, problem, last_event_at FROM connections
                WHERE channel = 'telegram_bot' AND status <> 'off' ORDER BY id""",
        )
    base = settings().public_url.rstrip("/") or str(request.base_url).rstrip("/")
    snippet = f'<script async src="{base}/widget/v1/loader.js" data-key="{widget.key}" data-locale="auto"></script>'
    defaults: dict[str, Any] = {"wrong": "", "telegram_problem": "", "secret": ""}
    return page.render(
        request, "setup/page.html", status=status, widget=widget, form={**_form(widget), **(typed or {})}, snippet=snippet,
        bots=bots,
        has_secret=bool(widget.credentials.get("identity_secret")),
        prechat=PRECHAT, polling=not settings().public_url, **{**defaults, **values},
    )  # fmt: skip


async def _web_chat(session: Session, actor: page.Actor) -> Connection:
    row = await first(session, "SELECT id FROM connections WHERE channel = 'web_chat' AND status <> 'off' ORDER BY id LIMIT 1")
    if row is None:
        return await connections.create(session, actor.tenant_id, "web_chat", "Website")
    return await connections.by_id(session, row["id"])


async def _checked(actor: page.Actor, token: str) -> str:
    """How Telegram calls the bot. Raises Invalid, Disconnected, Unavailable."""
    if not TELEGRAM_TOKEN.fullmatch(token):
        raise WrongToken
    candidate = Connection(actor.tenant_id, new_id(), "telegram_bot", "", "", {"token": token, "secret": ""}, {}, "active")
    return (await channel("telegram_bot").check(candidate)).name


async def _subscribe(connection: Connection) -> None:
    # Without a public address the messages are asked for instead.
    hook = f"{settings().public_url.rstrip('/')}/hooks/telegram_bot/{connection.key}" if settings().public_url else ""
    try:
        await channel("telegram_bot").subscribe(connection, hook)
    except SavdoError as error:
        async with step(connection.tenant_id) as session:
            await connections.mark(session, connection.id, "reconnect", error.message)


class WrongToken(Invalid):
    """This is not a bot token; it looks like 123456789:AA…, from @BotFather."""

    code = "wrong_token"


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
