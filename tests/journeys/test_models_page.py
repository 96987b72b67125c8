"""What an owner sees of their models while a budget runs out, a key is revoked, every provider is down and one comes back: whole
turns against another author's emulator of the providers (llmock), the clock moved, the page read after each."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest_asyncio
from llmock.chaos import ChaosSettings, StreamChaos
from llmock.main import create_app
from llmock.ratelimit import LimitSettings
from llmock.scenarios import Fail, Reply, ToolCall
from llmock.simulation import MockResponseSettings

from savdo.base import clock, db
from savdo.channels.models import Connection, Inbound, Sender
from savdo.channels.sandbox import Sandbox
from savdo.reply import turn
from tests.ai.asking import FORMATS, KEY, configure, fresh
from tests.emulators.serving import CUT, serving
from tests.web import office

MINI, LLAMA = FORMATS["openai"][0], FORMATS["groq"][0]
THEIRS, NEWER = "sk-of-the-tenant-0815", "sk-of-the-tenant-0816"
GOOD = {"reply": "Sencha choyi 84 000 so'm turadi.", "language": "uz", "intent": "question_price", "cited": [1]}
PAGE = "/setup/models"


@dataclass
class Providers:
    """llmock for every provider; `trouble` by provider is a status or CUT, and a key in `revoked` is refused."""

    trouble: dict[str, int | str] = field(default_factory=dict[str, int | str])
    revoked: set[str] = field(default_factory=set[str])
    keys: list[str] = field(default_factory=list[str])
    app: Any = field(default_factory=lambda: create_app(ChaosSettings(), MockResponseSettings(), LimitSettings(), StreamChaos()))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        key = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        self.keys.append(key)
        trouble = 401 if key in self.revoked else self.trouble.get("groq" if scope["path"].startswith("/groq") else "openai")
        if trouble == CUT:
            scope[CUT]()
            return
        scenarios = self.app.state.llmock.scenarios
        scenarios.clear()
        scenarios.add(Fail(trouble) if isinstance(trouble, int) else Reply(tool_calls=(ToolCall("answer", GOOD),)))
        await self.app(scope, receive, send)


@dataclass
class Shop:
    """A company whose owner looks at the page, and a customer in the middle of a conversation with it."""

    connection: Connection
    owner: httpx.AsyncClient
    providers: Providers
    sandbox: Sandbox
    asked: int = 0

    async def asks(self) -> str:
        """The customer asks once more; which model answered. There is exactly one answer to each question."""
        self.asked += 1
        inbound = Inbound("message", f"7:{self.asked}", "7", Sender("7", name="Ann"), text="Sencha choyi necha pul?")
        await turn.take(self.connection, [inbound])
        async with db.step(self.connection.tenant_id) as session:
            talk = await db.first(session, "SELECT id FROM conversations")
        assert talk is not None
        await turn.answer(tenant_id=str(self.connection.tenant_id), conversation_id=str(talk["id"]))
        async with db.step(self.connection.tenant_id) as session:
            row = await db.first(session, "SELECT model FROM turns ORDER BY last_number DESC LIMIT 1")
        assert row is not None
        assert len(self.sandbox.sent) == self.asked
        assert "84 000" in self.sandbox.sent[-1].text
        return row["model"]

    async def sees(self, path: str = "", **form: str) -> str:
        """The page in words, after a form of it was sent."""
        answer = await self.owner.post(PAGE + path, data=form, follow_redirects=True) if form else await self.owner.get(PAGE)
        assert answer.status_code == 200
        assert not any(key in answer.text for key in (KEY, THEIRS, NEWER))
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


@pytest_asyncio.fixture
async def shop(tea_house: Connection, sandbox: Sandbox) -> AsyncIterator[Shop]:
    providers = Providers()
    with fresh() as patch:
        async with serving(providers) as address, office.client() as owner:
            configure(patch, f"{MINI},{LLAMA}", {"openai": address, "groq": f"{address}/groq"})
            await office.sign_in(owner, await office.member(tea_house.tenant_id, "Alice", "owner"))
            yield Shop(tea_house, owner, providers, sandbox)


async def test_that_a_budget_used_up_in_the_middle_of_a_conversation_means_local_answers_until_there_is_more(shop: Shop) -> None:
    assert "No model was asked today." in await shop.sees()
    assert await shop.asks() == MINI
    seen = await shop.sees()
    assert re.search(r"Today \$0\.\d{4} of \$10\.00 Model Calls Tokens Cost openai:gpt-4o-mini 1 [\d,]+ → \d+ \$0\.\d{4}", seen)
    assert "is reached" not in seen
    assert "$0.0010" in await shop.sees("/cap", cap="0.001")
    assert await shop.asks() == "local"
    assert "Today's cap of $0.0010 is reached." in await shop.sees()
    assert len(shop.providers.keys) == 1
    assert "is reached" not in await shop.sees("/cap", cap="2,50")
    assert await shop.asks() == MINI
    clock.move(timedelta(days=1))
    seen = await shop.sees()
    assert "Today $0.00 of $2.50" in seen
    assert len(shop.providers.keys) == 2


async def test_that_a_revoked_key_is_named_and_a_new_one_mends_it(shop: Shop) -> None:
    assert "your key …0815" in await shop.sees(provider="openai", name="gpt-4o-mini", key=THEIRS)
    await shop.sees("/remove", model=LLAMA)
    assert await shop.asks() == MINI
    shop.providers.revoked.add(THEIRS)
    assert [await shop.asks() for _ in range(4)] == ["local"] * 4
    # The fourth was not even tried.
    assert shop.providers.keys == [THEIRS] * 4
    seen = await shop.sees()
    assert re.search(r"Resting until \d\d:\d\d:\d\d", seen)
    assert "The provider refuses the key. Paste a new one." in seen
    assert "No model answers just now." in seen
    assert "OpenAI refuses your key: answers are written without it. Mend it" in seen
    clock.move(timedelta(seconds=31))
    assert f"{MINI} gave no answer. The provider refuses the key." in await shop.sees("/test", model=MINI)
    clock.move(timedelta(seconds=31))
    assert "your key …0816" in await shop.sees("/keys", provider="openai", key=NEWER)
    assert f"{MINI} answers. It took" in await shop.sees("/test", model=MINI)
    assert await shop.asks() == MINI
    seen = await shop.sees()
    assert "gpt-4o-mini Working" in seen
    assert "No model answers just now." not in seen
    assert "refuses your key" not in seen
    assert shop.providers.keys[-2:] == [NEWER] * 2


async def test_that_an_hour_without_any_provider_is_seen_and_over_when_one_is_back(shop: Shop) -> None:
    shop.providers.trouble = {"openai": 503, "groq": CUT}
    # Questions within a minute open the breakers; later ones are each a probe that fails.
    for minutes in (0, 0, 0, 20, 20, 20):
        clock.move(timedelta(minutes=minutes))
        assert await shop.asks() == "local"
        seen = await shop.sees()
        assert "No model answers just now. Customers are answered from your documents without a model" in seen
        assert "The provider has trouble of its own (status 503)." in seen
        assert "The connection to the provider failed." in seen
    assert len(re.findall(r"Resting until \d\d:\d\d:\d\d", seen)) == 2
    shop.providers.trouble = {"groq": CUT}
    assert await shop.asks() == "local"
    clock.move(timedelta(seconds=31))
    assert await shop.asks() == MINI
    seen = await shop.sees()
    assert "gpt-4o-mini Working" in seen
    assert "llama-3.3-70b-versatile Failed last time" in seen
    assert "No model answers just now." not in seen
