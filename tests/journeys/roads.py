"""Every kind of road with its other company beside it, driven by the same verbs: what customers do there, what befalls it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from savdo.base import circuit, db
from savdo.channels import connections, meta_connecting, telegram_connecting, telegram_polling, telegram_sessions, waha_connecting
from savdo.channels.errors import Blocked
from savdo.channels.models import Connection, channel
from savdo.reply import turn
from savdo.web import widget
from tests.emulators.meta import Meta, open_meta
from tests.emulators.meta_pages import Page
from tests.emulators.serving import serving
from tests.emulators.speech import sound
from tests.emulators.telegram import Telegram
from tests.emulators.telegram_userbot import Account
from tests.emulators.waha import Waha
from tests.emulators.whatsapp import WhatsApp
from tests.journeys.conftest import until
from tests.web import office

OWNER = "member:alice"
WAIT_S = 1
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 30


@dataclass
class Befalls:
    """What the other company may do to us. `floods` refuses the next message for being too many, `waited` are the seconds from
    that to the last one sent. `blocks` refuses the next message to a customer for good; `ends` takes the connection away,
    `mends` is what its owner does then, and until then the answer is `kept`."""

    floods: Callable[[], object]
    waited: Callable[[], float]
    blocks: Callable[[Any], object]
    ends: Callable[[], object]
    mends: Callable[[], Awaitable[object]]
    kept: Literal["queued", "sending"] = "queued"


@dataclass
class Road:
    """`people` are customers as the other company names them. `says` takes more of what their app delivers beside a text. `heard`
    are the texts one was sent; `arrived` waits until everything that was said is stored. `befalls` is None where nobody stands
    between, `person_answers` (in the company's own app) where there is none."""

    connection: Connection
    people: Any
    says: Callable[..., Any]
    speaks: Callable[[Any], object]
    shows: Callable[[Any, str], object]
    # Presses the newest button of this title, or types it where buttons are lines of the text.
    presses: Callable[[Any, str], object]
    heard: Callable[[Any], Awaitable[list[str]]]
    arrived: Callable[[], Awaitable[object]]
    # How often one was shown that an answer is being written, beside the first time where the message is acknowledged so.
    typed: Callable[[Any], int] | None = None
    befalls: Befalls | None = None
    person_answers: Callable[[Any, str], object] | None = None


async def _made(tenant_id: UUID, kind: str, credentials: Mapping[str, str], account: str, **settings: Any) -> Connection:
    async with db.step(tenant_id) as session:
        return await connections.create(session, tenant_id, kind, "Oq Choy", credentials=credentials, account=account, settings=settings)


@asynccontextmanager
async def telegram_bot(tenant_id: UUID) -> AsyncGenerator[Road]:
    telegram = Telegram(f"{random.randrange(10**9, 10**10)}:{'A' * 35}")
    async with serving(telegram.app) as base:
        made = await _made(tenant_id, "telegram_bot", {"token": telegram.token, "secret": "s"}, str(telegram.id), api_base=base)
        async with _beside(telegram_polling.poll(turn.take, every=0.05)):
            yield Road(
                says=telegram.customer_says,
                speaks=lambda one: telegram.customer_sends_voice(one, sound()),
                shows=lambda one, text: telegram.customer_sends_photo(one, PNG, text),
                presses=telegram.customer_presses,
                typed=lambda one: telegram.typed.count(one) - 1,
                **_telegram(made, telegram, "Forbidden: bot was blocked by the user"),
            )
        await _off(made)


@asynccontextmanager
async def telegram_business(tenant_id: UUID) -> AsyncGenerator[Road]:
    telegram = Telegram(f"{random.randrange(10**9, 10**10)}:{'A' * 35}")
    async with serving(telegram.app) as base, serving(office.app()) as hooks:
        made = await _made(tenant_id, "telegram_business", {"token": telegram.token, "secret": "s"}, str(telegram.id), api_base=base)
        await channel(made.channel).subscribe(made, f"{hooks}/hooks/telegram_business/{made.key}")
        account = telegram.owner_links(900, f"bc_{telegram.id}")
        await telegram.delivered()
        yield Road(
            says=partial(telegram.customer_writes, account),
            speaks=lambda one: telegram.customer_writes(account, one, **telegram.voice(sound())),
            shows=lambda one, text: telegram.customer_writes(account, one, caption=text, **telegram.photo(PNG)),
            presses=lambda one, title: telegram.presses(account, one, title),
            typed=telegram.typed.count,
            person_answers=lambda one, text: telegram.owner_answers(account, one, text),
            **_telegram(made, telegram, "Forbidden: user is deactivated"),
        )
        await telegram.close()


@asynccontextmanager
async def telegram_userbot(tenant_id: UUID) -> AsyncGenerator[Road]:
    account = Account(f"+99890{random.randrange(10**6, 10**7)}")
    made = await _made(tenant_id, "telegram_userbot", {"session": account.session()}, str(account.id), client="emulated")

    async def heard_of() -> bool:
        async with db.step(tenant_id) as session:
            [row] = await db.rows(session, "SELECT coalesce((state->>'heard')::bigint, -1) AS number FROM connections")
        return bool(account.speakers) and row["number"] >= account.newest() and all(one.told.empty() for one in account.speakers)

    async def heard(one: int) -> list[str]:
        return account.texts(one)

    async def mends() -> None:
        async with db.step(tenant_id) as session:
            await connections.save_credentials(session, made.id, {"session": account.session()})

    async with _beside(telegram_sessions.hold(turn.take, every=0.05, pace=0)):
        await until(heard_of)
        yield Road(
            connection=made,
            people=range(41, 50),
            says=account.customer_says,
            speaks=lambda one: account.customer_sends(one, "voice", sound(), "audio/ogg"),
            shows=lambda one, text: account.customer_sends(one, "image", PNG, "image/png", text=text),
            presses=account.customer_says,
            typed=account.typed.count,
            heard=heard,
            arrived=lambda: until(heard_of),
            person_answers=account.person_answers,
            befalls=Befalls(
                floods=lambda: account.floods(WAIT_S),
                waited=lambda: account.sent[-1].at - account.flooded_at,
                blocks=lambda _: account.fails("send_text", Blocked()),
                ends=account.revoke,
                mends=mends,
                # With whoever will hold the account next.
                kept="sending",
            ),
        )
    await _off(made)


@asynccontextmanager
async def whatsapp_cloud(tenant_id: UUID) -> AsyncGenerator[Road]:
    meta = Meta()
    number = WhatsApp(meta, str(random.randrange(10**14, 10**15)))
    async with _at_meta(meta):
        made = await _made(tenant_id, "whatsapp_cloud", {"token": number.token}, number.number_id, business_id=number.waba)
        yield Road(
            people=[number.person() for _ in range(9)],
            speaks=lambda one: number.sends_file(one, "audio", sound(), "audio/ogg; codecs=opus", voice=True),
            shows=lambda one, text: number.sends_file(one, "image", PNG, "image/png", caption=text),
            **_meta(made, meta, number, code=130429),
        )


@asynccontextmanager
async def page(tenant_id: UUID, kind: Literal["messenger", "instagram"]) -> AsyncGenerator[Road]:
    meta = Meta()
    account = str(random.randrange(10**14, 10**15))
    found = Page(meta, kind, account, account)
    async with _at_meta(meta) as found.base:
        made = await _made(tenant_id, kind, {"token": found.token}, found.account, page_id=account, business_id=account)
        yield Road(
            people=[found.person(f"Ana {number}") for number in range(9)],
            speaks=lambda one: found.sends_file(one, "audio", sound("aac"), "audio/aac"),
            typed=lambda one: found.shown.count((one.id, "typing_on")) - found.shown.count((one.id, "mark_seen")),
            shows=lambda one, text: found.sends_file(one, "image", PNG, "image/png", text=text),
            **_meta(made, meta, found, code=613),
        )


@asynccontextmanager
async def waha(tenant_id: UUID) -> AsyncGenerator[Road]:
    server = Waha()
    account = f"1555{random.randrange(10**6, 10**7)}"
    async with serving(server) as base, serving(office.app()) as hooks:
        made = await _made(tenant_id, "waha", {"api_key": server.key, "secret": "s"}, account, api_base=base, session=server.session)
        await channel("waha").subscribe(made, f"{hooks}/hooks/waha/{made.key}")

        async def heard(one: str) -> list[str]:
            return [sent.text for sent in server.sent if sent.chat == f"{one}@c.us"]

        async def scanned() -> None:
            server.status = "WORKING"
            await waha_connecting.code(tenant_id, made.id)

        yield Road(
            connection=made,
            people=[f"1555000222{number}" for number in range(9)],
            says=server.says,
            speaks=lambda one: server.sends_file(one, "voice.oga", "audio/ogg; codecs=opus", sound()),
            shows=lambda one, text: server.sends_file(one, "a.png", "image/png", PNG, text),
            presses=server.says,
            typed=lambda one: server.typed.count(f"{one}@c.us"),
            heard=heard,
            arrived=server.delivered,
            person_answers=server.person_answers,
            befalls=Befalls(
                floods=lambda: server.fails(429),
                waited=lambda: server.sent[-1].at - server.flooded_at,
                blocks=server.unknown.add,
                ends=lambda: setattr(server, "status", "SCAN_QR_CODE"),
                mends=scanned,
            ),
        )


@asynccontextmanager
async def web_chat(tenant_id: UUID) -> AsyncGenerator[Road]:
    app = FastAPI()
    app.include_router(widget.router)
    posts: list[Callable[[], Awaitable[object]]] = []
    async with db.step(tenant_id) as session:
        made = await connections.create(session, tenant_id, "web_chat", "Website")
    async with httpx.AsyncClient(base_url="http://127.0.0.1/widget/v1", transport=httpx.ASGITransport(app)) as client:

        async def visitor() -> dict[str, str]:
            answer = await client.post("/sessions", json={"key": made.key, "visitor_token": None})
            return {"authorization": f"Bearer {answer.json()['visitor_token']}"}

        async def post(one: dict[str, str], **more: Any) -> None:
            answer = await client.post("/messages", json={"client_msg_id": str(uuid4()), **more}, headers=one)
            assert answer.status_code == 201, answer.text

        def says(one: dict[str, str], text: str) -> None:
            posts.append(partial(post, one, text=text))

        async def upload(one: dict[str, str], name: str, mime: str, content: bytes, **more: Any) -> None:
            kept = await client.post("/uploads", files={"file": (name, content, mime)}, headers=one)
            await post(one, attachments=[kept.json()["id"]], **more)

        async def sent_to(one: dict[str, str]) -> list[dict[str, Any]]:
            found = (await client.get("/messages", headers=one)).json()["messages"]
            return [message for message in found if message["direction"] == "out"]

        async def heard(one: dict[str, str]) -> list[str]:
            return [message["text"] for message in await sent_to(one)]

        async def press(one: dict[str, str], title: str) -> None:
            message = (await sent_to(one))[-1]
            [button] = [button for button in message["buttons"] if button["title"] == title]
            await post(one, quick_reply=button | {"message_id": message["id"]})

        async def arrived() -> None:
            while posts:
                await posts.pop(0)()

        yield Road(
            connection=made,
            people=[await visitor() for _ in range(5)],
            says=says,
            speaks=lambda one: posts.append(partial(upload, one, "voice.ogg", "audio/ogg", sound())),
            shows=lambda one, text: posts.append(partial(upload, one, "a.png", "image/png", PNG, text=text)),
            presses=lambda one, title: posts.append(partial(press, one, title)),
            heard=heard,
            arrived=arrived,
        )


ROADS: Mapping[str, Callable[[UUID], AbstractAsyncContextManager[Road]]] = {
    "telegram_bot": telegram_bot, "telegram_business": telegram_business, "telegram_userbot": telegram_userbot,
    "whatsapp_cloud": whatsapp_cloud, "waha": waha, "web_chat": web_chat, "messenger": lambda tenant_id: page(tenant_id, "messenger"),
    "instagram": lambda tenant_id: page(tenant_id, "instagram"),
}  # fmt: skip


@asynccontextmanager
async def road_of(kind: str, tenant_id: UUID) -> AsyncGenerator[Road]:
    circuit.forget()
    async with ROADS[kind](tenant_id) as found:
        yield found
    circuit.forget()


@asynccontextmanager
async def _beside(work: Any) -> AsyncGenerator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _at_meta(meta: Meta) -> AsyncGenerator[str]:
    async with open_meta(meta) as base, serving(office.app()) as hooks:
        assert await meta.verifies(f"{hooks}/hooks/meta")
        yield base


async def _off(connection: Connection) -> None:
    """So that the next test's readers leave it alone."""
    async with db.step(connection.tenant_id) as session:
        await connections.mark(session, connection.id, "off")


def _telegram(made: Connection, telegram: Telegram, blocked: str) -> dict[str, Any]:
    async def heard(one: int) -> list[str]:
        return [sent.text for sent in telegram.sent_to(one)]

    async def mends() -> None:
        telegram.token = f"{telegram.id}:{'B' * 35}"
        await telegram_connecting.renew(made.tenant_id, OWNER, made.id, telegram.token)

    befalls = Befalls(
        floods=lambda: telegram.floods("sendMessage", retry_after=WAIT_S),
        waited=lambda: telegram.sent[-1].at - telegram.flooded_at,
        blocks=lambda _: telegram.fails("sendMessage", 403, blocked),
        ends=telegram.revoke,
        mends=mends,
    )
    return {"connection": made, "people": range(41, 50), "heard": heard, "arrived": telegram.delivered, "befalls": befalls}


def _meta(made: Connection, meta: Meta, far: WhatsApp | Page, code: int) -> dict[str, Any]:
    scopes = set(meta.tokens[far.token])

    async def heard(one: Any) -> list[str]:
        return [sent.text for sent in far.sent_to(one)]

    async def mends() -> None:
        meta.tokens["EAAnew"] = scopes
        await meta_connecting.renew(made.tenant_id, OWNER, made.id, {"token": "EAAnew"})

    befalls = Befalls(
        floods=lambda: meta.floods("messages", code=code, retry_after=WAIT_S),
        waited=lambda: far.sent[-1].at - meta.called_at["messages"][-2],
        blocks=lambda one: setattr(one, "blocked", True),
        ends=meta.token_expires,
        mends=mends,
    )
    return {
        "connection": made, "says": far.says, "presses": far.presses, "heard": heard, "arrived": meta.delivered,
        "person_answers": far.person_answers, "befalls": befalls,
    }  # fmt: skip
