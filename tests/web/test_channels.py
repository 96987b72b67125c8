"""What an owner lets a channel do by itself is honoured where messages arrive."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest_asyncio

from savdo.base import clock, db
from savdo.channels import connections
from savdo.channels.models import Connection, Inbound, Sender
from savdo.reply import record, turn
from tests.web import office


@pytest_asyncio.fixture
async def alice(tenant_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    """The owner, signed in."""
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner"))
        yield browser


@pytest_asyncio.fixture
async def bot(tenant_id: UUID) -> Connection:
    async with db.step(tenant_id) as session:
        return await connections.create(session, tenant_id, "telegram_bot", "@oqchoy_bot", settings={"accounts": {"1": {}}})


async def arrives(bot: Connection, number: int) -> turn.Taken:
    """A customer's message; the connection was read before anything was changed, as a long-lived reader's is."""
    told = Inbound(
        "message", f"7:{number}", "7", Sender("7", "Dilnoza"), text="Yashil choy bormi?", sent_at=clock.now() - timedelta(seconds=1)
    )
    [taken] = await turn.take(bot, [told])
    return taken


async def changes(alice: httpx.AsyncClient, bot: Connection, *on: str) -> None:
    answer = await alice.post(f"/setup/channels/{bot.id}", data=dict.fromkeys(on, "on") or {"none": ""})
    assert answer.status_code == 303


async def test_that_a_channel_that_may_not_answer_stays_silent_and_the_inbox_shows_why(alice: httpx.AsyncClient, bot: Connection) -> None:
    before = await arrives(bot, 1)
    assert (before.silent, before.conversation_id is not None) == (False, True)
    assert before.conversation_id is not None
    await changes(alice, bot)
    # Neither what waited nor what comes now is answered.
    assert (await record.begin(bot.tenant_id, before.conversation_id)).turn is None
    assert (await arrives(bot, 2)).silent
    assert (await record.begin(bot.tenant_id, before.conversation_id)).turn is None
    page = (await alice.get(f"/inbox/{before.conversation_id}")).text
    assert page.count("Yashil choy bormi?") >= 2
    assert "The bot does not answer in this channel" in page
    await changes(alice, bot, "answer_messages")
    assert not (await arrives(bot, 3)).silent
    begun = (await record.begin(bot.tenant_id, before.conversation_id)).turn
    assert begun is not None
    assert [one.number for one in begun.fresh] == [3]
    async with db.step(bot.tenant_id) as session:
        kept = (await connections.by_id(session, bot.id)).settings
    assert kept == {"accounts": {"1": {}}, "answer_messages": True, "working_hours_only": False}


async def test_that_working_hours_of_one_channel_are_its_own(alice: httpx.AsyncClient, bot: Connection) -> None:
    taken = await arrives(bot, 1)
    assert taken.conversation_id is not None
    await changes(alice, bot, "answer_messages", "working_hours_only")
    begun = (await record.begin(bot.tenant_id, taken.conversation_id)).turn
    assert begun is not None
    assert begun.profile["outside_hours"] == "wait"
