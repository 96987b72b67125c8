"""Getting in: members with e-mail and password, sign-ins that last while they are used, API keys."""

import asyncio
import base64
import binascii
import functools
import secrets as random
from collections.abc import Sequence
from datetime import timedelta
from typing import get_args
from uuid import UUID

from psycopg import errors
from psycopg.rows import DictRow
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from savdo.accounts.models import Member, Role
from savdo.base import secrets
from savdo.base.db import Session, first, new_id, platform_step, rows, step
from savdo.base.errors import Conflict, Invalid, NotSignedIn
from savdo.base.settings import settings

LASTS = timedelta(days=30)
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
# Passwords that are guessed first, whatever their length.
COMMON = frozenset(
    {"1234567890", "0123456789", "12345678910", "passwordpassword", "password123", "qwertyuiop", "1q2w3e4r5t", "qwerty12345"}
)


class WeakPassword(Invalid):
    """The password is too easy to guess; use at least 10 characters."""

    code = "weak_password"


class EmailTaken(Conflict):
    """A member with this e-mail exists already."""

    code = "email_taken"


class WrongPassword(NotSignedIn):
    """The e-mail or the password is not right."""

    code = "wrong_password"


class UnknownApiKey(NotSignedIn):
    """This API key is not valid."""

    code = "unknown_api_key"


def normal_email(email: str) -> str:
    return email.strip().lower()


async def create_member(
    session: Session, tenant_id: UUID, *, name: str, email: str, password: str, role: str, language: str = "en"
) -> UUID:
    """A new member. Raises WeakPassword, EmailTaken, Invalid."""
    address = normal_email(email)
    if role not in get_args(Role):
        raise Invalid(f"There is no role {role!r}.", field="role")
    if "@" not in address or len(address) > 254 or any(letter.isspace() for letter in address):
        raise Invalid("This is no e-mail address.", field="email")
    check_password(password, address)
    # Under an older key no unique index sees it.
    if await first(session, "SELECT 1 FROM members WHERE email_hash = ANY(%s)", (secrets.lookup_hashes(address),)):
        raise EmailTaken(field="email")
    member_id = new_id()
    hashed = await asyncio.to_thread(_hash, password)
    try:
        await session.execute(
            """INSERT INTO members (tenant_id, id, name, email_sealed, email_hash, role, password_hash, language)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
            (
                tenant_id, member_id, " ".join(name.split())[:120], secrets.seal(address.encode()), secrets.lookup_hash(address),
                role, hashed, language,
            ),
        )  # fmt: skip
    except errors.UniqueViolation:
        raise EmailTaken(field="email") from None
    return member_id


def check_password(password: str, email: str) -> None:
    """Raises WeakPassword: 10 to 200 characters, not one of the first guesses, not the e-mail, not one letter repeated."""
    simple = password.lower()
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or simple in COMMON or simple == email or len(set(simple)) < 4:
        raise WeakPassword(field="password")


async def who_is(email: str, password: str) -> list[Member]:
    """Every membership that this e-mail and password open, oldest first. Raises WrongPassword when there is none."""
    hashes = secrets.lookup_hashes(normal_email(email)[:254])
    async with platform_step("sign-in by e-mail") as session:
        known = await rows(session, _MEMBER + " WHERE m.email_hash = ANY(%s) ORDER BY m.id LIMIT 20", (hashes,))
    opened = await asyncio.to_thread(_matching, known, password[: LONGEST_PASSWORD + 1])
    if not opened:
        raise WrongPassword
    return [_member(row) for row in opened]


async def sign_in(member: Member) -> str:
    """The value of a new sign-in cookie: "<tenant>.<token>"."""
    token = random.token_urlsafe(32)
    async with step(member.tenant_id) as session:
        await session.execute("DELETE FROM logins WHERE expires_at < now()")
        await session.execute(
            "INSERT INTO logins (tenant_id, token_hash, member_id, expires_at) VALUES (%s, %s, %s, now() + %s)",
            (member.tenant_id, secrets.token_hash(token), member.id, LASTS),
        )
    return f"{member.tenant_id.hex}.{token}"


async def signed_in(cookie: str) -> Member | None:
    """Who a sign-in cookie belongs to; None when it is none, or no longer. Using it keeps it alive."""
    tenant_id, token = _parts(cookie)
    if tenant_id is None:
        return None
    async with step(tenant_id) as session:
        row = await first(
            session,
            _MEMBER + " JOIN logins l ON l.tenant_id = m.tenant_id AND l.member_id = m.id WHERE l.token_hash = %s AND l.expires_at > now()",
            (secrets.token_hash(token),),
        )
        if row is None:
            return None
        # Written at most once a day: reading pages stays reading.
        await session.execute(
            "UPDATE logins SET expires_at = now() + %s WHERE token_hash = %s AND expires_at < now() + %s",
            (LASTS, secrets.token_hash(token), LASTS - timedelta(days=1)),
        )
    return _member(row)


async def sign_out(cookie: str) -> None:
    tenant_id, token = _parts(cookie)
    if tenant_id is not None:
        async with step(tenant_id) as session:
            await session.execute("DELETE FROM logins WHERE token_hash = %s", (secrets.token_hash(token),))


async def set_preferences(session: Session, member_id: UUID, *, language: str = "", theme: str = "") -> None:
    """Writes what is given and keeps the rest."""
    await session.execute(
        "UPDATE members SET language = coalesce(NULLIF(%s, ''), language), theme = coalesce(NULLIF(%s, ''), theme) WHERE id = %s",
        (language, theme, member_id),
    )


async def new_api_key(session: Session, tenant_id: UUID, name: str) -> str:
    """A key for scripts, shown this once: sk_ and base64url of the tenant's id and a secret."""
    plain = "sk_" + base64.urlsafe_b64encode(tenant_id.bytes + random.token_bytes(32)).decode()
    await session.execute(
        "INSERT INTO api_keys (tenant_id, id, name, secret_hash) VALUES (%s, %s, %s, %s)",
        (tenant_id, new_id(), name, secrets.token_hash(plain)),
    )
    return plain


async def by_api_key(plain: str) -> UUID:
    """The tenant of an API key. Raises UnknownApiKey."""
    try:
        raw = base64.b64decode(plain.removeprefix("sk_").encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise UnknownApiKey from None
    if len(raw) != 48:
        raise UnknownApiKey
    tenant_id = UUID(bytes=raw[:16])
    async with step(tenant_id) as session:
        known = await first(session, "SELECT id FROM api_keys WHERE secret_hash = %s", (secrets.token_hash(plain),))
        if known is None:
            raise UnknownApiKey
        await session.execute(
            """UPDATE api_keys SET last_used_at = now()
                WHERE id = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')""",
            (known["id"],),
        )
    return tenant_id


_MEMBER = """SELECT m.tenant_id, m.id, m.name, m.role, m.language, m.theme, m.password_hash, coalesce(t.profile->>'name', t.slug) AS company
               FROM members m JOIN tenants t ON t.id = m.tenant_id"""


def _matching(known: Sequence[DictRow], password: str) -> list[DictRow]:
    if not known:
        _hasher().verify(password, _decoy())
    return [row for row in known if _hasher().verify(password, row["password_hash"])]


def _hash(password: str) -> str:
    return _hasher().hash(password)


@functools.cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(memory_cost=settings().password_memory_mib * 1024),))


@functools.cache
def _decoy() -> str:
    """Verified when the e-mail is unknown, so that the time tells nothing."""
    return _hash("nobody has this password")


def _member(row: DictRow) -> Member:
    return Member(row["tenant_id"], row["id"], row["name"], row["role"], row["language"], row["theme"], row["company"])


def _parts(cookie: str) -> tuple[UUID | None, str]:
    tenant, _, token = cookie.partition(".")
    if len(tenant) != 32 or not 20 <= len(token) <= 64 or not cookie.isascii():
        return None, ""
    try:
        return UUID(hex=tenant), token
    except ValueError:
        return None, ""
