"""A linked number's session is looked after: what its server says becomes the connection's state, and the owner's words."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import circuit
from savdo.base.db import rows, step
from savdo.base.settings import settings
from savdo.channels import waha_api, waha_connecting, waha_health
from savdo.channels.models import Connection
from tests.emulators.serving import serving
from tests.emulators.waha import Waha

PUBLIC = "https://savdo.example"
LINKED = waha_api.NotWorking().message


@pytest_asyncio.fixture
async def server(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Waha, str]]:
    circuit.forget()
    made = Waha(paired=False)
    async with serving(made) as address:
        monkeypatch.setenv("SAVDO_PUBLIC_URL", PUBLIC)
        settings.cache_clear()
        yield made, address
    monkeypatch.undo()
    settings.cache_clear()
    circuit.forget()


@pytest_asyncio.fixture
async def number(server: tuple[Waha, str], tenant_id: UUID) -> Connection:
    made = await waha_connecting.connect(tenant_id, "alice", server[1], "", server[0].key)
    await waha_connecting.code(tenant_id, made.id)
    return made


async def watched(number: Connection) -> tuple[Any, Any]:
    """The connection's status and problem after a look."""
    await waha_health.watch(tenant_id=str(number.tenant_id), connection_id=str(number.id))
    async with step(number.tenant_id) as session:
        [row] = await rows(session, "SELECT status, problem FROM connections WHERE id = %s", (number.id,))
    return row["status"], row["problem"]


async def test_that_a_number_is_lost_with_its_phone_and_works_again_by_itself(number: Connection, server: tuple[Waha, str]) -> None:
    waha = server[0]
    assert await watched(number) == ("active", None)
    waha.status = "SCAN_QR_CODE"
    assert await watched(number) == ("reconnect", LINKED)
    # Somebody scanned it in WAHA's own dashboard.
    waha.status = "WORKING"
    assert await watched(number) == ("active", None)
    # A session that fell over is started, and asks for its phone only then.
    waha.status = "FAILED"
    assert await watched(number) == ("active", waha_api.STANDS)
    assert await watched(number) == ("reconnect", LINKED)
    waha.status, waha.revoked = "WORKING", True
    assert await watched(number) == ("reconnect", waha_api.WRONG_KEY)


async def test_that_deliveries_that_are_gone_are_asked_for_again(number: Connection, server: tuple[Waha, str]) -> None:
    waha = server[0]
    waha.config = {"webhooks": [{"url": "https://elsewhere.example"}]}
    assert await watched(number) == ("active", None)
    assert waha.config["webhooks"][0]["url"] == f"{PUBLIC}/hooks/waha/{number.key}"


async def test_that_a_server_that_is_away_is_told_of_and_one_let_go_is_left_alone(number: Connection, server: tuple[Waha, str]) -> None:
    async with step(number.tenant_id) as session:
        await session.execute('UPDATE connections SET settings = settings || \'{"api_base": "http://127.0.0.1:9"}\'')
    assert await watched(number) == ("active", waha_api.AWAY)
    await waha_connecting.disconnect(number.tenant_id, "alice", number.id)
    assert await watched(number) == ("off", None)
