"""Connecting a Telegram bot on the set-up page, against an emulated Telegram."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from savdo.base import circuit, db, secrets
from savdo.base.settings import settings
from savdo.channels import telegram_connecting
from savdo.conversations import outbox
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram
from tests.journeys.conftest import polling
from tests.web import office

CHAT = 42
PUBLIC = "https://savdo.example"
Patch = pytest.MonkeyPatch


def new_telegram() -> Telegram:
    """A bot of its own: no two companies may have the same one."""
    return Telegram(f"{random.randrange(10**9, 10**10)}:{'A' * 35}")


@pytest_asyncio.fixture
async def telegram(database: str, monkeypatch: Patch) -> AsyncIterator[Telegram]:
    circuit.forget()
    made = new_telegram()
    async with serving(made.app) as address:
        monkeypatch.setenv("SAVDO_TELEGRAM_API_BASE", address)
        settings.cache_clear()
        yield made
    async with db.platform_step("bots of this test must not be read by the next") as session:
        await session.execute("UPDATE connections SET status = 'off' WHERE channel = 'telegram_bot'")
    monkeypatch.undo()
    settings.cache_clear()
    circuit.forget()


@pytest.fixture
def public(telegram: Telegram, monkeypatch: Patch) -> None:
    monkeypatch.setenv("SAVDO_PUBLIC_URL", PUBLIC + "/")
    settings.cache_clear()


@asynccontextmanager
async def signed_in(tenant_id: UUID, role: str = "owner", language: str = "en") -> AsyncGenerator[httpx.AsyncClient]:
    async with office.client(PUBLIC) as browser:
        await office.sign_in(browser, await office.member(tenant_id, f"{role}{random.randrange(10**6)}", role, language))
        yield browser


@pytest_asyncio.fixture
async def alice(telegram: Telegram, tenant_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(tenant_id) as browser:
        yield browser


async def bots(tenant_id: UUID) -> list[dict[str, Any]]:
    async with db.step(tenant_id) as session:
        found = await db.rows(session, "SELECT * FROM connections WHERE channel = 'telegram_bot' ORDER BY id")
    return [{**row, "opened": json.loads(secrets.open_sealed(row["credentials"]))} for row in found]


async def the_bot(tenant_id: UUID) -> dict[str, Any]:
    [found] = await bots(tenant_id)
    return found


async def audited(tenant_id: UUID) -> list[str]:
    async with db.step(tenant_id) as session:
        return [row["action"] for row in await db.rows(session, "SELECT action FROM audit WHERE action LIKE 'connection.%%' ORDER BY id")]


async def said(tenant_id: UUID) -> list[str]:
    async with db.step(tenant_id) as session:
        return [row["text"] for row in await db.rows(session, "SELECT text FROM messages WHERE direction = 'in' ORDER BY id")]


async def until_said(tenant_id: UUID, *texts: str) -> None:
    async with asyncio.timeout(10):
        while await said(tenant_id) != list(texts):  # noqa: ASYNC110 # a test may look often
            await asyncio.sleep(0.02)


async def shown(browser: httpx.AsyncClient, tenant_id: UUID) -> str:
    """The bot's own page."""
    return (await browser.get(f"/setup/channels/{(await the_bot(tenant_id))['id']}")).text


async def connects(browser: httpx.AsyncClient, token: str) -> httpx.Response:
    return await browser.post("/setup/telegram", data={"token": token})


async def test_that_without_a_public_address_a_connected_bot_is_read_at_once(
    alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID
) -> None:
    telegram.webhook = {"url": "https://old-program.example/hook"}
    answer = await connects(alice, telegram.token)
    bot = await the_bot(tenant_id)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/setup/channels/{bot['id']}?made=1")
    assert (bot["name"], bot["status"], bot["problem"], bot["account"]) == ("@oqchoy_bot", "active", None, str(telegram.id))
    assert bot["opened"]["token"] == telegram.token
    assert len(bot["opened"]["secret"]) >= 32
    assert telegram.webhook == {}
    assert await audited(tenant_id) == ["connection.added"]
    async with polling():
        telegram.customer_says(CHAT, "Salom")
        await until_said(tenant_id, "Salom")
    assert "Last message" in (await alice.get("/setup")).text
    page = await shown(alice, tenant_id)
    assert 'href="https://t.me/oqchoy_bot"' in page
    assert telegram.token not in page
    assert "The connection works." in (await alice.get(f"/setup/channels/{bot['id']}/check")).text


async def test_that_a_bot_connected_on_a_laptop_is_delivered_to_the_server_after_its_start(
    alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID, monkeypatch: Patch
) -> None:
    assert (await connects(alice, telegram.token)).status_code == 303
    assert telegram.webhook == {}
    monkeypatch.setenv("SAVDO_PUBLIC_URL", PUBLIC)
    settings.cache_clear()
    await telegram_connecting.subscribe_all()
    assert telegram.webhook["url"] == f"{PUBLIC}/hooks/telegram_bot/{(await the_bot(tenant_id))['key']}"


async def test_that_a_public_https_address_is_given_to_telegram(
    alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID, public: None
) -> None:
    assert (await connects(alice, telegram.token)).status_code == 303
    bot = await the_bot(tenant_id)
    assert telegram.webhook["url"] == f"{PUBLIC}/hooks/telegram_bot/{bot['key']}"
    assert telegram.webhook["secret_token"] == bot["opened"]["secret"]
    update = Telegram().customer_says(CHAT, "Salom")
    hook = telegram.webhook["url"].removeprefix(PUBLIC)
    assert (await alice.post(hook, json=update)).status_code == 401
    headers = {"x-telegram-bot-api-secret-token": bot["opened"]["secret"]}
    assert (await alice.post(hook, json=update, headers=headers)).status_code == 200
    assert await said(tenant_id) == ["Salom"]
    assert "Last message" in (await alice.get("/setup")).text


async def test_that_a_plain_http_address_means_polling(
    alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("SAVDO_PUBLIC_URL", "http://192.0.2.7:8000")
    settings.cache_clear()
    assert (await connects(alice, telegram.token)).status_code == 303
    assert (await the_bot(tenant_id))["status"] == "active"
    assert telegram.calls["setwebhook"] == 0
    assert "fetched from Telegram" in await shown(alice, tenant_id)


@pytest.mark.parametrize(
    "pasted",
    [
        "  {token}\n", "bot{token}", "https://api.telegram.org/bot{token}/getMe", "\u200b{token}\u200b", "{half}\n {rest}",
        "Done! Congratulations.\nUse this token to access the HTTP API:\n{token}\nKeep your token secure.",
    ],
)  # fmt: skip
async def test_that_a_token_is_found_in_what_was_pasted(alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID, pasted: str) -> None:
    halves = {"half": telegram.token[:20], "rest": telegram.token[20:]}
    assert (await connects(alice, pasted.format(token=telegram.token, **halves))).status_code == 303
    assert (await the_bot(tenant_id))["opened"]["token"] == telegram.token


WRONG = {"en": "does not accept this token", "ru": "не принимает этот токен", "uz": "qabul qilmadi", "kk": "қабылдамады"}
DOWN = {"en": "does not answer right now", "ru": "сейчас не отвечает", "uz": "hozir javob bermayapti", "kk": "қазір жауап бермей тұр"}
TAKEN = {"en": "another company", "ru": "другой компании", "uz": "boshqa kompaniyaga", "kk": "басқа компанияға"}
HERE = {"en": "already connected here", "ru": "уже подключён здесь", "uz": "allaqachon ulangan", "kk": "қосылып тұр"}


@pytest.mark.parametrize("language", ["en", "ru", "uz", "kk"])
async def test_that_a_refusal_is_told_in_the_reader_s_words_and_nothing_is_kept(
    telegram: Telegram, tenant_id: UUID, other_tenant_id: UUID, language: str
) -> None:
    async with signed_in(tenant_id, language=language) as alice, signed_in(other_tenant_id, language=language) as mallory:
        wrong = await connects(alice, f"{telegram.id}:{'B' * 35}")
        assert wrong.status_code == 422
        assert WRONG[language] in wrong.text
        telegram.fails("getMe", 502, "Bad Gateway")
        down = await connects(alice, telegram.token)
        assert down.status_code == 422
        assert DOWN[language] in down.text
        assert await bots(tenant_id) == []
        assert (await connects(alice, telegram.token)).status_code == 303
        twice = await connects(alice, telegram.token)
        assert twice.status_code == 409
        assert HERE[language] in twice.text
        stolen = await connects(mallory, telegram.token)
        assert stolen.status_code == 409
        assert TAKEN[language] in stolen.text
    assert await bots(other_tenant_id) == []
    assert (await the_bot(tenant_id))["status"] == "active"
    assert await audited(other_tenant_id) == []


async def test_that_another_company_s_deliveries_are_not_taken_away(
    alice: httpx.AsyncClient, telegram: Telegram, other_tenant_id: UUID, public: None
) -> None:
    await connects(alice, telegram.token)
    theirs = telegram.webhook
    async with signed_in(other_tenant_id) as mallory:
        assert (await connects(mallory, telegram.token)).status_code == 409
    assert telegram.webhook == theirs


@pytest.mark.parametrize(("status", "words"), [(502, "does not answer right now"), (400, "public https address"), (429, "wait a little")])
async def test_that_nothing_is_kept_where_telegram_does_not_take_our_address(
    alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID, public: None, status: int, words: str
) -> None:
    telegram.fails("setWebhook", status, "Bad Request: bad webhook: Failed to resolve host")
    answer = await connects(alice, telegram.token)
    assert answer.status_code == 422
    assert words in answer.text
    assert await bots(tenant_id) == []
    assert await audited(tenant_id) == []
    assert (await connects(alice, telegram.token)).status_code == 303


async def test_that_two_at_once_connect_one_bot(alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID) -> None:
    answers = await asyncio.gather(*(connects(alice, telegram.token) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) in ([303, 303], [303, 409])
    assert (await the_bot(tenant_id))["status"] == "active"


async def test_that_a_new_token_after_a_revoked_one_keeps_the_conversations(
    alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID
) -> None:
    await connects(alice, telegram.token)
    before = await the_bot(tenant_id)
    async with polling():
        telegram.customer_says(CHAT, "before")
        await until_said(tenant_id, "before")
        telegram.revoke()
        telegram.customer_says(CHAT, "meanwhile")
        async with asyncio.timeout(10):
            while (await the_bot(tenant_id))["status"] != "reconnect":  # noqa: ASYNC110 # a test may look often
                await asyncio.sleep(0.02)
        page = (await alice.get("/setup")).text
        assert "Telegram no longer accepts this token" in page
        assert "Not connected" in page
        address = f"/setup/channels/{before['id']}/token"
        other = new_telegram()
        wrong = await alice.post(address, data={"token": other.token})
        assert (wrong.status_code, "token of another bot" in wrong.text) == (422, True)
        assert (await alice.post(address, data={"token": f"{telegram.id}:{'C' * 35}"})).status_code == 422
        assert (await the_bot(tenant_id))["credentials"] == before["credentials"]
        telegram.token = f"{telegram.id}:{'D' * 35}"
        assert (await alice.post(address, data={"token": telegram.token})).status_code == 303
        await until_said(tenant_id, "before", "meanwhile")
    after = await the_bot(tenant_id)
    assert (after["id"], after["key"], after["status"], after["problem"]) == (before["id"], before["key"], "active", None)
    assert after["opened"] == {"token": telegram.token, "secret": before["opened"]["secret"]}
    assert await audited(tenant_id) == ["connection.added", "connection.reconnected"]
    async with db.step(tenant_id) as session:
        assert len(await db.rows(session, "SELECT 1 FROM conversations")) == 1


async def test_that_disconnecting_asks_with_counts_forgets_the_token_and_keeps_the_rest(
    alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID, other_tenant_id: UUID, public: None
) -> None:
    await connects(alice, telegram.token)
    bot = await the_bot(tenant_id)
    headers = {"x-telegram-bot-api-secret-token": bot["opened"]["secret"]}
    for chat in (CHAT, CHAT + 1):
        assert (
            await alice.post(f"/hooks/telegram_bot/{bot['key']}", json=Telegram().customer_says(chat, "Hi"), headers=headers)
        ).is_success
    assert "2 conversations are kept" in await shown(alice, tenant_id)
    assert (await alice.post(f"/setup/channels/{bot['id']}/disconnect")).status_code == 303
    assert telegram.webhook == {}
    off = await the_bot(tenant_id)
    assert (off["status"], off["opened"]) == ("off", {})
    assert (await alice.post(f"/hooks/telegram_bot/{bot['key']}", json={"update_id": 1}, headers=headers)).status_code == 404
    assert "@oqchoy_bot" not in (await alice.get("/setup")).text
    assert len(await said(tenant_id)) == 2
    # What a member still writes there fails, and asks nobody to connect what was let go.
    async with db.step(tenant_id) as session:
        talk = await db.first(session, "SELECT id FROM conversations LIMIT 1")
    assert talk is not None
    assert (await alice.post(f"/inbox/{talk['id']}/say", data={"text": "Hello?"})).status_code == 303
    await outbox.deliver(str(tenant_id), str(talk["id"]))
    assert (await the_bot(tenant_id))["status"] == "off"
    # Connected again it goes on as the same one; and what was let go, another company may have.
    assert (await connects(alice, telegram.token)).status_code == 303
    again = await the_bot(tenant_id)
    assert (again["id"], again["key"], again["status"]) == (bot["id"], bot["key"], "active")
    assert again["opened"]["secret"] != bot["opened"]["secret"]
    await alice.post(f"/setup/channels/{bot['id']}/disconnect")
    async with signed_in(other_tenant_id) as mallory:
        assert (await connects(mallory, telegram.token)).status_code == 303
    assert (await connects(alice, telegram.token)).status_code == 409
    assert (await the_bot(tenant_id))["status"] == "off"
    added, off_, on = "connection.added", "connection.off", "connection.reconnected"
    assert await audited(tenant_id) == [added, off_, on, off_]


async def test_that_disconnecting_works_while_telegram_is_down(alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID) -> None:
    await connects(alice, telegram.token)
    telegram.fails("deleteWebhook", 502, "Bad Gateway")
    bot = await the_bot(tenant_id)
    assert (await alice.post(f"/setup/channels/{bot['id']}/disconnect")).status_code == 303
    assert (await the_bot(tenant_id))["status"] == "off"


@pytest.mark.parametrize("role", ["agent", "viewer"])
async def test_that_only_who_may_configure_connects_and_disconnects(
    alice: httpx.AsyncClient, telegram: Telegram, tenant_id: UUID, other_tenant_id: UUID, role: str
) -> None:
    await connects(alice, telegram.token)
    bot, calls = await the_bot(tenant_id), telegram.calls.total()
    paths = (
        "/setup/telegram",
        f"/setup/channels/{bot['id']}",
        f"/setup/channels/{bot['id']}/token",
        f"/setup/channels/{bot['id']}/disconnect",
    )
    async with signed_in(tenant_id, role) as bob, signed_in(other_tenant_id) as mallory:
        for path in paths:
            assert (await bob.post(path, data={"token": telegram.token})).status_code == 403
        for path in paths[1:]:
            assert (await mallory.post(path, data={"token": telegram.token})).status_code == 404
    assert telegram.calls.total() == calls
    assert await the_bot(tenant_id) == bot
