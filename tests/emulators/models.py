"""Model servers in the wire formats of OpenAI, Groq, any compatible server, Anthropic and Google, with scripted answers.

Answers are given in order, the last one stays. Each is a dict of the structured output, a `Calls` of tools, or the name of a
fault: "429", "500", "503", "401", "400", "wait" (429 with a short retry-after), "slow", "malformed" (not JSON), "schema" (JSON that
is not the answer), "text" (words instead of a tool), "cut" (the connection breaks). Keys in `revoked` get 401.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.serving import CUT

TOKENS_IN, TOKENS_OUT = 1000, 100
ANSWER = "answer"


@dataclass
class Calls:
    """Tools the model asks for: (name, arguments)."""

    wanted: list[tuple[str, dict[str, Any]]]


@dataclass
class Models:
    """`asked` are the requests' bodies, `paths` where to, `keys` the keys they came with."""

    script: list[dict[str, Any] | str | Calls] = field(default_factory=list[dict[str, Any] | str | Calls])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    paths: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])
    revoked: set[str] = field(default_factory=set[str])
    slow_s: float = 20

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            event = await receive()
            body += event.get("body", b"")
            if not event.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        key = headers.get("x-api-key") or headers.get("x-goog-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        self.keys.append(key)
        asked = json.loads(body)
        self.asked.append(asked)
        self.paths.append(scope["path"])
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if key in self.revoked:
            answer = "401"
        if answer == "cut":
            scope[CUT]()
            return
        if answer == "slow" and await _left_meanwhile(receive, self.slow_s):
            return
        if answer in ("429", "500", "503", "401", "400", "wait"):
            status = 429 if answer == "wait" else int(str(answer))
            after = [(b"retry-after", b"0.05")] if answer == "wait" else []
            # A server that repeats the key in its error is not unheard of.
            await _respond(send, status, json.dumps({"error": {"message": f"no: {key}", "type": "x", "code": status}}).encode(), after)
        elif answer == "malformed":
            await _respond(send, 200, b'{"choices": [{"mess')
        else:
            await _respond(send, 200, json.dumps(_shaped(scope["path"], asked, answer)).encode())


def _shaped(path: str, asked: dict[str, Any], answer: dict[str, Any] | str | Calls) -> dict[str, Any]:
    text = "I would rather talk." if answer == "text" else ""
    wanted: list[tuple[str, dict[str, Any]]] = [] if text else [(ANSWER, answer if isinstance(answer, dict) else {"nothing": "of this"})]
    if isinstance(answer, Calls):
        wanted = answer.wanted
    shape = _anthropic if path.endswith("/messages") else _google if ":generateContent" in path else _openai
    return shape(asked, wanted, text)


def _openai(asked: dict[str, Any], wanted: list[tuple[str, dict[str, Any]]], text: str) -> dict[str, Any]:
    calls = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for number, (name, given) in enumerate(wanted)
    ]
    message = {"role": "assistant", "content": text or None, **({"tool_calls": calls} if calls else {})}
    return {
        "id": "c1", "object": "chat.completion", "created": 1, "model": asked["model"],
        "choices": [{"index": 0, "finish_reason": "tool_calls" if calls else "stop", "message": message}],
        "usage": {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": TOKENS_IN + TOKENS_OUT},
    }  # fmt: skip


def _anthropic(asked: dict[str, Any], wanted: list[tuple[str, dict[str, Any]]], text: str) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    blocks += [{"type": "tool_use", "id": f"t{number}", "name": name, "input": given} for number, (name, given) in enumerate(wanted)]
    return {
        "id": "m1", "type": "message", "role": "assistant", "model": asked["model"], "stop_reason": "tool_use" if wanted else "end_turn",
        "stop_sequence": None, "content": blocks,
        "usage": {"input_tokens": TOKENS_IN, "output_tokens": TOKENS_OUT},
    }  # fmt: skip


def _google(_asked: dict[str, Any], wanted: list[tuple[str, dict[str, Any]]], text: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"text": text}] if text else []
    parts += [{"functionCall": {"name": name, "args": given}} for name, given in wanted]
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": TOKENS_IN, "candidatesTokenCount": TOKENS_OUT, "totalTokenCount": TOKENS_IN + TOKENS_OUT,
        },
        "modelVersion": "m",
    }  # fmt: skip


async def _left_meanwhile(receive: Any, seconds: float) -> bool:
    """Whether the caller hung up before the time was over."""
    try:
        async with asyncio.timeout(seconds):
            await receive()
    except TimeoutError:
        return False
    return True


async def _respond(send: Any, status: int, body: bytes, more: list[tuple[bytes, bytes]] | None = None) -> None:
    headers = [(b"content-type", b"application/json"), *(more or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
