"""Signing in: what opens a door, what does not, and for how long."""

from uuid import UUID

import pytest

from savdo.accounts import access
from savdo.base import db
from tests.web import office


async def test_that_the_right_password_opens_and_signing_out_closes(database: str, tenant_id: UUID) -> None:
    email = await office.member(tenant_id, "Alice", "owner")
    async with office.client() as browser:
        answer = await office.sign_in(browser, email.upper())
        assert (answer.status_code, answer.headers["location"]) == (303, "/inbox")
        assert "HttpOnly" in str(answer.headers)
        kept = browser.cookies["savdo_login"]
        assert (await browser.get("/inbox")).status_code == 200
        await browser.post("/sign-out")
        assert await access.signed_in(kept) is None


@pytest.mark.parametrize(("email", "password"), [("", "wrong password"), ("nobody@office.example", ""), ("", "x" * 900)])
async def test_that_nothing_else_opens(database: str, tenant_id: UUID, email: str, password: str) -> None:
    known = await office.member(tenant_id, "Alice", "owner")
    async with office.client() as browser:
        answer = await office.sign_in(browser, email or known, password or office.PASSWORD)
        assert answer.status_code == 401
        assert "The e-mail or the password is not right." in answer.text
        assert "savdo_login" not in browser.cookies


async def test_that_guessing_is_stopped(database: str, tenant_id: UUID) -> None:
    email = await office.member(tenant_id, "Alice", "owner")
    async with office.client() as browser:
        answers = [(await office.sign_in(browser, email, "wrong password")).status_code for _ in range(11)]
        assert answers == [401] * 10 + [429]
        assert (await office.sign_in(browser, email)).status_code == 429


async def test_that_one_person_works_in_two_companies(database: str, tenant_id: UUID, other_tenant_id: UUID) -> None:
    email = await office.member(tenant_id, "Alice", "owner")
    third = await office.member(other_tenant_id, "Bob", "viewer")
    async with db.step(other_tenant_id) as session:
        await access.create_member(session, other_tenant_id, name="Alice", email=email, password=office.PASSWORD, role="agent")
    async with office.client() as browser:
        assert (await office.sign_in(browser, email)).headers["location"] == "/companies"
        await browser.post("/companies", data={"tenant": other_tenant_id.hex})
        assert browser.cookies["savdo_login"].startswith(other_tenant_id.hex)
        assert (await browser.get("/inbox")).status_code == 200
    async with office.client() as browser:
        await office.sign_in(browser, third)
        browser.headers["x-csrf-token"] = office.token(browser)
        assert (await browser.post("/companies", data={"tenant": tenant_id.hex})).status_code == 404


async def test_that_a_sign_in_leads_nowhere_else(database: str, tenant_id: UUID) -> None:
    email = await office.member(tenant_id, "Alice", "owner")
    for place in ("https://evil.example", "//evil.example", "/\\evil.example"):
        async with office.client() as browser:
            await browser.get("/sign-in")
            form = {"email": email, "password": office.PASSWORD, "csrf": office.token(browser), "next": place}
            assert (await browser.post("/sign-in", data=form)).headers["location"] == "/inbox"


@pytest.mark.parametrize("password", ["short", "1234567890", "aaaaaaaaaaaaa", "x" * 201])
async def test_that_easy_passwords_are_refused(database: str, tenant_id: UUID, password: str) -> None:
    async with db.step(tenant_id) as session:
        with pytest.raises(access.WeakPassword):
            await access.create_member(session, tenant_id, name="A", email="a@office.example", password=password, role="agent")


async def test_that_an_e_mail_is_kept_sealed_and_once_a_company(database: str, tenant_id: UUID) -> None:
    email = await office.member(tenant_id, "Alice", "owner")
    with pytest.raises(access.EmailTaken):
        await office.member(tenant_id, "Alice", "agent")
    async with db.step(tenant_id) as session:
        row = await db.first(session, "SELECT email_sealed, email_hash, password_hash FROM members")
    assert row is not None
    assert email.encode() not in row["email_sealed"] + row["email_hash"]
    assert row["password_hash"].startswith("$argon2")


async def test_that_an_api_key_names_its_company(database: str, tenant_id: UUID) -> None:
    async with db.step(tenant_id) as session:
        key = await access.new_api_key(session, tenant_id, "First")
    assert await access.by_api_key(key) == tenant_id
    for wrong in ("", "sk_", key[:-3] + "aaa", "sk_" + "a" * 64, key + "!", "ключ"):
        with pytest.raises(access.UnknownApiKey):
            await access.by_api_key(wrong)


@pytest.mark.parametrize("cookie", ["", ".", "x" * 32 + "." + "y" * 43, "0" * 32 + "." + "y" * 43, "й" * 32 + ".a"])
async def test_that_an_invented_cookie_opens_nothing(database: str, cookie: str) -> None:
    assert await access.signed_in(cookie) is None
