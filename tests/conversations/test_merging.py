"""Two contacts that are one person: merged by a number their channels vouch for or by hand, and parted again."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import db, jobs
from savdo.channels import connections
from savdo.channels.models import Connection, Inbound, Sender
from savdo.conversations import contacts, merging
from savdo.reply import turn

PHONE = "+998901112233"


@dataclass
class Roads:
    """One company's three connections and what comes in by them."""

    tenant_id: UUID
    by_name: dict[str, Connection]
    count: int = 0

    async def says(self, road: str, person: str, text: str = "Hi", *, phone: str = "", **more: Any) -> UUID:
        """A customer's message; returns their conversation."""
        self.count += 1
        sender = Sender(person, name=more.pop("name", person.title()), phone=phone, aliases=more.pop("aliases", ()))
        thread = more.pop("thread", person)
        [taken] = await turn.take(self.by_name[road], [Inbound("message", f"m{self.count}", thread, sender, text=text, **more)])
        assert taken.conversation_id is not None
        return taken.conversation_id

    async def contact(self, conversation: UUID) -> dict[str, Any]:
        [row] = await self.rows(
            "SELECT p.*, l.contact_id AS lead_of FROM conversations c JOIN contacts p ON p.id = c.contact_id"
            " LEFT JOIN leads l ON l.conversation_id = c.id WHERE c.id = %s", conversation,
        )  # fmt: skip
        return row

    async def tells(self, conversation: UUID, **facts: str) -> None:
        async with db.step(self.tenant_id) as session:
            await contacts.remember(session, conversation, facts)

    async def known(self, conversation: UUID) -> dict[str, str]:
        """What a turn is told of the customer."""
        query = f"SELECT {contacts.REMEMBERED} AS known FROM conversations c JOIN contacts p ON p.id = c.contact_id WHERE c.id = %s"
        return (await self.rows(query, conversation))[0]["known"]

    async def rows(self, query: Any, *values: Any) -> list[dict[str, Any]]:
        async with db.step(self.tenant_id) as session:
            return await db.rows(session, query, values)

    async def merge(self, kept: UUID, other: UUID) -> None:
        async with db.step(self.tenant_id) as session:
            await merging.merge(session, self.tenant_id, "member:alice", kept, other)

    async def undo(self, position: int = 0) -> None:
        found = await self.rows("SELECT id FROM merges ORDER BY id")
        async with db.step(self.tenant_id) as session:
            await merging.undo(session, self.tenant_id, "member:alice", found[position]["id"])

    async def same(self, *conversations: UUID) -> bool:
        return len({(await self.contact(one))["id"] for one in conversations}) == 1


@pytest_asyncio.fixture
async def roads(tenant_id: UUID) -> Roads:
    async with db.step(tenant_id) as session:
        made = {
            name: await connections.create(session, tenant_id, "sandbox", name, settings={"answer_messages": False})
            for name in ("telegram", "whatsapp", "site")
        }
    return Roads(tenant_id, made)


async def test_that_a_number_two_channels_vouch_for_makes_one_contact_and_the_oldest_stays(roads: Roads) -> None:
    first = await roads.says("telegram", "tg1", name="Ana")
    other = await roads.says("whatsapp", "wa1", name="Ana T", phone=PHONE)
    await jobs.run_waiting()
    assert not await roads.same(first, other)
    await roads.says("telegram", "tg1", "", phone=PHONE)
    await jobs.run_waiting()
    assert await roads.same(first, other)
    contact = await roads.contact(other)
    assert contact["name"] == "Ana"
    async with db.step(roads.tenant_id) as session:
        assert await contacts.phone(session, other) == PHONE
    [merge] = await roads.rows("SELECT actor, action, subject, details->>'by' AS by FROM audit WHERE action = 'contact.merged'")
    assert merge == {"actor": "system", "action": "contact.merged", "subject": str(contact["id"]), "by": "phone"}
    # What a member has parted is not put together again by the next message.
    await roads.undo()
    await roads.says("whatsapp", "wa1", "again", phone=PHONE)
    await roads.says("site", "v1", phone=PHONE)
    await jobs.run_waiting()
    assert not await roads.same(first, other)


async def test_that_a_number_that_was_only_typed_merges_nobody(roads: Roads) -> None:
    first, other = await roads.says("telegram", "tg1"), await roads.says("whatsapp", "wa1", phone=PHONE)
    async with db.step(roads.tenant_id) as session:
        await contacts.set_details(session, (await roads.contact(first))["id"], phone=PHONE)
    await roads.says("whatsapp", "wa1", "again", phone=PHONE)
    await jobs.run_waiting()
    assert not await roads.same(first, other)


async def test_that_undoing_takes_back_what_came_in_since_by_its_road(roads: Roads) -> None:
    first, other = await roads.says("telegram", "tg1", name="Ana"), await roads.says("whatsapp", "wa1", name="Bob")
    ana, bob = (await roads.contact(first))["id"], (await roads.contact(other))["id"]
    async with db.step(roads.tenant_id) as session:
        await contacts.set_details(session, bob, email="bob@example.com")
        await session.execute(
            "INSERT INTO leads (tenant_id, id, conversation_id, contact_id) VALUES (%s, %s, %s, %s)",
            (roads.tenant_id, db.new_id(), other, bob),
        )
    await roads.merge(ana, bob)
    kept = await roads.contact(other)
    assert (kept["id"], kept["lead_of"], kept["name"]) == (ana, ana, "Ana")
    # Since then: a message, a comment's thread of the same person, another id of theirs, a number, a goodbye.
    assert await roads.says("whatsapp", "wa1", "more", aliases=("wa1-new",), phone=PHONE) == other
    comment = await roads.says("whatsapp", "wa1", thread="comment-7")
    async with db.step(roads.tenant_id) as session:
        await contacts.opt_out(session, ana)
    assert (await roads.contact(comment))["id"] == ana
    await roads.undo()
    ana_now, bob_now = await roads.contact(first), await roads.contact(other)
    assert (bob_now["id"], bob_now["lead_of"], (await roads.contact(comment))["id"]) == (bob, bob, bob)
    assert {row["contact_id"] for row in await roads.rows("SELECT contact_id FROM identities WHERE external_id LIKE 'wa%%'")} == {bob}
    assert (ana_now["email_hash"], ana_now["phone_hash"]) == (None, None)
    assert (bob_now["name"], bob_now["email_hash"] is not None, bob_now["phone_hash"] is not None) == ("Bob", True, True)
    # Who wants no more messages said so as both.
    assert ana_now["opted_out_at"] == bob_now["opted_out_at"] is not None
    await roads.undo()
    assert [row["action"] for row in await roads.rows("SELECT action FROM audit ORDER BY id")] == ["contact.merged", "contact.parted"]


async def test_that_what_is_remembered_is_known_on_every_road_and_goes_with_the_one_it_was_told_on(roads: Roads) -> None:
    first, other = await roads.says("telegram", "tg1"), await roads.says("whatsapp", "wa1")
    await roads.tells(first, size="M")
    await roads.tells(other, size="L", colour="red")
    await roads.merge((await roads.contact(first))["id"], (await roads.contact(other))["id"])
    assert await roads.known(first) == await roads.known(other) == {"size": "L", "colour": "red"}
    await roads.tells(first, size="XL")
    await roads.tells(await roads.says("whatsapp", "wa1", thread="comment-7"), floor="4")
    assert await roads.known(other) == {"size": "XL", "colour": "red", "floor": "4"}
    await roads.undo()
    assert await roads.known(first) == {"size": "XL"}
    assert await roads.known(other) == {"size": "L", "colour": "red", "floor": "4"}


async def test_that_two_people_of_one_bot_keep_their_own_threads_when_merged(roads: Roads) -> None:
    first, other = await roads.says("telegram", "tg1"), await roads.says("telegram", "tg2", thread="comment-1")
    await roads.merge((await roads.contact(first))["id"], (await roads.contact(other))["id"])
    mine = await roads.says("telegram", "tg2")
    assert mine not in (first, other)
    assert await roads.same(first, other, mine)


async def test_that_a_chain_of_merges_comes_apart_at_any_link(roads: Roads) -> None:
    talks = [await roads.says(road, "p1") for road in ("telegram", "whatsapp", "site")]
    a, b, c = [(await roads.contact(one))["id"] for one in talks]
    await roads.merge(b, c)
    await roads.merge(a, b)
    assert await roads.same(*talks)
    await roads.undo(1)
    assert [(await roads.contact(one))["id"] for one in talks] == [a, b, b]
    await roads.merge(a, c)
    assert await roads.same(*talks)
    await roads.undo(0)
    assert [(await roads.contact(one))["id"] for one in talks] == [a, a, c]


async def test_that_merging_at_once_and_crosswise_ends_as_one(roads: Roads) -> None:
    talks = [await roads.says(road, "p1") for road in ("telegram", "whatsapp", "site")]
    people = [(await roads.contact(one))["id"] for one in talks]
    async with asyncio.timeout(10):
        merges = [roads.merge(one, other) for one in people for other in people]
        fresh = [roads.says(road, "p1", thread=f"comment-{number}") for number in range(4) for road in roads.by_name]
        await asyncio.gather(*merges, *fresh)
    assert await roads.same(*talks)
    assert len(await roads.rows("SELECT DISTINCT contact_id FROM conversations")) == 1
    assert len(await roads.rows("SELECT 1 FROM merges WHERE undone_at IS NULL")) == 2


async def test_that_another_company_s_contacts_cannot_be_merged(roads: Roads, other_tenant_id: UUID) -> None:
    talks = [await roads.says(road, "p1") for road in ("telegram", "whatsapp")]
    people = [(await roads.contact(one))["id"] for one in talks]
    with pytest.raises(merging.NoContact):
        async with db.step(other_tenant_id) as session:
            await merging.merge(session, other_tenant_id, "member:mallory", *people)
    await roads.merge(*people)
    [row] = await roads.rows("SELECT id FROM merges")
    with pytest.raises(merging.NoMerge):
        async with db.step(other_tenant_id) as session:
            await merging.undo(session, other_tenant_id, "member:mallory", row["id"])
    assert await roads.same(*talks)
