"""Storing what a customer sent: once, in order, whatever the other company repeats."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo.base.db import Session, first, new_id
from savdo.channels.models import Connection, Inbound, Product
from savdo.conversations import contacts
from savdo.conversations.models import Taken

# The longest text that is kept; a customer's novel is cut here rather than refused, so that nothing else of it is lost.
LONGEST_TEXT = 20_000
# Changes of a conversation that wait for their message.
MOST_PARKED, LONGEST_PARKED = 20, 4000
_LOCKED: LiteralString = """
  SELECT c.id, c.contact_id, c.status, c.parked, p.opted_out_at IS NOT NULL AS opted_out,
         coalesce(n.settings->'answer_messages' = 'false', false) AS muted
    FROM conversations c JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
    JOIN connections n ON n.tenant_id = c.tenant_id AND n.id = c.connection_id """
_STORED: LiteralString = """
  WITH m AS (
    INSERT INTO messages (tenant_id, id, conversation_id, connection_id, number, revision, direction, author, kind, text,
                          payload, external_id, status, sent_at)
    SELECT tenant_id, %(message)s, id, connection_id, revision + 1, revision + 1, 'in', 'contact', %(kind)s, %(text)s,
           %(payload)s, %(external)s, 'received', LEAST(%(at)s, now())
      FROM conversations WHERE id = %(conversation)s
    ON CONFLICT (tenant_id, connection_id, external_id) WHERE direction = 'in' DO NOTHING
    RETURNING id, number, created_at, sent_at)
  UPDATE conversations c
     SET revision = m.number, inbound_number = m.number, unread = unread + 1,
         status = CASE status WHEN 'closed' THEN 'bot' ELSE status END, blocked_at = NULL,
         -- A person answers: the bot owes nothing for this message, also not when it is given back later.
         answered_number = CASE WHEN %(silent)s THEN m.number ELSE answered_number END,
         answer_waiting = NOT %(silent)s,
         burst_at = CASE WHEN answered_number < inbound_number THEN burst_at ELSE now() END,
         answer_due_at = LEAST(now() + %(wait)s,
           CASE WHEN answered_number < inbound_number THEN coalesce(burst_at, now()) ELSE now() END + %(longest)s),
         preview = left(%(preview)s, 120), preview_author = 'contact', last_message_at = now(),
         -- What is delivered late opens no window again that closed meanwhile.
         last_inbound_at = GREATEST(last_inbound_at, m.sent_at)
    FROM m WHERE c.id = %(conversation)s
  RETURNING m.id, m.number, m.created_at, old.answer_waiting OR %(silent)s AS waiting,
    pg_notify('savdo_live', json_build_array(c.tenant_id, c.id, 'message', m.number::text)::text)"""


async def lock(session: Session, connection: Connection, inbound: Inbound) -> DictRow:
    """Locks the conversation's row, made at the first message: id, contact_id, status, opted_out.

    The lock is what gives messages their order, and what keeps one that arrives while an answer is being written
    from being overlooked.
    """
    row = await find(session, connection, inbound)
    if row is None:
        await contacts.of_identity(session, connection, inbound)
        # The contact may be merged at this moment: its identity is held until the conversation stands.
        await session.execute(
            """INSERT INTO conversations (tenant_id, id, connection_id, contact_id, origin_id, external_id)
               SELECT tenant_id, %s, connection_id, contact_id, origin_id, %s FROM identities
                WHERE connection_id = %s AND external_id = %s FOR SHARE
               ON CONFLICT (tenant_id, connection_id, external_id) DO NOTHING""",
            (new_id(), inbound.thread_id, connection.id, inbound.sender.external_id),
        )
        row = await _locked(session, connection.id, inbound.thread_id)
    assert row is not None
    return row


async def find(session: Session, connection: Connection, inbound: Inbound) -> DictRow | None:
    """Locks the conversation's row if there is one; one that stands under an alias of the customer's is taken over by the
    id they have now."""
    row = await _locked(session, connection.id, inbound.thread_id)
    # Only where a customer has one thread, named as they are, does their identity lead to it.
    if row is not None or inbound.thread_id != inbound.sender.external_id:
        return row
    known = await first(
        session,
        """SELECT v.id FROM identities i
             JOIN conversations v ON v.tenant_id = i.tenant_id AND v.connection_id = i.connection_id AND v.contact_id = i.contact_id
                                 AND v.origin_id IS NOT DISTINCT FROM i.origin_id
             JOIN identities o ON o.tenant_id = v.tenant_id AND o.connection_id = v.connection_id AND o.contact_id = v.contact_id
                              AND o.external_id = v.external_id
            WHERE i.connection_id = %s AND i.external_id = ANY(%s) ORDER BY v.last_message_at DESC LIMIT 1""",
        (connection.id, [inbound.sender.external_id, *inbound.sender.aliases]),
    )
    if known is None:
        return None
    # By its own id: another of the customer's events may rename it at this moment. Before the identities, as everywhere.
    row = await first(session, _LOCKED + "WHERE c.id = %s FOR UPDATE OF c", (known["id"],))
    if row is not None and inbound.sender.aliases:
        await contacts.also_known(session, connection, inbound.sender)
        await session.execute("UPDATE conversations SET external_id = %s WHERE id = %s", (inbound.thread_id, known["id"]))
    return row


async def store(
    session: Session, connection: Connection, inbound: Inbound, conversation: DictRow, wait: timedelta, longest: timedelta
) -> Taken:
    """Stores a message in its locked conversation and moves the time its answer is due.

    `wait` is how long to wait for the rest of a burst, `longest` the bound from the burst's first message.
    """
    payload = payload_of(inbound)
    kind = kind_of(inbound)
    silent = conversation["status"] == "human" or conversation["opted_out"] or conversation["muted"]
    # A shared contact is its number, so that it is read like one that was typed.
    text = clean(inbound.text or (inbound.sender.phone if kind == "contact" else ""))
    row = await first(
        session,
        _STORED,
        {
            "message": new_id(), "conversation": conversation["id"], "kind": kind, "text": text, "payload": Jsonb(payload),
            "external": inbound.external_id, "preview": text or products_in_words(payload) or kind, "wait": wait, "longest": longest,
            "silent": silent, "at": inbound.sent_at,
        },
    )  # fmt: skip
    if row is None:
        return await _repeat(session, connection, inbound, conversation["id"])
    if inbound.external_id in conversation["parked"]:
        await _unpark(session, inbound, conversation)
    if inbound.attachments:
        await session.execute(
            "UPDATE attachments SET conversation_id = %s, message_id = %s WHERE id = ANY(%s)",
            (conversation["id"], row["id"], [UUID(str(one["id"])) for one in inbound.attachments]),
        )
    return Taken(
        row["id"],
        row["number"],
        repeat=False,
        conversation_id=conversation["id"],
        created_at=row["created_at"],
        waiting=row["waiting"],
        silent=silent,
    )


async def change(session: Session, inbound: Inbound, conversation: DictRow) -> Taken:
    """An edit or a deletion, by the customer or by a person in the native app. What was already answered is not answered
    again; the thread shows the change. What is being answered now owes a new answer: not `waiting`. One that overtook its
    message waits for it, an edit that a newer one or a deletion overtook changes nothing."""
    found = await _changed(session, inbound, conversation["id"])
    if found is None:
        if not inbound.own:
            await _park(session, inbound, conversation)
        return Taken(None, 0, repeat=False, conversation_id=conversation["id"])
    if inbound.event == "edited" and (found["deleted_at"] or 0 < inbound.edit <= found["edit"]):
        return Taken(found["id"], found["number"], repeat=True, conversation_id=conversation["id"], created_at=found["created_at"])
    row = await first(
        session,
        """WITH c AS (
             UPDATE conversations v SET revision = v.revision + 1, changed_revision = CASE
                      WHEN NOT %(own)s AND %(number)s > answered_number THEN v.revision + 1 ELSE changed_revision END
              WHERE v.id = %(conversation)s
             RETURNING v.revision, v.answer_waiting OR v.changed_revision < v.revision AS waiting)
           UPDATE messages m SET revision = c.revision, payload = payload || %(kept)s,
                  text = CASE WHEN %(deleted)s THEN '' ELSE %(text)s END,
                  edited_at = CASE WHEN %(deleted)s THEN edited_at ELSE now() END,
                  deleted_at = CASE WHEN %(deleted)s THEN now() ELSE deleted_at END
             FROM c WHERE m.id = %(id)s
           RETURNING m.id, m.number, m.created_at, c.waiting,
             pg_notify('savdo_live', json_build_array(m.tenant_id, m.conversation_id, 'message', m.number::text)::text)""",
        {
            "conversation": conversation["id"], "id": found["id"], "number": found["number"], "own": inbound.own,
            "text": clean(inbound.text), "deleted": inbound.event == "deleted",
            "kept": Jsonb({"edit": inbound.edit} if inbound.edit else {}),
        },
    )  # fmt: skip
    assert row is not None
    return Taken(
        row["id"], row["number"], repeat=False, conversation_id=conversation["id"], created_at=row["created_at"], waiting=row["waiting"]
    )


async def keep_unknown(session: Session, connection: Connection, inbound: Inbound) -> None:
    """Events we have no use for yet are kept as they came, so that none is lost."""
    await session.execute(
        "INSERT INTO unknown_events (tenant_id, id, connection_id, kind, body) VALUES (%s, %s, %s, %s, %s)",
        (connection.tenant_id, new_id(), connection.id, inbound.external_id[:64], Jsonb(dict(inbound.raw))),
    )


def clean(text: str) -> str:
    """Text as PostgreSQL can keep it: no null bytes, no lone surrogates, at most LONGEST_TEXT characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:LONGEST_TEXT]


def payload_of(inbound: Inbound) -> Mapping[str, Any]:
    payload: dict[str, Any] = {}
    if inbound.media:
        payload["media"] = [
            {"kind": one.kind, "reference": one.reference, "name": clean(one.name), "mime": one.mime, "size": one.size}
            for one in inbound.media
        ]
    if inbound.attachments:
        payload["attachments"] = [dict(one) for one in inbound.attachments]
    if inbound.location:
        payload["location"] = list(inbound.location)
    for key in ("referral", "story"):
        if value := getattr(inbound, key):
            payload[key] = {name: clean(one) for name, one in asdict(value).items() if one}
    if inbound.products:
        payload["products"] = [
            {name: clean(one) if isinstance(one, str) else one for name, one in asdict(each).items()} for each in inbound.products
        ]
    for key in ("reply_to", "quick_reply", "campaign", "album"):
        if value := getattr(inbound, key):
            payload[key] = clean(value)
    return payload


def products_in_words(payload: Mapping[str, Any]) -> str:
    """The products a message asks about or orders, a line each; "" where it has none."""
    return "\n".join(Product(**one).words for one in payload.get("products", ()))


def kind_of(inbound: Inbound) -> str:
    if inbound.media:
        return inbound.media[0].kind
    if inbound.attachments:
        return str(inbound.attachments[0]["kind"])
    if inbound.location:
        return "location"
    return "contact" if inbound.sender.phone and not inbound.text and not inbound.products else "text"


async def _changed(session: Session, inbound: Inbound, conversation_id: UUID) -> DictRow | None:
    """The message that an edit or a deletion is about."""
    return await first(
        session,
        """SELECT id, number, created_at, deleted_at, coalesce((payload->>'edit')::int, 0) AS edit FROM messages
            WHERE conversation_id = %s AND direction = %s AND external_id = %s""",
        (conversation_id, "out" if inbound.own else "in", inbound.external_id),
    )


async def _park(session: Session, inbound: Inbound, conversation: DictRow) -> None:
    # Most of what is changed without being known here was said before there was a connection: those push each other out.
    told = {"deleted": True} if inbound.event == "deleted" else {"text": clean(inbound.text)[:LONGEST_PARKED], "edit": inbound.edit}
    await session.execute(
        """UPDATE conversations SET parked = CASE WHEN (SELECT count(*) FROM jsonb_object_keys(parked)) < %(most)s THEN parked ELSE '{}' END
                                             || %(told)s
            WHERE id = %(id)s AND NOT coalesce((parked->%(external)s->>'deleted')::boolean, false)
              AND (%(edit)s = 0 OR coalesce((parked->%(external)s->>'edit')::int, 0) <= %(edit)s)""",
        {
            "most": MOST_PARKED, "told": Jsonb({clean(inbound.external_id): told}), "id": conversation["id"],
            "external": inbound.external_id, "edit": inbound.edit,
        },
    )  # fmt: skip


async def _unpark(session: Session, inbound: Inbound, conversation: DictRow) -> None:
    told: Mapping[str, Any] = conversation["parked"][inbound.external_id]
    await session.execute("UPDATE conversations SET parked = parked - %s::text WHERE id = %s", (inbound.external_id, conversation["id"]))
    event = "deleted" if told.get("deleted") else "edited"
    await change(session, replace(inbound, event=event, text=told.get("text", ""), edit=told.get("edit", 0)), conversation)


async def _locked(session: Session, connection_id: UUID, thread_id: str) -> DictRow | None:
    return await first(session, _LOCKED + "WHERE c.connection_id = %s AND c.external_id = %s FOR UPDATE OF c", (connection_id, thread_id))


async def _repeat(session: Session, connection: Connection, inbound: Inbound, conversation_id: UUID) -> Taken:
    row = await first(
        session,
        "SELECT id, number, created_at FROM messages WHERE connection_id = %s AND external_id = %s AND direction = 'in'",
        (connection.id, inbound.external_id),
    )
    assert row is not None
    return Taken(row["id"], row["number"], repeat=True, conversation_id=conversation_id, created_at=row["created_at"])
