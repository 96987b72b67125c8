"""A personal account: what is read from it, what the real client's refusals mean, and reaching it from another process."""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from telethon import errors as refused
from telethon import types

from savdo.base.db import new_id, rows, step
from savdo.base.errors import SavdoError, TooLarge
from savdo.channels import connections, telegram_held, telegram_relay, telegram_sessions, telegram_userbot_client
from savdo.channels.errors import AccountProblem, Blocked, Busy, Disconnected, Refused, Uncertain, Unreachable
from savdo.channels.models import Connection, Inbound, Media
from savdo.channels.telegram_held import (
    AccountLost,
    CodeExpired,
    LoggedOut,
    PasswordNeeded,
    Peer,
    UsedTwice,
    WrongCode,
    WrongPassword,
    WrongPhone,
)
from savdo.channels.telegram_userbot import TelegramUserbot
from tests.emulators.telegram_userbot import Account, Speaker

PAYLOADS = Path(__file__).parents[1] / "payloads" / "telegram_userbot"
userbot = TelegramUserbot()
NOW = datetime(2026, 11, 21, 2, 0, 44, tzinfo=UTC)


def parsed(body: bytes) -> list[Inbound]:
    return userbot.parse(Connection(UUID(int=1), UUID(int=2), "telegram_userbot", "Ann", "hk", {}, {}, "active"), body)


def read(name: str) -> Inbound:
    return parsed((PAYLOADS / f"{name}.json").read_bytes())[0]


@pytest.mark.parametrize(
    ("name", "event", "text", "media"),
    [
        ("message__text", "message", "Do you have size M?", ()),
        ("message__outgoing", "echo", "Yes, two left", ()),
        ("message__outgoing_photo", "echo", "here it is", (Media("image", "42:314", "", "image/jpeg", 90000),)),
        ("message__photo", "message", "this one?", (Media("image", "42:315", "", "image/jpeg", 180000),)),
        ("message__voice", "message", "", (Media("voice", "42:316", "", "audio/ogg", 16000),)),
        ("message__document", "message", "my quote", (Media("file", "42:320", "quote.pdf", "application/pdf", 52000),)),
        ("message__card_other", "message", "Bek Ali, +998901112233", ()),
        ("edited__text", "edited", "Do you have size L?", ()),
        ("message__poll", "unknown", "", ()),
        ("story__new", "unknown", "", ()),
    ],
)
def test_that_what_happens_is_read(name: str, event: str, text: str, media: tuple[Media, ...]) -> None:
    inbound = read(name)
    assert (inbound.event, inbound.text, inbound.media) == (event, text, media)
    if event != "unknown":
        assert (inbound.thread_id, inbound.sender.external_id) == ("42", "42")


def test_that_details_are_read() -> None:
    assert (read("message__reply").reply_to, read("message__photo").album) == ("305", "13579")
    assert (read("message__location").location, read("message__card_own").sender.phone) == ((41.3111, 69.2797), "+998901234567")
    assert (read("edited__outgoing").own, read("edited__text").own) == (True, False)
    assert [(one.external_id, one.own) for one in parsed((PAYLOADS / "deleted.json").read_bytes())] == [("311", False), ("313", True)]
    receipt = read("read").receipt
    assert receipt is not None
    assert (receipt.status, receipt.through) == ("read", datetime.fromtimestamp(1795226500, UTC))
    assert (read("reaction__added").reaction, read("reaction__removed").reaction) == ("👍", "")


@pytest.mark.parametrize("peer", [{"id": 777000, "name": "Telegram"}, {"id": 5, "is_bot": True}, {"id": 9, "is_self": True}])
def test_that_login_codes_bots_and_notes_to_oneself_are_kept_nowhere(peer: dict[str, Any]) -> None:
    event = json.loads((PAYLOADS / "message__text.json").read_text()) | {"peer": peer, "text": "Login code: 12345"}
    assert parsed(json.dumps(event).encode()) == []


MEANINGS: list[tuple[Exception, type[SavdoError]]] = [
    (refused.SessionPasswordNeededError(None), PasswordNeeded),
    (refused.PhoneCodeInvalidError(None), WrongCode),
    (refused.PhoneCodeExpiredError(None), CodeExpired),
    (refused.PasswordHashInvalidError(None), WrongPassword),
    (refused.PhoneNumberInvalidError(None), WrongPhone),
    (refused.PhoneNumberBannedError(None), AccountLost),
    (refused.PhoneNumberFloodError(None), Busy),
    (refused.FloodWaitError(None, 17), Busy),
    (refused.SlowModeWaitError(None, 17), Busy),
    (refused.FloodPremiumWaitError(None, 17), Busy),
    (refused.PeerFloodError(None), AccountProblem),
    (refused.UserIsBlockedError(None), Blocked),
    (refused.YouBlockedUserError(None), Blocked),
    (refused.UserPrivacyRestrictedError(None), Blocked),
    (refused.ChatWriteForbiddenError(None), Blocked),
    (refused.AuthKeyUnregisteredError(None), LoggedOut),
    (refused.SessionRevokedError(None), LoggedOut),
    (refused.SessionExpiredError(None), LoggedOut),
    (refused.AuthKeyDuplicatedError(None), UsedTwice),
    (refused.UserDeactivatedError(None), AccountLost),
    (refused.UserDeactivatedBanError(None), AccountLost),
    (refused.FrozenMethodInvalidError(None), AccountLost),
    (refused.ApiIdInvalidError(None), Refused),
    (refused.PeerIdInvalidError(None), Refused),
    (refused.RpcCallFailError(None), Unreachable),
    (ConnectionError(), Unreachable),
    (TimeoutError(), Unreachable),
    (asyncio.IncompleteReadError(b"", 8), Unreachable),
    (refused.SecurityError(), Unreachable),
    (refused.AuthKeyNotFound(), LoggedOut),
]


@pytest.mark.parametrize(("error", "kind"), MEANINGS, ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "")
def test_that_every_refusal_of_the_sheet_has_its_meaning(error: Exception, kind: type[SavdoError]) -> None:
    meant = telegram_userbot_client.meaning(error)
    assert type(meant) is kind
    assert meant.message
    if getattr(error, "seconds", None) == 17:
        assert getattr(meant, "retry_after", 0) == 17
    # Where a message may have gone out nobody sends it again.
    assert type(telegram_userbot_client.meaning(error, sending=True)) is (Uncertain if kind is Unreachable else kind)


def test_that_the_real_clients_messages_take_the_shape_that_is_read() -> None:
    voice = types.Document(
        1, 2, b"", NOW, "audio/ogg", 16000, 4, [types.DocumentAttributeAudio(4, voice=True)]
    )  # fmt: skip
    told = telegram_userbot_client.told(
        "message",
        types.Message(
            id=311, peer_id=types.PeerUser(42), date=NOW, message="hi", media=types.MessageMediaDocument(document=voice, voice=True),
            reply_to=types.MessageReplyHeader(reply_to_msg_id=305),
        ),
        types.User(42, access_hash=-773, first_name="Ann", last_name="Lee", username="ann", lang_code="uz"),
    )  # fmt: skip
    [inbound] = parsed(json.dumps(told).encode())
    assert (inbound.event, inbound.external_id, inbound.text, inbound.reply_to, inbound.sent_at) == ("message", "311", "hi", "305", NOW)
    assert (inbound.media, inbound.sender.name) == ((Media("voice", "42:311", "", "audio/ogg", 16000),), "Ann Lee")


def test_that_a_session_that_is_none_is_a_logged_out_one() -> None:
    with pytest.raises(LoggedOut):
        telegram_held.client("junk", "telethon")


@pytest_asyncio.fixture
async def connection(tenant_id: UUID) -> Connection:
    async with step(tenant_id) as session:
        return await connections.create(session, tenant_id, "telegram_userbot", "@owner", account=str(random.randrange(10**12)))


@asynccontextmanager
async def answering(connection: Connection, account: Account) -> AsyncGenerator[None]:
    """The holder, as if in another process."""

    async def peer(number: int) -> Peer | None:
        return Peer(number, -number) if number == 42 else None

    async def run() -> None:
        while True:
            if not await telegram_relay.carry_out(connection, held):
                await asyncio.sleep(0.02)

    speaker = Speaker(account.session())
    await speaker.connect()
    held = telegram_held.Held(speaker, peer, pace=0)
    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await speaker.close()


async def test_that_calls_and_refusals_cross_processes_whole(connection: Connection) -> None:
    account = Account(f"+99893{random.randrange(10**6, 10**7)}")
    number = account.customer_sends(42, "voice", b"\x00ogg\xff", "audio/ogg")
    text = {"peer": 42, "html": "Salom", "reply_to": 0}
    async with answering(connection, account):
        account.fails("typing", Busy(retry_after=600))
        with pytest.raises(Busy):
            await telegram_relay.ask(connection, "typing", {"peer": 42})
        # What it announces is not held up.
        assert await telegram_relay.ask(connection, "send_text", text) == account.sent[0].number
        file = {"peer": 42, "kind": "file", "name": "a.pdf", "mime": "", "content": b"\x00pdf", "html": ""}
        await telegram_relay.ask(connection, "send_file", file)
        assert account.sent[1].file == ("file", "a.pdf", b"\x00pdf")
        assert await telegram_relay.ask(connection, "download", {"peer": 42, "message_id": number, "limit": 9}) == b"\x00ogg\xff"
        assert (await telegram_relay.ask(connection, "me", {}))["username"] == "owner"
        for error in (Blocked(), Uncertain(), Busy(retry_after=600)):
            account.fails("send_text", error)
            with pytest.raises(type(error)) as caught:
                await telegram_relay.ask(connection, "send_text", text)
            assert getattr(caught.value, "retry_after", 600) == pytest.approx(600, abs=1)
        with pytest.raises(Busy):
            # The wait is the whole account's.
            await telegram_relay.ask(connection, "download", {"peer": 42, "message_id": number, "limit": 9})
    async with step(connection.tenant_id) as session:
        assert await rows(session, "SELECT 1 FROM userbot_calls") == []


async def test_that_a_refusal_keeps_its_own_kind_across_processes(connection: Connection) -> None:
    account = Account(f"+99893{random.randrange(10**6, 10**7)}")
    number = account.customer_sends(42, "file", b"much", "text/plain")
    async with answering(connection, account):
        with pytest.raises(telegram_held.NeverWrote):
            await telegram_relay.ask(connection, "send_text", {"peer": 43, "html": "Salom", "reply_to": 0})
        with pytest.raises(TooLarge):
            await telegram_relay.ask(connection, "download", {"peer": 42, "message_id": number, "limit": 3})
        with pytest.raises(Refused):
            await telegram_relay.ask(connection, "saved", {})
        account.revoke()
        with pytest.raises(LoggedOut) as caught:
            await telegram_relay.ask(connection, "send_text", {"peer": 42, "html": "Salom", "reply_to": 0})
    assert isinstance(caught.value, Disconnected)


async def test_that_what_nobody_took_was_not_sent_and_what_somebody_took_is_uncertain(connection: Connection) -> None:
    text = {"peer": 42, "html": "Salom", "reply_to": 0}
    with pytest.raises(Unreachable):
        await telegram_relay.ask(connection, "send_text", text, patience=0.05)
    # On a slow machine the first patience may be over before anybody could take the call.
    for patience in (0.5, 3, 15):
        asking = asyncio.create_task(telegram_relay.ask(connection, "send_text", text, patience=patience))
        while not asking.done():
            async with step(connection.tenant_id) as session:
                taken = await session.execute("UPDATE userbot_calls SET claimed_at = now() WHERE claimed_at IS NULL")
            await asyncio.sleep(0.02)
            if taken.rowcount:
                break
        [outcome] = await asyncio.gather(asking, return_exceptions=True)
        if isinstance(outcome, Uncertain):
            return
    raise AssertionError("a call that was taken is not uncertain")


async def test_that_a_lease_that_cannot_be_renewed_is_let_go_of_before_it_ends() -> None:
    async def take(*_: object) -> None: ...

    worker = telegram_sessions.Worker(take)
    soon, later = (asyncio.create_task(asyncio.Event().wait()) for _ in range(2))
    for task, left in ((soon, 5.0), (later, 3600.0)):
        one = new_id()
        worker.speaking[one] = telegram_sessions.Speaking(one, one, "", task, time.monotonic() + left)  # pyright: ignore[reportArgumentType] # only waits
    guard = asyncio.create_task(telegram_sessions.let_go_in_time(worker))
    await asyncio.wait({soon}, timeout=10)
    guard.cancel()
    assert (soon.cancelled(), later.done()) == (True, False)
    later.cancel()
