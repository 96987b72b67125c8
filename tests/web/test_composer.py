"""What a member sees of a channel in the thread, and what they may write once its window is closed."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb

from savdo.base import db
from savdo.channels import connections
from savdo.web import format as show
from tests.emulators.meta import Meta, open_meta
from tests.emulators.whatsapp import WhatsApp
from tests.web import office


@pytest_asyncio.fixture
async def number(database: str) -> AsyncIterator[WhatsApp]:
    async with open_meta(meta := Meta()):
        yield WhatsApp(meta)


@pytest_asyncio.fixture
async def alice(tenant_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    """The owner, signed in."""
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner"))
        yield browser


async def silent_for(tenant_id: UUID, days: int, channel: str, **more: Any) -> office.Talk:
    """A conversation whose customer wrote last some days ago."""
    async with db.step(tenant_id) as session:
        made = await connections.create(session, tenant_id, channel, "Oq Choy", account=str(db.new_id()), **more)
    talk = await office.talk(made, "Dilnoza")
    await office.says(talk, "Salom")
    async with db.step(tenant_id) as session:
        await session.execute("UPDATE conversations SET last_inbound_at = now() - %s * interval '1 day'", (days,))
    return talk


async def test_that_after_the_window_an_approved_template_is_sent(alice: httpx.AsyncClient, tenant_id: UUID, number: WhatsApp) -> None:
    talk = await silent_for(tenant_id, 2, "whatsapp_cloud", credentials={"token": number.token}, settings={"business_id": number.waba})
    page = (await alice.get(f"/inbox/{talk.id}")).text
    assert ("only an approved template" in page, "Write to the customer" in page) == (True, False)
    # What is being filled in is not taken away by what happens meanwhile.
    assert (await alice.get(f"/inbox/{talk.id}/composer")).status_code == 204
    listed = (await alice.get(f"/inbox/{talk.id}/templates")).text
    assert ("visit_reminder" in listed, "your visit is at {{2}}" in listed, "spring_sale" in listed) == (True, True, False)
    form = {"name": "visit_reminder", "language": "en_US" if "en_US" in listed else "en", "value-1": "Dilnoza", "value-2": "18:00"}
    assert (await alice.post(f"/inbox/{talk.id}/template", data={**form, "value-2": " "})).status_code == 422
    assert (await alice.post(f"/inbox/{talk.id}/template", data={**form, "name": "spring_sale"})).status_code == 404
    assert (await alice.post(f"/inbox/{talk.id}/template", data=form)).status_code == 303
    async with db.step(tenant_id) as session:
        row = await db.first(session, "SELECT text, status, payload->'template' AS template FROM messages WHERE direction = 'out'")
    assert row is not None
    assert (row["text"], row["status"]) == ("Hello Dilnoza, your visit is at 18:00.", "queued")
    assert row["template"]["parameters"] == [["", "Dilnoza"], ["", "18:00"]]
    async with db.step(tenant_id) as session:
        await session.execute("UPDATE conversations SET last_inbound_at = now()")
    assert "Write to the customer" in (await alice.get(f"/inbox/{talk.id}/composer")).text


CLOSED = [("messenger", 2, False), ("messenger", 8, True), ("telegram_business", 2, True), ("telegram_bot", 400, False)]


@pytest.mark.parametrize(("channel", "days", "closed"), CLOSED)
async def test_that_a_member_is_told_why_nothing_can_be_sent(
    alice: httpx.AsyncClient, tenant_id: UUID, channel: str, days: int, closed: bool
) -> None:
    talk = await silent_for(tenant_id, days, channel)
    page = (await alice.get(f"/inbox/{talk.id}")).text
    assert ("lets nobody write until they write again" in page, "Write to the customer" in page) == (closed, not closed)
    assert (await alice.get(f"/inbox/{talk.id}/templates")).status_code == 404


async def test_that_the_thread_tells_what_came_with_the_messages(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    talk = await silent_for(tenant_id, 0, "whatsapp_cloud")
    price = {"billable": True, "category": "marketing", "kind": "regular"}
    await office.says(talk, "Aksiya!", "member", payload={"price": price, "reactions": {"contact": "❤"}})
    came = {"first": {"headline": "Spring sale", "ad_id": "7", "at": "2026-01-01"}, "last": {"ref": "shop-window", "at": "2026-02-01"}}
    async with db.step(tenant_id) as session:
        await session.execute("UPDATE contacts SET attributes = %s, opted_out_at = now()", (Jsonb({"came_by": came}),))
    page = (await alice.get(f"/inbox/{talk.id}")).text
    for words in ("Charged: marketing", "The customer reacted: ❤", "Spring sale", "shop-window", "wants no more"):
        assert words in page


async def test_that_what_a_customer_took_back_is_no_longer_shown(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    talk = await silent_for(tenant_id, 0, "instagram")
    picture = {"id": str(db.new_id()), "kind": "image", "name": "passport.jpg", "mime": "image/jpeg", "size": 9}
    await office.says(talk, "", payload={"attachments": [picture], "location": [41.31, 69.24]})
    page = (await alice.get(f"/inbox/{talk.id}")).text
    assert ("passport.jpg" in page, "41.31" in page) == (True, True)
    async with db.step(tenant_id) as session:
        await session.execute("UPDATE messages SET deleted_at = now() WHERE payload ? 'attachments'")
    page = (await alice.get(f"/inbox/{talk.id}")).text
    assert ("passport.jpg" in page, "41.31" in page) == (False, False)


NOTES = {
    "likely 0.91, share 0.40": "Sure to 0.91 that a passage answers; the best one fits to 0.40",
    "outside working hours": "Outside working hours",
    "read as booking, doubted": 'Read as "Booking", not surely', "not spoken of: politics, war": "Not spoken of: politics, war",
    "gpt-5-mini: 812 ms, price unknown": "gpt-5-mini: 812 ms, price unknown", "tools: find_price": "Used: find_price",
    "openai:gpt-5: the model did not answer": "openai:gpt-5 was passed by: the model did not answer",
}  # fmt: skip


def test_that_the_notes_of_an_answer_are_told_in_words() -> None:
    assert {said: show.note(said, "en") for said in NOTES} == NOTES
    assert show.note("outside working hours", "uz") == "Ish vaqtidan tashqari"
