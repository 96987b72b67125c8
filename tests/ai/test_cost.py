"""What calls cost is known, booked before they are made, and never more than the day's cap."""

import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest

from savdo.ai import cost, prices, standing
from savdo.ai.cost import Payer
from savdo.ai.talk import Entry, Usage
from savdo.base import circuit, clock, db, telemetry
from savdo.base.settings import WrongSetting, settings
from savdo.channels.models import Connection, Inbound, Sender
from savdo.operations import tenant_models
from savdo.reply import record, review
from savdo.reply import turn as main_path
from tests.ai.asking import GOOD, answered, fresh, installed, turn

ENTRY = Entry("openai", "gpt-4o-mini", "key", "")
DAY = date(2026, 3, 2)
TEXTS = ("How much is the Blue set?", "And how long is the delivery?", "Can I pay by card?")


def payer(tenant_id: UUID, number: int = 1) -> Payer:
    return Payer(tenant_id, db.new_id(), number, DAY)


async def test_that_every_call_is_a_row_and_its_sums_agree(tenant_id: UUID) -> None:
    async with installed("openai:gpt-4o-mini,anthropic:claude-haiku-4-5") as models:
        models.script = ["500", "schema", GOOD, GOOD]
        # OpenAI fails, is tried again and answers in another shape; Anthropic answers.
        asked = turn(tenant_id)
        draft = await answered(asked)
        await answered(turn(tenant_id))
    async with db.step(tenant_id) as session:
        rows = await db.rows(session, "SELECT provider, outcome, tokens_in, micros, problem FROM model_calls ORDER BY asked_at, id")
        ((purpose, one),) = await cost.of_conversation(session, asked.conversation_id)
        day = await cost.of_day(session, cost.day_in(""))
        (listed,) = await cost.days(session, cost.day_in("") - timedelta(days=1))
    assert [(row["provider"], row["outcome"], row["tokens_in"]) for row in rows] == [
        ("openai", "failed", 0), ("openai", "failed", 1000), ("anthropic", "ok", 1000), ("openai", "ok", 1000),
    ]  # fmt: skip
    assert len(models.asked) == len(rows)
    # An answer that could not be used is paid for.
    assert [row["micros"] for row in rows] == [0, 210, 1500, 210]
    assert (purpose, one.calls, one.failures, one.micros) == ("answer", 3, 2, 1710)
    assert (day.calls, day.failures, day.micros, day.tokens_in) == (4, 2, 1920, 3000)
    assert listed[1] == day
    assert draft.cost_micros == 1500


async def test_that_an_answer_knows_what_all_of_it_cost(connection: Connection) -> None:
    tenant_id, said = connection.tenant_id, [Inbound("message", str(n), "7", Sender("7"), text=t) for n, t in enumerate(TEXTS)]
    async with installed("openai:gpt-4o-mini"):
        (taken,) = await main_path.take(connection, said[:1])
        assert taken.conversation_id is not None
        job = {"tenant_id": str(tenant_id), "conversation_id": str(taken.conversation_id)}
        begun = (await record.begin(tenant_id, taken.conversation_id)).turn
        assert begun is not None
        draft, passages = await main_path.pipeline(begun, main_path.Timings())
        await main_path.take(connection, said[1:2])
        assert await record.write(begun, draft, passages, {}) is None
        await main_path.answer(**job)
        await review.review(**job)
        await main_path.take(connection, said[2:])
        await main_path.answer(**job)
    async with db.step(tenant_id) as session:
        turns = await db.rows(session, "SELECT id FROM turns ORDER BY last_number")
        each = [{purpose: one.calls for purpose, one in await cost.of_turn(session, row["id"])} for row in turns]
        whole = {purpose: one.calls for purpose, one in await cost.of_conversation(session, taken.conversation_id)}
    # Two calls an answer: this company has no such price, so that the first is refused.
    assert each == [{"dropped": 2, "answer": 2, "review": 1}, {"answer": 2}]
    assert whole == {"answer": 6, "review": 1}


async def test_that_two_turns_at_once_cannot_both_take_the_last_of_the_budget(tenant_id: UUID) -> None:
    booked = await asyncio.gather(*(cost.book(payer(tenant_id), ENTRY, 400, 1000) for _ in range(6)))
    assert sum(one is not None for one in booked) == 2
    given = next(one for one in booked if one is not None)
    await cost.settle(payer(tenant_id), given, Usage(10, 5), 100, True, 20)
    # Settling twice takes nothing back twice.
    await cost.settle(payer(tenant_id), given, Usage(10, 5), 100, True, 20)
    async with db.step(tenant_id) as session:
        assert (await cost.of_day(session, DAY)).micros == 500
    assert await cost.book(payer(tenant_id), ENTRY, 501, 1000) is None
    assert await cost.book(payer(tenant_id), ENTRY, 500, 1000) is not None
    assert await cost.book(Payer(tenant_id, db.new_id(), 1, DAY + timedelta(days=1)), ENTRY, 1001, 1000) is None


async def test_that_a_budget_used_up_in_a_conversation_leads_to_the_cheaper_half_and_then_to_local_answers(tenant_id: UUID) -> None:
    prices_of_mini = '{"openai:gpt-4o-mini": {"in": 0.6, "out": 2.4}}'
    async with installed("anthropic:claude-haiku-4-5,openai:gpt-4o-mini", model_daily_usd="0.018", model_prices=prices_of_mini) as models:
        said = [(await answered(tenant_id)) for _ in range(24)]
        seen = await tenant_models.overview(tenant_id)
        async with db.platform_step("figures for a test") as session:
            telemetry.models_recent(*await standing.figures(session))
    by_model = [draft.model for draft in said]
    assert by_model[0] == "anthropic:claude-haiku-4-5"
    assert by_model.index("openai:gpt-4o-mini") < by_model.index("local")
    assert set(by_model[by_model.index("local") :]) == {"local"}
    assert all(draft.text for draft in said)
    assert seen.held_back
    assert seen.today == seen.month == cost.total(one.sum for one in seen.today_by_model)
    assert "savdo_model_caps_reached 0.0" not in telemetry.metrics_text().decode()
    async with db.step(tenant_id) as session:
        spent = (await cost.of_day(session, cost.day_in(""))).micros
    assert spent <= 18_000
    assert spent == sum(draft.cost_micros for draft in said)
    assert len(models.asked) == sum(model != "local" for model in by_model)


async def test_that_a_new_day_has_a_new_budget(tenant_id: UUID) -> None:
    async with installed("openai:gpt-4o-mini", model_daily_usd="0.004"):
        while (await answered(tenant_id)).model != "local":
            pass
        clock.move(timedelta(days=1))
        assert (await answered(tenant_id)).model == "openai:gpt-4o-mini"


@pytest.mark.parametrize(
    ("entry", "usage", "expected"),
    [
        (ENTRY, Usage(1000, 100), (210, True)),
        (ENTRY, Usage(1000, 100, cached=1000), (135, True)),
        (Entry("compatible", "our-own", "", ""), Usage(1000, 100), (0, False)),
        # Nobody knows its price: counted as a dear one, or a cap would hold nothing.
        (Entry("openai", "gpt-99-unheard-of", "", ""), Usage(1000, 100), (15_000, False)),
        (Entry("compatible", "rented", "", ""), Usage(1000, 100, cached=400), (600 * 2 + 400 + 100 * 8, True)),
    ],
)
def test_that_a_price_is_known_or_assumed(entry: Entry, usage: Usage, expected: tuple[int, bool]) -> None:
    with fresh() as patch:
        patch.setenv("SAVDO_MODEL_PRICES", '{"compatible:rented": {"in": 2, "out": 8, "cached": 1}}')
        settings.cache_clear()
        assert prices.micros(entry, usage) == expected


@pytest.mark.parametrize(
    ("url", "model", "own", "heard", "spoken"),
    [
        # By the second, by the character.
        ("https://api.openai.com/v1", "gpt-transcribe", "0", (4500, True), (0, False)),
        ("https://api.groq.com/openai/v1", "whisper-large-v3-turbo", "0", (667, True), (0, False)),
        ("https://api.openai.com/v1", "tts-1", "0", (0, False), (15_000, True)),
        # By tokens, which are estimated.
        ("https://api.openai.com/v1", "gpt-4o-mini-tts", "0", (7560, True), (24_201, True)),
        # A server nobody knows the price of is free, unless the installation says what it costs.
        ("http://127.0.0.1:9/v1", "gpt-transcribe", "0", (0, False), (0, False)),
        ("http://127.0.0.1:9/v1", "gpt-transcribe", "3", (3_000_000, True), (3000, True)),
    ],
)
def test_that_the_price_of_speech_is_listed_or_the_installations_own(
    url: str, model: str, own: str, heard: tuple[int, bool], spoken: tuple[int, bool]
) -> None:
    with fresh() as patch:
        for name in ("SPEECH", "VOICE"):
            patch.setenv(f"SAVDO_{name}_URL", url)
            patch.setenv(f"SAVDO_{name}_MODEL", model)
        patch.setenv("SAVDO_SPEECH_MINUTE_USD", own)
        patch.setenv("SAVDO_VOICE_MILLION_USD", own)
        settings.cache_clear()
        assert (prices.heard(59.2, Usage()), prices.spoken("a" * 1000)) == (heard, spoken)


@pytest.mark.parametrize("text", ["[]", "{", '{"openai:x": {"in": 1}}', '{"openai:x": {"in": -1, "out": 1}}', '{"openai:x": 3}'])
def test_that_wrong_prices_stop_the_start(text: str) -> None:
    with fresh() as patch:
        patch.setenv("SAVDO_MODEL_PRICES", text)
        settings.cache_clear()
        with pytest.raises(WrongSetting, match="SAVDO_MODEL_PRICES"):
            settings()


async def test_that_every_process_sees_how_the_models_do(tenant_id: UUID) -> None:
    async with installed("openai:gpt-4o-mini") as models:
        models.script = ["401"]
        for _ in range(4):
            await answered(tenant_id)
        # Another process knows nothing of this one's breakers, only the rows.
        circuit.forget()
        seen = await tenant_models.overview(tenant_id)
        async with db.platform_step("figures for a test") as session:
            telemetry.models_recent(*await standing.figures(session))
        text = telemetry.metrics_text().decode()
        (state,) = seen.models
        assert (state.model, state.calls, state.failures, state.resting, state.problem) == ("openai:gpt-4o-mini", 3, 3, True, "status 401")
        assert 'savdo_models_recent{provider="openai",what="failures"}' in text
        assert 'savdo_model_breakers_open{provider="openai"} 1.0' in text
        clock.move(timedelta(seconds=31))
        assert not (await tenant_models.overview(tenant_id)).models[0].resting
