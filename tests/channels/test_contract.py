"""What every channel promises, asked of every kind in `KINDS`.

A new channel adds its payloads and one function to `FAR_SIDES` (far_sides.py).
"""

import json
import logging
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from savdo.base.db import new_id
from savdo.channels import marks, menus
from savdo.channels.abilities import Types
from savdo.channels.errors import BadPayload, BadSignature, Blocked, Busy, CannotTell, ChannelError, Disconnected, Refused, Uncertain
from savdo.channels.models import KINDS, Button, Choice, Event, File, Inbound, MediaKind, Menu, Outbound, Template, channel
from tests.channels.far_sides import FAR_SIDES, FarSide, connection_of
from tests.emulators.speech import sound

PAYLOADS = Path(__file__).parents[1] / "payloads"
EVENTS = set(get_args(Event))
VOICES = {"opus": "audio/ogg", "mp3": "audio/mpeg", "aac": "audio/aac"}
MENU = Menu("Teas", (Choice("1", "Sencha", "84 000"), Choice("2", "Puer")))
PERMANENT: Mapping[type[ChannelError], bool] = {Blocked: True, Refused: True, Disconnected: True, Uncertain: True, Busy: False}


@pytest_asyncio.fixture(params=sorted(KINDS))
async def far(request: pytest.FixtureRequest) -> AsyncGenerator[FarSide]:
    async with FAR_SIDES[request.param]() as far_side:
        yield far_side


def to(far: FarSide, text: str = "Hello", **more: Any) -> Outbound:
    return Outbound(new_id(), far.thread_id, text, **more)


def payloads(kind: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((PAYLOADS / kind).glob("*.json"))]


async def test_that_an_adapter_is_of_its_kind(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    assert adapter.kind == far.connection.channel
    assert 160 <= adapter.longest_text <= 20_000


async def test_that_a_forged_body_is_refused(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    forged: list[dict[str, str]] = [{}, *({name: value} for name in far.signed or ("x-hub",) for value in ("", "wrong", "righ", "rıght"))]
    for headers in forged:
        with pytest.raises(BadSignature):
            adapter.verify(far.connection, headers, b"{}")
    if far.signed is not None:
        adapter.verify(far.connection, far.signed, b"{}")


async def test_that_captured_payloads_are_read_and_read_again_the_same(far: FarSide) -> None:
    kind = far.connection.channel
    # A channel with a hook, or one that we listen to, has payloads, and one without has none.
    assert bool(payloads(kind)) == (far.signed is not None or far.hears)
    # Those of other companies, as their sheets tell them.
    assert len(payloads(kind)) >= 15 or kind in ("web_chat", "sandbox")
    for body in payloads(kind):
        inbounds = channel(kind).parse(far.connection, body)
        assert inbounds
        assert inbounds == channel(kind).parse(far.connection, body)
        for inbound in inbounds:
            _is_whole(inbound)


def _is_whole(inbound: Inbound) -> None:
    assert inbound.event in EVENTS
    assert inbound.external_id
    if inbound.event == "unknown":
        assert inbound.raw
        return
    if inbound.event == "alert":
        # Of the whole connection: nobody has said it in any conversation.
        return
    assert inbound.thread_id
    assert inbound.sender.external_id
    assert not inbound.raw
    assert inbound.sent_at is None or inbound.sent_at.utcoffset() is not None
    assert all(one.kind in get_args(MediaKind) and one.reference for one in inbound.media)
    if inbound.event == "message":
        assert inbound.text or inbound.media or inbound.location or inbound.sender.phone or inbound.products


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_that_junk_is_a_bad_payload_and_nothing_else(kind: str, data: st.DataObject) -> None:
    body = data.draw(st.binary(max_size=40) | ANYTHING.map(lambda value: json.dumps(value).encode()))
    _only_bad_payload(kind, body)


@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if payloads(kind)))
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_that_a_damaged_payload_is_a_bad_payload_or_unknown(kind: str, data: st.DataObject) -> None:
    value = json.loads(data.draw(st.sampled_from(payloads(kind))))
    place: Any = value
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(ANYTHING)
            break
        place = place[key]
    _only_bad_payload(kind, json.dumps(value).encode())


def _only_bad_payload(kind: str, body: bytes) -> None:
    try:
        inbounds = channel(kind).parse(connection_of(kind, {"secret": "right"}), body)
    except BadPayload:
        return
    for inbound in inbounds:
        assert inbound.event in EVENTS
        assert inbound.external_id
        # PostgreSQL keeps neither, and a message must not be lost for it.
        assert "\\u0000" not in json.dumps(dict(inbound.raw), allow_nan=False)


@pytest.mark.parametrize("error", list(PERMANENT), ids=[error.code for error in PERMANENT])
@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if kind != "web_chat"))
async def test_that_a_refusal_carries_its_verdict_and_no_log_knows_a_secret(
    kind: str, error: type[ChannelError], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with FAR_SIDES[kind]() as far:
        far.refusals[error]()
        with pytest.raises(ChannelError) as caught:
            await channel(kind).send(far.connection, to(far))
    assert type(caught.value) is error
    assert caught.value.permanent == PERMANENT[error]
    assert caught.value.message
    said = "".join((caplog.text, *capsys.readouterr(), repr(caught.value), repr(far.connection)))
    assert [name for name, secret in far.connection.credentials.items() if secret in said] == []


async def test_that_the_same_messages_are_accepted(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    buttons = (Button("slot:1", "Ertaga 10:00 🍵"), Button("", "Сайт", "https://oqchoy.example/?a=1&b=2"))
    picture, paper = File("image", "choy.png", "image/png", b"png"), File("file", "нарх <1>.pdf", "application/pdf", b"pdf")
    messages = (
        to(far), to(far, "**Ko‘k choy** 45 000 so‘m & <b>\n- one\n- two\nhttps://oqchoy.example/?a=1&b=2_c"),
        to(far, "Pick", buttons=buttons), to(far, "", files=(picture,)), to(far, "Both", files=(picture, paper), buttons=buttons),
        to(far, "Yes", reply_to=far.message_id),
    )  # fmt: skip
    rest = (
        to(far, "", files=(File("voice", "answer", VOICES[adapter.limits.voice], sound(adapter.limits.voice)),)),
        to(far, "", files=(File("video", "tea.mp4", "video/mp4", b"mp4"),)),
        to(far, "Which?", menu=MENU) if adapter.limits.menus else menus.as_text(to(far, "Which?", menu=MENU)),
        *([to(far, "Visit", template=Template("visit_reminder", "en", (("", "Ana"), ("", "16:00"))))] if adapter.limits.templates else ()),
    )
    sent = [await adapter.send(far.connection, one) for one in (*messages, *rest)]
    assert all(sent)
    assert len(set(sent)) == len(sent)


async def test_that_a_text_of_any_length_arrives_whole_in_pieces_that_fit(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    text = " ".join(f"{number} choy 🍵." for number in range(adapter.longest_text // 5))
    assert await adapter.send(far.connection, to(far, text))
    if far.received is not None:
        assert all(marks.units(one) <= adapter.longest_text for one in far.received())
        assert " ".join(far.received()) == text


async def test_that_looking_for_a_message_tells_the_truth_or_that_it_cannot(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    outbound = to(far)
    sent = await adapter.send(far.connection, outbound)
    try:
        assert await adapter.find(far.connection, outbound) == sent
    except CannotTell:
        return
    # The web chat's message has arrived when its row stands, so there it is never missing.
    assert await adapter.find(far.connection, to(far)) is None or far.signed is None


async def test_that_a_connection_can_be_checked_joined_and_left(far: FarSide) -> None:
    adapter = channel(far.connection.channel)
    await adapter.subscribe(far.connection, "https://savdo.example/hooks/key")
    if isinstance(adapter, Types):
        await adapter.typing(far.connection, far.thread_id)
    assert (await adapter.check(far.connection)).name
    await adapter.subscribe(far.connection, "")


def test_that_every_kind_has_a_far_side_here() -> None:
    assert set(FAR_SIDES) == set(KINDS)
