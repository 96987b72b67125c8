"""What the tests of models share: an installation whose providers are emulated, and a turn to answer."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from savdo.ai import chain as chain_of_models
from savdo.base import circuit, clock, db
from savdo.base.settings import settings
from savdo.knowledge.models import Found, Passage
from savdo.reply import generate
from savdo.reply.models import Draft, Reading, Said, Turn
from tests.emulators.models import Calls, Models
from tests.emulators.serving import serving

KEY = "sk-very-secret-4711"
GOOD = {"reply": "The Blue set costs 89 000 so'm.", "language": "en", "intent": "question_price", "cited": [1]}
INVENTED = {**GOOD, "reply": "The Blue set costs 75 000 so'm, 10% off."}
PASSAGE = Passage(db.new_id(), db.new_id(), "prices.csv", "text", ("Prices",), "Blue set: 89 000 UZS", None, None, "en")
READING = Reading("en", "latn", "question_price", "neutral", False, None, {}, 0.9)
# Provider, a model whose price is known, and what its library adds to the address.
FORMATS = {
    "openai": ("openai:gpt-4o-mini", "/v1"),
    "groq": ("groq:llama-3.3-70b-versatile", ""),
    "anthropic": ("anthropic:claude-haiku-4-5", ""),
    "google": ("google:gemini-2.5-flash", ""),
    "compatible": ("compatible:our-own", "/v1"),
}
Setup = pytest.MonkeyPatch


def configure(patch: Setup, chain: str, addresses: dict[str, str], **more: str) -> None:
    """Settings of an installation with these models; `addresses` by provider."""
    patch.setenv("SAVDO_MODELS", chain)
    patch.setenv("SAVDO_MODEL_TIMEOUT_S", "10")
    for provider, address in addresses.items():
        patch.setenv(f"SAVDO_{provider.upper()}_API_KEY", KEY)
        base = "SAVDO_MODEL_API_BASE" if provider == "compatible" else f"SAVDO_{provider.upper()}_API_BASE"
        patch.setenv(base, address + FORMATS[provider][1])
    for name, value in more.items():
        patch.setenv(f"SAVDO_{name.upper()}", value)
    settings.cache_clear()
    # As a worker with models does before its first turn, whose time it would take: on a busy machine most of it.
    chain_of_models.adapter()


@contextmanager
def fresh() -> Generator[Setup]:
    """No open breaker, the real time, and settings that go back afterwards."""
    patch = pytest.MonkeyPatch()
    circuit.forget()
    try:
        yield patch
    finally:
        patch.undo()
        settings.cache_clear()
        circuit.forget()
        clock.reset()


@asynccontextmanager
async def installed(chain: str, *providers: str, **more: str) -> AsyncGenerator[Models]:
    """An installation with this chain, all of whose providers are one emulated server."""
    models = Models([GOOD])
    with fresh() as patch:
        async with serving(models) as address:
            configure(patch, chain, dict.fromkeys(providers or [one.partition(":")[0] for one in chain.split(",")], address), **more)
            yield models


def turn(tenant_id: UUID, text: str = "How much is the Blue set?", **changes: Any) -> Turn:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    profile = {"name": "Oq Choy", "languages": ["en", "uz"], "currency": "UZS", **changes}
    said = (Said(1, "contact", text, now),)
    return Turn(tenant_id, db.new_id(), db.new_id(), "sandbox", profile, (), (), said, {}, "bot", "en", "", now)


async def answered(given: UUID | Turn, *passages: Passage) -> Draft:
    asked = given if isinstance(given, Turn) else turn(given)
    return await generate.draft(asked, READING, Found(passages or (PASSAGE,), 0.9))


def calling(name: str, **arguments: Any) -> Calls:
    return Calls([(name, arguments)])
