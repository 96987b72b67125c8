"""What Meta and others deliver for pages and Instagram accounts: nothing lost, nothing doubled, no 5xx."""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

from savdo.base import db
from savdo.channels import connections
from tests.web.test_meta_hook import HOSTILE, changed, client, post, stored

PAYLOADS = Path(__file__).parents[1] / "payloads"
ACCOUNTS = {"messenger": "111", "instagram": "17841400000000001"}


async def connected(tenant_id: UUID) -> None:
    async with db.step(tenant_id) as session:
        for kind, account in ACCOUNTS.items():
            settings = {"page_id": "111", "business_id": "111", "comments": "privately"}
            await connections.create(session, tenant_id, kind, "Shop", account=account, settings=settings)


def numbered(kind: str, number: int) -> bytes:
    """A message of one of five people, as the sample of a text."""
    body = json.loads((PAYLOADS / kind / "message__text.json").read_text())
    item = body["entry"][0]["messaging"][0]
    item["sender"]["id"], item["timestamp"] = f"P{number % 5}", 1790416800000 + number
    item["message"] = {"mid": f"mid{number}", "text": f"message {number}"}
    return json.dumps(body).encode()


async def test_that_a_heap_of_mixed_deliveries_loses_and_doubles_nothing(tenant_id: UUID) -> None:
    await connected(tenant_id)
    chance = random.Random(7)
    others = [path.read_bytes() for kind in ACCOUNTS for path in sorted((PAYLOADS / kind).glob("*.json"))]
    texts = [numbered(kind, number) for kind in ACCOUNTS for number in range(15)]
    heap = [*texts, *texts, *others, *others]
    chance.shuffle(heap)
    results: Counter[int] = Counter()
    async with client() as browser:
        for start in range(0, len(heap), 8):
            results.update(await asyncio.gather(*(post(browser, body) for body in heap[start : start + 8])))
    assert results == {200: len(heap)}
    found = await stored(tenant_id)
    assert sum(one["text"].startswith("message ") for one in found) == len(texts)
    assert max(Counter((one["connection_id"], one["direction"], one["external_id"]) for one in found).values()) == 1
    # Wherever it was told, the link's parameter is kept.
    async with db.step(tenant_id) as session:
        told = await db.rows(session, "SELECT attributes->'came_by' AS by FROM contacts WHERE attributes ? 'came_by'")
    assert {row["by"]["first"].get("ref") for row in told} == {"c42"}


async def test_that_hostile_values_stop_nothing(tenant_id: UUID) -> None:
    await connected(tenant_id)
    samples: list[tuple[str, str, tuple[str, ...]]] = [
        ("messenger", "message__ad_referral", ("id", "mid", "text", "timestamp", "referral", "ad_id", "ad_title", "sender", "message")),
        ("messenger", "message__image", ("attachments", "type", "payload", "url")), ("messenger", "read", ("watermark",)),
        ("instagram", "reaction", ("mid", "emoji", "action")), ("instagram", "comments", ("id", "text", "from", "field", "value")),
        ("instagram", "message__story_reply", ("reply_to", "story", "url")), ("messenger", "message__location", ("lat", "coordinates")),
    ]  # fmt: skip
    async with client() as browser:
        for kind, name, keys in samples:
            sample: Any = json.loads((PAYLOADS / kind / f"{name}.json").read_text())
            for key in keys:
                statuses = await asyncio.gather(*(post(browser, changed(sample, key, new)) for new in HOSTILE))
                assert set(statuses) <= {200, 400}, (kind, name, key)
        assert await post(browser, (PAYLOADS / "messenger" / "message__text.json").read_bytes()) == 200
    assert "Hola" in [one["text"] for one in await stored(tenant_id)]
