"""Connecting a company's Telegram bot, giving it a new token, and letting it go; `kind` says whether it answers in its own
chats (`telegram_bot`) or for an account (`telegram_business`).

A bot belongs to one connection of the whole installation: two that read the same messages would each lose half of
them. Nothing is kept before Telegram has accepted the token and, where it delivers by itself, our address.
"""

import contextlib
import json
import re
import secrets as random
from dataclasses import dataclass, replace
from uuid import UUID

import psycopg
import structlog
from psycopg.errors import UniqueViolation

from savdo import audit
from savdo.base import secrets
from savdo.base.db import Session, first, new_id, platform_step, rows, step
from savdo.base.errors import Conflict, Invalid, NotFound, SavdoError
from savdo.base.settings import settings
from savdo.channels import connections, linked, telegram_polling
from savdo.channels.errors import Refused
from savdo.channels.models import Connection, channel
from savdo.channels.telegram_bot import TelegramBot
from savdo.channels.telegram_business import TelegramBusiness

KIND = TelegramBot.kind
KINDS = (TelegramBot.kind, TelegramBusiness.kind)
log = structlog.get_logger()
# Found in whatever was pasted with it: blanks, the "bot" of an address, the whole message of BotFather.
TOKEN = re.compile(r"(?<!\d)\d{5,20}:[A-Za-z0-9_-]{30,60}(?![A-Za-z0-9_-])")


class WrongToken(Invalid):
    """This is not a bot token; it looks like 123456789:AA…, from @BotFather."""

    code = "wrong_token"


class BotHere(Conflict):
    """This bot is already connected with this token."""

    code = "bot_here"


class BotTaken(Conflict):
    """This bot is connected to another company here; disconnect it there first."""

    code = "bot_taken"


class OtherBot(Invalid):
    """This is the token of another bot."""

    code = "other_bot"


class HookRefused(Invalid):
    """Telegram does not deliver to this server's public address."""

    code = "hook_refused"


@dataclass(frozen=True, slots=True)
class Known:
    """A connection of this company to the bot, and the status it has now; "" for one that is only just made."""

    connection: Connection
    status: str


def read_token(pasted: str) -> str:
    """The bot token in what somebody pasted. Raises WrongToken."""
    # Some chats break the long word over two lines.
    found = TOKEN.search(pasted) or TOKEN.search("".join(pasted.split()))
    if found is None:
        raise WrongToken
    return found[0]


async def connect(tenant_id: UUID, by: str, pasted: str, kind: str = KIND) -> Connection:
    """Connects the bot; one that was connected before goes on where it stopped, with its conversations.

    Raises WrongToken, BotHere, BotTaken, HookRefused, and what Telegram's refusals mean; then nothing was changed.
    """
    token = read_token(pasted)
    async with step(tenant_id) as session:
        known = await _known(session, _account(token), kind)
    if known is None or known.status == "off":
        await _free_elsewhere(tenant_id, _account(token), kind)
    return await _connected(tenant_id, by, token, known, kind)


async def renew(tenant_id: UUID, by: str, connection_id: UUID, pasted: str) -> Connection:
    """A new token for the same bot. Raises NotFound, OtherBot, and as `connect` does."""
    token = read_token(pasted)
    async with step(tenant_id) as session:
        connection, account = await _own(session, connection_id)
    if account != _account(token):
        raise OtherBot
    return await _connected(tenant_id, by, token, Known(connection, connection.status), connection.channel)


async def disconnect(tenant_id: UUID, by: str, connection_id: UUID) -> None:
    """Ends the deliveries and forgets the token; what was said is kept. Raises NotFound."""
    async with step(tenant_id) as session:
        connection, _ = await _own(session, connection_id)
        if connection.status == "off":
            return
        await session.execute(
            "UPDATE connections SET status = 'off', problem = NULL, credentials = %s WHERE id = %s", (_sealed({}), connection_id)
        )
        await audit.note(session, tenant_id, by, "connection.off", str(connection_id), {"channel": connection.channel})
    # Switched off here is what counts: whatever Telegram still delivers finds no connection.
    with contextlib.suppress(SavdoError):
        await channel(connection.channel).subscribe(connection, "")


async def subscribe_all() -> None:
    """Has Telegram deliver every active bot to this address: it may have been connected where there was none yet."""
    try:
        async with platform_step("telegram webhooks after a start") as session:
            found = await rows(
                session, "SELECT tenant_id, id FROM connections WHERE channel = ANY(%s) AND status = 'active'", (list(KINDS),)
            )
    except (SavdoError, psycopg.Error) as error:
        # Nothing is lost: whatever has no delivery is found within minutes, and asked for again.
        log.warning("telegram webhooks not set", error=type(error).__name__)
        return
    for row in found:
        try:
            async with step(row["tenant_id"]) as session:
                connection = await connections.by_id(session, row["id"])
            await _subscribed(connection)
        except SavdoError as error:
            # One bot's trouble is not the others'; its own page shows that nothing comes.
            log.warning("telegram webhook not set", connection_id=str(row["id"]), code=error.code)


async def _connected(tenant_id: UUID, by: str, token: str, known: Known | None, kind: str) -> Connection:
    if known and known.status == "active" and known.connection.credentials.get("token") == token:
        raise BotHere
    made_of = known.connection if known else Connection(tenant_id, new_id(), kind, "", "", {}, {}, "active")
    name = (await channel(kind).check(replace(made_of, credentials={"token": token, "secret": ""}))).name
    claimed = await _claimed(tenant_id, name, token, known, kind)
    # The secret stays while there is one: deliveries on their way still carry it.
    credentials = {"token": token, "secret": claimed.connection.credentials.get("secret") or random.token_urlsafe(32)}
    connection = replace(claimed.connection, name=name, credentials=credentials, status="active")
    try:
        await _subscribed(connection)
    except SavdoError:
        await _released(claimed)
        raise
    async with step(tenant_id) as session:
        await session.execute(
            "UPDATE connections SET name = %s, account = %s, credentials = %s, status = 'active', problem = %s WHERE id = %s",
            (name, _account(token), _sealed(credentials), _problem(connection), connection.id),
        )
        action = "connection.reconnected" if known else "connection.added"
        await audit.note(session, tenant_id, by, action, str(connection.id), {"channel": kind})
    return connection


async def _claimed(tenant_id: UUID, name: str, token: str, known: Known | None, kind: str) -> Known:
    """Makes the bot ours before Telegram is told our address, so that no other company's deliveries are taken away."""
    try:
        async with step(tenant_id) as session:
            if known is None:
                made = await connections.create(session, tenant_id, kind, name, account=_account(token), status="reconnect")
                return Known(made, "")
            await session.execute("UPDATE connections SET status = 'reconnect' WHERE id = %s AND status = 'off'", (known.connection.id,))
            return known
    except UniqueViolation:
        async with step(tenant_id) as session:
            mine = await _known(session, _account(token), kind)
        raise (BotHere if mine and mine.status != "off" else BotTaken) from None


async def _free_elsewhere(tenant_id: UUID, account: str, kind: str) -> None:
    """A bot has one road for its messages, whichever of the kinds it is. Raises BotHere, BotTaken."""
    async with platform_step("whether a bot works as another kind") as session:
        other = await first(
            session,
            "SELECT tenant_id FROM connections WHERE channel = ANY(%s) AND channel <> %s AND account = %s AND status <> 'off'",
            (list(KINDS), kind, account),
        )
    if other is not None:
        raise BotHere if other["tenant_id"] == tenant_id else BotTaken


def _problem(connection: Connection) -> str | None:
    """What still has to be done: a bot that answers for an account needs one."""
    return linked.problem(dict(connection.settings.get("accounts") or {})) if connection.channel == TelegramBusiness.kind else None


async def _released(claimed: Known) -> None:
    async with step(claimed.connection.tenant_id) as session:
        if claimed.status:
            await session.execute(
                "UPDATE connections SET status = %s WHERE id = %s AND status = 'reconnect'", (claimed.status, claimed.connection.id)
            )
        else:
            await session.execute("DELETE FROM connections WHERE id = %s", (claimed.connection.id,))


async def _subscribed(connection: Connection) -> None:
    # Without an address that Telegram can call, the messages are asked for instead.
    base = settings().public_url.rstrip("/")
    hook = "" if telegram_polling.needed(base) else f"{base}/hooks/{connection.channel}/{connection.key}"
    try:
        await channel(connection.channel).subscribe(connection, hook)
    except Refused as error:
        raise HookRefused(error.message) from None


async def _known(session: Session, account: str, kind: str) -> Known | None:
    row = await first(
        session,
        "SELECT id FROM connections WHERE channel = %s AND account = %s ORDER BY (status = 'off'), id DESC LIMIT 1",
        (kind, account),
    )
    if row is None:
        return None
    connection = await connections.by_id(session, row["id"])
    return Known(connection, connection.status)


async def _own(session: Session, connection_id: UUID) -> tuple[Connection, str]:
    row = await first(session, "SELECT account FROM connections WHERE id = %s AND channel = ANY(%s)", (connection_id, list(KINDS)))
    if row is None:
        raise NotFound
    connection = await connections.by_id(session, connection_id)
    return connection, row["account"] or _account(connection.credentials.get("token", ""))


def _account(token: str) -> str:
    """The bot's own id, which outlives its tokens."""
    return token.partition(":")[0]


def _sealed(credentials: dict[str, str]) -> bytes:
    return secrets.seal(json.dumps(credentials).encode())
