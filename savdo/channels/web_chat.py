"""Web chat: our own widget on a company's site. A message is delivered when its row stands; nothing is called.

`settings` of a connection, all optional:

| key | meaning |
| --- | --- |
| `colour` | theme colour, `#rrggbb` |
| `position` | `right` or `left` |
| `theme` | `auto`, `light` or `dark` |
| `locale` | `auto`, `en`, `ru`, `uz` or `kk` |
| `name` | title of the window; the company's name when empty |
| `bot_name` | how the assistant is called |
| `welcome` | `{language: text}`, first lines of an empty thread |
| `launcher` | `{language: text}`, words beside the button |
| `starters` | `{language: [text, …]}`, quick first questions |
| `origins` | `["https://shop.example", …]` that may embed it; an empty list allows every site |
| `require_identity` | only visitors vouched for by the site's server may write |
| `prechat` | `{"fields": [{"name": "name|email|phone", "required": bool}], "consent": {language: text}, "version": text}` |
| `show_hours` | tell whether people are at work now |

`credentials`: `identity_secret`, and `identity_secret_old` while one is being replaced.
"""

import hmac
import re
import secrets as random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import jwt

from savdo.base import clock, secrets
from savdo.base.errors import NotSignedIn
from savdo.channels.errors import BadPayload, BadSignature, CannotTell
from savdo.channels.models import Checked, Connection, Inbound, Limits, Media, Outbound

LIFETIME = timedelta(days=365)
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")


class BadToken(NotSignedIn):
    """The visitor token is missing, wrong or too old; start a new session."""

    code = "bad_token"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a visitor token speaks for. `about` is how they came: url, referrer, title, utm, locale."""

    id: str
    tenant_id: UUID
    connection_id: UUID
    verified: bool = False
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])


class WebChat:
    kind: ClassVar[str] = "web_chat"
    longest_text: ClassVar[int] = 20_000
    limits: ClassVar[Limits] = Limits()

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        raise BadSignature("The web chat has no hook; its visitors use /widget/v1.")

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        raise BadPayload("The web chat has no hook; its visitors use /widget/v1.")

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        return str(outbound.message_id)

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        # The visitor reads the row itself, so whatever was claimed has arrived.
        return str(outbound.message_id)

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None: ...

    async def fetch(self, connection: Connection, media: Media, limit: int) -> bytes:
        raise CannotTell("Files of the web chat are uploaded here before the message is sent.")

    async def check(self, connection: Connection) -> Checked:
        warnings = () if origins(connection) else ("Any site may embed this chat; name your own in its settings.",)
        return Checked(connection.name, warnings)

    async def subscribe(self, connection: Connection, hook_url: str) -> None: ...


def new_visitor(connection: Connection, about: Mapping[str, Any]) -> Visitor:
    return Visitor(f"v_{random.token_urlsafe(15)}", connection.tenant_id, connection.id, about=about)


def verified(visitor: Visitor, identifier: str) -> Visitor:
    """The visitor as the person the site vouches for: the same one on every device."""
    # With the oldest key: people keep their name while keys rotate.
    name = secrets.lookup_hashes(f"{visitor.connection_id}:{identifier}")[-1].hex()[:40]
    return replace(visitor, id=f"u_{name}", verified=True)


def token(visitor: Visitor) -> tuple[str, datetime]:
    """A signed visitor token and when it ends."""
    expires_at = clock.now() + LIFETIME
    claims = asdict(visitor) | {"tenant_id": str(visitor.tenant_id), "connection_id": str(visitor.connection_id)}
    return jwt.encode(claims | {"kind": "visitor", "exp": expires_at}, secrets.derived_key("visitor"), "HS256"), expires_at


def visitor_of(token: str) -> Visitor:
    """Raises BadToken."""
    try:
        claims = jwt.decode(token, secrets.derived_key("visitor"), ["HS256"], options={"require": ["exp"]})
        if claims["kind"] != "visitor":
            raise BadToken
        return Visitor(claims["id"], UUID(claims["tenant_id"]), UUID(claims["connection_id"]), bool(claims["verified"]), claims["about"])
    except (jwt.PyJWTError, KeyError, ValueError):
        raise BadToken from None


def is_vouched_for(connection: Connection, identifier: str, signature: str) -> bool:
    """Whether the hex HMAC-SHA256 of the identifier was made with one of the site's two secrets."""
    known = [connection.credentials.get(name, "") for name in ("identity_secret", "identity_secret_old")]
    given = signature.lower().encode("utf-8", "replace")
    return any(hmac.compare_digest(hmac.digest(key.encode(), identifier.encode(), "sha256").hex().encode(), given) for key in known if key)


def origins(connection: Connection) -> tuple[str, ...]:
    """The sites that may embed the chat; none named means every site."""
    named = [str(one).strip().lower().rstrip("/") for one in connection.settings.get("origins") or ()]
    return tuple(one for one in named if ORIGIN.fullmatch(one))
