"""One call of Meta's Graph API, and what its errors mean to us.

The sheet of each channel names codes of its own; those that all of them share stand here. A token stands in a header,
its proof in the query, and neither is ever put into an error or a log line.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from pydantic import BaseModel, JsonValue, ValidationError, field_validator

from savdo.base import http
from savdo.base.settings import settings
from savdo.channels.errors import (
    Blocked,
    Busy,
    ChannelError,
    Disconnected,
    MissingPermission,
    Refused,
    Stopped,
    Uncertain,
    Unreachable,
)
from savdo.channels.models import Connection

TIMEOUT_S = 10.0
UPLOAD_TIMEOUT_S = 60.0
# From this share of the allowance on, in percent, it is worth a line in the log.
NEARLY_USED = 80
LONGEST_REGAIN_S = 3600.0

log = structlog.get_logger()

Verdicts = Mapping[int | tuple[int, int], type[ChannelError]]
SHARED: Verdicts = {
    190: Disconnected, 102: Disconnected, 0: Disconnected,
    # It may have been carried out: a message is not sent again on these.
    1: Uncertain, 1357046: Uncertain,
    2: Unreachable,
    4: Busy, 17: Busy, 32: Busy, 613: Busy, 80007: Busy,
    3: MissingPermission, 10: MissingPermission,
    100: Refused, 368: Stopped, 551: Blocked,
}  # fmt: skip


class Fault(BaseModel):
    code: int = -1
    error_subcode: int = 0
    message: str = ""
    error_user_msg: str = ""
    is_transient: bool = False
    fbtrace_id: str = ""
    error_data: Mapping[str, JsonValue] | str | None = None

    @field_validator("message", "error_user_msg", "fbtrace_id", mode="before")
    @classmethod
    def _text(cls, value: object) -> str:
        return value if isinstance(value, str) else ""

    @property
    def words(self) -> str:
        """The most telling sentence of it; the decision is never made on this."""
        details = self.error_data.get("details") if isinstance(self.error_data, Mapping) else None
        return str(details or self.error_user_msg or self.message or f"error {self.code}")[:300]


class Envelope(BaseModel):
    error: Fault


@dataclass(frozen=True, slots=True)
class Api:
    """Where to call and as whom (as nobody with an empty token). `verdicts` are the channel's own codes, or (code, subcode),
    before the shared ones."""

    base: str
    token: str = field(repr=False)
    secret: str = field(repr=False)
    service: str
    verdicts: Verdicts


def api(connection: Connection, service: str, verdicts: Verdicts) -> Api:
    """The Graph API with a connection's token (`credentials.token`). Raises Disconnected without one."""
    token = connection.credentials.get("token", "")
    if not token:
        raise Disconnected
    return Api(settings().meta_url, token, settings().meta_app_secret.get_secret_value(), service, verdicts)


async def call(
    chosen: Api,
    method: str,
    path: str,
    *,
    body: Mapping[str, JsonValue] | None = None,
    params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    files: Mapping[str, tuple[str, bytes, str]] | None = None,
    sends: bool = False,
    versioned: bool = True,
) -> dict[str, Any]:
    """The answer of one call of `path` (below the version, where there is one). Raises the ChannelError its refusal means;
    where nobody can know whether it was carried out, a call that sends raises Uncertain and any other Unreachable."""
    unsure = Uncertain if sends else Unreachable
    address = f"{chosen.base.rstrip('/')}/{f'{settings().meta_version}/' if versioned else ''}{quote(path, safe='/')}"
    answer = await _asked(
        chosen, method, _with(address, {**(params or {}), **proof(chosen)}), unsure,
        json=body, form=form, files=files, timeout=UPLOAD_TIMEOUT_S if files else TIMEOUT_S,
    )  # fmt: skip
    with suppress(ValueError):
        found = json.loads(answer.body)
        if answer.ok and isinstance(found, dict) and "error" not in found:
            return found
    raise error_of(chosen, answer, unsure)


@dataclass(frozen=True, slots=True)
class Permit:
    """What a token may do. `expires_at` in Unix seconds, 0 for never; `user_id` is whoever gave it, "" where nobody tells."""

    is_valid: bool
    expires_at: int
    scopes: frozenset[str]
    user_id: str = ""


async def permit(connection: Connection, service: str) -> Permit:
    """What Meta says about a connection's token. Raises the ChannelError of a refusal."""
    return await permit_of(connection.credentials.get("token", ""), service)


async def permit_of(token: str, service: str) -> Permit:
    """What Meta says about a token, asked as the installation's app. Raises the ChannelError of a refusal."""
    chosen = settings()
    app = Api(chosen.meta_url, f"{chosen.meta_app_id}|{chosen.meta_app_secret.get_secret_value()}", "", service, {})
    found = await call(app, "GET", "debug_token", params={"input_token": token})
    try:
        data = found["data"]
        scopes = frozenset(map(str, data.get("scopes") or ()))
        return Permit(bool(data["is_valid"]), int(data.get("expires_at") or 0), scopes, str(data.get("user_id") or ""))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unreachable(_unreadable(app)) from None


async def require(connection: Connection, service: str, needed: Collection[str]) -> Permit:
    """The same, for a token that has to work. Raises Disconnected, and MissingPermission naming what is missing."""
    found = await permit(connection, service)
    if not found.is_valid:
        raise Disconnected
    if missing := sorted(set(needed) - found.scopes):
        raise MissingPermission(f"Connect it again and allow also: {', '.join(missing)}.")
    return found


async def download(chosen: Api, url: str, limit: int) -> bytes:
    """A file at the address that a call gave, with the same token. Raises http.AnswerTooLarge over `limit` bytes."""
    answer = await _asked(chosen, "GET", url, Unreachable, timeout=UPLOAD_TIMEOUT_S, limit=limit, tries=2)
    if answer.ok:
        return answer.body
    if answer.status in (401, 403):
        raise Disconnected
    raise Unreachable(f"{chosen.service} answered {answer.status}.") if answer.status >= 500 else Refused("The file is no longer there.")


def proof(chosen: Api) -> dict[str, str]:
    """appsecret_proof, which shows that the token is used by its own app; harmless where it is not asked for."""
    if not (chosen.secret and chosen.token):
        return {}
    return {"appsecret_proof": hmac.digest(chosen.secret.encode(), chosen.token.encode(), hashlib.sha256).hex()}


def error_of(chosen: Api, answer: http.Answer, unsure: type[ChannelError]) -> ChannelError:
    """The error tables of the fact sheets, decided on code and subcode alone."""
    try:
        fault = Envelope.model_validate_json(answer.body).error
    except ValidationError:
        if answer.status == 429:
            return Busy(retry_after=_wait(answer, Busy.usual_s))
        return Refused(f"{chosen.service} answered {answer.status}.") if 400 <= answer.status < 500 else unsure(_unreadable(chosen))
    log.info("graph error", service=chosen.service, code=fault.code, subcode=fault.error_subcode, trace=fault.fbtrace_id)
    kind = verdict(chosen.verdicts, fault.code, fault.error_subcode)
    if kind is None:
        kind = Unreachable if fault.is_transient else Busy if answer.status == 429 else unsure if answer.status >= 500 else Refused
    # Only a call that sends can be in doubt.
    kind = unsure if kind is Uncertain else kind
    words = f"{chosen.service}: {fault.words}"
    return kind(words, retry_after=_wait(answer, kind.usual_s)) if issubclass(kind, Busy) else kind(words)


def verdict(verdicts: Verdicts, code: int, subcode: int = 0) -> type[ChannelError] | None:
    """What a code means, the channel's own word first; None for one nobody knows."""
    for table in (verdicts, SHARED):
        if found := table.get((code, subcode)) or table.get(code):
            return found
    return MissingPermission if 200 <= code <= 299 else None


async def _asked(chosen: Api, method: str, url: str, unsure: type[ChannelError], **more: Any) -> http.Answer:
    headers = {"authorization": f"Bearer {chosen.token}"} if chosen.token else None
    try:
        answer = await http.send(method, url, service=chosen.service, headers=headers, **more)
    except http.NoAnswer:
        raise unsure from None
    except http.CircuitOpen as error:
        raise Busy(f"{chosen.service} did not answer several times just now.", retry_after=error.retry_after) from None
    except http.NotSent:
        raise Unreachable from None
    except (http.AddressRefused, http.BadAddress):
        raise Refused("The other company named an address that may not be used.") from None
    _watch(chosen, answer)
    return answer


def _wait(answer: http.Answer, usual_s: float) -> float:
    """The seconds to wait: what the answer asks for, else when the allowance is there again, else the usual ones."""
    if answer.retry_after is not None:
        return max(1.0, answer.retry_after)
    regain = max((float(one.get("estimated_time_to_regain_access") or 0) * 60 for one in _usage(answer)), default=0.0)
    return min(regain, LONGEST_REGAIN_S) or usual_s


def _watch(chosen: Api, answer: http.Answer) -> None:
    used = max((float(value) for one in _usage(answer) for name, value in one.items() if name.startswith(("call_", "total_"))), default=0.0)
    if used >= NEARLY_USED:
        log.warning("allowance nearly used", service=chosen.service, percent=used)


def _usage(answer: http.Answer) -> list[dict[str, Any]]:
    """What the rate headers say (percent, minutes), of the app and of each business."""
    found: list[dict[str, Any]] = []
    for name in ("x-app-usage", "x-business-use-case-usage"):
        # A header that is not what it was documented to be tells nothing.
        with suppress(ValueError, TypeError, AttributeError):
            value = json.loads(answer.headers.get(name) or "{}")
            rows = [value] if name == "x-app-usage" else [one for many in value.values() for one in many]
            found += [{key: number for key, number in row.items() if isinstance(number, int | float)} for row in rows]
    return found


def _with(address: str, params: Mapping[str, str]) -> str:
    query = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in params.items())
    return f"{address}{'&' if urlsplit(address).query else '?'}{query}" if query else address


def _unreadable(chosen: Api) -> str:
    return f"{chosen.service} answered with something that cannot be read."
