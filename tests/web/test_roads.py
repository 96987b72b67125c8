"""One contact's roads in the inbox: found to be one person, merged, shown in one thread, answered where they wrote, undone."""

import re
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from savdo.base import db
from savdo.channels import connections
from savdo.conversations import contacts, thread
from tests.web import office


@pytest_asyncio.fixture
async def alice(tenant_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner"))
        yield browser


async def ana_twice(tenant_id: UUID) -> tuple[office.Talk, office.Talk]:
    """Ana wrote to the bot, and then to the number, where the same phone was typed."""
    talks: list[office.Talk] = []
    for kind, name, said in (("telegram_bot", "Tea bot", "Puer bormi?"), ("whatsapp_cloud", "Tea number", "Manzil qayerda?")):
        async with db.step(tenant_id) as session:
            made = await connections.create(session, tenant_id, kind, name, account=str(db.new_id()))
        talks.append(talk := await office.talk(made, f"Ana of {name}"))
        await office.says(talk, said)
        async with db.step(tenant_id) as session:
            row = await db.first(session, "UPDATE conversations SET last_inbound_at = now() WHERE id = %s RETURNING contact_id", (talk.id,))
            assert row is not None
            await contacts.set_details(session, row["contact_id"], phone="+998901234567")
    return talks[0], talks[1]


async def test_that_contacts_are_found_merged_shown_as_one_and_parted(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    bot, number = await ana_twice(tenant_id)
    offered = (await alice.get(f"/inbox/{bot.id}/same")).text
    assert ("Ana of Tea number" in offered, "same phone" in offered, "Manzil" in offered) == (True, True, True)
    for query, known in (("tea numb", True), ("998901234567", True), ("100%", False), ("\x00", True)):
        assert ("Ana of Tea number" in (await alice.get(f"/inbox/{bot.id}/same", params={"q": query})).text) == known, query
    contact = re.search(r'name="contact" value="([^"]+)"', offered)
    assert contact is not None
    assert (await alice.post(f"/inbox/{bot.id}/merge", data={"contact": contact[1]})).headers["location"] == f"/inbox/{bot.id}"
    page = (await alice.get(f"/inbox/{bot.id}")).text
    # Each message tells its road, and the answer is offered on the one they wrote by last.
    said = page.split('id="thread"')[1]
    assert said.index("Puer bormi?") < said.index(f'href="/inbox/{number.id}">Tea number</a></p>') < said.index("Manzil qayerda?")
    assert ("They wrote last by Tea number." in page, "Merged with Ana of Tea number by hand" in page) == (True, True)
    assert "Your answer goes by Tea number." in (await alice.get(f"/inbox/{number.id}")).text
    assert "Puer bormi?" in (await alice.get(f"/inbox/{number.id}/thread", params={"since": 1})).text
    undo = re.search(r"/inbox/[^\"]+/merges/[^\"]+/undo", page)
    assert undo is not None
    assert (await alice.post(undo[0])).status_code == 303
    page = (await alice.get(f"/inbox/{bot.id}")).text
    assert ("Manzil qayerda?" in page.split('id="thread"')[1], "Merged with" in page) == (False, False)
    async with db.step(tenant_id) as session:
        audit = await db.rows(session, "SELECT action FROM audit WHERE actor LIKE 'member:%%' AND action LIKE 'contact.%%' ORDER BY id")
    assert [row["action"] for row in audit] == ["contact.merged", "contact.parted"]


async def test_that_a_member_answers_for_it_that_a_customer_may_be_written_to_again(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    talk, _ = await ana_twice(tenant_id)
    async with db.step(tenant_id) as session:
        row = await db.first(session, "SELECT contact_id, revision FROM conversations WHERE id = %s", (talk.id,))
        assert row is not None
        await contacts.opt_out(session, row["contact_id"])
        await thread.tell_consent(session, talk.id, row["revision"], "withdrawn")
    page = (await alice.get(f"/inbox/{talk.id}")).text
    for words in (
        "Wants no more messages: the bot is silent",
        "Allow messages again",
        "allow it in the details",
        "your name is kept with it",
    ):
        assert words in page
    assert (await alice.get(f"/inbox/{talk.id}/composer")).status_code == 204
    answer = await alice.post(f"/inbox/{talk.id}/consent")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/inbox/{talk.id}")
    page = (await alice.get(f"/inbox/{talk.id}")).text
    assert ("Write to the customer" in page, "your name is kept with it" in page) == (True, False)
    async with db.step(tenant_id) as session:
        audit = await db.rows(session, "SELECT actor, subject FROM audit WHERE action = 'contact.opted_in'")
    assert [(one["actor"].split(":")[0], one["subject"]) for one in audit] == [("member", str(row["contact_id"]))]


@pytest.mark.parametrize("role", ["viewer", "stranger"])
async def test_that_who_may_not_answer_merges_nobody(tenant_id: UUID, other_tenant_id: UUID, role: str) -> None:
    bot, number = await ana_twice(tenant_id)
    async with db.step(tenant_id) as session:
        row = await db.first(session, "SELECT contact_id FROM conversations WHERE id = %s", (number.id,))
    assert row is not None
    async with office.client() as mallory:
        home, may = (tenant_id, "viewer") if role == "viewer" else (other_tenant_id, "owner")
        await office.sign_in(mallory, await office.member(home, "Mallory", may))
        expected = 403 if role == "viewer" else 404
        assert (await mallory.get(f"/inbox/{bot.id}/same")).status_code == expected
        assert (await mallory.post(f"/inbox/{bot.id}/consent")).status_code == expected
        assert (await mallory.post(f"/inbox/{bot.id}/merge", data={"contact": str(row["contact_id"])})).status_code == expected
        assert (await mallory.post(f"/inbox/{bot.id}/merges/{bot.id}/undo")).status_code == expected


async def test_that_an_erased_customer_is_gone_with_every_road(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    bot, number = await ana_twice(tenant_id)
    other = await office.talk(await office.web_chat(tenant_id), "Bobur")
    asked = (await alice.get(f"/inbox/{bot.id}")).text
    assert ("Erase Ana of Tea bot for good?" in asked, "1 conversation goes with its messages" in asked) == (True, True)
    async with db.step(tenant_id) as session:
        row = await db.first(session, "SELECT contact_id FROM conversations WHERE id = %s", (number.id,))
    assert row is not None
    await alice.post(f"/inbox/{bot.id}/merge", data={"contact": str(row["contact_id"])})
    assert "2 conversations go with their messages" in (await alice.get(f"/inbox/{bot.id}")).text
    async with office.client() as agent:
        await office.sign_in(agent, await office.member(tenant_id, "Olga", "agent"))
        assert "Erase Ana" not in (await agent.get(f"/inbox/{bot.id}")).text
        assert (await agent.post(f"/inbox/{bot.id}/erase")).status_code == 403
    answer = await alice.post(f"/inbox/{bot.id}/erase")
    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox")
    listed = (await alice.get("/inbox")).text
    assert ("The customer is erased." in listed, "Ana of" in listed, "Bobur" in listed) == (True, False, True)
    assert [(await alice.get(f"/inbox/{one.id}")).status_code for one in (bot, number, other)] == [404, 404, 200]
    async with db.step(tenant_id) as session:
        noted = await db.rows(session, "SELECT actor LIKE 'member:%%' AS by_member, details FROM audit WHERE action = 'contact.erased'")
    assert noted == [{"by_member": True, "details": {"conversations": 2, "messages": 2, "files": 0}}]
