"""Connecting a personal Telegram account step by step: phone, code, and the account's password where it has one.

Between the steps the half-open session is kept sealed, because a code counts only where it was asked for. Nothing becomes
a connection before Telegram has let us in.
"""

import contextlib
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import phonenumbers
from psycopg.errors import UniqueViolation

from savdo import audit
from savdo.base import limits, secrets
from savdo.base.db import Session, first, new_id, step
from savdo.base.errors import Conflict, Invalid, NotFound, SavdoError
from savdo.base.settings import settings
from savdo.channels import connections, telegram_held, telegram_relay
from savdo.channels.models import Connection
from savdo.channels.telegram_held import CodeExpired, Me, PasswordNeeded, UserbotClient, WrongCode, WrongPassword, WrongPhone
from savdo.channels.telegram_userbot import TelegramUserbot

KIND = TelegramUserbot.kind
# What the owner is told before anything is asked, by language (savdo/web/texts/telegram.toml).
RISK = ("telegram.risk_title", "telegram.risk_account", "telegram.risk_terms", "telegram.risk_session", "telegram.risk_bot")
LIVES = timedelta(minutes=15)
TRIES = 3
# Codes that one company may ask for in an hour; Telegram itself refuses soon after.
CODES_AN_HOUR = 5


class NotAccepted(Invalid):
    """Read what may happen to a personal account, and confirm it first."""

    code = "risk_not_accepted"


class NoApp(SavdoError):
    """Personal accounts are not set up on this server: its operator adds an app of my.telegram.org."""

    status = 503
    code = "no_telegram_app"


class LoginOver(NotFound):
    """This login has ended; begin again with the phone number."""

    code = "login_over"


class AccountTaken(Conflict):
    """This account is connected to another company here; disconnect it there first."""

    code = "account_taken"


class OtherAccount(Invalid):
    """This is another account than the one that is to be connected again."""

    code = "other_account"


@dataclass(frozen=True, slots=True)
class Login:
    """Where a login stands: `code` and `password` say what is asked for next, `ready` that `connection` is there.
    `phone` is shown with its middle hidden; `tries` are the wrong answers that are still allowed."""

    id: UUID
    step: Literal["code", "password", "ready"]
    phone: str
    tries: int = TRIES
    connection: Connection | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A login between two steps. `named` names the code; `again` is the connection that is to go on, "" for a new one."""

    phone: str
    session: str
    named: str
    step: Literal["code", "password"]
    again: str = ""
    tries: int = TRIES


async def begin(tenant_id: UUID, by: str, phone: str, *, accepted: bool, again: UUID | None = None) -> Login:
    """Has Telegram send a code. `accepted`: the risk was shown and confirmed; `again`: the connection that was logged out.

    Raises NotAccepted, NoApp, NotInstalled, WrongPhone, RateLimited, Busy with Telegram's own wait, AccountLost.
    """
    if not accepted:
        raise NotAccepted
    if not settings().telegram_app_id:
        raise NoApp
    number = _number(phone)
    await limits.take(None, f"telegram-code:{tenant_id}", limit=CODES_AN_HOUR, per_seconds=3600)
    async with step(tenant_id) as session:
        if again is not None:
            await _own(session, again)
    async with _client("") as client:
        named = await client.ask_code(number)
        state = State(number, client.saved(), named, "code", str(again or ""))
    login_id = new_id()
    async with step(tenant_id) as session:
        await session.execute("DELETE FROM userbot_logins WHERE expires_at < now()")
        await session.execute(
            "INSERT INTO userbot_logins (tenant_id, id, state, expires_at) VALUES (%s, %s, %s, now() + %s)",
            (tenant_id, login_id, _sealed(state), LIVES),
        )
        await audit.note(session, tenant_id, by, "userbot.risk_accepted", str(login_id), {"channel": KIND})
    return _shown(login_id, state)


async def look(tenant_id: UUID, login_id: UUID) -> Login:
    """Where a login stands, for a page that is opened again. Raises LoginOver."""
    return _shown(login_id, await _state(tenant_id, login_id))


async def enter_code(tenant_id: UUID, by: str, login_id: UUID, code: str) -> Login:
    """Raises LoginOver, WrongCode, CodeExpired (then the login is over), Busy, AccountTaken, OtherAccount."""
    state = await _state(tenant_id, login_id)
    if state.step != "code":
        return _shown(login_id, state)
    digits = "".join(one for one in code if one.isdigit())
    async with _client(state.session) as client:
        try:
            if not digits:
                raise WrongCode
            await client.enter_code(state.phone, digits, state.named)
        except PasswordNeeded:
            return await _kept(tenant_id, login_id, replace(state, session=client.saved(), step="password", tries=TRIES))
        except (WrongCode, CodeExpired) as error:
            await _wrong(tenant_id, login_id, state, over=isinstance(error, CodeExpired))
            raise
        return await _ready(tenant_id, by, login_id, state, client)


async def enter_password(tenant_id: UUID, by: str, login_id: UUID, password: str) -> Login:
    """Raises LoginOver, WrongPassword, Busy, AccountTaken, OtherAccount."""
    state = await _state(tenant_id, login_id)
    if state.step != "password":
        return _shown(login_id, state)
    async with _client(state.session) as client:
        try:
            await client.enter_password(password)
        except WrongPassword:
            await _wrong(tenant_id, login_id, state)
            raise
        return await _ready(tenant_id, by, login_id, state, client)


async def cancel(tenant_id: UUID, login_id: UUID) -> None:
    """Forgets a login that was begun."""
    async with step(tenant_id) as session:
        await session.execute("DELETE FROM userbot_logins WHERE id = %s", (login_id,))


async def disconnect(tenant_id: UUID, by: str, connection_id: UUID) -> None:
    """Logs out at Telegram and forgets the session; what was said is kept. Raises NotFound."""
    async with step(tenant_id) as session:
        connection = await _own(session, connection_id)
        if connection.status == "off":
            return
        leased = await first(session, "SELECT 1 FROM userbot_leases WHERE connection_id = %s AND until > now()", (connection_id,))
    # Switched off here is what counts: a session that Telegram keeps stands in its list of devices.
    with contextlib.suppress(SavdoError):
        if leased is not None:
            await telegram_relay.ask(connection, "log_out", {})
        elif connection.credentials.get("session"):
            async with _client(connection.credentials["session"]) as client:
                await client.log_out()
    async with step(tenant_id) as session:
        await connections.forget(session, connection_id)
        await audit.note(session, tenant_id, by, "connection.off", str(connection_id), {"channel": KIND})


@asynccontextmanager
async def _client(saved: str) -> AsyncGenerator[UserbotClient]:
    client = telegram_held.client(saved)
    try:
        await client.connect()
        yield client
    finally:
        await client.close()


async def _ready(tenant_id: UUID, by: str, login_id: UUID, state: State, client: UserbotClient) -> Login:
    me = await client.me()
    try:
        connection = await _made(tenant_id, by, login_id, state, me, client.saved())
    except (AccountTaken, OtherAccount):
        # A session that nobody uses would only stand in the account's list of devices.
        with contextlib.suppress(SavdoError):
            await client.log_out()
        await cancel(tenant_id, login_id)
        raise
    return Login(login_id, "ready", _hidden(state.phone), connection=connection)


async def _made(tenant_id: UUID, by: str, login_id: UUID, state: State, me: Me, saved: str) -> Connection:
    name = f"@{me.username}" if me.username else me.name
    try:
        async with step(tenant_id) as session:
            known = await first(
                session,
                "SELECT id FROM connections WHERE channel = %s AND account = %s ORDER BY id DESC LIMIT 1 FOR UPDATE",
                (KIND, str(me.id)),
            )
            if state.again and (known is None or str(known["id"]) != state.again):
                raise OtherAccount
            if known is None:
                known = {"id": (await connections.create(session, tenant_id, KIND, name, account=str(me.id))).id}
            await session.execute("UPDATE connections SET name = %s WHERE id = %s", (name, known["id"]))
            await connections.save_credentials(session, known["id"], {"session": saved})
            await session.execute("DELETE FROM userbot_logins WHERE id = %s", (login_id,))
            await audit.note(session, tenant_id, by, "connection.added", str(known["id"]), {"channel": KIND})
            return await connections.by_id(session, known["id"])
    except UniqueViolation:
        raise AccountTaken from None


async def _state(tenant_id: UUID, login_id: UUID) -> State:
    async with step(tenant_id) as session:
        row = await first(session, "SELECT state FROM userbot_logins WHERE id = %s AND expires_at > now()", (login_id,))
    if row is None:
        raise LoginOver
    return State(**json.loads(secrets.open_sealed(row["state"])))


async def _kept(tenant_id: UUID, login_id: UUID, state: State) -> Login:
    async with step(tenant_id) as session:
        await session.execute("UPDATE userbot_logins SET state = %s WHERE id = %s", (_sealed(state), login_id))
    return _shown(login_id, state)


async def _wrong(tenant_id: UUID, login_id: UUID, state: State, *, over: bool = False) -> None:
    """Counts a wrong answer; after the last one the login is over."""
    if over or state.tries <= 1:
        await cancel(tenant_id, login_id)
    else:
        await _kept(tenant_id, login_id, replace(state, tries=state.tries - 1))


async def _own(session: Session, connection_id: UUID) -> Connection:
    row = await first(session, "SELECT id FROM connections WHERE id = %s AND channel = %s", (connection_id, KIND))
    if row is None:
        raise NotFound
    return await connections.by_id(session, connection_id)


def _number(phone: str) -> str:
    wrong = WrongPhone("Write the number with its country code, as +998 90 123 45 67.", field="phone")
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        raise wrong from None
    if not phonenumbers.is_possible_number(number):
        raise wrong
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _shown(login_id: UUID, state: State) -> Login:
    return Login(login_id, state.step, _hidden(state.phone), state.tries)


def _hidden(phone: str) -> str:
    return f"{phone[:4]}…{phone[-2:]}"


def _sealed(state: State) -> bytes:
    told: dict[str, Any] = asdict(state)
    return secrets.seal(json.dumps(told).encode())
