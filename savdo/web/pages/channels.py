"""Set-up: the roads to customers, how each is doing, what it does by itself, and letting it go."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, LiteralString
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from psycopg.rows import DictRow

from savdo import audit
from savdo.base import texts
from savdo.base.db import Session, first, rows, step
from savdo.base.errors import NotFound, SavdoError
from savdo.base.settings import settings
from savdo.channels import (
    alerts,
    connections,
    meta_connecting,
    page_connecting,
    telegram_connecting,
    telegram_health,
    telegram_login,
    telegram_polling,
    waha_connecting,
)
from savdo.channels.models import Connection, channel
from savdo.operations import watching
from savdo.web import format as show
from savdo.web import page
from savdo.web.page import Configurer
from savdo.web.pages import conduct, connecting

# How a company's place at another company is called in a browser, where it has such an address.
LINKS: Final[Mapping[str, str]] = {
    "telegram_bot": "https://t.me/{handle}", "telegram_business": "https://t.me/{handle}", "telegram_userbot": "https://t.me/{handle}",
    "instagram": "https://ig.me/m/{handle}", "messenger": "https://m.me/{account}", "waha": "https://wa.me/{account}",
}  # fmt: skip
# How Meta begins whatever it says of a token that counts no more.
ENDED = "Error validating access token"
_LISTED: LiteralString = """
  SELECT n.id, n.channel, n.name, n.account, n.status, n.problem, n.alerts, n.settings, n.state, n.created_at,
         (SELECT count(*) FROM conversations c WHERE c.tenant_id = n.tenant_id AND c.connection_id = n.id) AS conversations,
         greatest(n.last_event_at, (SELECT max(last_inbound_at) FROM conversations c
                                     WHERE c.tenant_id = n.tenant_id AND c.connection_id = n.id)) AS heard_at
    FROM connections n WHERE n.status <> 'off' AND n.channel <> 'sandbox'"""

router = APIRouter(include_in_schema=False)


@router.get("/setup")
async def overview(request: Request, actor: Configurer) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        found = await rows(session, _LISTED + " ORDER BY n.channel = 'web_chat' DESC, n.status DESC, n.id")
    return page.render(request, "setup/channels.html", channels=[_told(actor, one) for one in found], kinds=connecting.offered())


@router.get("/setup/channels/{connection_id}")
async def one(request: Request, actor: Configurer, connection_id: UUID, made: bool = False) -> Response:
    return await _page(request, actor, connection_id, made=made)


@router.get("/setup/channels/{connection_id}/check")
async def check(request: Request, actor: Configurer, connection_id: UUID) -> Response:
    """Asks the other company how the connection is; what its owner should know, or that all is well."""
    async with step(actor.tenant_id) as session:
        connection = await connections.by_id(session, connection_id)
    problem, notes = "", list[str]()
    try:
        found = (await channel(connection.channel).check(connection)).warnings
        notes = [_words(actor, connection.channel, one) for one in found]
    except SavdoError as error:
        problem = connecting.refusal(actor, connection.channel, error)
    return page.render(request, "setup/checked.html", problem=problem, notes=notes)


@router.post("/setup/channels/{connection_id}")
async def change(request: Request, actor: Configurer, connection_id: UUID) -> Response:
    """What the road does by itself from now on."""
    form = await request.form()
    async with step(actor.tenant_id) as session:
        connection = await connections.by_id(session, connection_id)
    if connection.channel == "sandbox" or connection.status == "off":
        raise NotFound
    comments = str(form.get("comments", ""))
    if connection.channel in page_connecting.KINDS and comments != str(connection.settings.get("comments") or ""):
        try:
            await page_connecting.answer_comments(actor.tenant_id, actor.note, connection_id, comments)
        except SavdoError as error:
            problem = connecting.refusal(actor, connection.channel, error)
            return await _page(request, actor, connection_id, comments_problem=problem, status=connecting.status_of(error))
    async with step(actor.tenant_id) as session:
        await conduct.change(session, actor, connection_id, form)
    home = "/setup/website" if connection.channel == "web_chat" else f"/setup/channels/{connection_id}"
    return page.go(request, home, flash="setup.saved")


@router.post("/setup/channels/{connection_id}/token")
async def renew(
    request: Request, actor: Configurer, connection_id: UUID, token: Annotated[str, Form(max_length=connecting.LONGEST_PASTE)] = ""
) -> Response:
    """A new token for the same bot or number."""
    async with step(actor.tenant_id) as session:
        connection = await _own(session, connection_id)
    try:
        if connection.channel in telegram_connecting.KINDS:
            await telegram_connecting.renew(actor.tenant_id, actor.note, connection_id, token)
        elif connection.channel == "whatsapp_cloud":
            await meta_connecting.renew(actor.tenant_id, actor.note, connection_id, {"token": token.strip()})
        else:
            raise NotFound
    except NotFound:
        raise
    except SavdoError as error:
        problem = connecting.refusal(actor, connection.channel, error)
        return await _page(request, actor, connection_id, token_problem=problem, status=connecting.status_of(error))
    return page.go(request, f"/setup/channels/{connection_id}?made=1", flash="setup.connected")


@router.post("/setup/channels/{connection_id}/seen")
async def seen(request: Request, actor: Configurer, connection_id: UUID) -> Response:
    """What another company told of the connection is seen to."""
    async with step(actor.tenant_id) as session:
        await _own(session, connection_id)
        await session.execute("UPDATE connections SET alerts = '{}' WHERE id = %s", (connection_id,))
        await audit.note(session, actor.tenant_id, actor.note, "connection.alerts_seen", str(connection_id))
    return page.go(request, f"/setup/channels/{connection_id}")


@router.post("/setup/channels/{connection_id}/disconnect")
async def disconnect(request: Request, actor: Configurer, connection_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        kind = (await _own(session, connection_id)).channel
    ends = (
        telegram_login.disconnect if kind == telegram_login.KIND
        else telegram_connecting.disconnect if kind in telegram_connecting.KINDS
        else waha_connecting.disconnect if kind == waha_connecting.KIND
        else meta_connecting.disconnect
    )  # fmt: skip
    await ends(actor.tenant_id, actor.note, connection_id)
    return page.go(request, "/setup", flash="setup.disconnected")


async def _page(request: Request, actor: page.Actor, connection_id: UUID, *, status: int = 200, **values: Any) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        row = await first(session, _LISTED + " AND n.channel <> 'web_chat' AND n.id = %s", (connection_id,))
        if row is None:
            raise NotFound
        does = await conduct.shown(session, row["channel"], row["settings"])
    defaults = {**does, "made": False, "token_problem": ""}
    return page.render(
        request, "setup/channel.html", status=status, one=_told(actor, row), road=connecting.WAYS.get(row["channel"], ""),
        polling=row["channel"] in telegram_connecting.KINDS and telegram_polling.needed(settings().public_url),
        health=(row["state"] or {}).get("health"), watch=_watched(row), headers=connecting.leaving(request), **{**defaults, **values},
    )  # fmt: skip


async def _own(session: Session, connection_id: UUID) -> Connection:
    """A connection that is shown here. Raises NotFound."""
    row = await first(session, _LISTED + " AND n.channel <> 'web_chat' AND n.id = %s", (connection_id,))
    if row is None:
        raise NotFound
    return await connections.by_id(session, connection_id)


def _told(actor: page.Actor, row: DictRow) -> DictRow:
    """A connection as the page shows it: its state, its problem in the reader's words, its address."""
    state = "lost" if row["status"] == "reconnect" else "attention" if row["problem"] or row["alerts"] else "working"
    handle = row["name"].removeprefix("@") if row["name"].startswith("@") else ""
    link = LINKS.get(row["channel"], "").format(handle=handle, account=row["account"])
    problem = _words(actor, row["channel"], row["problem"] or "") if state == "lost" or row["problem"] else ""
    told = [_alert(actor, kind, one["words"]) for kind, one in row["alerts"].items()]
    # Connecting it again is no answer to everything that may be told.
    mends = bool(problem) or alerts.ENDING in row["alerts"]
    return {**row, "standing": state, "problem": problem, "alerts": told, "mends": mends, "link": "" if link.endswith("/") else link}


def _alert(actor: page.Actor, kind: str, words: str) -> str:
    """What another company says of a connection, in the reader's words as far as there are any."""
    if key := telegram_health.TEXTS.get(words):
        return texts.t(key, actor.language)
    words = show.date_of(date.fromisoformat(words), actor.language) if kind == alerts.ENDING else words
    kind, _, about = kind.partition(":")
    return texts.t(f"alerts.{kind}", actor.language, words=words, about=about)


def _watched(row: DictRow) -> watching.Watch | None:
    """What the last look at a connection found."""
    found = (row["state"] or {}).get("watch")
    return watching.WATCH.validate_python(found) if found else None


def _words(actor: page.Actor, kind: str, said: str) -> str:
    """What stands in the row, which is for the log, as it is said to the owner."""
    known = waha_connecting.TEXTS if kind == waha_connecting.KIND else telegram_health.TEXTS
    if key := known.get(said) or watching.TEXTS.get(said):
        return texts.t(key, actor.language)
    if missing := connecting.permissions(said):
        return texts.t("channels.missing", actor.language, names=missing)
    if not said or kind not in telegram_connecting.KINDS:
        lost = "setup.problem_token" if kind in telegram_connecting.KINDS else "channels.problem_login"
        ended = not said or said.endswith("connect it again.") or ENDED in said
        return texts.t(lost, actor.language) if ended else _quoted(actor, said)
    return _quoted(actor, said)


def _quoted(actor: page.Actor, said: str) -> str:
    return texts.t("channels.problem_other", actor.language, words=said)
