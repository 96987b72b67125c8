"""Connecting a page in Messenger or an account on Instagram by logging in at Meta: begin, come back, choose.

A login is one member's, for one use and a quarter of an hour. Its tokens are sealed while the member chooses, and gone
with the choice. Source: the fact sheet on Meta's login and webhooks.
"""

import json
import secrets as random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from savdo import audit
from savdo.base import clock, secrets
from savdo.base.db import first, step
from savdo.base.errors import Invalid, NotFound
from savdo.base.settings import settings
from savdo.channels import connections, instagram_login, meta_connecting, meta_graph, meta_login
from savdo.channels.errors import MissingPermission
from savdo.channels.meta_webhooks import NoMetaApp
from savdo.channels.models import Checked, Connection, channel

# Our page that Meta sends a member back to; it stands in the app's settings too.
BACK = "/setup/meta"
LASTS = timedelta(minutes=15)
KINDS = ("messenger", "instagram")
ANSWERS = ("", "privately", "publicly")


class LoginOver(Invalid):
    """This login was used already, is another member's, or took too long; begin again."""

    code = "login_over"


class NothingAllowed(Invalid):
    """Nothing was allowed, so nothing was connected."""

    code = "nothing_allowed"


class NothingToConnect(NotFound):
    """There is no page to connect; choose at least one in the dialog, and one that you may manage."""

    code = "nothing_to_connect"


@dataclass(frozen=True, slots=True)
class Offer:
    """A page or an account the member may connect, and its token. `linked` is the page that leads an account; one with no
    `account` cannot be connected here, because the page leads none. `user` is the member's id at Meta, for this app."""

    account: str
    name: str
    token: str = field(default="", repr=False)
    linked: str = ""
    seconds: int = 0
    permissions: tuple[str, ...] = ()
    user: str = ""


async def begin(tenant_id: UUID, member_id: UUID, kind: str, *, by_page: bool = True) -> str:
    """Where to send the member: Facebook's dialog, or with `by_page` false Instagram's own. Raises NoMetaApp where the
    operator has entered no app, and NotFound for another kind."""
    chosen = settings()
    if kind not in KINDS or (kind == "messenger" and not by_page):
        raise NotFound
    known = (chosen.meta_app_id, chosen.meta_app_secret) if by_page else (chosen.instagram_app_id, chosen.instagram_app_secret)
    if not (known[0] and known[1].get_secret_value()):
        raise NoMetaApp
    state = random.token_urlsafe(32)
    async with step(tenant_id) as session:
        await session.execute("DELETE FROM logins_at_meta WHERE expires_at < now()")
        await session.execute(
            """INSERT INTO logins_at_meta (tenant_id, state_hash, member_id, channel, by_page, expires_at)
               VALUES (%s, %s, %s, %s, %s, now() + %s)""",
            (tenant_id, secrets.token_hash(state), member_id, kind, by_page, LASTS),
        )
    return meta_login.dialog(kind, state, _back()) if by_page else instagram_login.dialog(state, _back())


async def arrive(tenant_id: UUID, member_id: UUID, query: Mapping[str, str]) -> list[Offer]:
    """The member is back, with what Meta put into the address: what they may connect now, by `choose` with the same state.

    Raises LoginOver, NothingAllowed, NothingToConnect, MissingPermission naming what is missing, and what Meta's refusals
    mean. A state counts once, whatever comes of it.
    """
    state = secrets.token_hash(query.get("state", ""))
    async with step(tenant_id) as session:
        row = await first(
            session,
            """UPDATE logins_at_meta SET used_at = now() WHERE state_hash = %s AND member_id = %s AND used_at IS NULL
                  AND expires_at > now() RETURNING channel, by_page""",
            (state, member_id),
        )
    if row is None:
        raise LoginOver
    if query.get("error") or not query.get("code"):
        raise NothingAllowed
    offers = await _offers(row["channel"], query["code"]) if row["by_page"] else [await _own_account(query["code"])]
    if not offers:
        raise NothingToConnect
    async with step(tenant_id) as session:
        found = json.dumps([asdict(one) for one in offers]).encode()
        await session.execute("UPDATE logins_at_meta SET found = %s WHERE state_hash = %s", (secrets.seal(found), state))
    return offers


async def choose(tenant_id: UUID, member_id: UUID, by: str, state: str, account: str) -> tuple[Connection, Checked]:
    """Connects what the member chose; one of this company's that was connected before gets its new token.

    Raises LoginOver, NothingToConnect, and as `meta_connecting.connect` does; then another choice may be tried.
    """
    async with step(tenant_id) as session:
        row = await first(
            session,
            """SELECT channel, found FROM logins_at_meta
                WHERE state_hash = %s AND member_id = %s AND found IS NOT NULL AND expires_at > now()""",
            (secrets.token_hash(state), member_id),
        )
    if row is None:
        raise LoginOver
    offers = [_offer(one) for one in json.loads(secrets.open_sealed(row["found"]))]
    offer = next((one for one in offers if account and one.account == account), None)
    if offer is None:
        raise NothingToConnect
    made, checked = await _connected(tenant_id, by, row["channel"], offer)
    async with step(tenant_id) as session:
        await session.execute("DELETE FROM logins_at_meta WHERE state_hash = %s", (secrets.token_hash(state),))
    return made, checked


async def answer_comments(tenant_id: UUID, by: str, connection_id: UUID, how: str) -> None:
    """Whether comments are answered: "" for not, `privately` to their author, `publicly` below them.

    Raises NotFound, Invalid, MissingPermission, and what Meta's refusals mean; then nothing was changed.
    """
    async with step(tenant_id) as session:
        connection = await meta_connecting.own(session, connection_id)
    if how not in ANSWERS or connection.channel not in KINDS:
        raise Invalid("Comments are answered privately, publicly or not at all.")
    tried = replace(connection, settings={**connection.settings, "comments": how})
    if how:
        await channel(connection.channel).check(tried)
        await meta_connecting.deliver(tried)
    async with step(tenant_id) as session:
        await connections.save_settings(session, connection_id, tried.settings)
        await audit.note(session, tenant_id, by, "connection.changed", str(connection_id), {"comments": how})


async def _connected(tenant_id: UUID, by: str, kind: str, offer: Offer) -> tuple[Connection, Checked]:
    credentials = {"token": offer.token} | ({"permissions": ",".join(offer.permissions)} if offer.permissions else {})
    chosen = {"page_id": offer.linked, "business_id": offer.linked, "token_expires_at": _end(offer.seconds), "connected_by": offer.user}
    if offer.seconds:
        chosen["token_given_at"] = clock.now().isoformat()
    try:
        return await meta_connecting.connect(tenant_id, by, kind, offer.account, credentials, chosen)
    except meta_connecting.AccountHere:
        async with step(tenant_id) as session:
            row = await first(
                session, "SELECT id FROM connections WHERE channel = %s AND account = %s AND status <> 'off'", (kind, offer.account)
            )
            if row is None:
                raise
            known = await connections.by_id(session, row["id"])
            await connections.save_settings(session, known.id, {**known.settings, **chosen})
        return known, await meta_connecting.renew(tenant_id, by, known.id, credentials)


async def _offers(kind: str, code: str) -> list[Offer]:
    token = await meta_login.token_of(code, _back())
    # Asked before the choice, so that the member hears of it while the dialog is still in their mind.
    granted = await meta_graph.permit_of(token.value, meta_login.SERVICE)
    if missing := meta_login.missing(kind, tuple(granted.scopes)):
        raise MissingPermission(f"Log in again and allow also: {', '.join(missing)}.")
    return [replace(_of_page(kind, page), user=granted.user_id) for page in await meta_login.pages(token) if page.access_token]


def _of_page(kind: str, page: meta_login.Page) -> Offer:
    leads = page.instagram_business_account
    if kind == "messenger":
        return Offer(page.id, page.name, page.access_token, page.id)
    if leads is None:
        return Offer("", page.name, linked=page.id)
    return Offer(leads.id, f"@{leads.username}" if leads.username else page.name, page.access_token, page.id)


async def _own_account(code: str) -> Offer:
    token = await instagram_login.token_of(code, _back())
    missing = sorted(set(instagram_login.OWN_PERMISSIONS) - set(token.permissions)) if token.permissions else []
    if missing:
        raise MissingPermission(f"Log in again and allow also: {', '.join(missing)}.")
    found = await instagram_login.account(token.value)
    return Offer(found.user_id or found.id, f"@{found.username}", token.value, "", token.seconds, token.permissions, found.id)


def _offer(one: Mapping[str, Any]) -> Offer:
    return replace(Offer(**one), permissions=tuple(one["permissions"]))


def _end(seconds: int) -> str:
    return (clock.now() + timedelta(seconds=seconds)).isoformat() if seconds else ""


def _back() -> str:
    return (settings().public_url.rstrip("/") or f"http://{settings().host}:{settings().port}") + BACK
