"""Everything Meta may deliver to its address, and everything somebody else may: nothing lost, nothing doubled, no 5xx."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from savdo.base import db
from savdo.channels import connections, meta_webhooks
from savdo.web import hooks, page

PAYLOADS = Path(__file__).parents[1] / "payloads" / "whatsapp_cloud"
NUMBER = "200000000000002"
HOOK = "/hooks/meta"


def client() -> httpx.AsyncClient:
    app = FastAPI()
    page.install(app)
    app.include_router(hooks.router)
    return httpx.AsyncClient(base_url="http://savdo.test", transport=httpx.ASGITransport(app=app, raise_app_exceptions=False))


async def post(browser: httpx.AsyncClient, body: bytes, secret: str = "app_secret_123") -> int:
    headers = {"x-hub-signature-256": meta_webhooks.signature(secret, body)}
    return (await browser.post(HOOK, content=body, headers=headers)).status_code


async def number_of(tenant_id: UUID) -> None:
    async with db.step(tenant_id) as session:
        await connections.create(session, tenant_id, "whatsapp_cloud", "Shop", account=NUMBER, settings={"business_id": "100000000000001"})


async def stored(tenant_id: UUID) -> list[dict[str, Any]]:
    async with db.step(tenant_id) as session:
        return await db.rows(session, "SELECT * FROM messages ORDER BY conversation_id, number")


def changed(value: Any, key: str, new: Any) -> bytes:
    """The sample of a text with every `key` in it made `new`."""

    def walk(one: Any) -> Any:
        if isinstance(one, dict):
            return {name: new if name == key else walk(inner) for name, inner in one.items()}
        return [walk(inner) for inner in one] if isinstance(one, list) else one

    return json.dumps(walk(value)).encode()


HOSTILE: tuple[Any, ...] = ("a\x00b", "\ud800", "x" * 5000, 7, 10**400, -1, None, True, [], {}, [[]], {"id": {}}, 1e308)


async def test_that_hostile_values_stop_nothing(tenant_id: UUID) -> None:
    await number_of(tenant_id)
    sample = json.loads((PAYLOADS / "text__ad_referral.json").read_text())
    keys = (
        "id",
        "from",
        "from_user_id",
        "timestamp",
        "body",
        "type",
        "profile",
        "contacts",
        "phone_number_id",
        "field",
        "headline",
        "object",
    )
    async with client() as browser:
        for key in keys:
            for new in HOSTILE:
                status = await post(browser, changed(sample, key, new))
                assert status in (200, 400), (key, new)
        assert await post(browser, json.dumps(sample).encode()) == 200
    assert "Is it still on?" in [one["text"] for one in await stored(tenant_id)]


@pytest.mark.parametrize(
    "body", [b"", b"junk", b"[]", b"7", b'{"object":1}', b"[" * 100_000, b'{"object":"page","entry":[[[]]]}', b"\xff\xfe"]
)
async def test_that_junk_is_refused_or_ignored(database: str, body: bytes) -> None:
    async with client() as browser:
        assert await post(browser, body) in (200, 400)
        assert await post(browser, body, secret="somebody-else") == 401


async def test_that_accounts_nobody_has_connected_are_taken_and_forgotten(tenant_id: UUID) -> None:
    async with client() as browser:
        assert await post(browser, (PAYLOADS / "batch.json").read_bytes()) == 200
        assert await post(browser, b'{"object":"group","entry":[{"id":"1"}]}') == 200
    assert await stored(tenant_id) == []


async def test_that_what_is_told_of_a_business_its_owner_reads_until_it_is_over(tenant_id: UUID) -> None:
    await number_of(tenant_id)
    paused = (PAYLOADS / "account__template_paused.json").read_bytes()
    async with client() as browser:
        for body, told in ((paused, ["PAUSED"]), (paused.replace(b"PAUSED", b"APPROVED"), [])):
            assert await post(browser, body) == 200
            async with db.step(tenant_id) as session:
                [row] = await db.rows(session, "SELECT alerts FROM connections")
            assert [one["words"] for kind, one in row["alerts"].items() if kind == "template:visit_reminder"] == told


async def test_that_events_of_a_business_that_nobody_knows_are_kept_by_its_connections(tenant_id: UUID) -> None:
    await number_of(tenant_id)
    async with client() as browser:
        body = (PAYLOADS / "account__template_paused.json").read_bytes().replace(b"PAUSED", b"PENDING")
        assert await post(browser, body) == 200
    async with db.step(tenant_id) as session:
        [kept] = await db.rows(session, "SELECT * FROM unknown_events")
    assert kept["body"]["event"]["value"]["event"] == "PENDING"


async def test_that_the_challenge_comes_back_as_it_was() -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "0011", "hub.verify_token": "mytoken"}
    async with client() as browser:
        answer = await browser.get(HOOK, params=asked)
        assert (answer.status_code, answer.text, answer.headers["content-type"].partition(";")[0]) == (200, "0011", "text/plain")
        for wrong in ({"hub.verify_token": "other"}, {"hub.mode": "unsubscribe"}):
            assert (await browser.get(HOOK, params=asked | wrong)).status_code == 403
        del asked["hub.challenge"]
        assert (await browser.get(HOOK, params=asked)).status_code == 403
