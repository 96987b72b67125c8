"""Two contacts that are one person become one, by a number that their channels vouch for or by a member's hand, and two again.

Whose a road was first stays written at it: an identity and a conversation of a merged contact name it as their `origin_id`,
and what comes in later by that road takes this over. So undoing a merge takes back what was moved and what came since.
The merges that stand are a tree; `merged_into` of a contact is its root.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo import audit
from savdo.base import live
from savdo.base.db import Session, first, new_id, rows, step
from savdo.base.errors import NotFound
from savdo.base.jobs import job

# What the contact that stays takes over where it has none of its own, and the column that says whether it is the same;
# a goodbye for good holds for both.
DETAILS: Final[Mapping[str, str]] = {
    "name": "name", "language": "language", "phone_sealed": "phone_hash", "phone_hash": "phone_hash", "email_sealed": "email_hash",
    "email_hash": "email_hash", "opted_out_at": "opted_out_at",
}  # fmt: skip
# Attributes that are read of all who were merged: see `contacts.REMEMBERED`.
FACTS: Final = ("remembered", "remembered_at")
# The rows of some contacts, by whom they came to first.
FROM_THEM: Final = "(origin_id = ANY(%(tree)s) OR (origin_id IS NULL AND contact_id = ANY(%(tree)s)))"


class NoContact(NotFound):
    """There is no such contact."""

    code = "no_contact"


class NoMerge(NotFound):
    """There is nothing of the kind to undo."""

    code = "no_merge"


@job(attempts=4)
async def by_phone(tenant_id: str, contact_id: str) -> None:
    """Merges the contacts whose numbers, as their channels vouch for them, are one; the oldest stays. Those a member
    has parted stay apart."""
    tenant = UUID(tenant_id)
    async with step(tenant) as session:
        await _one_at_a_time(session, tenant)
        found = await rows(
            session,
            """SELECT p.id FROM identities i
                 JOIN identities o ON o.tenant_id = i.tenant_id AND o.phone_hash = i.phone_hash
                 JOIN contacts c ON c.tenant_id = i.tenant_id AND c.id = %(contact)s AND i.contact_id = coalesce(c.merged_into, c.id)
                 JOIN contacts p ON p.tenant_id = o.tenant_id AND p.id = o.contact_id
                GROUP BY p.id, p.created_at ORDER BY p.created_at, p.id""",
            {"contact": UUID(contact_id)},
        )
        people: list[UUID] = [row["id"] for row in found]
        for other in people[1:]:
            if not await _parted(session, people[0], other):
                await merge(session, tenant, "system", people[0], other, reason="phone")


async def merge(session: Session, tenant_id: UUID, actor: str, kept: UUID, other: UUID, *, reason: str = "member") -> None:
    """Makes `other` and all of its roads `kept`'s; nothing where they are one already. Raises NoContact."""
    await _one_at_a_time(session, tenant_id)
    kept, other = await _current(session, kept), await _current(session, other)
    if kept == other:
        return
    people = await _locked(session, [kept, other])
    gained = _gained(people[kept], people[other])
    merge_id = new_id()
    await session.execute(
        "INSERT INTO merges (tenant_id, id, contact_id, merged_id, reason, gained) VALUES (%s, %s, %s, %s, %s, %s)",
        (tenant_id, merge_id, kept, other, reason, Jsonb({column: sorted(names) for column, names in gained.items()})),
    )
    await _write(session, {**people[kept], **_taken_over(people[kept], people[other], gained)})
    await _settle(session, tenant_id, other, kept)
    await audit.note(session, tenant_id, actor, "contact.merged", str(kept), {"merged": str(other), "merge": str(merge_id), "by": reason})


async def undo(session: Session, tenant_id: UUID, actor: str, merge_id: UUID) -> None:
    """Parts what a merge made one, with what came in since by each road; nothing where it is undone already. Raises NoMerge."""
    await _one_at_a_time(session, tenant_id)
    done = await first(session, "SELECT * FROM merges WHERE id = %s", (merge_id,))
    if done is None:
        raise NoMerge
    if done["undone_at"] is not None:
        return
    kept, other = done["contact_id"], done["merged_id"]
    root = await _current(session, kept)
    people = await _locked(session, [kept, root, other])
    await session.execute("UPDATE merges SET undone_at = now() WHERE id = %s", (merge_id,))
    for one in {kept, root}:
        await _write(session, {**people[one], **_given_back(people[one], people[other], done["gained"])})
    await _settle(session, tenant_id, other, other)
    await _keep_apart(session, root, other, people[root], done)
    await audit.note(session, tenant_id, actor, "contact.parted", str(root), {"parted": str(other), "merge": str(merge_id)})


async def _one_at_a_time(session: Session, tenant_id: UUID) -> None:
    await session.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"merge:{tenant_id}",))


async def _current(session: Session, contact_id: UUID) -> UUID:
    row = await first(session, "SELECT coalesce(merged_into, id) AS id FROM contacts WHERE id = %s", (contact_id,))
    if row is None:
        raise NoContact
    return row["id"]


async def _parted(session: Session, one: UUID, other: UUID) -> bool:
    found = await first(
        session,
        """SELECT 1 FROM merges WHERE undone_at IS NOT NULL AND contact_id = ANY(%(both)s) AND merged_id = ANY(%(both)s)""",
        {"both": [one, other]},
    )
    return found is not None


async def _locked(session: Session, people: Sequence[UUID]) -> dict[UUID, DictRow]:
    """The contacts as they stand, by id. Conversations first, then identities, then contacts: the order of the main path."""
    for table in ("conversations", "identities"):
        await session.execute(f"SELECT 1 FROM {table} WHERE contact_id = ANY(%s) ORDER BY connection_id, external_id FOR UPDATE", (people,))  # noqa: S608 # our own words
    found = await rows(session, "SELECT * FROM contacts WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", (people,))
    return {row["id"]: row for row in found}


def _gained(kept: DictRow, other: DictRow) -> dict[str, set[str]]:
    """What `kept` has none of, by name: columns and attributes. Facts stay with whom they were told of."""
    mine, theirs = kept["attributes"], other["attributes"]
    return {
        "details": {name for name in DETAILS if kept[name] is None and other[name] is not None},
        "attributes": {name for name in theirs if name not in mine and name not in FACTS},
    }


def _taken_over(kept: DictRow, other: DictRow, gained: Mapping[str, set[str]]) -> dict[str, Any]:
    mine, theirs = kept["attributes"], other["attributes"]
    return {
        **{name: other[name] for name in gained["details"]},
        "attributes": {**mine, **{name: theirs[name] for name in gained["attributes"]}},
    }


def _given_back(kept: DictRow, other: DictRow, gained: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What was taken over and is still what it was; what has changed since was learned of the contact itself."""
    attributes, theirs = dict(kept["attributes"]), other["attributes"]
    for name in gained["attributes"]:
        if name in attributes and attributes[name] == theirs.get(name):
            del attributes[name]
    return {**{name: None for name in gained["details"] if kept[DETAILS[name]] == other[DETAILS[name]]}, "attributes": attributes}


async def _write(session: Session, contact: Mapping[str, Any]) -> None:
    await session.execute(
        """UPDATE contacts SET name = %(name)s, language = %(language)s, phone_sealed = %(phone_sealed)s, phone_hash = %(phone_hash)s,
                  email_sealed = %(email_sealed)s, email_hash = %(email_hash)s, opted_out_at = %(opted_out_at)s,
                  attributes = %(attributes)s WHERE id = %(id)s""",
        {**contact, "attributes": Jsonb(contact["attributes"])},
    )


async def _settle(session: Session, tenant_id: UUID, moved: UUID, root: UUID) -> None:
    """Makes `root` of everything that is `moved`'s, and of those merged into it that still are. Identities come first:
    a conversation that is being made waits for its own, and is there when conversations are looked at."""
    found = await rows(
        session,
        """WITH RECURSIVE tree AS (SELECT %(moved)s::uuid AS id UNION
             SELECT m.merged_id FROM merges m JOIN tree ON m.contact_id = tree.id WHERE m.undone_at IS NULL)
           UPDATE contacts SET merged_into = NULLIF(%(root)s, id) WHERE id IN (SELECT id FROM tree) RETURNING id""",
        {"moved": moved, "root": root},
    )
    own = {"tree": [row["id"] for row in found], "root": root}
    moving: LiteralString = "SET contact_id = %(root)s, origin_id = NULLIF(coalesce(origin_id, contact_id), %(root)s) WHERE " + FROM_THEM
    await session.execute("UPDATE identities " + moving, own)
    talks = await rows(session, "UPDATE conversations " + moving + " RETURNING id", own)
    for table in ("leads", "appointments"):
        await session.execute(f"UPDATE {table} SET contact_id = %s WHERE conversation_id = ANY(%s)", (root, [row["id"] for row in talks]))  # noqa: S608 # our own words
    for row in talks:
        await live.publish(session, tenant_id, row["id"], "conversation")


async def _keep_apart(session: Session, root: UUID, other: UUID, before: DictRow, done: DictRow) -> None:
    """A number goes with the road whose channel vouches for it; who said goodbye for good while they were one, said it as both."""
    await session.execute(
        """UPDATE contacts p SET phone_sealed = v.phone_sealed, phone_hash = v.phone_hash
             FROM (SELECT one AS id, i.phone_sealed, i.phone_hash FROM unnest(%(both)s::uuid[]) AS one LEFT JOIN LATERAL (
                     SELECT phone_sealed, phone_hash FROM identities WHERE contact_id = one AND phone_hash IS NOT NULL
                      ORDER BY created_at DESC LIMIT 1) i ON true) v
            WHERE p.id = v.id AND CASE p.id WHEN %(other)s THEN p.phone_hash IS NULL
                                            ELSE p.phone_hash IN (SELECT phone_hash FROM identities WHERE contact_id = %(other)s) END""",
        {"both": [root, other], "other": other},
    )
    if before["opted_out_at"] is not None and before["opted_out_at"] > done["created_at"]:
        await session.execute(
            "UPDATE contacts SET opted_out_at = coalesce(opted_out_at, %s) WHERE id = %s", (before["opted_out_at"], other)
        )
