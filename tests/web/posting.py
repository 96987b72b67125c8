"""The hooks of every kind of channel, as the other companies know them: where they deliver, how they sign, what they send."""

import functools
import hashlib
import hmac
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
from fastapi import FastAPI

from savdo.base import db
from savdo.channels import connections, meta_webhooks
from savdo.channels.models import Connection
from savdo.web import hooks, page

PAYLOADS = Path(__file__).parents[1] / "payloads"
# Nobody answers there: what is taken is acknowledged in vain, and at once.
NOWHERE = "http://127.0.0.1:9"
BUSINESS = "100000000000001"


def meta_signed(body: bytes) -> dict[str, str]:
    return {"x-hub-signature-256": meta_webhooks.signature("app_secret_123", body)}


def waha_signed(body: bytes) -> dict[str, str]:
    return {"x-webhook-hmac": hmac.digest(b"right", body, hashlib.sha512).hex()}


@dataclass(frozen=True)
class Hook:
    """Where a kind's deliveries come to ("" for the connection's own address), how they are signed, and whose they are."""

    signed: Callable[[bytes], Mapping[str, str]]
    account: str = ""
    shared: str = ""


HOOKS: Mapping[str, Hook] = {
    "telegram_bot": Hook(lambda _: {"x-telegram-bot-api-secret-token": "right"}),
    "telegram_business": Hook(lambda _: {"x-telegram-bot-api-secret-token": "right"}),
    "waha": Hook(waha_signed),
    "sandbox": Hook(lambda _: {"x-sandbox-secret": "right"}),
    "whatsapp_cloud": Hook(meta_signed, "200000000000002", "/hooks/meta"),
    "messenger": Hook(meta_signed, "111", "/hooks/meta"),
    "instagram": Hook(meta_signed, "17841400000000001", "/hooks/meta"),
    # They have no hook, and whoever posts there is nobody.
    "telegram_userbot": Hook(lambda _: {}),
    "web_chat": Hook(lambda _: {}),
}


@functools.cache
def captured(kind: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((PAYLOADS / kind).glob("*.json"))]


async def connected(tenant_id: UUID, kind: str) -> tuple[Connection, str]:
    """A connection of a kind, and where its deliveries are posted. It waits for its owner, so that nothing is sent."""
    far = HOOKS[kind]
    async with db.step(tenant_id) as session:
        made = await connections.create(
            session, tenant_id, kind, "Shop", account=far.account or None,
            credentials={"secret": "right", "token": "1:" + "a" * 35, "api_key": "key"},
            settings={"api_base": NOWHERE, "business_id": BUSINESS, "comments": "privately"}, status="reconnect",
        )  # fmt: skip
    return made, far.shared or f"/hooks/{kind}/{made.key}"


@asynccontextmanager
async def posting() -> AsyncGenerator[httpx.AsyncClient]:
    """Posts to the hooks in this process; what breaks is answered with a 500."""
    app = FastAPI()
    page.install(app)
    app.include_router(hooks.router)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://savdo.example") as client:
        yield client
