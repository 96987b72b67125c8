"""Every wire format: what is sent, what comes back, and the tools in between."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from savdo.base import db
from savdo.knowledge import answers
from tests.ai.asking import FORMATS, GOOD, KEY, answered, calling, installed, turn
from tests.emulators.models import Calls


@pytest.mark.parametrize("provider", sorted(FORMATS))
async def test_that_a_format_carries_a_tool_its_result_and_the_answer(tenant_id: UUID, provider: str) -> None:
    name, _ = FORMATS[provider]
    async with installed(name) as models:
        total = {**GOOD, "reply": "Three Blue sets cost 267 000 so'm."}
        models.script = [calling("compute", expression="3 * 89000"), total]
        draft = await answered(tenant_id)
    assert (draft.model, draft.text, draft.tokens_in) == (name, total["reply"], 2000)
    assert len(models.asked) == 2
    assert "267000" in str(models.asked[1])
    assert set(models.keys) == {KEY}
    assert any("compute" in note for note in draft.notes)


@pytest.mark.parametrize("provider", sorted(FORMATS))
async def test_that_a_format_sends_the_stable_parts_first_and_the_same_each_turn(tenant_id: UUID, provider: str) -> None:
    name, _ = FORMATS[provider]
    async with installed(name) as models:
        await answered(tenant_id)
        await answered(turn(tenant_id, "And is there a red one?"))
    first, second = (_stable(provider, one) for one in models.asked)
    assert first == second
    assert "You answer customers" in str(first)
    if provider == "anthropic":
        assert "cache_control" in str(first)
    if provider == "openai":
        assert {one["prompt_cache_key"] for one in models.asked} == {tenant_id.hex}


@pytest.mark.parametrize(
    "name", ["openai:gpt-5", "openai:o4-mini", "anthropic:claude-sonnet-5-5", "google:gemini-2.5-pro", "groq:openai/gpt-oss-120b"]
)
async def test_that_a_model_that_thinks_is_asked_to_answer_at_once(tenant_id: UUID, name: str) -> None:
    async with installed(name) as models:
        draft = await answered(tenant_id)
    assert (draft.model, len(models.asked)) == (name, 1)
    assert draft.cost_micros > 0


async def test_that_the_model_searches_again_and_its_find_is_evidence(tenant_id: UUID) -> None:
    await answers.add_answer(tenant_id, "How much is delivery to Samarkand?", "Delivery to Samarkand costs 45 000 so'm.")
    async with installed("openai:gpt-4o-mini") as models:
        told = {**GOOD, "reply": "Delivery to Samarkand costs 45 000 so'm.", "cited": [1]}
        models.script = [calling("search_knowledge", query="delivery Samarkand"), told]
        draft = await answered(turn(tenant_id, "And to Samarkand?"))
    assert draft.text == told["reply"]
    # The knowledge base is small: it stands in the prompt, and what is cited of it counts.
    assert "Samarkand" in str(models.asked[0]["messages"][0])
    assert len(draft.cited) == 1


@pytest.mark.parametrize(
    "call",
    [
        calling("compute", expression="75000 * 3"),
        calling("compute", expression="__import__('os').getcwd()"),
        calling("compute", expression="9**9**9"),
        calling("visit_page", url="http://169.254.169.254/latest"),
        calling("send_file", number="7"),
        calling("search_knowledge"),
    ],
    ids=["figure nobody said", "code", "power", "page not listed", "file not shared", "argument missing"],
)
async def test_that_a_wrong_call_is_told_and_does_no_harm(tenant_id: UUID, call: Calls) -> None:
    async with installed("openai:gpt-4o-mini") as models:
        # A tool that was not offered is an answer in another shape.
        models.script = [call, GOOD]
        draft = await answered(tenant_id)
    if call.wanted[0][0] in ("visit_page", "send_file"):
        assert draft.model == "local"
    else:
        assert "Not done" in str(models.asked[1]["messages"])
        assert draft.text == GOOD["reply"]


async def test_that_what_changes_something_is_only_noted(tenant_id: UUID) -> None:
    async with installed("openai:gpt-4o-mini") as models:
        models.script = [Calls([("remember", {"name": "favourite", "value": "green tea"}), ("call_person", {"reason": "wholesale"})]), GOOD]
        draft = await answered(tenant_id)
    assert (dict(draft.remember), draft.handover) == ({"favourite": "green tea"}, "keyword")
    async with db.step(tenant_id) as session:
        assert await db.rows(session, "SELECT 1 FROM handovers UNION ALL SELECT 1 FROM contacts") == []


async def test_that_a_model_that_only_calls_tools_is_stopped_after_four_calls(tenant_id: UUID) -> None:
    async with installed("openai:gpt-4o-mini") as models:
        models.script = [calling("compute", expression="2 * 89000")]
        draft = await answered(replace(turn(tenant_id), contact_name="Ann"))
    assert (len(models.asked), draft.model) == (4, "local")
    # At last only the answer is offered.
    assert [one["function"]["name"] for one in models.asked[-1]["tools"]] == ["answer"]


def _stable(provider: str, asked: dict[str, Any]) -> Any:
    if provider == "anthropic":
        return asked["tools"], asked["system"]
    if provider == "google":
        return asked["tools"], asked["systemInstruction"]
    return asked["tools"], asked["messages"][0]
