"""A customer on Telegram, from a laptop without a public address: long polling, the main path, and what the owner sees."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio

from savdo.base import circuit, db, secrets
from savdo.channels import connections
from savdo.channels.models import Button, Connection, Outbound, channel
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram
from tests.journeys.conftest import PRICES, documents_read, polling, settled, thread, until, working
from tests.web import office

CHAT = 42
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 30
OGG = b"OggS" + bytes(24) + b"OpusHead" + bytes(60)


@pytest_asyncio.fixture
async def telegram(database: str) -> AsyncIterator[Telegram]:
    circuit.forget()
    yield Telegram(f"{random.randrange(10**9, 10**10)}:{'A' * 35}")
    circuit.forget()


@pytest_asyncio.fixture
async def bot(tenant_id: UUID, telegram: Telegram) -> AsyncIterator[Connection]:
    """The bot of a tea house that has a price list; switched off afterwards, so that the next test does not read it."""
    await documents_read(tenant_id)
    async with serving(telegram.app) as base:
        async with db.step(tenant_id) as session:
            made = await connections.create(
                session, tenant_id, "telegram_bot", "@oqchoy_bot", settings={"api_base": base}, account=str(telegram.id),
                credentials={"token": telegram.token, "secret": "s"},
            )  # fmt: skip
        yield made
        async with db.step(tenant_id) as session:
            await connections.mark(session, made.id, "off")


@asynccontextmanager
async def open_for_business() -> AsyncGenerator[None]:
    async with working(), polling():
        yield


async def answered(telegram: Telegram, bot: Connection) -> list[str]:
    """What the customer was sent, once everything is read, answered and done."""
    await telegram.delivered()
    await settled(bot.tenant_id)
    return [one.text.replace("\u00a0", " ") for one in telegram.sent_to(CHAT)]


async def messages(bot: Connection, direction: str = "in") -> list[dict[str, Any]]:
    async with db.step(bot.tenant_id) as session:
        return await db.rows(session, "SELECT * FROM messages WHERE direction = %s ORDER BY number", (direction,))


async def contact(bot: Connection) -> dict[str, Any]:
    async with db.step(bot.tenant_id) as session:
        [found] = await db.rows(session, "SELECT * FROM contacts")
    return found


async def blocked_at(bot: Connection) -> datetime | None:
    async with db.step(bot.tenant_id) as session:
        [found] = await db.rows(session, "SELECT blocked_at FROM conversations")
    return found["blocked_at"]


@asynccontextmanager
async def owner(bot: Connection) -> AsyncGenerator[tuple[httpx.AsyncClient, str]]:
    """The owner, signed in, and the address of the only conversation."""
    async with db.step(bot.tenant_id) as session:
        [talk] = await db.rows(session, "SELECT id FROM conversations")
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(bot.tenant_id, "Alice", "owner"))
        yield browser, f"/inbox/{talk['id']}"


async def test_that_a_photo_and_a_voice_note_are_kept_and_shown(bot: Connection, telegram: Telegram) -> None:
    telegram.customer_sends_photo(CHAT, PNG, "Shu choynak bormi?")
    telegram.customer_sends_voice(CHAT, OGG)

    async def fetched() -> bool:
        return [len(one["payload"].get("attachments", ())) for one in await messages(bot)] == [1, 1]

    async with open_for_business():
        await answered(telegram, bot)
        await until(fetched)
    photo, voice = await messages(bot)
    assert (photo["kind"], photo["text"], voice["kind"]) == ("image", "Shu choynak bormi?", "voice")
    async with owner(bot) as (alice, talk):
        page = (await alice.get(talk)).text
        for one, content, tag in ((photo, PNG, "<img"), (voice, OGG, "<audio")):
            address = f"/files/{one['payload']['attachments'][0]['id']}"
            assert f'src="{address}"' in page
            assert tag in page
            assert (await alice.get(address)).content == content


async def test_that_a_file_that_is_not_taken_is_named_in_the_thread(bot: Connection, telegram: Telegram) -> None:
    telegram.customer_sends_document(CHAT, "setup.exe", b"MZ\x90\x00" + bytes(100), "application/octet-stream")

    async def refused() -> bool:
        return "attachments" in (await messages(bot))[0]["payload"]

    async with open_for_business():
        await answered(telegram, bot)
        await until(refused)
    async with owner(bot) as (alice, talk):
        page = (await alice.get(talk)).text
    assert "setup.exe" in page
    assert "not taken" in page
    assert "/files/" not in page


async def test_that_a_place_and_a_shared_number_are_kept(bot: Connection, telegram: Telegram) -> None:
    async with open_for_business():
        telegram.customer_sends_location(CHAT, 41.31, 69.28)
        telegram.customer_sends_contact(CHAT, "998 90 123 45 67", own=True)
        await answered(telegram, bot)
    place, card = await messages(bot)
    assert (place["kind"], place["payload"]["location"]) == ("location", [41.31, 69.28])
    assert card["kind"] == "contact"
    assert secrets.open_sealed((await contact(bot))["phone_sealed"]).decode() == "+998901234567"
    async with owner(bot) as (alice, talk):
        page = (await alice.get(talk)).text
    assert "mlat=41.31" in page
    assert "+998901234567" in page.replace(" ", "")


async def test_that_an_edit_before_the_answer_is_answered_as_edited(bot: Connection, telegram: Telegram) -> None:
    update = telegram.customer_says(CHAT, "Sencha choyi necha pul?")
    telegram.customer_edits(update, "Puer choyi necha pul?")
    async with open_for_business():
        [answer] = await answered(telegram, bot)
    assert "132 000" in answer
    [message] = await messages(bot)
    assert message["text"] == "Puer choyi necha pul?"


async def test_that_an_edit_after_the_answer_is_shown_and_not_answered_again(bot: Connection, telegram: Telegram) -> None:
    async with open_for_business():
        update = telegram.customer_says(CHAT, "Sencha choyi necha pul?")
        await telegram.wait_for_sent(CHAT, 1)
        telegram.customer_edits(update, "Puer choyi necha pul?")
        await answered(telegram, bot)
        await asyncio.sleep(0.3)
        assert len(await answered(telegram, bot)) == 1
    [message] = await messages(bot)
    assert (message["text"], message["edited_at"] is None) == ("Puer choyi necha pul?", False)
    async with owner(bot) as (alice, talk):
        assert "<span>edited</span>" in (await alice.get(talk)).text


async def test_that_the_campaign_of_a_link_is_kept(bot: Connection, telegram: Telegram) -> None:
    async with open_for_business():
        telegram.customer_says(CHAT, "/start spring_sale")
        [answer] = await answered(telegram, bot)
    [message] = await messages(bot)
    assert (message["text"], message["payload"]["campaign"]) == ("/start", "spring_sale")
    assert answer


async def test_that_a_pressed_button_is_a_message_and_stops_spinning(bot: Connection, telegram: Telegram) -> None:
    await channel("telegram_bot").send(bot, Outbound(db.new_id(), str(CHAT), "Which?", (Button("tea:puer", "Puer choyi necha pul?"),)))
    update = telegram.customer_presses(CHAT, "Puer choyi necha pul?")
    async with open_for_business():
        _, answer = await answered(telegram, bot)
    assert "132 000" in answer
    [message] = await messages(bot)
    assert (message["text"], message["payload"]["quick_reply"]) == ("Puer choyi necha pul?", "tea:puer")
    assert telegram.answered_callbacks == [update["callback_query"]["id"]]


async def test_that_a_customer_who_blocked_the_bot_can_come_back(bot: Connection, telegram: Telegram) -> None:
    async with open_for_business():
        telegram.customer_says(CHAT, "Salom")
        await telegram.wait_for_sent(CHAT, 1)
        telegram.customer_blocks(CHAT)
        await answered(telegram, bot)
        assert await blocked_at(bot) is not None
        telegram.customer_unblocks(CHAT)
        telegram.customer_says(CHAT, "Sencha choyi necha pul?")
        answers = await answered(telegram, bot)
    assert await blocked_at(bot) is None
    assert "84 000" in answers[-1]


async def test_that_a_customer_who_blocks_before_the_answer_is_marked_and_not_pestered(bot: Connection, telegram: Telegram) -> None:
    telegram.customer_says(CHAT, "Sencha choyi necha pul?")
    telegram.blocked.add(CHAT)
    async with open_for_business():
        assert await answered(telegram, bot) == []
    assert [status for _, _, status in await thread(bot.tenant_id)] == ["received", "failed"]
    assert await blocked_at(bot) is not None
    assert telegram.calls["sendmessage"] == 1


async def test_that_restarts_of_the_poller_lose_and_double_nothing(bot: Connection, telegram: Telegram) -> None:
    texts = [f"message {number}" for number in range(30)]
    async with working():
        for start in range(0, 30, 5):
            for text in texts[start : start + 5]:
                telegram.customer_says(CHAT, text)
            async with polling() as reading:
                # At any moment: before it asks, while it stores, before it confirms.
                await asyncio.sleep(random.random() * 0.15)
                reading.cancel()
        async with polling():
            await answered(telegram, bot)
    assert [one["text"] for one in await messages(bot)] == texts


async def test_that_a_second_program_reading_the_bot_is_shown_and_waited_out(bot: Connection, telegram: Telegram) -> None:
    telegram.fails("getUpdates", 409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
    telegram.customer_says(CHAT, "Sencha choyi necha pul?")

    async def problem() -> str | None:
        async with db.step(bot.tenant_id) as session:
            [row] = await db.rows(session, "SELECT problem FROM connections WHERE id = %s", (bot.id,))
        return row["problem"]

    async def is_told() -> bool:
        return bool(await problem())

    async with open_for_business():
        await until(is_told)
        async with office.client() as alice:
            await office.sign_in(alice, await office.member(bot.tenant_id, "Alice", "owner", "ru"))
            assert "читает другая программа" in (await alice.get("/setup")).text
        [answer] = await answered(telegram, bot)
    assert "84 000" in answer
    assert await problem() is None


async def test_that_a_reaction_is_kept_and_a_wait_is_kept_to_the_second(bot: Connection, telegram: Telegram) -> None:
    telegram.floods("sendMessage", retry_after=2)
    async with open_for_business():
        telegram.customer_says(CHAT, "Sencha choyi necha pul?")
        assert len(await answered(telegram, bot)) == 1
        [sent] = telegram.sent
        assert sent.at - telegram.flooded_at >= 2
        telegram.customer_reacts(sent, "👍")
        await telegram.delivered()
    assert [one["payload"].get("reactions") for one in await messages(bot, "out")] == [{"contact": "👍"}]


async def test_that_a_member_s_files_arrive(bot: Connection, telegram: Telegram) -> None:
    async with open_for_business():
        telegram.customer_says(CHAT, "Salom")
        await telegram.wait_for_sent(CHAT, 1)
        await answered(telegram, bot)
        async with owner(bot) as (alice, talk):
            files = [("files", ("choynak.png", PNG, "image/png")), ("files", ("narxlar.csv", PRICES.encode(), "text/csv"))]
            said = await alice.post(f"{talk}/say", data={"text": "Mana rasmi"}, files=files, headers={"hx-request": "true"})
            assert said.status_code == 200
            alone = {"files": ("choynak.png", PNG, "image/png")}
            assert (await alice.post(f"{talk}/say", data={"text": ""}, files=alone)).status_code == 303
            await answered(telegram, bot)
    sent = telegram.sent_to(CHAT)[1:]
    assert [(one.method, one.text, one.file and one.file[1:]) for one in sent] == [
        ("sendphoto", "", ("choynak.png", PNG)),
        ("senddocument", "", ("narxlar.csv", PRICES.encode())),
        ("sendmessage", "Mana rasmi", None),
        ("sendphoto", "", ("choynak.png", PNG)),
    ]
    assert [one["status"] for one in await messages(bot, "out")] == ["sent"] * 3
