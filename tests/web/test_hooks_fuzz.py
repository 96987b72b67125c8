"""Whatever is posted to a hook, signed or not, is answered, and never with a 5xx: what cannot be read is refused, what nobody
knows is kept."""

import functools
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from savdo.base import db
from savdo.channels import connections
from savdo.channels.models import KINDS
from tests.journeys.test_whatsapp import hooks_app

PAYLOADS = Path(__file__).parents[1] / "payloads"
# Nobody answers there: what is taken is acknowledged in vain, and at once.
NOWHERE = "http://127.0.0.1:9"
FUZZ = settings(
    derandomize=True, database=None, deadline=None, max_examples=25, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip


def meta_signed(body: bytes) -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.digest(b"app_secret_123", body, hashlib.sha256).hex()}


def waha_signed(body: bytes) -> dict[str, str]:
    return {"x-webhook-hmac": hmac.digest(b"right", body, hashlib.sha512).hex()}


@dataclass(frozen=True)
class Hook:
    """Where a kind's deliveries come to ("" for the connection's own address), how they are signed, and whose they are."""

    signed: Callable[[bytes], Mapping[str, str]]
    account: str = ""
    shared: str = ""


HOOKS: Mapping[str, Hook] = {
    "telegram_bot": Hook(lambda _: {"x-telegram-bot-api-secret-token": "right"}),
    "telegram_business": Hook(lambda _: {"x-telegram-bot-api-secret-token": "right"}),
    "waha": Hook(waha_signed),
    "sandbox": Hook(lambda _: {"x-sandbox-secret": "right"}),
    "whatsapp_cloud": Hook(meta_signed, "200000000000002", "/hooks/meta"),
    "messenger": Hook(meta_signed, "111", "/hooks/meta"),
    "instagram": Hook(meta_signed, "17841400000000001", "/hooks/meta"),
    # They have no hook, and whoever posts there is nobody.
    "telegram_userbot": Hook(lambda _: {}),
    "web_chat": Hook(lambda _: {}),
}

# Too long for an index of the database, and of a kind that does not shrink in it.
LONG = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(100))
TEXTS = st.text(max_size=12) | st.sampled_from(["", "\x00", "\ud800", "0", "-1", "1e400", "wamid.A", LONG, "😀" * 300, "2026-01-01"])
NUMBERS = st.integers() | st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**30, 1700000000, 1700000000000]) | st.floats()
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@functools.cache
def captured(kind: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((PAYLOADS / kind).glob("*.json"))]


def damaged(data: st.DataObject, value: Any) -> Any:
    """The same with some places changed, missing or there twice."""
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(places_in(value))
        if not places:
            break
        place, key = data.draw(st.sampled_from(places))
        match data.draw(st.sampled_from(["changed", "changed", "changed", "missing", "wrapped", "twice"])):
            case "missing":
                del place[key]
            case "wrapped":
                place[key] = data.draw(st.sampled_from([[place[key]], {"id": place[key]}, str(place[key])]))
            case "twice" if isinstance(place, list):
                place.append(place[key])
            case _:
                place[key] = data.draw(ANYTHING)
    return value


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (object or list, key) below a value."""
    for key in sorted(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places_in(value[key])


def posted(data: st.DataObject, kind: str) -> bytes:
    """A body as the other company might send it one day, or as nobody would."""
    payloads = captured(kind)
    if payloads and data.draw(st.integers(0, 5)):
        return json.dumps(damaged(data, json.loads(data.draw(st.sampled_from(payloads))))).encode()
    whole = data.draw(st.sampled_from(payloads)) if payloads else b"{}"
    junk = st.binary(max_size=40) | ANYTHING.map(lambda one: json.dumps(one).encode()) | st.sampled_from([b"[" * 3000, b"", b"\xff\xfe"])
    return data.draw(junk | st.integers(0, len(whole)).map(lambda end: whole[:end]))


@pytest.fixture(params=sorted(KINDS))
async def hook(request: pytest.FixtureRequest, tenant_id: UUID) -> tuple[str, Hook, str]:
    kind, found = request.param, HOOKS[request.param]
    async with db.step(tenant_id) as session:
        made = await connections.create(
            session, tenant_id, kind, "Shop", account=found.account or None,
            credentials={"secret": "right", "token": "1:" + "a" * 35, "api_key": "key"},
            settings={"api_base": NOWHERE, "business_id": "100000000000001", "comments": "privately"}, status="reconnect",
        )  # fmt: skip
    return kind, found, found.shared or f"/hooks/{kind}/{made.key}"


@FUZZ
@given(data=st.data())
async def test_that_whatever_is_posted_is_taken_or_refused_and_nothing_breaks(hook: tuple[str, Hook, str], data: st.DataObject) -> None:
    kind, far, address = hook
    body = posted(data, kind)
    app = httpx.ASGITransport(hooks_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=app, base_url="http://savdo.example") as client:
        answer = await client.post(address, content=body, headers=dict(far.signed(body)))
    assert answer.status_code in (200, 400, 401, 413, 422), answer.text


WORDS = st.text(max_size=30) | st.sampled_from(sorted(KINDS))


@FUZZ
@example(kind="sandbox", query={})
@given(kind=WORDS, query=st.dictionaries(st.sampled_from(["hub.mode", "hub.verify_token", "hub.challenge"]) | WORDS, WORDS, max_size=4))
async def test_that_an_address_of_nobody_is_nobodys(tenant_id: UUID, kind: str, query: dict[str, str]) -> None:
    # A key of this company's that is none, in every disguise that it could have.
    key = connections.new_key("hk_", tenant_id)
    app = httpx.ASGITransport(hooks_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=app, base_url="http://savdo.example") as client:
        for disguised in (key, key + "\x00", kind, f"pk_{kind}", key[:-1], ""):
            answer = await client.post(f"/hooks/{quote(kind, safe='')}/{quote(disguised, safe='')}", content=b"{}")
            assert answer.status_code in (404, 405), answer.text
        asked = await client.get("/hooks/meta", params=query)
        assert asked.status_code == 403
        answer = await client.post(
            "/hooks/meta", content=b"{}", headers=[(b"content-length", b"1e9"), (b"x-hub-signature-256", b"sha256=\xff")]
        )
        assert answer.status_code == 401
