"""One turn by a model that is none of ours: a tool it calls, an answer it gives in the structure, and the repair of one that is refused.
What it says is its own affair: 135 million parameters know nothing of tea. What becomes of it is ours."""

import pytest

from savdo.base import db
from savdo.channels.models import Connection
from savdo.channels.sandbox import Sandbox
from savdo.knowledge import ingest
from savdo.reply import turn
from tests.ai.asking import configure, fresh
from tests.emulators.llama import Front, llama
from tests.journeys.conftest import Says, thread

NAME = "compatible:smollm2"
INVENTED = "It costs 1 000 UZS."


# About 15 seconds of one core; a busy machine is given room.
@pytest.mark.timeout(400)
async def test_that_a_real_model_calls_a_tool_is_refused_what_it_invents_and_ends_in_one_checked_answer(
    connection: Connection, sandbox: Sandbox, says: Says
) -> None:
    document = await ingest.add(connection.tenant_id, "prices.csv", b"item,price_uzs\nCheskiy teapot,275000\nOolong tea,132000\n")
    await ingest.read(tenant_id=str(connection.tenant_id), document_id=str(document))
    with fresh() as patch:
        # The invented price is laid into its mouth: nothing else would make the guard certain to refuse.
        async with llama(("search_knowledge", ""), ("answer", INVENTED), ("answer", "")) as (address, front):
            configure(patch, NAME, {"compatible": address}, model_timeout_s="110", model_turn_s="300")
            await says("How much is the Cheskiy teapot?")
            async with db.step(connection.tenant_id) as session:
                row = await db.first(session, "SELECT id FROM conversations")
            assert row is not None
            await turn.answer(tenant_id=str(connection.tenant_id), conversation_id=str(row["id"]))
    _was_asked_for_each_step(front)
    async with db.step(connection.tenant_id) as session:
        calls = await db.rows(session, "SELECT outcome, tokens_in, tokens_out FROM model_calls ORDER BY asked_at")
        [written] = await db.rows(session, "SELECT model, trace->'faults'->0->>'detail' AS fault FROM turns")
        called = await db.rows(session, "SELECT reason FROM handovers")
    # Every call was in the structure, is a row, and counts what the server counted.
    assert [(one["outcome"], one["tokens_in"], one["tokens_out"]) for one in calls] == [("ok", *used) for used in front.used]
    assert "1 000" in written["fault"]
    # Its second answer, or ours where that was refused too; once, and at most one person called.
    assert written["model"] in (NAME, "local")
    [_, (author, text, status)] = await thread(connection.tenant_id)
    assert (author, status) == ("bot", "sent")
    assert text
    assert INVENTED not in text
    assert (text == front.called[2][1]["reply"]) is (written["model"] == NAME)
    assert [one.text for one in sandbox.sent] == [text]
    assert len(called) <= 1


def _was_asked_for_each_step(front: Front) -> None:
    assert [name for name, _ in front.called] == ["search_knowledge", "answer", "answer"]
    assert isinstance(front.called[0][1]["query"], str)
    first, answered, repaired = front.asked
    assert not any(message["role"] == "tool" for message in first["messages"])
    assert answered["messages"][-1]["role"] == "tool"
    assert repaired["messages"][-1]["content"].startswith("This reply was not sent.")
    assert [one["function"]["name"] for one in repaired["tools"]] == ["answer"]
