"""Logging in with Facebook, so that Meta gives a company's token to this installation's app; and Meta's notices about it.

The code of a login becomes a short token, that a long one (about 60 days), and from that each page's own, which has no
end. Source: the fact sheet on Meta's login and webhooks, sections 4 and 8.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from savdo.base.settings import settings
from savdo.channels import meta_graph, meta_webhooks
from savdo.channels.errors import BadSignature, Disconnected, Unreachable

SERVICE = "Facebook"
Shape = TypeVar("Shape", bound=BaseModel)
MOST_PAGES = 10
# By channel, what the owner has to allow.
SCOPES: Mapping[str, tuple[str, ...]] = {
    "messenger": ("pages_messaging", "pages_manage_metadata", "pages_show_list", "pages_read_engagement", "business_management"),
    "instagram": ("instagram_basic", "instagram_manage_messages", "pages_manage_metadata", "pages_show_list", "business_management"),
    "whatsapp_cloud": ("whatsapp_business_messaging", "whatsapp_business_management"),
}
# What is asked for beside that: without it everything works but answers to comments.
COMMENT_SCOPES: Mapping[str, tuple[str, ...]] = {"messenger": ("pages_manage_engagement",), "instagram": ("instagram_manage_comments",)}


@dataclass(frozen=True, slots=True)
class Token:
    """`seconds` until it ends, 0 where Meta names none."""

    value: str = field(repr=False)
    seconds: int = 0


class Professional(BaseModel):
    id: str
    username: str = ""


class Page(BaseModel):
    """A page the owner may act for, with its own token, and the Instagram account that belongs to it."""

    id: str
    name: str = ""
    access_token: str = ""
    instagram_business_account: Professional | None = None


class Cursors(BaseModel):
    after: str = ""


class Paging(BaseModel):
    cursors: Cursors = Cursors()
    next: str = ""


class Pages(BaseModel):
    data: tuple[Page, ...] = ()
    paging: Paging = Paging()


class Granted(BaseModel):
    access_token: str
    expires_in: int = 0


def dialog(kind: str, state: str, back: str) -> str:
    """Where the owner is sent; `state` is for one use and one browser, `back` where Meta sends them with `code`."""
    chosen, scope = settings(), ",".join((*SCOPES[kind], *COMMENT_SCOPES.get(kind, ())))
    asked = {"client_id": chosen.meta_app_id, "redirect_uri": back, "state": state, "response_type": "code", "scope": scope}
    return f"{chosen.meta_dialog_url.rstrip('/')}/{chosen.meta_version}/dialog/oauth?{urlencode(asked)}"


async def token_of(code: str, back: str) -> Token:
    """The long token behind a login's code; `back` must be what the dialog was given, to the byte. Raises Disconnected when
    the code was used or is too old."""
    short = await _granted({"redirect_uri": back, "code": code})
    return await _granted({"grant_type": "fb_exchange_token", "fb_exchange_token": short.value})


async def pages(token: Token) -> list[Page]:
    """The pages the owner chose to show us, each with its own token."""
    chosen = meta_graph.Api(settings().meta_url, token.value, settings().meta_app_secret.get_secret_value(), SERVICE, {})
    found: list[Page] = []
    after = ""
    for _ in range(MOST_PAGES):
        # The address of the next page is made anew: the one that is given may be another host's.
        params = {"fields": "id,name,access_token,instagram_business_account{id,username}"} | ({"after": after} if after else {})
        answer = _read(Pages, await meta_graph.call(chosen, "GET", "me/accounts", params=params))
        found += answer.data
        after = answer.paging.cursors.after
        if not answer.paging.next or not after:
            break
    return found


def signed(request: str) -> str:
    """Whom a notice of Meta's is about (`signed_request` of a deauthorisation or a deletion): the id of whoever connected.
    Raises BadSignature."""
    given, _, payload = request.partition(".")
    # A login with Instagram itself belongs to a part of the app with a secret of its own.
    known = [one.get_secret_value().encode() for one in (settings().meta_app_secret, settings().instagram_app_secret)]
    told: Any = None
    with suppress(binascii.Error, ValueError):
        right = [hmac.digest(secret, payload.encode(), hashlib.sha256) for secret in known if secret]
        if any(hmac.compare_digest(_bytes(given), one) for one in right):
            told = json.loads(_bytes(payload))
    if not isinstance(told, dict) or str(told.get("algorithm", "")).upper() != "HMAC-SHA256" or not told.get("user_id"):
        raise BadSignature
    return str(meta_webhooks.storable(str(told["user_id"])))[:64]


def missing(kind: str, granted: Sequence[str]) -> tuple[str, ...]:
    """What the owner left out in the dialog and the channel cannot do without."""
    return tuple(sorted(set(SCOPES[kind]) - set(granted)))


async def _granted(asked: Mapping[str, str]) -> Token:
    chosen = settings()
    secret = chosen.meta_app_secret.get_secret_value()
    if not (chosen.meta_app_id and secret):
        raise Disconnected("This installation has no app at Meta yet; its operator has to enter one.")
    # There is no token yet; a code that was used or is too old is a wrong parameter (100).
    nobody = meta_graph.Api(chosen.meta_url, "", "", SERVICE, {100: Disconnected})
    params = {"client_id": chosen.meta_app_id, "client_secret": secret, **asked}
    answer = _read(Granted, await meta_graph.call(nobody, "GET", "oauth/access_token", params=params))
    return Token(answer.access_token, answer.expires_in)


def _read(shape: type[Shape], answer: Mapping[str, Any]) -> Shape:
    try:
        return shape.model_validate(answer)
    except ValidationError:
        raise Unreachable("Facebook answered with something that cannot be read.") from None


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
