"""What Messenger and Instagram deliver: each event means what it says, and nothing stops the others."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from savdo.channels import meta_webhooks
from savdo.channels.models import Connection, Inbound, Media, Product, Receipt, Referral, Sender, Story, channel

PAYLOADS = Path(__file__).parents[1] / "payloads"
AT = datetime(2026, 9, 26, 10, 0, tzinfo=UTC)
ACCOUNTS = {"messenger": "111", "instagram": "17841400000000001"}
PEOPLE = {"messenger": Sender("PSID1"), "instagram": Sender("IGSID1")}
OURS = "0198a1b2-0000-7000-8000-000000000001"
CDN, LOOK = "https://scontent.example", "https://lookaside.example"
AD = Referral("6045", "Sale", "", "c42")
LINK = Referral(ref="c42")


def read(kind: str, body: bytes, comments: str = "privately") -> list[Inbound]:
    connection = Connection(UUID(int=1), UUID(int=2), kind, "Shop", "hk", {}, {"comments": comments}, "active", ACCOUNTS[kind])
    return channel(kind).parse(connection, body)


def payload(kind: str, name: str) -> bytes:
    return (PAYLOADS / kind / f"{name}.json").read_bytes()


def one(event: Any, external_id: str, **more: Any) -> dict[str, Any]:
    return {"event": event, "external_id": external_id, "sent_at": AT, **more}


def said(external_id: str, text: str = "", **more: Any) -> dict[str, Any]:
    return one("message", external_id, text=text, **more)


def files(kind: Any, *references: str, name: str = "") -> tuple[Media, ...]:
    return tuple(Media(kind, reference, name) for reference in references)


READ: dict[str, dict[str, dict[str, Any]]] = {
    "messenger": {
        "message__text": said("m_IN1", "Hola"),
        "message__image": said("m_2", media=files("image", f"{CDN}/p.jpg")),
        "message__image_text": said("m_3", "this colour", media=files("image", f"{CDN}/p.jpg")),
        "message__images": said("m_3b", media=files("image", f"{CDN}/1.jpg", f"{CDN}/2.jpg")),
        "message__audio": said("m_4", media=files("voice", "https://cdn.example/audioclip.mp4")),
        "message__video": said("m_4b", media=files("video", "https://cdn.example/v.mp4")),
        "message__file": said("m_5", media=files("file", "https://cdn.example/quote.pdf?oh=1", name="quote.pdf")),
        "message__sticker": said("m_6", media=files("sticker", f"{CDN}/s.png")),
        "message__sticker_as_image": said("m_6b", media=files("sticker", f"{CDN}/s.png")),
        "message__location": said("m_7", location=(40.41, -3.7)),
        "message__link": said("m_8", "look https://shop.example/1"),
        "message__reel": said("m_8b", "Tea\nhttps://www.facebook.com/reel/1"),
        "message__reply": said("m_9", "yes", reply_to="m_OUT1"),
        "message__quick_reply": said("m_10", "Red", quick_reply="COLOR_RED"),
        "message__phone": said("m_11", "+15550002222", sender=Sender("PSID1", phone="+15550002222")),
        "message__ad_referral": said("m_12", "Price?", referral=AD),
        "message__product_inquiry": said("m_13", "Do you have this?", products=(Product("PUER-357"),)),
        "message__product_template": said("m_14", products=(Product("PUER-357", price="$13", name="Puer"),)),
        "postback": said("m_20", "Book", quick_reply="BOOK", referral=LINK),
        "reaction": one("reaction", "m_OUT1", reaction="❤"),
        "reaction__removed": one("reaction", "m_OUT1"),
        "message_edit": one("edited", "m_IN1", text="new text", edit=1),
        "delivery": one("status", "m_OUT1:delivered", receipt=Receipt("delivered", "m_OUT1")),
        "delivery__no_mids": one(
            "status", "PSID1:1790416810000:delivered", receipt=Receipt("delivered", through=AT + timedelta(seconds=11))
        ),
        "read": one("status", "PSID1:1790416820000:read", receipt=Receipt("read", through=AT + timedelta(seconds=21))),
        "standby": said("m_30", "Is anybody there?", standby=True),
        "echo__inbox": one("echo", "m_E1", text="I will answer", own=True, sent_at=AT + timedelta(seconds=100)),
        "echo__ours": one("status", "m_OUT1:sent", receipt=Receipt("sent", "m_OUT1", OURS), sent_at=AT + timedelta(seconds=100)),
        "feed__comment": said("111_5_9", "price?", sender=Sender("PSID1", "Ana"), thread_id="comment:111_5_9"),
    },
    "instagram": {
        "message__text": said("aWdf_IN1", "Hola"),
        "message__image_text": said("3", "this one", media=files("image", f"{LOOK}/1")),
        "message__images": said("3b", media=files("image", f"{LOOK}/1", f"{LOOK}/2")),
        "message__audio": said("4", media=files("voice", f"{LOOK}/a")),
        "message__video": said("4b", media=files("video", f"{LOOK}/v")),
        "message__file": said("5", media=files("file", f"{LOOK}/f")),
        "message__reel": said("6", "Reel", media=files("video", f"{LOOK}/r")),
        "message__story_mention": said("7", media=files("image", f"{LOOK}/s"), story=Story("mention", f"{LOOK}/s")),
        "message__post": said("8", "Our tea", media=files("image", f"{LOOK}/p")),
        "message__share": said("8b", "https://www.instagram.com/p/1"),
        "message__story_reply": said("10", "price?", story=Story("reply", f"{LOOK}/s", "1790")),
        "message__quick_reply": said("11", "Red", quick_reply="COLOR_RED"),
        "message__ad_referral": said("12", "Hi", referral=AD),
        "message__deleted": one("deleted", "aWdf_IN1"),
        "message_edit": one("edited", "aWdf_IN1", text="new text", edit=1),
        "reaction": one("reaction", "aWdf_OUT1", reaction="❤"),
        "reaction__removed": one("reaction", "aWdf_OUT1"),
        "postback": said("20", "Book", quick_reply="BOOK"),
        "read": one("status", "aWdf_OUT1:read", receipt=Receipt("read", "aWdf_OUT1")),
        "standby": said("30", "Is anybody there?", standby=True),
        "echo": one("echo", "aWdf_E1", text="I will answer", own=True, sent_at=AT + timedelta(seconds=100)),
        "echo__changes": one("echo", "aWdf_E2", text="I will answer", own=True, sent_at=AT + timedelta(seconds=100)),
        "echo__deleted": one("deleted", "aWdf_E1", own=True, sent_at=AT + timedelta(seconds=100)),
        "comments": said("C1", "price?", sender=Sender("IGSID1", "ana", "ana"), thread_id="comment:C1", sent_at=None),
        "comments__reply": said("C2", "and delivery?", sender=Sender("IGSID1", "ana", "ana"), thread_id="comment:C2:C1", sent_at=None),
        "array_wrapped": said("40", "wrapped"),
    },
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in READ.items() for name in names])
def test_that_a_delivery_means_what_it_says(kind: str, name: str) -> None:
    person = PEOPLE[kind]
    expected: dict[str, Any] = {"thread_id": person.external_id, "sender": person, **READ[kind][name]}
    assert read(kind, payload(kind, name)) == [Inbound(**expected)]


def test_that_an_arrival_by_a_link_or_an_advert_is_known_wherever_it_is_told() -> None:
    [advert], [started] = (
        read("messenger", payload("messenger", "referral")),
        read("messenger", payload("messenger", "postback__start_no_mid")),
    )
    [link] = read("instagram", payload("instagram", "referral"))
    assert (advert.event, advert.referral) == ("referral", AD)
    assert (link.event, link.referral) == ("referral", LINK)
    # A repeat is told by what it says where it has no id.
    assert (started.text, started.quick_reply, started.referral, len(started.external_id)) == ("/start", "", LINK, 32)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("messenger", "pass_thread_control"), ("messenger", "message__appointment"), ("instagram", "message__unsupported"),
    ],
)  # fmt: skip
def test_that_what_is_not_known_is_kept_as_it_came(kind: str, name: str) -> None:
    [found] = read(kind, payload(kind, name))
    assert found.event == "unknown"
    assert found.raw["event"]


@pytest.mark.parametrize("kind", ["messenger", "instagram"])
def test_that_meta_s_enforcement_is_told_and_ends(kind: str) -> None:
    body = json.loads(payload("messenger", "policy_enforcement"))
    if kind == "instagram":
        body["object"], body["entry"][0]["id"] = kind, json.loads(payload(kind, "message__text"))["entry"][0]["id"]
    event = body["entry"][0]["messaging"][0]
    del event["sender"]
    for enforced, words in (({"action": "block", "reason": "Spam"}, "block: Spam"), ({"action": "unblock"}, "")):
        event["policy-enforcement"] = enforced
        [found] = read(kind, json.dumps(body).encode())
        assert (found.event, found.external_id, found.text) == ("alert", "policy", words)


def test_that_a_text_beside_something_unknown_is_read_and_both_are_kept() -> None:
    body = json.loads(payload("messenger", "message__appointment"))
    body["entry"][0]["messaging"][0]["message"]["text"] = "Tomorrow?"
    assert [found.event for found in read("messenger", json.dumps(body).encode())] == ["unknown", "message"]


def test_that_events_of_one_body_stand_in_their_order_and_one_bad_one_stops_none() -> None:
    body = json.loads(payload("messenger", "batch"))
    body["entry"][0]["messaging"].insert(1, {"sender": 7, "message": []})
    found = read("messenger", json.dumps(body).encode())
    assert [(item.event, item.text) for item in found] == [("unknown", ""), ("message", "one"), ("message", "two"), ("message", "three")]
    # Those of a page that is not asked for are another connection's.
    other = json.dumps(body).replace('"id": "111"', '"id": "999"').encode()
    assert read("messenger", other) == []


def test_that_the_account_does_not_talk_to_itself() -> None:
    body = json.loads(payload("instagram", "message__text"))
    item = body["entry"][0]["messaging"][0]
    own = ACCOUNTS["instagram"]
    for sender, recipient, message in (
        (own, own, {"mid": "1", "text": "x", "is_self": True}), (own, own, {"mid": "1", "text": "x", "is_echo": True}),
    ):  # fmt: skip
        item |= {"sender": {"id": sender}, "recipient": {"id": recipient}, "message": message}
        assert read("instagram", json.dumps(body).encode()) == []
    item |= {"recipient": {"id": "IGSID1"}, "message": {"mid": "1", "text": "not said to be an echo"}}
    [echo] = read("instagram", json.dumps(body).encode())
    assert (echo.event, echo.thread_id) == ("echo", "IGSID1")


def test_that_comments_are_only_read_where_they_are_answered_and_never_our_own() -> None:
    for kind, name in (("messenger", "feed__comment"), ("instagram", "comments")):
        body = payload(kind, name)
        assert read(kind, body, comments="") == []
        ours = json.dumps(json.loads(body)).replace(f'"{PEOPLE[kind].external_id}"', f'"{ACCOUNTS[kind]}"').encode()
        assert read(kind, ours) == []
    body = json.loads(payload("messenger", "feed__comment"))
    value = body["entry"][0]["changes"][0]["value"]
    for verb, event in (("edited", "edited"), ("remove", "deleted")):
        value["verb"] = verb
        assert read("messenger", json.dumps(body).encode())[0].event == event
    value |= {"item": "reaction", "verb": "add"}
    assert read("messenger", json.dumps(body).encode()) == []


def test_that_the_dashboards_test_is_for_nobody() -> None:
    assert set(meta_webhooks.routed(payload("instagram", "dashboard_test"))) == {("instagram", "0", "")}
    assert set(meta_webhooks.routed(payload("messenger", "batch"))) == {("messenger", "111", "")}


def test_that_an_echo_is_ours_by_our_apps_id_and_otherwise_somebodys() -> None:
    body = json.loads(payload("messenger", "echo__ours"))
    message = body["entry"][0]["messaging"][0]["message"]
    del message["metadata"]
    # An earlier part of one of ours: there is nothing to tell.
    assert read("messenger", json.dumps(body).encode()) == []
    message |= {"app_id": 7, "metadata": f"savdo:{OURS}"}
    assert read("messenger", json.dumps(body).encode())[0].event == "echo"
    del message["app_id"]
    [told] = read("messenger", json.dumps(body).encode())
    assert told.receipt == Receipt("sent", "m_OUT1", OURS)
    assert replace(told, own=False) == told
