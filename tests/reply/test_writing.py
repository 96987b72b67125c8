"""While an answer is written the customer sees it, and nothing waits for that."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import db
from savdo.channels import connections
from savdo.channels.models import Connection, Inbound, Sender
from savdo.reply import record, turn, writing
from savdo.reply.models import Turn
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram
from tests.journeys.conftest import until

CHAT = 42


@pytest.fixture
def telegram() -> Telegram:
    return Telegram("70041:" + "A" * 35)


@pytest_asyncio.fixture
async def bot(tenant_id: UUID, telegram: Telegram) -> AsyncGenerator[Connection]:
    async with serving(telegram.app) as base:
        async with db.step(tenant_id) as session:
            made = await connections.create(
                session, tenant_id, "telegram_bot", "Oq Choy", credentials={"token": telegram.token}, settings={"api_base": base}
            )
        yield made


@pytest_asyncio.fixture
async def asked(bot: Connection) -> Turn:
    [taken] = await turn.take(bot, [Inbound("message", f"{CHAT}:1", str(CHAT), Sender(str(CHAT)), text="Salom")])
    assert taken.conversation_id is not None
    found = (await record.begin(bot.tenant_id, taken.conversation_id)).turn
    assert found is not None
    return found


async def _ended() -> bool:
    """Whether nobody shows anything any more."""
    return not any(task.get_name() == writing.NAME for task in asyncio.all_tasks())


async def test_that_typing_is_shown_again_and_again_until_the_answer_is_there(telegram: Telegram, asked: Turn) -> None:
    async def shown_often() -> bool:
        return telegram.typed[:3] == [CHAT] * 3

    with writing.shown(asked, after=0, every=0.01):
        await until(shown_often)
    await until(_ended)


async def test_that_nothing_is_shown_for_an_answer_that_is_there_at_once(telegram: Telegram, asked: Turn) -> None:
    with writing.shown(asked):
        pass
    await until(_ended)
    assert telegram.calls["sendchataction"] == 0


async def test_that_a_refusal_is_asked_for_once_and_a_lost_connection_never(telegram: Telegram, bot: Connection, asked: Turn) -> None:
    telegram.fails("sendChatAction", 403, "Forbidden: bot was blocked by the user")
    with writing.shown(asked, after=0, every=0.01):
        await until(_ended)
    async with db.step(bot.tenant_id) as session:
        await connections.mark(session, bot.id, "reconnect", "The token is not valid.")
    with writing.shown(asked, after=0, every=0.01):
        await until(_ended)
    assert telegram.calls["sendchataction"] == 1
