"""What Meta delivers for all its channels at one address: the signature, and whose each item is.

One body holds up to 1,000 events of many companies. It is cut into pieces of the same shape, one for each account, which
that channel's adapter reads as if it had come alone. Source: the fact sheet on Meta's login and webhooks.
"""

import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from typing import Any

from savdo.base.errors import NotFound
from savdo.base.settings import settings
from savdo.channels.errors import BadPayload, BadSignature

# By the object a body is about: the channel, and where the id of the account stands.
CHANNELS: Mapping[str, str] = {"whatsapp_business_account": "whatsapp_cloud", "page": "messenger", "instagram": "instagram"}

# Of no channel that we know; it is nobody's.
OTHER = "meta"

# Channel, account, and the business where an event names only that.
Owner = tuple[str, str, str]


class NoMetaApp(NotFound):
    """This installation has no app at Meta yet; its operator has to enter one."""

    code = "no_meta_app"


def verify(headers: Mapping[str, str], body: bytes) -> None:
    """Raises BadSignature unless the raw body was signed with the app's secret, and NoMetaApp where there is none.

    Which of two secrets signs the events of Instagram accounts without a page is not documented, so both are tried.
    """
    known = [one.get_secret_value() for one in (settings().meta_app_secret, settings().instagram_app_secret)]
    if not any(known):
        raise NoMetaApp
    given = headers.get("x-hub-signature-256", "").encode("utf-8", "replace")
    right = [hmac.compare_digest(given, signature(secret, body).encode()) for secret in known if secret]
    if not any(right):
        raise BadSignature


def signature(secret: str, body: bytes) -> str:
    """The header X-Hub-Signature-256 of a raw body."""
    return "sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def decode(body: bytes) -> dict[str, Any]:
    """The JSON of a delivery. Raises BadPayload for anything that is none; some samples wrap it in a list."""
    try:
        # The standard library's, because it takes half an emoji, as what was cut off somewhere has.
        raw = json.loads(body, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise BadPayload(f"This is not JSON: {error}") from None
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if not isinstance(raw, dict) or not isinstance(raw.get("object"), str) or not isinstance(raw.get("entry"), list):
        raise BadPayload("An object and its entries are needed.")
    return raw


def routed(body: bytes) -> dict[Owner, bytes]:
    """The pieces of a body by whose they are, each a body of the same shape. Raises BadPayload."""
    raw = decode(body)
    kind = CHANNELS.get(raw["object"], OTHER)
    pieces: dict[Owner, list[dict[str, Any]]] = {}
    for entry in raw["entry"]:
        if not isinstance(entry, dict):
            continue
        for owner, part in _owned(kind, entry):
            pieces.setdefault(owner, []).append(part)
    return {owner: json.dumps({"object": raw["object"], "entry": entries}).encode() for owner, entries in pieces.items()}


def _owned(kind: str, entry: dict[str, Any]) -> list[tuple[Owner, dict[str, Any]]]:
    entry_id = _id(entry.get("id"))
    if kind != "whatsapp_cloud":
        return [((kind, entry_id, ""), entry)]
    changes = entry.get("changes")
    return [(_number(entry_id, change), {**entry, "changes": [change]}) for change in changes] if isinstance(changes, list) else []


def _id(value: Any) -> str:
    # Asked for in the database, so no more than an id.
    return storable(str(value or ""))[:64] if isinstance(value, str | int) else ""


def _number(business: str, change: Any) -> Owner:
    """A number's events name it; those of an account (templates, quality, restrictions) only the business."""
    value = change.get("value") if isinstance(change, dict) else None
    metadata = value.get("metadata") if isinstance(value, dict) else None
    number = _id(metadata.get("phone_number_id")) if isinstance(metadata, dict) else ""
    return ("whatsapp_cloud", number, "") if number else ("whatsapp_cloud", "", business)


def _finite(number: str) -> float | None:
    found = float(number)
    return found if math.isfinite(found) else None


def storable(value: Any) -> Any:
    """JSON as PostgreSQL can keep it: no null character and no half of one."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [storable(one) for one in value]
    return value
