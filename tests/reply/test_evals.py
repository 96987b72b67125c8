"""The rules by which an evaluation is scored."""

import pytest

from savdo import evals_scores as scores


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
