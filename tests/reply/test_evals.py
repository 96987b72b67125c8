"""The rules by which an evaluation is scored."""

import json
from pathlib import Path
from typing import Any

import pytest

from savdo import evals, evals_figures, evals_report
from savdo import evals_scores as scores
from savdo.evals_figures import Tally


@pytest.mark.parametrize(
    ("reply", "wanted", "holds"),
    [
        ("Цена 39 000 ₸.", "39000", True), ("Narxi 39000 so'm", "39 000", True), ("номер 15", "5", False), ("в 18:40", "18:40", True),
        ("БЕСПЛАТНО", "бесплатн", True), ("139 000", "39 000", False), ("39 000 тенге", "39 000 ₸", True), ("30%", "30%", True),
    ],
)  # fmt: skip
def test_that_case_spaces_in_numbers_and_currency_words_do_not_matter(reply: str, wanted: str, holds: bool) -> None:
    assert scores.mentions(reply, wanted) is holds


def test_that_a_right_fact_beside_a_forbidden_one_is_not_correct() -> None:
    row = {"answer_doc": "a.md", "facts": ["180"], "forbidden": ["90 дней"]}
    assert scores.answer_verdict(row, "Гарантия 180 дней", False)["correct"]
    both = scores.answer_verdict(row, "180 или 90 дней", False)
    assert both["forbidden"]
    assert not both["correct"]


def test_that_a_figure_nobody_said_is_invented() -> None:
    assert scores.invented("Цена 450 000", ["Цена 400 000"]) == ["450 000"]
    assert scores.invented("Цена 400 тыс", ["Цена 400 000"]) == []


def test_that_the_date_of_tomorrow_is_not_invented() -> None:
    facts = {"when": {"from": "2026-05-07T17:00", "to": "2026-05-07T18:00", "precision": "hour"}}
    assert scores.invented("завтра, 7 мая, в 17:00", ["завтра в 5", *scores.calendar(facts)]) == []
    assert scores.invented("завтра, 8 мая, в 17:00", ["завтра в 5", *scores.calendar(facts)]) == ["8 мая"]
    assert scores.calendar({}) == ()


def test_that_macro_f1_is_the_mean_over_labels() -> None:
    assert scores.macro_f1([("a", "a"), ("b", "b")]) == 1.0
    assert scores.macro_f1([("a", "a"), ("b", "a")]) == pytest.approx((2 / 3 + 0) / 2)


def test_that_entities_count_right_extra_and_missing() -> None:
    assert scores.entity_counts({"name": "Ali", "quantity": 2}, {"name": "ali", "phone": "+1"}) == (1, 1, 1)


def test_that_a_dialogue_fails_for_a_needless_handover_and_for_writing_after_silence() -> None:
    expect = {
        "handover": None,
        "handover_reason": None,
        "must_mention": {"0": ["35 000"]},
        "must_not_mention": {},
        "silent_after": 0,
        "lead": {},
    }
    row = {"expect": {**expect, "lead_band": "cold", "objections": []}}
    good = [{"reply": "35 000 сум", "handover": None}, {"reply": "", "handover": None}]
    assert scores.dialogue_faults(row, good, {}) == []
    bad = [{"reply": "не знаю", "handover": "low_confidence"}, {"reply": "ещё", "handover": None}]
    assert len(scores.dialogue_faults(row, bad, {})) == 3


@pytest.mark.parametrize(
    ("score", "band"), [(0, "cold"), (30, "cold"), (31, "nurture"), (60, "nurture"), (61, "qualified"), (81, "hot"), (100, "hot")]
)
def test_that_bands_have_their_edges(score: int, band: str) -> None:
    assert scores.band(score) == band


def test_that_what_a_reading_knows_beyond_the_rows_is_not_counted() -> None:
    assert scores.entity_counts({"name": "Ali"}, {"name": "Ali", "when": {"precision": "day"}}) == (1, 0, 0)


@pytest.mark.parametrize(
    ("row", "listed"),
    [
        ({"objection": None}, set[str]()),
        ({"objection": "price"}, {"price"}),
        ({"objection": "price", "objections": ["price", "trust"]}, {"price", "trust"}),
    ],
)
def test_that_a_row_may_state_several_objections(row: dict[str, Any], listed: set[str]) -> None:
    assert scores.objections(row) == listed


def test_that_precision_and_recall_are_by_label() -> None:
    wanted = [frozenset({"price", "trust"}), frozenset({"price"}), frozenset[str]()]
    told = [frozenset({"price"}), frozenset({"trust"}), frozenset({"price"})]
    found = evals_figures.by_label(wanted, told)
    assert found["price"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "rows": 2}
    assert found["trust"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "rows": 1}
    assert evals_figures.several_f1(list(zip(wanted, told, strict=True))) == pytest.approx(2 * 1 / 6)


def test_that_the_largest_confusions_come_first() -> None:
    matrix = evals_figures.confusion([("a", "b"), ("a", "b"), ("b", "a"), ("a", "a")])
    assert matrix == {"a": {"a": 1, "b": 2}, "b": {"a": 1}}
    assert evals_figures.confused(matrix, 1) == [("a", "b", 2)]


def test_that_a_confidence_is_reliable_when_as_many_are_right() -> None:
    good = [(0.75, True)] * 3 + [(0.75, False)]
    assert evals_figures.reliability(good) == {"ece": 0.0, "bins": [{"from": 0.7, "rows": 4, "said": 0.75, "right": 0.75}]}
    assert evals_figures.reliability([(1.0, False)])["ece"] == 1.0


def test_that_only_a_fall_beyond_noise_is_one() -> None:
    now = {
        "intent_macro_f1": 0.70,
        "entities_f1": 0.94,
        "answers_forbidden": 0.20,
        "rows": {"intent_macro_f1": 500, "entities_f1": 60, "answers_forbidden": 200},
    }
    before = {"intent_macro_f1": 0.80, "entities_f1": 0.97, "answers_forbidden": 0.02, "invented": 0.0}
    changed = {one.name: one for one in evals_figures.changes(before, now)}
    assert {name: one.fell for name, one in changed.items()} == {"intent_macro_f1": True, "entities_f1": False, "answers_forbidden": True}
    assert evals_figures.Change("answers_forbidden", 0.20, 0.02, 0.03).rose
    assert evals_figures.noise(1.0, 14) > 0.05, "nothing is certain because it was always right so far"


def test_that_what_has_no_rows_is_left_out() -> None:
    tally = Tally()
    tally.mean("dialogues_passed", [])
    tally.mean("answers_correct", [("uz", True), ("ru", False)])
    assert tally.whole == {"answers_correct": 0.5}
    assert tally.by_language == {"answers_correct": {"ru": 0.0, "uz": 1.0}}
    assert tally.rows == {"answers_correct": 2}


def test_that_a_folder_may_hold_nothing_but_questions_in_several_files(tmp_path: Path) -> None:
    company = tmp_path / "businesses" / "one"
    (company / "docs").mkdir(parents=True)
    (company / "profile.json").write_text("{}")
    with pytest.raises(evals.WrongFolder):
        evals.read(tmp_path)
    for part in ("a", "b"):
        (tmp_path / f"questions_{part}.jsonl").write_text(json.dumps({"id": part, "business": "one"}) + "\n")
    folder = evals.read(tmp_path)
    assert [row["id"] for row in folder.questions] == ["a", "b"]
    assert not folder.messages
    assert not folder.dialogues


def test_that_the_sample_is_the_same_whatever_is_added() -> None:
    folder = evals.read(Path(__file__).parents[2] / "evals")
    first, again = evals.sample(folder), evals.sample(folder)
    assert first == again
    assert {kind: len(getattr(first, kind)) for kind in evals.SAMPLE} == dict(evals.SAMPLE)
    assert {row["business"] for row in (*first.questions, *first.dialogues)} == set(first.businesses)


def test_that_a_baseline_is_read_as_it_was_written_and_the_page_ends_with_its_notes(tmp_path: Path) -> None:
    result = {
        "model": "local", "answers_correct": 0.5, "rows": {"answers_correct": 40}, "by_language": {"answers_correct": {"uz": 0.5}},
        "reliability": {"support": evals_figures.reliability([(0.9, True)])}, "time_ms": {"turn": {"p50": 1.0, "p95": 2.0}},
        "cost": [{"company": "One", "turns": 3, "micros": {"USD": 1500}}], "seconds": 1.0, "wrong": [],
    }  # fmt: skip
    evals_report.write_baseline(result, tmp_path / "baseline.json")
    assert evals_report.read_result(tmp_path / "baseline.json") == {"answers_correct": 0.5, "rows": {"answers_correct": 40}}
    (tmp_path / "quality-notes.md").write_text("## How to read this\n")
    evals_report.write_quality(result, tmp_path / "quality.md")
    page = (tmp_path / "quality.md").read_text()
    assert "| answers_correct | 40 | 0.500 | 0.500 |  |  |  |" in page
    assert "3 turns cost 0.0015 USD" in page
    assert page.endswith("## How to read this\n")
