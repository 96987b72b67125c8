"""What a turn asks about: greetings beside, and what is borrowed from the question before."""

import pytest

from savdo.reply import topic, understand
from tests.reply.cast import turn


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Assalomu alaykum, burchakli velosiped necha pul?", "burchakli velosiped necha pul?"),
        ("Сәлеметсіз бе, кепілдік қанша ай?", "кепілдік қанша ай?"),
        ("Добрый день! Есть шлемы?", "Есть шлемы?"),
        ("hi there, is the shop open", "is the shop open"),
        ("Салом, велосипед борми?", "велосипед борми?"),
        ("есть ли доставка? спасибо", "есть ли доставка?"),
        ("Привет", "Привет"),
        ("Highest gear?", "Highest gear?"),
    ],
)
def test_that_a_greeting_is_no_part_of_the_question(text: str, rest: str) -> None:
    assert topic.bare(text) == rest


@pytest.mark.parametrize("text", ["Assalomu alaykum", "Добрый день, коллеги", "hello!", "Сәлеметсіз бе", "salom, yaxshimisiz"])
def test_that_a_mere_greeting_is_one(text: str) -> None:
    assert topic.greets(text)
    assert understand.read(turn(text)).intent == "greeting"


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Assalomu alaykum, katta velosiped necha pul?", "question_price"),
        ("Сәлеметсіз бе, кепілдік қанша ай?", "question_terms"),
        ("Do you work on Sunday?", "question_location_hours"),
    ],
)
def test_that_a_greeting_with_a_question_is_a_question(text: str, intent: str) -> None:
    assert understand.read(turn(text)).intent == intent


@pytest.mark.parametrize("text", ["а для самсунга?", "and for 2 rooms?", "6 oygachi?", "ал бағасы?", "а в субботу?", "narxi?"])
def test_that_an_elliptical_question_borrows_the_topic(text: str) -> None:
    before = "сколько стоит велосипед Sayr с доставкой?"
    assert "Sayr" in topic.asked(turn(text, history=(("contact", before), ("bot", "…"))))


@pytest.mark.parametrize("text", ["А рассрочка есть?", "Жеткізу қанша тұрады?", "Kafolati bormi?", "Есть рассрочка?", "do you deliver?"])
def test_that_a_short_question_with_a_topic_of_its_own_borrows_nothing(text: str) -> None:
    assert topic.asked(turn(text, history=(("contact", "сколько стоит велосипед Sayr?"), ("bot", "…")))) == text


def test_that_the_new_question_weighs_more_than_the_old_one() -> None:
    borrowed = topic.asked(turn("ал бағасы?", history=(("contact", "Жеткізу Sayr велосипедке бар ма?"), ("bot", "…"))))
    assert "Жеткізу" not in borrowed
    assert "Sayr" in borrowed


@pytest.mark.parametrize(
    ("typed", "looked_for"),
    [
        ("skolko stoit dostavka?", "сколко стоит доставка?"), ("gde vash magazin", "где ваш магазин"),
        ("yetkazib berish qancha", "yetkazib berish qancha"), ("where is your shop?", "where is your shop?"),
    ],
)  # fmt: skip
def test_that_russian_in_latin_letters_is_looked_for_in_its_own(typed: str, looked_for: str) -> None:
    assert topic.asked(turn(typed)) == looked_for
