"""Personal Telegram accounts as their client meets them: logging in, what happens in private chats, and what Telegram does.

It stands in the table of clients as "emulated". Two speakers of one session at once end it for good, as at Telegram.
"""

import asyncio
import itertools
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from savdo.base.errors import SavdoError, TooLarge
from savdo.channels.errors import Blocked, Busy, Refused, Unreachable
from savdo.channels.telegram_held import (
    CLIENTS,
    AccountLost,
    CodeExpired,
    Event,
    LoggedOut,
    Me,
    PasswordNeeded,
    Peer,
    UsedTwice,
    WrongCode,
    WrongPassword,
    WrongPhone,
)
from tests.emulators.telegram_text import parsed, units

CLIENTS["emulated"] = "tests.emulators.telegram_userbot:Speaker"


@dataclass
class Said:
    """A message that the account sent through us. `at` is on the monotonic clock."""

    peer: int
    number: int
    text: str
    reply_to: int = 0
    file: tuple[str, str, bytes] | None = None
    at: float = field(default_factory=time.monotonic)


class Account:
    """One account: made with the phone it logs in by, found by its speakers in `PHONES` and `SESSIONS`."""

    def __init__(self, phone: str, *, password: str = "", username: str = "owner") -> None:
        self.id = int(phone.lstrip("+")) % 10**12
        self.phone, self.password, self.username = phone, password, username
        self.code, self.banned = "12345", False
        self.sent: list[Said] = []
        self.read: list[tuple[int, int]] = []
        self.typed: list[int] = []
        self.calls: Counter[str] = Counter()
        self.blocked: set[int] = set()
        self.speakers: list[Speaker] = []
        self.files: dict[int, bytes] = {}
        self.flooded_at = 0.0
        self._faults: list[tuple[str, SavdoError, bool]] = []
        self._numbers = itertools.count(100)
        self._kept: list[dict[str, Any]] = []
        PHONES[phone] = self

    # What a test does.

    def session(self) -> str:
        """A session that has logged in."""
        made = "1" + secrets.token_hex(16)
        SESSIONS[made] = self
        return made

    def customer_says(self, peer: int, text: str = "", **more: Any) -> int:
        return self._happens(peer, text, out=False, **more)

    def person_answers(self, peer: int, text: str) -> int:
        """Somebody writes in the account's own app."""
        return self._happens(peer, text, out=True)

    def customer_sends(self, peer: int, kind: str, content: bytes, mime: str, name: str = "", text: str = "") -> int:
        number = self._happens(peer, text, out=False, media={"kind": kind, "mime": mime, "size": len(content), "name": name or None})
        self.files[number] = content
        return number

    def changes(self, peer: int, number: int, text: str, *, out: bool = False) -> None:
        self._tell(_message(peer, number, text, out=out) | {"event": "edited"})

    def deletes(self, *numbers: int) -> None:
        self._tell({"event": "deleted", "messages": [{"message_id": one} for one in numbers]})

    def customer_reacts(self, peer: int, number: int, emoji: str) -> None:
        self._tell({"event": "reaction", "peer": _person(peer), "message_id": number, "emoji": emoji, "own": False})

    def fails(self, call: str, error: SavdoError, *, taking: bool = False) -> None:
        """The next `call` raises this; with `taking` a message goes out all the same."""
        self._faults.append((call, error, taking))

    def floods(self, seconds: float) -> None:
        self.fails("send_text", Busy(retry_after=seconds))

    def revoke(self, error: SavdoError | None = None) -> None:
        """The owner ends every session in the list of devices, or Telegram does."""
        for session in [one for one, account in SESSIONS.items() if account is self]:
            del SESSIONS[session]
        for speaker in self.speakers:
            speaker.ended = error or LoggedOut()
            speaker.told.put_nowait(speaker.ended)

    def breaks(self) -> None:
        """The connections break; nothing else is lost."""
        for speaker in list(self.speakers):
            speaker.told.put_nowait(Unreachable("The connection broke."))

    async def said(self, peer: int, count: int, seconds: float = 15.0) -> list[str]:
        async with asyncio.timeout(seconds):
            while len(self.texts(peer)) < count:  # noqa: ASYNC110 # a test may look often
                await asyncio.sleep(0.02)
        return self.texts(peer)

    def texts(self, peer: int) -> list[str]:
        return [one.text.replace("\u00a0", " ") for one in self.sent if one.peer == peer]

    # What its speakers ask.

    def fault(self, call: str) -> bool:
        """Raises what was put there for this call; True when it is to be raised after the message went out."""
        self.calls[call] += 1
        for one in self._faults:
            if one[0] == call and not one[2]:
                self._faults.remove(one)
                if isinstance(one[1], Busy):
                    self.flooded_at = time.monotonic()
                raise one[1]
        return any(one[0] == call for one in self._faults)

    def late_fault(self, call: str) -> SavdoError:
        one = next(one for one in self._faults if one[0] == call)
        self._faults.remove(one)
        return one[1]

    def next_number(self) -> int:
        return next(self._numbers)

    def newest(self) -> int:
        return max((one["message_id"] for one in self._kept), default=0)

    def after(self, number: int) -> list[dict[str, Any]]:
        return [one for one in self._kept if one["message_id"] > number]

    def _happens(self, peer: int, text: str, *, out: bool, **more: Any) -> int:
        number = self.next_number()
        event = _message(peer, number, text, out=out) | more
        self._kept.append(event)
        self._tell(event)
        return number

    def _tell(self, event: dict[str, Any]) -> None:
        for speaker in self.speakers:
            speaker.told.put_nowait(event)


PHONES: dict[str, Account] = {}
SESSIONS: dict[str, Account] = {}
# Half-open sessions, and the account each has asked a code for.
HALF: dict[str, Account] = {}


class Speaker:
    """The client's side of one connection."""

    def __init__(self, session: str) -> None:
        self.session = session or "0" + secrets.token_hex(8)
        self.fresh = not session
        self.told: asyncio.Queue[Event | SavdoError] = asyncio.Queue()
        self.ended: SavdoError | None = None
        self.account: Account | None = None

    async def connect(self) -> None:
        self.account = SESSIONS.get(self.session)
        if self.account is None:
            if not self.fresh and self.session not in HALF:
                raise LoggedOut
            return
        self.account.fault("connect")
        if any(one.session == self.session for one in self.account.speakers):
            self.account.revoke(UsedTwice())
            raise UsedTwice
        self.account.speakers.append(self)

    async def close(self) -> None:
        if self.account is not None and self in self.account.speakers:
            self.account.speakers.remove(self)

    def saved(self) -> str:
        return self.session

    async def ask_code(self, phone: str) -> str:
        account = PHONES.get(phone)
        if account is None:
            raise WrongPhone
        account.fault("ask_code")
        if account.banned:
            raise AccountLost
        HALF[self.session] = account
        return f"hash-{account.code}"

    async def enter_code(self, phone: str, code: str, named: str) -> None:
        account = HALF[self.session]
        account.fault("enter_code")
        if account.phone != phone or named != f"hash-{account.code}":
            raise CodeExpired
        if code != account.code:
            raise WrongCode
        if account.password:
            raise PasswordNeeded
        self._let_in(account)

    async def enter_password(self, password: str) -> None:
        account = HALF[self.session]
        account.fault("enter_password")
        if password != account.password:
            raise WrongPassword
        self._let_in(account)

    async def me(self) -> Me:
        account = self._mine("me")
        return Me(account.id, "Owner", account.username)

    async def log_out(self) -> None:
        self._mine("log_out")
        SESSIONS.pop(self.session, None)

    async def events(self) -> AsyncIterator[Event]:
        while True:
            event = await self.told.get()
            if isinstance(event, SavdoError):
                raise event
            yield event

    async def newest(self) -> int:
        return self._mine("newest").newest()

    async def missed(self, after: int) -> list[Event]:
        return list(self._mine("missed").after(after))

    async def send_text(self, peer: Peer, html: str, reply_to: int) -> int:
        return self._sent("send_text", peer, html, 4096, reply_to=reply_to)

    async def send_file(self, peer: Peer, kind: str, name: str, mime: str, content: bytes, html: str) -> int:
        return self._sent("send_file", peer, html, 1024, file=(kind, name, content))

    async def download(self, peer: Peer, message_id: int, limit: int) -> bytes:
        content = self._mine("download").files.get(message_id)
        if content is None:
            raise Refused("The file is gone.")
        if len(content) > limit:
            raise TooLarge
        return content

    async def read(self, peer: Peer, message_id: int) -> None:
        self._mine("read").read.append((peer.id, message_id))

    async def typing(self, peer: Peer) -> None:
        self._mine("typing").typed.append(peer.id)

    def _let_in(self, account: Account) -> None:
        SESSIONS[self.session] = account
        self.account = account
        account.speakers.append(self)

    def _mine(self, call: str) -> Account:
        if self.ended is not None:
            raise self.ended
        account = SESSIONS.get(self.session)
        if account is None:
            raise LoggedOut
        account.fault(call)
        return account

    def _sent(self, call: str, peer: Peer, html: str, longest: int, **more: Any) -> int:
        account = SESSIONS.get(self.session)
        if self.ended is not None or account is None:
            raise self.ended or LoggedOut()
        late = account.fault(call)
        if peer.access_hash != -peer.id:
            raise Refused("The person is not known by this hash.")
        if peer.id in account.blocked:
            raise Blocked
        text = parsed(html)
        if units(text) > longest or not (text or "file" in more):
            raise Refused("The text is empty or too long.")
        said = Said(peer.id, account.next_number(), text, **more)
        account.sent.append(said)
        if late:
            raise account.late_fault(call)
        return said.number


def _person(peer: int) -> dict[str, Any]:
    return {"id": peer, "access_hash": -peer, "name": f"Customer {peer}", "username": None, "language": "en"}


def _message(peer: int, number: int, text: str, *, out: bool) -> dict[str, Any]:
    return {
        "event": "message", "peer": _person(peer), "message_id": number, "date": int(time.time()), "out": out, "text": text,
    }  # fmt: skip
