"""The owner's pages by HTTP: who may do what, what is refused, and that nothing a customer writes becomes part of a page."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from savdo.base import db, jobs
from savdo.channels import connections
from savdo.channels.models import Connection
from tests.web import office

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest_asyncio.fixture
async def alice(tenant_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    """The owner, signed in."""
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner"))
        yield browser


async def test_that_a_stranger_is_shown_the_door(database: str) -> None:
    async with office.client() as browser:
        answer = await browser.get("/knowledge")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/knowledge")
        assert (await browser.get("/inbox", headers={"hx-request": "true"})).headers["hx-redirect"].startswith("/sign-in")


@pytest.mark.parametrize("language", ["uz", "ru", "kk", "en"])
async def test_that_every_page_opens_in_every_language(
    alice: httpx.AsyncClient, tenant_id: UUID, connection: Connection, language: str
) -> None:
    talk = await office.talk(connection, "Dilnoza", status="handover")
    document_id, passage_id = await office.document(tenant_id, "prices.csv", "Green tea: 35 000")
    await office.says(talk, "Salom")
    await office.says(talk, "35 000", "bot", passage=(document_id, passage_id))
    await alice.post("/preferences", data={"language": language})
    for path in (
        "/inbox",
        f"/inbox/{talk.id}",
        "/knowledge",
        f"/knowledge/{document_id}",
        "/knowledge/answers/new",
        "/try",
        "/persona",
        "/persona/scenarios",
        "/persona/scenarios/new",
        "/setup",
        "/setup/website",
        "/setup/models",
    ):
        answer = await alice.get(path)
        assert (path, answer.status_code) == (path, 200)
        assert f'<html lang="{language}"' in answer.text


ROLES = {
    ("GET", "/inbox"): {"owner": 200, "admin": 200, "agent": 200, "viewer": 200},
    ("GET", "/try"): {"owner": 200, "admin": 200, "agent": 200, "viewer": 403},
    ("GET", "/setup"): {"owner": 200, "admin": 200, "agent": 403, "viewer": 403},
    ("POST", "/inbox/{talk}/say"): {"owner": 303, "admin": 303, "agent": 303, "viewer": 403},
    ("POST", "/inbox/{talk}/take"): {"owner": 303, "admin": 303, "agent": 303, "viewer": 403},
    ("POST", "/knowledge/{document}/delete"): {"viewer": 403, "agent": 303},
    ("GET", "/setup/models"): {"owner": 200, "admin": 200, "agent": 403, "viewer": 403},
    ("POST", "/setup/models/cap"): {"owner": 303, "agent": 403, "viewer": 403},
    ("POST", "/setup/secret"): {"viewer": 403, "agent": 403, "admin": 303},
}


@pytest.mark.parametrize("role", ["owner", "admin", "agent", "viewer"])
async def test_that_each_role_may_do_its_own(database: str, tenant_id: UUID, connection: Connection, role: str) -> None:
    talk = await office.talk(connection, "Dilnoza")
    document_id, _ = await office.document(tenant_id, "a.txt", "a")
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, role, role))
        for (method, path), expected in ROLES.items():
            if role in expected:
                answer = await browser.request(
                    method, path.format(talk=talk.id, document=document_id), data={"text": "hi"} if method == "POST" else None
                )
                assert (path, answer.status_code) == (path, expected[role])


async def test_that_a_form_from_elsewhere_is_refused(alice: httpx.AsyncClient, connection: Connection) -> None:
    talk = await office.talk(connection, "Dilnoza")
    foreign = {"origin": "https://evil.example"}
    assert (await alice.post(f"/inbox/{talk.id}/say", data={"text": "x"}, headers=foreign)).status_code == 403
    assert (await alice.post(f"/inbox/{talk.id}/say", data={"text": "x"}, headers={"sec-fetch-site": "cross-site"})).status_code == 403
    del alice.headers["x-csrf-token"]
    assert (await alice.post(f"/inbox/{talk.id}/say", data={"text": "x"})).status_code == 403
    assert (await alice.post(f"/inbox/{talk.id}/say", data={"text": "x", "csrf": "0" * 64})).status_code == 403
    assert (await alice.post(f"/inbox/{talk.id}/say", data={"text": "x", "csrf": office.token(alice)})).status_code == 303


async def test_that_what_a_customer_writes_stays_text(alice: httpx.AsyncClient, tenant_id: UUID, connection: Connection) -> None:
    talk = await office.talk(connection, f"{EVIL}")
    await office.says(
        talk, EVIL, payload={"attachments": [{"id": str(db.new_id()), "kind": "file", "name": EVIL, "mime": "text/html", "size": 3}]}
    )
    document_id, _ = await office.document(tenant_id, f"{EVIL}.txt", EVIL)
    for path in ("/inbox", f"/inbox/{talk.id}", f"/inbox?q={EVIL}", "/knowledge", f"/knowledge/{document_id}"):
        text = (await alice.get(path)).text
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


async def test_that_pages_carry_a_strict_policy(alice: httpx.AsyncClient) -> None:
    first, second = [(await alice.get("/inbox")).headers["content-security-policy"] for _ in range(2)]
    assert first != second
    assert "unsafe" not in first
    assert "frame-ancestors 'none'" in first


async def test_that_the_list_is_paged_without_gaps_or_repeats(alice: httpx.AsyncClient, tenant_id: UUID, connection: Connection) -> None:
    names = [f"Customer{number:02}" for number in range(65)]
    for name in names:
        await office.talk(connection, name)
    async with db.step(tenant_id) as session:
        # The same moment for all: only the id decides the order.
        await session.execute("UPDATE conversations SET last_message_at = '2026-01-01'")
    seen: list[str] = []
    address = "/inbox/list?status=open"
    for _ in range(3):
        text = (await alice.get(address)).text
        seen += [name for name in names if name in text]
        address = text.partition('hx-get="/inbox/list?status=open&amp;q=&after=')[2].partition("&more")[0]
        address = f"/inbox/list?status=open&after={address}&more=1"
    assert sorted(seen) == names


async def test_that_search_looks_in_names_and_words(alice: httpx.AsyncClient, connection: Connection) -> None:
    one, other = await office.talk(connection, "Дильноза 100%"), await office.talk(connection, "Aigerim")
    await office.says(other, "кепілдік қанша ай?")
    await office.says(other, "рахмет")
    for query, found in (("дильн", one), ("100%", one), ("кепілд", other), ("кепілдік ай", other)):
        text = (await alice.get("/inbox/list", params={"q": query})).text
        assert f"talk-{found.id}" in text
        assert f"talk-{({one.id, other.id} - {found.id}).pop()}" not in text
    assert "Nothing matches" in (await alice.get("/inbox/list", params={"q": "& | ! :* '"})).text


async def test_that_trials_do_not_show_in_the_inbox(alice: httpx.AsyncClient, connection: Connection) -> None:
    talk = await office.talk(connection, "Myself", is_test=True)
    assert str(talk.id) not in (await alice.get("/inbox")).text


async def test_that_a_person_takes_over_and_gives_back(alice: httpx.AsyncClient, tenant_id: UUID, connection: Connection) -> None:
    talk = await office.talk(connection, "Dilnoza", unread=2)

    async def state() -> tuple[str, bool]:
        async with db.step(tenant_id) as session:
            row = await db.first(
                session,
                """SELECT status, EXISTS (SELECT 1 FROM handovers WHERE conversation_id = c.id AND ended_at IS NULL) AS open
                     FROM conversations c WHERE id = %s""",
                (talk.id,),
            )
        assert row is not None
        return row["status"], row["open"]

    await alice.post(f"/inbox/{talk.id}/say", data={"text": "Salom\x00!"})
    assert await state() == ("human", True)
    await alice.post(f"/inbox/{talk.id}/give")
    assert await state() == ("bot", False)
    await alice.post(f"/inbox/{talk.id}/take")
    await alice.post(f"/inbox/{talk.id}/close")
    assert await state() == ("closed", False)
    async with db.step(tenant_id) as session:
        actions = [row["action"] for row in await db.rows(session, "SELECT action FROM audit ORDER BY id")]
        jobs = await db.rows(session, "SELECT lock FROM procrastinate_jobs WHERE lock = %s", (f"deliver:{talk.id}",))
    assert actions == ["conversation.bot", "conversation.human", "conversation.closed"]
    assert len(jobs) == 1


async def test_that_the_chat_settings_are_kept_and_wrong_ones_named(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    form = {
        "colour": "#AA0055",
        "origins": "https://shop.example",
        "welcome_uz": "Salom!",
        "starters_uz": "Narxi?\n\nManzil?",
        "prechat_phone": "required",
    }
    site = await office.web_chat(tenant_id)
    async with db.step(tenant_id) as session:
        await connections.save_settings(session, site.id, {"answers": "off", "prechat": {"script": "a"}})
    wrong = await alice.post("/setup/widget", data={**form, "origins": "shop"})
    assert wrong.status_code == 422
    assert "Salom!" in wrong.text
    assert (await alice.post("/setup/widget", data=form)).status_code == 303
    more = {"locale": "uz", "launcher_uz": "Savol bering", "consent_uz": "Roziman", "version": "2026-11"}
    draft = (await alice.post("/setup/widget/draft?locale=ru", data={**form, **more, "origins": "https:/"})).json()
    assert (draft["locale"], draft["launcher"], draft["prechat"]["consent"]) == ("uz", "Savol bering", "Roziman")

    async def kept() -> Mapping[str, Any]:
        async with db.step(tenant_id) as session:
            return (await connections.by_id(session, site.id)).settings

    first = await kept()
    assert (first["colour"], first["origins"], first["starters"]) == ("#aa0055", ["https://shop.example"], {"uz": ["Narxi?", "Manzil?"]})
    asked = {"script": "a", "fields": [{"name": "phone", "required": True}]}
    assert (first["answers"], first["locale"], first["prechat"]) == ("off", "auto", asked)
    await alice.post("/setup/widget", data={**form, **more})
    page = (await alice.get("/setup/website")).text
    assert all(f">{words}</textarea>" in page or f'value="{words}"' in page for words in more.values())
    second = await kept()
    assert (second["locale"], second["launcher"]) == ("uz", {"uz": "Savol bering"})
    assert second["prechat"] == {**asked, "consent": {"uz": "Roziman"}, "version": "2026-11"}


async def test_that_something_else_than_a_token_never_reaches_telegram(alice: httpx.AsyncClient) -> None:
    answer = await alice.post("/setup/telegram", data={"token": "hello"})
    assert answer.status_code == 422
    assert "This is not a bot token" in answer.text


async def test_that_errors_have_one_shape_for_people_and_one_for_scripts(alice: httpx.AsyncClient) -> None:
    page = await alice.get("/inbox/not-an-id")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    script = await alice.get("/api/nothing")
    assert (script.status_code, script.json()["error"]["code"]) == (404, "not_found")
    assert (await alice.get("/static/../page.py")).status_code == 404


async def test_that_trying_the_bot_walks_the_customer_s_path(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    assert (await alice.post("/try/say", data={"text": "Hello"}, headers={"hx-request": "true"})).status_code == 409
    await office.web_chat(tenant_id)
    said = await alice.post("/try/say", data={"text": "Hello, are you <b>open</b>?"}, headers={"hx-request": "true"})
    assert "are you &lt;b&gt;open&lt;/b&gt;?" in said.text
    assert "The assistant is writing" in said.text
    async with db.step(tenant_id) as session:
        await session.execute("UPDATE conversations SET answer_due_at = now()")
    await jobs.run_waiting()
    page = (await alice.get("/try")).text
    assert 'class="ai"' in page
    turn_id = page.partition("/try/why/")[2][:36]
    assert "What was understood" in (await alice.get(f"/try/why/{turn_id}")).text
    await alice.post("/try/reset")
    assert 'class="ai"' not in (await alice.get("/try")).text
