"""The emulated companies of `savdo demo --world`: started as the demo starts them, connected as it connects them."""

import asyncio
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import httpx
import pytest

from savdo import demo_world
from savdo.base import circuit, db
from savdo.base.settings import settings
from tests.emulators.serving import serving
from tests.journeys.conftest import polling, working
from tests.web import office

Patch = pytest.MonkeyPatch


async def looked(world: httpx.AsyncClient, order: dict[str, str] | None = None) -> dict[str, list[tuple[str, str]]]:
    """By channel, who wrote to whom; after what is ordered."""
    answer = await (world.post("/play", json=order) if order else world.get("/play"))
    assert answer.status_code == 200, answer.text
    found: dict[str, list[tuple[str, str]]] = {}
    state: dict[str, Any] = answer.json()
    for line in state["lines"]:
        found.setdefault(line["road"], []).append((line["who"], line["customer"]))
    return found


async def until_answered(world: httpx.AsyncClient, customers: dict[str, str]) -> None:
    """Waits until each of these customers, by channel, has read an answer."""
    async with asyncio.timeout(60):
        while True:
            found = await looked(world)
            if all(("company", name) in found.get(road, ()) for road, name in customers.items()):
                return
            await asyncio.sleep(0.1)


async def test_that_every_channel_of_the_world_is_connected_answers_and_goes_on_after_a_restart(
    tenant_id: UUID, monkeypatch: Patch
) -> None:
    async with serving(office.app()) as address, working(loops=4):
        for first in (True, False):
            with demo_world.opened(address, pause_s=0) as world:
                for name, value in world.settings.items():
                    monkeypatch.setenv(name, value)
                settings.cache_clear()
                circuit.forget()
                await demo_world.connect(tenant_id, world)
                async with db.step(tenant_id) as session:
                    found = await db.rows(session, "SELECT channel, status FROM connections")
                kinds = {one["kind"] for one in world.roads}
                assert {(one["channel"], one["status"]) for one in found} == {(kind, "active") for kind in kinds}
                assert len(found) == len(kinds) == 6
                if first:
                    world.begin()
                    async with httpx.AsyncClient(base_url=world.address, trust_env=False) as player, polling():
                        await _played(player, tenant_id)
    monkeypatch.undo()
    settings.cache_clear()
    circuit.forget()


async def _played(player: httpx.AsyncClient, tenant_id: UUID) -> None:
    assert "Play a customer" in (await player.get("/")).text
    state = (await player.get("/play")).json()
    await until_answered(player, {one["kind"]: one["customers"][0] for one in state["roads"]})
    found = await looked(player, {"verb": "answer", "road": "waha", "customer": "Bobur", "text": "Salom, men Rustam"})
    assert ("phone", "Bobur") in found["waha"]
    await looked(player, {"verb": "answer", "road": "telegram_business", "customer": "Aziz", "text": "Salom, men Rustam"})
    await _until_found(tenant_id, "SELECT 1 FROM conversations c JOIN connections n ON n.id = c.connection_id"
                       " WHERE n.channel = 'telegram_business' AND c.status = 'human'", 1)  # fmt: skip
    for one in state["roads"]:
        await looked(player, {"verb": "show", "road": one["kind"], "customer": one["customers"][1]})
    await _until_found(tenant_id, "SELECT 1 FROM messages WHERE kind = 'image' AND payload ? 'attachments'", len(state["roads"]))
    broken = (await player.post("/play", json={"verb": "turn", "road": "whatsapp_cloud"})).json()
    assert [one["kind"] for one in broken["roads"] if "new token" in one["note"]] == ["whatsapp_cloud"]
    for wrong, status in (({"verb": "say", "road": "waha", "customer": "Nobody", "text": "?"}, 400), ({}, 400)):
        assert (await player.post("/play", json=wrong)).status_code == status
    assert (await player.post("/play", content=b"{}", headers={"content-type": "text/plain"})).status_code == 415


async def _until_found(tenant_id: UUID, query: LiteralString, count: int) -> None:
    async with asyncio.timeout(60):
        while True:
            async with db.step(tenant_id) as session:
                found = await db.rows(session, query)
            if len(found) == count:
                return
            await asyncio.sleep(0.1)


def test_that_an_installation_without_the_tests_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(demo_world.NoWorld, match="checkout"), demo_world.opened("http://127.0.0.1:1", checkout=tmp_path):
        raise AssertionError("there is no world to open")
