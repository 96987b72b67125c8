"""The Telegram bot's adapter: what it reads, what it sends, what a refusal means."""

import dataclasses
import json
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from aiogram.types import Update

from savdo.base import circuit
from savdo.base.db import new_id
from savdo.base.errors import TooLarge
from savdo.channels.errors import BadPayload, Blocked, Busy, ChannelError, Disconnected, Refused, Uncertain, Unreachable, WindowClosed
from savdo.channels.models import Button, Choice, Connection, File, Inbound, Media, Menu, Outbound
from savdo.channels.telegram_api import FileTooBig, ReadElsewhere, UnknownFile, Unlinked
from savdo.channels.telegram_bot import TelegramBot
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram

PAYLOADS = Path(__file__).parents[1] / "payloads" / "telegram_bot"
CHAT = 42
bot = TelegramBot()


def connection_to(base: str, telegram: Telegram) -> Connection:
    credentials = {"token": telegram.token, "secret": "s3cret"}
    return Connection(UUID(int=1), UUID(int=2), "telegram_bot", "Shop", "hk_key", credentials, {"api_base": base}, "active")


@pytest.fixture
def telegram() -> Telegram:
    return Telegram()


@pytest_asyncio.fixture
async def connection(telegram: Telegram) -> AsyncIterator[Connection]:
    circuit.forget()
    async with serving(telegram.app) as base:
        yield connection_to(base, telegram)
    await telegram.close()
    circuit.forget()


def message(text: str = "Hi", **more: Any) -> Outbound:
    return Outbound(new_id(), str(CHAT), text, **more)


def read(name: str) -> Inbound:
    [inbound] = bot.parse(connection_to("http://unused", Telegram()), (PAYLOADS / f"{name}.json").read_bytes())
    return inbound


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
def test_that_telegrams_own_types_accept_the_payload(path: Path) -> None:
    Update.model_validate_json(path.read_bytes())


def test_that_a_text_is_read_with_its_sender() -> None:
    inbound = read("message__text")
    assert (inbound.event, inbound.external_id, inbound.thread_id) == ("message", "42:12", "42")
    assert inbound.text == "Salom, ko‘k choy bormi? 🍵"
    assert dataclasses.astuple(inbound.sender) == ("42", "Ann Lee", "ann", "uz", "", ())
    assert inbound.sent_at is not None
    assert inbound.sent_at.isoformat() == "2026-11-21T02:00:44+00:00"


@pytest.mark.parametrize(
    ("name", "campaign"),
    [("message__start", ""), ("message__start_encoded", "cmp=summer;src=ig"), ("message__start_raw", "summer_2026")],
)
def test_that_a_start_link_names_its_campaign(name: str, campaign: str) -> None:
    inbound = read(name)
    assert (inbound.text, inbound.campaign) == ("/start", campaign)


def test_that_words_typed_after_start_are_words() -> None:
    update = json.loads((PAYLOADS / "message__start.json").read_text())
    for text in ("/start over please", "/started", "/start " + "a" * 65):
        update["message"]["text"] = text
        [inbound] = bot.parse(connection_to("http://unused", Telegram()), json.dumps(update).encode())
        assert (inbound.text, inbound.campaign) == (text, "")


@pytest.mark.parametrize(
    ("name", "media", "text"),
    [
        ("message__photo", Media("image", "AgACx", "photo.jpg", "image/jpeg", 180000), "this one?"),
        ("message__voice", Media("voice", "AwACv", "", "audio/ogg", 16000), ""),
        ("message__audio", Media("voice", "AwACa", "note.m4a", "audio/mp4", 16000), ""),
        ("message__video", Media("video", "AwACw", "", "video/mp4", 16000), "the room"),
        ("message__video_note", Media("video", "AwACn", "", "video/mp4", 16000), ""),
        ("message__animation", Media("video", "AwACg", "wave.mp4", "video/mp4", 16000), ""),
        ("message__document", Media("file", "BQAC", "quote.pdf", "application/pdf", 52000), "my quote"),
        ("message__sticker", Media("sticker", "AwACs", "", "image/webp", 16000), "👍"),
    ],
)
def test_that_a_file_is_read_with_its_caption(name: str, media: Media, text: str) -> None:
    inbound = read(name)
    assert (inbound.event, inbound.media, inbound.text) == ("message", (media,), text)


def test_that_the_pictures_of_an_album_know_their_album() -> None:
    assert read("message__photo").album == "13579"


def test_that_a_place_is_read() -> None:
    assert read("message__location").location == (41.3111, 69.2797)
    assert (read("message__venue").location, read("message__venue").text) == ((41.3111, 69.2797), "Chorsu, Tashkent")


def test_that_a_phone_is_vouched_for_only_when_it_is_the_senders_own() -> None:
    own, other = read("message__contact_own"), read("message__contact_other")
    assert (own.sender.phone, own.text) == ("+998901234567", "")
    assert (other.sender.phone, other.text) == ("", "Bek Ali, +998901112233")


def test_that_a_reply_knows_what_it_answers() -> None:
    assert read("message__reply").reply_to == "42:10"


def test_that_an_edit_has_the_id_of_its_message() -> None:
    inbound = read("edited_message__text")
    update = json.loads((PAYLOADS / "edited_message__text.json").read_text())
    assert (inbound.event, inbound.text) == ("edited", "new")
    assert inbound.external_id == f"42:{update['edited_message']['message_id']}"


def test_that_a_pressed_button_is_a_message_with_its_words() -> None:
    inbound = read("callback_query__data")
    assert (inbound.event, inbound.external_id, inbound.quick_reply) == ("message", "cb:4382bfdwdsb323b2d9", "slot:7")
    assert (inbound.text, inbound.reply_to) == ("Tomorrow 10:00", "42:12")
    assert read("callback_query__inaccessible").text == "slot:7"


def test_that_a_reaction_knows_its_message_and_can_be_taken_back() -> None:
    added, removed = read("message_reaction__added"), read("message_reaction__removed")
    assert (added.event, added.external_id, added.thread_id, added.reaction) == ("reaction", "42:12", "42", "👍")
    assert (removed.event, removed.external_id, removed.reaction) == ("reaction", "42:12", "")


def test_that_blocking_and_coming_back_are_told_apart() -> None:
    assert read("my_chat_member__kicked").event == "blocked"
    assert read("my_chat_member__member").event == "unblocked"


@pytest.mark.parametrize("name", ["message__group", "message__from_bot", "channel_post__text", "message__poll"])
def test_that_what_a_bot_does_not_answer_is_kept_as_unknown(name: str) -> None:
    inbound = read(name)
    raw = json.loads((PAYLOADS / f"{name}.json").read_text())
    assert (inbound.event, inbound.external_id, inbound.raw) == ("unknown", f"update:{raw['update_id']}", raw)


def test_that_an_update_of_a_new_shape_is_unknown_and_storable() -> None:
    body = b'{"update_id": 5, "message": {"message_id": "eleven", "chat": {"id": 42, "x": "a\\u0000b"}, "n": 1e999}}'
    [inbound] = bot.parse(connection_to("http://unused", Telegram()), body)
    assert (inbound.event, inbound.thread_id) == ("unknown", "42")
    assert inbound.raw["message"]["chat"]["x"] == "ab"
    assert inbound.raw["message"]["n"] is None


@pytest.mark.parametrize("body", [b"", b"[]", b'{"update_id": true}', b'{"update_id": NaN}', b'"\\ud800"', b"[" * 9999])
def test_that_junk_is_refused(body: bytes) -> None:
    with pytest.raises(BadPayload):
        bot.parse(connection_to("http://unused", Telegram()), body)


async def test_that_a_text_arrives_with_its_buttons_under_the_last_part(telegram: Telegram, connection: Connection) -> None:
    buttons = (Button("slot:1", "Tomorrow"), Button("", "Site", "https://oqchoy.example"))
    text = "\n\n".join(f"**{number}** " + "choy 🍵 " * 400 for number in range(3))
    external_id = await bot.send(connection, message(text, buttons=buttons, reply_to="42:9"))
    sent = telegram.sent_to(CHAT)
    assert len(sent) == 3
    assert external_id == f"{CHAT}:{sent[-1].message_id}"
    assert [len(one.keyboard) for one in sent] == [0, 0, 2]
    assert sent[2].keyboard == [[{"text": "Tomorrow", "callback_data": "slot:1"}], [{"text": "Site", "url": "https://oqchoy.example"}]]
    assert sent[0].params["reply_parameters"] == {"message_id": 9, "allow_sending_without_reply": True}
    assert "reply_parameters" not in sent[1].params
    assert sent[0].text.startswith("0 choy")


async def test_that_files_arrive_as_what_they_are(telegram: Telegram, connection: Connection) -> None:
    files = (
        File("image", "tea.jpg", "image/jpeg", b"jpg"),
        File("voice", "hi.ogg", "audio/ogg", b"ogg"),
        File("file", "нарх.pdf", "application/pdf", b"pdf"),
    )
    await bot.send(connection, message("Here **they** are", files=files, buttons=(Button("ok", "OK"),)))
    assert [one.file for one in telegram.sent_to(CHAT)] == [
        ("photo", "tea.jpg", b"jpg"), ("voice", "hi.ogg", b"ogg"), ("document", "нарх.pdf", b"pdf"), None,
    ]  # fmt: skip
    assert telegram.sent[-1].text == "Here they are"
    await bot.send(connection, message("One **photo**", files=files[:1], buttons=(Button("ok", "OK"),)))
    assert (telegram.sent[-1].text, len(telegram.sent[-1].keyboard)) == ("One photo", 1)


async def test_that_a_picture_telegram_does_not_show_goes_as_a_file(telegram: Telegram, connection: Connection) -> None:
    telegram.fails("sendPhoto", 400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
    await bot.send(connection, message("", files=(File("image", "wide.png", "image/png", b"png"),)))
    assert [one.file for one in telegram.sent] == [("document", "wide.png", b"png")]


async def test_that_formatting_telegram_cannot_read_is_sent_plain(telegram: Telegram, connection: Connection) -> None:
    telegram.fails("sendMessage", 400, "Bad Request: can't parse entities: Unsupported start tag")
    await bot.send(connection, message("**a** < b"))
    assert [(one.text, one.params.get("parse_mode")) for one in telegram.sent] == [("a < b", None)]


async def test_that_a_moved_chat_is_followed_once(telegram: Telegram, connection: Connection) -> None:
    moved = "Bad Request: group chat was upgraded to a supergroup chat"
    telegram.fails("sendMessage", 400, moved, migrate_to_chat_id=77)
    assert (await bot.send(connection, message())).startswith("77:")
    telegram.fails("sendMessage", 400, moved, times=2, migrate_to_chat_id=77)
    with pytest.raises(Refused):
        await bot.send(connection, message())


async def test_that_a_list_and_what_no_button_can_carry_are_put_another_way(telegram: Telegram, connection: Connection) -> None:
    menu = Menu("Teas", (Choice("t:1", "Sencha", "84 000"), Choice("t:2", "Puer")))
    await bot.send(connection, message("Which one?", menu=menu))
    assert (telegram.sent[-1].text, [row[0]["text"] for row in telegram.sent[-1].keyboard]) == (
        "Which one?\nSencha — 84 000", ["Sencha", "Puer"],
    )  # fmt: skip
    # An id that does not fit comes back as the words on a key of the reply keyboard.
    await bot.send(connection, message("Which one?", buttons=(Button("x" * 65, "Long"), Button("", "Site", "https://a.example"))))
    assert telegram.sent[-1].params["reply_markup"]["keyboard"] == [[{"text": "Long"}]]
    assert telegram.sent[-1].text == "Which one?\nSite: https://a.example"
    telegram.fails("sendMessage", 400, "Bad Request: BUTTON_URL_INVALID")
    await bot.send(connection, message("Look", buttons=(Button("y", "Yes"), Button("", "Site", "https://a.example"))))
    assert (telegram.sent[-1].text, telegram.sent[-1].params.get("reply_markup")) == ("Look\n• Yes\nSite: https://a.example", None)


ERRORS: list[tuple[int, str, type[ChannelError]]] = [
    (403, "Forbidden: bot was blocked by the user", Blocked),
    (403, "Forbidden: user is deactivated", Blocked),
    (403, "Forbidden: bot can't initiate conversation with a user", Blocked),
    (403, "Forbidden: bot was kicked from the group chat", Blocked),
    (403, "Forbidden: bots can't send messages to bots", Refused),
    (400, "Bad Request: chat not found", Refused),
    (400, "Bad Request: message text is empty", Refused),
    (401, "Unauthorized", Disconnected),
    (404, "Not Found", Disconnected),
    (400, "Bad Request: wrong file_id or the file is temporarily unavailable", UnknownFile),
    (400, "Bad Request: file is too big", FileTooBig),
    (400, "Bad Request: business connection not found", Unlinked),
    (400, "Bad Request: BUSINESS_PEER_USAGE_MISSING", WindowClosed),
    (409, "Conflict: terminated by other getUpdates request", ReadElsewhere),
    (413, "Request Entity Too Large", Refused),
    (429, "Too Many Requests: retry after 17", Busy),
    (504, "Gateway Timeout", Uncertain),
    (500, "Internal Server Error", Uncertain),
    (502, "Bad Gateway", Uncertain),
]


@pytest.mark.parametrize(("status", "description", "error"), ERRORS, ids=lambda value: str(value).replace(" ", "_")[:50])
async def test_that_a_refusal_means(
    telegram: Telegram, connection: Connection, status: int, description: str, error: type[ChannelError]
) -> None:
    telegram.fails("sendMessage", status, description, **({"retry_after": 17} if status == 429 else {}))
    with pytest.raises(error) as caught:
        await bot.send(connection, message())
    assert type(caught.value) is error
    assert getattr(caught.value, "retry_after", 17) == (3 if status == 409 else 17)
    assert telegram.sent == []


@pytest.mark.parametrize("taking", [True, False])
async def test_that_a_broken_connection_leaves_it_uncertain(telegram: Telegram, connection: Connection, taking: bool) -> None:
    telegram.cuts("sendMessage", taking=taking)
    with pytest.raises(Uncertain):
        await bot.send(connection, message())
    assert len(telegram.sent) == taking


async def test_that_what_never_left_may_be_sent_again(telegram: Telegram) -> None:
    circuit.forget()
    with pytest.raises(Unreachable):
        await bot.send(connection_to("http://127.0.0.1:9", telegram), message())


async def test_that_typing_is_only_unreachable_when_the_server_fails(telegram: Telegram, connection: Connection) -> None:
    telegram.fails("sendChatAction", 502, "Bad Gateway")
    with pytest.raises(Unreachable):
        await bot.typing(connection, str(CHAT))
    await bot.typing(connection, str(CHAT))


LONG = ("word " * 900 + "\n\n") * 2


async def test_that_a_flood_in_the_middle_is_waited_for(telegram: Telegram, connection: Connection) -> None:
    telegram.limits(messages_per_second=2)
    await bot.send(connection, message(LONG))
    assert [one.text[:4] for one in telegram.sent_to(CHAT)] == ["word"] * 3
    assert telegram.calls["sendmessage"] == 5


async def test_that_a_message_half_sent_is_never_offered_again(telegram: Telegram, connection: Connection) -> None:
    telegram.is_slow("sendMessage", 0)
    telegram.floods("sendMessage", retry_after=600)
    with pytest.raises(Uncertain, match="1 of 3 parts were sent"):
        await bot.send(connection, message(LONG))
    telegram.is_slow("sendMessage", 0)
    telegram.fails("sendMessage", 403, "Forbidden: bot was blocked by the user")
    with pytest.raises(Blocked):
        await bot.send(connection, message(LONG))
    telegram.is_slow("sendMessage", 0)
    telegram.fails("sendMessage", 400, "Bad Request: something")
    with pytest.raises(Refused, match="1 of 3 parts were sent"):
        await bot.send(connection, message(LONG))
    assert len(telegram.sent) == 3


async def test_that_a_button_is_acknowledged_and_a_late_one_forgotten(telegram: Telegram, connection: Connection) -> None:
    await bot.send(connection, message(buttons=(Button("slot:1", "Tomorrow"),)))
    update = telegram.customer_presses(CHAT, "Tomorrow")
    [inbound] = bot.parse(connection, json.dumps(update).encode())
    await bot.acknowledge(connection, inbound)
    assert telegram.answered_callbacks == [update["callback_query"]["id"]]
    await bot.acknowledge(connection, dataclasses.replace(inbound, external_id="cb:late"))
    assert telegram.calls["sendchataction"] == 0


async def test_that_a_customer_sees_that_an_answer_is_being_written(telegram: Telegram, connection: Connection) -> None:
    [inbound] = bot.parse(connection, json.dumps(telegram.customer_says(CHAT, "Salom")).encode())
    assert bot.limits.read_marks
    await bot.acknowledge(connection, inbound)
    assert telegram.calls["sendchataction"] == 1


async def test_that_a_file_is_fetched_within_its_limit(telegram: Telegram, connection: Connection) -> None:
    update = telegram.customer_sends_photo(CHAT, b"x" * 1000)
    [inbound] = bot.parse(connection, json.dumps(update).encode())
    assert await bot.fetch(connection, inbound.media[0], 1000) == b"x" * 1000
    with pytest.raises(TooLarge):
        await bot.fetch(connection, inbound.media[0], 999)
    with pytest.raises(TooLarge):
        await bot.fetch(connection, dataclasses.replace(inbound.media[0], size=0), 999)
    telegram.fails("getFile", 400, "Bad Request: file is too big")
    with pytest.raises(TooLarge):
        await bot.fetch(connection, inbound.media[0], 5000)
    with pytest.raises(Refused):
        await bot.fetch(connection, Media("file", "gone"), 5000)


async def test_that_checking_tells_the_name_and_who_else_listens(telegram: Telegram, connection: Connection) -> None:
    assert await bot.check(connection) == await bot.check(connection)
    assert (await bot.check(connection)).name == "@oqchoy_bot"
    telegram.webhook = {"url": "https://elsewhere.example/hook"}
    assert "another program" in (await bot.check(connection)).warnings[0]
    assert "Privacy mode is on" in (await bot.check(connection)).warnings[1]
    telegram.reads_groups = True
    assert "Privacy mode is off" in (await bot.check(connection)).warnings[1]
    telegram.revoke()
    with pytest.raises(Disconnected):
        await bot.check(connection)


async def test_that_subscribing_sets_the_webhook_and_its_secret(telegram: Telegram, connection: Connection) -> None:
    await bot.subscribe(connection, "https://savdo.example/hooks/telegram_bot/hk_key")
    assert telegram.webhook["secret_token"] == "s3cret"
    assert telegram.webhook["allowed_updates"] == ["message", "edited_message", "callback_query", "my_chat_member", "message_reaction"]
    await bot.subscribe(connection, "")
    assert telegram.webhook == {}


async def test_that_no_error_knows_the_token(telegram: Telegram, connection: Connection) -> None:
    telegram.fails("getMe", 500, "Internal Server Error")
    telegram.cuts("sendMessage", taking=False)
    nowhere = dataclasses.replace(connection, settings={"api_base": "http://127.0.0.1:9"})
    private = dataclasses.replace(connection, settings={"api_base": "http://10.0.0.1"})
    odd = dataclasses.replace(connection, settings={"api_base": "ftp://x"})
    wrong = dataclasses.replace(connection, credentials={"token": "secret words", "secret": "s3cret"})
    for attempt in (
        bot.check(connection), bot.send(connection, message()), bot.send(nowhere, message()), bot.send(private, message()),
        bot.send(odd, message()), bot.send(wrong, message()), bot.fetch(nowhere, Media("file", "F1"), 10),
    ):  # fmt: skip
        with pytest.raises(ChannelError) as caught:
            await attempt
        told = "".join(traceback.format_exception(caught.value))
        assert telegram.token not in told
        assert "secret words" not in told
        assert "s3cret" not in told
