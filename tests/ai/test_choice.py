"""A tenant's own models and keys, and what one tenant's trouble means for the others: nothing."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from savdo.ai import chain, choice
from savdo.ai.choice import Choice
from savdo.base import clock, db
from savdo.base.errors import Invalid
from savdo.base.settings import settings
from savdo.operations import tenant_models
from tests.ai.asking import GOOD, KEY, answered, installed

THEIRS = "sk-of-the-tenant-0815"


async def test_that_a_tenant_is_answered_by_its_own_chain_with_its_own_key(tenant_id: UUID, other_tenant_id: UUID) -> None:
    async with installed("openai:gpt-4o-mini", "openai", "anthropic") as models:
        await tenant_models.change(tenant_id, "operator", chain=["anthropic:claude-haiku-4-5"], keys={"anthropic": THEIRS})
        own, other = await answered(tenant_id), await answered(other_tenant_id)
    assert (own.model, other.model) == ("anthropic:claude-haiku-4-5", "openai:gpt-4o-mini")
    assert models.keys == [THEIRS, KEY]


async def test_that_a_tenant_has_models_where_the_installation_has_none(tenant_id: UUID, other_tenant_id: UUID) -> None:
    async with installed("", "openai"):
        await tenant_models.change(tenant_id, "operator", chain=["openai:gpt-4o-mini"], keys={"openai": THEIRS})
        assert (await answered(tenant_id)).model == "openai:gpt-4o-mini"
        assert (await answered(other_tenant_id)).model == "local"


async def test_that_a_key_is_sealed_kept_until_it_is_removed_and_never_shown(tenant_id: UUID, capsys: pytest.CaptureFixture[str]) -> None:
    async with installed("openai:gpt-4o-mini"):
        made = await tenant_models.change(tenant_id, "operator", keys={"openai": THEIRS})
        kept = await tenant_models.change(tenant_id, "operator", cap_usd=2.5)
        assert (kept.keys["openai"], kept.cap_micros) == (THEIRS, 2_500_000)
        async with db.step(tenant_id) as session:
            row = await db.first(session, "SELECT keys_sealed FROM model_settings")
            noted = await db.rows(session, "SELECT details FROM audit")
        assert row is not None
        assert THEIRS.encode() not in bytes(row["keys_sealed"])
        assert THEIRS not in repr(made) + json.dumps([one["details"] for one in noted]) + "".join(capsys.readouterr())
        assert (await tenant_models.change(tenant_id, "operator", keys={"openai": ""})).keys == {}


async def test_that_a_revoked_key_of_one_tenant_closes_the_provider_for_nobody_else(tenant_id: UUID, other_tenant_id: UUID) -> None:
    async with installed("openai:gpt-4o-mini") as models:
        await tenant_models.change(tenant_id, "operator", keys={"openai": THEIRS})
        models.revoked.add(THEIRS)
        said = [(await answered(tenant_id)).model for _ in range(5)]
        assert set(said) == {"local"}
        # Refused three times, the provider rests for this tenant.
        assert models.keys.count(THEIRS) == 3
        assert (await answered(other_tenant_id)).model == "openai:gpt-4o-mini"
        models.revoked.clear()
        clock.move(timedelta(seconds=31))
        assert (await answered(tenant_id)).model == "openai:gpt-4o-mini"


async def test_that_all_providers_down_means_local_answers_and_back_means_back(tenant_id: UUID) -> None:
    async with installed("openai:gpt-4o-mini,anthropic:claude-haiku-4-5") as models:
        models.script = ["503"]
        down = [await answered(tenant_id) for _ in range(6)]
        calls = len(models.asked)
        assert all(draft.model == "local" and draft.text for draft in down)
        assert calls == 6
        clock.move(timedelta(hours=1))
        models.script = ["503", "503", "503", "503", GOOD]
        # A probe each fails, and the next probes find them well.
        assert (await answered(tenant_id)).model == "local"
        assert len(models.asked) == calls + 2
        clock.move(timedelta(seconds=31))
        models.script = [GOOD]
        assert (await answered(tenant_id)).model == "openai:gpt-4o-mini"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"chain": ["openai:gpt-5-pro"]}, "chain"),
        ({"chain": ["nobody:x"]}, "chain"),
        ({"chain": ["compatible:llama"]}, "chain"),
        ({"chain": ["openai:gpt-4o-mini"] * 9}, "chain"),
        ({"keys": {"nobody": "x"}}, "keys"),
        ({"base": "http://10.0.0.8/v1"}, "base"),
        ({"base": "ftp://example.org"}, "base"),
    ],
)
async def test_that_a_tenant_cannot_spend_the_installations_money_or_reach_its_network(tenant_id: UUID, given: Any, field: str) -> None:
    async with installed("openai:gpt-4o-mini"):
        with pytest.raises(Invalid) as refused:
            await tenant_models.change(tenant_id, "operator", **given)
    assert refused.value.field == field


async def test_that_a_server_of_ones_own_in_a_private_network_is_not_reached(tenant_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    async with installed("", "compatible") as models:
        base = settings().model_api_base
        await tenant_models.change(tenant_id, "operator", chain=["compatible:llama"], base=base)
        assert (await answered(tenant_id)).model == "compatible:llama"
        monkeypatch.setenv("SAVDO_ALLOWED_HOSTS", "")
        settings.cache_clear()
        draft = await answered(tenant_id)
        assert (draft.model, len(models.asked)) == ("local", 1)
    settings.cache_clear()


async def test_that_keys_nobody_can_read_any_more_leave_the_installations_models(tenant_id: UUID) -> None:
    async with installed("openai:gpt-4o-mini", "openai", "anthropic") as models:
        await tenant_models.change(
            tenant_id, "operator", chain=["anthropic:claude-haiku-4-5", "openai:gpt-4o-mini"], keys={"anthropic": THEIRS}
        )
        async with db.step(tenant_id) as session:
            await session.execute("UPDATE model_settings SET keys_sealed = 'gone'")
        assert (await answered(tenant_id)).model == "openai:gpt-4o-mini"
    assert models.keys == [KEY]


def test_that_the_caps_of_who_pays_hold() -> None:
    given = settings().model_copy(update={"models": ("openai:gpt-4o-mini",), "model_daily_usd": 10.0})
    (theirs,) = choice.entries(given, Choice(keys={"openai": THEIRS}))
    (ours,) = chain.entries(given)
    assert [choice.cap(given, Choice(cap_micros=limit), theirs) for limit in (None, 5, 50_000_000)] == [10_000_000, 5, 50_000_000]
    assert [choice.cap(given, Choice(cap_micros=limit), ours) for limit in (None, 5, 50_000_000)] == [10_000_000, 5, 10_000_000]
    assert choice.cap(given.model_copy(update={"model_daily_usd": 0.0}), Choice(), ours) is None
