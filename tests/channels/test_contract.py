"""What every channel promises, asked of every kind in `KINDS`.

A new channel adds its payloads and one function to `FAR_SIDES`.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from savdo.base import circuit
from savdo.base.db import new_id
from savdo.channels import marks, telegram_held
from savdo.channels.errors import BadPayload, BadSignature, Blocked, Busy, CannotTell, ChannelError, Disconnected, Refused, Uncertain
from savdo.channels.models import KINDS, Button, Connection, Event, File, Inbound, MediaKind, Outbound, channel
from savdo.channels.sandbox import Sandbox
from savdo.channels.telegram_held import Peer
from tests.emulators.meta import Meta, open_meta
from tests.emulators.meta_pages import Page
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram
from tests.emulators.telegram_userbot import Account, Speaker
from tests.emulators.waha import Waha
from tests.emulators.whatsapp import WhatsApp

PAYLOADS = Path(__file__).parents[1] / "payloads"
EVENTS = set(get_args(Event))


@dataclass
class FarSide:
    """A kind's other company. `received` are the texts that reached it, None where nothing is handed over;
    `refusals` are what it may say to a message, with what that means."""

    connection: Connection
    signed: Mapping[str, str] | None
    thread_id: str
    message_id: str
    received: Callable[[], list[str]] | None = None
    # Where nobody delivers to us, because we keep a connection over which we are told.
    hears: bool = False
    refusals: Mapping[type[ChannelError], Callable[[], None]] = field(default_factory=dict[type[ChannelError], Callable[[], None]])


def connection_of(kind: str, credentials: Mapping[str, str], account: str = "", **settings: Any) -> Connection:
    return Connection(UUID(int=1), UUID(int=2), kind, "Shop", "hk_key", credentials, settings, "active", account)


@asynccontextmanager
async def telegram_bot() -> AsyncGenerator[FarSide]:
    telegram = Telegram()
    circuit.forget()
    async with serving(telegram.app) as base:
        yield FarSide(
            connection_of("telegram_bot", {"token": telegram.token, "secret": "right"}, api_base=base),
            signed={"x-telegram-bot-api-secret-token": "right"},
            thread_id="42",
            message_id="42:7",
            received=lambda: [one.text for one in telegram.sent],
            refusals={
                Blocked: lambda: telegram.fails("", 403, "Forbidden: bot was blocked by the user"),
                Refused: lambda: telegram.fails("", 400, "Bad Request: chat not found"),
                Disconnected: telegram.revoke,
                Busy: lambda: telegram.floods(retry_after=3),
                Uncertain: lambda: telegram.cuts("", taking=True),
            },
        )
    circuit.forget()


@asynccontextmanager
async def telegram_business() -> AsyncGenerator[FarSide]:
    telegram = Telegram()
    account = telegram.owner_links(900, "bc_AbC123")
    telegram.customer_writes(account, 42, "Hello")
    circuit.forget()
    async with serving(telegram.app) as base:
        yield FarSide(
            connection_of("telegram_business", {"token": telegram.token, "secret": "right"}, str(telegram.id), api_base=base),
            signed={"x-telegram-bot-api-secret-token": "right"},
            thread_id="bc_AbC123:42",
            message_id="bc_AbC123:42:7",
            received=lambda: [one.text for one in telegram.sent],
            refusals={
                Blocked: lambda: telegram.fails("", 403, "Forbidden: user is deactivated"),
                Refused: lambda: telegram.fails("", 400, "Bad Request: chat not found"),
                Disconnected: telegram.revoke,
                Busy: lambda: telegram.floods(retry_after=3),
                Uncertain: lambda: telegram.cuts("", taking=True),
            },
        )
    circuit.forget()


@asynccontextmanager
async def telegram_userbot() -> AsyncGenerator[FarSide]:
    account = Account("+998901234500")
    speaker = Speaker(account.session())
    made = connection_of("telegram_userbot", {}, str(account.id))

    async def peer(number: int) -> Peer:
        return Peer(number, -number)

    await speaker.connect()
    with telegram_held.holding(made.id, telegram_held.Held(speaker, peer, pace=0)):
        yield FarSide(
            made,
            signed=None,
            thread_id="42",
            message_id="7",
            hears=True,
            received=lambda: [one.text for one in account.sent],
            refusals={
                Blocked: lambda: account.blocked.add(42),
                Refused: lambda: account.fails("send_text", Refused()),
                Disconnected: lambda: account.revoke(Disconnected()),
                Busy: lambda: account.floods(3),
                Uncertain: lambda: account.fails("send_text", Uncertain(), taking=True),
            },
        )
    await speaker.close()


@asynccontextmanager
async def whatsapp_cloud() -> AsyncGenerator[FarSide]:
    meta = Meta()
    number = WhatsApp(meta)
    customer = number.person()
    number.says(customer, "Hello")
    async with open_meta(meta):
        yield FarSide(
            connection_of("whatsapp_cloud", {"token": number.token}, account=number.number_id, business_id=number.waba),
            signed={"x-hub-signature-256": meta.signature(b"{}")},
            thread_id=customer.user_id,
            message_id="wamid.IN1",
            received=lambda: [one.text for one in number.sent],
            refusals={
                Blocked: lambda: meta.fails("messages", 400, 131026, "Message undeliverable"),
                Refused: lambda: meta.fails("messages", 400, 131009, "Parameter value is not valid"),
                Disconnected: meta.token_expires,
                Busy: meta.floods,
                Uncertain: lambda: meta.cuts("messages", taking=True),
            },
        )


@asynccontextmanager
async def waha() -> AsyncGenerator[FarSide]:
    server = Waha()
    server.config = {"webhooks": [{"hmac": {"key": "right"}}]}
    signed = server.signed(b"{}")
    server.config = {}
    circuit.forget()
    async with serving(server) as base:
        yield FarSide(
            connection_of("waha", {"api_key": server.key, "secret": "right"}, api_base=base, session="default"),
            signed={"x-webhook-hmac": signed["x-webhook-hmac"]},
            thread_id="15550002222@c.us",
            message_id="3EB0AAAA",
            received=lambda: [one.text for one in server.sent],
            refusals={
                Blocked: lambda: server.unknown.add("15550002222"),
                Refused: lambda: server.fails(400),
                Disconnected: lambda: setattr(server, "revoked", True),
                Busy: lambda: server.fails(429),
                Uncertain: lambda: server.fails(0),
            },
        )
    circuit.forget()


@asynccontextmanager
async def page(kind: Literal["messenger", "instagram"]) -> AsyncGenerator[FarSide]:
    meta = Meta()
    found = Page(meta, kind)
    customer = found.person()
    found.says(customer, "Hello")
    async with open_meta(meta):
        yield FarSide(
            connection_of(kind, {"token": found.token}, account=found.account, page_id=found.page_id, comments="privately"),
            signed={"x-hub-signature-256": meta.signature(b"{}")},
            thread_id=customer.id,
            message_id="m_IN1",
            received=lambda: [one.text for one in found.sent],
            refusals={
                Blocked: lambda: meta.fails("messages", 400, 551, "This person is not available"),
                Refused: lambda: meta.fails("messages", 400, 100, "Invalid parameter"),
                Disconnected: meta.token_expires,
                Busy: lambda: meta.floods(code=613),
                Uncertain: lambda: meta.cuts("messages", taking=True),
            },
        )


@asynccontextmanager
async def web_chat() -> AsyncGenerator[FarSide]:
    # Its visitors have their own endpoints and read the rows themselves: no hook, no company, nothing to refuse.
    yield FarSide(connection_of("web_chat", {}), None, "v_visitor", "0198-id")


@asynccontextmanager
async def sandbox() -> AsyncGenerator[FarSide]:
    adapter = channel("sandbox")
    assert isinstance(adapter, Sandbox)
    adapter.__init__()

    def refusing(error: ChannelError) -> Callable[[], None]:
        return lambda: adapter.refuses_with(error)

    refusals: dict[type[ChannelError], Callable[[], None]] = {
        type(error): refusing(error) for error in (Blocked(), Refused(), Disconnected(), Busy(), Uncertain())
    }
    yield FarSide(connection_of("sandbox", {"secret": "right"}), {"x-sandbox-secret": "right"}, "ann", "1", refusals=refusals)
    adapter.__init__()


FAR_SIDES: Mapping[str, Callable[[], AbstractAsyncContextManager[FarSide]]] = {
    "telegram_bot": telegram_bot,
    "telegram_business": telegram_business,
    "telegram_userbot": telegram_userbot,
    "whatsapp_cloud": whatsapp_cloud,
    "waha": waha,
    "messenger": lambda: page("messenger"),
    "instagram": lambda: page("instagram"),
    "web_chat": web_chat,
    "sandbox": sandbox,
}
PERMANENT: Mapping[type[ChannelError], bool] = {Blocked: True, Refused: True, Disconnected: True, Uncertain: True, Busy: False}


@pytest_asyncio.fixture(params=sorted(KINDS))
async def far(request: pytest.FixtureRequest) -> AsyncGenerator[FarSide]:
    async with FAR_SIDES[request.param]() as far_side:
        yield far_side


def to(far: FarSide, text: str = "Hello", **more: Any) -> Outbound:
    return Outbound(new_id(), far.thread_id, text, **more)


def payloads(kind: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((PAYLOADS / kind).glob("*.json"))]


async def test_that_an_adapter_is_of_its_kind(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    assert adapter.kind == far.connection.channel
    assert 160 <= adapter.longest_text <= 20_000


async def test_that_a_forged_body_is_refused(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    forged: list[dict[str, str]] = [{}, *({name: value} for name in far.signed or ("x-hub",) for value in ("", "wrong", "righ", "rıght"))]
    for headers in forged:
        with pytest.raises(BadSignature):
            adapter.verify(far.connection, headers, b"{}")
    if far.signed is not None:
        adapter.verify(far.connection, far.signed, b"{}")


async def test_that_captured_payloads_are_read_and_read_again_the_same(far: FarSide) -> None:
    kind = far.connection.channel
    # A channel with a hook, or one that we listen to, has payloads, and one without has none.
    assert bool(payloads(kind)) == (far.signed is not None or far.hears)
    for body in payloads(kind):
        inbounds = channel(kind).parse(far.connection, body)
        assert inbounds
        assert inbounds == channel(kind).parse(far.connection, body)
        for inbound in inbounds:
            _is_whole(inbound)


def _is_whole(inbound: Inbound) -> None:
    assert inbound.event in EVENTS
    assert inbound.external_id
    if inbound.event == "unknown":
        assert inbound.raw
        return
    assert inbound.thread_id
    assert inbound.sender.external_id
    assert not inbound.raw
    assert inbound.sent_at is None or inbound.sent_at.utcoffset() is not None
    assert all(one.kind in get_args(MediaKind) and one.reference for one in inbound.media)
    if inbound.event == "message":
        assert inbound.text or inbound.media or inbound.location or inbound.sender.phone


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_that_junk_is_a_bad_payload_and_nothing_else(kind: str, data: st.DataObject) -> None:
    body = data.draw(st.binary(max_size=40) | ANYTHING.map(lambda value: json.dumps(value).encode()))
    _only_bad_payload(kind, body)


@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if payloads(kind)))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_that_a_damaged_payload_is_a_bad_payload_or_unknown(kind: str, data: st.DataObject) -> None:
    value = json.loads(data.draw(st.sampled_from(payloads(kind))))
    place: Any = value
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(ANYTHING)
            break
        place = place[key]
    _only_bad_payload(kind, json.dumps(value).encode())


def _only_bad_payload(kind: str, body: bytes) -> None:
    try:
        inbounds = channel(kind).parse(connection_of(kind, {"secret": "right"}), body)
    except BadPayload:
        return
    for inbound in inbounds:
        assert inbound.event in EVENTS
        assert inbound.external_id
        # PostgreSQL keeps neither, and a message must not be lost for it.
        assert "\\u0000" not in json.dumps(dict(inbound.raw), allow_nan=False)


@pytest.mark.parametrize("error", list(PERMANENT), ids=[error.code for error in PERMANENT])
@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if kind != "web_chat"))
async def test_that_a_refusal_carries_its_verdict(kind: str, error: type[ChannelError]) -> None:
    async with FAR_SIDES[kind]() as far:
        far.refusals[error]()
        with pytest.raises(ChannelError) as caught:
            await channel(kind).send(far.connection, to(far))
    assert type(caught.value) is error
    assert caught.value.permanent == PERMANENT[error]
    assert caught.value.message


async def test_that_the_same_messages_are_accepted(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    buttons = (Button("slot:1", "Ertaga 10:00 🍵"), Button("", "Сайт", "https://oqchoy.example/?a=1&b=2"))
    picture, paper = File("image", "choy.png", "image/png", b"png"), File("file", "нарх <1>.pdf", "application/pdf", b"pdf")
    messages = (
        to(far), to(far, "**Ko‘k choy** 45 000 so‘m & <b>\n- one\n- two\nhttps://oqchoy.example/?a=1&b=2_c"),
        to(far, "Pick", buttons=buttons), to(far, "", files=(picture,)), to(far, "Both", files=(picture, paper), buttons=buttons),
        to(far, "Yes", reply_to=far.message_id),
    )  # fmt: skip
    sent = [await adapter.send(far.connection, one) for one in messages]
    assert all(sent)
    assert len(set(sent)) == len(sent)


async def test_that_a_text_of_any_length_arrives_whole_in_pieces_that_fit(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    text = " ".join(f"{number} choy 🍵." for number in range(adapter.longest_text // 5))
    assert await adapter.send(far.connection, to(far, text))
    if far.received is not None:
        assert all(marks.units(one) <= adapter.longest_text for one in far.received())
        assert " ".join(far.received()) == text


async def test_that_looking_for_a_message_tells_the_truth_or_that_it_cannot(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    outbound = to(far)
    sent = await adapter.send(far.connection, outbound)
    try:
        assert await adapter.find(far.connection, outbound) == sent
    except CannotTell:
        return
    # The web chat's message has arrived when its row stands, so there it is never missing.
    assert await adapter.find(far.connection, to(far)) is None or far.signed is None


async def test_that_a_connection_can_be_checked_joined_and_left(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    await adapter.subscribe(far.connection, "https://savdo.example/hooks/key")
    await adapter.typing(far.connection, far.thread_id)
    assert (await adapter.check(far.connection)).name
    await adapter.subscribe(far.connection, "")


def test_that_every_kind_has_a_far_side_here() -> None:
    assert set(FAR_SIDES) == set(KINDS)
