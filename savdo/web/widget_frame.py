"""What a site embeds: the loader, the window it opens, and the settings both are drawn from."""

import functools
import hashlib
import html
import json
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from savdo.base import clock
from savdo.base.db import first, step
from savdo.base.errors import Unavailable
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.models import Connection
from savdo.channels.web_chat import origins
from savdo.web import widget_colours
from savdo.web.widget_door import WidgetRoute, check_origin

WEB = Path(__file__).parent
BUILT = WEB / "assets" / "built" / "widget"
LANGUAGES = ("en", "ru", "uz", "kk")
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

router = APIRouter(route_class=WidgetRoute)


class NotBuilt(Unavailable):
    """The chat window has not been built; run `make assets`."""

    code = "not_built"


@router.get("/loader.js")
async def loader(request: Request) -> Response:
    return _asset(request, "loader.js", "public, max-age=300")


@router.get("/frame.js")
async def script(request: Request) -> Response:
    return _asset(request, "frame.js", "public, max-age=31536000, immutable")


@router.get("/frame.css")
async def style(request: Request) -> Response:
    return _asset(request, "frame.css", "public, max-age=31536000, immutable")


@router.get("/frame")
async def frame(key: str) -> HTMLResponse:
    connection = await connections.by_key(key, "web_chat")
    named = origins(connection)
    framers = " ".join(("'self'", *named)) if named else "*"
    policy = (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; script-src 'self'; style-src 'self'; "
        f"object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {framers}"
    )
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{html.escape(connection.name)}</title>
<link rel="stylesheet" href="/widget/v1/frame.css?v={_version("frame.css")}"></head>
<body data-key="{html.escape(key)}" data-origins="{html.escape(" ".join(named))}"><div id="chat"></div>
<script src="/widget/v1/frame.js?v={_version("frame.js")}" defer></script></body></html>"""
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "Cache-Control": "private, max-age=60"}
    return HTMLResponse(page, headers=headers | {"X-Content-Type-Options": "nosniff"})


@router.get("/config")
async def config(request: Request, key: str, locale: Annotated[str, Query(max_length=35)] = "auto") -> Response:
    connection = await connections.by_key(key, "web_chat")
    check_origin(request, connection)
    async with step(connection.tenant_id) as session:
        tenant = await first(session, "SELECT profile FROM tenants WHERE id = %s", (connection.tenant_id,))
    language = language_for(connection, locale, request.headers.get("accept-language", ""))
    content = public_settings(connection, tenant["profile"] if tenant else {}, language, clock.now())
    etag = f'"{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]}"'
    headers = {"ETag": etag, "Cache-Control": "public, max-age=60"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return JSONResponse(content, headers=headers)


def public_settings(connection: Connection, profile: dict[str, Any], language: str, now: datetime) -> dict[str, Any]:
    """What everybody may know of a connection, in one language."""
    chosen = connection.settings
    texts = dict(catalogue()[language])
    prechat: dict[str, Any] = chosen.get("prechat") or {}
    return {
        "name": chosen.get("name") or profile.get("name") or connection.name,
        "bot_name": chosen.get("bot_name") or texts["bot_name"],
        "locale": language,
        "locales": LANGUAGES,
        "colours": widget_colours.palette(str(chosen.get("colour") or "")),
        "position": chosen.get("position") if chosen.get("position") in ("left", "right") else "right",
        "theme": chosen.get("theme") if chosen.get("theme") in ("light", "dark") else "auto",
        "welcome": _own(chosen.get("welcome"), language) or texts["welcome"],
        "launcher": _own(chosen.get("launcher"), language) or "",
        "starters": list(_own(chosen.get("starters"), language) or ())[:6],
        "prechat": {
            "fields": prechat.get("fields") or [],
            "consent": _own(prechat.get("consent"), language),
            "version": prechat.get("version", ""),
        },
        "hours": opening(profile, now) if chosen.get("show_hours") else None,
        "features": {"uploads": True, "identity_required": bool(chosen.get("require_identity")), "upload_mb": settings().upload_mb},
        "texts": texts,
    }


def opening(profile: dict[str, Any], now: datetime) -> dict[str, Any] | None:
    """Whether people are at work, and else when they will be: {"open", "from": ISO time or None}; None without working hours."""
    hours: dict[str, Any] = profile.get("working_hours") or {}
    if not any(hours.values()):
        return None
    here = clock.local(profile, now)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    # From yesterday, whose hours may end tonight.
    for ahead in range(-1, 8):
        day = midnight + timedelta(days=ahead)
        span = hours.get(clock.WEEK[day.weekday()])
        if not span:
            continue
        starts, ends = (day + timedelta(hours=int(at[:2]), minutes=int(at[3:5])) for at in span)
        ends += timedelta(days=ends <= starts)
        if starts <= here < ends:
            return {"open": True, "from": None}
        if here < starts:
            return {"open": False, "from": starts.isoformat()}
    return {"open": False, "from": None}


@functools.cache
def catalogue() -> dict[str, dict[str, str]]:
    """The window's words by language."""
    entries = tomllib.loads((WEB / "texts" / "widget.toml").read_text())
    return {language: {name: entry[language] for name, entry in entries.items()} for language in LANGUAGES}


def _own(texts: Any, language: str) -> Any:
    if not isinstance(texts, dict):
        return texts
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), None)


def language_for(connection: Connection, wanted: str, accepted: str = "") -> str:
    # The loader always names one (the page's, or the browser's), so the company's own choice for everybody comes first.
    fixed = str(connection.settings.get("locale") or "auto")
    for one in (fixed, wanted, *accepted.split(",")):
        short = one.strip().lower().replace("_", "-").split("-")[0].split(";")[0]
        if short in LANGUAGES:
            return short
    return "en"


def _asset(request: Request, name: str, caching: str) -> Response:
    content, version = _read(name)
    etag = f'"{version}"'
    headers = {"ETag": etag, "Cache-Control": caching, "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "cross-origin"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=TYPES[Path(name).suffix], headers=headers)


def _version(name: str) -> str:
    return _read(name)[1]


def _read(name: str) -> tuple[bytes, str]:
    path = BUILT / name
    try:
        return _read_at(path, path.stat().st_mtime_ns)
    except OSError:
        raise NotBuilt from None


@functools.lru_cache(maxsize=8)
def _read_at(path: Path, _changed: int) -> tuple[bytes, str]:
    content = path.read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]
