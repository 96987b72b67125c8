"""A foreign sentence word by word: what is known is said, figures keep their units, and too little is nothing."""

import dataclasses

import pytest

from savdo.reply import gloss, understand
from savdo.reply.models import Language, Reading, Script
from tests.reply.cast import turn


def reading(language: Language, script: Script = "latn") -> Reading:
    return dataclasses.replace(understand.read(turn("salom")), language=language, script=script)


@pytest.mark.parametrize(
    ("sentence", "spoken", "language", "told"),
    [
        ("Гарантия на насос 6 месяцев.", "ru", "uz", ["kafolat", "6 oy"]),
        ("Гарантия на насос 6 месяцев.", "ru", "en", ["warranty", "6 months"]),
        ("Naqd pul qabul qilmaymiz.", "uz", "ru", ["наличные", "не принимаем"]),
        ("Жеткізу тегін, 3 жұмыс күні.", "kk", "ru", ["доставка", "бесплатн", "3 рабочих дня"]),
        ("Delivery is free on Saturday.", "en", "kk", ["жеткізу", "тегін", "сенбі"]),
        ("Открыты с 09:00 до 18:30.", "ru", "en", ["09:00", "18:30"]),
    ],
)
def test_that_what_is_known_is_said_in_the_customers_language(sentence: str, spoken: str, language: Language, told: list[str]) -> None:
    said = gloss.of(sentence, spoken, reading(language)).lower()
    assert [one for one in told if one.lower() not in said] == []


def test_that_uzbek_is_written_in_the_customers_letters() -> None:
    assert "кафолат" in gloss.of("Гарантия 6 месяцев.", "ru", reading("uz", "cyrl")).lower()


def test_that_a_sentence_of_strange_words_is_not_guessed_at() -> None:
    assert gloss.of("Глокая куздра штеко будланула бокра и курдячит бокрёнка.", "ru", reading("en")) == ""


@pytest.mark.parametrize(
    ("sentence", "spoken", "language", "told"),
    [
        ("Вторник-пятница с 8:00 до 17:00, суббота с 9:00 до 13:00.", "ru", "en", "tuesday–friday 8:00–17:00, saturday 9:00–13:00"),
        ("Seshanba 8:00 dan 17:00 gacha, shanba 9:00-13:00.", "uz", "ru", "вторник 8:00–17:00, суббота 9:00-13:00"),
        ("Сейсенбі 08:00–17:00, жексенбі демалыс.", "kk", "en", "tuesday 08:00–17:00, sunday, day off"),
        ("Диван: 12 месяцев, кровать: 12 месяцев.", "ru", "uz", "divan, 12 oy, krovat, 12 oy"),
    ],
)
def test_that_a_figure_stays_with_what_it_is_about(sentence: str, spoken: str, language: Language, told: str) -> None:
    assert gloss.of(sentence, spoken, reading(language)).lower() == told
