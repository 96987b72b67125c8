"""Visitors of the web chat: their thread, what of it is new to them, and who they turn out to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo.base import live
from savdo.base.db import Session, first, rows
from savdo.channels.models import Connection, Inbound, Sender
from savdo.conversations import contacts

# A visitor reads the row itself, so a message is theirs from the moment it stands, whatever the outbox still has to note.
SEEN: Final = "NOT (m.direction = 'out' AND m.status = 'failed')"
FIELDS: Final = """SELECT m.id, m.number, m.revision, m.direction, m.author, m.kind, m.text, m.payload, m.external_id, m.status,
                   m.created_at, m.edited_at, m.deleted_at, b.name AS member
              FROM messages m LEFT JOIN members b ON b.tenant_id = m.tenant_id AND b.id = m.member_id"""


@dataclass(frozen=True, slots=True)
class Thread:
    """A visitor's conversation. `answering`: the bot owes an answer."""

    id: UUID
    contact_id: UUID
    status: str
    revision: int
    read_up_to: int
    answering: bool


async def thread_of(session: Session, connection_id: UUID, visitor: str) -> Thread | None:
    row = await first(
        session,
        """SELECT c.id, c.contact_id, c.status, c.revision, c.visitor_read_number,
                  c.status IN ('bot', 'handover') AND c.answered_number < c.inbound_number AND p.opted_out_at IS NULL
                  AND t.status = 'active' AS answering
             FROM conversations c JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
             JOIN tenants t ON t.id = c.tenant_id
            WHERE c.connection_id = %s AND c.external_id = %s""",
        (connection_id, visitor),
    )
    return None if row is None else Thread(*row.values())


async def messages(session: Session, conversation_id: UUID, *, after: int = 0, before: int | None = None, limit: int = 50) -> list[DictRow]:
    """Oldest first: the first ones after a number, else the last ones (before a number)."""
    if after:
        return await rows(
            session,
            f"{FIELDS} WHERE m.conversation_id = %s AND m.number > %s AND {SEEN} ORDER BY m.number LIMIT %s",
            (conversation_id, after, limit),
        )
    last = await rows(
        session,
        f"{FIELDS} WHERE m.conversation_id = %s AND m.number < %s AND {SEEN} ORDER BY m.number DESC LIMIT %s",
        (conversation_id, before or 2**62, limit),
    )
    return last[::-1]


async def changes(session: Session, conversation_id: UUID, since: int, limit: int) -> list[DictRow]:
    """Messages that are new or changed since a revision, in the order of their change; withdrawn ones too."""
    return await rows(
        session,
        f"{FIELDS} WHERE m.conversation_id = %s AND m.revision > %s ORDER BY m.revision, m.number LIMIT %s",
        (conversation_id, since, limit),
    )


async def read(session: Session, tenant_id: UUID, thread: Thread, up_to: int) -> None:
    """The visitor has seen everything up to a number."""
    if up_to <= thread.read_up_to:
        return
    await session.execute(
        """WITH c AS (UPDATE conversations SET revision = revision + 1, visitor_read_number = LEAST(%(up_to)s, revision)
                       WHERE id = %(id)s RETURNING revision)
           UPDATE messages SET status = 'read', revision = c.revision FROM c
            WHERE conversation_id = %(id)s AND direction = 'out' AND status IN ('sent', 'delivered') AND number <= %(up_to)s""",
        {"id": thread.id, "up_to": up_to},
    )
    await live.publish(session, tenant_id, thread.id, "status", str(up_to))


async def contact_of(session: Session, connection: Connection, visitor: str, language: str) -> UUID:
    """The contact behind a visitor, made when there is none yet."""
    return await contacts.of_identity(session, connection, Inbound("message", "", visitor, Sender(visitor, language=language)))


async def describe(session: Session, contact_id: UUID, attributes: Mapping[str, Any]) -> None:
    """Adds what the site tells about a contact; a later value replaces an earlier one."""
    await session.execute("UPDATE contacts SET attributes = attributes || %s WHERE id = %s", (Jsonb(dict(attributes)), contact_id))


async def note_arrival(session: Session, connection_id: UUID, visitor: str, about: Mapping[str, Any]) -> None:
    """Keeps how a visitor came: the page, the referrer, the campaign."""
    await session.execute(
        "UPDATE identities SET profile = profile || %s WHERE connection_id = %s AND external_id = %s",
        (Jsonb({"arrival": dict(about)}), connection_id, visitor),
    )


async def join(session: Session, connection: Connection, visitor: str, person: str, language: str) -> UUID:
    """An anonymous visitor turns out to be a person the site vouches for; returns the person's contact.

    Their thread becomes the person's when that one has none yet; else it stays as it is, under the same contact.
    """
    await session.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{connection.id}:{person}",))
    # The first time somebody signs in, what the site's visitor told so far is theirs.
    await session.execute(
        """UPDATE identities SET external_id = %(person)s WHERE connection_id = %(connection)s AND external_id = %(visitor)s
              AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.connection_id = %(connection)s AND i.external_id = %(person)s)""",
        {"connection": connection.id, "visitor": visitor, "person": person},
    )
    contact_id = await contact_of(session, connection, person, language)
    await session.execute(
        """UPDATE identities i SET contact_id = p.contact_id, origin_id = p.origin_id FROM identities p
            WHERE p.connection_id = i.connection_id AND p.external_id = %s AND i.connection_id = %s AND i.external_id = %s""",
        (person, connection.id, visitor),
    )
    await session.execute(
        """UPDATE conversations c SET contact_id = p.contact_id, origin_id = p.origin_id,
                  external_id = CASE WHEN EXISTS (SELECT 1 FROM conversations o
                                                   WHERE o.connection_id = %(connection)s AND o.external_id = %(person)s)
                                     THEN c.external_id ELSE %(person)s END
             FROM identities p WHERE p.connection_id = c.connection_id AND p.external_id = %(person)s
              AND c.connection_id = %(connection)s AND c.external_id = %(visitor)s""",
        {"connection": connection.id, "visitor": visitor, "person": person},
    )
    await session.execute(
        """UPDATE leads l SET contact_id = %(contact)s FROM conversations c
            WHERE l.tenant_id = c.tenant_id AND l.conversation_id = c.id AND c.contact_id = %(contact)s AND l.contact_id <> %(contact)s""",
        {"contact": contact_id},
    )
    return contact_id
