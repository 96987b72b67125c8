# ruff: noqa: E501 # one case a line
"""Phones, names, companies, quantities, budgets and times as customers write them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from savdo.reply import amounts, entities, phones
from tests.reply.cast import turn


@pytest.mark.parametrize(
    ("written", "currency", "phone"),
    [
        ("90 123 45 67", "UZS", "+998901234567"),
        ("+998(93)765-43-21", "UZS", "+998937654321"),
        ("8 998 97 111 22 33", "UZS", "+998971112233"),
        ("tel 99.888.77.66", "UZS", "+998998887766"),
        ("8 701 222 33 44", "KZT", "+77012223344"),
        ("87471112233", "UZS", "+77471112233"),
        ("7012223344 менің нөмірім", "KZT", "+77012223344"),
        ("+998 90 123 45 67", "KZT", "+998901234567"),
    ],
)
def test_that_a_phone_is_read_in_every_habit_of_writing(written: str, currency: str, phone: str) -> None:
    assert phones.find([written], [], currency)[0] == phone


def test_that_a_phone_given_in_parts_is_put_together() -> None:
    assert entities.read(turn("90 12", "345", "67"), "contact_details")["phone"] == "+998901234567"
    assert phones.find(["11 22"], ["мой номер 97 333"], "UZS")[0] == "+998973331122"


@pytest.mark.parametrize("text", ["narxi 1 650 000 so'm", "850 000 000 сум", "20 000 000", "2024-yil 12-may", "10-15 kun"])
def test_that_an_amount_or_a_date_is_no_phone(text: str) -> None:
    assert phones.find([text], [], "UZS")[0] is None


@given(st.integers(1_000_000, 9_999_999), st.sampled_from(["90", "91", "93", "97", "99"]), st.sampled_from(["", " ", "-", "."]))
def test_that_every_mobile_number_survives_its_separators(number: int, code: str, between: str) -> None:
    digits = str(number)
    written = between.join([code, digits[:3], digits[3:5], digits[5:]])
    assert phones.find([written], [], "UZS")[0] == f"+998{code}{digits}"


@pytest.mark.parametrize(
    ("text", "currency", "budget"),
    [
        ("byudjetim 5 mln gacha", "UZS", {"min": None, "max": 5_000_000, "currency": "UZS"}),
        ("до 200 тыс есть что-нибудь", "KZT", {"min": None, "max": 200_000, "currency": "KZT"}),
        ("бюджет 300-400 млн сум", "UZS", {"min": 300_000_000, "max": 400_000_000, "currency": "UZS"}),
        ("менде 90 мыңға дейін", "KZT", {"min": None, "max": 90_000, "currency": "KZT"}),
        ("our budget is $15k", "UZS", {"min": 15_000, "max": 15_000, "currency": "USD"}),
        ("nega 480 ming?", "UZS", None),
        ("мне сказали 74 тысячи", "KZT", None),
    ],
)
def test_that_a_budget_is_what_the_customer_can_spend_and_not_a_price(text: str, currency: str, budget: dict[str, Any] | None) -> None:
    assert amounts.budget(text, currency) == budget


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("menga ismim Dilshod", "Dilshod"), ("Меня зовут ольга", "Ольга"), ("атым Айгүл, 8 701 234 56 78", "Айгүл"),
        ("my name is Anna", "Anna"), ("Aziz 93 555 44 33", "Aziz"), ("Zilola deb yozing", "Zilola"), ("Здравствуйте", None),
    ],
)  # fmt: skip
def test_that_a_name_is_read_where_it_is_given(text: str, name: str | None) -> None:
    assert entities.read(turn(text), "contact_details").get("name") == name


@pytest.mark.parametrize(
    ("text", "company"),
    [
        ("ООО Ромашка Трейд", "Ромашка Трейд"),
        ("MCHJ Oltin Vodiy, 5 kishimiz", "Oltin Vodiy"),
        ("компания «Свет и Тень»", "Свет и Тень"),
        ("oddiy savol", None),
    ],
)
def test_that_a_company_is_named_without_its_legal_form(text: str, company: str | None) -> None:
    assert entities.read(turn(text), "contact_details").get("company") == company


@pytest.mark.parametrize(
    ("text", "intent", "when"),
    [
        ("ertaga soat 5 da", "booking", "days"), ("в пятницу после обеда", "booking", "days"), ("бүгін барам", "ready_to_buy", "now"),
        ("через 2 недели", "booking", "weeks"), ("не сейчас, через 3 месяца", "objection", "months"), ("bugun ochiqmisizlar", "question_location_hours", None),
        ("через полчаса заеду", "booking", "now"), ("старт через 2 недели", "question_product", "weeks"), ("директора сейчас же", "human_request", None),
    ],
)  # fmt: skip
def test_that_a_time_counts_where_it_is_a_wish(text: str, intent: str, when: str | None) -> None:
    assert entities.timeline(text, intent) == when


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("нас 12 человек", 12),
        ("5 ta olamiz", 5),
        ("2 ноутбук керек", 2),
        ("10 seats please", 10),
        ("а если нас будет пятеро", 5),
        ("uchovimiz boramiz", 3),
        ("6 yosh qizim bor", None),
        ("3 oyga", None),
    ],
)
def test_that_a_quantity_counts_people_or_things(text: str, count: int | None) -> None:
    assert entities.quantity(text) == count
