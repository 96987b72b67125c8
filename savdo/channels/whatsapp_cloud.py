"""A company's number on WhatsApp, by Meta's own Cloud API.

`account` of a connection is the id of the phone number, `settings.business_id` the WhatsApp business account it belongs
to, `credentials.token` the business' access token. Source: the fact sheet on the Cloud API.
"""

import secrets as random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, JsonValue

from savdo.base.errors import TooLarge
from savdo.channels import meta_graph, meta_webhooks, whatsapp_bodies, whatsapp_updates
from savdo.channels.errors import CannotTell, Refused, Uncertain, Unreachable
from savdo.channels.models import Checked, Connection, Inbound, Limits, Media, Outbound
from savdo.channels.parts import in_turn

SERVICE = "WhatsApp"
PERMISSIONS = ("whatsapp_business_messaging", "whatsapp_business_management")
WINDOW = timedelta(hours=24)


class Number(BaseModel):
    display_phone_number: str = ""
    verified_name: str = ""
    quality_rating: str = ""


class Found(BaseModel):
    url: str
    file_size: int = 0


class WhatsAppCloud:
    kind: ClassVar[str] = "whatsapp_cloud"
    longest_text: ClassVar[int] = whatsapp_bodies.LONGEST_TEXT
    limits: ClassVar[Limits] = Limits(window=WINDOW, menus=True, templates=True, read_marks=True, voice="opus")

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        meta_webhooks.verify(headers, body)

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        return whatsapp_updates.inbounds(body, connection.account)

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        """Sends each file, then the text in as many parts as it needs, the buttons or the list under the last."""

        async def one(part: whatsapp_bodies.Part) -> str:
            return await _sent(connection, await _uploaded(connection, part))

        return await in_turn(whatsapp_bodies.parts(outbound), one)

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        # There is no looking back; a receipt that comes later tells, by our own id.
        raise CannotTell

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None:
        """Marks a message read and shows that an answer is being written, for 25 seconds at most: there is no other way to show it."""
        read: dict[str, JsonValue] = {"messaging_product": "whatsapp", "status": "read", "message_id": inbound.external_id}
        await _call(connection, "POST", f"{_number(connection)}/messages", body={**read, "typing_indicator": {"type": "text"}})

    async def fetch(self, connection: Connection, media: Media, limit: int) -> bytes:
        if media.size > limit:
            raise TooLarge(f"The file has {media.size:,} bytes; {limit:,} are allowed.")
        # Never the address in the event, which lives for five minutes.
        try:
            found = Found.model_validate(await _call(connection, "GET", media.reference))
        except ValueError:
            raise Unreachable("WhatsApp answered with something that cannot be read.") from None
        if found.file_size > limit:
            raise TooLarge(f"The file has {found.file_size:,} bytes; {limit:,} are allowed.")
        return await meta_graph.download(_api(connection), found.url, limit)

    async def check(self, connection: Connection) -> Checked:
        await meta_graph.require(connection, SERVICE, PERMISSIONS)
        fields = "display_phone_number,verified_name,quality_rating"
        try:
            number = Number.model_validate(await _call(connection, "GET", _number(connection), params={"fields": fields}))
        except ValueError:
            raise Unreachable("WhatsApp answered with something that cannot be read.") from None
        low = number.quality_rating in ("YELLOW", "RED")
        warnings = (f"WhatsApp rates the quality of this number as {number.quality_rating.lower()}.",) if low else ()
        return Checked(f"{number.verified_name} {number.display_phone_number}".strip(), warnings)

    async def subscribe(self, connection: Connection, hook_url: str) -> None:
        """Has Meta deliver the business' events to the app's address, which is set once for the installation; an empty
        `hook_url` ends that, for every number of the business."""
        await _call(connection, "POST" if hook_url else "DELETE", _apps(connection))

    async def delivering(self, connection: Connection) -> bool:
        # A token sees its own app there, and no other's.
        return bool((await _call(connection, "GET", _apps(connection))).get("data"))


async def _uploaded(connection: Connection, part: whatsapp_bodies.Part) -> whatsapp_bodies.Part:
    """The part with its file handed over: an uploaded id lives 30 days, and nobody has seen it yet."""
    if part.file is None:
        return part
    name = part.file.name or f"{part.file.kind}-{random.token_hex(3)}"
    answer = await _call(
        connection, "POST", f"{_number(connection)}/media", form={"messaging_product": "whatsapp", "type": part.mime},
        files={"file": (name, part.file.content, part.mime)},
    )  # fmt: skip
    kind = str(part.body["type"])
    shown = part.body[kind]
    if not isinstance(answer.get("id"), str) or not isinstance(shown, dict):
        raise Unreachable("WhatsApp answered with something that cannot be read.")
    return replace(part, body={**part.body, kind: {"id": answer["id"], **shown}}, file=None)


async def _sent(connection: Connection, part: whatsapp_bodies.Part) -> str:
    answer = await _call(connection, "POST", f"{_number(connection)}/messages", body=part.body, sends=True)
    try:
        return str(answer["messages"][0]["id"])
    except (KeyError, IndexError, TypeError):
        raise Uncertain("WhatsApp took the message and answered with something that cannot be read.") from None


async def _call(connection: Connection, method: str, path: str, **more: Any) -> dict[str, Any]:
    return await meta_graph.call(_api(connection), method, path, **more)


def _api(connection: Connection) -> meta_graph.Api:
    return meta_graph.api(connection, SERVICE, whatsapp_updates.VERDICTS)


def _apps(connection: Connection) -> str:
    business = str(connection.settings.get("business_id") or "")
    if not business:
        raise Refused("The id of the WhatsApp business account is needed.")
    return f"{business}/subscribed_apps"


def _number(connection: Connection) -> str:
    if not connection.account.isdecimal():
        raise Refused("The id of the phone number is needed.")
    return connection.account
