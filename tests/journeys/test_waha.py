"""A customer of a number that is linked to the company's own WAHA server."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import circuit, db, jobs
from savdo.base.settings import settings
from savdo.channels import connections, waha_api, waha_connecting
from savdo.channels.errors import Disconnected, Unreachable
from savdo.channels.models import Connection, channel
from savdo.conversations import outbox
from tests.emulators.serving import serving
from tests.emulators.waha import PNG as CODE
from tests.emulators.waha import Waha
from tests.journeys.conftest import settled, working
from tests.web import office

ANA = "15550002222"


@dataclass
class Shop:
    server: Waha
    connection: Connection

    async def rows(self, table: str) -> list[dict[str, Any]]:
        queries: dict[str, LiteralString] = {
            "messages": "SELECT * FROM messages ORDER BY number", "conversations": "SELECT * FROM conversations",
            "connections": "SELECT * FROM connections",
        }  # fmt: skip
        async with db.step(self.connection.tenant_id) as session:
            return await db.rows(session, queries[table])

    async def answered(self) -> list[str]:
        """What Ana was sent, once everything is delivered and done."""
        await self.server.delivered()
        await settled(self.connection.tenant_id)
        return [one.text for one in self.server.sent]


@pytest.fixture
def patch() -> Generator[pytest.MonkeyPatch]:
    found = pytest.MonkeyPatch()
    yield found
    found.undo()
    settings.cache_clear()


@pytest_asyncio.fixture
async def shop(tenant_id: UUID) -> AsyncGenerator[Shop]:
    circuit.forget()
    server = Waha()
    async with serving(server) as base, serving(office.app()) as hooks:
        async with db.step(tenant_id) as session:
            made = await connections.create(
                session, tenant_id, "waha", "Oq Choy", account="15550001111",
                credentials={"api_key": server.key, "secret": "hook-secret"}, settings={"api_base": base, "session": "default"},
            )  # fmt: skip
        await channel("waha").subscribe(made, f"{hooks}/hooks/waha/{made.key}")
        yield Shop(server, made)
    circuit.forget()


async def test_that_a_question_is_answered_once_however_often_it_comes_and_its_receipts_are_kept(shop: Shop) -> None:
    asked = shop.server.says(ANA, "Salom! Sencha choyi necha pul?")
    await shop.server.delivered(repeats=3)
    async with working():
        [answer] = await shop.answered()
    assert answer
    # The server tells of our own message too: it is known, and no person's.
    shop.server.tells(shop.server.sent[0], 3)
    shop.server.tells(shop.server.sent[0], 2)
    await shop.server.delivered()
    question, reply = await shop.rows("messages")
    assert (question["text"], question["author"]) == ("Salom! Sencha choyi necha pul?", "contact")
    assert (reply["author"], reply["status"], reply["external_id"]) == ("bot", "read", shop.server.sent[0].id)
    assert asked["id"] in shop.server.seen
    [talk] = await shop.rows("conversations")
    assert talk["status"] in ("bot", "handover")


async def test_that_a_text_met_by_no_answer_and_by_errors_arrives_once(shop: Shop) -> None:
    shop.server.says(ANA, "Salom")
    await shop.server.delivered()
    # Taken without an answer, then not taken: either way it goes again under the same id.
    shop.server.fails(0)
    shop.server.fails(502)
    await jobs.run_waiting()
    # Its copy comes back while it is still being tried: no person wrote it.
    await shop.server.delivered()
    [talk] = await shop.rows("conversations")
    with pytest.raises(Unreachable):
        await outbox.deliver(str(shop.connection.tenant_id), str(talk["id"]))
    await outbox.deliver(str(shop.connection.tenant_id), str(talk["id"]))
    _, reply = await shop.rows("messages")
    assert (reply["status"], reply["attempts"], talk["status"]) == ("sent", 3, "bot")
    assert reply["payload"]["reserved"] == [reply["external_id"]]
    assert [(one.id, one.text) for one in shop.server.sent] == [(reply["external_id"], reply["text"])]


async def test_that_a_text_which_met_nothing_but_errors_may_have_arrived(shop: Shop) -> None:
    shop.server.says(ANA, "Salom")
    await shop.server.delivered()
    shop.server.fails(502, times=outbox.TRIES)
    await jobs.run_waiting()
    [talk] = await shop.rows("conversations")
    for _ in range(outbox.TRIES - 2):
        with pytest.raises(Unreachable):
            await outbox.deliver(str(shop.connection.tenant_id), str(talk["id"]))
    await outbox.deliver(str(shop.connection.tenant_id), str(talk["id"]))
    _, reply = await shop.rows("messages")
    assert (reply["status"], reply["attempts"]) == ("uncertain", outbox.TRIES)


async def test_that_the_bot_is_silent_once_a_person_answers_on_the_phone(shop: Shop) -> None:
    shop.server.says(ANA, "Salom")
    shop.server.person_answers(ANA, "Salom, Ana!")
    shop.server.says(ANA, "Puer bormi?")
    await shop.server.delivered()
    async with working():
        assert await shop.answered() == []
    assert [(one["author"], one["text"]) for one in await shop.rows("messages")] == [
        ("contact", "Salom"), ("member", "Salom, Ana!"), ("contact", "Puer bormi?"),
    ]  # fmt: skip
    assert (await shop.rows("conversations"))[0]["status"] == "human"


async def test_that_a_phone_that_ends_its_session_is_noticed_before_anybody_writes_and_goes_on_once_it_scans(shop: Shop) -> None:
    async with working():
        for status, wanted in (("SCAN_QR_CODE", "reconnect"), ("WORKING", "active")):
            shop.server.turns(status)
            await shop.server.delivered()
            async with asyncio.timeout(15):
                while (await shop.rows("connections"))[0]["status"] != wanted:  # noqa: ASYNC110 # a test may look often
                    await asyncio.sleep(0.03)


async def test_that_a_number_is_linked_by_its_code_answers_and_is_let_go(tenant_id: UUID, patch: pytest.MonkeyPatch) -> None:
    server = Waha(exists=False)
    async with serving(server) as base, serving(office.app()) as hooks:
        patch.setenv("SAVDO_PUBLIC_URL", hooks)
        settings.cache_clear()
        for wrong, error in (("ftp://x", waha_connecting.WrongServer), (base, Disconnected)):
            with pytest.raises(error):
                await waha_connecting.connect(tenant_id, "member:alice", wrong, "", "wrong key")
        made = await waha_connecting.connect(tenant_id, "member:alice", f"{base}/", "", server.key)
        assert await waha_connecting.code(tenant_id, made.id) == waha_api.Code("SCAN_QR_CODE", CODE)
        server.status = "WORKING"
        assert (await waha_connecting.code(tenant_id, made.id)).status == "WORKING"
        shop = Shop(server, made)
        [row] = await shop.rows("connections")
        assert (row["status"], row["account"], row["name"]) == ("active", "15550001111", "Oq Choy +15550001111")
        server.says(ANA, "Salom")
        await server.delivered()
        assert [one["text"] for one in await shop.rows("messages")] == ["Salom"]
        await waha_connecting.disconnect(tenant_id, "member:alice", made.id)
        assert (server.status, server.config["webhooks"], (await shop.rows("connections"))[0]["status"]) == ("STOPPED", [], "off")
