"""How facts look to a person."""

import pytest

from savdo.web import format as show

KNOWN = {
    "quantity": 12, "budget": {"min": 1_000_000, "max": 5_000_000, "currency": "UZS"}, "timeline": "days",
    "objections": ["price", "trust", "unheard_of"],
}  # fmt: skip


def test_that_facts_are_told_in_words() -> None:
    assert show.facts(KNOWN, "en") == [
        ("Quantity", "12"),
        ("Budget", "1,000,000–5,000,000 UZS"),
        ("When", "In some days"),
        ("Objection", "Too expensive, Does not trust yet"),
    ]
    assert ("Когда", "В ближайшие дни") in show.facts(KNOWN, "ru")


@pytest.mark.parametrize(
    "facts", [{"opt_out": True}, {"signals": {"questions": 2}}, {"timeline": "someday"}, {"budget": {}}, {"name": None}]
)
def test_that_what_has_no_words_is_left_out(facts: dict[str, object]) -> None:
    assert show.facts(facts, "en") == []


def test_that_a_budget_with_one_end_is_told_once() -> None:
    assert show.facts({"budget": {"min": 500, "max": 500, "currency": "USD"}}, "en") == [("Budget", "500 USD")]
    assert show.facts({"budget": {"min": None, "max": 700, "currency": "USD"}}, "en") == [("Budget", "700 USD")]


def test_that_a_price_is_not_broken_over_two_lines() -> None:
    assert show.unbroken("3 400 000 so\u2018m, tel 71 200 77 33, 5 1000") == "3\u00a0400\u00a0000 so\u2018m, tel 71\u00a0200 77 33, 5 1000"
