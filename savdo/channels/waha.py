"""A company's WhatsApp number as a linked device, by its own WAHA server: no account at Meta, no templates, no window, and
no promise of WhatsApp's that the number will not be barred.

`settings.api_base`, `settings.session`, `credentials.api_key` and `credentials.secret`, which signs what is delivered. A
thread is a chat (`…@c.us`, or `…@lid` where the phone is hidden). Source: the fact sheet on WAHA.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from savdo.channels import marks, menus, waha_api, waha_updates, whatsapp_bodies
from savdo.channels.errors import BadSignature, Blocked, CannotTell, ChannelError, Disconnected, Refused, Uncertain, Unreachable
from savdo.channels.models import Checked, Connection, File, Inbound, Limits, Media, Outbound
from savdo.channels.parts import in_turn

# Long enough for the answer to a call to come after the echo of what it sent.
HOLD = timedelta(seconds=10)
LARGEST_FILE = 64_000_000
RISK = "WhatsApp does not support this way of connecting and may bar the number; answer who wrote first, and never send in bulk."
SENDS = {"image": "sendImage", "voice": "sendVoice", "video": "sendVideo"}


@dataclass(frozen=True, slots=True)
class Part:
    """One call: where to, and its body without the session and the chat."""

    path: str
    body: Mapping[str, Any]


class Waha:
    kind: ClassVar[str] = "waha"
    longest_text: ClassVar[int] = whatsapp_bodies.LONGEST_TEXT
    limits: ClassVar[Limits] = Limits(read_marks=True, hold=HOLD, voice="opus")

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        """HMAC-SHA512 over the raw body, in hex, with the session's own key."""
        secret = connection.credentials.get("secret", "")
        given = headers.get("x-webhook-hmac", "")
        if not secret or headers.get("x-webhook-hmac-algorithm", "sha512") != "sha512":
            raise BadSignature
        wanted = hmac.digest(secret.encode(), body, hashlib.sha512).hex()
        if not hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode()):
            raise BadSignature

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        return waha_updates.inbounds(body)

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        """Sends each file, then the text; buttons and lists as lines of it, because a number's phone does not show them reliably."""
        chat = waha_updates.chat_of(outbound.thread_id)
        if not chat:
            raise Refused("This is not a WhatsApp customer.")
        head = {"session": waha_api.session_of(connection), "chatId": chat}

        async def one(part: Part) -> str:
            named = str(part.body.get("id", ""))
            try:
                answer = await waha_api.call(connection, "POST", f"/api/{part.path}", body={**head, **part.body}, sends=True)
            except waha_api.Standing:
                with suppress(ChannelError):
                    await waha_api.restart(connection)
                raise
            except Refused as error:
                raise await _why(connection, chat, error) from None
            except Uncertain as error:
                # Under an id of its own it is sent again without harm, whatever became of it.
                raise (Unreachable(error.message) if named else error) from None
            if not (found := waha_updates.short_id(answer) or named):
                raise Uncertain("WAHA took the message and answered with something that cannot be read.")
            return found

        return await in_turn(_parts(outbound, chat), one)

    async def reserve(self, connection: Connection, outbound: Outbound) -> tuple[str, ...]:
        """One for each text; files are sent under none."""
        parts = _parts(outbound, waha_updates.chat_of(outbound.thread_id))
        if any(part.path != "sendText" for part in parts):
            return ()
        try:
            ids = [await waha_api.new_id(connection) for _ in parts]
        except (Disconnected, Refused, waha_api.Standing):
            # Sending says what is wrong, or goes without: an older server gives none.
            return ()
        return tuple(ids) if all(ids) else ()

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        # Its own copy of the chat may be behind; the echo that comes tells, by the text.
        raise CannotTell

    async def typing(self, connection: Connection, thread_id: str) -> None:
        await waha_api.call(connection, "POST", "/api/startTyping", body=_chat(connection, thread_id))

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None:
        """Marks a message read."""
        named = [f"false_{inbound.thread_id}_{inbound.external_id}"]
        await waha_api.call(connection, "POST", "/api/sendSeen", body={**_chat(connection, inbound.thread_id), "messageIds": named})

    async def fetch(self, connection: Connection, media: Media, limit: int) -> bytes:
        return await waha_api.download(connection, media.reference, limit)

    async def check(self, connection: Connection) -> Checked:
        found = await waha_api.state(connection)
        if found.status in (*waha_api.STOPPED, *waha_api.PASSING):
            raise waha_api.NotWorking(waha_api.STANDS)
        if found.status != "WORKING":
            raise waha_api.NotWorking
        number = found.me.id.partition("@")[0].partition(":")[0] if found.me else ""
        name = (found.me.name or "") if found.me else ""
        return Checked(f"{name} +{number}".strip() if number else name or waha_api.session_of(connection), (RISK,))

    async def missed(self, connection: Connection, since: datetime) -> list[Inbound]:
        found = await waha_api.said_since(connection, since)
        told = [waha_updates.inbounds(json.dumps({"event": "message.any", "payload": one}).encode()) for one in found]
        return [inbound for inbounds in told for inbound in inbounds if inbound.event in ("message", "echo")]

    async def subscribe(self, connection: Connection, hook_url: str) -> None:
        await waha_api.begin(connection, hook_url, connection.credentials.get("secret", ""))


def _parts(outbound: Outbound, chat: str) -> list[Part]:
    """The calls of a message in order. Raises Refused for what would not be taken."""
    if outbound.template is not None:
        raise Refused("WhatsApp has templates only at Meta's own interface.")
    text = (menus.as_text(outbound).text if outbound.menu else outbound.text).replace("\x00", "")
    read = marks.read(menus.buttons_as_text(text, outbound.buttons))
    planned = [_file(one) for one in outbound.files]
    if read.text:
        said = whatsapp_bodies.texts(read, whatsapp_bodies.LONGEST_TEXT)
        planned += [Part("sendText", {"text": one, "linkPreview": False}) for one in said]
    if outbound.reserved:
        planned = [Part(part.path, {**part.body, "id": name}) for part, name in zip(planned, outbound.reserved, strict=True)]
    if planned and outbound.reply_to:
        planned[0] = Part(planned[0].path, {**planned[0].body, "reply_to": f"false_{chat}_{outbound.reply_to}"})
    return planned


def _file(file: File) -> Part:
    if len(file.content) > LARGEST_FILE:
        raise Refused(f"{file.name} is larger than the {LARGEST_FILE // 1_000_000} MB WhatsApp takes.")
    path = SENDS.get(file.kind, "sendFile")
    if path == "sendImage" and file.mime not in ("image/jpeg", "image/png"):
        path = "sendFile"
    mime = "audio/ogg; codecs=opus" if file.mime == "audio/ogg" else file.mime
    body: dict[str, Any] = {"file": {"mimetype": mime, "filename": file.name, "data": base64.b64encode(file.content).decode()}}
    if path in ("sendVoice", "sendVideo"):
        # WhatsApp shows neither unless it is coded its way.
        body["convert"] = file.mime not in ("audio/ogg", "video/mp4")
    return Part(path, body)


async def _why(connection: Connection, chat: str, error: ChannelError) -> ChannelError:
    """A refusal may mean that the number is no longer at WhatsApp, which only asking tells."""
    phone, _, server = chat.partition("@")
    if server != "c.us":
        return error
    try:
        params = f"?phone={quote(phone)}&session={waha_api.session_of(connection)}"
        found = await waha_api.call(connection, "GET", "/api/contacts/check-exists", params=params)
    except ChannelError:
        return error
    gone = isinstance(found, dict) and found.get("numberExists") is False
    return Blocked("This number is not at WhatsApp, or no longer.") if gone else error


def _chat(connection: Connection, thread_id: str) -> dict[str, str]:
    return {"session": waha_api.session_of(connection), "chatId": thread_id}
