"""Every kind's other company, as the contract test asks it."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from savdo.base import circuit
from savdo.channels import telegram_held
from savdo.channels.errors import Blocked, Busy, ChannelError, Disconnected, Refused, Uncertain
from savdo.channels.models import Connection, channel
from savdo.channels.sandbox import Sandbox
from savdo.channels.telegram_held import Peer
from tests.emulators.meta import Meta, open_meta
from tests.emulators.meta_pages import Page
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram
from tests.emulators.telegram_userbot import Account, Speaker
from tests.emulators.waha import Waha
from tests.emulators.whatsapp import WhatsApp


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
