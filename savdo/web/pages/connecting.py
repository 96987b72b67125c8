"""Connecting a road to customers: a token that is pasted, a login at Meta, a phone with its code, a number's ids,
or a code that the phone scans."""

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from savdo.base import texts
from savdo.base.db import step
from savdo.base.errors import NotFound, SavdoError
from savdo.base.settings import settings
from savdo.channels import (
    meta_connecting,
    page_connecting,
    telegram_connecting,
    telegram_login,
    telegram_polling,
    waha_api,
    waha_connecting,
)
from savdo.web import page
from savdo.web.page import Configurer

# BotFather's whole message fits, and so do Meta's tokens.
LONGEST_PASTE = 1000
# In the order of the page: by which form a kind is connected (setup/by_….html).
WAYS: Final[Mapping[str, str]] = {
    "telegram_bot": "token", "telegram_business": "token", "telegram_userbot": "phone", "whatsapp_cloud": "number",
    "waha": "server", "instagram": "login", "messenger": "login",
}  # fmt: skip
# Whose words a refusal is said in; Meta's where nothing stands here.
PLACES: Final[Mapping[str, str]] = {
    **dict.fromkeys((*telegram_connecting.KINDS, telegram_login.KIND), "telegram"), waha_connecting.KIND: "waha",
}  # fmt: skip
RISKS: Final[Mapping[str, tuple[str, ...]]] = {
    "phone": telegram_login.RISK, "server": ("waha.risk_title", "waha.risk_terms", "waha.risk_bulk", "waha.risk_official"),
}  # fmt: skip
PERMISSION = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")

router = APIRouter(include_in_schema=False)


def offered() -> dict[str, bool]:
    """Every kind that may be connected, and whether the operator has set up what it needs."""
    return {kind: any(_ways(kind).values()) for kind in WAYS}


@router.get("/setup/connect/{kind}")
async def connect(request: Request, actor: Configurer, kind: str, again: UUID | None = None) -> Response:
    typed = {"again": str(again or "")}
    if again and kind == waha_connecting.KIND:
        known = (await waha_connecting.look(actor.tenant_id, again)).settings
        typed |= {"server": str(known["api_base"]), "session": str(known["session"])}
    return await _form(request, actor, kind, typed=typed)


@router.post("/setup/telegram")
async def connect_bot(
    request: Request,
    actor: Configurer,
    token: Annotated[str, Form(max_length=LONGEST_PASTE)] = "",
    kind: Annotated[str, Form()] = "telegram_bot",
) -> Response:
    """Asks Telegram who the bot is before anything is kept."""
    if kind not in telegram_connecting.KINDS:
        raise NotFound
    try:
        made = await telegram_connecting.connect(actor.tenant_id, actor.note, token, kind)
    except SavdoError as error:
        return await _form(request, actor, kind, error=error)
    return _done(request, made.id)


@router.post("/setup/whatsapp")
async def connect_number(
    request: Request,
    actor: Configurer,
    number_id: Annotated[str, Form(max_length=40)] = "",
    business_id: Annotated[str, Form(max_length=40)] = "",
    token: Annotated[str, Form(max_length=LONGEST_PASTE)] = "",
) -> Response:
    typed = {"number_id": number_id.strip(), "business_id": business_id.strip()}
    try:
        made, _ = await meta_connecting.connect(
            actor.tenant_id,
            actor.note,
            "whatsapp_cloud",
            typed["number_id"],
            {"token": token.strip()},
            {"business_id": typed["business_id"]},
        )
    except SavdoError as error:
        return await _form(request, actor, "whatsapp_cloud", typed=typed, error=error)
    return _done(request, made.id)


@router.post("/setup/login/{kind}")
async def log_in(request: Request, actor: Configurer, kind: str, own: Annotated[bool, Form()] = False) -> Response:
    """Off to Meta's dialog; `own` is Instagram's, for an account that no page leads."""
    try:
        return page.go(request, await page_connecting.begin(actor.tenant_id, actor.member.id, kind, by_page=not own))
    except NotFound:
        raise
    except SavdoError as error:
        return await _form(request, actor, kind, error=error)


@router.get(page_connecting.BACK)
async def back(request: Request, actor: Configurer) -> Response:
    """The member is back from Meta."""
    query = request.query_params
    try:
        offers = await page_connecting.arrive(actor.tenant_id, actor.member.id, query)
    except SavdoError as error:
        return await _ended(request, actor, error)
    return await _shown(request, actor, "setup/choose.html", offers=offers, state=query.get("state", ""))


@router.post(page_connecting.BACK)
async def choose(
    request: Request, actor: Configurer, state: Annotated[str, Form(max_length=200)] = "", account: Annotated[str, Form(max_length=64)] = ""
) -> Response:
    try:
        made, _ = await page_connecting.choose(actor.tenant_id, actor.member.id, actor.note, state, account)
    except SavdoError as error:
        return await _ended(request, actor, error)
    return _done(request, made.id)


@router.post("/setup/phone")
async def begin(
    request: Request,
    actor: Configurer,
    phone: Annotated[str, Form(max_length=40)] = "",
    accepted: Annotated[bool, Form()] = False,
    again: Annotated[str, Form(max_length=36)] = "",
) -> Response:
    """Has Telegram send a code to the account, after its owner has read what may happen to it."""
    try:
        login = await telegram_login.begin(
            actor.tenant_id, actor.note, phone, accepted=accepted, again=UUID(again) if len(again) == 36 else None
        )
    except NotFound:
        raise
    except SavdoError as error:
        typed = {"phone": phone, "accepted": "on" if accepted else "", "again": again}
        return await _form(request, actor, telegram_login.KIND, typed=typed, error=error)
    return page.go(request, f"/setup/phone/{login.id}")


@router.get("/setup/phone/{login_id}")
async def asked(request: Request, actor: Configurer, login_id: UUID) -> Response:
    return await _login(request, actor, login_id)


@router.post("/setup/phone/{login_id}")
async def answer(
    request: Request,
    actor: Configurer,
    login_id: UUID,
    code: Annotated[str, Form(max_length=40)] = "",
    password: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """The code, or the account's own password."""
    try:
        if password:
            login = await telegram_login.enter_password(actor.tenant_id, actor.note, login_id, password)
        else:
            login = await telegram_login.enter_code(actor.tenant_id, actor.note, login_id, code)
    except SavdoError as error:
        return await _login(request, actor, login_id, error)
    return _done(request, login.connection.id) if login.connection else page.go(request, f"/setup/phone/{login_id}")


@router.post("/setup/phone/{login_id}/cancel")
async def cancel(request: Request, actor: Configurer, login_id: UUID) -> Response:
    await telegram_login.cancel(actor.tenant_id, login_id)
    return page.go(request, "/setup")


@router.post("/setup/waha")
async def connect_server(
    request: Request,
    actor: Configurer,
    server: Annotated[str, Form(max_length=300)] = "",
    session: Annotated[str, Form(max_length=64)] = "",
    key: Annotated[str, Form(max_length=LONGEST_PASTE)] = "",
    accepted: Annotated[bool, Form()] = False,
    again: Annotated[str, Form(max_length=36)] = "",
) -> Response:
    """A company's own WAHA server; its code is scanned on the next page."""
    try:
        if not accepted:
            raise telegram_login.NotAccepted
        made = await waha_connecting.connect(actor.tenant_id, actor.note, server, session, key, UUID(again) if len(again) == 36 else None)
    except SavdoError as error:
        typed = {"server": server, "session": session, "accepted": "on" if accepted else "", "again": again}
        return await _form(request, actor, waha_connecting.KIND, typed=typed, error=error)
    return page.go(request, f"/setup/waha/{made.id}")


@router.get("/setup/waha/{connection_id}")
async def scan(request: Request, actor: Configurer, connection_id: UUID) -> Response:
    """The code to scan; its part of the page asks for the next one by itself."""
    return await _code(request, actor, connection_id)


@router.post("/setup/waha/{connection_id}")
async def pair(request: Request, actor: Configurer, connection_id: UUID, phone: Annotated[str, Form(max_length=40)] = "") -> Response:
    """A code to type into the phone, for whoever cannot scan."""
    try:
        typed = await waha_connecting.pairing_code(actor.tenant_id, connection_id, phone)
    except NotFound:
        raise
    except SavdoError as error:
        return await _code(request, actor, connection_id, phone=phone, wrong=refusal(actor, waha_connecting.KIND, error))
    return await _code(request, actor, connection_id, phone=phone, typed=typed)


def leaving(request: Request) -> dict[str, str]:
    """The page's policy, with the dialogs that its form leads to: browsers look at where a form is sent on to."""
    dialogs = {f"{parts.scheme}://{parts.netloc}" for one in _dialogs() if (parts := urlsplit(one)).netloc}
    policy = page.POLICY.format(nonce=request.state.nonce, frames="'none'")
    return {"content-security-policy": policy.replace("form-action 'self'", " ".join(("form-action 'self'", *sorted(dialogs))))}


def refusal(actor: page.Actor, kind: str, error: SavdoError) -> str:
    """Why something could not be connected, in the reader's words."""
    if missing := permissions(error.message) if error.code == "missing_permission" else "":
        return texts.t("channels.missing", actor.language, names=missing)
    if isinstance(error, page_connecting.LoginOver):
        return texts.t("channels.login_over", actor.language)
    if error.code == "no_meta_app":
        return texts.t("channels.not_ready", actor.language)
    known = (f"channels.at_{PLACES.get(kind, 'meta')}_{error.code}", f"error.{error.code}")
    key = next((one for one in known if texts.has(one)), "")
    return texts.t(key, actor.language) if key else error.message


def status_of(error: SavdoError) -> int:
    # A bot that is no longer ours is a wrong field of this form, and not a person who is not signed in.
    return error.status if error.status in (409, 429, 503) else 422


def permissions(said: str) -> str:
    """The names of Meta's permissions in a sentence."""
    return ", ".join(dict.fromkeys(PERMISSION.findall(said)))


async def _form(
    request: Request, actor: page.Actor, kind: str, *, typed: Mapping[str, str] | None = None, error: SavdoError | None = None
) -> Response:
    """The page that connects a kind, with what was typed and why it did not work."""
    if kind not in WAYS:
        raise NotFound
    known = {**dict.fromkeys(("again", "phone", "accepted", "number_id", "business_id", "server", "session"), ""), **(typed or {})}
    return await _shown(
        request, actor, "setup/connect.html", kind=kind, way=WAYS[kind], ways=_ways(kind), form=known, risk=RISKS.get(WAYS[kind], ()),
        problem=refusal(actor, kind, error) if error else "", code=error.code if error else "",
        polling=kind in telegram_connecting.KINDS and telegram_polling.needed(settings().public_url),
        status=status_of(error) if error else 200, headers=leaving(request),
    )  # fmt: skip


async def _login(request: Request, actor: page.Actor, login_id: UUID, error: SavdoError | None = None) -> Response:
    """Where a login by phone stands; one that has ended leads back to its beginning."""
    problem = refusal(actor, telegram_login.KIND, error) if error else ""
    try:
        login = await telegram_login.look(actor.tenant_id, login_id)
    except telegram_login.LoginOver as over:
        return await _form(request, actor, telegram_login.KIND, error=error or over)
    return await _shown(request, actor, "setup/phone.html", login=login, problem=problem, status=status_of(error) if error else 200)


async def _code(request: Request, actor: page.Actor, connection_id: UUID, *, phone: str = "", wrong: str = "", typed: str = "") -> Response:
    """The page of the code, or the part of it that changes; on to the connection's own page once the phone has scanned it."""
    found, problem = waha_api.Code("UNKNOWN"), ""
    try:
        found = await waha_connecting.code(actor.tenant_id, connection_id)
    except NotFound:
        raise
    except SavdoError as error:
        problem = refusal(actor, waha_connecting.KIND, error)
    if found.status == "WORKING":
        return _done(request, connection_id)
    picture = f"data:image/png;base64,{base64.b64encode(found.picture).decode()}" if found.picture else ""
    template = "setup/code.html" if page.is_htmx(request) else "setup/scan.html"
    return await _shown(
        request, actor, template, one=connection_id, code=found, picture=picture, problem=problem, phone=phone, wrong=wrong, typed=typed,
        status=422 if wrong else 200,
    )  # fmt: skip


async def _ended(request: Request, actor: page.Actor, error: SavdoError) -> Response:
    return await _shown(request, actor, "setup/ended.html", problem=refusal(actor, "messenger", error), status=status_of(error))


async def _shown(request: Request, actor: page.Actor, template: str, **values: Any) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
    return page.render(request, template, **values)


def _done(request: Request, connection_id: UUID) -> Response:
    return page.go(request, f"/setup/channels/{connection_id}?made=1", flash="setup.connected")


def _ways(kind: str) -> dict[str, bool]:
    """The ways to connect a kind, and whether the operator has set up what each needs."""
    chosen = settings()
    meta = bool(chosen.meta_app_id and chosen.meta_app_secret.get_secret_value())
    own = bool(chosen.instagram_app_id and chosen.instagram_app_secret.get_secret_value())
    match WAYS[kind]:
        case "phone":
            return {"phone": bool(chosen.telegram_app_id)}
        case "number":
            return {"number": bool(chosen.meta_app_secret.get_secret_value())}
        case "server":
            return {"server": bool(chosen.public_url)}
        case "login":
            return {"page": meta, "own": own and kind == "instagram"}
        case _:
            return {"token": True}


def _dialogs() -> tuple[str, str]:
    return settings().meta_dialog_url, settings().instagram_dialog_url
