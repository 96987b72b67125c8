"""What was said on a page or an account while nothing was delivered: its conversations, read back as deliveries.

Meta repeats no delivery for ever and replays none, but keeps the conversations; of each the last messages are read.
Source: the fact sheets on Messenger and on Meta's webhooks, sections "calls" and "delivery rules".
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from savdo.channels import meta_graph
from savdo.channels.errors import Unreachable
from savdo.channels.meta_shapes import Id, Text, as_list

FIELDS = (
    "updated_time,messages.limit(25){id,created_time,from,to,message,attachments{mime_type,name,file_url,image_data{url},video_data{url}}}"
)
MOST_PAGES = 20
# Two calls a second are allowed.
PAUSE_S = 0.5


class Party(BaseModel):
    id: Id = ""


class Parties(BaseModel):
    data: tuple[Party, ...] = ()


class Link(BaseModel):
    url: Text = ""


class Attachment(BaseModel):
    mime_type: Text = ""
    file_url: Text = ""
    image_data: Link | None = None
    video_data: Link | None = None


class Attachments(BaseModel):
    data: tuple[Attachment, ...] = ()


class Said(BaseModel):
    id: Id = ""
    created_time: Text = ""
    message: Text = ""
    to: Parties = Parties()
    attachments: Attachments = Attachments()


class Talk(BaseModel):
    updated_time: Text = ""
    # Read one by one: `from` is no name here, and one that cannot be read must not hide the others.
    messages: Mapping[str, Any] = {}


async def messages(api: meta_graph.Api, node: str, platform: str, since: datetime) -> list[dict[str, Any]]:
    """The messages since then as events of a delivery, whoever wrote them, those of a conversation in order. Raises what a
    refusal means."""
    found: list[dict[str, Any]] = []
    params = {"platform": platform, "fields": FIELDS, "limit": "25"}
    for _ in range(MOST_PAGES):
        answer = await meta_graph.call(api, "GET", f"{node}/conversations", params=params)
        talks = _talks(answer)
        found += [event for talk in talks for raw in as_list(talk.messages.get("data")) if (event := _event(raw, since))]
        after = _after(answer)
        # The latest stand first: behind one that is older nothing is new.
        if not after or any(_moment(talk.updated_time) < since for talk in talks):
            break
        params["after"] = after
        await asyncio.sleep(PAUSE_S)
    # The latest stand first, and two of one second have no other order.
    return found[::-1]


def delivery(account: str, events: list[dict[str, Any]]) -> bytes:
    """The same as one delivery about an account."""
    return json.dumps({"object": "page", "entry": [{"id": account, "messaging": events}]}).encode()


def _event(raw: Any, since: datetime) -> dict[str, Any] | None:
    try:
        said, author = Said.model_validate(raw), Party.model_validate(raw["from"])
    except (ValidationError, KeyError, TypeError):
        return None
    at = _moment(said.created_time)
    if at < since or not (said.id and author.id and said.to.data):
        return None
    files = [file for one in said.attachments.data if (file := _file(one))["payload"]["url"]]
    if not (said.message or files):
        return None
    message: dict[str, Any] = {"mid": said.id, "text": said.message, "attachments": files}
    ids = {"sender": {"id": author.id}, "recipient": {"id": said.to.data[0].id}}
    return {**ids, "timestamp": int(at.timestamp() * 1000), "message": message}


def _file(attachment: Attachment) -> dict[str, Any]:
    picture, film = (one.url if one else "" for one in (attachment.image_data, attachment.video_data))
    kind = "image" if picture else "video" if film else "audio" if attachment.mime_type.startswith("audio/") else "file"
    return {"type": kind, "payload": {"url": picture or film or attachment.file_url}}


def _talks(answer: Mapping[str, Any]) -> list[Talk]:
    try:
        return [Talk.model_validate(one) for one in as_list(answer.get("data"))]
    except ValidationError:
        raise Unreachable("Meta answered with something that cannot be read.") from None


def _after(answer: Mapping[str, Any]) -> str:
    """The cursor of the next page; its address is made anew, because the one that is given may be another host's."""
    paging = answer.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) and paging.get("next") else None
    return str(cursors.get("after") or "") if isinstance(cursors, dict) else ""


def _moment(text: str) -> datetime:
    """A moment as Meta writes it (2026-09-26T10:00:00+0000, or Unix seconds); long ago where it is none."""
    try:
        found = datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.min.replace(tzinfo=UTC)
