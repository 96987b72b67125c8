"""Files a member sends from the inbox: all of them or none, and what is refused is said in words."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from savdo.base import db, files, jobs
from savdo.channels.models import Connection
from savdo.channels.sandbox import Sandbox
from savdo.conversations import media
from tests.web import office

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 30
TEXT = b"Puer: 132 000"
Parts = list[tuple[str, tuple[str, bytes, str]]]


@pytest_asyncio.fixture
async def alice(tenant_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner"))
        yield browser


def parts(*uploads: tuple[str, bytes]) -> Parts:
    return [("files", (name, content, "application/octet-stream")) for name, content in uploads]


def as_a_browser(text: str) -> dict[str, Any]:
    """A form whose file field was left alone: a part with an empty file name."""
    fields = ('name="text"', text), ('name="files"; filename=""', "")
    body = "".join(f"--x\r\ncontent-disposition: form-data; {field}\r\n\r\n{value}\r\n" for field, value in fields) + "--x--\r\n"
    return {"content": body.encode(), "headers": {"content-type": "multipart/form-data; boundary=x"}}


async def kept(tenant_id: UUID) -> list[dict[str, Any]]:
    async with db.step(tenant_id) as session:
        return await db.rows(session, "SELECT * FROM attachments ORDER BY id")


async def written(tenant_id: UUID) -> list[dict[str, Any]]:
    async with db.step(tenant_id) as session:
        return await db.rows(session, "SELECT * FROM messages ORDER BY number")


async def test_that_a_file_goes_out_with_its_words(
    alice: httpx.AsyncClient, tenant_id: UUID, connection: Connection, sandbox: Sandbox
) -> None:
    talk = await office.talk(connection, "Dilnoza")
    answer = await alice.post(
        f"/inbox/{talk.id}/say", data={"text": "Mana"}, files=parts(("a.png", PNG), ("n.txt", TEXT)), headers={"hx-request": "true"}
    )
    assert answer.status_code == 200
    [message] = await written(tenant_id)
    assert (message["kind"], message["text"], message["author"]) == ("image", "Mana", "member")
    assert [one["message_id"] for one in await kept(tenant_id)] == [message["id"]] * 2
    for one in message["payload"]["attachments"]:
        assert f"/files/{one['id']}" in answer.text
        assert (await alice.get(f"/files/{one['id']}")).status_code == 200
    await jobs.run_waiting()
    [sent] = sandbox.sent
    assert [(one.kind, one.name, one.content) for one in sent.files] == [("image", "a.png", PNG), ("file", "n.txt", TEXT)]
    assert sent.text == "Mana"


async def test_that_a_file_needs_no_words_and_is_named_in_the_list(
    alice: httpx.AsyncClient, tenant_id: UUID, connection: Connection
) -> None:
    talk = await office.talk(connection, "Dilnoza")
    assert (await alice.post(f"/inbox/{talk.id}/say", data={"text": " "}, files=parts(("narxlar.txt", TEXT)))).status_code == 303
    assert "narxlar.txt" in (await alice.get("/inbox/list")).text


async def test_that_a_form_without_a_chosen_file_is_an_ordinary_message(
    alice: httpx.AsyncClient, tenant_id: UUID, connection: Connection
) -> None:
    talk = await office.talk(connection, "Dilnoza")
    assert (await alice.post(f"/inbox/{talk.id}/say", **as_a_browser("Salom"))).status_code == 303
    [message] = await written(tenant_id)
    assert (message["text"], message["kind"], message["payload"]) == ("Salom", "text", {})
    nothing = await alice.post(f"/inbox/{talk.id}/say", **as_a_browser(" "))
    assert nothing.status_code == 422


REFUSALS = [
    ([("a.png", PNG), ("run.exe", b"MZ\x90\x00" + bytes(90))], 415, "Files of this kind are not sent"),
    ([("a.png", PNG), ("page.png", b"<html><script>alert(1)</script>")], 415, "Files of this kind are not sent"),
    ([("a.png", PNG), ("empty.txt", b"")], 422, "This file is empty"),
    ([("a.png", PNG)] * 6, 422, "At most 5 files"),
    ([("a.png", PNG), ("big.png", PNG + bytes(31_000_000))], 413, "too large"),
]


@pytest.mark.parametrize(("uploads", "status", "words"), REFUSALS, ids=["program", "page", "empty", "many", "large"])
async def test_that_a_refusal_is_told_and_nothing_is_kept(
    alice: httpx.AsyncClient, tenant_id: UUID, connection: Connection, uploads: list[tuple[str, bytes]], status: int, words: str
) -> None:
    talk = await office.talk(connection, "Dilnoza")
    before = await files.delete_under(f"{tenant_id}/attachments")
    answer = await alice.post(f"/inbox/{talk.id}/say", data={"text": "x"}, files=parts(*uploads), headers={"hx-request": "true"})
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]
    assert words in answer.headers["hx-trigger"]
    assert await kept(tenant_id) == []
    assert await written(tenant_id) == []
    assert (before, await files.delete_under(f"{tenant_id}/attachments")) == (0, 0)


async def test_that_nobody_sends_files_into_another_company_s_conversation(
    tenant_id: UUID, other_tenant_id: UUID, connection: Connection
) -> None:
    talk = await office.talk(connection, "Dilnoza")
    async with office.client() as mallory:
        await office.sign_in(mallory, await office.member(other_tenant_id, "Mallory", "owner"))
        assert (await mallory.post(f"/inbox/{talk.id}/say", data={"text": "x"}, files=parts(("a.png", PNG)))).status_code == 404
    async with office.client() as viewer:
        await office.sign_in(viewer, await office.member(tenant_id, "Vera", "viewer"))
        assert (await viewer.post(f"/inbox/{talk.id}/say", data={"text": "x"}, files=parts(("a.png", PNG)))).status_code == 403
    assert await kept(tenant_id) + await kept(other_tenant_id) == []


MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(40)


@pytest.mark.parametrize(("kind", "content", "tag"), [("video", MP4, "<video"), ("sticker", PNG, '<img class="media sticker"')])
async def test_that_videos_and_stickers_show_in_the_thread(
    alice: httpx.AsyncClient, tenant_id: UUID, connection: Connection, kind: str, content: bytes, tag: str
) -> None:
    talk = await office.talk(connection, "Dilnoza")
    one = await media.keep(tenant_id, conversation_id=talk.id, name=kind, content=content, mime="")
    await office.says(talk, "", payload={"attachments": [one.as_payload() | {"kind": kind}]})
    page = (await alice.get(f"/inbox/{talk.id}")).text
    shown = page[page.index(tag) :]
    assert f'src="/files/{one.id}"' in shown[: shown.index(">")]


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [("bytes=0-3", 206, MP4[:4]), ("bytes=4-", 206, MP4[4:]), ("bytes=9-3", 200, MP4), ("bytes=999-", 200, MP4), ("lines=1-2", 200, MP4)],
)
async def test_that_a_player_gets_the_part_it_asks_for(
    alice: httpx.AsyncClient, tenant_id: UUID, connection: Connection, asked: str, status: int, part: bytes
) -> None:
    talk = await office.talk(connection, "Dilnoza")
    one = await media.keep(tenant_id, conversation_id=talk.id, name="a.mp4", content=MP4, mime="")
    answer = await alice.get(f"/files/{one.id}", headers={"range": asked})
    assert (answer.status_code, answer.content) == (status, part)
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    if status == 206:
        start = MP4.index(part)
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{len(MP4)}"
