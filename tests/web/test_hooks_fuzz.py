"""Whatever is posted to a hook, signed or not, is answered, and never with a 5xx: what cannot be read is refused, what nobody
knows is kept."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from savdo.channels import connections
from savdo.channels.models import KINDS
from tests.web.posting import HOOKS, captured, connected, posting

FUZZ = settings(
    derandomize=True, database=None, deadline=None, max_examples=25, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
# Too long for an index of the database, and of a kind that does not shrink in it.
LONG = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(100))
TEXTS = st.text(max_size=12) | st.sampled_from(["", "\x00", "\ud800", "0", "-1", "1e400", "wamid.A", LONG, "😀" * 300, "2026-01-01"])
NUMBERS = st.integers() | st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**30, 1700000000, 1700000000000]) | st.floats()
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


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
async def hook(request: pytest.FixtureRequest, tenant_id: UUID) -> tuple[str, str]:
    """A kind, and where it is posted to."""
    _, address = await connected(tenant_id, request.param)
    return request.param, address


@FUZZ
@given(data=st.data())
async def test_that_whatever_is_posted_is_taken_or_refused_and_nothing_breaks(hook: tuple[str, str], data: st.DataObject) -> None:
    kind, address = hook
    body = posted(data, kind)
    async with posting() as client:
        answer = await client.post(address, content=body, headers=dict(HOOKS[kind].signed(body)))
    assert answer.status_code in (200, 400, 401, 413, 422), answer.text


WORDS = st.text(max_size=30) | st.sampled_from(sorted(KINDS))


@FUZZ
@example(kind="sandbox", query={})
@given(kind=WORDS, query=st.dictionaries(st.sampled_from(["hub.mode", "hub.verify_token", "hub.challenge"]) | WORDS, WORDS, max_size=4))
async def test_that_an_address_of_nobody_is_nobodys(tenant_id: UUID, kind: str, query: dict[str, str]) -> None:
    # A key of this company's that is none, in every disguise that it could have.
    key = connections.new_key("hk_", tenant_id)
    async with posting() as client:
        for disguised in (key, key + "\x00", kind, f"pk_{kind}", key[:-1], ""):
            answer = await client.post(f"/hooks/{quote(kind, safe='')}/{quote(disguised, safe='')}", content=b"{}")
            assert answer.status_code in (404, 405), answer.text
        asked = await client.get("/hooks/meta", params=query)
        assert asked.status_code == 403
        answer = await client.post(
            "/hooks/meta", content=b"{}", headers=[(b"content-length", b"1e9"), (b"x-hub-signature-256", b"sha256=\xff")]
        )
        assert answer.status_code == 401
