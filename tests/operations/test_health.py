"""What the doctor says of those who do something for us."""

from collections.abc import AsyncGenerator
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import db
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.operations import health
from tests.emulators.clamd import Clamd
from tests.emulators.searxng import Searxng
from tests.emulators.serving import serving

NOWHERE = "http://127.0.0.1:9"


@pytest_asyncio.fixture
async def search() -> AsyncGenerator[tuple[Searxng, str]]:
    server = Searxng([])
    async with serving(server) as address:
        yield server, address


async def examined(patch: pytest.MonkeyPatch, **values: str) -> dict[str, tuple[str, str]]:
    for name, value in values.items():
        patch.setenv(name, value)
    settings.cache_clear()
    try:
        return {one.what: (one.state, one.details) for one in await health.services(settings())}
    finally:
        patch.undo()
        settings.cache_clear()


async def test_that_the_doctor_asks_everybody_who_does_something_for_us(
    database: str, monkeypatch: pytest.MonkeyPatch, search: tuple[Searxng, str]
) -> None:
    server, address = search
    scanner = Clamd()
    async with scanner.serving() as clamd:
        set_up = {
            "SAVDO_SPEECH_URL": address,
            "SAVDO_SPEECH_KEY": "sk-very-secret",
            "SAVDO_VOICE_URL": NOWHERE,
            "SAVDO_SEARCH_URL": address,
        }
        found = await examined(monkeypatch, SAVDO_CLAMD_URL=clamd, **set_up)
        assert {what: state for what, (state, _) in found.items()} == {
            "speech": "ok", "voice": "broken", "virus scanner": "ok", "web search": "ok",
        }  # fmt: skip
        assert "secret" not in str(found)
        # As such a server is installed: its operator has to allow the format first.
        server.json, scanner.answers = False, "ERROR"
        found = await examined(monkeypatch, SAVDO_CLAMD_URL=clamd, SAVDO_SEARCH_URL=address)
    assert (found["web search"][0], found["virus scanner"][0], found["voice"][0]) == ("broken", "broken", "off")
    assert "403" in found["web search"][1]


async def test_that_the_doctor_looks_whom_connected_channels_reach(tenant_id: UUID, search: tuple[Searxng, str]) -> None:
    # No answer of Telegram's, but somebody is there.
    reached = settings().model_copy(update={"telegram_api_base": search[1], "meta_url": NOWHERE})
    assert await health.channels(reached) == []
    async with db.step(tenant_id) as session:
        for channel in ("telegram_bot", "messenger", "instagram"):
            await connections.create(session, tenant_id, channel, channel)
    assert [(one.what, one.state) for one in await health.channels(reached)] == [("Meta", "broken"), ("Telegram", "ok")]
