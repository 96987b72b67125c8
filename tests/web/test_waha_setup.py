"""Linking a WhatsApp number on the set-up page, against an emulated WAHA server."""

import base64
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from savdo.base import circuit, db
from savdo.base.settings import settings
from tests.emulators.serving import serving
from tests.emulators.waha import PNG, Waha
from tests.web import office

PICTURE = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


@pytest_asyncio.fixture
async def server(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Waha, str]]:
    circuit.forget()
    made = Waha(exists=False, paired=False)
    async with serving(made) as address:
        monkeypatch.setenv("SAVDO_PUBLIC_URL", "http://savdo.test")
        settings.cache_clear()
        yield made, address
    monkeypatch.undo()
    settings.cache_clear()
    circuit.forget()


@pytest_asyncio.fixture
async def alice(server: object, tenant_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner"))
        yield browser


async def connects(alice: httpx.AsyncClient, address: str, key: str, **more: str) -> httpx.Response:
    return await alice.post("/setup/waha", data={"server": address, "session": "shop", "key": key, "accepted": "true", **more})


async def numbers(tenant_id: UUID) -> list[tuple[str, str | None]]:
    async with db.step(tenant_id) as session:
        found = await db.rows(session, "SELECT status, account FROM connections WHERE channel = 'waha' ORDER BY id")
    return [(one["status"], one["account"]) for one in found]


WRONG = [
    ({"server": "waha.example"}, "This is not the address of a server"), ({"key": "another"}, "The server does not accept this key"),
    ({"accepted": ""}, "Read what may happen to the number"), ({"server": "http://10.0.0.9:3000"}, "This address is in a private network"),
    ({"session": "my shop"}, "Check the address and the name of the session"),
]  # fmt: skip


async def test_that_what_is_wrong_is_said_and_nothing_is_kept(alice: httpx.AsyncClient, server: tuple[Waha, str], tenant_id: UUID) -> None:
    for typed, words in WRONG:
        refused = await connects(alice, **{"address": server[1], "key": server[0].key, **typed})
        assert (refused.status_code, words in refused.text) == (422, True), words
        # What was typed is not lost; a secret is typed again.
        assert f'value="{typed.get("session", "shop")}"' in refused.text
        assert server[0].key not in refused.text
    assert await numbers(tenant_id) == []


async def test_that_a_number_is_linked_in_the_page_mended_and_let_go(
    alice: httpx.AsyncClient, server: tuple[Waha, str], tenant_id: UUID
) -> None:
    waha, address = server[0], server[1]
    waha.session = "shop"
    form = (await alice.get("/setup/connect/waha")).text
    assert "may bar the number" in form
    scan = (await connects(alice, address, waha.key)).headers["location"]
    page = (await alice.get(scan)).text
    assert (PICTURE in page, "Link a device" in page) == (True, True)
    part = await alice.get(scan, headers={"hx-request": "true"})
    assert (PICTURE in part.text, "<html" in part.text) == (True, False)
    assert "This is not a phone number" in (await alice.post(scan, data={"phone": "12"})).text
    assert "ABCD-EFGH" in (await alice.post(scan, data={"phone": "+1 555 000 11 11"})).text
    # The server is away for a moment: that is said, and the page goes on asking.
    waha.revoked = True
    assert "The server does not accept this key" in (await alice.get(scan, headers={"hx-request": "true"})).text
    waha.revoked, waha.status = False, "PASSKEY_REQUIRED"
    assert "asks for a passkey" in (await alice.get(scan)).text
    waha.status = "WORKING"
    done = await alice.get(scan, headers={"hx-request": "true"})
    own = done.headers["hx-redirect"]
    assert await numbers(tenant_id) == [("active", "15550001111")]
    assert "https://wa.me/15550001111" in (await alice.get(own)).text
    assert "may bar the number" in (await alice.get(own.partition("?")[0] + "/check")).text
    waha.status = "SCAN_QR_CODE"
    assert "The phone is not linked" in (await alice.get(own.partition("?")[0] + "/check")).text
    # The operator of the server gave it another key.
    waha.key = "another-key"
    again = scan.rpartition("/")[2]
    assert f'value="{address}"' in (await alice.get(f"/setup/connect/waha?again={again}")).text
    assert (await connects(alice, address, waha.key, again=again)).headers["location"] == scan
    assert await numbers(tenant_id) == [("reconnect", "15550001111")]
    assert (await alice.post(f"/setup/channels/{again}/disconnect")).status_code == 303
    assert (waha.config["webhooks"], await numbers(tenant_id)) == ([], [("off", "15550001111")])
    # The same number comes back with its conversations.
    assert (await connects(alice, address, waha.key)).headers["location"] == scan


async def test_that_a_refused_change_leaves_a_working_number_as_it_was(
    alice: httpx.AsyncClient, server: tuple[Waha, str], tenant_id: UUID
) -> None:
    waha, address = server[0], server[1]
    waha.session, waha.status, waha.exists = "shop", "WORKING", True
    await alice.get((await connects(alice, address, waha.key)).headers["location"])
    assert (await connects(alice, address, "wrong")).status_code == 422
    assert await numbers(tenant_id) == [("active", "15550001111")]
