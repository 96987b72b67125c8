"""The figures of a fixed part of evals/ do not fall by more than noise below evals/baseline.json (`make baseline` writes it)."""

from pathlib import Path

import pytest

from savdo import evals, evals_figures, evals_report

EVALS = Path(__file__).parents[2] / "evals"


# About 20 seconds of one core, most of it reading a company's documents; a busy machine is given room.
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("database")
async def test_that_no_figure_falls_by_more_than_noise() -> None:
    result = await evals.evaluate(evals.sample(evals.read(EVALS)))
    changed = evals_figures.changes(evals_report.read_result(EVALS / "baseline.json"), result)
    assert {one.name for one in changed} == set(evals_figures.HEADLINES)
    fallen = [one for one in changed if one.gain < -(one.noise + evals_figures.SLACK)]
    assert not fallen, [row for row in result["wrong"] if "kinds" in row][:20]
