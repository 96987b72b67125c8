"""Model servers: OpenAI's chat completions and Anthropic's messages, with scripted answers and faults.

Answers are given in order; each is a dict of the structured output or the name of a fault: "429", "500", "401", "slow",
"malformed" (not JSON), "schema" (JSON that is not the answer), "cut" (the connection breaks). The last one stays.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.serving import CUT

TOKENS_IN, TOKENS_OUT = 1000, 100


@dataclass
class Models:
    """`asked` are the requests' bodies, `keys` the keys they came with."""

    script: list[dict[str, Any] | str] = field(default_factory=list[dict[str, Any] | str])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    keys: list[str] = field(default_factory=list[str])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            event = await receive()
            body += event.get("body", b"")
            if not event.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.keys.append(headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer "))
        asked = json.loads(body)
        self.asked.append(asked)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if answer == "cut":
            scope[CUT]()
            return
        if answer == "slow":
            await asyncio.sleep(1.5)
        if answer in ("429", "500", "401"):
            # A server that repeats the key in its error is not unheard of.
            await _respond(send, int(answer), json.dumps({"error": {"message": f"no: {self.keys[-1]}", "type": "x"}}).encode())
        elif answer == "malformed":
            await _respond(send, 200, b'{"choices": [{"mess')
        else:
            given: dict[str, Any] = answer if isinstance(answer, dict) else {"nothing": "of this"}
            shape = _anthropic if scope["path"].endswith("/messages") else _openai
            await _respond(send, 200, json.dumps(shape(asked, given)).encode())


def _openai(asked: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    name = asked["tools"][0]["function"]["name"]
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
    return {
        "id": "c1", "object": "chat.completion", "created": 1, "model": asked["model"],
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": None, "tool_calls": [call]}}],
        "usage": {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": TOKENS_IN + TOKENS_OUT},
    }  # fmt: skip


def _anthropic(asked: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "m1", "type": "message", "role": "assistant", "model": asked["model"], "stop_reason": "tool_use", "stop_sequence": None,
        "content": [{"type": "tool_use", "id": "t1", "name": asked["tools"][0]["name"], "input": given}],
        "usage": {"input_tokens": TOKENS_IN, "output_tokens": TOKENS_OUT},
    }  # fmt: skip


async def _respond(send: Any, status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
