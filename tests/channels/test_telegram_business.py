"""A bot that answers for an account: who wrote, what may be sent, and what its owner allows."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from aiogram.types import Update

from savdo.base import circuit
from savdo.base.db import first, new_id, step
from savdo.channels import connections, linked
from savdo.channels.errors import ChannelError, WindowClosed
from savdo.channels.models import Button, Connection, Inbound, Media, Outbound
from savdo.channels.telegram_api import Unlinked
from savdo.channels.telegram_business import ReadOnly, SwitchedOff, TelegramBusiness
from savdo.conversations import happenings
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram
from tests.emulators.telegram_accounts import Account

PAYLOADS = Path(__file__).parents[1] / "payloads" / "telegram_business"
LINK = "bc_AbC123"
business = TelegramBusiness()


def connection_to(base: str = "http://unused", account: Mapping[str, Any] | None = None) -> Connection:
    credentials = {"token": "777:" + "A" * 35, "secret": "s3cret"}
    settings: dict[str, Any] = {"api_base": base, "accounts": {"900": account} if account else {}}
    return Connection(UUID(int=1), UUID(int=2), "telegram_business", "Shop", "hk_key", credentials, settings, "active", "777")


def kept(link: str = LINK, **more: bool) -> dict[str, Any]:
    return {"link": link, "first": LINK, "enabled": True, "may_reply": True, "may_read": True, **more}


def read(name: str, connection: Connection | None = None) -> list[Inbound]:
    return business.parse(connection or connection_to(), (PAYLOADS / f"{name}.json").read_bytes())


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
def test_that_telegrams_own_types_accept_the_payload(path: Path) -> None:
    Update.model_validate_json(path.read_bytes())


@pytest.mark.parametrize(
    ("name", "event", "text"),
    [
        ("business_message__text", "message", "Do you have size M?"),
        ("business_message__owner", "echo", "Yes, two left"),
        ("business_message__owner_photo", "echo", "here it is"),
        ("business_message__own_echo", "status", ""),
        ("business_message__other_bot", "echo", "I am another bot"),
        ("business_message__automatic", "automatic", "We are closed now"),
        ("edited_business_message__text", "edited", "Do you have size L?"),
        ("edited_business_message__owner", "edited", "Yes, three left"),
        ("callback_query__data", "message", "Tomorrow 10:00"),
        ("message__own_chat", "unknown", ""),
    ],
)
def test_that_it_is_known_who_wrote(name: str, event: str, text: str) -> None:
    [inbound] = read(name)
    assert (inbound.event, inbound.text, inbound.own) == (event, text, name == "edited_business_message__owner")
    if event != "unknown":
        # Whoever wrote, it stands in the customer's thread.
        assert (inbound.thread_id, inbound.sender.external_id) == (f"{LINK}:42", "42")


def test_that_content_is_read_as_in_a_bots_own_chat() -> None:
    [photo], [contact], [reply] = read("business_message__photo"), read("business_message__contact_own"), read("business_message__reply")
    assert (photo.media, photo.album) == ((Media("image", "AgACx", "photo.jpg", "image/jpeg", 180000),), "13579")
    assert (contact.sender.phone, reply.reply_to) == ("+998901234567", f"{LINK}:42:56")


def test_that_a_deletion_names_every_message() -> None:
    assert {(one.external_id, one.own) for one in read("deleted_business_messages")} == {
        (f"{LINK}:42:{number}", own) for number in (55, 56) for own in (False, True)
    }


def test_that_threads_keep_their_name_when_the_account_comes_with_a_new_link() -> None:
    update = json.loads((PAYLOADS / "business_message__text.json").read_text())
    update["business_message"]["business_connection_id"] = "bc_new"
    [inbound] = business.parse(connection_to(account=kept("bc_new")), json.dumps(update).encode())
    assert inbound.thread_id == f"{LINK}:42"


@pytest.fixture
def telegram() -> Telegram:
    return Telegram()


@pytest.fixture
def account(telegram: Telegram) -> Account:
    made = telegram.owner_links(900, LINK)
    telegram.customer_writes(made, 42, "Hello")
    return made


@pytest_asyncio.fixture
async def connection(telegram: Telegram) -> AsyncIterator[Connection]:
    circuit.forget()
    async with serving(telegram.app) as base:
        yield connection_to(base, kept())
    circuit.forget()


def message(text: str = "Hi", **more: Any) -> Outbound:
    return Outbound(new_id(), f"{LINK}:42", text, **more)


async def test_that_what_is_sent_names_the_account(telegram: Telegram, account: Account, connection: Connection) -> None:
    sent = await business.send(connection, message("Size **M**", buttons=(Button("y", "Yes"),), reply_to=f"{LINK}:42:7"))
    [shown] = telegram.sent
    assert sent == f"{LINK}:42:{shown.message_id}"
    assert (shown.params["business_connection_id"], shown.params["reply_parameters"]["message_id"]) == (LINK, 7)
    # No keys can be shown in an account's name.
    await business.send(connection, message("Pick", buttons=(Button("x" * 65, "Long"),)))
    assert telegram.sent[-1].text == "Pick\n• Long"


async def test_that_a_thread_is_answered_by_the_accounts_new_link(telegram: Telegram, connection: Connection) -> None:
    telegram.customer_writes(telegram.owner_links(900, "bc_new"), 42, "Hello")
    renewed = replace(connection, settings={**connection.settings, "accounts": {"900": kept("bc_new")}})
    assert (await business.send(renewed, message())).startswith(f"{LINK}:42:")
    assert telegram.sent[-1].params["business_connection_id"] == "bc_new"


async def test_that_a_message_is_marked_as_read_where_that_is_allowed(telegram: Telegram, account: Account, connection: Connection) -> None:
    [inbound] = read("business_message__text")
    await business.acknowledge(connection, inbound)
    blind = replace(connection, settings={**connection.settings, "accounts": {"900": kept(may_read=False)}})
    await business.acknowledge(blind, inbound)
    assert telegram.read == [(LINK, 42, 55)]


@pytest.mark.parametrize(("state", "error"), [({"enabled": False}, SwitchedOff), ({"may_reply": False}, ReadOnly)])
async def test_that_nothing_is_sent_against_the_owners_will(
    telegram: Telegram, connection: Connection, state: Mapping[str, bool], error: type[ChannelError]
) -> None:
    with pytest.raises(error):
        await business.send(replace(connection, settings={**connection.settings, "accounts": {"900": kept() | dict(state)}}), message())
    assert telegram.calls["sendmessage"] == 0


async def test_that_a_refusal_for_the_account_has_its_own_meaning(telegram: Telegram, account: Account, connection: Connection) -> None:
    telegram.time_passes(25 * 3600)
    with pytest.raises(WindowClosed):
        await business.send(connection, message())
    telegram.accounts.clear()
    with pytest.raises(Unlinked):
        await business.send(connection, message())


async def test_that_a_bot_without_business_mode_is_told_so(telegram: Telegram, connection: Connection) -> None:
    assert (await business.check(connection)).warnings == ()
    telegram.business_mode = False
    assert "Business Mode" in (await business.check(connection)).warnings[0]


async def test_that_what_the_owner_allows_is_shown_on_the_connection(tenant_id: UUID) -> None:
    async def told(name: str) -> str | None:
        async with step(tenant_id) as session:
            await happenings.take(session, made, read(name)[0])
            row = await first(session, "SELECT problem, settings->'accounts'->'900' AS account FROM connections WHERE id = %s", (made.id,))
        assert row is not None
        assert (row["account"]["first"], row["account"]["name"]) == (LINK, "Owner")
        return row["problem"]

    async with step(tenant_id) as session:
        made = await connections.create(session, tenant_id, "telegram_business", "@shop_bot", account=str(new_id()))
    assert await told("business_connection__made") is None
    assert await told("business_connection__read_only") == linked.READ_ONLY
    assert await told("business_connection__off") == linked.SWITCHED_OFF
    # An older notice that comes late changes nothing.
    assert await told("business_connection__made") == linked.SWITCHED_OFF
