"""One call to one model, through pydantic-ai: the only file that imports it (and heavy; see `savdo.ai.chain`).

One function call is one HTTP request: the library's agent, its retries and its tools' loop stay out, because each request is
reserved, counted and paid for by itself. Structured output is a tool that the model has to call.
"""

import asyncio
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import anyio
import openai
from pydantic import ValidationError
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import (
    BinaryContent,
    InstructionPart,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.groq import GroqModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.groq import GroqProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from savdo.ai.prices import micros
from savdo.ai.talk import ANSWER_TOOL, MAX_TOKENS, Answer, Entry, Message, ModelFailed, Prompt, Spoken, Tool, ToolCall, Usage

__all__ = ["call", "micros"]

# A local server often asks for no key, but the libraries insist on one.
NO_KEY: Final = "none"
ANSWER: Final = ToolDefinition(
    name=ANSWER_TOOL,
    description=(Answer.__doc__ or "").strip(),
    parameters_json_schema=Answer.model_json_schema(),
    kind="output",
    strict=False,
)


def _openai(entry: Entry) -> Model:
    return OpenAIChatModel(entry.name, provider=OpenAIProvider(base_url=entry.base or None, api_key=entry.key or NO_KEY))


def _compatible(entry: Entry) -> Model:
    # The address may be a tenant's: it was checked, and where it would lead on to was not.
    client = openai.AsyncOpenAI(
        base_url=entry.base or None,
        api_key=entry.key or NO_KEY,
        http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False, trust_env=False),
    )
    # What servers other than OpenAI's know the longest answer by.
    profile = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
    return OpenAIChatModel(entry.name, provider=OpenAIProvider(openai_client=client), profile=profile)


def _anthropic(entry: Entry) -> Model:
    return AnthropicModel(entry.name, provider=AnthropicProvider(api_key=entry.key or NO_KEY, base_url=entry.base or None))


def _groq(entry: Entry) -> Model:
    return GroqModel(entry.name, provider=GroqProvider(api_key=entry.key or NO_KEY, base_url=entry.base or None))


def _google(entry: Entry) -> Model:
    return GoogleModel(entry.name, provider=GoogleProvider(api_key=entry.key or NO_KEY, base_url=entry.base or None))


MODELS: Final[Mapping[str, Callable[[Entry], Model]]] = {
    "anthropic": _anthropic, "openai": _openai, "groq": _groq, "google": _google, "compatible": _compatible,
}  # fmt: skip


async def call(entry: Entry, prompt: Prompt, seconds: float) -> Spoken:
    """Asks one model once, for `seconds` at most. Raises ModelFailed with a reason that holds neither the key nor the
    provider's body."""
    # Making a client loads certificates and parts of the library: not in the loop, and not on the call's time.
    model = await asyncio.to_thread(_model, entry)
    try:
        async with asyncio.timeout(seconds):
            response = await model_request(
                model, _messages(prompt), model_settings=_settings(entry, prompt, seconds), model_request_parameters=_parameters(prompt)
            )
    except TimeoutError:
        raise ModelFailed(f"no answer in {seconds:.2g} s") from None
    except ModelHTTPError as error:
        raise ModelFailed(f"status {error.status_code}", status=error.status_code, retry_after=_retry_after(error)) from None
    except Exception as error:  # noqa: BLE001 # whatever a provider's library raises, the next model is asked
        raise ModelFailed(type(error).__name__) from None
    used = response.usage
    usage = Usage(used.input_tokens, used.output_tokens, used.cache_read_tokens, used.cache_write_tokens)
    try:
        return _spoken(response, prompt, usage)
    except (ValidationError, ValueError):
        raise ModelFailed("an answer in another shape", usage=usage) from None


@functools.lru_cache(maxsize=256)
def _model(entry: Entry) -> Model:
    # Kept, so that connections are. What the libraries below load in their first loop is loaded here and not on a call's time.
    anyio.run(anyio.sleep, 0)
    return MODELS[entry.provider](entry)


def _settings(entry: Entry, prompt: Prompt, seconds: float) -> ModelSettings:
    # The answer's tokens are bounded, and thoughts would use them up; the customer waits, too.
    limits: dict[str, Any] = {"timeout": seconds, "max_tokens": MAX_TOKENS, "max_retries": 0, "thinking": False}
    if entry.provider == "anthropic":
        # The rules, the tools and the company's texts stand first, and are paid for in full only once in five minutes.
        limits |= {"anthropic_cache_instructions": True, "anthropic_cache_tool_definitions": True}
    if entry.provider == "openai" and prompt.cache_key:
        limits["openai_prompt_cache_key"] = prompt.cache_key
    return cast(ModelSettings, limits)


def _parameters(prompt: Prompt) -> ModelRequestParameters:
    return ModelRequestParameters(
        function_tools=[_definition(tool) for tool in prompt.tools] if prompt.tools_allowed else [],
        output_mode="tool", output_tools=[ANSWER], allow_text_output=False, instruction_parts=[InstructionPart(prompt.system)],
    )  # fmt: skip


def _definition(tool: Tool) -> ToolDefinition:
    return ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters), strict=False)


def _messages(prompt: Prompt) -> list[ModelMessage]:
    return [_request(one) if one.role == "user" else _response(one) for one in prompt.messages]


def _request(message: Message) -> ModelRequest:
    parts: list[ModelRequestPart] = [ToolReturnPart(one.name, one.text, tool_call_id=one.id) for one in message.results]
    shown = [BinaryContent(one.content, media_type=one.mime) for one in message.pictures]
    said = UserPromptPart([message.text, *shown] if shown else message.text)
    return ModelRequest(parts=[*parts, said] if message.text else parts)


def _response(message: Message) -> ModelResponse:
    parts: list[ModelResponsePart] = [TextPart(message.text)] if message.text else []
    return ModelResponse(parts=[*parts, *(ToolCallPart(one.name, dict(one.arguments), tool_call_id=one.id) for one in message.calls)])


def _spoken(response: ModelResponse, prompt: Prompt, usage: Usage) -> Spoken:
    """Raises ValueError (a ValidationError is one) for anything but an answer or tools that were offered."""
    asked = [part for part in response.parts if isinstance(part, ToolCallPart)]
    for part in asked:
        if part.tool_name == ANSWER_TOOL:
            return Spoken(Answer.model_validate(_arguments(part)), (), usage)
    offered = {tool.name for tool in prompt.tools} if prompt.tools_allowed else set[str]()
    calls = tuple(ToolCall(part.tool_call_id, part.tool_name, _arguments(part)) for part in asked if part.tool_name in offered)
    if calls and len(calls) == len(asked):
        return Spoken(None, calls, usage)
    # A small model that calls no tools often writes what it was to hand over.
    return Spoken(Answer.model_validate_json(_json_in(response.parts)), (), usage)


def _arguments(part: ToolCallPart) -> dict[str, Any]:
    given = part.args if not isinstance(part.args, str) else json.loads(part.args)
    if not isinstance(given, dict):
        raise ValueError("arguments are no object")
    return {str(key): _storable(value) for key, value in given.items()}


def _storable(value: Any) -> Any:
    """Without zero bytes and halves of characters, which no database keeps and no channel sends."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="ignore").decode()
    if isinstance(value, dict):
        return {str(key): _storable(one) for key, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list) else value


def _json_in(parts: Sequence[ModelResponsePart]) -> str:
    text = "".join(part.content for part in parts if isinstance(part, TextPart))
    return text[text.find("{") : text.rfind("}") + 1]


def _retry_after(error: ModelHTTPError) -> float | None:
    value = (error.headers or {}).get("retry-after", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        return None
