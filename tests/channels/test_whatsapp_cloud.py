"""WhatsApp's Cloud API: what each delivery means, what goes out and how, and what every refusal is."""

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import http
from savdo.base.db import new_id
from savdo.base.errors import TooLarge
from savdo.channels import meta_graph, meta_webhooks, whatsapp_bodies, whatsapp_templates, whatsapp_updates
from savdo.channels.errors import (
    AccountProblem,
    BadSignature,
    Blocked,
    Busy,
    ChannelError,
    Disconnected,
    MarketingStopped,
    MissingPermission,
    NeedsPhone,
    PairBusy,
    Refused,
    Stopped,
    TemplateRefused,
    Uncertain,
    Unreachable,
    WindowClosed,
    Withheld,
)
from savdo.channels.models import (
    Button,
    Choice,
    Connection,
    File,
    Inbound,
    Media,
    Menu,
    Outbound,
    Price,
    Product,
    Receipt,
    Referral,
    Sender,
    Sent,
    Template,
)
from savdo.channels.whatsapp_cloud import WhatsAppCloud
from tests.emulators.meta import Meta, open_meta
from tests.emulators.whatsapp import Person, WhatsApp

PAYLOADS = Path(__file__).parents[1] / "payloads" / "whatsapp_cloud"
whatsapp = WhatsAppCloud()
ANA = Sender("US.10000000000000000001", "Ana", phone="+15550002222", aliases=("15550002222",))
UNNAMED = replace(ANA, name="")
# An echo names only the phone.
BY_PHONE = Sender("15550002222", phone="+15550002222")
AT = datetime(2026, 9, 26, 10, 0, tzinfo=UTC)
OURS = "0198a1b2-0000-7000-8000-000000000001"


class World:
    """A number with one customer, who has just written."""

    def __init__(self) -> None:
        self.meta = Meta()
        self.number = WhatsApp(self.meta)
        self.ana = self.number.person()
        self.number.says(self.ana, "Hello")
        self.connection = Connection(
            UUID(int=1), UUID(int=2), "whatsapp_cloud", "Shop", "hk", {"token": self.number.token}, {"business_id": self.number.waba},
            "active", self.number.number_id,
        )  # fmt: skip

    async def sends(self, text: str = "Hi", **more: Any) -> str:
        return await whatsapp.send(self.connection, Outbound(new_id(), self.ana.user_id, text, **more))

    @property
    def seen(self) -> list[tuple[str, str]]:
        return [(one.type, one.text) for one in self.number.sent_to(self.ana)]


@pytest_asyncio.fixture
async def world() -> AsyncGenerator[World]:
    found = World()
    async with open_meta(found.meta):
        yield found


def payload(name: str) -> list[Inbound]:
    return whatsapp_updates.inbounds((PAYLOADS / f"{name}.json").read_bytes(), "200000000000002")


def message(external_id: str = "wamid.IN1", sender: Sender = ANA, **more: Any) -> Inbound:
    return Inbound("message", external_id, sender.external_id, sender, sent_at=more.pop("sent_at", AT), **more)


BOB = Sender("US.20000000000000000002", "Bob", "bob.tea")
READ: dict[str, list[Inbound]] = {
    "text": [message(text="Hola, ¿cuánto cuesta?")],
    "text__no_phone": [message(sender=BOB, text="Hola")],
    "text__phone_only": [message(sender=replace(BY_PHONE, name="Ana"), text="Hola")],
    "text__reply": [message(text="yes", reply_to="wamid.OUT1")],
    "text__forwarded": [message(text="look at this")],
    "text__ad_referral": [
        message(text="Is it still on?", referral=Referral("1234", "Sale", "https://fb.me/x", "", "ARAkLkA8rmlF"))
    ],
    "text__product_inquiry": [message(text="Do you have this?", reply_to="wamid.CAT1", products=(Product("PUER-357"),))],
    "image__caption": [message(text="this colour", media=(Media("image", "9001", "", "image/jpeg"),))],
    "audio__voice": [message(media=(Media("voice", "9002", "", "audio/ogg"),))],
    "video": [message(text="our kitchen", media=(Media("video", "9005", "", "video/mp4"),))],
    "sticker": [message(media=(Media("sticker", "9006", "", "image/webp"),))],
    "document__caption": [message(text="quote", media=(Media("file", "9003", "q.pdf", "application/pdf"),))],
    "location": [message(text="Shop, Street 1", location=(40.4168, -3.7038))],
    "contacts": [message(text="Carla, +1 555 000 3333")],
    "interactive__button_reply": [message(text="Sat 16:00", quick_reply="slot-1", reply_to="wamid.OUT3")],
    "interactive__list_reply": [message(text="Cut", quick_reply="row-2")],
    "interactive__form": [message(text="day: Saturday\nguests: 4")],
    "button__template": [message(text="Cancel", quick_reply="CANCEL", reply_to="wamid.T1")],
    "order": [
        message(
            text="for Friday",
            products=(Product("PUER-357", 2, "13.2", "USD"), Product("CUP-1", 1, "5", "USD")),
        )
    ],
    "reaction": [Inbound("reaction", "wamid.OUT1", ANA.external_id, ANA, reaction="👍", sent_at=AT)],
    "reaction__removed": [Inbound("reaction", "wamid.OUT1", ANA.external_id, ANA, sent_at=AT)],
    "edit": [Inbound("edited", "wamid.IN1", ANA.external_id, ANA, text="new text")],
    "revoke": [Inbound("deleted", "wamid.IN1", ANA.external_id, ANA)],
    "system__changed_user_id": [
        Inbound(
            "moved", "wamid.SYS1", "US.30000000000000000003",
            Sender("US.30000000000000000003", "Ana", aliases=(ANA.external_id, "15550002222")), sent_at=AT,
        )
    ],
    "system__changed_number": [
        Inbound(
            "moved", "wamid.SYS2", "US.40000000000000000004",
            Sender(
                "US.40000000000000000004", "Ana", phone="+15550004444", aliases=("15550004444", ANA.external_id, "15550002222")
            ),
            sent_at=AT,
        )
    ],
    "status__delivered": [
        Inbound(
            "status", "wamid.OUT1:delivered", ANA.external_id, UNNAMED, sent_at=AT.replace(second=32),
            receipt=Receipt("delivered", "wamid.OUT1", OURS, price=Price(False, "service", "free_customer_service")),
        )
    ],
    "status__failed_window": [
        Inbound(
            "status", "wamid.OUT2:failed", "15550002222", BY_PHONE, sent_at=AT.replace(second=33),
            receipt=Receipt(
                "failed", "wamid.OUT2", error=WindowClosed, problem="Message failed to send because more than 24 hours have passed."
            ),
        )
    ],
    "echo__text": [
        Inbound("echo", "wamid.E1", "15550002222", BY_PHONE, text="I will answer", sent_at=AT.replace(minute=1, second=40), own=True)
    ],
    "echo__edit": [Inbound("edited", "wamid.E1", "15550002222", BY_PHONE, text="I answer tomorrow", own=True)],
    "echo__revoke": [Inbound("deleted", "wamid.E1", "15550002222", BY_PHONE, own=True)],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(READ))
def test_that_a_delivery_means_what_it_says(name: str) -> None:
    assert payload(name) == READ[name]


@pytest.mark.parametrize("name", ["unsupported__poll", "unsupported__edit", "account__error"])
def test_that_what_is_not_known_is_kept_as_it_came(name: str) -> None:
    [one] = payload(name)
    assert one.event == "unknown"
    assert one.raw["event"]


def test_that_every_event_of_a_batch_is_read_and_one_bad_one_stops_none() -> None:
    body = json.loads((PAYLOADS / "batch.json").read_text())
    body["entry"][0]["changes"][0]["value"]["messages"].insert(1, {"type": "text", "text": 7})
    found = whatsapp_updates.inbounds(json.dumps(body).encode(), "200000000000002")
    assert [(one.event, one.text) for one in found] == [
        ("message", "one"), ("unknown", ""), ("message", "two"), ("status", ""), ("message", "three"),
    ]  # fmt: skip
    assert whatsapp_updates.inbounds(json.dumps(body).encode(), "another-number") == []


def test_that_a_body_is_cut_by_whose_it_is() -> None:
    body = json.loads((PAYLOADS / "batch.json").read_text())
    body["entry"][1]["changes"][0]["value"]["metadata"]["phone_number_id"] = "7"
    paused = json.loads((PAYLOADS / "account__template_paused.json").read_text())
    body["entry"] += paused["entry"]
    pieces = meta_webhooks.routed(json.dumps(body).encode())
    first, other, business = (
        ("whatsapp_cloud", "200000000000002", ""),
        ("whatsapp_cloud", "7", ""),
        ("whatsapp_cloud", "", "100000000000001"),
    )
    assert set(pieces) == {first, other, business}
    assert len(whatsapp_updates.inbounds(pieces[first], first[1])) == 3
    assert [one.text for one in whatsapp_updates.inbounds(pieces[other], "7")] == ["three"]


# The worked rows of the fact sheet; the last is a body that was written anew, and must not pass.
@pytest.mark.parametrize(
    ("body", "signature", "right"),
    [
        (
            '{"object":"whatsapp_business_account","entry":[{"id":"100000000000001","changes":[]}]}',
            "4a6086f6a88c35c2ac8a4185e995844d76fe83c57c2c185b61a7403b99f5b25a", True,
        ),
        ('{"text":"\\u00e4\\u00f6\\u00e5"}', "5669bb2bc5f0c7596306042e8ea8c86ab6047e396e2aea9616e94a78f6c708a2", True),
        ('{"text":"äöå"}', "9f034c3a21ceb2e7e7f73eac453fdbe3e6b1105b6910922ddfa21ff20c3dabab", True),
        ('{"text":"äöå"}', "5669bb2bc5f0c7596306042e8ea8c86ab6047e396e2aea9616e94a78f6c708a2", False),
    ],
)  # fmt: skip
def test_that_the_signature_is_of_the_raw_bytes(body: str, signature: str, right: bool) -> None:
    headers = {"x-hub-signature-256": f"sha256={signature}"}
    if right:
        meta_webhooks.verify(headers, body.encode())
    else:
        with pytest.raises(BadSignature):
            meta_webhooks.verify(headers, body.encode())


def test_that_a_token_is_sent_with_its_proof() -> None:
    chosen = meta_graph.Api("", "EAAtoken", "app_secret_123", "WhatsApp", {})
    assert meta_graph.proof(chosen) == {"appsecret_proof": "e2f4025c78aeb0a2ca0cdbe1b761e2343d7a8230003895dad6dc39c35c7a0161"}
    assert "EAAtoken" not in repr(chosen)
    assert "app_secret_123" not in repr(chosen)


CODES: dict[type[ChannelError], tuple[int, ...]] = {
    Busy: (130429, 4, 17, 32, 613, 80007), PairBusy: (131056,),
    Unreachable: (131000, 131016, 131057, 2), Uncertain: (1,),
    WindowClosed: (131047,), Blocked: (131026,), Withheld: (131049,), MarketingStopped: (131050,), NeedsPhone: (131062,),
    Refused: (131051, 131008, 131009, 100, 131052, 131053, 999999),
    TemplateRefused: (132000, 132001, 132005, 132007, 132012, 132015, 132016),
    AccountProblem: (131042, 130497), Stopped: (131048, 131031, 368), Disconnected: (190, 0, 102, 133010),
    MissingPermission: (10, 3, 200, 299, 131005),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes])
def test_that_every_code_has_its_verdict(kind: type[ChannelError], code: int) -> None:
    said = {"error": {"code": code, "message": "Failed", "type": "OAuthException", "error_data": {"details": "What was wrong."}}}
    chosen = meta_graph.Api("", "EAAtoken", "app_secret_123", "WhatsApp", whatsapp_updates.VERDICTS)
    error = meta_graph.error_of(chosen, http.Answer(400, {}, json.dumps(said).encode()), Uncertain)
    assert type(error) is kind
    assert error.message == "WhatsApp: What was wrong."


async def test_that_the_wait_is_the_one_that_is_asked_for(world: World) -> None:
    usage = {"7": [{"type": "messages", "call_count": 100, "estimated_time_to_regain_access": 2}]}
    world.meta.floods(retry_after=17)
    world.meta.fails("messages", 400, 80007, headers={"X-Business-Use-Case-Usage": json.dumps(usage)})
    world.meta.floods(code=131056)
    waits: list[float] = []
    for _ in range(3):
        with pytest.raises(Busy) as caught:
            await world.sends()
        waits.append(caught.value.retry_after)
    assert waits == [17, 120, 6]


async def test_that_a_text_keeps_its_marks_and_gets_no_others(world: World) -> None:
    await world.sends("**Ko‘k choy** 45 000\n- one\nmy_file_name *not bold* ~no~ https://e.example/_a_?b=_c_")
    [sent] = world.number.sent
    assert sent.text == "*Ko‘k choy* 45 000\n• one\nmy_file_name *\u200bnot bold* ~\u200bno~ https://e.example/_a_?b=_c_"
    assert sent.body["recipient"] == world.ana.user_id
    assert UUID(sent.body["biz_opaque_callback_data"])


async def test_that_a_message_in_parts_knows_all_its_ids(world: World) -> None:
    sent = await world.sends("word " * 2000)
    assert isinstance(sent, Sent)
    assert [*sent.earlier, sent] == [one.id for one in world.number.sent]
    assert len(sent.earlier) == 2


CHOICES: tuple[tuple[dict[str, Any], tuple[str, str]], ...] = (
    ({"buttons": (Button("a", "Yes"), Button("b", "No"))}, ("interactive", "Pick")),
    ({"buttons": (Button("", "Site", "https://e.example"),)}, ("interactive", "Pick")),
    ({"buttons": (Button("a", "Yes"), Button("", "Site", "https://e.example"))}, ("interactive", "Pick\nSite: https://e.example")),
    ({"buttons": tuple(Button(one, one) for one in "abcd")}, ("text", "Pick\n• a\n• b\n• c\n• d")),
    ({"buttons": (Button("a", "A title that is longer than twenty"),)}, ("text", "Pick\n• A title that is longer than twenty")),
    ({"menu": Menu("Open", (Choice("a", "Cut", "30 min"), Choice("b", "Colour")))}, ("interactive", "Pick")),
    ({"menu": Menu("Open", tuple(Choice(str(one), f"Row {one}") for one in range(11)))}, ("text", "Pick\n1. Row 0\n2. Row 1")),
)


async def test_that_choices_are_shown_or_said(world: World) -> None:
    for more, (kind, text) in CHOICES:
        await world.sends("Pick", **more)
        assert world.seen[-1][0] == kind
        assert world.seen[-1][1].startswith(text)


async def test_that_files_go_as_what_they_can_be_shown_as(world: World) -> None:
    files = [
        (File("image", "a.png", "image/png", b"png"), ("image", "Look")),
        (File("image", "a.gif", "image/gif", b"gif"), ("document", "Look")),
        (File("file", "a.pdf", "application/pdf", b"pdf"), ("document", "Look")),
        (File("video", "a.mp4", "video/mp4", b"mp4"), ("video", "Look")),
    ]  # fmt: skip
    for file, _ in files:
        await world.sends("Look", files=(file,))
    assert world.seen == [expected for _, expected in files]
    await world.sends("Listen", files=(File("voice", "a.ogg", "audio/ogg", b"ogg"),))
    voice, text = world.number.sent[-2:]
    assert (voice.type, voice.body["audio"]["voice"], voice.file, text.text) == ("audio", True, b"ogg", "Listen")


async def test_that_outside_the_window_only_a_template_goes_out(world: World) -> None:
    world.number.time_passes(world.ana)
    with pytest.raises(WindowClosed):
        await world.sends()
    await world.sends("", template=Template("visit_reminder", "es_ES", (("", "Ana"), ("time", "16:00")), ("CONFIRM",)))
    [sent] = world.number.sent
    assert sent.text == "visit_reminder: Ana, 16:00"
    assert sent.body["template"]["components"][1]["parameters"] == [{"type": "payload", "payload": "CONFIRM"}]
    for wrong in (Template("unknown", "en"), Template("visit_reminder", "en")):
        with pytest.raises(TemplateRefused):
            await world.sends("", template=wrong)


@pytest.mark.parametrize(
    ("thread_id", "expected"), [("998901234567", "+998901234567"), ("+998901234567", "+998901234567"), ("UZ.1a", None)]
)
def test_that_a_customer_is_addressed_by_their_id_or_by_a_whole_number(thread_id: str, expected: str | None) -> None:
    assert whatsapp_bodies.to(thread_id) == ({"to": expected} if expected else {"recipient": thread_id})


async def test_that_the_approved_templates_are_listed_with_their_places(world: World) -> None:
    [template] = await whatsapp_templates.approved(world.connection)
    assert (template.name, template.places, template.buttons) == ("visit_reminder", ("1", "2"), ("Confirm",))
    assert template.filled(("Ana", "16:00")) == "Hello Ana, your visit is at 16:00."
    await world.sends("", template=Template(template.name, template.language, template.parameters(("Ana", "16:00"))))
    assert world.number.sent[0].text == "visit_reminder: Ana, 16:00"


async def test_that_a_file_is_fetched_once_it_is_known_to_fit(world: World) -> None:
    world.number.sends_file(world.ana, "image", b"jpeg" * 100, "image/jpeg")
    [reference] = list(world.number.uploads)
    assert await whatsapp.fetch(world.connection, Media("image", reference), 1000) == b"jpeg" * 100
    with pytest.raises(TooLarge):
        await whatsapp.fetch(world.connection, Media("image", reference), 399)
    with pytest.raises(Refused):
        await whatsapp.fetch(world.connection, Media("image", "1"), 1000)


async def test_that_reading_and_writing_are_shown_to_the_customer(world: World) -> None:
    await whatsapp.acknowledge(world.connection, message("wamid.IN7"))
    [shown] = world.number.read
    assert (shown["message_id"], shown["typing_indicator"]) == ("wamid.IN7", {"type": "text"})


async def test_that_a_connection_says_what_it_lacks(world: World) -> None:
    await whatsapp.subscribe(world.connection, "https://savdo.example/hooks/meta")
    assert world.meta.subscribed == {world.number.waba}
    world.number.quality = "RED"
    checked = await whatsapp.check(world.connection)
    assert (checked.name, "red" in checked.warnings[0]) == ("Oq Choy 15550001111", True)
    world.meta.tokens[world.number.token] = {"whatsapp_business_messaging"}
    with pytest.raises(MissingPermission, match="whatsapp_business_management"):
        await whatsapp.check(world.connection)
    await whatsapp.subscribe(world.connection, "")
    assert world.meta.subscribed == set()
    world.meta.token_expires()
    with pytest.raises(Disconnected):
        await whatsapp.check(world.connection)


async def test_that_what_the_emulator_delivers_is_read(world: World) -> None:
    number, ana, nameless = world.number, world.ana, Person("Bob", "US.7")
    number.people.append(nameless)
    number.says(nameless, "Hi")
    number.comes_by_ad(ana, "Still on?", headline="Sale")
    number.sends_location(ana, 41.3, 69.2)
    number.moves(ana, "UZ.2")
    number.person_answers(ana, "I will answer")
    await world.sends()
    number.tells(number.sent[-1], "failed", 131026)
    found = [one for body in world.meta.pending for one in whatsapp_updates.inbounds(body, number.number_id)]
    assert [one.event for one in found] == ["message", "message", "message", "message", "moved", "echo", "status"]
    assert found[-1].receipt is not None
    assert found[-1].receipt.error is Blocked
