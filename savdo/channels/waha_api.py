"""Calling a company's own WAHA server: the session with its code to scan, and what its refusals mean.

`settings.api_base` is the server's address, `settings.session` the session's name, `credentials.api_key` its key. A server
in a private network has to be listed in SAVDO_ALLOWED_HOSTS. Source: the fact sheet on WAHA.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field, ValidationError

from savdo.base import http
from savdo.base.errors import Unavailable
from savdo.channels import waha_updates
from savdo.channels.errors import Busy, ChannelError, Disconnected, Refused, Uncertain, Unreachable, Withheld
from savdo.channels.models import Connection

SERVICE = "WAHA"
SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
TIMEOUT_S = 15.0
FILE_TIMEOUT_S = 60.0
EVENTS = ("message.any", "message.ack", "message.reaction", "message.edited", "message.revoked", "session.status")
PASSING = ("STARTING",)
STOPPED = ("STOPPED", "FAILED")
# WhatsApp lets this number answer its chats and begin no new one.
# What is asked for after an outage: the chats that changed last, and the last messages of each.
MOST_CHATS, MOST_MESSAGES = 100, 50
TIMELOCK = re.compile(r"\b463\b")
WRONG_KEY = "WAHA does not accept the key."
STANDS = "The session does not run; it is being started."
AWAY = "The WAHA server does not answer."


class Me(BaseModel):
    id: str = ""
    name: str | None = Field("", alias="pushName")


class Session(BaseModel):
    """`status` is STOPPED, STARTING, SCAN_QR_CODE, PASSKEY_REQUIRED, PASSKEY_CONFIRMATION_REQUIRED, WORKING or FAILED."""

    status: str
    me: Me | None = None
    config: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """The code to scan with the phone, as a PNG picture; it changes every 20 seconds or so. Empty when there is none to scan."""

    status: str
    picture: bytes = b""


def session_of(connection: Connection) -> str:
    """Raises Refused for a name that no session can have."""
    name = str(connection.settings.get("session") or "default")
    if not SESSION.fullmatch(name):
        raise Refused("This is not the name of a session.")
    return name


async def call(
    connection: Connection, method: str, path: str, *, body: Mapping[str, Any] | None = None, params: str = "", sends: bool = False
) -> Any:
    """The answer of one call, None for an empty one. Raises the ChannelError its refusal means; where nobody can know whether
    it was carried out, a call that sends raises Uncertain and any other Unreachable."""
    answer = await _asked(connection, method, path + params, sends=sends, body=body)
    if not answer.ok:
        raise refusal(answer, sends=sends)
    with suppress(ValueError):
        return json.loads(answer.body) if answer.body.strip() else None
    raise (Uncertain if sends else Unreachable)("WAHA answered with something that cannot be read.")


async def new_id(connection: Connection) -> str:
    """The id a text may be sent under, again and again; "" where the answer holds none."""
    return waha_updates.short_id(await call(connection, "GET", f"/api/{session_of(connection)}/new-message-id"))


async def state(connection: Connection) -> Session:
    """How the session is. Raises Disconnected where there is none, and as `call`."""
    try:
        return Session.model_validate(await call(connection, "GET", f"/api/sessions/{session_of(connection)}"))
    except ValidationError:
        raise Unreachable("WAHA answered with something that cannot be read.") from None


async def begin(connection: Connection, hook_url: str, secret: str) -> None:
    """Makes the session, or changes it, so that it delivers to `hook_url` (to nobody when it is empty), signed with `secret`."""
    name = session_of(connection)
    hook = {
        "url": hook_url, "events": list(EVENTS), "hmac": {"key": secret},
        "retries": {"policy": "exponential", "delaySeconds": 2, "attempts": 15},
    }  # fmt: skip
    config: dict[str, Any] = {
        "webhooks": [hook] if hook_url else [], "ignore": {"status": True, "groups": True, "channels": True, "broadcast": True},
    }  # fmt: skip
    try:
        await call(connection, "PUT", f"/api/sessions/{name}", body={"name": name, "config": config})
    except NoSession:
        if hook_url:
            await call(connection, "POST", "/api/sessions", body={"name": name, "start": True, "config": config})


async def code(connection: Connection) -> Code:
    """The code to scan, for a page that asks every 5 seconds. A session that stands still is started first."""
    found = await state(connection)
    if found.status in STOPPED:
        await restart(connection)
        return Code("STARTING")
    if found.status != "SCAN_QR_CODE":
        return Code(found.status)
    answer = await _asked(connection, "GET", f"/api/{session_of(connection)}/auth/qr?format=image", sends=False, accept="image/png")
    if not answer.ok:
        raise refusal(answer, sends=False)
    return Code(found.status, answer.body if answer.body.startswith(b"\x89PNG") else b"")


async def restart(connection: Connection) -> None:
    """Starts a session that stands still; one that knows its phone works again after some seconds."""
    await call(connection, "POST", f"/api/sessions/{session_of(connection)}/restart")


async def pairing_code(connection: Connection, phone: str) -> str:
    """The code to type into the phone instead; `phone` in digits."""
    digits = "".join(one for one in phone if one.isdecimal())
    found = await call(connection, "POST", f"/api/{session_of(connection)}/auth/request-code", body={"phoneNumber": digits})
    if not isinstance(found, dict) or not isinstance(found.get("code"), str):
        raise Unreachable("WAHA answered with something that cannot be read.")
    return found["code"]


async def said_since(connection: Connection, since: datetime) -> list[dict[str, Any]]:
    """The messages of customers' chats since then, of either side, the earliest first, in the shape of a delivery."""
    session, seconds = session_of(connection), int(since.timestamp())
    chats = await call(connection, "GET", f"/api/{session}/chats/overview", params=f"?limit={MOST_CHATS}")
    found: list[dict[str, Any]] = []
    for chat in chats if isinstance(chats, list) else []:
        last = chat.get("lastMessage") if isinstance(chat, dict) else None
        name = str(chat["id"]) if isinstance(last, dict) and isinstance(chat.get("id"), str) else ""
        # Groups and channels are no customers.
        if not name.endswith(("@c.us", "@lid")) or not isinstance(last, dict) or _seconds(last) < seconds:
            continue
        params = f"?limit={MOST_MESSAGES}&downloadMedia=true&filter.timestamp.gte={seconds}"
        said = await call(connection, "GET", f"/api/{session}/chats/{quote(name, safe='@.')}/messages", params=params)
        found += [one for one in said if isinstance(one, dict) and _seconds(one) >= seconds] if isinstance(said, list) else []
    # The latest stand first, and two of one second have no other order.
    found.reverse()
    return sorted(found, key=_seconds)


async def log_out(connection: Connection) -> None:
    """Forgets the phone: the linked device is gone from it."""
    await call(connection, "POST", f"/api/sessions/{session_of(connection)}/logout")


async def download(connection: Connection, reference: str, limit: int) -> bytes:
    """A file a customer sent. WAHA keeps it for minutes only, and names a host that is often only its own."""
    if reference.startswith("s3:"):
        answer = await http.send("GET", reference[3:], service="WAHA files", timeout=FILE_TIMEOUT_S, tries=2, limit=limit)
    else:
        place = urlsplit(reference)
        path = place.path + (f"?{place.query}" if place.query else "")
        if not place.path.startswith("/api/files/") or ".." in place.path:
            raise Refused("WAHA could not fetch this file.")
        answer = await _asked(connection, "GET", path, sends=False, limit=limit)
    if answer.ok:
        return answer.body
    if answer.status in (401, 403):
        raise Disconnected
    raise Unreachable(f"WAHA answered {answer.status}.") if answer.status >= 500 else Refused("WAHA no longer has this file.")


class NoSession(Disconnected):
    """WAHA has no such session; connect the number again."""

    code = "no_session"


class Standing(Unreachable):
    """The session does not run; it is being started."""

    code = "session_standing"


class NotWorking(Disconnected):
    """The phone is no longer linked: scan the code again."""

    code = "not_working"


def refusal(answer: http.Answer, *, sends: bool) -> ChannelError:
    """What an answer that is no success means: by its status, and by the session's, which stands in the body."""
    text = answer.text[:2000]
    if answer.status in (401, 403):
        return Disconnected(WRONG_KEY)
    if answer.status == 429:
        return Busy(retry_after=answer.retry_after or Busy.usual_s)
    if sends and TIMELOCK.search(text):
        return Withheld("WhatsApp lets this number begin no new chats for now.")
    if answer.status == 422 and "session status" in text.lower():
        if any(f'"{one}"' in text for one in STOPPED):
            return Standing()
        return Unreachable("The session is being started.") if any(f'"{one}"' in text for one in PASSING) else NotWorking()
    if answer.status == 404 and "session" in text.lower():
        return NoSession()
    if answer.status >= 500:
        return (Uncertain if sends else Unreachable)(f"WAHA answered {answer.status}.")
    return Refused(f"WAHA answered {answer.status}.")


async def _asked(
    connection: Connection, method: str, path: str, *, sends: bool, body: Mapping[str, Any] | None = None,
    limit: int = 2_000_000, accept: str = "application/json",
) -> http.Answer:  # fmt: skip
    base = str(connection.settings.get("api_base") or "").rstrip("/")
    if not base:
        raise Disconnected("The address of the WAHA server is needed.")
    headers = {"X-Api-Key": connection.credentials.get("api_key", ""), "accept": accept}
    timeout = FILE_TIMEOUT_S if path.startswith("/api/files/") or (body and "file" in body) else TIMEOUT_S
    try:
        # A breaker for each server: one company's is no concern of the others.
        return await http.send(
            method, base + path, service=f"{SERVICE} of {connection.id}", json=body, headers=headers, timeout=timeout, limit=limit
        )
    except http.NoAnswer:
        raise (Uncertain if sends else Unreachable)("WAHA broke off before it answered.") from None
    except (http.NotSent, http.CircuitOpen) as error:
        raise Unreachable(error.message) from None
    except Unavailable as error:
        raise (Uncertain if sends else Unreachable)(error.message) from None


def _seconds(message: Mapping[str, Any]) -> int:
    at = message.get("timestamp")
    return int(at) if isinstance(at, int | float) else 0
