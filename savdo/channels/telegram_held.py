"""A personal Telegram account that somebody speaks for: what its client must do, and the one who holds it.

An account is driven over one lasting connection, and a second one from elsewhere kills it for good. So one process holds
it (`telegram_sessions` sees to that), everything said through it goes through its `Held`, and whoever is in another
process reaches that by `elsewhere`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol
from uuid import UUID

from savdo.base.errors import Invalid, SavdoError
from savdo.base.settings import settings
from savdo.channels.errors import Busy, Disconnected, Refused, Stopped, Unreachable
from savdo.channels.models import Connection

# What speaks to Telegram, by the name in SAVDO_TELEGRAM_CLIENT; loaded when an account is used.
CLIENTS: dict[str, str] = {"telethon": "savdo.channels.telegram_userbot_client:Telethon"}
# One message a second is what an account may write without being noticed (the fact sheet).
PACE_S = 1.0
LIMITED = "Telegram limits this account for now; @SpamBot tells until when."

Event = Mapping[str, Any]


class LoggedOut(Disconnected):
    """This account was logged out of Savdo, in Telegram under Settings, Devices; connect it again."""

    code = "logged_out"


class UsedTwice(Disconnected):
    """This session was used from two places at once, and Telegram ended it; connect the account again."""

    code = "used_twice"


class AccountLost(Stopped):
    """Telegram has banned, deleted or frozen this account; its owner has to settle that in Telegram."""

    code = "account_lost"


class NeverWrote(Refused):
    """This person has not written to the account: it answers, and begins no conversation."""

    code = "never_wrote"


class NotInstalled(SavdoError):
    """Personal Telegram accounts need the extra `savdo[userbot]` on the server."""

    status = 503
    code = "not_installed"


class PasswordNeeded(SavdoError):
    """The account has a password of its own; enter it."""

    code = "password_needed"


class WrongPhone(Invalid):
    """Telegram does not know an account with this number."""

    code = "wrong_phone"


class WrongCode(Invalid):
    """This is not the code Telegram sent."""

    code = "wrong_code"


class CodeExpired(Invalid):
    """This code no longer counts; ask for a new one. Type it here and never send it in a chat, which spoils it."""

    code = "code_expired"


class WrongPassword(Invalid):
    """This is not the account's password."""

    code = "wrong_account_password"


@dataclass(frozen=True, slots=True)
class Peer:
    """A person as a call names them."""

    id: int
    access_hash: int


@dataclass(frozen=True, slots=True)
class Me:
    """The account itself."""

    id: int
    name: str
    username: str = ""


class UserbotClient(Protocol):
    """The few things we ask of Telegram in an account's name. Every method raises a `SavdoError` that carries its verdict:
    a wait is Busy, an ended session Disconnected, a broken connection Unreachable, or Uncertain when something was being sent."""

    async def connect(self) -> None: ...

    async def close(self) -> None: ...

    def saved(self) -> str:
        """The session, with which a later client goes on. Whoever has it has the account."""
        ...

    async def ask_code(self, phone: str) -> str:
        """Has Telegram send a code; returns what names it. Raises WrongPhone, AccountLost, Busy."""
        ...

    async def enter_code(self, phone: str, code: str, named: str) -> None:
        """Raises WrongCode, CodeExpired, PasswordNeeded, Busy."""
        ...

    async def enter_password(self, password: str) -> None:
        """Raises WrongPassword, Busy."""
        ...

    async def me(self) -> Me: ...

    async def log_out(self) -> None: ...

    def events(self) -> AsyncIterator[Event]:
        """What happens from `connect` on, in the shape of tests/payloads/telegram_userbot. Ends by raising."""
        ...

    async def newest(self) -> int:
        """The number of the newest private message, 0 for none."""
        ...

    async def missed(self, after: int) -> list[Event]:
        """Private messages with a greater number, oldest first, as they would have been told."""
        ...

    async def send_text(self, peer: Peer, html: str, reply_to: int) -> int: ...

    async def send_file(self, peer: Peer, kind: str, name: str, mime: str, content: bytes, html: str) -> int: ...

    async def download(self, peer: Peer, message_id: int, limit: int) -> bytes:
        """Raises TooLarge, Refused for a file that is gone."""
        ...

    async def read(self, peer: Peer, message_id: int) -> None: ...

    async def typing(self, peer: Peer) -> None: ...


def client(session: str, name: str = "") -> UserbotClient:
    """A client that goes on with a session, or begins a new one with "". Raises NotInstalled."""
    module, made = CLIENTS[name or settings().telegram_client].split(":")
    try:
        found: UserbotClient = getattr(import_module(module), made)(session)
    except ImportError:
        raise NotInstalled from None
    return found


class Held:
    """An account that this process speaks for: one message after the other at its pace, and none while Telegram asks for a wait.

    `peer` finds whom an id names, and whether they wrote first.
    """

    def __init__(self, speaker: UserbotClient, peer: Callable[[int], Awaitable[Peer | None]], *, pace: float = PACE_S) -> None:
        self.speaker = speaker
        self._peer = peer
        self._pace = pace
        self._turn = asyncio.Lock()
        self._next = 0.0
        self._paused_until = 0.0

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Carries out one of `send_text`, `send_file`, `download`, `read`, `typing`, `me`, `log_out`."""
        if (wait := self._paused_until - time.monotonic()) > 0:
            raise Busy(retry_after=wait)
        given = dict(arguments)
        if "peer" in given:
            peer = await self._peer(int(given["peer"]))
            if peer is None:
                raise NeverWrote
            given["peer"] = peer
        try:
            if not name.startswith("send"):
                return await getattr(self.speaker, name)(**given)
            async with self._turn:
                await asyncio.sleep(max(0.0, self._next - time.monotonic()))
                self._next = time.monotonic() + self._pace
                return await getattr(self.speaker, name)(**given)
        except Busy as busy:
            if name != "typing":
                # The wait is the account's, not this conversation's; an answer is not held up by what only announces it.
                self._paused_until = time.monotonic() + busy.retry_after
            raise


CALLS = frozenset({"send_text", "send_file", "download", "read", "typing", "me", "log_out"})
HELD: dict[UUID, Held] = {}

Elsewhere = Callable[[Connection, str, Mapping[str, Any]], Awaitable[Any]]


async def _nobody(*_: object) -> Any:
    raise Unreachable("No worker speaks for this account now.")


# How a holder in another process is reached; `telegram_sessions` puts its own here.
elsewhere: list[Elsewhere] = [_nobody]


@contextmanager
def holding(connection_id: UUID, held: Held) -> Generator[None]:
    """This process speaks for the account."""
    HELD[connection_id] = held
    try:
        yield
    finally:
        HELD.pop(connection_id, None)


async def call(connection: Connection, asked: str, /, **arguments: Any) -> Any:
    """Asks whoever holds the account. Raises what the client raises, and Unreachable where nobody does."""
    held = HELD.get(connection.id)
    if held is not None:
        return await held.call(asked, arguments)
    return await elsewhere[-1](connection, asked, arguments)
