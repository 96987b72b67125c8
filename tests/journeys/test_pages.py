"""A customer in Messenger and on Instagram: Meta delivers, Savdo answers, and the page's own inbox has its say."""

import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import clock, db
from savdo.channels import connections
from savdo.channels.models import Connection
from savdo.conversations import thread
from tests.emulators.meta import Meta, open_meta
from tests.emulators.meta_pages import Kind, Page, Person
from tests.emulators.serving import serving
from tests.journeys.conftest import all_of, documents_read, settled, until, working
from tests.web import office

EVERYWHERE = pytest.mark.parametrize("shop", get_args(Kind), indirect=True)
BOTH = pytest.mark.parametrize("shop", ["messenger", "instagram"], indirect=True)


@dataclass
class Shop:
    """A tea house with a price list, its page or account, and Ana, who has not written yet."""

    meta: Meta
    page: Page
    connection: Connection
    ana: Person

    async def answers(self) -> list[str]:
        """What Ana was sent, once everything is delivered, answered and done."""
        await self.meta.delivered()
        await settled(self.connection.tenant_id)
        await self.meta.delivered()
        return [one.text.replace("\u00a0", " ") for one in self.page.sent_to(self.ana)]

    async def rows(self, table: str) -> list[dict[str, Any]]:
        return await all_of(self.connection.tenant_id, table)

    async def said(self) -> list[tuple[str, str]]:
        return [(one["author"], one["text"]) for one in await self.rows("messages")]

    async def member_writes(self, text: str) -> None:
        [talk] = await self.rows("conversations")
        async with db.step(self.connection.tenant_id) as session:
            await thread.say(session, self.connection.tenant_id, talk["id"], db.new_id(), text)

    def later(self, by: timedelta) -> None:
        """Time passes, here and at Meta; `clock.reset` ends that."""
        self.page.time_passes(self.ana, by.total_seconds())
        clock.move(by)


@pytest_asyncio.fixture
async def shop(request: pytest.FixtureRequest, tenant_id: UUID) -> AsyncGenerator[Shop]:
    await documents_read(tenant_id)
    meta = Meta()
    kind: Kind = getattr(request, "param", "messenger")
    number = str(random.randrange(10**14, 10**15))
    page = Page(meta, kind, number, number)
    settings = {} if kind == "own" else {"page_id": number, "business_id": number}
    async with open_meta(meta) as page.base, serving(office.app()) as base:
        assert await meta.verifies(f"{base}/hooks/meta")
        async with db.step(tenant_id) as session:
            connection = await connections.create(
                session, tenant_id, "messenger" if kind == "messenger" else "instagram", "Oq Choy", account=page.account,
                settings={**settings, "comments": "privately"}, credentials={"token": page.token},
            )  # fmt: skip
        try:
            yield Shop(meta, page, connection, page.person())
        finally:
            clock.reset()


@EVERYWHERE
async def test_that_a_question_is_answered_seen_and_read_and_its_echo_changes_nothing(shop: Shop) -> None:
    async with working():
        shop.page.says(shop.ana, "Sencha choyi necha pul?")
        [answer] = await shop.answers()
        assert "84 000" in answer
        await until(lambda: _true({"mark_seen", "typing_on"} <= {action for _, action in shop.page.shown}))
        await until(lambda: named(shop))
        shop.page.reads(shop.ana)
        await shop.meta.delivered()
    question, out = await shop.rows("messages")
    assert (question["author"], out["author"], out["status"], out["external_id"]) == ("contact", "bot", "read", shop.page.sent[0].id)
    assert (await shop.rows("conversations"))[0]["status"] == "bot"
    # Events name nobody; Meta was asked.
    assert (await shop.rows("contacts"))[0]["name"] == "Ana Tea"


@BOTH
async def test_that_a_burst_in_two_deliveries_and_their_repeats_gets_one_answer(shop: Shop) -> None:
    shop.page.says_all(shop.ana, "Salom", "menga choy kerak edi")
    shop.page.says_all(shop.ana, "Puer", "necha pul?")
    await shop.meta.delivered()
    shop.meta.repeats()
    async with working():
        [answer] = await shop.answers()
    assert "132 000" in answer
    assert [text for author, text in await shop.said() if author == "contact"] == ["Salom", "menga choy kerak edi", "Puer", "necha pul?"]


@BOTH
async def test_that_after_a_day_only_a_person_may_write_and_after_a_week_nobody(shop: Shop) -> None:
    shop.page.says(shop.ana, "Salom")
    await shop.meta.delivered()
    async with db.step(shop.connection.tenant_id) as session:
        await session.execute("UPDATE conversations SET status = 'human', answered_number = inbound_number")
    async with working():
        shop.later(timedelta(hours=25))
        await shop.member_writes("Are you still there?")
        await settled(shop.connection.tenant_id)
        shop.later(timedelta(days=7))
        await shop.member_writes("And now?")
        await settled(shop.connection.tenant_id)
    [sent] = shop.page.sent
    assert (sent.text, sent.body["messaging_type"], sent.body["tag"]) == ("Are you still there?", "MESSAGE_TAG", "HUMAN_AGENT")
    refused = (await shop.rows("messages"))[-1]
    assert (refused["status"], "until they write again" in refused["error"]) == ("failed", True)


@EVERYWHERE
async def test_that_the_bot_is_silent_once_a_person_answers_in_the_pages_own_inbox(shop: Shop) -> None:
    shop.page.says(shop.ana, "Sencha choyi necha pul?")
    shop.page.person_answers(shop.ana, "84 ming, keling")
    shop.page.says(shop.ana, "Rahmat, yana Puer bormi?")
    await shop.meta.delivered()
    async with working():
        assert await shop.answers() == []
    assert await shop.said() == [
        ("contact", "Sencha choyi necha pul?"), ("member", "84 ming, keling"), ("contact", "Rahmat, yana Puer bormi?"),
    ]  # fmt: skip
    assert (await shop.rows("conversations"))[0]["status"] == "human"


async def test_that_what_another_app_leads_is_kept_and_not_answered(shop: Shop) -> None:
    shop.page.is_led_elsewhere(shop.ana, "Sencha choyi necha pul?")
    await shop.meta.delivered()
    async with working():
        assert await shop.answers() == []
        shop.page.says(shop.ana, "Puer necha pul?")
        [answer] = await shop.answers()
    assert "132 000" in answer


@BOTH
async def test_that_a_comment_is_answered_to_its_author_or_below_it(shop: Shop) -> None:
    async with working():
        comment = shop.page.comments_on(shop.ana, "Sencha choyi necha pul?")
        await shop.answers()
        [private] = shop.page.sent
        assert private.body["recipient"] == {"comment_id": comment}
        async with db.step(shop.connection.tenant_id) as session:
            await connections.save_settings(session, shop.connection.id, {**shop.connection.settings, "comments": "publicly"})
        second = shop.page.comments_on(shop.ana, "Puer necha pul?")
        await shop.answers()
    [(answered, text)] = shop.page.answered
    assert (answered, bool(text), bool(private.text)) == (second, True, True)
    assert len(await shop.rows("contacts")) == 1
    # The answer comes back as a message to its author, which is nobody's of the company.
    assert {one["external_id"].partition(":")[0] for one in await shop.rows("conversations")} == {"comment"}
    assert "member" not in {author for author, _ in await shop.said()}


async def test_that_what_we_never_asked_for_is_not_answered_in_comments(shop: Shop) -> None:
    async with db.step(shop.connection.tenant_id) as session:
        await connections.save_settings(session, shop.connection.id, {**shop.connection.settings, "comments": ""})
    shop.page.comments_on(shop.ana, "Sencha choyi necha pul?")
    await shop.meta.delivered()
    assert await shop.said() == []


async def named(shop: Shop) -> bool:
    return bool((await shop.rows("contacts"))[0]["name"])


async def _true(value: bool) -> bool:
    return value
