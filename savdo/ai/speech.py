"""Speech: what a voice message says, and a text spoken.

An OpenAI-compatible server writes speech down (`SAVDO_SPEECH_URL`), or faster-whisper on this machine (`SAVDO_SPEECH_FOLDER`,
the extra `speech`), which also stands in when the server cannot. Without either this is off. Speaking is a server of its own
(`SAVDO_VOICE_URL`). Source: the fact sheet on speech.
"""

import asyncio
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, Final, Literal, Protocol, cast

from savdo.ai.talk import Usage
from savdo.base import http
from savdo.base.errors import Invalid, RateLimited, Unavailable
from savdo.base.settings import settings

Container = Literal["opus", "mp3", "aac"]
# Named by a string: what writes down on this machine and what codes a sound anew, because they need an extra, and the prices,
# because their list takes half a second.
PRICES: Final = "savdo.ai.prices"
LOCAL: Final = "savdo.ai.whisper"
HERE: Final = "faster-whisper"
SOUNDS: Final = "savdo.ai.sounds"
LISTEN_S: Final = 60.0
SPEAK_S: Final = 30.0
LONGEST_SPOKEN: Final = 1500
LARGEST: Final = 25_000_000
# Above it a model of the Whisper family heard nobody speak and made something up.
NO_SPEECH: Final = 0.6
# What such models write for silence, having learned it from subtitles.
MADE_UP: Final = re.compile(
    r"(?:thank(?:s| you)(?: (?:so much )?for watching)?|subtitles? by.*|продолжение следует|субтитры (?:сделал|создавал|подогнал).*|"
    r"спасибо за просмотр|e'?tiboringiz uchun rahmat|you|\.+)[\s.!…]*",
    re.IGNORECASE,
)
# Some servers name the language in English.
LANGUAGES: Final[Mapping[str, str]] = {"uzbek": "uz", "russian": "ru", "kazakh": "kk", "english": "en"}
NAMES: Final[Mapping[str, str]] = {
    "audio/ogg": "voice.ogg", "audio/mpeg": "voice.mp3", "audio/mp4": "voice.m4a", "audio/webm": "voice.webm", "audio/wav": "voice.wav",
}  # fmt: skip
LINK: Final = re.compile(r"https?://\S+|www\.\S+")


class SpeechRefused(Invalid):
    """The speech server does not take this: its key, its model or the sound is wrong."""

    code = "speech_refused"


class NotReadable(SpeechRefused):
    """The speech server cannot read this container of sound."""


class SpeechBusy(RateLimited):
    """The speech server asks to wait."""

    code = "speech_busy"


class SpeechFailed(Unavailable):
    """The speech server failed."""

    code = "speech_failed"


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. `language` is a two-letter code, "" when nobody told; `seconds` the length of the sound, 0 when unknown;
    `usage` the tokens the server counted, if it counts any; `ms` how long it took."""

    text: str
    language: str
    seconds: float
    model: str
    ms: int = 0
    usage: Usage = field(default_factory=Usage)


class NotHeard(Invalid):
    """Nobody could be understood in this voice message."""

    code = "not_heard"

    def __init__(self, found: Transcript | None = None) -> None:
        super().__init__()
        # A server that heard nothing is paid all the same.
        self.found = found


class Whisper(Protocol):
    """What the local engine's module offers."""

    async def transcribe(self, content: bytes, language: str, folder: str) -> tuple[str, str, float, float]:
        """Text, language, seconds, and how likely nobody speaks."""
        ...


class Prices(Protocol):
    """What a call costs, in millionths of USD, and whether that is known."""

    def heard(self, seconds: float, usage: Usage) -> tuple[int, bool]: ...

    def spoken(self, text: str) -> tuple[int, bool]: ...


def listens() -> bool:
    """Whether voice messages can be written down."""
    return bool(settings().speech_url) or _local() is not None


def speaks() -> bool:
    return bool(settings().voice_url)


async def prices() -> Prices:
    return cast(Prices, await asyncio.to_thread(import_module, PRICES))


async def transcribe(content: bytes, mime: str, language: str = "") -> Transcript:
    """What a voice message says; `language` is the customer's, where it is known (two letters).

    Raises NotHeard and SpeechRefused for good; SpeechBusy, SpeechFailed and what `http.send` raises may pass.
    """
    started = time.perf_counter()
    try:
        found = await _by_server(content, mime, language)
    except (SpeechRefused, Unavailable, RateLimited):
        if _local() is None:
            raise
        return await transcribe_here(content, language)
    return _understood(found, language, started)


async def transcribe_here(content: bytes, language: str = "") -> Transcript:
    """As `transcribe`, by the engine on this machine, which costs nothing. Raises SpeechRefused where there is none."""
    started, local = time.perf_counter(), _local()
    if local is None:
        raise SpeechRefused("No engine writes this down here.")
    text, told, seconds, silent = await local.transcribe(content, language, settings().speech_folder)
    return _understood(Transcript("" if silent > NO_SPEECH else text, told, seconds, HERE), language, started)


async def speak(text: str, container: Container) -> bytes:
    """A text as sound: `opus` in an OGG container, `mp3` or `aac`. Raises as `spoken`, and SpeechRefused, SpeechBusy,
    SpeechFailed, and what `http.send` raises."""
    asked = {"model": settings().voice_model, "voice": settings().voice_name, "input": spoken(text), "response_format": container}
    answer = await http.send(
        "POST", f"{settings().voice_url.rstrip('/')}/audio/speech", service="voice", json=asked, timeout=SPEAK_S, tries=2,
        headers={"Authorization": f"Bearer {settings().voice_key.get_secret_value()}"},
    )  # fmt: skip
    _accepted(answer)
    return answer.body


def spoken(text: str) -> str:
    """A text as it is read aloud: no marks, no links, no emoji. Raises Invalid for one that is too long to listen to."""
    plain = LINK.sub("", text.replace("**", ""))
    said = " ".join("".join(one for one in plain if ord(one) < 0x2600 or 0x3000 <= ord(one) < 0xFE00).split())
    if not said or len(said) > LONGEST_SPOKEN:
        raise Invalid("This text is not for reading aloud.")
    return said


def _understood(found: Transcript, language: str, started: float) -> Transcript:
    text = found.text.strip()
    if not any(letter.isalnum() for letter in text) or MADE_UP.fullmatch(text):
        raise NotHeard(found)
    return replace(found, text=text, language=found.language or language, ms=round((time.perf_counter() - started) * 1000))


async def _by_server(content: bytes, mime: str, language: str) -> Transcript:
    try:
        return await _asked(content, mime, language)
    except NotReadable:
        sounds = _module(SOUNDS)
        plain: bytes = await asyncio.to_thread(sounds.wav, content) if sounds is not None and mime != "audio/wav" else b""
        if not plain:
            raise
    return await _asked(plain, "audio/wav", language)


async def _asked(content: bytes, mime: str, language: str) -> Transcript:
    base = settings().speech_url.rstrip("/")
    if not base or len(content) > LARGEST:
        raise SpeechRefused("No server writes this down.")
    form = {"model": settings().speech_model, "response_format": "json", **({"language": language} if language else {})}
    # The name must fit: some servers go by its extension, and `.oga` is unknown to them.
    name = NAMES.get(mime, "voice.ogg")
    answer = await http.send(
        "POST", f"{base}/audio/transcriptions", service="speech", form=form, files={"file": (name, content, mime)}, timeout=LISTEN_S,
        headers={"Authorization": f"Bearer {settings().speech_key.get_secret_value()}"},
    )  # fmt: skip
    _accepted(answer)
    return _read(answer)


def _accepted(answer: http.Answer) -> None:
    if answer.ok:
        return
    # What it says may repeat the key; only the status is told.
    if answer.status == 429 and "insufficient_quota" not in answer.text:
        raise SpeechBusy(retry_after=min(answer.retry_after or 1.0, 10.0))
    if answer.status >= 500:
        raise SpeechFailed(f"The speech server answered {answer.status}.")
    raise (NotReadable if answer.status in (400, 415) else SpeechRefused)(f"The speech server answered {answer.status}.")


def _read(answer: http.Answer) -> Transcript:
    model = settings().speech_model
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return Transcript(answer.text, "", 0, model)
    found: Any = answer.json()
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise SpeechFailed("The speech server answered with something that cannot be read.")
    counted: Any = found.get("usage")
    usage: dict[str, Any] = counted if isinstance(counted, dict) else {}
    seconds = _number(found.get("duration")) or _number(usage.get("seconds"))
    tokens = Usage(int(_number(usage.get("input_tokens"))), int(_number(usage.get("output_tokens"))))
    segments = [one for one in found.get("segments") or () if isinstance(one, dict)]
    silent = bool(segments) and all(_number(one.get("no_speech_prob")) > NO_SPEECH for one in segments)
    told = str(found.get("language") or "").lower()
    return Transcript("" if silent else found["text"], LANGUAGES.get(told, told[:2]), seconds, model, usage=tokens)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) else 0.0


def _local() -> Whisper | None:
    return _module(LOCAL) if settings().speech_folder else None


def _module(name: str) -> Any:
    """A module that needs an extra, None where that is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None
