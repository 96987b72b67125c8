"""WAHA: what its engines deliver, what its answers mean, and how a phone is linked."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from savdo.base import circuit
from savdo.base.db import new_id
from savdo.channels import waha_api, waha_updates
from savdo.channels.abilities import Reserves
from savdo.channels.errors import BadSignature, Blocked, Busy, ChannelError, Disconnected, Refused, Uncertain, Unreachable, Withheld
from savdo.channels.models import Button, Choice, Connection, File, Inbound, Media, Menu, Outbound, channel
from tests.channels.far_sides import connection_of
from tests.emulators.serving import serving
from tests.emulators.waha import PNG, Waha

PAYLOADS = Path(__file__).parents[1] / "payloads" / "waha"
CHAT = "15550002222@c.us"
OGG = b"OggS" + bytes(24) + b"OpusHead" + bytes(60)


def read(name: str) -> Inbound:
    [found] = waha_updates.inbounds((PAYLOADS / f"{name}.json").read_bytes())
    return found


@pytest.mark.parametrize(
    ("name", "event", "wanted"),
    [
        ("message_any__text", "message", {"external_id": "3EB0AAAA", "thread_id": CHAT, "text": "Hola"}),
        ("message__text_webjs", "message", {"external_id": "3EB0AAAA", "text": "Hola"}),
        ("message_any__text_noweb", "message", {"external_id": "3EB0AAAA", "text": "Hola"}),
        ("message_any__lid", "message", {"thread_id": "111222333@lid"}),
        ("message_any__location_texts", "message", {"location": (40.41, -3.7), "text": ""}),
        ("message_any__contact", "message", {"text": "Bob Builder +1 555 000-3333"}),
        ("message_any__reply", "message", {"reply_to": "AAAABBBB"}),
        ("message_any__own_app", "echo", {"external_id": "3EB0BBBB", "thread_id": CHAT, "own": True}),
        ("message_any__own_api", "echo", {"external_id": "3EB0BBBB", "own": True}),
        ("message_any__group", "unknown", {"thread_id": ""}),
        ("message_reaction", "reaction", {"external_id": "3EB0BBBB", "reaction": "👍"}),
        ("message_reaction__removed", "reaction", {"external_id": "3EB0BBBB", "reaction": ""}),
        ("message_edited", "edited", {"external_id": "3EB0AAAA", "text": "Hola, buenas"}),
        ("message_revoked", "deleted", {"external_id": "3EB0AAAA", "own": False}),
        ("session_status", "session", {}),
    ],
)
def test_that_a_payload_is_read(name: str, event: str, wanted: dict[str, Any]) -> None:
    found = read(name)
    assert found.event == event
    assert {key: getattr(found, key) for key in wanted} == wanted


def test_that_a_customer_is_named_and_known_by_phone_whichever_engine_tells() -> None:
    named = [read(name).sender for name in ("message_any__text", "message__text_webjs", "message_any__text_noweb")]
    assert {(one.external_id, one.name, one.phone) for one in named} == {(CHAT, "Ana", "+15550002222")}
    hidden = read("message_any__lid").sender
    assert (hidden.external_id, hidden.aliases, hidden.phone) == ("111222333@lid", (CHAT,), "+15550002222")
    referral = read("message_any__ad").referral
    assert referral is not None
    assert (referral.ad_id, referral.click_id) == ("1200", "ARabc")


def test_that_receipts_say_what_became_of_a_message_of_ours() -> None:
    found = {name: read(f"message_ack__{name}").receipt for name in ("read", "played", "error")}
    assert {name: one and (one.status, one.external_id) for name, one in found.items()} == {
        "read": ("read", "3EB0BBBB"), "played": ("read", "3EB0BBBB"), "error": ("failed", "3EB0BBBB"),
    }  # fmt: skip
    pending = json.loads((PAYLOADS / "message_ack__read.json").read_text())
    pending["payload"]["ack"] = 0
    assert waha_updates.inbounds(json.dumps(pending).encode()) == []


def test_that_the_signature_is_the_one_of_the_fact_sheet_and_no_other_algorithm() -> None:
    body = b'{"event":"message","session":"default","engine":"WEBJS"}'
    signature = (
        "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
    )
    made = connection_of("waha", {"secret": "my-secret-key"})
    channel("waha").verify(made, {"x-webhook-hmac": signature, "x-webhook-hmac-algorithm": "sha512"}, body)
    for headers in ({"x-webhook-hmac": signature, "x-webhook-hmac-algorithm": "sha256"}, {"x-webhook-hmac": signature.upper()}):
        with pytest.raises(BadSignature):
            channel("waha").verify(made, headers, body)
    with pytest.raises(BadSignature):
        channel("waha").verify(connection_of("waha", {}), {"x-webhook-hmac": signature}, body)


@dataclass
class Number:
    server: Waha
    connection: Connection

    async def send(self, text: str = "Hi", **more: Any) -> str:
        return await channel("waha").send(self.connection, Outbound(new_id(), CHAT, text, **more))


@pytest_asyncio.fixture
async def number() -> AsyncGenerator[Number]:
    circuit.forget()
    server = Waha()
    async with serving(server) as base:
        yield Number(server, connection_of("waha", {"api_key": server.key, "secret": "s"}, api_base=base, session="default"))
    circuit.forget()


@pytest.mark.parametrize("engine", ["WEBJS", "WPP", "NOWEB", "GOWS"])
async def test_that_a_message_is_known_by_the_same_id_whichever_engine_sends_it(number: Number, engine: str) -> None:
    number.server.engine = engine
    assert await number.send() == number.server.sent[0].id


async def test_that_files_go_out_as_what_they_are_and_choices_as_lines(number: Number) -> None:
    files = (
        File("voice", "a.ogg", "audio/ogg", OGG),
        File("image", "a.png", "image/png", b"png"),
        File("file", "q.pdf", "application/pdf", b"pdf"),
    )
    await number.send("**Pick**", files=files, buttons=(Button("1", "Yes"), Button("", "Site", "https://a.example")), reply_to="3EB0AAAA")
    await number.send("Day?", menu=Menu("Days", (Choice("1", "Mon", "10:00"), Choice("2", "Tue"))))
    voice, image, paper, text, menu = number.server.sent
    assert [one.path for one in (voice, image, paper, text)] == ["sendVoice", "sendImage", "sendFile", "sendText"]
    assert (voice.file, voice.body["file"]["mimetype"], voice.body["convert"]) == (OGG, "audio/ogg; codecs=opus", False)
    assert voice.body["reply_to"] == f"false_{CHAT}_3EB0AAAA"
    assert text.text == "*Pick*\n• Yes\nSite: https://a.example"
    assert menu.text == "Day?\n1. Mon — 10:00\n2. Tue"


NOT_WORKING = "Session status is not as expected. Try again later or restart the session"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {}, Disconnected), (403, {}, Disconnected), (404, {"message": "Session not found"}, waha_api.NoSession),
        (422, {"message": NOT_WORKING, "status": "SCAN_QR_CODE"}, waha_api.NotWorking),
        (422, {"message": NOT_WORKING, "status": "STARTING"}, Unreachable),
        (422, {"message": NOT_WORKING, "status": "FAILED"}, waha_api.Standing),
        (422, {"message": "text must be a string"}, Refused), (429, {}, Busy), (500, {}, Uncertain), (503, {}, Uncertain),
        (500, {"exception": {"message": "server returned error 463"}}, Withheld),
    ],
)  # fmt: skip
async def test_that_every_refusal_means_what_the_sheet_says(number: Number, status: int, body: Any, error: type[ChannelError]) -> None:
    number.server.fails(status, body)
    with pytest.raises(ChannelError) as caught:
        await number.send()
    assert type(caught.value) is error
    assert number.server.key not in caught.value.message


async def test_that_texts_are_sent_under_ids_given_before_and_files_under_none(number: Number) -> None:
    adapter = channel("waha")
    assert isinstance(adapter, Reserves)
    outbound = Outbound(new_id(), CHAT, "x " * 3000)
    reserved = await adapter.reserve(number.connection, outbound)
    assert len(set(reserved)) == 2
    for _ in range(2):
        sent = await adapter.send(number.connection, replace(outbound, reserved=reserved))
        assert (sent, [one.id for one in number.server.sent]) == (reserved[-1], list(reserved))
    number.server.fails(500)
    with pytest.raises(Unreachable):
        await adapter.send(number.connection, replace(outbound, reserved=reserved))
    number.server.fails(500, {"exception": {"message": "server returned error 463"}})
    with pytest.raises(Withheld):
        await adapter.send(number.connection, replace(outbound, reserved=reserved))
    assert await adapter.reserve(number.connection, replace(outbound, files=(File("file", "a.pdf", "application/pdf", b"%PDF"),))) == ()
    number.server.exists = False
    assert await adapter.reserve(number.connection, outbound) == ()


async def test_that_a_number_that_left_whatsapp_is_told_from_a_bad_message(number: Number) -> None:
    number.server.unknown.add("15550002222")
    with pytest.raises(Blocked):
        await number.send()


async def test_that_a_session_that_stands_is_started_and_one_without_a_phone_shows_its_code(number: Number) -> None:
    number.server.status = "STOPPED"
    with pytest.raises(waha_api.Standing):
        await number.send()
    assert await number.send()
    number.server.paired = False
    number.server.status = "FAILED"
    assert (await waha_api.code(number.connection)).status == "STARTING"
    assert await waha_api.code(number.connection) == waha_api.Code("SCAN_QR_CODE", PNG)
    assert await waha_api.pairing_code(number.connection, "+1 555 000-1111") == "ABCD-EFGH"
    with pytest.raises(waha_api.NotWorking):
        await channel("waha").check(number.connection)
    number.server.status = "WORKING"
    assert (await channel("waha").check(number.connection)).name == "Oq Choy +15550001111"
    await waha_api.log_out(number.connection)
    assert number.server.status == "STOPPED"


async def test_that_a_missing_session_is_made_with_its_signed_webhook(number: Number) -> None:
    number.server.exists = False
    await channel("waha").subscribe(number.connection, "https://savdo.example/hooks/waha/hk")
    [hook] = number.server.config["webhooks"]
    assert (number.server.exists, hook["url"], hook["hmac"]) == (True, "https://savdo.example/hooks/waha/hk", {"key": "s"})
    assert "message.any" in hook["events"]
    assert number.server.config["ignore"]["groups"]
    await channel("waha").subscribe(number.connection, "")
    assert number.server.config["webhooks"] == []


async def test_that_a_file_is_asked_for_where_the_server_is_reached_and_nowhere_else(number: Number) -> None:
    shown = number.server.sends_file("15550002222", "a.ogg", "audio/ogg; codecs=opus", OGG)
    adapter = channel("waha")
    assert await adapter.fetch(number.connection, Media("voice", shown["media"]["url"]), 1000) == OGG
    for reference in (
        waha_updates.MISSING,
        "http://waha:3000/api/sessions",
        "http://waha:3000/api/files/../sessions",
        "file:///etc/passwd",
    ):
        with pytest.raises(Refused):
            await adapter.fetch(number.connection, Media("file", reference), 1000)
    number.server.files.clear()
    with pytest.raises(ChannelError) as gone:
        await adapter.fetch(number.connection, Media("voice", shown["media"]["url"]), 1000)
    assert gone.value.permanent
