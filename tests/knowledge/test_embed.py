"""Texts as vectors: the bundled model, and an endpoint of the usual kind."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import pytest

from savdo.ai import embed
from savdo.base.settings import settings


@pytest.fixture
def fresh_settings() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


@asynccontextmanager
async def endpoint(width: int, seen: list[dict[str, object]]) -> AsyncGenerator[str]:
    """A server that answers every request with vectors of `width` numbers, last text first."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        asked = json.loads(await reader.readexactly(length))
        seen.append(asked)
        data = [{"index": at, "embedding": [float(at)] * width} for at in reversed(range(len(asked["input"])))]
        body = json.dumps({"data": data}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def near(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_that_what_means_the_same_is_near_across_languages() -> None:
    delivery, question, weather = await embed.passages(["Доставка по городу бесплатная", "Жеткізу тегін", "Сегодня идёт снег"])
    asked = await embed.query("is delivery free?")
    assert near(asked, delivery) > near(asked, weather)
    assert near(asked, question) > near(asked, weather)
    assert len(asked) == embed.DIMENSIONS


@pytest.mark.parametrize("text", ["", " ", "\0", "a\0b", "\ud800", "x" * 100_000, "🙂" * 3_000], ids=range(7))
async def test_that_any_text_has_a_vector_of_length_one(text: str) -> None:
    vector = await embed.query(text)
    assert near(vector, vector) == pytest.approx(1.0, abs=1e-3)


async def test_that_many_at_once_are_the_same_as_one_by_one() -> None:
    texts = [f"how much is part {number}" for number in range(12)]
    together = await asyncio.gather(*(embed.query(text) for text in texts))
    assert together == [embed.query_now(text) for text in texts]


async def test_that_an_endpoint_is_asked_when_one_is_set(monkeypatch: pytest.MonkeyPatch, fresh_settings: None) -> None:
    seen: list[dict[str, object]] = []
    async with endpoint(384, seen) as url:
        monkeypatch.setenv("SAVDO_EMBEDDINGS_URL", url)
        monkeypatch.setenv("SAVDO_EMBEDDINGS_MODEL", "some-e5")
        vectors = await embed.passages(["a", "b"])
        await embed.query("c")
    assert [vector[0] for vector in vectors] == [0.0, 1.0]
    assert [one["input"] for one in seen] == [["passage: a", "passage: b"], ["query: c"]]


async def test_that_vectors_of_another_size_are_refused(monkeypatch: pytest.MonkeyPatch, fresh_settings: None) -> None:
    async with endpoint(1536, []) as url:
        monkeypatch.setenv("SAVDO_EMBEDDINGS_URL", url)
        with pytest.raises(embed.EmbeddingsFailed, match="384"):
            await embed.query("a")
