"""Logging in with Facebook: the dialog, the tokens behind its code, the pages, and Meta's signed notices."""

import base64
import hashlib
import hmac
from collections.abc import AsyncGenerator
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from savdo.base.db import new_id
from savdo.channels import instagram, messenger, meta_graph, meta_login
from savdo.channels.errors import BadSignature, Disconnected
from savdo.channels.models import Connection
from tests.emulators.meta import Meta, open_meta

BACK = "https://savdo.example/connect/meta?a=1"
# The worked one of the fact sheet.
SIGNATURE, PAYLOAD = (
    "q1m1hDVrXQahMeaL8xE3klvRejnyvYoe4sayZbR0tjw",
    "eyJ1c2VyX2lkIjoiMjE4NDcxIiwiYWxnb3JpdGhtIjoiSE1BQy1TSEEyNTYiLCJpc3N1ZWRfYXQiOjE3MDAwMDAwMDB9",
)


@pytest_asyncio.fixture
async def meta() -> AsyncGenerator[Meta]:
    found = Meta()
    async with open_meta(found):
        yield found


def code_of(meta: Meta, kind: str = "messenger", without: tuple[str, ...] = ()) -> str:
    back = meta.logs_in(meta_login.dialog(kind, "state-1", BACK), without=without)
    assert back.startswith(BACK)
    [code], [state] = (parse_qs(back.rpartition("?")[2])[name] for name in ("code", "state"))
    assert state == "state-1"
    return code


async def test_that_a_login_ends_in_the_pages_with_their_tokens(meta: Meta) -> None:
    meta.pages = [
        {"id": "111", "name": "Shop", "access_token": "EAAPAGE", "instagram_business_account": {"id": "178", "username": "shop"}},
        {"id": "112", "name": "Second", "access_token": "EAAPAGE2"},
    ]
    token = await meta_login.token_of(code_of(meta), BACK)
    assert token.seconds == 5183944
    assert token.value not in repr(token)
    first, second = await meta_login.pages(token)
    assert (first.name, first.access_token, second.instagram_business_account) == ("Shop", "EAAPAGE", None)
    assert first.instagram_business_account is not None
    assert first.instagram_business_account.username == "shop"


async def test_that_a_code_is_for_one_use_and_one_address(meta: Meta) -> None:
    code = code_of(meta)
    await meta_login.token_of(code, BACK)
    with pytest.raises(Disconnected):
        await meta_login.token_of(code, BACK)
    with pytest.raises(Disconnected):
        await meta_login.token_of(code_of(meta), BACK + "/")


async def test_that_a_permission_left_out_is_named(meta: Meta) -> None:
    token = await meta_login.token_of(code_of(meta, without=("pages_messaging",)), BACK)
    someone = new_id()
    connection = Connection(someone, someone, "messenger", "", "", {"token": token.value}, {}, "active")
    permit = await meta_graph.permit(connection, "Messenger")
    assert permit.is_valid
    assert meta_login.missing("messenger", tuple(permit.scopes)) == ("pages_messaging",)


def test_that_the_dialog_asks_for_what_the_channel_needs() -> None:
    address = urlsplit(meta_login.dialog("whatsapp_cloud", "s", BACK))
    assert (address.netloc, address.path) == ("www.facebook.com", "/v26.0/dialog/oauth")
    assert parse_qs(address.query)["scope"] == ["whatsapp_business_messaging,whatsapp_business_management"]


@pytest.mark.parametrize(
    ("kind", "needed"),
    [("messenger", (*messenger.PERMISSIONS, *messenger.COMMENT_PERMISSIONS)),
     ("instagram", (*instagram.PAGE_PERMISSIONS, instagram.PAGE_COMMENT_PERMISSION))],
)  # fmt: skip
def test_that_whoever_logs_in_can_also_allow_what_comments_take(kind: str, needed: tuple[str, ...]) -> None:
    asked = set(parse_qs(urlsplit(meta_login.dialog(kind, "s", BACK)).query)["scope"][0].split(","))
    assert asked >= set(needed)
    # It goes without the permission that only comments take.
    assert meta_login.missing(kind, tuple(asked - {needed[-1]})) == ()


def sealed(payload: bytes) -> str:
    encoded = base64.urlsafe_b64encode(payload).rstrip(b"=")
    seal = hmac.digest(b"app_secret_123", encoded, hashlib.sha256)
    return f"{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}.{encoded.decode()}"


def test_that_a_signed_notice_says_whom_it_is_about() -> None:
    assert meta_login.signed(f"{SIGNATURE}.{PAYLOAD}") == "218471"
    wrong = (
        f"r{SIGNATURE[1:]}.{PAYLOAD}", f"{SIGNATURE}{PAYLOAD}", f"{SIGNATURE}.", "", ".", "é.é",
        sealed(b'{"user_id":"1","algorithm":"HMAC-SHA1"}'), sealed(b"[]"), sealed(b"junk"), sealed(b'{"algorithm":"HMAC-SHA256"}'),
    )  # fmt: skip
    for request in wrong:
        with pytest.raises(BadSignature):
            meta_login.signed(request)
