"""faster-whisper on this machine: the only file that imports it, loaded only where the folder of a model is set.

Source: the fact sheet on speech. It takes a core for as long as it works, so one message is written down at a time.
"""

import asyncio
import functools
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from faster_whisper import WhisperModel  # pyright: ignore[reportMissingImports] # an optional extra

_threads = ThreadPoolExecutor(1, thread_name_prefix="speech")


async def transcribe(content: bytes, language: str, folder: str) -> tuple[str, str, float, float]:
    """Text, language, seconds, and how likely nobody speaks (0 to 1)."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _transcribed, content, language, folder)


def _transcribed(content: bytes, language: str, folder: str) -> tuple[str, str, float, float]:
    # The work happens while the segments are walked.
    segments, info = _model(folder).transcribe(io.BytesIO(content), language=language or None, vad_filter=True, beam_size=5)
    found = list(segments)
    silent = min((one.no_speech_prob for one in found), default=1.0)
    return " ".join(one.text.strip() for one in found), info.language, info.duration, silent


@functools.cache
def _model(folder: str) -> Any:
    return WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=2, local_files_only=True)
