"""A company's life on this installation: taken on, suspended, resumed."""

import json
import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from psycopg.types.json import Jsonb
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from savdo import audit
from savdo.accounts import access
from savdo.base import clock
from savdo.base.db import Session, first, new_id, platform_step, step
from savdo.base.errors import Invalid, NotFound, SavdoError
from savdo.channels import connections
from savdo.knowledge import ingest


class WrongBusiness(Invalid):
    """The business folder is not complete."""

    code = "wrong_business"


class Price(BaseModel):
    """`amount` in major units; `from` means "from that price"."""

    amount: float = Field(ge=0)
    currency: str = Field(pattern="^[A-Z]{3}$")
    starting: bool = Field(False, alias="from")
    per: str | None = None


class CampaignFile(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    price: Price | None = None
    features: list[str] = []
    chat_flow: dict[str, Any] = {}
    audience: str = ""
    platforms: list[str] = []


def zone(name: str) -> str:
    """The name of a time zone, for a profile. Raises ValueError for one that there is not."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError("there is no such time zone; write it like Asia/Tashkent") from None


def hour(written: str) -> str:
    """A time of day as a profile keeps it, "9:00" as "09:00". Raises ValueError for what is none."""
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d|24:00", written):
        raise ValueError("write an hour like 09:00")
    return written.zfill(5)


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# When a day begins and when it ends.
Span = Annotated[list[Annotated[str, AfterValidator(hour)]], Field(min_length=2, max_length=2)]


class ProfileFile(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1, max_length=200)
    currency: str = Field("UZS", pattern="^[A-Z]{3}$")
    timezone: Annotated[str, AfterValidator(zone)] = clock.USUAL_ZONE
    languages: list[str] = ["uz", "ru"]
    working_hours: dict[Day, Span | None] = {}


CAMPAIGNS = TypeAdapter(list[CampaignFile])


@dataclass(frozen=True, slots=True)
class Business:
    """A company as a folder holds it: profile.json, campaigns.json, docs/."""

    profile: Mapping[str, Any]
    campaigns: Sequence[CampaignFile]
    documents: Sequence[Path]
    slug: str


@dataclass(frozen=True, slots=True)
class Onboarded:
    """What the new company needs to begin; the password and the key are shown this once."""

    tenant_id: UUID
    slug: str
    email: str
    password: str
    api_key: str
    widget_key: str
    hooks: Mapping[str, str]


def read_business(folder: Path) -> Business:
    """Reads a business folder. Raises WrongBusiness that names the file, the field and what it must be."""
    profile = _json(folder / "profile.json")
    campaigns = _json(folder / "campaigns.json") if (folder / "campaigns.json").exists() else []
    try:
        # With what the file does not say as it is usually: dates and hours are read in the company's zone.
        profile = ProfileFile.model_validate(profile).model_dump()
    except ValidationError as error:
        raise _wrong(folder / "profile.json", error) from None
    if not isinstance(campaigns, list):
        raise WrongBusiness(f"{folder / 'campaigns.json'}: a list of campaigns is needed.")
    try:
        parsed = CAMPAIGNS.validate_python(campaigns)
    except ValidationError as error:
        raise _wrong(folder / "campaigns.json", error) from None
    docs = folder / "docs"
    documents = sorted(path for path in docs.iterdir() if path.is_file()) if docs.is_dir() else []
    for path in documents:
        try:
            ingest.checked(path.read_bytes(), path.name)
        except SavdoError as refused:
            raise WrongBusiness(f"{path}: {refused.message}") from None
    return Business(profile, parsed, documents, slug_of(str(profile["name"])))


async def onboard(folder: Path, *, email: str = "", password: str = "") -> Onboarded:
    """Takes a company on from its folder: profile, campaigns, documents read, an owner, a web chat, an API key. What is refused
    leaves nothing behind."""
    business = read_business(folder)
    password = password or secrets.token_urlsafe(12)
    tenant_id = new_id()
    async with platform_step("onboard a company") as session:
        slug = await _free_slug(session, business.slug)
        await session.execute(
            "INSERT INTO tenants (id, slug, profile) VALUES (%s, %s, %s)", (tenant_id, slug, Jsonb(dict(business.profile)))
        )
        email = email or f"owner@{slug}.example"
        await access.create_member(session, tenant_id, name=str(business.profile["name"]), email=email, password=password, role="owner")
        api_key = await access.new_api_key(session, tenant_id, "First key")
        widget = await connections.create(session, tenant_id, "web_chat", "Website")
        await _campaigns(session, tenant_id, business.campaigns)
        await audit.note(session, tenant_id, "operator", "tenant.created", slug)
    for path in business.documents:
        document_id = await ingest.add(tenant_id, path.name, path.read_bytes())
        await ingest.read(tenant_id=str(tenant_id), document_id=str(document_id))
    return Onboarded(tenant_id, slug, email, password, api_key, widget.key, {"web_chat": f"/widget/v1/loader.js?key={widget.key}"})


async def suspend(tenant_id: UUID) -> None:
    """The bot stops writing at once; what customers send is still stored. Raises NotFound."""
    await _set_status(tenant_id, "suspended")


async def resume(tenant_id: UUID) -> None:
    """Back to work; what was asked meanwhile is answered by the sweeper."""
    await _set_status(tenant_id, "active")


def slug_of(name: str) -> str:
    """A short address-safe form of a name: "Nurli Kvadrat" → "nurli-kvadrat"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "company"


async def _set_status(tenant_id: UUID, status: str) -> None:
    async with step(tenant_id) as session:
        changed = await first(session, "UPDATE tenants SET status = %s WHERE id = %s RETURNING id", (status, tenant_id))
        if changed is None:
            raise NotFound(f"There is no company {tenant_id}.")
        await audit.note(session, tenant_id, "operator", f"tenant.{status}", str(tenant_id))


async def _free_slug(session: Session, wanted: str) -> str:
    taken = await first(session, "SELECT 1 FROM tenants WHERE slug = %s", (wanted,))
    return wanted if taken is None else f"{wanted}-{secrets.token_hex(3)}"


async def _campaigns(session: Session, tenant_id: UUID, campaigns: Sequence[CampaignFile]) -> None:
    for position, one in enumerate(campaigns):
        await session.execute(
            """INSERT INTO campaigns (tenant_id, id, position, name, price, features, chat_flow, audience, platforms)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            (
                tenant_id, new_id(), position, one.name, Jsonb(one.price.model_dump(by_alias=True)) if one.price else None,
                Jsonb(one.features), Jsonb(one.chat_flow), one.audience, Jsonb(one.platforms),
            ),
        )  # fmt: skip


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongBusiness(f"{path}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise WrongBusiness(f"{path}: is not valid JSON ({error}).") from None


def _wrong(path: Path, error: ValidationError) -> WrongBusiness:
    first_error = error.errors()[0]
    place = ".".join(str(part) for part in first_error["loc"])
    return WrongBusiness(f"{path}: {place}: {first_error['msg']}", field=place)
