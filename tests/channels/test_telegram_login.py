"""Connecting a personal Telegram account: every step, every wrong answer, and what is kept between them."""

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import texts
from savdo.base.db import new_id, rows, step
from savdo.base.errors import NotFound, SavdoError
from savdo.base.settings import settings
from savdo.channels import telegram_login
from savdo.channels.errors import Busy
from savdo.channels.telegram_held import AccountLost, CodeExpired, WrongCode, WrongPassword, WrongPhone
from savdo.channels.telegram_login import AccountTaken, Login, LoginOver, NoApp, NotAccepted, OtherAccount
from tests.emulators.telegram_userbot import SESSIONS, Account

BY = "alice"


@pytest_asyncio.fixture
async def account(tenant_id: UUID, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Account]:
    monkeypatch.setenv("SAVDO_TELEGRAM_APP_ID", "1")
    monkeypatch.setenv("SAVDO_TELEGRAM_CLIENT", "emulated")
    settings.cache_clear()
    yield new_account()
    monkeypatch.undo()
    settings.cache_clear()


def new_account(**more: str) -> Account:
    return Account(f"+99891{random.randrange(10**6, 10**7)}", **more)


async def begin(tenant_id: UUID, account: Account, **more: Any) -> Login:
    return await telegram_login.begin(tenant_id, BY, account.phone, accepted=True, **more)


async def logins(tenant_id: UUID) -> list[dict[str, Any]]:
    async with step(tenant_id) as session:
        return await rows(session, "SELECT * FROM userbot_logins")


async def test_that_phone_code_and_password_make_a_connection(tenant_id: UUID, account: Account) -> None:
    account.password = "tea pot"
    asked = await begin(tenant_id, account)
    assert (asked.step, asked.phone) == ("code", f"{account.phone[:4]}…{account.phone[-2:]}")
    [kept] = await logins(tenant_id)
    assert account.phone.encode() not in bytes(kept["state"])
    wanted = await telegram_login.enter_code(tenant_id, BY, asked.id, " 123-45 ")
    assert wanted.step == "password"
    assert (await telegram_login.look(tenant_id, asked.id)).step == "password"
    done = await telegram_login.enter_password(tenant_id, BY, asked.id, "tea pot")
    assert (done.step, done.connection is not None) == ("ready", True)
    assert done.connection is not None
    assert (done.connection.name, done.connection.account, done.connection.status) == ("@owner", str(account.id), "active")
    assert SESSIONS[done.connection.credentials["session"]] is account
    assert await logins(tenant_id) == []
    # No connection of the login's own is left open beside the one that is to come.
    assert account.speakers == []


async def test_that_wrong_answers_are_counted_and_the_last_one_ends_it(tenant_id: UUID, account: Account) -> None:
    account.password = "tea pot"
    asked = await begin(tenant_id, account)
    for left in (2, 1):
        with pytest.raises(WrongCode):
            await telegram_login.enter_code(tenant_id, BY, asked.id, "99999")
        assert (await telegram_login.look(tenant_id, asked.id)).tries == left
    await telegram_login.enter_code(tenant_id, BY, asked.id, "12345")
    for _ in range(3):
        with pytest.raises(WrongPassword):
            await telegram_login.enter_password(tenant_id, BY, asked.id, "coffee")
    with pytest.raises(LoginOver):
        await telegram_login.enter_password(tenant_id, BY, asked.id, "tea pot")


async def test_that_a_code_that_no_longer_counts_ends_it(tenant_id: UUID, account: Account) -> None:
    asked = await begin(tenant_id, account)
    account.code = "54321"
    with pytest.raises(CodeExpired):
        await telegram_login.enter_code(tenant_id, BY, asked.id, "12345")
    assert await logins(tenant_id) == []


async def test_that_a_wait_is_told_and_nothing_is_lost(tenant_id: UUID, account: Account) -> None:
    asked = await begin(tenant_id, account)
    account.fails("enter_code", Busy(retry_after=97))
    with pytest.raises(Busy) as caught:
        await telegram_login.enter_code(tenant_id, BY, asked.id, "12345")
    assert caught.value.retry_after == 97
    assert (await telegram_login.enter_code(tenant_id, BY, asked.id, "12345")).step == "ready"


async def test_that_nobody_is_asked_before_the_risk_is_accepted_and_only_for_a_number(tenant_id: UUID, account: Account) -> None:
    with pytest.raises(NotAccepted):
        await telegram_login.begin(tenant_id, BY, account.phone, accepted=False)
    for phone in ("abc", "901234567", "+998900000000"):
        with pytest.raises(WrongPhone):
            await telegram_login.begin(tenant_id, BY, phone, accepted=True)
    account.banned = True
    with pytest.raises(AccountLost):
        await begin(tenant_id, account)
    assert await logins(tenant_id) == []


async def test_that_a_server_without_an_app_says_so(tenant_id: UUID) -> None:
    with pytest.raises(NoApp):
        await telegram_login.begin(tenant_id, BY, "+998901234567", accepted=True)


async def test_that_an_account_belongs_to_one_company_and_one_connection(tenant_id: UUID, other_tenant_id: UUID, account: Account) -> None:
    first = await telegram_login.enter_code(tenant_id, BY, (await begin(tenant_id, account)).id, "12345")
    again = await telegram_login.enter_code(tenant_id, BY, (await begin(tenant_id, account)).id, "12345")
    assert first.connection is not None
    assert again.connection is not None
    assert first.connection.id == again.connection.id
    sessions = len(SESSIONS)
    with pytest.raises(AccountTaken):
        await telegram_login.enter_code(other_tenant_id, BY, (await begin(other_tenant_id, account)).id, "12345")
    stranger = new_account()
    with pytest.raises(OtherAccount):
        await telegram_login.enter_code(tenant_id, BY, (await begin(tenant_id, stranger, again=first.connection.id)).id, "12345")
    # What was let in for nothing is logged out again.
    assert len(SESSIONS) == sessions


async def test_that_a_login_is_seen_by_nobody_else(tenant_id: UUID, other_tenant_id: UUID, account: Account) -> None:
    asked = await begin(tenant_id, account)
    for attempt in (
        telegram_login.look(other_tenant_id, asked.id), telegram_login.enter_code(other_tenant_id, BY, asked.id, "12345"),
        telegram_login.disconnect(other_tenant_id, BY, new_id()), begin(other_tenant_id, account, again=new_id()),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await attempt


async def test_that_disconnecting_logs_out_and_forgets(tenant_id: UUID, account: Account) -> None:
    done = await telegram_login.enter_code(tenant_id, BY, (await begin(tenant_id, account)).id, "12345")
    assert done.connection is not None
    await telegram_login.disconnect(tenant_id, BY, done.connection.id)
    assert account not in SESSIONS.values()
    async with step(tenant_id) as session:
        [row] = await rows(session, "SELECT status FROM connections WHERE id = %s", (done.connection.id,))
    assert row["status"] == "off"
    await telegram_login.disconnect(tenant_id, BY, done.connection.id)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_that_the_risk_and_every_refusal_are_told_in_the_readers_language(language: str) -> None:
    assert all(texts.t(key, language) for key in telegram_login.RISK)
    refusals: tuple[type[SavdoError], ...] = (
        NotAccepted, NoApp, LoginOver, AccountTaken, OtherAccount, WrongPhone, WrongCode, CodeExpired, WrongPassword, AccountLost,
    )  # fmt: skip
    assert [one.code for one in refusals if not texts.has(f"error.{one.code}")] == []
