# ruff: noqa: E501 # one case a line
"""Details of a customer as they come in a conversation: in parts, after a question, with units, in ranges."""

from typing import Any

import pytest

from savdo.reply import entities
from tests.reply.cast import turn

CASES: list[tuple[tuple[tuple[str, str], ...], tuple[str, ...], str, dict[str, Any]]] = [
    # what was said before, this turn's messages, the company's currency, what is read
    ((("bot", "Ismingiz va telefon raqamingizni yozib yuboring."), ("contact", "90 123")), ("45 67",), "UZS", {"phone": "+998901234567"}),
    ((), ("90 123", "45 67"), "UZS", {"phone": "+998901234567"}),
    ((("contact", "90"), ("contact", "123")), ("4567",), "UZS", {"phone": "+998901234567"}),
    ((("contact", "8 701"), ("contact", "111")), ("22 33",), "KZT", {"phone": "+77011112233"}),
    ((), ("998", "90 765", "43 21"), "UZS", {"phone": "+998907654321"}),
    ((), ("mening raqamim 93", "555", "44 33"), "UZS", {"phone": "+998935554433"}),
    ((("contact", "nomerim"),), ("97 777 12",), "UZS", {}),
    ((("bot", "Ismingiz va telefon raqamingizni yozib yuboring."), ("contact", "97 777 12")), ("34",), "UZS", {"phone": "+998977771234"}),
    ((("bot", "Ismingiz va telefon raqamingizni yozib yuboring."), ("contact", "tel 99 888")), ("12 34 davomi",), "UZS", {"phone": "+998998881234"}),
    ((), ("90 123 45 67", "Dilshod"), "UZS", {"phone": "+998901234567", "name": "Dilshod"}),
    ((), ("Dilshod 90-123-45-67",), "UZS", {"phone": "+998901234567", "name": "Dilshod"}),
    ((), ("+7 (707) 123-45-67 Айгерім",), "KZT", {"phone": "+77071234567", "name": "Айгерім"}),
    ((), ("8-701-234-56-78",), "KZT", {"phone": "+77012345678"}),
    ((), ("901234567 telegramda bor",), "UZS", {"phone": "+998901234567"}),
    ((), ("tel: +998901234567, ismim Jasur",), "UZS", {"phone": "+998901234567", "name": "Jasur"}),
    ((), ("to'qson bir uch yuz o'n besh",), "UZS", {}),
    ((), ("2 ta", "3 xonali"), "UZS", {"quantity": 2}),
    ((), ("50", "100"), "UZS", {}),
    ((("contact", "20 000 000"),), ("15 000 000",), "UZS", {}),
    ((("bot", "Ismingiz?"),), ("Dilshod",), "UZS", {"name": "Dilshod"}),
    ((("bot", "Ismingiz nima?"),), ("dilshod",), "UZS", {"name": "Dilshod"}),
    ((("bot", "Как вас зовут?"),), ("ольга",), "UZS", {"name": "Ольга"}),
    ((("bot", "Как вас зовут?"),), ("Ольга Петрова",), "UZS", {"name": "Ольга"}),
    ((("bot", "Атыңыз кім?"),), ("Айгүл",), "UZS", {"name": "Айгүл"}),
    ((("bot", "What is your name?"),), ("it's Anna",), "UZS", {"name": "Anna"}),
    ((("bot", "May I have your name?"),), ("Anna",), "UZS", {"name": "Anna"}),
    ((("bot", "Ismingiz nima?"),), ("men Sardor",), "UZS", {"name": "Sardor"}),
    ((("bot", "Ismingiz?"),), ("ha, Nodira",), "UZS", {"name": "Nodira"}),
    ((), ("Исмим Бобур",), "UZS", {"name": "Бобур"}),
    ((("bot", "Ismingiz?"),), ("narxi qancha?",), "UZS", {}),
    ((("bot", "Ismingiz?"),), ("kerakmas",), "UZS", {}),
    ((("bot", "Как вас зовут?"),), ("зачем вам",), "UZS", {}),
    ((("bot", "Как вас зовут?"),), ("нет",), "UZS", {}),
    ((("bot", "Напишите, пожалуйста, имя и номер телефона."),), ("позже",), "UZS", {}),
    ((("bot", "Ismingiz va telefon raqamingizni yozib yuboring."),), ("keyinroq",), "UZS", {}),
    ((("bot", "Ismingiz va telefon raqamingizni yozib yuboring."),), ("Ташкент",), "UZS", {}),
    ((), ("хорошо, меня зовут Марат, 8 705 111 22 33",), "KZT", {"name": "Марат", "phone": "+77051112233"}),
    ((), ("Гульнара апа деп жазыңыз",), "KZT", {"name": "Гульнара"}),
    ((("bot", "Ismingiz?"),), ("O'g'iloy",), "UZS", {"name": "O'g'iloy"}),
    ((), ("biz «Baraka Servis» MChJ nomidan yozyapmiz",), "UZS", {"company": "Baraka Servis"}),
    ((), ("ТОО «Жасыл Дала»",), "KZT", {"company": "Жасыл Дала"}),
    ((), ("ИП Каримов, 3 сотрудника",), "UZS", {"company": "Каримов", "quantity": 3}),
    ((), ("our company is Silk Way LLC",), "UZS", {"company": "Silk Way"}),
    ((), ("компания Orbita, нас 15 человек",), "UZS", {"company": "Orbita", "quantity": 15}),
    ((), ("компаниямыз «Нұр Құрылыс»",), "KZT", {"company": "Нұр Құрылыс"}),
    ((), ("20 dona olamiz",), "UZS", {"quantity": 20}),
    ((), ("100 штук",), "UZS", {"quantity": 100}),
    ((), ("50 kg un kerak",), "UZS", {"quantity": 50}),
    ((), ("3 quti",), "UZS", {"quantity": 3}),
    ((), ("10 коробок",), "UZS", {"quantity": 10}),
    ((), ("пять штук",), "UZS", {"quantity": 5}),
    ((), ("o'nta olaman",), "UZS", {"quantity": 10}),
    ((), ("on ta kerak",), "UZS", {"quantity": 10}),
    ((), ("beshta kerak",), "UZS", {"quantity": 5}),
    ((), ("төрт дана керек",), "KZT", {"quantity": 4}),
    ((), ("12 packs please",), "UZS", {"quantity": 12}),
    ((), ("a dozen boxes",), "UZS", {}),
    ((), ("5 mln dan 7 mln gacha",), "UZS", {"budget": {"min": 5000000, "max": 7000000, "currency": "UZS"}}),
    ((), ("от 200 до 300 тысяч",), "KZT", {"budget": {"min": 200000, "max": 300000, "currency": "KZT"}}),
    ((), ("byudjet 500-700 ming so'm",), "UZS", {"budget": {"min": 500000, "max": 700000, "currency": "UZS"}}),
    ((), ("бюджет до 1,5 млн",), "UZS", {"budget": {"min": None, "max": 1500000, "currency": "UZS"}}),
    ((), ("максимум 80к",), "KZT", {"budget": {"min": None, "max": 80000, "currency": "KZT"}}),
    ((), ("$500 гача",), "UZS", {"budget": {"min": None, "max": 500, "currency": "USD"}}),
    ((), ("between $10k and $15k, that's our budget",), "UZS", {"budget": {"min": 10000, "max": 15000, "currency": "USD"}}),
    ((), ("100-150 мыңға дейін",), "KZT", {"budget": {"min": 100000, "max": 150000, "currency": "KZT"}}),
    ((), ("бюджет около 3 миллионов",), "UZS", {"budget": {"min": 3000000, "max": 3000000, "currency": "UZS"}}),
    ((), ("2 million so'mdan oshmasin",), "UZS", {"budget": {"min": None, "max": 2000000, "currency": "UZS"}}),
    ((), ("не дороже 400 000 тенге",), "KZT", {"budget": {"min": None, "max": 400000, "currency": "KZT"}}),
    ((), ("икки миллионгача",), "UZS", {"budget": {"min": None, "max": 2000000, "currency": "UZS"}}),
    ((), ("pulim 3 mln",), "UZS", {"budget": {"min": 3000000, "max": 3000000, "currency": "UZS"}}),
    ((), ("200 mingdan 300 minggacha",), "UZS", {"budget": {"min": 200000, "max": 300000, "currency": "UZS"}}),
    ((), ("narxi 5 mln ekanmi",), "UZS", {}),
    ((), ("under 1000 dollars",), "UZS", {"budget": {"min": None, "max": 1000, "currency": "USD"}}),
    ((), ("бюджетіміз 2 млн теңге",), "KZT", {"budget": {"min": 2000000, "max": 2000000, "currency": "KZT"}}),
    ((), ("discount on phones?",), "UZS", {}),
    ((), ("он человек занятой",), "UZS", {}),
    ((), ("Sardor aka, narxi qancha",), "UZS", {}),
    ((("bot", "Ismingiz?"),), ("menejer bilan gaplashsam",), "UZS", {}),
    ((("bot", "Ismingiz?"),), ("sariq rang bormi",), "UZS", {}),
    ((("bot", "Как вас зовут?"),), ("доставка есть",), "UZS", {}),
    ((), ("120 кв метр хонадон",), "UZS", {}),
    ((), ("500$ дан ошмасин",), "UZS", {"budget": {"min": None, "max": 500, "currency": "USD"}}),
    ((), ("екі миллионға дейін",), "KZT", {"budget": {"min": None, "max": 2000000, "currency": "KZT"}}),
    ((), ("бюджет полтора миллиона",), "UZS", {"budget": {"min": 1500000, "max": 1500000, "currency": "UZS"}}),
]  # fmt: skip


@pytest.mark.parametrize(("before", "fresh", "currency", "wanted"), CASES)
def test_that_details_are_read_however_they_are_given(
    before: tuple[tuple[str, str], ...], fresh: tuple[str, ...], currency: str, wanted: dict[str, Any]
) -> None:
    found = entities.read(turn(*fresh, history=before, currency=currency), "contact_details")
    assert {key: value for key, value in found.items() if key not in ("when", "timeline")} == wanted
