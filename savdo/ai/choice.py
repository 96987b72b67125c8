"""A tenant's own models: its chain, its keys (sealed), its cap a day. What it leaves open is the installation's."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypedDict, Unpack
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from savdo.ai.talk import Entry
from savdo.base import secrets
from savdo.base.addresses import is_allowed
from savdo.base.db import Session, first
from savdo.base.errors import Invalid
from savdo.base.settings import Settings, WrongSetting

log = structlog.get_logger()

PROVIDERS: Final = ("anthropic", "openai", "groq", "google", "compatible")
LONGEST_CHAIN: Final = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """`keys` by provider; `base` is the address of the tenant's own OpenAI-compatible server; `cap_micros` None leaves the
    installation's cap."""

    chain: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    base: str = ""
    cap_micros: int | None = None

    @property
    def shown_keys(self) -> dict[str, str]:
        """The end of each key, for a page: enough to tell two keys apart."""
        return {provider: f"…{key[-4:]}" for provider, key in sorted(self.keys.items())}


class Changes(TypedDict, total=False):
    """What somebody chooses anew; what is not there stays as it is. `cap_usd` is dollars a day."""

    chain: Sequence[str]
    keys: Mapping[str, str]
    base: str
    cap_usd: float


async def chosen(session: Session) -> Choice:
    """What the session's tenant chose; an empty choice when it chose nothing."""
    row = await first(session, "SELECT chain, keys_sealed, cap_micros FROM model_settings")
    if row is None:
        return Choice()
    try:
        kept: dict[str, Any] = json.loads(secrets.open_sealed(row["keys_sealed"]))
    except secrets.Unreadable as error:
        # Whoever lost the installation's key lost these: customers are answered without them.
        log.warning("a tenant's model keys cannot be read", reason=error.message)
        kept = {"keys": {}, "base": ""}
    return Choice(tuple(row["chain"]), kept["keys"], kept["base"], row["cap_micros"])


async def choose(session: Session, tenant_id: UUID, given: Settings, **changes: Unpack[Changes]) -> Choice:
    """Changes what is given and keeps the rest: an empty chain is the installation's again, an empty key is removed, a cap
    below 0 is the installation's again. Raises Invalid that names the field."""
    old = await chosen(session)
    merged = {**old.keys, **{provider: key.strip() for provider, key in changes.get("keys", {}).items()}}
    cap_usd = changes.get("cap_usd")
    new = replace(
        old, keys={provider: key for provider, key in merged.items() if key},
        chain=tuple(one.strip() for one in changes.get("chain", old.chain) if one.strip()),
        base=changes.get("base", old.base).strip().rstrip("/"),
        cap_micros=old.cap_micros if cap_usd is None else None if cap_usd < 0 else round(cap_usd * 1_000_000),
    )  # fmt: skip
    _check(new, given)
    sealed = secrets.seal(json.dumps({"keys": dict(new.keys), "base": new.base}).encode())
    await session.execute(
        """INSERT INTO model_settings (tenant_id, chain, keys_sealed, cap_micros) VALUES (%s, %s, %s, %s)
           ON CONFLICT (tenant_id) DO UPDATE SET chain = EXCLUDED.chain, keys_sealed = EXCLUDED.keys_sealed,
             cap_micros = EXCLUDED.cap_micros, updated_at = now()""",
        (tenant_id, list(new.chain), sealed, new.cap_micros),
    )
    return new


def entries(given: Settings, choice: Choice | None = None) -> list[Entry]:
    """The chain of a tenant that chose so, or of the installation. A model of the tenant's chain whose key is gone is left
    out. Raises WrongSetting for a provider there is none of in SAVDO_MODELS."""
    return [entry for _, entry in listed(given, choice) if entry is not None]


def listed(given: Settings, choice: Choice | None = None) -> list[tuple[str, Entry | None]]:
    """Every model of the chain by its name; None for one that cannot be asked, because its key is gone. Raises as `entries`."""
    installed = {one: _installed(given, one) for one in given.models}
    if choice is None:
        return list(installed.items())
    return [(one, _owned(given, choice, *_parts(one)) or installed.get(one)) for one in choice.chain or installed]


def cap(given: Settings, choice: Choice, entry: Entry) -> int | None:
    """The most a tenant may spend a day before this model is asked, in micros. What it pays for itself, it limits itself;
    what the installation pays for, both limit."""
    installed = round(given.model_daily_usd * 1_000_000) or None
    if choice.cap_micros is None:
        return installed
    return choice.cap_micros if entry.own or installed is None else min(choice.cap_micros, installed)


def _parts(one: str) -> tuple[str, str]:
    provider, _, name = one.partition(":")
    return provider, name


def _installed(given: Settings, one: str) -> Entry:
    provider, name = _parts(one)
    if provider not in PROVIDERS or not name:
        raise WrongSetting(f"SAVDO_MODELS: {one!r} is not PROVIDER:NAME with one of {', '.join(PROVIDERS)}", field="SAVDO_MODELS")
    keys = {
        "anthropic": given.anthropic_api_key, "openai": given.openai_api_key, "groq": given.groq_api_key,
        "google": given.google_api_key, "compatible": given.compatible_api_key,
    }  # fmt: skip
    return Entry(provider, name, keys[provider].get_secret_value(), _base(given, provider))


def _base(given: Settings, provider: str) -> str:
    return {
        "anthropic": given.anthropic_api_base, "openai": given.openai_api_base, "groq": given.groq_api_base,
        "google": given.google_api_base, "compatible": given.model_api_base,
    }[provider]  # fmt: skip


def _owned(given: Settings, choice: Choice, provider: str, name: str) -> Entry | None:
    if provider == "compatible":
        return Entry(provider, name, choice.keys.get(provider, ""), choice.base, own=True) if choice.base else None
    key = choice.keys.get(provider, "")
    return Entry(provider, name, key, _base(given, provider), own=True) if key else None


def _check(new: Choice, given: Settings) -> None:
    if unknown := sorted(set(new.keys) - set(PROVIDERS)):
        raise Invalid(f"There is no provider {unknown[0]!r}; known are {', '.join(PROVIDERS)}.", field="keys")
    if len(new.chain) > LONGEST_CHAIN:
        raise Invalid(f"At most {LONGEST_CHAIN} models.", field="chain")
    if len(set(new.chain)) < len(new.chain):
        raise Invalid("A model can stand in the chain only once.", field="chain")
    if new.base and not is_safe(new.base):
        raise Invalid("The address of a server of your own must begin with https://.", field="base")
    for one in new.chain:
        provider, name = _parts(one)
        if provider not in PROVIDERS or not name:
            raise Invalid(f"{one!r} is not PROVIDER:NAME with one of {', '.join(PROVIDERS)}.", field="chain")
        # Otherwise whoever may set a chain could spend the installation's money on any model.
        if one not in given.models and _owned(given, new, provider, name) is None:
            raise Invalid(f"{one} needs a key of your own" + (" and an address." if provider == "compatible" else "."), field="chain")


def is_safe(address: str) -> bool:
    """Whether an address a tenant wrote may be asked at all; where its name leads to is checked before each call."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    # A certificate is what a name that suddenly points into a private network cannot show.
    return parts.scheme == "https" or (parts.scheme == "http" and is_allowed(host, port or 80))
