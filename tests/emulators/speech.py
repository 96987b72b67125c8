"""A speech server in OpenAI's wire format: sound in, words out, and the other way round.

It really decodes what it is sent and really codes what it says. What was said is told by `says`, in order, the last one stays:
words, or the name of a fault: "429", "500", "401", "400", "quota", "silence", "text" (plain text instead of JSON), "junk".
While `gate` is not set, a transcription waits for it.
"""

import asyncio
import io
import json
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

CODECS = {"opus": ("ogg", "libopus"), "mp3": ("mp3", "libmp3lame"), "aac": ("adts", "aac")}
FAULTS = {"429": 429, "500": 500, "401": 401, "400": 400, "quota": 429}


def sound(container: str = "opus", seconds: float = 0.3) -> bytes:
    """A tone, coded."""
    kind, codec = CODECS[container]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as output:
        stream = output.add_stream(codec, rate=48000)
        stream.layout = "mono"  # pyright: ignore[reportAttributeAccessIssue] # an audio stream has one
        samples = (np.sin(np.arange(int(48000 * seconds)) * 0.06) * 8000).astype(np.int16)[None, :]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 48000
        for packet in [*stream.encode(frame), *stream.encode(None)]:  # pyright: ignore[reportCallIssue, reportArgumentType, reportAttributeAccessIssue] # an audio stream's own
            output.mux(packet)
    return buffer.getvalue()


def seconds_of(content: bytes) -> float:
    """The length of a sound, by decoding it. Raises av.FFmpegError for what is none."""
    with av.open(io.BytesIO(content), "r") as source:
        return sum(frame.samples / frame.sample_rate for frame in source.decode(audio=0))


@dataclass
class Speech:
    """`heard` are the transcriptions asked for (name, mime, language, seconds, key), `spoken` the texts with their container."""

    says: list[str] = field(default_factory=lambda: ["Sencha choyi necha pul?"])
    heard: list[tuple[str, str, str, float, str]] = field(default_factory=list[tuple[str, str, str, float, str]])
    spoken: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    mute: bool = False
    gate: asyncio.Event | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        answer = await (self._written(request) if scope["path"].endswith("/audio/transcriptions") else self._read_aloud(request))
        await answer(scope, receive, send)

    async def _written(self, request: Request) -> Response:
        form: FormData = await request.form()
        file = form["file"]
        assert isinstance(file, UploadFile)
        content = await file.read()
        await form.close()
        key = request.headers["authorization"].removeprefix("Bearer ")
        seconds = round(seconds_of(content), 1)
        self.heard.append((file.filename or "", file.content_type or "", str(form.get("language", "")), seconds, key))
        if self.gate is not None:
            await self.gate.wait()
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if said in FAULTS:
            error = {"message": f"no: {key}", "code": "insufficient_quota" if said == "quota" else None}
            return JSONResponse({"error": error}, FAULTS[said], {"retry-after": "0"})
        if said == "text":
            return PlainTextResponse("Sencha choyi necha pul?")
        if said == "junk":
            return Response(b"{", media_type="application/json")
        if said == "silence":
            return JSONResponse({"text": "Thanks for watching!", "segments": [{"no_speech_prob": 0.9}]})
        return JSONResponse({"text": said, "language": "uzbek", "duration": seconds})

    async def _read_aloud(self, request: Request) -> Response:
        asked = json.loads(await request.body())
        if self.mute:
            return JSONResponse({"error": {"message": "no"}}, 400)
        self.spoken.append((asked["input"], asked["response_format"]))
        return Response(sound(asked["response_format"]), media_type="audio/mpeg")
