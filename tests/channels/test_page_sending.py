"""What goes out in Messenger and on Instagram and how, and what every refusal is."""

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, get_args
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import http
from savdo.base.db import new_id
from savdo.base.errors import TooLarge
from savdo.channels import instagram, messenger, meta_graph
from savdo.channels.errors import (
    Blocked,
    Busy,
    ChannelError,
    Disconnected,
    MissingPermission,
    Refused,
    Stopped,
    Uncertain,
    WindowClosed,
)
from savdo.channels.meta_pages import MetaPage
from savdo.channels.models import Button, Choice, Connection, File, Inbound, Media, Menu, Outbound, Sender, Sent, Template, channel
from tests.emulators.meta import Meta, open_meta
from tests.emulators.meta_pages import Kind, Page
from tests.emulators.meta_pages import Sent as Seen

EVERYWHERE = pytest.mark.parametrize("world", get_args(Kind), indirect=True)
PNG = File("image", "a.png", "image/png", b"png")


class World:
    """A page or an account with one customer, who has just written."""

    def __init__(self, kind: Kind) -> None:
        self.meta = Meta()
        self.page = Page(self.meta, kind)
        self.ana = self.page.person()
        self.page.says(self.ana, "Hello")
        name = "messenger" if kind == "messenger" else "instagram"
        adapter = channel(name)
        assert isinstance(adapter, MetaPage)
        self.adapter = adapter
        settings = {"page_id": "" if kind == "own" else self.page.page_id, "comments": "privately"}
        self.connection = Connection(
            UUID(int=1), UUID(int=2), name, "Shop", "hk", {"token": self.page.token}, settings, "active", self.page.account
        )

    async def sends(self, text: str = "Hi", **more: Any) -> str:
        return await self.adapter.send(self.connection, Outbound(new_id(), more.pop("thread_id", self.ana.id), text, **more))

    @property
    def last(self) -> Seen:
        return self.page.sent[-1]


@pytest_asyncio.fixture
async def world(request: pytest.FixtureRequest) -> AsyncGenerator[World]:
    found = World(getattr(request, "param", "messenger"))
    async with open_meta(found.meta) as found.page.base:
        yield found


@EVERYWHERE
async def test_that_a_text_is_plain_and_cut_where_the_channel_cuts(world: World) -> None:
    await world.sends("**Ko‘k choy** 45 000\n- one")
    assert world.last.text == "Ko‘k choy 45 000\n• one"
    # Most of these characters have two bytes and one has four: bytes are what Instagram counts.
    text = " ".join(f"Чай номер {number} 🍵" for number in range(120))
    sent = await world.sends(text)
    assert isinstance(sent, Sent)
    assert [*sent.earlier, sent] == [one.id for one in world.page.sent[1:]]
    assert " ".join(one.text for one in world.page.sent[1:]) == text
    assert len(world.page.sent[1:]) == (1 if world.page.kind == "messenger" else 4)


async def test_that_only_the_last_part_says_which_message_it_was(world: World) -> None:
    await world.sends("word " * 600, files=(PNG,))
    told = [one.body["message"].get("metadata", "") for one in world.page.sent]
    assert told[:-1] == [""] * (len(told) - 1)
    assert UUID(told[-1].removeprefix("savdo:"))


CHOICES: tuple[tuple[dict[str, Any], int, list[str], str], ...] = (
    ({"buttons": (Button("a", "Yes"), Button("", "Site", "https://e.example"))}, 2, [], "Pick"),
    ({"buttons": tuple(Button(one, one) for one in "abcd")}, 0, list("abcd"), "Pick"),
    ({"buttons": (*(Button(one, one) for one in "abcd"), Button("", "Site", "https://e.example"))}, 0, list("abcd"), "Pick\nSite: https://e.example"),
    ({"buttons": (Button("a", "A title that is longer than twenty"),)}, 0, [], "Pick\n• A title that is longer than twenty"),
    ({"menu": Menu("Open", (Choice("a", "Cut", "30 min"), Choice("b", "Dye")))}, 0, ["Cut", "Dye"], "Pick\n1. Cut — 30 min\n2. Dye"),
    ({"menu": Menu("Open", tuple(Choice(str(one), f"Row {one}") for one in range(14)))}, 0, [], "Pick\n1. Row 0"),
)  # fmt: skip


@EVERYWHERE
async def test_that_choices_are_shown_or_said(world: World) -> None:
    for more, buttons, replies, text in CHOICES:
        await world.sends("Pick", **more)
        assert (len(world.last.buttons), world.last.replies) == (buttons, replies)
        assert all(line in world.last.text for line in text.split("\n"))
    # Quick replies cannot be seen on every device, so Instagram's are in the text too.
    await world.sends("Pick", **CHOICES[1][0])
    assert ("• a" in world.last.text) == (world.page.kind != "messenger")
    world.page.presses(world.ana, "b")
    [pressed] = world.adapter.parse(world.connection, world.meta.pending[-1])
    assert (pressed.text, pressed.quick_reply) == ("b", "b")


async def test_that_what_is_refused_with_its_buttons_goes_out_as_a_text(world: World) -> None:
    world.meta.fails("messages", 400, 100, "Invalid template")
    await world.sends("Pick", buttons=(Button("a", "Yes"),))
    assert (world.last.text, world.last.buttons) == ("Pick\n• Yes", [])
    world.meta.fails("messages", 400, 100, "No such message")
    await world.sends("Yes", reply_to="m_gone")
    assert "reply_to" not in world.last.body
    # Without anything to leave out it is not tried again.
    world.meta.fails("messages", 400, 100, "Invalid parameter")
    with pytest.raises(Refused):
        await world.sends("Hi")


@EVERYWHERE
async def test_that_files_go_as_what_they_can_be_shown_as(world: World) -> None:
    ogg, pdf = File("voice", "a.ogg", "audio/ogg", b"ogg"), File("file", "a.pdf", "application/pdf", b"pdf")
    await world.sends("Look", files=(PNG, pdf, File("voice", "a.m4a", "audio/mp4", b"m4a")))
    kinds = [one.body["message"]["attachment"]["type"] for one in world.page.sent[:-1]]
    assert (kinds, world.last.text) == (["image", "file", "audio"], "Look")
    if world.page.kind == "messenger":
        await world.sends("", files=(ogg,))
        assert world.last.body["message"]["attachment"]["type"] == "file"
        return
    for file in (ogg, File("file", "a.docx", "application/msword", b"doc")):
        with pytest.raises(Refused, match=file.name):
            await world.sends("", files=(file,))


async def test_that_a_file_that_is_not_taken_is_fetched_where_it_has_an_address(world: World) -> None:
    world.meta.fails("message_attachments", 400, 100, "Unsupported post request", times=2)
    with pytest.raises(Refused):
        await world.sends("", files=(PNG,))
    await world.sends("", files=(replace(PNG, url="https://savdo.example/widget/v1/files/a"),))
    assert world.last.body["message"]["attachment"]["payload"] == {"url": "https://savdo.example/widget/v1/files/a"}


@EVERYWHERE
async def test_that_a_person_may_write_longer_than_a_bot(world: World) -> None:
    await world.sends()
    assert world.last.body.get("messaging_type") == (None if world.page.kind == "own" else "RESPONSE")
    world.page.time_passes(world.ana)
    with pytest.raises(WindowClosed):
        await world.sends()
    await world.sends(late=True)
    assert world.last.body["tag"] == "HUMAN_AGENT"
    with pytest.raises(Refused):
        await world.sends(template=Template("visit", "en"))


@EVERYWHERE
async def test_that_a_comment_is_answered_once_to_its_author_in_one_text(world: World) -> None:
    comment = world.page.comments_on(world.ana, "price?")
    text = "Sencha is 84 000. " * 200
    await world.sends(text, thread_id=f"comment:{comment}", buttons=(Button("a", "Yes"),))
    assert world.last.text.endswith(" …")
    assert world.last.body["recipient"] == {"comment_id": comment}
    with pytest.raises(Refused):
        await world.sends("more", thread_id=f"comment:{comment}")
    await world.adapter.typing(world.connection, f"comment:{comment}")
    assert world.page.shown == []


@EVERYWHERE
async def test_that_reading_and_writing_are_shown_to_the_customer(world: World) -> None:
    await world.adapter.acknowledge(world.connection, Inbound("message", "m_1", world.ana.id, Sender(world.ana.id)))
    assert world.page.shown == [(world.ana.id, "mark_seen"), (world.ana.id, "typing_on")]


@EVERYWHERE
async def test_that_a_customers_name_is_asked_for(world: World) -> None:
    assert (await world.adapter.person(world.connection, world.ana.id)).name == "Ana Tea"
    with pytest.raises(MissingPermission):
        await world.adapter.person(world.connection, world.page.person("Bob").id)


async def test_that_a_file_is_fetched_without_a_token_and_never_from_here(world: World) -> None:
    world.meta.files["a"] = (b"jpeg" * 100, "image/jpeg")
    url = f"{world.page.base}/files/a"
    assert await world.adapter.fetch(world.connection, Media("image", url), 1000) == b"jpeg" * 100
    with pytest.raises(TooLarge):
        await world.adapter.fetch(world.connection, Media("image", url), 399)
    for wrong in (f"{world.page.base}/files/gone", "http://169.254.169.254/latest", "http://10.0.0.1/a", "file:///etc/passwd", "junk"):
        with pytest.raises(Refused):
            await world.adapter.fetch(world.connection, Media("image", wrong), 1000)
    # Where a token that has ended is shown, the file is refused.
    world.meta.token_expires()
    assert await world.adapter.fetch(world.connection, Media("image", url), 1000)


@EVERYWHERE
async def test_that_a_connection_says_what_it_lacks(world: World) -> None:
    assert (await world.adapter.check(world.connection)).name == ("Oq Choy" if world.page.kind == "messenger" else "@oqchoy")
    if world.page.kind != "own":
        world.meta.tokens[world.page.token] = {"pages_show_list"}
        with pytest.raises(MissingPermission, match="pages_manage_metadata"):
            await world.adapter.check(world.connection)
    world.meta.token_expires()
    with pytest.raises(Disconnected):
        await world.adapter.check(world.connection)


SHARED: dict[type[ChannelError], tuple[tuple[int, int], ...]] = {
    Busy: ((4, 0), (17, 0), (32, 0), (613, 0)), Disconnected: ((190, 0), (190, 463), (102, 0)), Uncertain: ((1, 0), (1, 1357046), (2, 0)),
    Blocked: ((551, 0),), Stopped: ((368, 0),), MissingPermission: ((10, 0), (3, 0)), Refused: ((100, 0), (999999, 0)),
}  # fmt: skip
CODES: dict[str, dict[type[ChannelError], tuple[tuple[int, int], ...]]] = {
    "messenger": {WindowClosed: ((10, 2018278),), Blocked: ((100, 2018001),), Stopped: ((10, 1893063),), Refused: ((200, 0),)},
    "instagram": {
        WindowClosed: ((10, 2534022),), Blocked: ((100, 2534014),), Stopped: ((100, 2534029), (200, 2534041)), Busy: ((613, 2534040),),
        MissingPermission: ((200, 0),),
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("service", "kind", "code"),
    [(name, kind, code) for name, own in CODES.items() for table in (SHARED, own) for kind, codes in table.items() for code in codes],
)
def test_that_every_code_has_its_verdict(service: str, kind: type[ChannelError], code: tuple[int, int]) -> None:
    verdicts = messenger.VERDICTS if service == "messenger" else instagram.VERDICTS
    said = {"error": {"code": code[0], "error_subcode": code[1], "message": "What was wrong.", "type": "OAuthException"}}
    chosen = meta_graph.Api("", "EAAtoken", "secret", service, verdicts)
    error = meta_graph.error_of(chosen, http.Answer(400, {}, json.dumps(said).encode()), Uncertain)
    assert type(error) is kind
    assert error.message == f"{service}: What was wrong."
