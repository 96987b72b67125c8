"""What an owner lets a channel do by itself is honoured where messages arrive."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from savdo.base import clock, db
from savdo.base.settings import settings
from savdo.channels import alerts, connections
from savdo.channels.errors import AccountProblem
from savdo.channels.models import Connection, Inbound, Sender
from savdo.conversations import outbox
from savdo.operations import watching
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


async def test_that_a_channel_offers_only_the_campaigns_chosen_for_it(alice: httpx.AsyncClient, bot: Connection) -> None:
    taken = await arrives(bot, 1)
    assert taken.conversation_id is not None
    ids = [db.new_id(), db.new_id()]
    async with db.step(bot.tenant_id) as session:
        for position, one in enumerate(ids):
            await session.execute(
                "INSERT INTO campaigns (tenant_id, id, position, name) VALUES (%s, %s, %s, %s)",
                (bot.tenant_id, one, position, f"Tea {position}"),
            )

    async def offered(*ticked: UUID) -> list[str]:
        form = {"answer_messages": "on", "sells": "1", "campaigns": [str(one) for one in ticked]}
        assert (await alice.post(f"/setup/channels/{bot.id}", data=form)).status_code == 303
        assert taken.conversation_id is not None
        begun = (await record.begin(bot.tenant_id, taken.conversation_id)).turn
        assert begun is not None
        return [one.name for one in begun.campaigns]

    assert await offered(ids[1]) == ["Tea 1"]
    page = (await alice.get(f"/setup/channels/{bot.id}")).text
    assert [f'value="{one}" aria-describedby="campaigns-hint" checked' in page for one in ids] == [False, True]
    assert await offered() == []
    assert await offered(*ids, db.new_id()) == ["Tea 0", "Tea 1"]
    async with db.step(bot.tenant_id) as session:
        assert (await connections.by_id(session, bot.id)).settings["campaigns"] is None


async def test_that_spoken_answers_are_offered_only_where_a_voice_is_configured(
    alice: httpx.AsyncClient, bot: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'name="voice_answers"' not in (await alice.get(f"/setup/channels/{bot.id}")).text
    monkeypatch.setenv("SAVDO_VOICE_URL", "http://127.0.0.1:9/v1")
    settings.cache_clear()
    try:
        assert 'name="voice_answers"' in (await alice.get(f"/setup/channels/{bot.id}")).text
    finally:
        monkeypatch.undo()
        settings.cache_clear()


async def test_that_the_website_s_chat_has_the_same_switches(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    site = await office.web_chat(tenant_id)
    assert f'action="/setup/channels/{site.id}"' in (await alice.get("/setup/website")).text
    answer = await alice.post(f"/setup/channels/{site.id}", data={"working_hours_only": "on"})
    assert answer.headers["location"] == "/setup/website"
    assert (await arrives(site, 1)).silent


async def test_that_a_channel_that_is_strangely_silent_is_told_of_on_every_page(alice: httpx.AsyncClient, bot: Connection) -> None:
    async with db.step(bot.tenant_id) as session:
        await session.execute("UPDATE connections SET problem = %s WHERE id = %s", (watching.SILENT, bot.id))
        seen = watching.Watch(clock.now() - timedelta(minutes=3), restored_at=clock.now() - timedelta(hours=2))
        await session.execute(
            "UPDATE connections SET state = jsonb_build_object('watch', %s::jsonb) WHERE id = %s",
            (watching.WATCH.dump_json(seen).decode(), bot.id),
        )
    inbox, listed, shown = [(await alice.get(path)).text for path in ("/inbox", "/setup", f"/setup/channels/{bot.id}")]
    assert f"{bot.name} needs you" in inbox
    for text in (listed, shown):
        assert "far longer than usual" in text
    assert "Deliveries set up again" in shown


async def test_that_what_a_channel_tells_is_on_every_page_until_it_is_seen_to(alice: httpx.AsyncClient, bot: Connection) -> None:
    async with db.step(bot.tenant_id) as session:
        await outbox.bear(session, bot, db.new_id(), AccountProblem("Business eligibility: payment issue"), payload={})
        await alerts.tell(session, bot.id, alerts.ENDING, "2026-12-01")
    here = f"/setup/channels/{bot.id}"
    for path in ("/inbox", "/knowledge", "/notices/strips"):
        assert f"{bot.name} needs you" in (await alice.get(path)).text
    assert [one["text"] for one in (await alice.get("/notices")).json()["calls"]] == ["A channel tells of a problem"]
    listed, shown = [(await alice.get(path)).text for path in ("/setup", here)]
    assert "payment issue" in listed
    assert "payment issue" in shown
    assert "ends on Dec 1, 2026" in shown
    assert "has ended" not in shown
    assert (await alice.post(f"{here}/seen")).headers["location"] == here
    for path in ("/inbox", here):
        page = (await alice.get(path)).text
        assert "needs you" not in page
        assert "payment issue" not in page
