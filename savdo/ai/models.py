"""One call to one model, through pydantic-ai: the only file that imports it (and heavy; see `savdo.ai.chain`).

Structured output only. The library's own retries are off: the chain goes on to the next model instead.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, cast

import genai_prices
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.groq import GroqModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.groq import GroqProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

from savdo.ai.chain import Answer, Answered, Entry, Message, ModelFailed

MAX_TOKENS: Final = 1500
# A local server often asks for no key, but the libraries insist on one.
NO_KEY: Final = "none"


def _openai(entry: Entry) -> Model:
    return OpenAIChatModel(entry.name, provider=OpenAIProvider(base_url=entry.base or None, api_key=entry.key or NO_KEY))


def _anthropic(entry: Entry) -> Model:
    return AnthropicModel(entry.name, provider=AnthropicProvider(api_key=entry.key or NO_KEY, base_url=entry.base or None))


def _groq(entry: Entry) -> Model:
    return GroqModel(entry.name, provider=GroqProvider(api_key=entry.key or NO_KEY, base_url=entry.base or None))


def _google(entry: Entry) -> Model:
    return GoogleModel(entry.name, provider=GoogleProvider(api_key=entry.key or NO_KEY, base_url=entry.base or None))


MODELS: Final[Mapping[str, Callable[[Entry], Model]]] = {
    "anthropic": _anthropic, "openai": _openai, "groq": _groq, "google": _google, "compatible": _openai,
}  # fmt: skip


async def call(entry: Entry, system: str, messages: Sequence[Message]) -> Answered:
    """Asks one model once. Raises ModelFailed with a reason that holds neither the key nor the provider's body."""
    limits: dict[str, Any] = {"timeout": entry.timeout, "max_tokens": MAX_TOKENS, "max_retries": 0}
    if entry.provider == "anthropic":
        # The stable rules and the company's texts stand first, and are paid for in full only once in five minutes.
        limits["anthropic_cache_instructions"] = True
    # Making a client loads certificates and parts of the library: not in the loop, and not on the call's time.
    model = await asyncio.to_thread(_model, entry)
    try:
        async with asyncio.timeout(entry.timeout):
            agent = Agent(model, output_type=Answer, instructions=system, retries=0)
            result = await agent.run(messages[-1].text, message_history=_history(messages[:-1]), model_settings=cast(ModelSettings, limits))
    except TimeoutError:
        raise ModelFailed(f"no answer in {entry.timeout:g} s") from None
    except ModelHTTPError as error:
        raise ModelFailed(f"status {error.status_code}") from None
    except Exception as error:  # noqa: BLE001 # whatever a provider's library raises, the next model is asked
        raise ModelFailed(type(error).__name__) from None
    usage = result.usage
    micros = _cost_micros(entry, usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
    return Answered(result.output, repr(entry), usage.input_tokens, usage.output_tokens, micros or 0, micros is not None)


@functools.lru_cache(maxsize=64)
def _model(entry: Entry) -> Model:
    # Kept, so that connections are.
    return MODELS[entry.provider](entry)


def _history(messages: Sequence[Message]) -> list[ModelMessage]:
    return [
        ModelRequest(parts=[UserPromptPart(one.text)]) if one.role == "user" else ModelResponse(parts=[TextPart(one.text)])
        for one in messages
    ]


def _cost_micros(entry: Entry, tokens_in: int, tokens_out: int, cache_read: int, cache_write: int) -> int | None:
    """Millionths of USD by the price list of genai-prices, None when the model is not in it."""
    if entry.provider == "compatible":
        return None
    usage = genai_prices.Usage(
        input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=cache_read, cache_write_tokens=cache_write
    )
    try:
        price = genai_prices.calc_price(usage, entry.name, provider_id=entry.provider)
    except LookupError:
        return None
    return int((price.total_price * 1_000_000).quantize(Decimal(1), ROUND_HALF_UP))
