# ruff: noqa: E501 # one case a line
"""Days and times as customers name them, seen from a Wednesday, 6 May 2026, 15:00 in Tashkent."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from savdo.reply import compose, dates, generate, guard, understand, visits
from tests.reply.cast import PROFILE, found, turn

NOW = datetime(2026, 5, 6, 15, tzinfo=UTC).replace(tzinfo=None)
DAY, HOUR, MINUTE, PART, WEEK, MONTH = "day", "hour", "minute", "part", "week", "month"

NAMED = [
    # Uzbek
    ("ertaga 5 da", "05-07T17:00", HOUR), ("ertaga soat 5 da borsam bo'ladimi", "05-07T17:00", HOUR), ("ertaga 5da", "05-07T17:00", HOUR),
    ("ertaga soat 10 ga yozib qo'ying", "05-07T10:00", HOUR), ("ertaga soat beshda", "05-07T17:00", HOUR), ("ertaga beshda kelaman", "05-07T17:00", HOUR),
    ("ertaga besh yarimda", "05-07T17:30", MINUTE), ("soat 5 yarimda ertaga", "05-07T17:30", MINUTE), ("ertaga soat on birda", "05-07T11:00", HOUR),
    ("indinga", "05-08T00:00", DAY), ("indinga boraman, ertalab", "05-08T06:00", PART), ("juma kuni tushdan keyin", "05-08T13:00", PART),
    ("jumada kechqurun", "05-08T18:00", PART), ("shanba kuni soat 11 da", "05-09T11:00", HOUR), ("dushanba kuni ertalab soat 9 da", "05-11T09:00", HOUR),
    ("keyingi dushanba 14:30 da", "05-11T14:30", MINUTE), ("kelasi juma kuni", "05-15T00:00", DAY), ("bugun kechki 7 da", "05-06T19:00", HOUR),
    ("bugun soat 18:00 ga yetib boraman", "05-06T18:00", HOUR), ("15-may kuni kelamiz", "05-15T00:00", DAY), ("15 mayda soat 14.30 da", "05-15T14:30", MINUTE),
    ("20-mayga yozing", "05-20T00:00", DAY), ("keyingi hafta kelaman", "05-11T00:00", WEEK), ("kelasi xafta dam olish kunlari", "05-16T00:00", WEEK),
    ("bir haftadan keyin boraman", "05-13T00:00", DAY), ("3 kundan keyin kelsam bo'ladimi", "05-09T00:00", DAY), ("2 soatdan keyin boraman", "05-06T17:00", HOUR),
    ("yarim soatdan keyin kelaman", "05-06T15:30", MINUTE), ("keyingi oy", "06-01T00:00", MONTH), ("ertaga soat 2 dan 4 gacha bo'shman", "05-07T14:00", HOUR),
    ("ertaga soat 3 dan keyin", "05-07T15:00", PART), ("ertaga peshinda", "05-07T12:00", PART), ("ertaga tushgacha kelsam", "05-07T09:00", PART),
    ("erta bilan kelaman juma kuni", "05-08T06:00", PART), ("payshanba 16:45", "05-07T16:45", MINUTE), ("seshanbaga yozib qo'ying", "05-12T00:00", DAY),
    ("shu juma soat to'rtda", "05-08T16:00", HOUR), ("chorshanba kuni soat o'n ikkida", "05-06T12:00", HOUR), ("yakshanba kuni boraman", "05-10T00:00", DAY),
    ("Ertaga soat 9 larda", "05-07T09:00", HOUR), ("ertaga 09:00", "05-07T09:00", HOUR), ("erta soat 6 da", "05-07T18:00", HOUR),
    ("ertaga kunduzi 1 da", "05-07T13:00", HOUR), ("ertaga kechqurun soat 8 da", "05-07T20:00", HOUR), ("15.05 kuni soat 10:00", "05-15T10:00", HOUR),
    # Uzbek in Cyrillic
    ("эртага соат 5 да", "05-07T17:00", HOUR), ("эртага бешда", "05-07T17:00", HOUR), ("индинга тушдан кейин", "05-08T13:00", PART),
    ("жума куни эрталаб", "05-08T06:00", PART), ("шанба куни 11:30 да", "05-09T11:30", MINUTE), ("кейинги ҳафта", "05-11T00:00", WEEK),
    ("бугун кечқурун", "05-06T18:00", PART), ("15 майда соат 3 да", "05-15T15:00", HOUR), ("икки ҳафтадан кейин", "05-20T00:00", DAY),
    ("душанба куни соат тўққизда", "05-11T09:00", HOUR), ("эртага соат олти яримда", "05-07T18:30", MINUTE), ("келаси ой", "06-01T00:00", MONTH),
    ("соат 2 дан 3 гача эртага", "05-07T14:00", HOUR), ("пайшанба куни тушгача", "05-07T09:00", PART), ("эртага кечки 6 да бораман", "05-07T18:00", HOUR),
    # Russian
    ("завтра в 5", "05-07T17:00", HOUR), ("завтра в пять вечера", "05-07T17:00", HOUR), ("завтра к 10", "05-07T10:00", HOUR),
    ("послезавтра в 12:00", "05-08T12:00", HOUR), ("в пятницу после обеда", "05-08T13:00", PART), ("в пятницу в 3 часа дня", "05-08T15:00", HOUR),
    ("через неделю", "05-13T00:00", DAY), ("через 2 недели", "05-20T00:00", DAY), ("через три дня утром", "05-09T06:00", PART),
    ("через месяц", "06-06T00:00", MONTH), ("через час подъеду", "05-06T16:00", MINUTE), ("через 2 часа", "05-06T17:00", HOUR),
    ("через полчаса буду", "05-06T15:30", MINUTE), ("15 мая в 14:30", "05-15T14:30", MINUTE), ("15.05", "05-15T00:00", DAY),
    ("15.05.2026 в 11", "05-15T11:00", HOUR), ("20-го числа", "05-20T00:00", DAY), ("20 числа в 15:00", "05-20T15:00", HOUR),
    ("в полшестого завтра", "05-07T17:30", MINUTE), ("завтра в половине шестого", "05-07T17:30", MINUTE), ("завтра в пол 6", "05-07T17:30", MINUTE),
    ("завтра без пятнадцати шесть", "05-07T17:45", MINUTE), ("сегодня вечером", "05-06T18:00", PART), ("сегодня в 19:00", "05-06T19:00", HOUR),
    ("в следующий понедельник в 9 утра", "05-11T09:00", HOUR), ("в следующую пятницу", "05-15T00:00", DAY), ("на следующей неделе", "05-11T00:00", WEEK),
    ("в выходные", "05-09T00:00", WEEK), ("в субботу до обеда", "05-09T09:00", PART), ("в среду в час", "05-06T13:00", HOUR),
    ("завтра с 2 до 4", "05-07T14:00", HOUR), ("завтра после 5", "05-07T17:00", PART), ("запишите на завтра на 11", "05-07T11:00", HOUR),
    ("можно в чт в 16-00?", "05-07T16:00", HOUR), ("первого июня в 10:00, то есть 1 июня", "06-01T10:00", HOUR), ("3 января", "2027-01-03T00:00", DAY),
    ("завтра часов в 6", "05-07T18:00", HOUR), ("завтра 15:00-16:00", "05-07T15:00", HOUR), ("в мае", "05-01T00:00", MONTH),
    ("в следующем месяце", "06-01T00:00", MONTH), ("завтра днём", "05-07T12:00", PART), ("в воскресенье в 11", "05-10T11:00", HOUR),
    ("zavtra posle obeda", "05-07T13:00", PART), ("v pyatnicu v 3", "05-08T15:00", HOUR), ("poslezavtra utrom", "05-08T06:00", PART),
    # Kazakh
    ("ертең таңертең", "05-07T06:00", PART), ("ертең сағат 5-те", "05-07T17:00", HOUR), ("ертең бесте", "05-07T17:00", HOUR),
    ("келесі сенбі", "05-16T00:00", DAY), ("бүгін кешке 7-де", "05-06T19:00", HOUR), ("бүгін кешке", "05-06T18:00", PART),
    ("бүрсігүні түстен кейін", "05-08T13:00", PART), ("жұма күні сағат 3-те", "05-08T15:00", HOUR), ("сенбіде сағат 11-де", "05-09T11:00", HOUR),
    ("дүйсенбі күні таңертең 9-да", "05-11T09:00", HOUR), ("бір аптадан кейін", "05-13T00:00", DAY), ("2 күннен кейін барамын", "05-08T00:00", DAY),
    ("келесі аптада", "05-11T00:00", WEEK), ("15 мамырда сағат 14:30-да", "05-15T14:30", MINUTE), ("сағат бес жарымда ертең", "05-07T17:30", MINUTE),
    ("ертең түске дейін", "05-07T09:00", PART), ("сағат 2-ден 4-ке дейін ертең", "05-07T14:00", HOUR), ("келесі айда", "06-01T00:00", MONTH),
    ("екі сағаттан кейін", "05-06T17:00", HOUR), ("жексенбіде", "05-10T00:00", DAY), ("ертен сагат 6 да", "05-07T18:00", HOUR),
    ("бейсенбі күні сағат онда", "05-07T10:00", HOUR), ("сәрсенбіде кешкі 6-да", "05-06T18:00", HOUR), ("ертең сағат 3-тен кейін", "05-07T15:00", PART),
    ("ерте́ң".replace("\u0301", "") + " 10-ға жазыңыз", "05-07T10:00", HOUR),
    # English
    ("tomorrow morning", "05-07T06:00", PART), ("tomorrow at 5", "05-07T17:00", HOUR), ("tomorrow at 5:30", "05-07T17:30", MINUTE),
    ("next Monday at 3pm", "05-11T15:00", HOUR), ("next Friday", "05-15T00:00", DAY), ("on Friday afternoon", "05-08T13:00", PART),
    ("in 2 weeks", "05-20T00:00", DAY), ("in a week", "05-13T00:00", DAY), ("in two hours", "05-06T17:00", HOUR), ("in half an hour", "05-06T15:30", MINUTE),
    ("half past five tomorrow", "05-07T17:30", MINUTE), ("tomorrow, half past 10", "05-07T10:30", MINUTE), ("quarter to six tomorrow", "05-07T17:45", MINUTE),
    ("quarter past 4 on Thursday", "05-07T16:15", MINUTE), ("May 15 at 14:30", "05-15T14:30", MINUTE), ("15th of May, 10am", "05-15T10:00", HOUR),
    ("on the 20th", "05-20T00:00", DAY), ("the day after tomorrow at noon", "05-08T12:00", PART), ("this evening", "05-06T18:00", PART),
    ("tonight at 8", "05-06T20:00", HOUR), ("next week", "05-11T00:00", WEEK), ("this weekend", "05-09T00:00", WEEK), ("next month", "06-01T00:00", MONTH),
    ("Saturday 11 am", "05-09T11:00", HOUR), ("from 2 to 4pm tomorrow", "05-07T14:00", HOUR), ("tomorrow after 5", "05-07T17:00", PART),
    ("tmr 9 am", "05-07T09:00", HOUR), ("at 12 tomorrow", "05-07T12:00", HOUR), ("tomorrow 4 o'clock", "05-07T16:00", HOUR), ("2027-yil 3-yanvar, ya'ni 03.01.2027", "2027-01-03T00:00", DAY),
    ("ertaga 14 00 da", "05-07T14:00", HOUR), ("15-20 мая", "05-15T00:00", DAY), ("эртага кеч соат саккизларда", "05-07T20:00", HOUR),
    ("Fri 3pm", "05-08T15:00", HOUR), ("недели через две", "05-20T00:00", DAY), ("ertaga soat 6 gacha", "05-07T00:00", DAY),
    # Mixed: Russian words inside Uzbek and Kazakh
    ("ertaga posle obeda boraman", "05-07T13:00", PART), ("zavtra soat 5 da kelaman", "05-07T17:00", HOUR), ("пятницаға сағат 4-ке жазыңыз", "05-08T16:00", HOUR),
    ("понедельник куни эрталаб 10 да", "05-11T10:00", HOUR), ("ertaga utrom 9 da", "05-07T09:00", HOUR), ("завтра сағат 11-де", "05-07T11:00", HOUR),
]  # fmt: skip
NOTHING = [
    "24/7 ishlaysizlarmi", "5 ta kerak", "5 та олсак", "narxi 5 mln", "5 миллион сўм", "90 123 45 67", "+998 90 123 45 67", "8 701 222 33 44",
    "qizim 5 yosh", "мне 35 лет", "5 жасар балаға", "до 5 мая", "5-maygacha", "5 мамырға дейін", "by Friday", "до пятницы", "jumagacha tayyor bo'ladimi",
    "в 2 раза дороже", "в 3 комнаты", "на 2 недели", "2 oyga kerak", "10%", "скидка 15%", "24 soat", "24 ay muddatga", "3 xonali", "5-qavat", "2 этаж",
    "iPhone 15", "размер 42", "дом 5", "1.5 mln", "1.05 млн сум", "12 oyga bo'lib to'lash", "на 6 месяцев", "для 10 человек", "5 kg", "в 10 км", "10-15 kun",
    "каждую пятницу вы открыты?", "har juma", "every Friday", "на 3 часа аренда", "sotib olaman", "да", "ok", "Dilshod", "у меня 2 ребёнка", "$15k",
    "бюджет 300-400 млн", "я уже был вчера в 5", "кеча соат 5 да келдим", "кеше сағат 5-те болдым", "I was there yesterday at 5", "пн-пт", "летом",
    "за 2 дня сделаете?", "3 kun ichida", "спасибо, хорошего дня", "good morning to you all by 2 items",
]  # fmt: skip


@pytest.mark.parametrize(("text", "begins", "precision"), NAMED)
def test_that_a_day_and_a_time_are_resolved(text: str, begins: str, precision: str) -> None:
    found = dates.read(text, NOW, PROFILE["working_hours"])  # pyright: ignore[reportArgumentType] # a mapping by day
    assert found is not None
    assert (found["from"], found["precision"]) == (begins if begins.startswith("2027") else f"2026-{begins}", precision)
    assert found["to"] > found["from"]


@pytest.mark.parametrize("text", NOTHING)
def test_that_prices_counts_ages_and_deadlines_are_no_appointment(text: str) -> None:
    assert dates.read(text, NOW, PROFILE["working_hours"]) is None  # pyright: ignore[reportArgumentType] # a mapping by day


@pytest.mark.parametrize(
    ("first", "then", "begins", "precision"),
    [
        ("ertaga", "soat 5 da", "05-07T17:00", HOUR), ("в пятницу после обеда", "в 4", "05-08T16:00", HOUR), ("ертең", "11-де", "05-07T11:00", HOUR),
        ("on Friday", "3", "05-08T15:00", HOUR), ("soat 5 da", "ertaga", "05-07T17:00", HOUR), ("в субботу", "нет, лучше в понедельник", "05-11T00:00", DAY),
        ("шанба куни", "16:30 да", "05-09T16:30", MINUTE), ("завтра", "10.30", "05-07T10:30", MINUTE), ("на следующей неделе", "в четверг в 11", "05-07T11:00", HOUR),
    ],
)  # fmt: skip
def test_that_a_day_and_an_hour_of_two_messages_are_put_together(first: str, then: str, begins: str, precision: str) -> None:
    hours = PROFILE["working_hours"]
    before = dates.read(first, NOW, hours)  # pyright: ignore[reportArgumentType] # a mapping by day
    found = dates.read(then, NOW, hours, before)  # pyright: ignore[reportArgumentType] # a mapping by day
    assert found is not None
    assert (found["from"], found["precision"], found.get("day_said")) == (f"2026-{begins}", precision, None)


def test_that_an_hour_without_a_day_says_so_and_is_one_of_the_working_hours() -> None:
    found = dates.read("5 da borsam maylimi", NOW, PROFILE["working_hours"])  # pyright: ignore[reportArgumentType] # a mapping by day
    assert found == {"from": "2026-05-06T17:00", "to": "2026-05-06T18:00", "precision": "hour", "day_said": False}
    early = dates.read("ertaga 5 da", NOW, {"thu": ["04:00", "12:00"]})
    assert early is not None
    assert early["from"] == "2026-05-07T05:00"


def test_that_the_day_is_the_company_s_own() -> None:
    late = replace(turn("bugun kechqurun"), now=datetime(2026, 5, 6, 20, tzinfo=UTC))
    found = dates.of_turn(late, late.text)
    assert found is not None
    # It is past midnight in Tashkent.
    assert found["from"] == "2026-05-07T18:00"


SAID_BACK = [
    ("Ertaga soat 5 da borsam bo'ladimi, yozib qo'ying", "uz", "ertaga, 7-may soat 17:00", "Ism"),
    ("Эртага соат 5 да ёзиб қўйинг, бораман", "uz", "эртага, 7-май соат 17:00", "Исм"),
    ("Запишите меня на пятницу после обеда", "ru", "в пятницу, 8 мая, после обеда", "?"),
    ("Ертең таңертең сағат 10-ға жазып қойыңыз", "kk", "ертең, 7 мамыр сағат 10:00", "нөмір"),
    ("Can I book a visit for next Monday at 3pm", "en", "on Monday, 11 May, at 15:00", "name"),
    ("Запишите меня на воскресенье", "ru", "В воскресенье, 10 мая", "выходной"),
    ("Хочу записаться на 15:00", "ru", "в 15:00", "день"),
    ("Keyingi hafta borsam bo'ladimi, yozib qo'ying", "uz", "11-may – 17-may", "kun"),
]


@pytest.mark.parametrize(("text", "language", "said", "asks"), SAID_BACK)
async def test_that_a_booking_says_the_time_back_asks_what_is_missing_and_passes_the_guard(
    text: str, language: str, said: str, asks: str
) -> None:
    asked = turn(text)
    reading = replace(understand.read(asked), intent="booking")
    assert reading.language == language
    draft = compose.compose(asked, reading, found())
    assert said in draft.text
    assert asks in draft.text
    assert draft.text.count("?") <= 1
    assert guard.check(draft.text, language, generate.evidence_of(asked, (), visits.evidence(asked, reading))) == ()


def test_that_the_hour_given_when_it_was_asked_ends_the_booking() -> None:
    when = {"from": "2026-05-07T00:00", "to": "2026-05-08T00:00", "precision": "day"}
    asked = turn(
        "soat 5 da", facts={"when": when, "signals": {"booking": True}, "phone": "+998901234567"}, history=(("bot", "Soat nechada?"),)
    )
    draft = compose.compose(asked, understand.read(asked), found())
    assert "ertaga, 7-may soat 17:00" in draft.text
    assert "?" not in draft.text
