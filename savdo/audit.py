"""Who did what to what, and when; append-only, the database refuses changes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from savdo.base.db import Session, new_id


async def note(
    session: Session, tenant_id: UUID, actor: str, action: str, subject: str = "", details: Mapping[str, Any] | None = None
) -> None:
    """`actor` is "member:<id>", "operator" or "system"; `action` is "<noun>.<verb in the past>"; `details` hold no personal data."""
    await session.execute(
        "INSERT INTO audit (tenant_id, id, actor, action, subject, details) VALUES (%s, %s, %s, %s, %s, %s)",
        (tenant_id, new_id(), actor, action, subject, Jsonb(dict(details or {}))),
    )
