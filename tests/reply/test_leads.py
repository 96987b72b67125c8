"""What a lead is worth after what was said."""

from typing import Any

import pytest

from savdo.reply import leads, understand
from tests.reply.cast import turn

PHONE = {"phone": "+998901234567"}


@pytest.mark.parametrize(
    ("facts", "least", "most"),
    [
        ({"signals": {"booking": True, "soon": True}, **PHONE}, 81, 100),
        ({"signals": {"booking": True, "soon": True}}, 61, 80),
        ({"signals": {"booking": True}, **PHONE}, 31, 80),
        ({"signals": {"questions": 1}, "objections": ["price", "trust", "timing"]}, 31, 60),
        ({"objections": ["need"]}, 0, 30),
        ({"signals": {"questions": 3}, **PHONE, "timeline": "months"}, 31, 60),
        ({"signals": {"ready_to_buy": True}}, 81, 100),
    ],
)
def test_that_a_lead_is_in_the_band_of_what_it_said(facts: dict[str, Any], least: int, most: int) -> None:
    assert least <= leads.score(facts) <= most


def test_that_a_visit_soon_does_not_move_when_they_want_to_begin() -> None:
    begins = turn("хотим начать через 3 недели, бюджет 20 млн")
    known = leads.facts_of(begins, understand.read(begins))
    assert known["timeline"] == "weeks"
    visits = turn("запишите меня на замер завтра в 15:00", facts=known)
    later = leads.facts_of(visits, understand.read(visits))
    assert "timeline" not in later
    assert leads.signals_of(later)["soon"]
