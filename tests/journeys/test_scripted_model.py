"""Dialogues of an evaluation by a model that answers from the passages of its prompt: what each turn asks of it is counted."""

from pathlib import Path
from typing import Any

from savdo import evals, evals_report
from savdo.channels.models import Connection
from tests.ai.asking import configure, fresh
from tests.emulators import scripted
from tests.emulators.serving import serving

EXPECT = {
    "handover": None,
    "handover_reason": None,
    "must_not_mention": {},
    "silent_after": None,
    "lead": {},
    "lead_band": "",
    "objections": [],
}
DIALOGUE = {
    "id": "own-1", "business": "tea", "language": "uz",
    "turns": ["Assalomu alaykum", "Sencha choyi necha pul?", "Toshkent bo'ylab yetkazib berish qancha turadi?"],
    "expect": {**EXPECT, "must_mention": {"1": ["84 000"], "2": ["25 000"]}},
}  # fmt: skip


async def test_that_a_dialogue_by_a_scripted_model_passes_and_its_calls_are_counted(tea_house: Connection, tmp_path: Path) -> None:
    measured = evals.Run()
    with fresh() as patch:
        async with serving(scripted.app) as address:
            configure(patch, scripted.NAME, {"compatible": address}, model_timeout_s="60", model_turn_s="200")
            await evals.dialogues([DIALOGUE], {"tea": evals.Company(tea_house, {"name": "Oq Choy"}, ())}, measured)
    found = measured.tally
    assert found.whole["dialogues_passed"] == 1, found.wrong
    # A greeting asks nobody; each question asks once.
    assert [one["calls"] for _, one in measured.asked] == [0, 1, 1]
    assert found.whole["calls_a_turn"] == 0.6667
    assert 1_000 < found.whole["most_prompt_tokens"] < 15_000
    _is_reported(found.whole | {"rows": found.rows, "by_language": found.by_language}, tmp_path / "quality.md")


def _is_reported(figures: dict[str, Any], path: Path) -> None:
    timed = {"time_ms": {}, "cost": [], "seconds": 1.0, "reliability": {}}
    evals_report.write_quality({**figures, **timed, "model": "local"}, path, {**figures, **timed, "model": scripted.NAME})
    assert f"## With {scripted.NAME} in the chain" in path.read_text()
    assert "| calls_a_turn | 3 | 0.6667 | 0.6667 |  |  |  |" in path.read_text()
