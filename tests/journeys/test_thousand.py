"""A thousand events of every kind are delivered: repeated, out of order, among junk. Nothing breaks, is lost, or is kept twice."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import httpx

from savdo.base import db
from tests.web.posting import HOOKS, PAYLOADS, captured, connected, posting

MESSAGES, PEOPLE, AT_ONCE = 80, 4, 12
BATCHED = ("whatsapp_cloud", "messenger", "instagram")
# By kind: its samples of a message and of an edit, and what is written over in both.
SAMPLES: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "telegram_bot": ("message__text", "edited_message__text", {
        '"id": 42,': '"id": 7{person},', '"message_id": 12,': '"message_id": 1{number},', '"message_id": 30,': '"message_id": 1{number},',
        '"Salom, ko‘k choy bormi? 🍵"': '"{text}"', '"new"': '"{text}"',
    }),
    "telegram_business": ("business_message__text", "edited_business_message__text", {
        '"id": 42,': '"id": 7{person},', '"message_id": 55,': '"message_id": 1{number},', "Do you have size M?": "{text}",
        "Do you have size L?": "{text}",
    }),
    "waha": ("message_any__text", "message_edited", {
        "15550002222": "1555{person:07}", "3EB0AAAA": "3EB0{number:08}", '"Hola, buenas"': '"{text}"', '"Hola"': '"{text}"',
    }),
    "whatsapp_cloud": ("text", "edit", {
        "15550002222": "1555{person:07}", "US.10000000000000000001": "US.{person}", "wamid.IN1": "wamid.N{number}",
        "wamid.IN2": "wamid.E{number}", "Hola, ¿cuánto cuesta?": "{text}", "new text": "{text}",
    }),
    "messenger": ("message__text", "message_edit", {
        "PSID1": "PSID{person}", "m_IN1": "m_N{number}", "Hola": "{text}", "new text": "{text}",
    }),
    "instagram": ("message__text", "message_edit", {
        "IGSID1": "IGSID{person}", "aWdf_IN1": "aWdf_N{number}", "Hola": "{text}", "new text": "{text}",
    }),
}  # fmt: skip


def said(kind: str, number: int, *, edited: bool = False) -> bytes:
    """The message of this number, or the edit of it."""
    sample = SAMPLES[kind][edited]
    body = json.dumps(json.loads((PAYLOADS / kind / f"{sample}.json").read_text()), ensure_ascii=False)
    for old, new in SAMPLES[kind][2].items():
        body = body.replace(old, new.format(person=number % PEOPLE, number=number, text=text_of(number, edited=edited)))
    return body.encode()


def text_of(number: int, *, edited: bool) -> str:
    return f"{'edited' if edited else 'message'} {number}"


def events() -> Iterator[tuple[str, bytes]]:
    """What comes after everybody's first message: each message at least once, some edited, most twice, and whatever else."""
    for kind in SAMPLES:
        for number in range(PEOPLE, MESSAGES):
            yield from [(kind, said(kind, number))] * (1 + (number % 3 != 0))
            if is_edited(number):
                yield from [(kind, said(kind, number, edited=True))] * 2
        yield from ((kind, body) for body in captured(kind))


def is_edited(number: int) -> bool:
    return number % 10 == 9


def together(found: Sequence[tuple[str, bytes]], chance: random.Random) -> list[tuple[str, bytes]]:
    """The same in any order, Meta's several in one body, as it does; and junk between them."""
    posts: list[tuple[str, bytes]] = []
    for kind in SAMPLES:
        waiting = [body for one, body in found if one == kind]
        chance.shuffle(waiting)
        while waiting:
            some = [waiting.pop() for _ in range(min(len(waiting), chance.randint(1, 8) if kind in BATCHED else 1))]
            posts.append((kind, some[0] if len(some) == 1 else merged(some)))
        posts += [(kind, body[: len(body) // 2]) for body in captured(kind)[:3]]
    chance.shuffle(posts)
    return posts


def merged(bodies: Sequence[bytes]) -> bytes:
    found = [json.loads(body) for body in bodies]
    found = [one[0] if isinstance(one, list) else one for one in found]
    return json.dumps({**found[0], "entry": [entry for one in found for entry in one["entry"]]}).encode()


async def test_that_a_thousand_mixed_events_lose_and_double_nothing(tenant_id: UUID) -> None:
    places = {kind: await connected(tenant_id, kind) for kind in SAMPLES}
    found = list(events())
    assert len(found) >= 1000
    posts = together(found, random.Random(5))
    results: Counter[int] = Counter()

    async def post(client: httpx.AsyncClient, kind: str, body: bytes, signed: Mapping[str, str]) -> None:
        results[(await client.post(places[kind][1], content=body, headers=dict(signed))).status_code] += 1

    async with posting() as client:
        for kind in SAMPLES:
            for number in range(PEOPLE):
                body = said(kind, number)
                await post(client, kind, body, HOOKS[kind].signed(body))
                await post(client, kind, body, {})
        for start in range(0, len(posts), AT_ONCE):
            await asyncio.gather(*(post(client, kind, body, HOOKS[kind].signed(body)) for kind, body in posts[start : start + AT_ONCE]))
    # What was said is taken, what is cut off is none of it, and what is not signed is nobody's.
    assert results == {200: len(posts) - 3 * len(SAMPLES) + PEOPLE * len(SAMPLES), 400: 3 * len(SAMPLES), 401: PEOPLE * len(SAMPLES)}
    wanted = Counter(text_of(number, edited=number >= PEOPLE and is_edited(number)) for number in range(MESSAGES))
    async with db.step(tenant_id) as session:
        kept = await db.rows(session, "SELECT connection_id, external_id, text FROM messages WHERE direction = 'in'")
    for connection, _ in places.values():
        mine = [one for one in kept if one["connection_id"] == connection.id]
        assert Counter(one["text"] for one in mine if one["text"].startswith(("message ", "edited "))) == wanted, connection.channel
        assert max(Counter(one["external_id"] for one in mine).values()) == 1
