"""Taking a company on from its folder."""

import json
import re
from pathlib import Path
from uuid import UUID

import pytest

from savdo.accounts import access
from savdo.base import db
from savdo.base.errors import SavdoError
from savdo.channels import connections
from savdo.channels.models import Inbound, Sender
from savdo.channels.sandbox import Sandbox
from savdo.demo import COMPANY
from savdo.operations import lifecycle
from savdo.reply import turn

PROFILE = {"name": "Oq Choy", "currency": "UZS", "timezone": "Asia/Tashkent", "languages": ["uz"]}


def folder(tmp_path: Path, profile: object, campaigns: object = None) -> Path:
    (tmp_path / "profile.json").write_text(profile if isinstance(profile, str) else json.dumps(profile))
    if campaigns is not None:
        (tmp_path / "campaigns.json").write_text(json.dumps(campaigns))
    return tmp_path


EVERYBODY_ASKS = [
    ("Иш вақтингиз қандай?", "09:00"), ("Адресіңіз қайда?", "Бунёдкор"), ("Where are you located?", "Бунёдкор"), ("Manzil?", "Бунёдкор"),
    ("как к вам добраться?", "Бунёдкор"), ("Где ваш филиал в Бухаре?", "у коллеги"),
    ("Telefon raqamingiz?", "+998712007733"), ("Жеткізу қанша тұрады?", "200 000"), ("в Самарканд доставляете?", "В другие области"),
    ("Kafolat bormi?", "24"), ("кредит бересіздер ме", "6"), ("Qanday to'lash mumkin?", "50 %"), ("Сколько делается кухня?", "15"),
    ("Ustanovka bepulmi?", "250 000"), ("Сколько стоит диван?", "6 800 000"), ("Шкаф-купе нархи қанча?", "2 100 000"),
]  # fmt: skip


async def answered(tenant_id: UUID, customer: str, question: str) -> str:
    """What the bot writes to a customer's first message."""
    async with db.step(tenant_id) as session:
        connection = await connections.create(session, tenant_id, "sandbox", customer, credentials={"secret": "lifecycle"})
    taken = await turn.take(connection, [Inbound("message", customer, customer, Sender(customer), text=question)])
    await turn.answer(tenant_id=str(tenant_id), conversation_id=str(taken[0].conversation_id))
    async with db.step(tenant_id) as session:
        said = await db.rows(
            session, "SELECT text FROM messages WHERE conversation_id = %s AND direction = 'out'", (taken[0].conversation_id,)
        )
    return " ".join(row["text"] for row in said)


async def test_that_a_company_is_complete_after_onboarding_and_answers_what_everybody_asks(sandbox: Sandbox) -> None:
    made = await lifecycle.onboard(COMPANY, email="owner@chinor.example", password="a long enough password")
    assert await access.by_api_key(made.api_key) == made.tenant_id
    assert [member.tenant_id for member in await access.who_is("Owner@Chinor.example", "a long enough password")] == [made.tenant_id]
    assert (await connections.by_key(made.widget_key, "web_chat")).tenant_id == made.tenant_id
    async with db.step(made.tenant_id) as session:
        documents = await db.rows(session, "SELECT name, status FROM documents ORDER BY name")
        campaigns = await db.rows(session, "SELECT name, price FROM campaigns ORDER BY position")
    assert [row["status"] for row in documents] == ["ready"] * 4
    assert campaigns[0]["price"] == {"amount": 3400000.0, "currency": "UZS", "from": True, "per": "m"}
    for place, (question, said) in enumerate(EVERYBODY_ASKS):
        assert said in await answered(made.tenant_id, str(place), question), question


@pytest.mark.parametrize(("password", "document"), [("short", b"Tea"), ("a long enough password", b"")])
async def test_that_what_is_refused_leaves_no_company_behind(database: str, tmp_path: Path, password: str, document: bytes) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "tea.txt").write_bytes(document)
    with pytest.raises(SavdoError):
        await lifecycle.onboard(folder(tmp_path, {**PROFILE, "name": "Nobody Tea"}), password=password)
    async with db.platform_step("what was left behind") as session:
        assert await db.rows(session, "SELECT 1 FROM tenants WHERE slug LIKE 'nobody-tea%%'", ()) == []


async def test_that_two_companies_of_one_name_get_their_own_addresses(database: str, tmp_path: Path) -> None:
    business = folder(tmp_path, PROFILE)
    first, second = await lifecycle.onboard(business), await lifecycle.onboard(business)
    assert first.slug != second.slug


@pytest.mark.parametrize(
    ("profile", "campaigns", "words"),
    [
        ("{not json", None, "is not valid JSON"),
        ({"name": ""}, None, "profile.json: name"),
        ({**PROFILE, "currency": "sum"}, None, "profile.json: currency"),
        ({**PROFILE, "timezone": "Asia/Taschkent"}, None, "profile.json: timezone"),
        ({**PROFILE, "working_hours": {"mon": ["9-18"]}}, None, "profile.json: working_hours.mon"),
        ({**PROFILE, "working_hours": {"mon": ["09:00", "25:00"]}}, None, "profile.json: working_hours.mon.1: Value error, write an hour"),
        ({**PROFILE, "working_hours": {"Monday": None}}, None, "profile.json: working_hours.Monday"),
        (PROFILE, {"name": "not a list"}, "a list of campaigns"),
        (PROFILE, [{"name": "Tea", "price": {"amount": -1, "currency": "UZS"}}], "campaigns.json: 0.price.amount"),
    ],
)
def test_that_a_wrong_folder_names_the_file_and_the_field(tmp_path: Path, profile: object, campaigns: object, words: str) -> None:
    with pytest.raises(lifecycle.WrongBusiness, match=re.escape(words)):
        lifecycle.read_business(folder(tmp_path, profile, campaigns))


def test_that_what_a_profile_does_not_say_is_as_usual(tmp_path: Path) -> None:
    hours = {"mon": ["9:00", "24:00"], "sun": None}
    read = lifecycle.read_business(folder(tmp_path, {"name": "Oq Choy", "phone": "+998711234567", "working_hours": hours}))
    assert read.profile["working_hours"] == {"mon": ["09:00", "24:00"], "sun": None}
    assert read.profile["timezone"] == "Asia/Tashkent"
    assert read.profile["phone"] == "+998711234567"


def test_that_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(lifecycle.WrongBusiness, match="cannot be read"):
        lifecycle.read_business(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "slug"), [("Nurli Kvadrat", "nurli-kvadrat"), ("Oʻzbek Choy!", "ozbek-choy"), ("Ромашка", "company"), ("x" * 99, "x" * 40)]
)
def test_that_a_name_becomes_an_address(name: str, slug: str) -> None:
    assert lifecycle.slug_of(name) == slug
