"""The web chat's contract, over real HTTP."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from httpx_sse import ServerSentEvent, aconnect_sse

from savdo.base import db
from savdo.channels import connections
from savdo.channels.models import Connection, channel
from savdo.channels.web_chat import WebChat
from savdo.web import widget_colours, widget_frame
from tests.web import visiting

SITE = "https://shop.example"
SECRET = "hmac_token_abc"


@dataclass
class Person:
    """Somebody in front of a browser."""

    client: httpx.AsyncClient
    visitor_id: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.client.post(path, json=body, headers=self.headers)

    async def says(self, text: str, client_msg_id: str = "") -> httpx.Response:
        return await self.post("/messages", {"client_msg_id": client_msg_id or str(uuid4()), "text": text})

    async def sees(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.client.get("/messages", params=query, headers=self.headers)
        assert answer.status_code == 200
        return answer.json()["messages"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base(opened: str) -> AsyncIterator[str]:
    async with visiting.chat_server() as address:
        yield address


@pytest_asyncio.fixture
async def client(base: str, database: str) -> AsyncIterator[httpx.AsyncClient]:
    # Every test's visitors share one address.
    async with db.platform_step("a fresh count for a test") as session:
        await session.execute("DELETE FROM limits")
    async with httpx.AsyncClient(base_url=f"{base}/widget/v1", timeout=10) as client:
        yield client


@pytest_asyncio.fixture
async def site(tenant_id: UUID) -> Connection:
    """A company's web chat, for one registered site."""
    async with db.step(tenant_id) as session:
        return await connections.create(
            session, tenant_id, "web_chat", "Website", credentials={"identity_secret": SECRET, "identity_secret_old": "older"},
            settings={"origins": [SITE], "colour": "#ffcc00", "welcome": {"en": "Hi!", "ru": "Привет!"}, "starters": {"en": ["Prices?"]}},
        )  # fmt: skip


@pytest_asyncio.fixture
async def ana(client: httpx.AsyncClient, site: Connection) -> Person:
    return await arrived(client, site)


async def arrived(client: httpx.AsyncClient, site: Connection, **more: Any) -> Person:
    answer = await client.post("/sessions", json={"key": site.key, "visitor_token": None, **more}, headers={"Origin": SITE})
    assert answer.status_code == 201, answer.text
    return Person(client, answer.json()["visitor_id"], answer.json()["visitor_token"])


async def said_to(person: Person, site: Connection, text: str, **payload: Any) -> int:
    return await visiting.said_to(site, text, person.visitor_id, **payload)


async def heard(person: Person, wanted: int, last: int | None = None) -> list[ServerSentEvent]:
    """The first events of a stream that tell of messages."""
    headers = person.headers if last is None else {**person.headers, "Last-Event-ID": str(last)}
    found: list[ServerSentEvent] = []
    async with asyncio.timeout(5), aconnect_sse(person.client, "GET", "/events", headers=headers) as stream:
        async for event in stream.aiter_sse():
            if event.event.startswith("message."):
                found.append(event)
            if len(found) == wanted:
                break
    return found


def texts(events: Sequence[ServerSentEvent]) -> list[str]:
    return [json.loads(event.data)["message"]["text"] for event in events]


def signature(identifier: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), identifier.encode(), hashlib.sha256).hexdigest()


async def test_that_the_same_message_is_stored_once_however_often_it_is_sent(ana: Person) -> None:
    answers = await asyncio.gather(*(ana.says("Hola", "one-and-the-same") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    (stored,) = await ana.sees()
    assert (stored["text"], stored["client_msg_id"], stored["author"]["kind"]) == ("Hola", "one-and-the-same", "visitor")


async def test_that_the_thread_comes_oldest_first_and_in_pages(ana: Person, site: Connection) -> None:
    for text in ("one", "two", "three"):
        await ana.says(text)
    await said_to(ana, site, "Pick a time", buttons=[{"id": "slot-1", "title": "Sat 16:00"}])
    everything = await ana.sees()
    assert [message["text"] for message in everything] == ["one", "two", "three", "Pick a time"]
    assert everything[-1]["author"]["kind"] == "bot"
    assert everything[-1]["buttons"] == [{"id": "slot-1", "title": "Sat 16:00"}]
    assert [message["text"] for message in await ana.sees(after=everything[0]["id"], limit=2)] == ["two", "three"]
    assert [message["text"] for message in await ana.sees(before=everything[2]["id"], limit=1)] == ["two"]
    tap = {"client_msg_id": "t", "quick_reply": {"message_id": everything[-1]["id"], "id": "slot-1", "title": "Sat 16:00"}}
    assert (await ana.post("/messages", tap)).status_code == 201
    assert (await ana.sees())[-1]["reply_to"] == everything[-1]["id"]


async def test_that_a_wrong_token_is_refused_with_the_way_out(client: httpx.AsyncClient, ana: Person) -> None:
    for token in ("-", "nonsense", ana.token[:-3] + "xxx"):
        answer = await Person(client, "", token).says("Hi")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "bad_token")
    assert (await client.get("/messages")).status_code == 401
    assert (await client.get("/messages", params={"after": "x"}, headers=ana.headers)).json()["error"]["code"] == "invalid"
    assert (await client.post("/sessions", json={"key": "pk_nothing"})).status_code == 404


async def test_that_a_returning_visitor_stays_the_same(client: httpx.AsyncClient, site: Connection, ana: Person) -> None:
    await ana.says("Hi")
    answer = await client.post("/sessions", json={"key": site.key, "visitor_token": ana.token})
    assert answer.json()["visitor_id"] == ana.visitor_id
    assert answer.json()["conversation_id"]


async def test_that_a_token_of_one_company_opens_nothing_of_another(client: httpx.AsyncClient, ana: Person, other_tenant_id: UUID) -> None:
    await ana.says("Secret")
    async with db.step(other_tenant_id) as session:
        other = await connections.create(session, other_tenant_id, "web_chat", "Other")
    answer = await client.post("/sessions", json={"key": other.key, "visitor_token": ana.token})
    assert answer.json()["visitor_id"] != ana.visitor_id
    assert await Person(client, "", answer.json()["visitor_token"]).sees() == []


async def test_that_only_registered_sites_come_in(client: httpx.AsyncClient, site: Connection) -> None:
    foreign = {"Origin": "https://evil.example"}
    answer = await client.post("/sessions", json={"key": site.key}, headers=foreign)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin")
    assert "access-control-allow-origin" not in answer.headers
    assert (await client.get("/config", params={"key": site.key}, headers=foreign)).status_code == 403
    own = await client.get("/config", params={"key": site.key}, headers={"Origin": SITE})
    assert own.headers["access-control-allow-origin"] == SITE
    assert "Origin" in own.headers["vary"]
    assert "access-control-allow-credentials" not in own.headers
    flight = {"Origin": SITE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = await client.request("OPTIONS", "/messages", headers=flight)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-max-age"] == "600"


async def test_that_the_window_says_who_may_frame_it(client: httpx.AsyncClient, site: Connection) -> None:
    answer = await client.get("/frame", params={"key": site.key})
    assert f"frame-ancestors 'self' {SITE}" in answer.headers["content-security-policy"]
    assert "x-frame-options" not in answer.headers


async def test_that_identity_needs_the_sites_signature(ana: Person, client: httpx.AsyncClient, site: Connection) -> None:
    assert signature("user-42") == "250dc1b67dc214659d8b2552b6533a8c971a004d6f0948a4d2c2c3b925c6134a"
    wrong = await ana.post("/identify", {"identifier": "user-42", "hmac": "0" * 64})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "bad_hmac")
    await ana.says("From the laptop")
    right = await ana.post("/identify", {"identifier": "user-42", "hmac": signature("user-42"), "name": "Ana"})
    assert right.status_code == 200
    phone = await arrived(client, site)
    joined = await phone.post("/identify", {"identifier": "user-42", "hmac": signature("user-42", "older")})
    there = Person(client, joined.json()["visitor_id"], joined.json()["visitor_token"])
    assert [message["text"] for message in await there.sees()] == ["From the laptop"]


async def test_that_an_unsigned_claim_opens_nobodys_history(ana: Person, client: httpx.AsyncClient, site: Connection) -> None:
    await ana.says("My private question")
    await ana.post("/identify", {"identifier": "user-42", "hmac": signature("user-42"), "email": "ana@x.example"})
    mallory = await arrived(client, site)
    claimed = await mallory.post("/identify", {"identifier": "user-42", "email": "ana@x.example", "name": "Ana"})
    assert claimed.json()["visitor_id"] == mallory.visitor_id
    assert await mallory.sees() == []
    async with db.step(site.tenant_id) as session:
        contacts = await db.rows(session, "SELECT id FROM contacts")
    assert len(contacts) == 2


async def test_that_a_demanding_site_wants_a_signature_from_everybody(client: httpx.AsyncClient, site: Connection) -> None:
    async with db.step(site.tenant_id) as session:
        await connections.save_settings(session, site.id, {**site.settings, "require_identity": True})
    stranger = await arrived(client, site)
    assert (await stranger.post("/identify", {"identifier": "user-42"})).status_code == 422
    assert (await stranger.says("Hi")).status_code == 403


async def test_that_hostile_text_is_text_or_is_refused(ana: Person) -> None:
    for text in ("<script>alert(1)</script><img src=x onerror=alert(2)>", "مرحبا كم السعر؟", "👩‍👩‍👧 10 000 so‘m"):
        assert (await ana.says(text)).status_code == 201
        assert (await ana.sees())[-1]["text"] == text
    assert (await ana.says("nu\x00ll")).status_code == 201
    assert (await ana.sees())[-1]["text"] == "null"
    long = await ana.says("x" * 20_000)
    assert (long.status_code, "text" in long.json()["error"]["fields"]) == (422, True)
    assert (await ana.says("  ")).status_code == 422
    assert len(await ana.sees()) == 4


async def test_that_wrong_bodies_get_a_clear_answer(client: httpx.AsyncClient, ana: Person) -> None:
    for content, status in ((b"{", 400), (b"[]", 400), (b"null", 400), (b"{}", 422), (b"\xff\xfe", 400), (b"x" * 10_000_000, 413)):
        answer = await client.post("/messages", content=content, headers=ana.headers)
        assert answer.status_code == status, content[:20]
        assert set(answer.json()["error"]) >= {"code", "message"}

    async def undeclared() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 10_000

    assert (await client.post("/messages", content=undeclared(), headers=ana.headers)).status_code == 413
    assert await ana.sees() == []


async def test_that_a_visitor_who_is_too_fast_is_asked_to_wait(ana: Person) -> None:
    answers = [await ana.says(f"message {number}") for number in range(21)]
    assert [answer.status_code for answer in answers[:20]] == [201] * 20
    assert answers[20].status_code == 429
    assert 1 <= int(answers[20].headers["retry-after"]) <= 60
    assert answers[20].json()["error"]["retry_after"] == int(answers[20].headers["retry-after"])


async def test_that_a_stream_takes_up_where_it_was_left(ana: Person, site: Connection) -> None:
    await ana.says("first")
    await said_to(ana, site, "second")
    (seen,) = await heard(ana, 1, last=0)
    await said_to(ana, site, "third")
    missed = await heard(ana, 2, last=int(seen.id))
    assert texts(missed) == ["second", "third"]
    assert [event.event for event in missed] == ["message.created"] * 2


async def test_that_a_stream_tells_at_once_and_only_its_own_visitor(ana: Person, client: httpx.AsyncClient, site: Connection) -> None:
    bob = await arrived(client, site)
    await bob.says("Bob here")
    waiting = asyncio.create_task(heard(ana, 2))
    await asyncio.sleep(0.2)
    await said_to(bob, site, "to Bob")
    await ana.says("Ana here")
    await said_to(ana, site, "to Ana")
    assert texts(await waiting) == ["Ana here", "to Ana"]


async def test_that_a_withdrawn_answer_disappears(ana: Person, site: Connection) -> None:
    await ana.says("Hi")
    number = await said_to(ana, site, "Too late")
    async with db.step(site.tenant_id) as session:
        await session.execute("UPDATE messages SET status = 'failed', revision = 9 WHERE number = %s", (number,))
        await session.execute("UPDATE conversations SET revision = 9")
    (event,) = await heard(ana, 1, last=number)
    assert (event.event, texts([event])) == ("message.deleted", [""])
    assert [message["text"] for message in await ana.sees()] == ["Hi"]


async def test_that_three_streams_are_enough_for_one_visitor(ana: Person) -> None:
    streams = [asyncio.create_task(heard(ana, 1)) for _ in range(3)]
    await asyncio.sleep(0.3)
    refused = await ana.client.get("/events", headers=ana.headers)
    assert refused.status_code == 429
    await ana.says("Hi")
    await asyncio.gather(*streams)


async def test_that_settings_are_not_sent_twice(client: httpx.AsyncClient, site: Connection) -> None:
    first = await client.get("/config", params={"key": site.key, "locale": "ru-RU"})
    assert (first.json()["welcome"], first.json()["locale"]) == ("Привет!", "ru")
    assert first.headers["cache-control"] == "public, max-age=60"
    again = await client.get("/config", params={"key": site.key, "locale": "ru-RU"}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_that_a_company_may_choose_one_language_for_everybody(client: httpx.AsyncClient, site: Connection) -> None:
    async with db.step(site.tenant_id) as session:
        await connections.save_settings(session, site.id, {**site.settings, "locale": "kk"})
    shown = await client.get("/config", params={"key": site.key, "locale": "ru-RU"}, headers={"Accept-Language": "en"})
    assert shown.json()["locale"] == "kk"


async def test_that_what_was_read_is_known(ana: Person, site: Connection) -> None:
    await ana.says("Hi")
    number = await said_to(ana, site, "Hello")
    assert (await ana.post("/read", {"up_to": number})).status_code == 204
    answer = (await ana.client.get("/messages", headers=ana.headers)).json()
    assert answer["read_up_to"] == number
    assert answer["messages"][-1]["status"] == "read"


async def test_that_files_belong_to_who_uploaded_them(ana: Person, client: httpx.AsyncClient, site: Connection) -> None:
    picture = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" + b"\x00" * 32
    kept = await client.post("/uploads", files={"file": ("<b>me</b>.png", picture, "text/html")}, headers=ana.headers)
    assert kept.status_code == 201, kept.text
    assert kept.json()["mime"] == "image/png"
    stolen = await (await arrived(client, site)).post("/messages", {"client_msg_id": "s", "attachments": [kept.json()["id"]]})
    assert (stolen.status_code, stolen.json()["error"]["code"]) == (422, "unknown_upload")
    assert (await ana.post("/messages", {"client_msg_id": "f", "attachments": [kept.json()["id"]]})).status_code == 201
    (message,) = await ana.sees()
    assert message["type"] == "image"
    shown = await client.get(message["attachments"][0]["url"].removeprefix("/widget/v1"))
    assert (shown.content, shown.headers["content-type"], shown.headers["x-content-type-options"]) == (picture, "image/png", "nosniff")
    assert (await client.get(message["attachments"][0]["url"].removeprefix("/widget/v1")[:-2] + "AA")).status_code == 404


async def test_that_a_form_filled_by_a_machine_is_refused(ana: Person, site: Connection) -> None:
    async with db.step(site.tenant_id) as session:
        asked = {"fields": [{"name": "phone", "required": True}], "consent": {"en": "I agree"}}
        await connections.save_settings(session, site.id, {**site.settings, "prechat": asked})
    good = {"phone": "+998 90 123 45 67", "consent": True, "version": "1"}
    assert (await ana.post("/prechat", {**good, "website": "x"})).status_code == 422
    assert (await ana.post("/prechat", {**good, "shown_ms": 12})).status_code == 422
    missing = await ana.post("/prechat", {"consent": True})
    assert list(missing.json()["error"]["fields"]) == ["phone"]
    assert (await ana.post("/prechat", good)).status_code == 204


@pytest.mark.parametrize("colour", ["#ffcc00", "#0f766e", "#ffffff", "#000000", "#ff6600", "not a colour"])
def test_that_a_sites_colour_stays_readable(colour: str) -> None:
    palette = widget_colours.palette(colour)
    assert widget_colours.contrast(palette["accent"], palette["on_accent"]) >= 4.5
    assert widget_colours.contrast(palette["ink_light"], "#ffffff") >= 4.5
    assert widget_colours.contrast(palette["ink_dark"], widget_colours.DARK_GROUND) >= 4.5


def test_that_every_text_stands_in_every_language() -> None:
    catalogue = widget_frame.catalogue()
    assert set(catalogue) == {"en", "ru", "uz", "kk"}
    assert all(text.strip() for texts in catalogue.values() for text in texts.values())


def test_that_opening_hours_are_those_of_the_company() -> None:
    profile = {"timezone": "Asia/Tashkent", "working_hours": {"mon": ["09:00", "18:00"], "tue": ["09:00", "18:00"], "sun": None}}
    assert widget_frame.opening(profile, datetime(2026, 11, 23, 5, 0, tzinfo=UTC)) == {"open": True, "from": None}
    closed = widget_frame.opening(profile, datetime(2026, 11, 23, 14, 0, tzinfo=UTC))
    assert closed == {"open": False, "from": "2026-11-24T09:00:00+05:00"}
    assert widget_frame.opening({}, datetime(2026, 11, 23, tzinfo=UTC)) is None
    # A profile without a zone is where most are; an evening may end at midnight or after it.
    late = {"working_hours": {"mon": ["18:00", "24:00"], "tue": ["20:00", "02:00"]}}
    opened = [datetime(2026, 11, day, hour, 30, tzinfo=UTC) for day, hour in ((23, 12), (23, 18), (23, 19), (24, 20), (24, 21))]
    assert [(widget_frame.opening(late, moment) or {})["open"] for moment in opened] == [False, True, False, True, False]


async def test_that_a_delivered_row_counts_as_sent(site: Connection) -> None:
    assert isinstance(channel("web_chat"), WebChat)
    assert (await channel("web_chat").check(site)).warnings == ()
    assert (await channel("web_chat").check(replace(site, settings={}))).warnings
