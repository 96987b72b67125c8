"""What a company wrote for its sellers, as a customer may hear it."""

import pytest

from savdo.reply import answers, directions, understand
from tests.reply.cast import found, passage, turn


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("Zamer bepulligini ayting.", "Zamer bepul."),
        ("Boʻlib toʻlash mumkinligini eslating!", "Boʻlib toʻlash mumkin."),
        ("Mijozga arzonroq rangni taklif qiling, farqi 200 000 soʻm.", "Mijozga arzonroq rangni taklif qilamiz, farqi 200 000 soʻm."),
        ("Шошилмаслик кераклигини тушунтиринг.", "Шошилмаслик керак."),
        ("Напомните, что замер бесплатный.", "Замер бесплатный."),
        ("Скажите честно: срок 30 дней.", "Срок 30 дней."),
        ("Предложите клиенту рассрочку на 6 месяцев.", "Предлагаем рассрочку на 6 месяцев."),
        ("Өлшеу тегін екенін айтыңыз.", "Өлшеу тегін."),
        ("Бөліп төлеу барын ескертіңіз.", "Бөліп төлеу бар."),
        ("Tell them that delivery is free.", "Delivery is free."),
        ("Offer the customer a free trial week.", "We offer a free trial week."),
        ("Не давите. Рассрочка есть на 6 месяцев.", "Рассрочка есть на 6 месяцев."),
        ("Shoshirmang.", ""),
        ("Do not argue.", ""),
    ],
)
def test_that_what_is_to_be_said_is_said_and_how_to_behave_is_left_out(written: str, told: str) -> None:
    assert directions.told(written) == told


@pytest.mark.parametrize(
    "text",
    [
        "Telefoningizni qoldiring, narxini aytamiz.", "Оставьте номер, и мы перезвоним.", "Скажите, что важнее, и посчитаем.",
        "Күнін таңдаңыз.", "Choose a day and tell us your address.", "Offer valid until 31 May.", "Не обещаем восстановить данные.",
    ],
)  # fmt: skip
def test_that_words_to_the_customer_stay(text: str) -> None:
    assert directions.told(text) == text


def test_that_a_passage_for_sellers_alone_answers_nothing() -> None:
    asked = turn("почему так дорого?")
    assert answers.find(asked, understand.read(asked), "почему так дорого?", found(passage("Не спорьте. Не давите."))) is None
