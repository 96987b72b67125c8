"""The page for models by its forms: what is kept, what is refused in words, and that a key is never shown again."""

import re
from collections.abc import AsyncIterator
from html import unescape
from uuid import UUID

import httpx
import pytest_asyncio

from savdo.ai import choice
from savdo.ai.choice import Choice
from savdo.base import db
from savdo.knowledge import whole
from savdo.operations import tenant_models
from tests.ai.asking import KEY, configure, fresh
from tests.web import office

MINI, HAIKU = "openai:gpt-4o-mini", "anthropic:claude-haiku-4-5"
THEIRS = "sk-of-the-tenant-0815"
PAGE = "/setup/models"


@pytest_asyncio.fixture
async def alice(tenant_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    """The owner, signed in; the installation offers one model."""
    with fresh() as patch:
        configure(patch, MINI, {"openai": "http://127.0.0.1:9"})
        async with office.client() as browser:
            await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner"))
            yield browser


async def kept(tenant_id: UUID) -> Choice:
    async with db.step(tenant_id) as session:
        return await choice.chosen(session)


async def test_that_an_owner_begins_with_what_the_installation_offers_and_makes_it_their_own(
    alice: httpx.AsyncClient, tenant_id: UUID
) -> None:
    first = (await alice.get(PAGE)).text
    assert "paid by this installation" in first
    assert KEY not in first
    await alice.post(PAGE, data={"provider": "anthropic", "name": " claude-haiku-4-5 ", "key": THEIRS, "base": "left from before"})
    assert (await kept(tenant_id)).chain == (MINI, HAIKU)
    await alice.post(PAGE + "/move", data={"model": HAIKU, "places": "-1"})
    await alice.post(PAGE + "/move", data={"model": HAIKU, "places": "-1"})
    assert (await kept(tenant_id)).chain == (HAIKU, MINI)
    # A key for a model that stands there already is that model's.
    await alice.post(PAGE, data={"provider": "openai", "name": "gpt-4o-mini", "key": "sk-another-4712"})
    shown = (await alice.get(PAGE)).text
    assert ("your key …0815" in shown, "your key …4712" in shown, THEIRS in shown) == (True, True, False)
    assert re.search(r"leave the list: anthropic:claude-haiku-4-5\.", shown)
    await alice.post(PAGE + "/keys/remove", data={"provider": "anthropic"})
    await alice.post(PAGE + "/remove", data={"model": MINI})
    left = await kept(tenant_id)
    assert (left.chain, list(left.keys)) == ((), ["openai"])


async def test_that_a_model_whose_key_is_gone_says_so(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    await alice.post(PAGE, data={"provider": "anthropic", "name": "claude-haiku-4-5", "key": THEIRS})
    async with db.step(tenant_id) as session:
        await session.execute("UPDATE model_settings SET keys_sealed = 'gone'")
    assert "No key" in (await alice.get(PAGE)).text


REFUSED: tuple[tuple[str, dict[str, str], str], ...] = (
    ("", {"provider": "groq", "name": "llama"}, "This model needs a key of your own."),
    ("", {"provider": "groq", "name": " ", "key": THEIRS}, "Write the model's name."),
    ("", {"provider": "openai", "name": "gpt-4o-mini"}, "This model is in the list already."),
    ("", {"provider": "compatible", "name": "qwen3"}, "Write an address that begins with https://."),
    ("", {"provider": "compatible", "name": "qwen3", "base": "http://10.0.0.8/v1"}, "Write an address that begins with https://."),
    ("", {"provider": "compatible", "name": "qwen3", "base": "https://[/v1"}, "Write an address that begins with https://."),
    ("/cap", {"cap": "plenty"}, "An amount in dollars, 0 or more"),
    ("/cap", {"cap": "-1"}, "An amount in dollars, 0 or more"),
    ("/cap", {"cap": "NaN"}, "An amount in dollars, 0 or more"),
    ("/pages", {"pages": "https://shop.example\nfile:///etc/passwd"}, "Each line is an address that begins with https://"),
    ("/pages", {"pages": "http://10.0.0.8/"}, "Each line is an address that begins with https://"),
)


async def test_that_what_cannot_be_is_refused_in_words_and_nothing_typed_is_lost(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    for path, form, words in REFUSED:
        answer = await alice.post(PAGE + path, data=form)
        shown = unescape(answer.text)
        assert answer.status_code == 422
        assert f'role="alert">{words}' in shown
        assert all(value in shown for name, value in form.items() if name != "key")
        assert THEIRS not in shown
    assert await kept(tenant_id) == Choice()


async def test_that_a_cap_pages_and_files_are_kept(alice: httpx.AsyncClient, tenant_id: UUID) -> None:
    document_id, _ = await office.document(tenant_id, "prices.pdf", "Green tea: 35 000")
    await alice.post(PAGE + "/cap", data={"cap": "$2,50"})
    await alice.post(PAGE + "/pages", data={"pages": " https://shop.example/prices \n\nhttps://shop.example/prices"})
    await alice.post(PAGE + "/files", data={"document": str(document_id), "allowed": "true"})
    shown = (await alice.get(PAGE)).text
    assert 'value="2.5"' in shown
    assert ">https://shop.example/prices</textarea>" in shown
    assert "Send no longer: prices.pdf" in shown
    async with db.step(tenant_id) as session:
        assert [one.id for one in await whole.shareable(session)] == [document_id]
    await alice.post(PAGE + "/files", data={"document": str(document_id), "allowed": "false"})
    await alice.post(PAGE + "/cap", data={"cap": ""})
    assert "Send no longer" not in (await alice.get(PAGE)).text
    assert (await tenant_models.overview(tenant_id)).cap_micros == 10_000_000


async def test_that_nobody_else_s_files_can_be_sent(alice: httpx.AsyncClient, other_tenant_id: UUID) -> None:
    theirs, _ = await office.document(other_tenant_id, "secret.pdf", "x")
    assert (await alice.post(PAGE + "/files", data={"document": str(theirs), "allowed": "true"})).status_code == 404
    async with db.step(other_tenant_id) as session:
        assert await whole.shareable(session) == ()
