"""What the pages say of costs: of an answer, of a conversation, by day."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import httpx
import pytest
import pytest_asyncio

from savdo.ai import cost
from savdo.ai.cost import Payer, Purpose
from savdo.ai.talk import Entry, Usage
from savdo.base import db
from savdo.channels.models import Connection
from tests.web import office

ENTRY = Entry("openai", "gpt-4o-mini", "key", "")


@pytest_asyncio.fixture
async def alice(connection: Connection, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(connection.tenant_id, "Alice", "owner", getattr(request, "param", "en")))
        yield browser


async def _called(talk: office.Talk, number: int, purpose: Purpose, micros: int, days_ago: int = 0) -> None:
    day = cost.day_in("Asia/Tashkent") - timedelta(days=days_ago)
    async with cost.paying(Payer(talk.connection.tenant_id, talk.id, number, day, purpose), ENTRY, 90_000, None) as bill:
        bill.usage, bill.micros = Usage(1000, 100), micros


def _words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.parametrize(
    ("alice", "words"),
    [
        ("en", ("What it cost", "Drafts dropped", "Total")), ("ru", ("Сколько это стоило", "Черновики", "Всего")),
        ("uz", ("Qancha turdi", "qoralamalar", "Jami")), ("kk", ("Қанша тұрды", "жобалар", "Барлығы")),
    ],
    indirect=["alice"],
)  # fmt: skip
async def test_that_an_answer_and_a_conversation_say_what_they_cost(
    alice: httpx.AsyncClient, connection: Connection, words: tuple[str, ...]
) -> None:
    talk = await office.talk(connection, "Ann")
    await office.says(talk, "How much is it?")
    await office.says(talk, "84 000", "bot")
    async with db.step(connection.tenant_id) as session:
        turn = await db.first(session, "UPDATE turns SET first_number = 1 RETURNING id, last_number")
    assert turn is not None
    assert words[0] in (await alice.get(f"/inbox/{talk.id}/details")).text
    await _called(talk, 1, "answer", 1100)
    await _called(talk, 2, "answer", 2200)
    await _called(talk, 1, "transcript", 4400)
    await _called(talk, 3, "review", 8800)
    why = _words((await alice.get(f"/inbox/{talk.id}/why/{turn['id']}")).text)
    details = _words((await alice.get(f"/inbox/{talk.id}/details")).text)
    assert all(one in why for one in words)
    for digits in ("0011", "0022", "0044", "0088", "0165"):
        assert digits in why
    assert all(digits in details for digits in ("0033", "0044", "0088", "0165"))


async def test_that_the_page_of_models_lists_what_each_of_thirty_days_cost(alice: httpx.AsyncClient, connection: Connection) -> None:
    talk = await office.talk(connection, "Ann")
    for days_ago, micros in ((0, 1_110_000), (1, 2_220_000), (29, 3_330_000), (30, 4_440_000)):
        await _called(talk, 1, "answer", micros, days_ago)
    shown = _words((await alice.get("/setup/models")).text).partition("By day")[2]
    assert ["$1.11" in shown, "$2.22" in shown, "$3.33" in shown, "$4.44" in shown] == [True, True, True, False]
    assert shown.index("$1.11") < shown.index("$3.33")
