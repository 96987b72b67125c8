"""How facts look to a person."""

import re
from pathlib import Path

import pytest

from savdo import reply
from savdo.base import texts
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


def test_that_every_fault_of_the_guard_has_words() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(reply.__path__[0]).glob("*.py"))
    kinds = set(re.findall(r'Fault\(\s*"(\w+)"', source))
    assert len(kinds) > 8
    assert {kind for kind in kinds if not texts.has(f"fault.{kind}")} == set()


@pytest.mark.parametrize(
    ("kind", "detail", "told"),
    [
        ("number", "36 000", ("Число", "36 000")),
        ("language", "not in kk", ("Язык", "не на языке «казахский»")),
        ("length", "1203 characters, at most 900", ("Слишком длинно", "1203 знаков, не больше 900")),
        ("leak", "repeats its own rules", ("Не для клиентов", "повторяет свои правила")),
    ],
)
def test_that_a_fault_is_told_in_the_readers_words(kind: str, detail: str, told: tuple[str, str]) -> None:
    assert show.fault(kind, detail, "ru") == told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("openai:gpt-4o-mini: status 401", "openai:gpt-4o-mini was passed by: The provider refuses the key. Paste a new one."),
        ("compatible:qwen3:8b: no answer in 20 s", "compatible:qwen3:8b was passed by: No answer within 20 s."),
        ("groq:x: model:groq:0199 failed several times just now; it is tried again shortly.", "groq:x was passed by: It failed several"),
        ("google:x: The day's budget for models does not allow this call.", "google:x was passed by: The day's cap does not allow"),
        ("google:x: APIConnectionError", "google:x was passed by: The connection to the provider failed."),
        ("openai:gpt-4o-mini: 812 ms", "openai:gpt-4o-mini: 812 ms"),
        ("read as booking, doubted", 'Read as "Booking", not surely'),
        ("visit_taken", "The time asked for cannot be booked"),
    ],
)
def test_that_a_note_of_a_turn_is_told_in_words(words: str, told: str) -> None:
    assert show.note(words, "en").startswith(told)


@pytest.mark.parametrize(
    ("micros", "told"), [(0, "$0.00"), (1234, "$0.0012"), (50_000, "$0.05"), (2_500_000, "$2.50"), (1_234_567_890, "$1,234.57")]
)
def test_that_money_has_as_many_digits_as_say_something(micros: int, told: str) -> None:
    assert show.money(micros, "USD", "en") == told
