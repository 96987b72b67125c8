"""What every page needs: templates, who is looking, CSRF, flash, replies to htmx, error pages, headers."""

import functools
import hmac
import json
import secrets as random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import jinja2
import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from savdo.accounts import access
from savdo.accounts.models import Action, Member
from savdo.ai import standing
from savdo.base import secrets, texts
from savdo.base.db import Session, first, rows
from savdo.base.errors import Forbidden, NotFound, NotSignedIn, RateLimited, SavdoError
from savdo.base.settings import settings
from savdo.operations import watching
from savdo.web import format as show

HERE = Path(__file__).parent
BUILT = HERE / "assets" / "built"
LOGIN, OTHERS, GUEST, FLASH, LANGUAGE = "savdo_login", "savdo_others", "savdo_guest", "savdo_flash", "savdo_language"
NAMES = {"uz": "Oʻzbekcha", "ru": "Русский", "kk": "Қазақша", "en": "English"}
# Every page's menu: where, its icon, its word, and who may.
MENU = (
    ("/inbox", "inbox", "shell.inbox", "read"), ("/knowledge", "book-open", "shell.knowledge", "read"),
    ("/try", "play", "shell.try", "teach"), ("/persona", "bot", "persona.title", "configure"),
    ("/setup", "settings", "shell.setup", "configure"),
)  # fmt: skip
MONTH = 30 * 86_400
CODED = ("/api", "/widget", "/hooks", "/health", "/metrics")
POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {frames}"
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Actor:
    """The member who is looking, and in which language and theme they see it."""

    member: Member
    cookie: str

    @property
    def tenant_id(self):  # a UUID, as in Member
        return self.member.tenant_id

    @property
    def language(self) -> str:
        return self.member.language

    @property
    def note(self) -> str:
        """How the audit calls them."""
        return f"member:{self.member.id}"


async def _actor(request: Request) -> Actor:
    cookie = request.cookies.get(LOGIN, "")
    member = await access.signed_in(cookie) if cookie else None
    if member is None:
        raise NotSignedIn
    request.state.member = member
    if request.method not in {"GET", "HEAD"}:
        await guard(request)
    return Actor(member, cookie)


def allowed(action: Action) -> Callable[..., Awaitable[Actor]]:
    """A dependency: the signed-in member, when their role may do `action`. Raises NotSignedIn, Forbidden."""

    async def check(actor: Annotated[Actor, Depends(_actor)]) -> Actor:
        if not actor.member.may(action):
            raise Forbidden
        return actor

    return check


Reader = Annotated[Actor, Depends(allowed("read"))]
Answerer = Annotated[Actor, Depends(allowed("answer"))]
Teacher = Annotated[Actor, Depends(allowed("teach"))]
Configurer = Annotated[Actor, Depends(allowed("configure"))]


class ForeignForm(Forbidden):
    """This form came from somewhere else or is too old; reload the page and send it again."""

    code = "foreign_form"


async def guard(request: Request) -> None:
    """Raises ForeignForm unless the request was made by a page of ours."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "")
    if site not in {"same-origin", "none"} or (origin and urlsplit(origin).netloc != request.headers.get("host")):
        raise ForeignForm
    given = request.headers.get("x-csrf-token") or ""
    if not given and "form" in request.headers.get("content-type", ""):
        given = str((await request.form()).get("csrf", ""))
    expected = csrf_token(request)
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise ForeignForm


def csrf_token(request: Request) -> str:
    """Bound to the sign-in, or before there is one to a random cookie."""
    bound = request.cookies.get(LOGIN) or request.cookies.get(GUEST) or getattr(request.state, "guest", "")
    return hmac.new(secrets.derived_key("csrf"), bound.encode(), "sha256").hexdigest() if bound else ""


def language_of(request: Request) -> str:
    member: Member | None = getattr(request.state, "member", None)
    if member is not None:
        return member.language
    chosen = request.cookies.get(LANGUAGE, "")
    return chosen if chosen in texts.LANGUAGES else texts.preferred(request.headers.get("accept-language", ""))


def render(request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> Response:
    """A page, or the part of one that htmx asked for."""
    flash = "" if is_htmx(request) else request.cookies.get(FLASH, "")
    if not request.cookies.get(LOGIN) and not request.cookies.get(GUEST):
        request.state.guest = random.token_urlsafe(18)
    html = environment().get_template(template).render(**context(request), flash=flash if texts.has(flash) else "", **values)
    response = HTMLResponse(html, status_code=status, headers={"cache-control": "no-store", "vary": "HX-Request", **(headers or {})})
    if flash:
        response.delete_cookie(FLASH)
    if guest := getattr(request.state, "guest", ""):
        set_cookie(response, GUEST, guest, request)
    return response


def context(request: Request) -> dict[str, Any]:
    """What every template may use: `t`, formatting in the reader's language, who they are, the nonce."""
    member: Member | None = getattr(request.state, "member", None)
    language, zone = language_of(request), getattr(request.state, "timezone", "")
    return {
        "t": functools.partial(_text, language), "language": language, "member": member, "nonce": request.state.nonce,
        "menu": MENU, "theme": member.theme if member else "auto", "csrf": csrf_token(request), "path": request.url.path,
        "may": member.may if member else _nothing, "needs": getattr(request.state, "needs", ()),
        "counts": getattr(request.state, "counts", None), "has_others": bool(request.cookies.get(OTHERS)),
        "ago": functools.partial(show.ago, language=language, timezone=zone),
        "at": functools.partial(show.at, language=language, timezone=zone),
        "span": functools.partial(show.span, language=language, timezone=zone),
        "second": functools.partial(show.second, language=language, timezone=zone),
        "day": functools.partial(show.day, language=language, timezone=zone), "number": functools.partial(show.number, language=language),
        "date_of": functools.partial(show.date_of, language=language),
        "money": functools.partial(show.money, language=language), "size": functools.partial(show.size, language=language),
        "facts": functools.partial(show.facts, language=language), "note": functools.partial(show.note, language=language),
        "fault": functools.partial(show.fault, language=language),
    }  # fmt: skip


async def shell(request: Request, session: Session) -> None:
    """Reads what the frame around every page shows: the time zone and what needs the owner now."""
    row = await first(session, "SELECT status, profile->>'timezone' AS timezone FROM tenants")
    broken = await rows(
        session,
        """SELECT id, name, CASE WHEN status = 'reconnect' THEN 'shell.connection_lost'
                              WHEN problem = ANY(%s) THEN 'watching.needs_you' ELSE 'alerts.needs_you' END AS said
             FROM connections WHERE status = 'reconnect' OR (status = 'active' AND (problem IS NOT NULL OR alerts <> '{}'))
            ORDER BY status DESC, id LIMIT 3""",
        (list(watching.TEXTS),),
    )
    request.state.timezone = (row and row["timezone"]) or ""
    request.state.needs = [("shell.suspended", {}, "")] if row and row["status"] == "suspended" else []
    refused = await standing.refused_keys(session)
    request.state.needs += [
        ("shell.key_refused", {"provider": show.provider(one, language_of(request))}, "/setup/models") for one in refused
    ]
    request.state.needs += [(one["said"], {"name": one["name"]}, f"/setup/channels/{one['id']}") for one in broken]


def is_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def go(request: Request, address: str, *, flash: str = "") -> Response:
    """On to another page, with a word to show there once. `flash` is the key of a text."""
    response: Response = Response(headers={"hx-redirect": address}) if is_htmx(request) else RedirectResponse(address, status_code=303)
    if flash:
        set_cookie(response, FLASH, flash, request, age=60)
    return response


def set_cookie(response: Response, name: str, value: str, request: Request, *, age: int = MONTH) -> None:
    secure = request.url.scheme == "https" or settings().public_url.startswith("https:")
    response.set_cookie(name, value, max_age=age, httponly=True, samesite="lax", secure=secure, path="/")


def attached(name: str) -> str:
    """The content-disposition of a file that is saved, never opened here."""
    return f"attachment; filename*=UTF-8''{quote(name)}"


def asset(name: str) -> str:
    """The address of a built file; its name changes with its content."""
    return f"/static/{manifest().get(name, name)}"


@functools.cache
def manifest() -> Mapping[str, str]:
    path = BUILT / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else {}


@functools.cache
def environment() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["initials"] = show.initials
    found.filters["unbroken"] = show.unbroken
    own: dict[str, Any] = {"asset": asset, "names": NAMES, "has": texts.has}
    found.globals.update(own)
    parts = found.get_template("parts.html").module
    own.update({name: getattr(parts, name) for name in ("icon", "tag", "up", "road", "ask", "csrf_field", "preferences")})
    found.globals.update(own)
    return found


def install(app: FastAPI) -> None:
    """Headers on every answer, one shape for errors, the built files."""
    app.add_middleware(Headers)
    app.add_exception_handler(SavdoError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(Exception, _unknown)
    app.add_api_route("/static/{name}", static, methods=["GET"], include_in_schema=False)


async def static(name: str) -> Response:
    """A built file; hashed names never change, so browsers keep them for a year."""
    path = BUILT / name
    if path.parent != BUILT or not path.is_file():
        raise NotFound
    hashed = name in manifest().values()
    return FileResponse(path, headers={"cache-control": "public, max-age=31536000, immutable" if hashed else "no-cache"})


class Headers:
    """Security headers, unless the route set its own; and a nonce for each request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = random.token_urlsafe(12)
        scope.setdefault("state", {})["nonce"] = nonce

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                frames = "'self'" if scope["path"] == "/demo" else "'none'"
                headers.setdefault("content-security-policy", POLICY.format(nonce=nonce, frames=frames))
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("referrer-policy", "same-origin")
                headers.setdefault("permissions-policy", "camera=(), geolocation=(), payment=()")
                if scope["scheme"] == "https":
                    headers.setdefault("strict-transport-security", "max-age=31536000")
            await send(message)

        await self.app(scope, receive, with_headers)


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, SavdoError)
    if error.status >= 500:
        log.warning("request failed", code=error.code, path=request.url.path)
    headers = {"retry-after": str(max(1, round(error.retry_after)))} if isinstance(error, RateLimited) else {}
    return failed(request, error.status, error.code, error.message, field=error.field, headers=headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "error")
    return failed(request, error.status_code, code, str(error.detail), headers=error.headers)


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()[0]
    place = ".".join(str(part) for part in found["loc"][1:])
    # An address with something else than an id in it leads nowhere; a form with a wrong value is a wrong form.
    if found["loc"][0] == "path":
        return failed(request, 404, "not_found", "Not found.")
    return failed(request, 422, "invalid", f"{place}: {found['msg']}", field=place)


async def _unknown(request: Request, error: Exception) -> Response:
    log.error("request broke", path=request.url.path, error=type(error).__name__, exc_info=error)
    # This answer is made outside of our own middleware.
    policy = {"content-security-policy": POLICY.format(nonce=request.state.nonce, frames="'none'"), "x-content-type-options": "nosniff"}
    return failed(request, 500, "error", "Something went wrong.", headers=policy)


def failed(
    request: Request, status: int, code: str, message: str, *, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An error as JSON for scripts, as a toast for htmx, as a page for people."""
    if request.url.path.startswith(CODED):
        body: dict[str, Any] = {"code": code, "message": message}
        if field:
            body["fields"] = {field: message}
        if retry := (headers or {}).get("retry-after"):
            body["retry_after"] = int(retry)
        return JSONResponse({"error": body}, status_code=status, headers=dict(headers or {}))
    if status == HTTPStatus.UNAUTHORIZED:
        wanted = request.url.path if request.method == "GET" else "/inbox"
        return go(request, f"/sign-in?next={quote(wanted)}")
    language = language_of(request)
    text = next((texts.t(key, language) for key in (f"error.{code}", f"error.s{status}") if texts.has(key)), message)
    if is_htmx(request) or request.headers.get("accept", "").startswith("application/json"):
        told = {"hx-trigger": json.dumps({"toast": {"text": text, "kind": "error"}}), "hx-reswap": "none"}
        return JSONResponse({"error": {"code": code, "message": text}}, status_code=status, headers={**told, **(headers or {})})
    return render(request, "error.html", status=status, headers=headers, code=status, text=text)


def _text(language: str, key: str, **values: Any) -> str:
    return texts.t(key, language, **values)


def _nothing(_action: Action) -> bool:
    return False
