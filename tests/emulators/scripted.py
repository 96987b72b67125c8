"""A model of a few rules behind an OpenAI-compatible address: it answers from the passages of its prompt, the same every time.

    python -m tests.emulators.scripted COMMAND…     runs a command (an evaluation, say) with SAVDO_MODELS asking it

It knows nothing but the prompt. What the customer means it reads as the local path does; what it says are the two passages nearest to
the turn, between quotation marks, or a plain sentence. Refused, it says that it asks a colleague. What it counts as tokens is what the
prompt takes at three bytes a token: more than common tokenisers make of it, so the figures are a bound and not a guess.
"""

import asyncio
import json
import os
import re
import sys
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse

from savdo.base import clock
from savdo.reply import sayings, understand
from savdo.reply.models import Reading, Said, Turn
from tests.emulators.serving import serving

NAME: Final = "compatible:scripted"
BYTES_A_TOKEN: Final = 3
LONGEST_QUOTE: Final = 260
PASSAGE: Final = re.compile(r'<passage number="(\d+)" title="([^"]*)">\n(.*?)\n</passage>', re.DOTALL)
CUSTOMER: Final = re.compile(r"<customer>\n(.*?)\n</customer>", re.DOTALL)
NEAREST: Final = re.compile(r"Nearest to this turn are the passages ([\d, ]+)\.")
QUOTED: Final = 2
QUESTIONS: Final = frozenset({
    "question_product", "question_price", "question_delivery", "question_payment", "question_terms", "question_location_hours", "objection",
})  # fmt: skip
# The sentence for what needs no passage, and why a person is called.
PLAINLY: Final[dict[str, tuple[str, str | None]]] = {
    "complaint": ("complaint", "complaint"), "ready_to_buy": ("ready", "ready_to_buy"), "booking": ("ask_when", None),
    "order_status": ("order_status", "low_confidence"), "greeting": ("hello", None), "thanks_bye": ("welcome", None),
    "contact_details": ("contact_taken", None), "human_request": ("person_called", "keyword"), "unclear": ("unclear", None),
}  # fmt: skip


async def app(scope: Any, receive: Any, send: Any) -> None:
    asked: dict[str, Any] = await Request(scope, receive).json()
    call = {"name": "answer", "arguments": json.dumps(await asyncio.to_thread(answer, asked["messages"]), ensure_ascii=False)}
    message = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": call}]}
    counted = {"prompt_tokens": tokens([asked["messages"], asked.get("tools")]), "completion_tokens": tokens(call)}
    await JSONResponse({
        "id": "c1", "object": "chat.completion", "created": 1, "model": asked["model"],
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
        "usage": counted | {"total_tokens": sum(counted.values())},
    })(scope, receive, send)  # fmt: skip


def tokens(sent: object) -> int:
    return len(json.dumps(sent, ensure_ascii=False).encode()) // BYTES_A_TOKEN + 1


def answer(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The structured answer to a prompt."""
    texts = [str(one["content"] or "") for one in messages]
    place = max(at for at, text in enumerate(texts) if messages[at]["role"] == "user" and CUSTOMER.search(text))
    turn = _turn(messages, place)
    reading = understand.read(turn)
    text, cited, handover = _said(turn, reading, texts[0] + texts[place])
    if texts[-1].startswith("This reply was not sent."):
        text, cited, handover = sayings.say("unknown", turn, reading), [], "low_confidence"
    return {
        "reply": text, "language": reading.language, "intent": reading.intent, "sentiment": reading.sentiment,
        "wants_human": reading.wants_human, "objection": reading.objection, "cited": cited, "handover": handover,
    }  # fmt: skip


def _said(turn: Turn, reading: Reading, prompt: str) -> tuple[str, list[int], str | None]:
    if reading.wants_human and reading.intent != "complaint":
        return sayings.say("person_called", turn, reading), [], "keyword"
    passages = {int(number): text for number, _, text in PASSAGE.findall(prompt)}
    nearest = NEAREST.search(prompt)
    in_order = [int(one) for one in nearest[1].split(",")] if nearest else sorted(passages)
    chosen = [number for number in in_order if number in passages][:QUOTED]
    if reading.intent in QUESTIONS and chosen:
        quote = " … ".join(" ".join(passages[one].replace("«", "“").replace("»", "”").split())[:LONGEST_QUOTE] for one in chosen)
        return sayings.say("documents_say", turn, reading, quote=quote), chosen, None
    key, handover = PLAINLY.get(reading.intent, ("unknown", "low_confidence"))
    return sayings.say(key, turn, reading), [], handover


def _turn(messages: list[dict[str, Any]], place: int) -> Turn:
    """The turn as the prompt tells it: the customer's words, and what was said before them."""
    said: list[Said] = []
    for number, one in enumerate(messages[1 : place + 1], 1):
        theirs = CUSTOMER.search(str(one["content"]))
        text = theirs[1] if theirs else str(one["content"] or "")
        said.append(Said(number, "contact" if one["role"] == "user" else "bot", text, clock.now()))
    profile = re.search(r"^# Company\n(\{.*)$", str(messages[0]["content"]), re.MULTILINE)
    known = json.loads(profile[1]) if profile else {}
    nobody = UUID(int=0)
    return Turn(nobody, nobody, nobody, "", known, (), tuple(said[:-1]), (said[-1],), {}, "bot", "", "", clock.now())


async def main(command: list[str]) -> int:
    async with serving(app) as base:
        settings = {"SAVDO_MODEL_API_BASE": f"{base}/v1", "SAVDO_MODELS": NAME}
        process = await asyncio.create_subprocess_exec(*command, env=os.environ | settings)
        return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
