"""A customer on WhatsApp: Meta delivers, Savdo answers, and the company's phone has its say."""

import json
import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio

from savdo.base import clock, db
from savdo.channels import connections
from savdo.channels.models import Connection, Template
from savdo.conversations import thread
from tests.emulators.meta import Meta, open_meta
from tests.emulators.serving import serving
from tests.emulators.whatsapp import Person, WhatsApp
from tests.journeys.conftest import all_of, documents_read, settled, until, working
from tests.web import office


@dataclass
class Shop:
    """A tea house with a price list, its number, and Ana, who has not written yet."""

    meta: Meta
    number: WhatsApp
    connection: Connection
    ana: Person

    async def answers(self) -> list[str]:
        """What Ana was sent, once everything is delivered, answered and done."""
        await self.meta.delivered()
        await settled(self.connection.tenant_id)
        return [one.text.replace("\u00a0", " ") for one in self.number.sent_to(self.ana)]

    async def rows(self, table: str) -> list[dict[str, Any]]:
        return await all_of(self.connection.tenant_id, table)

    async def member_writes(self, text: str, template: Template | None = None) -> None:
        [talk] = await self.rows("conversations")
        async with db.step(self.connection.tenant_id) as session:
            await thread.say(session, self.connection.tenant_id, talk["id"], db.new_id(), text, template=template)


async def opened(tenant_id: UUID, number: WhatsApp) -> Connection:
    async with db.step(tenant_id) as session:
        return await connections.create(
            session, tenant_id, "whatsapp_cloud", "Oq Choy", account=number.number_id, settings={"business_id": number.waba},
            credentials={"token": number.token},
        )  # fmt: skip


@pytest_asyncio.fixture
async def shop(tenant_id: UUID) -> AsyncGenerator[Shop]:
    await documents_read(tenant_id)
    meta = Meta()
    number = WhatsApp(meta, str(random.randrange(10**14, 10**15)))
    async with open_meta(meta), serving(office.app()) as base:
        assert await meta.verifies(f"{base}/hooks/meta")
        yield Shop(meta, number, await opened(tenant_id, number), number.person())


async def test_that_a_question_is_answered_shown_as_read_and_its_receipts_are_kept(shop: Shop) -> None:
    async with working():
        shop.number.says(shop.ana, "Sencha choyi necha pul?")
        [answer] = await shop.answers()
    assert "84 000" in answer
    await until(lambda: _true(len(shop.number.read) == 1))
    [sent] = shop.number.sent
    price = {"billable": False, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}
    for status in ("delivered", "read", "delivered"):
        shop.number.tells(sent, status, pricing=price)
    await shop.meta.delivered()
    _, out = await shop.rows("messages")
    assert (out["status"], out["external_id"], out["payload"]["price"]["kind"]) == ("read", sent.id, "free_customer_service")


async def test_that_a_burst_in_two_deliveries_and_their_repeats_gets_one_answer(shop: Shop) -> None:
    shop.number.says_all(shop.ana, "Salom", "menga choy kerak edi")
    shop.number.says_all(shop.ana, "Puer", "necha pul?")
    await shop.meta.delivered()
    shop.meta.repeats()
    async with working():
        [answer] = await shop.answers()
    assert "132 000" in answer
    assert [one["text"] for one in await shop.rows("messages") if one["direction"] == "in"] == [
        "Salom", "menga choy kerak edi", "Puer", "necha pul?",
    ]  # fmt: skip


async def test_that_an_order_calls_a_person_who_reads_what_was_ordered(shop: Shop) -> None:
    lines = [("PUER-357", 2, 13.2), ("CUP-1", 1, 5)]
    ordered = [{"product_retailer_id": one, "quantity": count, "item_price": each, "currency": "USD"} for one, count, each in lines]
    async with working():
        shop.number.orders(shop.ana, *ordered)
        assert len(await shop.answers()) == 1
    tenant_id = shop.connection.tenant_id
    [talk] = await shop.rows("conversations")
    async with db.step(tenant_id) as session:
        [handover] = await db.rows(session, "SELECT reason, summary FROM handovers")
    assert (talk["status"], handover["reason"]) == ("handover", "ready_to_buy")
    assert handover["summary"] == "PUER-357: 2 × 13.2 USD\nCUP-1: 1 × 5 USD"
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner", "ru"))
        page = (await browser.get(f"/inbox/{talk['id']}")).text
    assert "Заказ" in page
    assert "2 × 13.2 USD" in page
    assert "Пустое сообщение" not in page


async def test_that_after_a_day_of_silence_only_a_template_goes_out(shop: Shop) -> None:
    shop.number.says(shop.ana, "Salom")
    await shop.meta.delivered()
    shop.number.time_passes(shop.ana)
    clock.move(timedelta(hours=25))
    try:
        await shop.member_writes("Are you still there?")
        await shop.member_writes("Your visit is at 16:00, Ana", Template("visit_reminder", "en", (("", "Ana"), ("", "16:00"))))
        async with working():
            await settled(shop.connection.tenant_id)
    finally:
        clock.reset()
    _, refused, sent = await shop.rows("messages")
    assert (refused["status"], "only a template" in refused["error"], sent["status"]) == ("failed", True, "sent")
    # The first was never tried: the window is known here.
    assert (shop.meta.calls["messages"], [one.text for one in shop.number.sent]) == (1, ["visit_reminder: Ana, 16:00"])


async def test_that_the_bot_is_silent_once_a_person_answers_on_the_phone(shop: Shop) -> None:
    shop.number.says(shop.ana, "Sencha choyi necha pul?")
    echo = shop.number.person_answers(shop.ana, "84 ming, keling")
    shop.number.says(shop.ana, "Rahmat, yana Puer bormi?")
    await shop.meta.delivered()
    async with working():
        assert await shop.answers() == []
        shop.number.person_corrects(shop.ana, echo, "85 ming, keling")
        await shop.meta.delivered()
    assert [(one["author"], one["text"]) for one in await shop.rows("messages")] == [
        ("contact", "Sencha choyi necha pul?"), ("member", "85 ming, keling"), ("contact", "Rahmat, yana Puer bormi?"),
    ]  # fmt: skip
    # The echo names only the phone; it stands in the thread of the customer's id.
    [talk] = await shop.rows("conversations")
    assert (talk["status"], talk["external_id"]) == ("human", shop.ana.user_id)


async def test_that_one_delivery_for_two_companies_reaches_each_and_strangers_are_counted(shop: Shop, other_tenant_id: UUID) -> None:
    other = WhatsApp(shop.meta, "77", token="EAAother", waba="other")
    theirs = await opened(other_tenant_id, other)
    hook, shop.meta.hook = shop.meta.hook, ""
    shop.number.says(shop.ana, "for the first")
    other.says(other.person("Bob"), "for the second")
    WhatsApp(shop.meta, "99", token="EAAnobody", waba="nobody").says(Person("Carl", "US.1"), "for nobody")
    bodies = [json.loads(body) for body in shop.meta.pending]
    shop.meta.pending, shop.meta.hook = [], hook
    whole = bodies[0] | {"entry": [entry for body in bodies for entry in body["entry"]]}
    shop.meta.happens(whole)
    await shop.meta.delivered()
    async with db.step(theirs.tenant_id) as session:
        assert [one["text"] for one in await db.rows(session, "SELECT text FROM messages")] == ["for the second"]
    assert [one["text"] for one in await shop.rows("messages")] == ["for the first"]


async def test_that_only_meta_may_deliver(shop: Shop) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        wrong = {"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": "wrong"}
        assert (await client.get(shop.meta.hook, params=wrong)).status_code == 403
        body = b'{"object":"whatsapp_business_account","entry":[]}'
        assert (await client.post(shop.meta.hook, content=body, headers={"x-hub-signature-256": "sha256=00"})).status_code == 401
        junk = b"junk"
        assert (
            await client.post(shop.meta.hook, content=junk, headers={"x-hub-signature-256": shop.meta.signature(junk)})
        ).status_code == 400


async def _true(value: bool) -> bool:
    return value
