"""One call of the Bot API, and what its refusals mean to us.

The token stands in the path of every address, so no address is ever put into an error or a log line.
"""

import hmac
import json
import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, JsonValue, ValidationError

from savdo.base import http
from savdo.base.settings import settings
from savdo.channels.errors import BadSignature, Blocked, Busy, ChannelError, Disconnected, Refused, Uncertain, Unreachable, WindowClosed
from savdo.channels.models import Connection

TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,100}")
# What a 403 says when the customer cannot be written to; any other is about this message.
GONE = ("blocked", "deactivated", "initiate conversation", "kicked", "not a member")
UPLOAD_TIMEOUT_S = 60.0
REVOKED = "Telegram no longer accepts this bot's token; enter the one BotFather shows now."
ELSEWHERE = "Another program reads this bot's messages; only one can."
DELIVERED_ELSEWHERE = "This bot's messages go to another program now; connecting it here ends that."

Upload = tuple[str, bytes, str]
Params = Mapping[str, JsonValue]
Shape = TypeVar("Shape", bound=BaseModel)


# The wait stands in the words as well, should the parameters be missing.
RETRY_AFTER = re.compile(r"retry after (\d{1,9})")


class Parameters(BaseModel):
    retry_after: float | None = None
    migrate_to_chat_id: int | None = None


class Envelope(BaseModel):
    ok: bool
    result: JsonValue = None
    error_code: int = 0
    description: str = ""
    parameters: Parameters = Parameters()


class Me(BaseModel):
    """What a bot says of itself."""

    username: str
    can_join_groups: bool = False
    can_read_all_group_messages: bool = False
    can_connect_to_business: bool = False


class Webhook(BaseModel):
    """How Telegram delivers: where to, how many updates wait, and what went wrong last (`last_error_date` in Unix seconds)."""

    url: str = ""
    pending_update_count: int = 0
    last_error_date: int = 0
    last_error_message: str = ""


class Unformatted(Refused):
    """Telegram cannot read the formatting of this message."""


class Moved(Refused):
    """The chat has a new id."""

    def __init__(self, message: str, *, chat_id: int = 0) -> None:
        super().__init__(message)
        self.chat_id = chat_id


class ReadElsewhere(Busy):
    """Another program reads this bot's messages."""


class KeyboardRefused(Refused):
    """Telegram does not take the buttons of this message."""


class Unlinked(Refused):
    """The account is no longer linked to this bot."""

    code = "unlinked"


class UnknownFile(Refused):
    """Telegram does not give out this file."""


class FileTooBig(Refused):
    """Telegram gives bots no file of more than 20 MB."""


# By a fragment of the description, since codes may change (the fact sheet).
BAD_REQUESTS: Mapping[str, type[ChannelError]] = {
    "can't parse entities": Unformatted,
    "can't parse message text": Unformatted,
    "can't parse caption": Unformatted,
    "button_": KeyboardRefused,
    "keyboard": KeyboardRefused,
    "reply markup": KeyboardRefused,
    "business connection not found": Unlinked,
    "business_connection_invalid": Unlinked,
    "business_peer": WindowClosed,
    "file is too big": FileTooBig,
    "wrong file_id": UnknownFile,
    "temporarily unavailable": UnknownFile,
    "invalid file_id": UnknownFile,
}


async def call(
    connection: Connection, method: str, params: Params, *, upload: Mapping[str, Upload] | None = None, wait: float = 10.0
) -> JsonValue:
    """The result of one method; `wait` is the longest wait for it in seconds.

    Raises the ChannelError its refusal means. Where nobody can know whether it was carried out, a method that sends
    raises Uncertain and any other Unreachable: only that one may be called again.
    """
    address = f"{base(connection)}/bot{token(connection)}/{method}"
    unsure = Uncertain if is_sending(method) else Unreachable
    service = service_of(connection, method)
    try:
        if upload is None:
            answer = await http.send("POST", address, service=service, json=params, timeout=wait)
        else:
            form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()}
            answer = await http.send("POST", address, service=service, form=form, files=upload, timeout=max(wait, UPLOAD_TIMEOUT_S))
    except http.NoAnswer:
        raise unsure from None
    except http.CircuitOpen as error:
        raise Busy("Telegram did not answer several times just now.", retry_after=error.retry_after) from None
    except http.NotSent:
        raise Unreachable from None
    except (http.AddressRefused, http.BadAddress):
        raise _bad_base() from None
    try:
        envelope = Envelope.model_validate_json(answer.body)
    except ValidationError:
        envelope = Envelope(ok=False, error_code=answer.status, description="an answer that is not the Bot API's")
    if envelope.ok:
        return envelope.result
    raise error_of(envelope, answer.status, unsure)


async def download(connection: Connection, file_path: str, limit: int) -> bytes:
    """A file by the path that getFile gave. Raises http.AnswerTooLarge (a TooLarge) over `limit` bytes."""
    address = f"{base(connection)}/file/bot{token(connection)}/{quote(file_path)}"
    try:
        service = service_of(connection, "file")
        answer = await http.send("GET", address, service=service, timeout=UPLOAD_TIMEOUT_S, tries=3, limit=limit)
    except http.CircuitOpen as error:
        raise Busy("Telegram did not answer several times just now.", retry_after=error.retry_after) from None
    except (http.NotSent, http.NoAnswer):
        raise Unreachable from None
    except (http.AddressRefused, http.BadAddress):
        raise _bad_base() from None
    if answer.status == 200:
        return answer.body
    if answer.status == 401:
        raise Disconnected
    raise Unreachable(f"Telegram answered {answer.status}.") if answer.status >= 500 else UnknownFile


def verify(connection: Connection, headers: Mapping[str, str]) -> None:
    """Raises BadSignature. Telegram signs no body: this header and the unguessable path are what there is."""
    given = headers.get("x-telegram-bot-api-secret-token", "").encode()
    secret = connection.credentials.get("secret", "").encode()
    if not secret or not hmac.compare_digest(given, secret):
        raise BadSignature


async def me(connection: Connection) -> Me:
    """The bot whose token this is. Raises as `call`."""
    return _read(Me, await call(connection, "getMe", {}))


async def webhook(connection: Connection) -> Webhook:
    """How deliveries are going, in Telegram's own words. Raises as `call`."""
    return _read(Webhook, await call(connection, "getWebhookInfo", {}))


async def warnings(connection: Connection) -> list[str]:
    """What keeps this bot's messages from coming here, for whoever connects it. Raises as `call`."""
    hook = await webhook(connection)
    if hook.url and connection.key not in hook.url:
        return [DELIVERED_ELSEWHERE]
    if hook.url and hook.last_error_message:
        return [f"Telegram could not deliver: {hook.last_error_message}"]
    return []


async def subscribe(connection: Connection, hook_url: str, updates: list[JsonValue]) -> None:
    """Has `updates` delivered to `hook_url`; an empty one ends that."""
    if not hook_url:
        await call(connection, "deleteWebhook", {})
        return
    secret = connection.credentials.get("secret", "")
    if not secret:
        raise Refused("A secret is needed, so that nobody else can deliver in Telegram's name.")
    await call(connection, "setWebhook", {"url": hook_url, "secret_token": secret, "allowed_updates": updates})


def error_of(envelope: Envelope, status: int, unsure: type[ChannelError]) -> ChannelError:
    """The error table of the fact sheet."""
    code, words = envelope.error_code or status, envelope.description
    if code == 429:
        said = RETRY_AFTER.search(words)
        return Busy(retry_after=max(1.0, envelope.parameters.retry_after or float(said[1] if said else 1)))
    if code == 409:
        return ReadElsewhere(ELSEWHERE, retry_after=3.0)
    # A 404 is about the path, and of the path only the token is not ours.
    if code in (401, 404):
        return Disconnected(REVOKED)
    if code == 403:
        gone = any(fragment in words.lower() for fragment in GONE)
        return Blocked() if gone else Refused(f"Telegram refused: {words}")
    if code >= 500 or code < 400:
        return unsure(f"Telegram answered {code}: {words}")
    if envelope.parameters.migrate_to_chat_id is not None:
        return Moved(words, chat_id=envelope.parameters.migrate_to_chat_id)
    kind = next((kind for fragment, kind in BAD_REQUESTS.items() if fragment in words.lower()), Refused)
    return kind(f"Telegram refused: {words}")


def is_sending(method: str) -> bool:
    """Whether a second call would be seen by the customer twice."""
    return method.startswith("send") and method != "sendChatAction"


def base(connection: Connection) -> str:
    """Where this bot's API is: the connection's own `api_base`, for a company that runs its own Bot API server, or the setting."""
    return str(connection.settings.get("api_base") or settings().telegram_api_base).rstrip("/")


def token(connection: Connection) -> str:
    """The token, checked for its shape before it becomes part of an address. Raises Disconnected."""
    found = connection.credentials.get("token", "")
    if not TOKEN.fullmatch(found):
        raise Disconnected("This is not a bot token; BotFather shows it as 123456:ABC-DEF…")
    return found


def service_of(connection: Connection, method: str) -> str:
    """What has a breaker of its own: each server, and waiting for updates apart from everything else."""
    name = "Telegram polling" if method == "getUpdates" else "Telegram"
    host = urlsplit(base(connection)).netloc
    return name if host == urlsplit(settings().telegram_api_base).netloc else f"{name} at {host.rpartition('@')[2]}"


def _read(shape: type[Shape], answer: JsonValue) -> Shape:
    try:
        return shape.model_validate(answer)
    except ValidationError:
        raise Unreachable("Telegram answered with something that cannot be read.") from None


def _bad_base() -> Disconnected:
    return Disconnected("The address of this bot's API server is not one that may be used.")
