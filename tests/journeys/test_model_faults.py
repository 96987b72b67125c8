"""Models that fail at random, as another company's emulator (llmock) and broken connections do it, below whole turns.

By default a few turns a wire format; SAVDO_FAULT_TURNS=500 runs as many (docs/models.md has what came out).
"""

import json
import os
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from llmock.chaos import ChaosSettings, StreamChaos
from llmock.main import create_app
from llmock.ratelimit import LimitSettings
from llmock.scenarios import Delay, Fail, Reply, ToolCall, ToolFault
from llmock.simulation import MockResponseSettings

from savdo.ai import cost, prices
from savdo.ai.talk import Entry, Usage
from savdo.base import clock, db
from savdo.channels.models import Connection, Inbound, Sender
from savdo.channels.sandbox import Sandbox
from savdo.reply import turn
from tests.ai.asking import FORMATS, KEY, configure, fresh
from tests.emulators.serving import CUT, serving

TURNS = int(os.environ.get("SAVDO_FAULT_TURNS", "30"))
# Where llmock speaks each format; the compatible server is one that is not OpenAI's.
PATHS = {"openai": "", "groq": "/groq", "anthropic": "/anthropic", "google": "/gemini", "compatible": "/together"}
GOOD = {"reply": "Sencha choyi 84 000 so'm turadi.", "language": "uz", "intent": "question_price", "cited": [1]}
INVENTED = {**GOOD, "reply": "Sencha choyi 61 000 so'm turadi, 15% chegirma bor."}
FAULTS = (
    *["good"] * 8, "invented", "tool", "429", "wait", "500", "503", "400", "401", "cut", "malformed", "arguments", "unknown", "schema",
    "slow",
)  # fmt: skip
# Patience enough that on a busy machine only what is meant to be slow is: a call given up before it arrives is a row and no request.
SLOW_S, PATIENCE_S = 8.0, "5"


@dataclass
class Broken:
    """llmock with a fault drawn for each request; what it cannot do (a broken connection, half a body) is done in front of it.
    `counted` is what its answers say that they take, but for those that came too late to be read."""

    chance: random.Random
    drawn: list[str] = field(default_factory=list[str])
    counted: list[Usage] = field(default_factory=list[Usage])
    app: Any = field(default_factory=lambda: create_app(ChaosSettings(), MockResponseSettings(), LimitSettings(), StreamChaos()))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        fault = self.chance.choice(FAULTS)
        self.drawn.append(fault)
        if fault == "cut":
            scope[CUT]()
            return
        if fault == "malformed":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
            await send({"type": "http.response.body", "body": b'{"choices": [{"mess'})
            return
        self.app.state.llmock.scenarios.clear()
        for behaviour in _behaviours(fault):
            self.app.state.llmock.scenarios.add(behaviour)
        told = bytearray()

        async def tell(event: Any) -> None:
            told.extend(event.get("body", b""))
            await send(event)

        await self.app(scope, receive, tell)
        if fault != "slow":
            self.counted += _counted(json.loads(told))


def _counted(answer: dict[str, Any]) -> list[Usage]:
    """The tokens an answer of any format counts; none in one that is an error."""
    usage: dict[str, int] = answer.get("usage") or answer.get("usageMetadata") or {}
    names = (("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens"), ("promptTokenCount", "candidatesTokenCount"))
    return [Usage(usage[one], usage[other]) for one, other in names if one in usage]


def _behaviours(fault: str) -> list[Any]:
    answer = Reply(tool_calls=(ToolCall("answer", GOOD),))
    return {
        "invented": [Reply(tool_calls=(ToolCall("answer", INVENTED),))],
        "tool": [Reply(tool_calls=(ToolCall("compute", {"expression": "2 * 84000"}),))],
        "429": [Fail(429)], "wait": [Fail(429, retry_after=0.05)], "500": [Fail(500)], "503": [Fail(503)],
        "400": [Fail(400)], "401": [Fail(401)],
        "arguments": [answer, ToolFault("malformed_arguments")], "unknown": [answer, ToolFault("unknown_tool")],
        "schema": [Reply(tool_calls=(ToolCall("answer", {"reply": 7}),))],
        "slow": [answer, Delay(SLOW_S)],
    }.get(fault, [answer])  # fmt: skip


@pytest_asyncio.fixture(params=sorted(FORMATS))
async def broken(request: pytest.FixtureRequest, tea_house: Connection) -> AsyncIterator[Broken]:
    """The tea house is answered for by a model of one format behind faults."""
    provider: str = request.param
    server = Broken(random.Random(f"faults of {provider}"))
    with fresh() as patch:
        async with serving(server) as address:
            configure(patch, FORMATS[provider][0], {provider: address + PATHS[provider]}, model_timeout_s=PATIENCE_S)
            yield server


async def test_that_every_turn_ends_in_one_answer_or_one_handover_whatever_the_models_do(
    broken: Broken, tea_house: Connection, sandbox: Sandbox
) -> None:
    chance, turns = random.Random("turns"), max(1, TURNS // len(FORMATS))
    for number in range(turns):
        await _asked(tea_house, f"c{number}")
        # Time goes on, so that breakers open, are probed and close.
        clock.move(timedelta(seconds=chance.choice((5, 31, 40))))
    async with db.step(tea_house.tenant_id) as session:
        said = await db.rows(
            session,
            """SELECT count(m.id) AS replies, max(m.text) AS text, c.answered_number = c.inbound_number AS answered,
                      (SELECT count(*) FROM handovers h WHERE h.conversation_id = c.id) AS calls
                 FROM conversations c LEFT JOIN messages m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id AND m.author = 'bot'
                GROUP BY c.tenant_id, c.id""",
        )
        calls = await db.rows(session, "SELECT outcome, count(*) AS n FROM model_calls GROUP BY outcome")
        models = await db.rows(session, "SELECT model, count(*) AS n FROM turns GROUP BY model")
        paid = await db.first(session, "SELECT sum(micros) AS calls, (SELECT sum(micros) FROM model_days) AS days FROM model_calls")
        day = await cost.of_day(session, cost.day_in("Asia/Tashkent"))
        # Time went on, over midnight perhaps.
        (model,) = await cost.by_model(session, cost.day_in("Asia/Tashkent") - timedelta(days=1))
    assert len(said) == turns
    assert all(row["answered"] and row["replies"] == 1 and row["calls"] <= 1 for row in said)
    everything = "\n".join(row["text"] for row in said)
    assert not re.search(r"Traceback|Error|Exception|status \d|61 000|chegirma|\{", everything)
    assert KEY not in everything
    # Each request that reached the server is a row, and the rows and the days agree.
    assert sum(row["n"] for row in calls) == len(broken.drawn)
    assert "asked" not in {row["outcome"] for row in calls}
    assert paid is not None
    assert paid["calls"] == paid["days"]
    assert day.calls <= len(broken.drawn)
    # What the server counted is what was booked, in tokens and in money.
    assert broken.counted
    assert model.sum.tokens_in == sum(one.tokens_in for one in broken.counted)
    assert model.sum.tokens_out == sum(one.tokens_out for one in broken.counted)
    provider, _, name = model.model.partition(":")
    assert model.sum.micros == sum(prices.micros(Entry(provider, name, "", ""), one)[0] for one in broken.counted) == paid["calls"]
    handovers = sum(row["calls"] for row in said)
    print(model, handovers, Counter(broken.drawn), {row["model"]: row["n"] for row in models}, {row["outcome"]: row["n"] for row in calls})


async def _asked(connection: Connection, thread: str) -> None:
    inbound = Inbound("message", f"{thread}:1", thread, Sender(thread, name="Ann"), text="Sencha choyi necha pul?")
    await turn.take(connection, [inbound])
    async with db.step(connection.tenant_id) as session:
        row = await db.first(session, "SELECT id FROM conversations WHERE external_id = %s", (thread,))
    assert row is not None
    await turn.answer(tenant_id=str(connection.tenant_id), conversation_id=str(row["id"]))
