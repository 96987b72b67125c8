"""How the answerer is and behaves: its fields of the tenant's profile, one draft of them, and every published version.

A draft changes nothing for customers. Publishing writes it into the profile and keeps what was before; restoring a version
publishes its fields once more. Whoever saves says which revision they saw: the second of two is told, and sees both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo import audit
from savdo.appointments.models import SETTINGS, setting
from savdo.base.db import Session, first, rows
from savdo.base.errors import Conflict, Invalid, NotFound

TONES: Final = ("friendly", "professional", "casual")
LANGUAGES: Final = ("uz", "ru", "kk", "en")
# Outside working hours: as always; says when people are back where one was called; only says so, and calls one.
OUTSIDE: Final = ("answer", "tell", "wait")
# Every field with what it is when the profile does not say. Lists are lines of the form; numbers are of the visits the bot books.
FIELDS: Final[Mapping[str, Any]] = {
    "name": "", "tone": "friendly", "languages": ["uz", "ru"], "custom_instructions": "", "forbidden_topics": [],
    "outside_hours": "answer", "handover_rules": [], "fallback_text": "", **{name: usual for name, (usual, _, _) in SETTINGS.items()},
}  # fmt: skip
LONGEST: Final[Mapping[str, int]] = {"name": 200, "tone": 120, "custom_instructions": 2000, "fallback_text": 600}
MOST_LINES, LONGEST_LINE = 30, 120


class ChangedMeanwhile(Conflict):
    """Somebody else changed the persona meanwhile."""

    code = "persona_changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; values as `FIELDS` has them."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Persona:
    """What is published (`fields`, version `number`) and the draft, None when there is none; `revision` is of both together."""

    fields: Mapping[str, Any]
    number: int
    draft: Mapping[str, Any] | None
    revision: int
    drafted_by: str
    drafted_at: datetime | None

    @property
    def changes(self) -> list[Change]:
        return changes(self.fields, self.draft or self.fields)


def fields_of(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The persona's part of a profile, every field in its own shape."""
    found: dict[str, Any] = {}
    for name, usual in FIELDS.items():
        value = profile.get(name, usual)
        if isinstance(usual, list):
            listed: list[Any] = value.splitlines() if isinstance(value, str) else list(value or ())
            found[name] = [str(one) for one in listed]
        elif name in SETTINGS:
            found[name] = setting(profile, name)
        else:
            found[name] = str(value or usual)
    return found


def checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as a person wrote them, trimmed. Raises Invalid naming the field."""
    found = fields_of(fields)
    for name, longest in LONGEST.items():
        found[name] = found[name].strip()
        if len(found[name]) > longest:
            raise Invalid(f"At most {longest} characters.", field=name)
    if not found["name"]:
        raise Invalid("The business needs a name.", field="name")
    found["languages"] = [one for one in LANGUAGES if one in found["languages"]]
    if not found["languages"]:
        raise Invalid("At least one language is needed.", field="languages")
    if found["outside_hours"] not in OUTSIDE:
        raise Invalid("There is no such behaviour.", field="outside_hours")
    for name, (usual, least, most) in SETTINGS.items():
        if str(fields.get(name, usual)) != str(found[name]):
            raise Invalid(f"A number from {least} to {most}.", field=name)
    for name in ("forbidden_topics", "handover_rules"):
        found[name] = list(dict.fromkeys(line for one in found[name] if (line := " ".join(one.split()))))
        if len(found[name]) > MOST_LINES or any(len(line) > LONGEST_LINE for line in found[name]):
            raise Invalid(f"At most {MOST_LINES} lines of {LONGEST_LINE} characters.", field=name)
    return found


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return [Change(name, before[name], after[name]) for name in FIELDS if before[name] != after[name]]


async def current(session: Session) -> Persona:
    row = await first(
        session,
        """SELECT t.profile, coalesce((SELECT max(number) FROM persona_versions), 1) AS number, d.fields,
                  coalesce(d.revision, 0) AS revision, d.saved_at, m.name AS author
             FROM tenants t LEFT JOIN persona_drafts d ON d.tenant_id = t.id
             LEFT JOIN members m ON m.tenant_id = t.id AND m.id = d.author_id""",
    )
    if row is None:
        raise NotFound
    draft = fields_of(row["fields"]) if row["fields"] else None
    return Persona(
        fields_of(row["profile"]), row["number"], draft, row["revision"], row["author"] or "", row["saved_at"] if draft else None
    )


async def versions(session: Session) -> list[DictRow]:
    """Newest first: number, fields, changes, author, restored, created_at."""
    return await rows(
        session,
        """SELECT v.number, v.fields, v.changes, v.restored, v.created_at, m.name AS author FROM persona_versions v
             LEFT JOIN members m ON m.tenant_id = v.tenant_id AND m.id = v.author_id ORDER BY v.number DESC LIMIT 50""",
    )


async def save(session: Session, tenant_id: UUID, author: UUID, fields: Mapping[str, Any], *, revision: int) -> None:
    """Keeps a draft; one that says what is published already is none. Raises Invalid, ChangedMeanwhile."""
    draft = checked(fields)
    known = await _locked(session, revision)
    await _keep(session, tenant_id, author, draft if changes(known.fields, draft) else None)


async def discard(session: Session, tenant_id: UUID, author: UUID, *, revision: int) -> None:
    await _locked(session, revision)
    await _keep(session, tenant_id, author, None)


async def publish(session: Session, tenant_id: UUID, author: UUID, *, revision: int) -> int:
    """The draft becomes what customers meet; the new version's number. Raises ChangedMeanwhile, Invalid without a draft."""
    known = await _locked(session, revision)
    if known.draft is None:
        raise Invalid("There is no draft.")
    return await _published(session, tenant_id, author, known, known.draft, None)


async def restore(session: Session, tenant_id: UUID, author: UUID, number: int, *, revision: int) -> int:
    """An earlier version is published once more; a draft stays as it is. Raises NotFound, ChangedMeanwhile."""
    known = await _locked(session, revision)
    old = await first(session, "SELECT fields FROM persona_versions WHERE number = %s", (number,))
    if old is None:
        raise NotFound
    return await _published(session, tenant_id, author, known, fields_of(old["fields"]), number)


async def _locked(session: Session, seen: int) -> Persona:
    await session.execute("SELECT 1 FROM tenants FOR NO KEY UPDATE")
    known = await current(session)
    if known.revision != seen:
        raise ChangedMeanwhile
    return known


async def _keep(session: Session, tenant_id: UUID, author: UUID, draft: Mapping[str, Any] | None) -> None:
    # A revision never comes again, not even when a draft was thrown away meanwhile.
    await session.execute(
        """INSERT INTO persona_drafts (tenant_id, fields, revision, author_id) VALUES (%s, %s, 1, %s)
           ON CONFLICT (tenant_id) DO UPDATE SET fields = EXCLUDED.fields, revision = persona_drafts.revision + 1,
             author_id = EXCLUDED.author_id, saved_at = now()""",
        (tenant_id, Jsonb(dict(draft)) if draft else None, author),
    )


async def _published(
    session: Session, tenant_id: UUID, author: UUID, known: Persona, fields: Mapping[str, Any], restored: int | None
) -> int:
    # What the company was taken on with is its first version.
    await session.execute(
        """INSERT INTO persona_versions (tenant_id, number, fields, created_at)
           SELECT id, 1, %s, created_at FROM tenants ON CONFLICT (tenant_id, number) DO NOTHING""",
        (Jsonb(dict(known.fields)),),
    )
    number = known.number + 1
    differing = changes(known.fields, fields)
    await session.execute(
        """INSERT INTO persona_versions (tenant_id, number, fields, changes, author_id, restored) VALUES (%s, %s, %s, %s, %s, %s)""",
        (
            tenant_id, number, Jsonb(dict(fields)),
            Jsonb([{"field": one.field, "before": one.before, "after": one.after} for one in differing]), author, restored,
        ),
    )  # fmt: skip
    await session.execute("UPDATE tenants SET profile = profile || %s", (Jsonb(dict(fields)),))
    kept = known.draft if restored is not None and known.draft and changes(fields, known.draft) else None
    await _keep(session, tenant_id, author, kept)
    details = {"number": number, "fields": [one.field for one in differing], "restored": restored}
    await audit.note(session, tenant_id, f"member:{author}", "persona.published", str(number), details)
    return number
