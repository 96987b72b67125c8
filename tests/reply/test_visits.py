# ruff: noqa: E501 # one case a line
"""What who wants to come hears where the company has a diary: booked, taken and what is free instead, the hours of a day."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from savdo.appointments import models
from savdo.appointments.models import Booked, Diary
from savdo.reply import compose, generate, guard, understand, visits
from savdo.reply.models import Draft, Evidence, Turn
from tests.reply.cast import NOW, PROFILE, found, turn

# Friday, 15:00, of somebody else.
FRIDAY = Booked(datetime(2026, 5, 8, 10, tzinfo=UTC), datetime(2026, 5, 8, 11, tzinfo=UTC), 1)


def told(text: str, *taken: Booked, **changes: str) -> tuple[Draft, tuple[str, ...]]:
    """The answer at 15:00 on a Wednesday, and what the guard holds against it."""
    asked = with_diary(turn(text), *taken, **changes)
    reading = replace(understand.read(asked), intent="booking")
    draft = compose.compose(asked, reading, found())
    evidence = generate.evidence_of(asked, (), visits.evidence(asked, reading))
    evidence = replace(evidence, tools=tuple(f"composed: {one}" for one in draft.grounds))
    return draft, tuple(fault.detail for fault in guard.check(draft.text, reading.language, evidence, asked.channel))


def with_diary(asked: Turn, *taken: Booked, **changes: str) -> Turn:
    rules = models.rules_of({**PROFILE, **changes})
    assert rules is not None
    return replace(asked, profile={**asked.profile, **changes}, diary=Diary(rules, NOW, taken))


@pytest.mark.parametrize(
    ("text", "said", "booked"),
    [
        ("ertaga soat 15:00 ga yozib qo'ying", "Yozib qo‘ydim: ertaga, 7-may soat 15:00.", "07 15:00"),
        ("эртага соат 15:00 га ёзиб қўйинг", "Ёзиб қўйдим: эртага, 7-май соат 15:00.", "07 15:00"),
        ("запишите на субботу на 10:00", "Записал вас: в субботу, 9 мая, в 10:00.", "09 10:00"),
        ("дүйсенбіге сағат 10:00-ге жазып қойыңыз", "Жазып қойдым: дүйсенбі, 11 мамыр сағат 10:00.", "11 10:00"),
        ("book me for monday at 10:00", "You are booked: on Monday, 11 May, at 10:00.", "11 10:00"),
        ("запишите на пятницу на 15:00", "это время занято: в пятницу, 8 мая, в 15:00. Свободно: в пятницу, 8 мая 13:00, 14:00, 16:00.", None),
        ("жұмаға 15:00-ге жазып қойыңыз", "Бос уақыттар: жұма, 8 мамыр 13:00, 14:00, 16:00.", None),
        ("bugun soat 16 ga yozib qo'ying", "bugun, 6-may soat 16:00. Bo‘sh vaqtlar: bugun, 6-may 17:00, 18:00; ertaga, 7-may 09:00.", None),
        ("book me for tomorrow at 20:00", "cannot be booked: tomorrow, 7 May, at 20:00. These times are free: tomorrow, 7 May 16:00, 17:00, 18:00.", None),
        ("запишите на завтра", "Понял, завтра, 7 мая. Свободно: 09:00, 11:00, 13:00, 15:00, 17:00.", None),
        ("ertaga tushdan keyin yozib qo'ying", "Bo‘sh vaqtlar: 13:00, 14:00, 15:00, 16:00, 17:00.", None),
        # As without a diary: a day off, too far ahead, no day.
        ("Запишите меня на воскресенье", "В воскресенье, 10 мая — у нас выходной", None),
        ("запишите на 25 мая на 15:00", "время подтвердит коллега", None),
        ("Хочу записаться на 15:00", "В какой день", None),
    ],
)  # fmt: skip
def test_that_a_free_hour_is_booked_and_others_are_offered_instead_of_what_is_not(text: str, said: str, booked: str | None) -> None:
    draft, faults = told(text, FRIDAY)
    assert said in draft.text
    assert faults == ()
    assert (draft.visit and f"{draft.visit.starts_at:%d %H:%M}") == booked
    assert draft.handover is None


def test_that_an_hour_alone_answers_which_of_the_free_ones() -> None:
    first, _ = told("запишите на пятницу на 15:00", FRIDAY)
    facts = {**first.facts, "phone": "+998901234567"}
    asked = with_diary(turn("16:00", facts=facts, history=(("bot", first.text),), language="ru"), FRIDAY)
    draft = compose.compose(asked, replace(understand.read(asked), intent="unclear"), found())
    assert draft.text == "Записал вас: в пятницу, 8 мая, в 16:00."


def test_that_where_no_time_is_free_a_colleague_is_called() -> None:
    rules = models.rules_of(PROFILE)
    assert rules is not None
    full = Booked(NOW, NOW + rules.ahead * 2, 1)
    draft, faults = told("запишите на пятницу на 15:00", full)
    assert (draft.handover, draft.visit, faults) == ("low_confidence", None, ())


@pytest.mark.parametrize(
    "text",
    [
        "отмените запись на завтра на 15:00",
        "ertaga soat 15:00 dagi yozuvni bekor qiling",
        "ертең 15:00-ге жазылуды болдырмаңыз",
        "cancel my visit tomorrow at 15:00",
    ],
)
def test_that_a_visit_that_is_called_off_is_not_booked_but_left_to_a_colleague(text: str) -> None:
    draft, faults = told(text)
    assert (draft.visit, draft.handover, faults) == (None, "keyword", ())


def test_that_a_time_is_looked_at_in_the_companys_zone() -> None:
    # 15:00 in Berlin on the eighth is 13:00 UTC: nobody has it.
    draft, _ = told("запишите на пятницу на 15:00", FRIDAY, timezone="Europe/Berlin")
    assert draft.visit is not None
    assert draft.visit.starts_at.astimezone(UTC) == datetime(2026, 5, 8, 13, tzinfo=UTC)


FREE = "free_slots: 2026-05-07 Thursday 10:00, 11:00, 15:00\n2026-05-11 Monday 10:00, 16:00"
BOOKED = "book_visit: booked 2026-05-11 Monday 16:00"


@pytest.mark.parametrize(
    ("language", "reply", "tool"),
    [
        ("uz", "Ertaga soat 10:00, 11:00 va 15:00 bo'sh. Qaysi biri qulay?", FREE),
        ("uz", "Dushanba kuni 10:00 va 16:00 vaqtlar bo'sh, qaysi birini tanlaysiz?", FREE),
        ("ru", "В понедельник, 11 мая, есть свободное время в 10:00 и 16:00.", FREE),
        ("kk", "Дүйсенбі күні 10:00 және 16:00 бос.", FREE),
        ("en", "Tomorrow 10:00, 11:00 and 15:00 are free. Which one suits you?", FREE),
        ("uz", "Sizni dushanba, 11-may soat 16:00 ga yozib qo'ydim.", BOOKED),
        ("ru", "Записал вас на понедельник, 11 мая, в 16:00. Ждём вас!", BOOKED),
        ("kk", "Сізді дүйсенбі, 11 мамыр, сағат 16:00-ге жазып қойдым.", BOOKED),
        ("en", "I have booked you for Monday at 4 pm.", BOOKED),
    ],
)
def test_that_a_model_may_tell_what_the_diary_says(language: str, reply: str, tool: str) -> None:
    assert guard.check(reply, language, Evidence((), (), PROFILE, ("Ertaga kelsam bo'ladimi?",), (tool,)), "web_chat") == ()


@pytest.mark.parametrize(
    ("language", "reply", "tool"),
    [
        ("uz", "Ertaga soat 12:00 bo'sh.", FREE),
        ("ru", "Завтра свободно в 12:00.", FREE),
        ("kk", "Ертең сағат 12:00 бос.", FREE),
        ("en", "On Sunday 10:00 is free.", FREE),
        ("uz", "Sizni ertaga soat 10:00 ga yozib qo'ydim.", FREE),
        ("en", "I have booked you for tomorrow at 10:00.", FREE),
        ("ru", "Записал вас на понедельник в 15:00.", BOOKED),
        ("en", "You are booked for Monday at 15:00.", BOOKED),
        ("ru", "Записал вас на завтра.", "send_file: prices.pdf is sent together with this reply"),
        ("ru", "Доставка бесплатная, приходите в 10:00.", FREE),
        ("ru", "Велосипед есть в наличии, приезжайте в 10:00.", FREE),
    ],
)
def test_that_what_the_diary_does_not_say_stays_an_invention(language: str, reply: str, tool: str) -> None:
    assert guard.check(reply, language, Evidence((), (), PROFILE, ("Ertaga kelsam bo'ladimi?",), (tool,)), "web_chat") != ()
