"""A message as the visitor's window gets it."""

from collections.abc import Mapping
from typing import Any

from psycopg.rows import DictRow

from savdo.channels.models import Connection
from savdo.web.widget_files import address_of

AUTHORS = {"contact": "visitor", "bot": "bot", "member": "human", "system": "system"}
TYPES = {"video": "file", "sticker": "image", "contact": "text"}


def shown(row: DictRow, connection: Connection) -> dict[str, Any]:
    """The public form of a message; `deleted` also for one that was withdrawn before it was sent."""
    payload: Mapping[str, Any] = row["payload"]
    deleted = row["deleted_at"] is not None or row["status"] == "failed"
    reply_to = str(payload.get("reply_to", "")).removeprefix("#")
    return {
        "id": row["number"],
        "client_msg_id": row["external_id"].partition(":")[2] or None if row["direction"] == "in" and row["external_id"] else None,
        "direction": row["direction"],
        "author": _author(row, connection),
        "type": TYPES.get(row["kind"], row["kind"]),
        "text": "" if deleted else row["text"],
        "format": "markdown-lite" if row["direction"] == "out" else "text",
        "buttons": [] if deleted else [_button(one) for one in payload.get("buttons") or ()],
        "attachments": [] if deleted else [_attachment(one, connection) for one in payload.get("attachments") or ()],
        "reply_to": int(reply_to) if reply_to.isdigit() else None,
        "status": row["status"],
        "created_at": row["created_at"].isoformat(),
        "edited_at": row["edited_at"].isoformat() if row["edited_at"] else None,
        "deleted": deleted,
    }


def _author(row: DictRow, connection: Connection) -> dict[str, str]:
    kind = AUTHORS[row["author"]]
    name = {"bot": connection.settings.get("bot_name") or "Assistant", "human": row["member"] or ""}.get(kind, "")
    return {"kind": kind, "name": str(name)}


def _button(one: Mapping[str, Any]) -> dict[str, str]:
    button = {"id": str(one["id"]), "title": str(one["title"])}
    return button | {"url": str(one["url"])} if one.get("url") else button


def _attachment(one: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    return {
        "id": str(one["id"]),
        "kind": one.get("kind", "file"),
        "name": one.get("name", ""),
        "mime": one.get("mime", ""),
        "size": one.get("size", 0),
        "url": address_of(connection.tenant_id, str(one["id"])),
    }
