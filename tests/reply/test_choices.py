"""Buttons beside an answer: offered where they help, never twice, and understood when pressed."""

from dataclasses import replace
from typing import Any
from uuid import uuid5

import pytest

from savdo.reply import choices, compose, sayings, steps, understand
from savdo.reply.models import Campaign, Draft, Turn
from tests.reply.cast import BIKES, DELIVERY, ROW, SPACE, found, turn

FINISH = "Какая нужна рама: алюминий, сталь или карбон?"
SCOOTERS = Campaign(
    uuid5(SPACE, "scooters"), "Самокаты", {"amount": 900_000, "currency": "UZS", "from": True}, ("складная рама", "ручной тормоз"),
    {"qualification_questions": ["Для взрослого или ребёнка?"]}, "",
)  # fmt: skip
REPAIRS = Campaign(uuid5(SPACE, "repairs"), "Ремонт", {}, (), {}, "")
SOLD = (BIKES, SCOOTERS, REPAIRS, replace(REPAIRS, id=uuid5(SPACE, "rent"), name="Прокат"))
GREETED = (("contact", "привет"), ("bot", "Здравствуйте! Это Velo Dunyo. Чем могу помочь?"))


def answered(asked: Turn, *passages: Any) -> Draft:
    reading = choices.read(asked, understand.read(asked))
    draft = compose.compose(asked, reading, found(*passages))
    return replace(draft, buttons=choices.offered(asked, draft))


def pressed(button: str, text: str, *, history: tuple[tuple[str, str], ...] = GREETED, language: str = "ru") -> Turn:
    before = turn(text, history=history, campaigns=SOLD, language=language)
    return replace(before, fresh=(replace(before.fresh[0], quick_reply=button),))


def titles(draft: Draft) -> list[str]:
    return [one.title for one in draft.buttons]


def test_that_whoever_only_greets_sees_what_is_sold_and_only_the_first_time() -> None:
    first = answered(turn("Здравствуйте", campaigns=SOLD))
    assert titles(first) == ["Горный велосипед…", "Самокаты", "Ремонт"]
    assert first.buttons[1].id == f"campaign:{SCOOTERS.id}"
    assert answered(turn("Здравствуйте", history=GREETED, campaigns=SOLD)).buttons == ()
    assert answered(turn("Здравствуйте")).buttons == ()


def test_that_a_person_is_beside_what_is_not_known_or_understood() -> None:
    unknown = turn("у вас есть сертификат ISO 27001 на велосипеды?", campaigns=SOLD)
    assert titles(answered(unknown)) == ["Горный велосипед…", "Самокаты", "Позвать человека"]
    assert answered(replace(unknown, status="handover")).buttons == ()
    unclear = answered(turn("???", campaigns=(BIKES,), language="ru"))
    assert titles(unclear) == ["Горный велосипед…", "Позвать человека"]
    assert answered(turn("где мой заказ?", history=GREETED, campaigns=SOLD)).buttons == ()


def test_that_an_answer_a_goodbye_and_a_complaint_come_without_buttons() -> None:
    asked = ("Сколько стоит горный велосипед Sayr 27?", "Сколько стоит доставка по Ташкенту?")
    for text in (*asked, "спасибо, до свидания", "стоп", "верните деньги, вы обманули меня"):
        assert answered(turn(text, history=GREETED, campaigns=SOLD), ROW, DELIVERY).buttons == (), text


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (FINISH, ["Алюминий", "Сталь", "Карбон"]), ("Цвет: красный или синий?", ["Красный", "Синий"]),
        ("Для взрослого или ребёнка?", []), ("Размер рамы: сколько дюймов?", []), ("Рама: а, б, в или г?", []),
        ("Вид: горный с двумя амортизаторами или городской?", []),
    ],
)  # fmt: skip
def test_that_a_question_which_lists_its_answers_has_them_as_buttons(question: str, expected: list[str]) -> None:
    asking = (replace(BIKES, chat_flow={"qualification_questions": [question]}),)
    draft = answered(turn("Сколько стоит горный велосипед Sayr 27?", campaigns=asking), ROW)
    assert question in draft.text
    assert titles(draft) == expected


def test_that_uzbek_in_cyrillic_is_answered_in_cyrillic() -> None:
    asking = (replace(BIKES, chat_flow={"qualification_questions": ["Rama qanday boʻlsin: alyumin yoki poʻlat?"]}),)
    draft = Draft("Рама қандай бўлсин: алюмин ёки пўлат?", understand.read(turn("велосипед қанча туради?", language="uz")))
    assert titles(replace(draft, buttons=choices.offered(turn("велосипед қанча туради?", campaigns=asking), draft))) == ["Алюмин", "Пўлат"]


def test_that_a_pressed_campaign_is_told_in_the_customers_language_and_its_question_asked() -> None:
    for asked in (pressed(f"campaign:{SCOOTERS.id}", "Самокаты"), pressed("", "• самокаты")):
        draft = answered(asked)
        assert (draft.reading.intent, draft.reading.language, draft.handover) == ("question_product", "ru", None)
        assert all(part in draft.text for part in ("Складная рама, ручной тормоз", "900 000 сум", "Для взрослого или ребёнка?"))
    in_english = answered(
        pressed(f"campaign:{BIKES.id}", "Горный велосипед…", history=(("bot", "Hello! How can I help you?"),), language="en")
    )
    assert in_english.reading.language == "en"
    assert "from 3 400 000 UZS" in in_english.text
    assert "скорость" not in in_english.text
    assert answered(pressed(f"campaign:{REPAIRS.id}", "Ремонт")).text in {
        f"{one} {other}" for one in sayings.catalogue()["acknowledged"]["ru"] for other in sayings.catalogue()["tell_more"]["ru"]
    }


def test_that_a_pressed_answer_goes_on_and_a_pressed_person_is_called() -> None:
    asked = (*GREETED, ("contact", "какие есть рамы?"), ("bot", FINISH))
    for draft in (answered(pressed("answer:2", "Сталь", history=asked)), answered(pressed("", "сталь", history=asked))):
        assert draft.handover is None
        assert any(draft.text.startswith(one) for one in sayings.catalogue()["acknowledged"]["ru"])
    called = answered(pressed("human", "Позвать человека"))
    assert (called.handover, called.reading.wants_human) == ("keyword", True)
    assert called.buttons == ()


def test_that_what_is_written_beside_a_pressed_campaign_is_read() -> None:
    both = pressed(f"campaign:{SCOOTERS.id}", "Самокаты")
    both = replace(both, fresh=(*both.fresh, replace(both.fresh[0], text="сколько стоит доставка?", quick_reply="")))
    assert understand.read(both) == choices.read(both, understand.read(both))
    assert choices.campaign(both) is None


@pytest.mark.parametrize(
    ("app", "spoken", "expected"), [("ru", ["uz", "ru"], "ru"), ("en-GB", ["uz", "ru"], "uz"), ("kk", [], "kk"), ("", [], "uz")]
)
def test_that_whoever_presses_start_is_greeted_in_the_language_of_their_app(app: str, spoken: list[str], expected: str) -> None:
    first = turn("/start", campaigns=SOLD)
    draft = answered(replace(first, contact_language=app, profile={**first.profile, "languages": spoken}))
    assert (draft.reading.intent, draft.reading.language, len(draft.buttons)) == ("greeting", expected, 3)


@pytest.mark.parametrize("language", ["uz", "ru", "kk", "en"])
def test_that_the_words_of_the_button_call_a_person_where_they_are_typed(language: str) -> None:
    for script in ("latn", "cyrl"):
        reading = replace(understand.read(turn("hello")), language=language, script=script)
        title = sayings.say("talk_to_person", turn(""), reading)
        assert len(title) <= choices.LONGEST
        assert understand.read(turn(title)).wants_human


def test_that_a_pressed_campaign_stays_until_another_is_spoken_of() -> None:
    asked = pressed(f"campaign:{SCOOTERS.id}", "Самокаты")
    later = replace(asked, history=(*asked.history, *asked.fresh), fresh=turn("а когда привезёте?").fresh)
    assert steps.spoken_of(later) == SCOOTERS
    assert steps.spoken_of(replace(later, fresh=turn("сколько стоит ремонт?").fresh)) == REPAIRS
