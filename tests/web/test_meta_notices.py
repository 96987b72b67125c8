"""Meta's notices about a person: the permission taken back, and being forgotten by every company that knows them."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from savdo.base import db, files, jobs
from savdo.base.errors import NotFound
from savdo.channels import connections, meta_connecting
from savdo.channels.models import Connection, Inbound, Sender
from savdo.conversations import erasure
from savdo.reply import turn
from savdo.web import hooks, meta_notices, page

USER = "218471"
# The worked one of the fact sheet.
WORKED = (
    "q1m1hDVrXQahMeaL8xE3klvRejnyvYoe4sayZbR0tjw."
    "eyJ1c2VyX2lkIjoiMjE4NDcxIiwiYWxnb3JpdGhtIjoiSE1BQy1TSEEyNTYiLCJpc3N1ZWRfYXQiOjE3MDAwMDAwMDB9"
)


def signed(user_id: str, secret: bytes = b"instagram_secret_456") -> str:
    told = base64.urlsafe_b64encode(json.dumps({"user_id": user_id, "algorithm": "HMAC-SHA256"}).encode()).rstrip(b"=")
    return base64.urlsafe_b64encode(hmac.digest(secret, told, hashlib.sha256)).rstrip(b"=").decode() + "." + told.decode()


@pytest_asyncio.fixture
async def browser() -> AsyncGenerator[httpx.AsyncClient]:
    app = FastAPI()
    page.install(app)
    app.include_router(meta_notices.router)
    app.include_router(hooks.router)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(base_url="http://savdo.test", transport=transport) as client:
        yield client


async def connected(tenant_id: UUID, kind: str, account: str, by: str = "") -> Connection:
    async with db.step(tenant_id) as session:
        return await connections.create(
            session, tenant_id, kind, "Oq Choy", account=account, credentials={"token": "EAA"}, settings={"connected_by": by}
        )


async def counted(tenant_id: UUID) -> dict[str, int]:
    async with db.step(tenant_id) as session:
        row = await db.first(
            session,
            """SELECT (SELECT count(*) FROM contacts) AS contacts, (SELECT count(*) FROM identities) AS identities,
                      (SELECT count(*) FROM conversations) AS conversations, (SELECT count(*) FROM messages) AS messages,
                      (SELECT count(*) FROM attachments) AS attachments, (SELECT count(*) FROM unknown_events) AS unknown,
                      (SELECT count(*) FROM userbot_peers) AS peers""",
        )
    return row or {}


async def connection_row(connection: Connection) -> dict[str, Any]:
    async with db.step(connection.tenant_id) as session:
        row = await db.first(session, "SELECT status, problem, settings FROM connections WHERE id = %s", (connection.id,))
        again = await connections.by_id(session, connection.id)
    assert row is not None
    return {**row, "credentials": again.credentials}


async def test_that_what_a_person_connected_is_let_go_in_every_company(
    tenant_id: UUID, other_tenant_id: UUID, browser: httpx.AsyncClient
) -> None:
    mine, theirs = await connected(tenant_id, "messenger", "111", USER), await connected(other_tenant_id, "instagram", "178", USER)
    other = await connected(tenant_id, "messenger", "222", "999")
    for _ in range(2):
        assert (await browser.post("/hooks/meta/deauthorize", data={"signed_request": WORKED})).status_code == 200
    for one in (mine, theirs):
        row = await connection_row(one)
        assert (row["status"], row["problem"], row["credentials"]) == ("reconnect", meta_connecting.REVOKED, {})
    assert (await connection_row(other))["status"] == "active"
    async with db.step(tenant_id) as session:
        noted = await db.rows(session, "SELECT action, subject FROM audit WHERE action = 'connection.revoked'")
    assert noted == [{"action": "connection.revoked", "subject": str(mine.id)}]


async def test_that_whoever_wants_to_be_forgotten_is_by_every_company(
    tenant_id: UUID, other_tenant_id: UUID, browser: httpx.AsyncClient
) -> None:
    for company, account in ((tenant_id, "111"), (other_tenant_id, "222")):
        connection = await connected(company, "messenger", account)
        told = [Inbound("message", f"m{one}", one, Sender(one, name="Ana"), text="Salom") for one in (USER, "2184710")]
        unknown = [Inbound("unknown", f"u{one}", "", Sender(""), raw={"sender": {"id": one}}) for one in (USER, "2184710")]
        await turn.take(connection, [*told, *unknown])
    asked = await browser.post("/hooks/meta/deletion", data={"signed_request": WORKED})
    code = asked.json()["confirmation_code"]
    assert asked.json() == {"url": f"http://savdo.test/privacy/deletion?code={code}", "confirmation_code": code}
    assert USER not in code
    before = await browser.get(asked.json()["url"])
    async with db.platform_step("only what was asked for") as session:
        await session.execute("DELETE FROM procrastinate_jobs WHERE task_name NOT LIKE '%%deletions%%'")
    await jobs.run_waiting()
    after = await browser.get(asked.json()["url"])
    assert (before.status_code, after.status_code) == (200, 200)
    assert before.text != after.text
    for company in (tenant_id, other_tenant_id):
        left = await counted(company)
        assert left == {"contacts": 1, "identities": 1, "conversations": 1, "messages": 1, "attachments": 0, "unknown": 1, "peers": 0}
    # Asked again, the code is the same, and whoever has written since is forgotten again.
    assert (await browser.post("/hooks/meta/deletion", data={"signed_request": WORKED})).json()["confirmation_code"] == code


async def test_that_nobody_is_answered_like_anybody_and_a_forged_notice_is_refused(tenant_id: UUID, browser: httpx.AsyncClient) -> None:
    unknown = await browser.post("/hooks/meta/deletion", data={"signed_request": signed("5")})
    assert unknown.status_code == 200
    assert (await browser.get(unknown.json()["url"])).status_code == 200
    assert (await browser.get("/privacy/deletion?code=nobody")).status_code == 404
    flipped = WORKED.replace("q1m1", "r1m1")
    for address in ("/hooks/meta/deauthorize", "/hooks/meta/deletion"):
        for request in (flipped, WORKED.replace(".", ""), signed("5", b"wrong"), "\x00", "é.é"):
            assert (await browser.post(address, data={"signed_request": request})).status_code == 401
        for body in (b"", b"\xff", b"signed_request", b"x=" + b"a" * 9000):
            assert (await browser.post(address, content=body)).status_code == 422


async def test_that_a_contact_is_erased_with_files_and_the_contacts_it_was_merged_with(tenant_id: UUID) -> None:
    connection = await connected(tenant_id, "telegram_userbot", "900")
    await turn.take(connection, [Inbound("message", "7", "42", Sender("42"), text="Salom")])
    key = f"{tenant_id}/attachments/a"
    await files.put(key, b"picture")
    async with db.step(tenant_id) as session:
        talk = await db.first(session, "SELECT id, contact_id FROM conversations")
        assert talk is not None
        await session.execute(
            """INSERT INTO attachments (tenant_id, id, conversation_id, name, mime, size, sha256, file_key)
               VALUES (%s, %s, %s, 'a', 'image/png', 1, '', %s)""",
            (tenant_id, db.new_id(), talk["id"], key),
        )
        for peer in (42, 43):
            await session.execute(
                "INSERT INTO userbot_peers (tenant_id, connection_id, peer, access_hash) VALUES (%s, %s, %s, 1)",
                (tenant_id, connection.id, peer),
            )
        merged = db.new_id()
        await session.execute(
            "INSERT INTO contacts (tenant_id, id, name, merged_into) VALUES (%s, %s, 'Ann', %s)", (tenant_id, merged, talk["contact_id"])
        )
    assert await erasure.erase(tenant_id, merged, "member:alice") == erasure.Receipt(conversations=1, messages=1, files=1)
    await jobs.run_waiting()
    with pytest.raises(files.NoSuchFile):
        await files.get(key)
    assert await counted(tenant_id) == {
        "contacts": 0, "identities": 0, "conversations": 0, "messages": 0, "attachments": 0, "unknown": 0, "peers": 1,
    }  # fmt: skip
    with pytest.raises(NotFound):
        await erasure.erase(tenant_id, merged, "member:alice")
