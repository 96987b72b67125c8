"""The roads of one contact: the conversations it has, what is said on the others meanwhile, and who may be the same person."""

import heapq
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import LiteralString
from uuid import UUID

from psycopg.rows import DictRow

from savdo.base.db import Session, rows
from savdo.conversations import contacts, intake, thread

# Others of the contact that are offered at once, and messages of other roads that are woven into a page of the thread.
CANDIDATES = 8
WOVEN = 200


async def of(session: Session, contact_id: UUID) -> list[DictRow]:
    """The contact's conversations, the one they wrote in last first."""
    return await rows(
        session,
        """SELECT c.id, c.status, c.last_inbound_at, c.last_message_at, n.channel, n.name AS connection_name
             FROM conversations c JOIN connections n ON n.tenant_id = c.tenant_id AND n.id = c.connection_id
            WHERE c.contact_id = %s ORDER BY c.last_inbound_at DESC NULLS LAST, c.id""",
        (contact_id,),
    )


async def messages(
    session: Session, conversation_id: UUID, *, before: int | None = None, since: int | None = None
) -> tuple[list[DictRow], bool]:
    """A page of a conversation's thread, as `thread.messages` gives it, with what was said on the contact's other roads in its time."""
    page, more = await thread.messages(session, conversation_id, before=before, since=since)
    query: LiteralString = (
        thread.SHOWN  # noqa: S608 # our own words
        + """JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
             JOIN conversations here ON here.tenant_id = c.tenant_id AND here.contact_id = c.contact_id AND here.id = %(here)s
            WHERE c.id <> %(here)s AND (%(from)s::timestamptz IS NULL OR m.created_at >= %(from)s)
              AND (%(before)s::bigint IS NULL OR m.created_at <
                   (SELECT created_at FROM messages WHERE conversation_id = %(here)s AND number = %(before)s))
            ORDER BY m.created_at DESC, m.number DESC LIMIT %(limit)s"""
    )
    others = await rows(
        session,
        query,
        {"here": conversation_id, "from": min(row["created_at"] for row in page) if more else None, "before": before, "limit": WOVEN},
    )
    return _woven([page, *_apart(others)]), more


async def merges(session: Session, contact_id: UUID) -> list[DictRow]:
    """What was merged into a contact and is not undone, newest first."""
    return await rows(
        session,
        """SELECT m.id, m.reason, m.created_at, p.name FROM merges m
             JOIN contacts k ON k.tenant_id = m.tenant_id AND k.id = m.contact_id AND %(contact)s IN (k.id, k.merged_into)
             JOIN contacts p ON p.tenant_id = m.tenant_id AND p.id = m.merged_id
            WHERE m.undone_at IS NULL ORDER BY m.id DESC""",
        {"contact": contact_id},
    )


async def candidates(session: Session, contact_id: UUID, query: str = "") -> list[DictRow]:
    """Who may be the same person, by their latest conversation: found by name, phone or e-mail; without a query whoever
    gave the same phone or e-mail (`same`)."""
    query = " ".join(intake.clean(query).split())[:200]
    return await rows(
        session,
        """SELECT * FROM (
             SELECT DISTINCT ON (p.id) p.id, p.name, c.preview, c.last_message_at, n.channel, n.name AS connection_name,
                    CASE WHEN p.phone_hash = o.phone_hash THEN 'phone' WHEN p.email_hash = o.email_hash THEN 'email' ELSE '' END AS same
               FROM contacts o JOIN contacts p ON p.tenant_id = o.tenant_id AND p.id <> o.id AND p.merged_into IS NULL
               JOIN conversations c ON c.tenant_id = p.tenant_id AND c.contact_id = p.id AND NOT c.is_test
               JOIN connections n ON n.tenant_id = c.tenant_id AND n.id = c.connection_id
              WHERE o.id = %(contact)s AND CASE WHEN %(query)s = '' THEN p.phone_hash = o.phone_hash OR p.email_hash = o.email_hash
                    ELSE p.name ILIKE %(like)s OR p.phone_hash = ANY(%(phone)s) OR p.email_hash = ANY(%(email)s) END
              ORDER BY p.id, c.last_message_at DESC) found
            ORDER BY same = '', last_message_at DESC LIMIT %(limit)s""",
        {
            "contact": contact_id, "query": query, "like": f"%{thread.escaped(query)}%", "limit": CANDIDATES,
            **contacts.sought(query),
        },
    )  # fmt: skip


def _apart(newest_first: Sequence[DictRow]) -> Iterable[list[DictRow]]:
    found: dict[UUID, list[DictRow]] = {}
    for row in reversed(newest_first):
        found.setdefault(row["conversation_id"], []).append(row)
    return (thread.as_written(sorted(said, key=lambda row: row["number"])) for said in found.values())


def _woven(threads: Iterable[Sequence[DictRow]]) -> list[DictRow]:
    """By time, each thread in its own order: one that waited for another's lock is younger than it says."""
    timed = (zip(accumulate((row["created_at"] for row in said), max), said, strict=True) for said in threads)
    return [row for _, row in heapq.merge(*timed, key=itemgetter(0))]
