"""The model chain: which models are asked, in which order, for how long and for how much, and what is known of each call.

The library behind `savdo.ai.models` takes about 130 MB and 4 seconds to import, so it is named by a string here and
loaded on the first call: an installation without models never pays for it. This file knows settings, the breaker, the
bookings and the shapes; it does not import the library.
"""

import asyncio
import functools
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Final, cast
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from savdo.ai import choice, cost
from savdo.ai.choice import Choice
from savdo.ai.cost import OverBudget, Payer, Purpose
from savdo.ai.talk import MAX_TOKENS, Answer, Entry, Message, ModelFailed, Prompt, Spoken, ToolCall, Usage
from savdo.base import addresses, circuit, telemetry
from savdo.base.db import DatabaseDown, Session
from savdo.base.errors import SavdoError, Unavailable
from savdo.base.settings import Settings, settings

# The one place where this package names a module by a string; see above.
ADAPTER: Final = "savdo.ai.models"
# From this share of the day's cap on, only the cheaper half of the chain is asked.
THRIFTY: Final = 0.8
# A provider that wants us to wait is waited for, when nobody else could answer instead; else at most so long.
PATIENCE_S: Final = 2.0
SOON_S: Final = 0.25
# Less than this is too little to begin a call with.
SHORTEST_S: Final = 1.0
# Whose models can see pictures; of others those that SAVDO_VISION_MODELS names.
SEEING: Final = frozenset({"anthropic", "google", "openai"})
# More than any of them counts for one at the size they make of it, but for a few that count a picture dearer and a token cheaper.
PICTURE_TOKENS: Final = 5_000
# Bytes: no common tokeniser makes more tokens of Cyrillic, Uzbek or JSON.
BYTES_A_TOKEN: Final = 3

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asking:
    """The models that may be asked for one turn, for whom, and until when (by the monotonic clock)."""

    payer: Payer
    entries: tuple[Entry, ...]
    choice: Choice
    spent_micros: int
    until: float


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, or tools that the model asks for, and what the call cost: `cost_micros` in millionths of USD, with `priced`
    False when no price is known. `failed` names the models that were asked before and gave none, with the reason in a word."""

    answer: Answer | None
    calls: tuple[ToolCall, ...]
    model: str
    usage: Usage
    cost_micros: int
    priced: bool
    ms: int = 0
    failed: tuple[str, ...] = ()


class NoAnswer(Unavailable):
    """No model of the chain gave an answer."""

    code = "no_model_answered"

    def __init__(self, failed: Sequence[str]) -> None:
        super().__init__("; ".join(failed))
        # Each model and why, in the order they were asked.
        self.failed = tuple(failed)


class OutOfTime(SavdoError):
    """The time for this answer is over."""

    code = "out_of_time"


# Why a model is passed by, and the next one asked.
PASSED_BY: Final = (Unavailable, OverBudget, OutOfTime, addresses.AddressRefused, addresses.UnknownHost)
# What a model is tried out with: as little as shows that it answers in the shape that is asked for.
TRIAL: Final = Prompt("You are being tried out. Hand over a short friendly greeting in English.", (Message("user", "Hello!"),))

Call = Callable[[Entry, Prompt, float], Awaitable[Spoken]]
Micros = Callable[[Entry, Usage], tuple[int, bool]]


@dataclass(frozen=True, slots=True)
class Adapter:
    call: Call
    micros: Micros


async def opened(
    session: Session, tenant_id: UUID, conversation_id: UUID, number: int, timezone: str, purpose: Purpose = "answer"
) -> Asking | None:
    """What may be asked for message `number`: None when neither the tenant nor the installation has a model."""
    theirs = await choice.chosen(session)
    entries = choice.entries(settings(), theirs)
    if not entries:
        return None
    payer = Payer(tenant_id, conversation_id, number, cost.day_in(timezone), purpose)
    spent = (await cost.of_day(session, payer.day)).micros
    return Asking(payer, tuple(entries), theirs, spent, time.monotonic() + settings().model_turn_s)


def sees(entry: Entry) -> bool:
    """Whether a model can be shown pictures."""
    return entry.provider in SEEING or repr(entry) in settings().vision_models


def seeing(asking: Asking) -> Asking:
    """Only the models that can be shown pictures."""
    return replace(asking, entries=tuple(one for one in asking.entries if sees(one)))


async def ask(asking: Asking, prompt: Prompt) -> Answered:
    """Asks the models of the chain in order until one answers. One that is over the budget, resting or failing is passed by.
    Raises NoAnswer that names each model and why."""
    found = await asyncio.to_thread(adapter)
    failed: list[str] = []
    order = in_order(asking, found.micros, prompt)
    for place, entry in enumerate(order):
        try:
            answered = await _patiently(asking, entry, prompt, found, is_last=place == len(order) - 1)
        except PASSED_BY as error:
            if isinstance(error, DatabaseDown):
                raise
            failed.append(f"{entry!r}: {error.message}")
            log.warning("model passed by", model=repr(entry), reason=error.message)
            continue
        return replace(answered, failed=tuple(failed))
    raise NoAnswer(failed)


async def tried(payer: Payer, chosen: Choice, entry: Entry) -> Answered:
    """One small call to one model, paid and counted as any other. Raises one of PASSED_BY."""
    asking = Asking(payer, (entry,), chosen, 0, time.monotonic() + settings().model_turn_s)
    return await _once(asking, entry, TRIAL, await asyncio.to_thread(adapter))


def in_order(asking: Asking, micros: Micros, prompt: Prompt) -> list[Entry]:
    """The chain as it stands; near the end of the day's budget its cheaper half, cheapest first."""
    entries = list(asking.entries)
    worst = {entry: micros(entry, worst_case(prompt))[0] for entry in entries}
    limits = {entry: choice.cap(settings(), asking.choice, entry) for entry in entries}
    if not any(limit is not None and asking.spent_micros + worst[entry] > THRIFTY * limit for entry, limit in limits.items()):
        return entries
    return sorted(entries, key=worst.__getitem__)[: (len(entries) + 1) // 2]


def worst_case(prompt: Prompt) -> Usage:
    """The most tokens a call with this prompt can take, by the bytes of everything that is sent."""
    return Usage(tokens(prompt), MAX_TOKENS)


def tokens(prompt: Prompt) -> int:
    """A safe estimate of what a prompt costs: three bytes a token, with the tools, the answer's own schema and what pictures count."""
    said = [
        json.dumps([one.text, *(dict(call.arguments) for call in one.calls), *(result.text for result in one.results)], ensure_ascii=False)
        for one in prompt.messages
    ]
    tools = [json.dumps([tool.name, tool.description, dict(tool.parameters)], ensure_ascii=False) for tool in prompt.tools]
    shown = sum(len(one.pictures) for one in prompt.messages) * PICTURE_TOKENS
    return sum(len(text.encode()) for text in (prompt.system, schema(), *said, *tools)) // BYTES_A_TOKEN + 1 + shown


@functools.cache
def schema() -> str:
    """The answer's own schema, as it is sent with every prompt."""
    return json.dumps(Answer.model_json_schema())


def entries(given: Settings) -> list[Entry]:
    """The installation's own chain. Raises WrongSetting for a provider there is none of."""
    return choice.entries(given)


@functools.cache
def adapter() -> Adapter:
    """The functions that ask one model and price it. Slow the first time: a worker with models may load them before its first turn."""
    module = import_module(ADAPTER)
    return Adapter(cast(Call, module.call), cast(Micros, module.micros))


async def _patiently(asking: Asking, entry: Entry, prompt: Prompt, found: Adapter, *, is_last: bool) -> Answered:
    """One call, and a second one only where that can help."""
    try:
        return await _once(asking, entry, prompt, found)
    except ModelFailed as error:
        wait = _wait(error, asking.until - time.monotonic(), is_last=is_last)
        if wait is None:
            raise
    await asyncio.sleep(wait)
    return await _once(asking, entry, prompt, found)


def _wait(error: ModelFailed, left: float, *, is_last: bool) -> float | None:
    """Seconds until a second try, None when it would not help: a request that was refused is refused again."""
    if error.http_status >= 500:
        return SOON_S
    if error.http_status == 429 and error.retry_after is not None:
        longest = left - SHORTEST_S if is_last else min(left - SHORTEST_S, PATIENCE_S)
        return error.retry_after if error.retry_after <= longest else None
    return None


async def _once(asking: Asking, entry: Entry, prompt: Prompt, found: Adapter) -> Answered:
    left = asking.until - time.monotonic()
    if left < SHORTEST_S:
        raise OutOfTime
    if entry.own and entry.base:
        await _check_address(entry.base)
    worst, _ = found.micros(entry, worst_case(prompt))
    # Of one provider *and* tenant: a key that was revoked must not close the provider for the others.
    with circuit.calling(f"model:{entry.provider}:{asking.payer.tenant_id}"):
        async with cost.paying(asking.payer, entry, worst, choice.cap(settings(), asking.choice, entry)) as bill:
            started, outcome = time.perf_counter(), "failed"
            try:
                spoken = await found.call(entry, prompt, min(settings().model_timeout_s, left))
                bill.usage, outcome = spoken.usage, "ok"
            except ModelFailed as error:
                bill.usage = error.usage
                raise
            finally:
                telemetry.model_called(repr(entry), outcome, time.perf_counter() - started)
                bill.micros, bill.priced = found.micros(entry, bill.usage)
    return Answered(spoken.answer, spoken.calls, repr(entry), spoken.usage, bill.micros, bill.priced, bill.ms)


async def _check_address(base: str) -> None:
    parts = urlsplit(base)
    await addresses.reachable(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
