"""Short questions for what a section of terms is headed by."""

import dataclasses

import pytest

from savdo.reply import answers, compose, headings, understand
from tests.reply.cast import DELIVERY, ROW, found, passage, turn

SENTENCES = (
    "Рама: 24 месяца.", "Вилка: 12 месяцев.", "Колёса Blum: гарантия производителя.",
    "Сиденье не покрывается, как и всё, что изнашивается от езды по городу и в горах.",
)  # fmt: skip
WARRANTY = dataclasses.replace(
    passage(" ".join(SENTENCES), title=("Условия", "Гарантия")), sentences=SENTENCES, nearness=(0.05, 0.05, 0.85, 0.05)
)


@pytest.mark.parametrize("asked", ["Кепілдік бар ма?", "Kafolat bormi?", "гарантия есть?", "is there a warranty?"])
def test_that_a_section_is_told_from_its_start_when_its_subject_alone_is_asked_for(asked: str) -> None:
    hardly_found = found(ROW, WARRANTY, support=0.05)
    asking = turn(asked)
    draft = compose.compose(asking, understand.read(asking), hardly_found)
    assert "24" in draft.text
    assert "12" in draft.text
    assert draft.cited == (WARRANTY.id,)


def test_that_a_thing_the_section_does_not_speak_of_is_not_answered_by_it() -> None:
    assert headings.section("гарантия на шлем", [WARRANTY]) is None
    assert headings.section("гарантия на колёса", [WARRANTY]) is WARRANTY
    assert not headings.is_whole("гарантия на колёса", WARRANTY)


def test_that_a_product_named_like_a_town_is_no_delivery_to_it() -> None:
    row = dataclasses.replace(ROW, cells={"модель": "Самарканд", "цена_сум": "3400000"}, text="модель: Самарканд, цена_сум: 3400000")
    question = "в Самарканд доставляете?"
    asking = turn(question)
    told = answers.find(asking, understand.read(asking), question, found(row, DELIVERY, support=0.1))
    assert told is None or told.cited == (DELIVERY.id,)


@pytest.mark.parametrize(
    ("asked", "language"),
    [("Telefon raqamingiz?", "uz"), ("рақамингизни ташланг", "uz"), ("номер телефона дайте", "ru"), ("your number?", "en")],
)
def test_that_our_number_is_told_who_asks_for_it(asked: str, language: str) -> None:
    reading = understand.read(turn(asked))
    assert (reading.intent, reading.language) == ("question_location_hours", language)
    assert "+998712001122" in compose.compose(turn(asked), reading, found()).text


@pytest.mark.parametrize("said", ["katalog tashlang", "manzilingizni tashlang", "raqam tashlang", "telefon raqamingiz?"])
def test_that_who_asks_to_be_sent_something_does_not_ask_to_be_left_alone(said: str) -> None:
    assert understand.read(turn(said)).intent != "opt_out"
