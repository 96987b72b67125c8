"""Logging in with Instagram itself, for professional accounts that no Facebook page leads.

The code of a login becomes a token for an hour, and that one for 60 days, which can be renewed again and again while it
lasts. Source: the fact sheet on Meta's login and webhooks, section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError, field_validator

from savdo.base.settings import settings
from savdo.channels import meta_graph
from savdo.channels.errors import Disconnected, Refused, Unreachable
from savdo.channels.instagram import OWN_COMMENT_PERMISSION, OWN_PERMISSIONS, Instagram

SERVICE = Instagram.service
SCOPES = (*OWN_PERMISSIONS, OWN_COMMENT_PERMISSION)


@dataclass(frozen=True, slots=True)
class Token:
    """`seconds` until it ends; `permissions` are what was allowed, none where that was not told."""

    value: str = field(repr=False)
    seconds: int
    permissions: tuple[str, ...] = ()


class Given(BaseModel):
    access_token: str
    expires_in: int = 0
    permissions: tuple[str, ...] = ()

    @field_validator("permissions", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        # A list today, one text before.
        return value.split(",") if isinstance(value, str) else value or ()


class Account(BaseModel):
    """`user_id` is what events name; `id` is the account's for this app."""

    id: str = ""
    user_id: str = ""
    username: str = ""

    @field_validator("id", "user_id", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value


def dialog(state: str, back: str) -> str:
    """Where the owner is sent; `state` is for one use and one member, `back` where Instagram sends them with `code`."""
    asked = {
        "client_id": settings().instagram_app_id, "redirect_uri": back, "response_type": "code", "state": state, "scope": ",".join(SCOPES),
    }  # fmt: skip
    return f"{settings().instagram_dialog_url.rstrip('/')}/oauth/authorize?{urlencode(asked)}"


async def token_of(code: str, back: str) -> Token:
    """The long token behind a login's code; `back` must be what the dialog was given. Raises Disconnected when the code was
    used or is too old."""
    chosen = settings()
    secret = chosen.instagram_app_secret.get_secret_value()
    form = {
        "client_id": chosen.instagram_app_id, "client_secret": secret, "grant_type": "authorization_code", "redirect_uri": back,
        # Some versions end it with what belongs to the address.
        "code": code.removesuffix("#_"),
    }  # fmt: skip
    told = await _ask(chosen.instagram_token_url, "POST", "oauth/access_token", form=form)
    wrapped = told.get("data")
    short = _given(wrapped[0] if isinstance(wrapped, list) and wrapped and isinstance(wrapped[0], dict) else told)
    params = {"grant_type": "ig_exchange_token", "client_secret": secret, "access_token": short.access_token}
    long = _given(await _ask(chosen.instagram_url, "GET", "access_token", params=params))
    return Token(long.access_token, long.expires_in, short.permissions)


async def renewed(token: str) -> Token:
    """Another 60 days; the token must be a day old and not have ended. Raises Disconnected where it has."""
    params = {"grant_type": "ig_refresh_token", "access_token": token}
    given = _given(await _ask(settings().instagram_url, "GET", "refresh_access_token", params=params))
    return Token(given.access_token, given.expires_in)


async def account(token: str) -> Account:
    """Whose token it is."""
    chosen = settings()
    api = meta_graph.Api(chosen.instagram_url, token, chosen.instagram_app_secret.get_secret_value(), SERVICE, {})
    try:
        found = Account.model_validate(await meta_graph.call(api, "GET", "me", params={"fields": "id,user_id,username"}))
    except ValidationError:
        raise _unreadable() from None
    if not (found.user_id or found.id):
        raise _unreadable()
    return found


async def _ask(base: str, method: str, path: str, **more: Any) -> dict[str, Any]:
    # There is no token yet, or it is a parameter.
    nobody = meta_graph.Api(base, "", "", SERVICE, {})
    try:
        return await meta_graph.call(nobody, method, path, versioned=False, **more)
    except Refused as refusal:
        # A code or a token that was used, or has ended, is a wrong parameter there.
        raise Disconnected(refusal.message) from None


def _given(answer: Mapping[str, Any]) -> Given:
    try:
        return Given.model_validate(answer)
    except ValidationError:
        raise _unreadable() from None


def _unreadable() -> Unreachable:
    return Unreachable("Instagram answered with something that cannot be read.")
