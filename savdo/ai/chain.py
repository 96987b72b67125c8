"""The model chain: which models are asked, in which order, and what is known of each call.

The library behind `savdo.ai.models` takes about 130 MB and 4 seconds to import, so it is named by a string here and
loaded on the first call: an installation without SAVDO_MODELS never pays for it. This file knows settings, the
breaker and the shapes; it does not import the library.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Literal, cast

import structlog
from pydantic import BaseModel, Field

from savdo.base import circuit, telemetry
from savdo.base.errors import Unavailable
from savdo.base.settings import Settings, WrongSetting, settings

# The one place where this package names a module by a string; see above.
ADAPTER: Final = "savdo.ai.models:call"
PROVIDERS: Final = ("anthropic", "openai", "groq", "google", "compatible")
Role = Literal["user", "assistant"]

log = structlog.get_logger()


class Money(BaseModel):
    """The customer's budget in major units."""

    min: float | None = None
    max: float | None = None
    currency: str = ""


class Entities(BaseModel):
    """What the customer told about themselves in this turn; leave out what was not said."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    budget: Money | None = None
    timeline: str | None = None
    company: str | None = None
    quantity: float | None = None


class Answer(BaseModel):
    """The reply to the customer and what was understood of their turn."""

    reply: str = Field(min_length=1, max_length=4000, description="The message to the customer, in their language and letters.")
    language: Literal["uz", "ru", "kk", "en"]
    intent: Literal[
        "greeting", "question_product", "question_price", "question_delivery", "question_payment", "question_terms",
        "question_location_hours", "ready_to_buy", "booking", "objection", "order_status", "complaint", "human_request",
        "contact_details", "thanks_bye", "off_topic", "spam", "opt_out", "unclear",
    ]  # fmt: skip
    sentiment: Literal["positive", "neutral", "negative", "frustrated"] = "neutral"
    wants_human: bool = False
    objection: Literal["price", "trust", "timing", "competitor", "need", "feature"] | None = None
    entities: Entities = Entities()
    handover: Literal["keyword", "complaint", "ready_to_buy", "low_confidence"] | None = Field(
        None, description="Why a person must take over; null when none must."
    )
    cited: list[int] = Field(default_factory=list[int], description="Numbers of the passages the reply draws on.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the chain: `provider` is one of PROVIDERS, `base` "" is the provider's own address, `timeout` in seconds."""

    provider: str
    name: str
    key: str
    base: str
    timeout: float

    def __repr__(self) -> str:
        # The key must not reach a log through a traceback.
        return f"{self.provider}:{self.name}"


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and what it cost: `cost_micros` in millionths of USD, 0 with `priced` False when no price is known.
    `failed` names the models that were asked before and gave none, with the reason in a word."""

    answer: Answer
    model: str
    tokens_in: int
    tokens_out: int
    cost_micros: int
    priced: bool
    ms: int = 0
    failed: tuple[str, ...] = ()


class ModelFailed(Unavailable):
    """The model gave no usable answer."""

    code = "model_failed"


class NoAnswer(Unavailable):
    """No model of the chain gave an answer."""

    code = "no_model_answered"


Call = Callable[[Entry, str, Sequence[Message]], Awaitable[Answered]]


async def ask(system: str, messages: Sequence[Message]) -> Answered:
    """Asks the models of SAVDO_MODELS in order until one answers. Each is asked once: whoever fails is likelier to fail
    again than the next one, and the customer waits. Raises NoAnswer that names each model and why."""
    call = await asyncio.to_thread(adapter)
    failed: list[str] = []
    for entry in entries(settings()):
        started = time.perf_counter()
        try:
            with circuit.calling(f"model:{entry.provider}"):
                answered = await call(entry, system, messages)
        except Unavailable as error:
            failed.append(f"{entry!r}: {error.message}")
            telemetry.model_called(repr(entry), "failed", time.perf_counter() - started)
            log.warning("model failed", model=repr(entry), reason=error.message)
            continue
        seconds = time.perf_counter() - started
        telemetry.model_called(repr(entry), "ok", seconds)
        ms = round(seconds * 1000)
        return Answered(
            answered.answer, repr(entry), answered.tokens_in, answered.tokens_out, answered.cost_micros, answered.priced, ms, tuple(failed)
        )
    raise NoAnswer("; ".join(failed))


def entries(given: Settings) -> list[Entry]:
    """The chain of some settings. Raises WrongSetting for a provider there is none of."""
    chain: list[Entry] = []
    keys: Mapping[str, tuple[str, str]] = {
        "anthropic": (given.anthropic_api_key.get_secret_value(), given.anthropic_api_base),
        "openai": (given.openai_api_key.get_secret_value(), given.openai_api_base),
        "groq": (given.groq_api_key.get_secret_value(), given.groq_api_base),
        "google": (given.google_api_key.get_secret_value(), given.google_api_base),
        "compatible": (given.compatible_api_key.get_secret_value(), given.model_api_base),
    }
    for one in given.models:
        provider, _, name = one.partition(":")
        if provider not in keys or not name:
            raise WrongSetting(f"SAVDO_MODELS: {one!r} is not PROVIDER:NAME with one of {', '.join(PROVIDERS)}", field="SAVDO_MODELS")
        chain.append(Entry(provider, name, *keys[provider], given.model_timeout_s))
    return chain


@functools.cache
def adapter() -> Call:
    """The function that asks one model. Slow the first time: a worker with models may load it before its first turn."""
    module, name = ADAPTER.split(":")
    return cast(Call, getattr(import_module(module), name))
