"""The next step of a campaign: one question, none that was asked or answered."""

from dataclasses import replace

import pytest

from savdo.knowledge.models import Passage
from savdo.reply import steps, understand
from savdo.reply.models import Campaign
from tests.reply.cast import BIKES, ROW, turn


def _asking(*questions: str) -> tuple[Campaign, ...]:
    return (replace(BIKES, chat_flow={"qualification_questions": list(questions), "closing": ""}),)


@pytest.mark.parametrize(
    ("question", "said", "told", "is_asked"),
    [
        ("Сколько у вас сотрудников?", "нас 12 сотрудников, нужен договор", (), False),
        ("Сколько у вас сотрудников?", "нам на 12 дней нужен договор", (), True),
        ("Xonadon maydoni necha kvadrat metr?", "54 kv kvartira uchun narxi qancha", (), False),
        ("Xonadon maydoni necha kvadrat metr?", "kvartira uchun narxi qancha", (), True),
        ("Бала неше жаста?", "7 жастағы бала үшін бағасы қанша", (), False),
        ("How many rooms do you have?", "what does it cost for 3 rooms?", (), False),
        ("Какая модель вам нравится?", "сколько стоит Sayr 27", (ROW,), False),
        ("Какая модель вам нравится?", "сколько стоит горный", (ROW,), True),
    ],
)
def test_that_nothing_is_asked_that_the_customer_said(question: str, said: str, told: tuple[Passage, ...], is_asked: bool) -> None:
    asked = turn(said, campaigns=_asking(question))
    assert steps.following(asked, understand.read(asked), told) == (question if is_asked else "")


def test_that_a_question_is_asked_once_and_the_next_one_follows() -> None:
    asked = turn("сколько стоит?", history=(("bot", "Какой рост?"),), campaigns=_asking("Какой рост?", "Для города или для гор?"))
    assert steps.following(asked, understand.read(asked)) == "Для города или для гор?"
