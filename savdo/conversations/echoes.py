"""What a person of the company writes in the other company's own app, and our own messages that come back the same way.

A person's message is stored as a member's and silences the bot. Ours are known by their id; where one may overtake the
answer to our own sending (`Limits.hold`), what comes meanwhile waits until that is over.
"""

from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from savdo.base.db import Session, first, new_id, rows, step
from savdo.base.jobs import job
from savdo.channels import connections, marks
from savdo.channels.models import Connection, Inbound, channel
from savdo.conversations import intake, media
from savdo.conversations.models import Taken

INBOUND = TypeAdapter(Inbound)
# A shorter text may be a part of any message by chance.
TELLING_PART = 20
# In whichever thread it was written: an answer to a comment comes back as a message to its author.
TO_PERSON: LiteralString = """m.conversation_id IN (
  SELECT v.id FROM identities i
    JOIN conversations v ON v.tenant_id = i.tenant_id AND v.connection_id = i.connection_id AND v.contact_id = i.contact_id
                        AND v.origin_id IS NOT DISTINCT FROM i.origin_id
   WHERE i.connection_id = %(connection)s AND i.external_id = ANY(%(person)s))"""


async def take(session: Session, connection: Connection, inbound: Inbound) -> Taken:
    """An echo as it arrives: ours is a repeat, one that may be ours waits, any other is a person's."""
    # Asked before the rest: what is marked as sent meanwhile is then found by its id.
    sending = await _is_sending(session, connection, inbound)
    existing = await intake.find(session, connection, inbound)
    if await _is_ours(session, connection, inbound):
        return Taken(None, 0, repeat=True, conversation_id=existing["id"] if existing else None)
    hold = channel(connection.channel).limits.hold
    if hold and sending:
        await settle.later(
            session, after=hold, tenant_id=str(connection.tenant_id), connection_id=str(connection.id),
            inbound=INBOUND.dump_json(inbound).decode(),
        )  # fmt: skip
        return Taken(None, 0, repeat=False, conversation_id=existing["id"] if existing else None)
    return await _store(session, connection, inbound, existing)


@job(attempts=8)
async def settle(tenant_id: str, connection_id: str, inbound: str) -> None:
    """Decides about an echo that came while a message of ours was being sent."""
    echo = INBOUND.validate_json(inbound)
    async with step(UUID(tenant_id)) as session:
        connection = await connections.by_id(session, UUID(connection_id))
        existing = await intake.find(session, connection, echo)
        if not await _is_ours(session, connection, echo):
            await _store(session, connection, echo, existing)


def _whose(connection: Connection, inbound: Inbound) -> dict[str, Any]:
    return {
        "connection": connection.id, "external": inbound.external_id, "person": [inbound.sender.external_id, *inbound.sender.aliases],
    }  # fmt: skip


async def _is_ours(session: Session, connection: Connection, inbound: Inbound) -> bool:
    """Whether it is a message to this person already: by its id, or by its text where the sending broke off."""
    whose = _whose(connection, inbound)
    known = await first(
        session,
        f"""SELECT 1 FROM messages WHERE connection_id = %(connection)s AND direction = 'out' AND external_id = %(external)s
           UNION ALL SELECT 1 FROM messages m WHERE direction = 'out' AND {TO_PERSON}
              AND (payload->'parts' ? %(external)s OR payload->'reserved' ? %(external)s) LIMIT 1""",  # noqa: S608 # our own words
        whose,
    )
    if known is not None:
        return True
    unsure = await rows(
        session,
        f"""SELECT id, text, status FROM messages m WHERE direction = 'out' AND status IN ('sending', 'uncertain')
               AND claimed_at > now() - interval '1 hour' AND {TO_PERSON} ORDER BY number""",  # noqa: S608 # our own words
        whose,
    )
    for row in unsure:
        if _says(row["text"], inbound.text):
            await _confirm(session, row["id"], inbound.external_id)
            return True
    return False


def _says(written: str, echoed: str) -> bool:
    plain, echoed = " ".join(marks.read(written).text.split()), " ".join(marks.read(echoed).text.split())
    return bool(echoed) and (plain == echoed or (len(echoed) >= TELLING_PART and echoed in plain))


async def _confirm(session: Session, message_id: UUID, external_id: str) -> None:
    """It went out after all. What is still being sent is marked by its sender."""
    await session.execute(
        """WITH m AS (SELECT tenant_id, id, conversation_id FROM messages WHERE id = %(id)s AND status = 'uncertain'),
                c AS (UPDATE conversations SET revision = revision + 1 FROM m WHERE conversations.tenant_id = m.tenant_id
                       AND conversations.id = m.conversation_id RETURNING conversations.revision)
           UPDATE messages SET status = 'sent', error = NULL, error_code = NULL, sent_at = now(),
                  external_id = %(external)s, revision = c.revision
             FROM m, c WHERE messages.tenant_id = m.tenant_id AND messages.id = m.id
           RETURNING pg_notify('savdo_live',
             json_build_array(messages.tenant_id, messages.conversation_id, 'message', number::text)::text)""",
        {"id": message_id, "external": external_id},
    )


async def _is_sending(session: Session, connection: Connection, inbound: Inbound) -> bool:
    found = await first(
        session,
        f"""SELECT 1 FROM messages m WHERE direction = 'out' AND status = 'sending' AND claimed_at > now() - interval '2 minutes'
               AND {TO_PERSON} LIMIT 1""",  # noqa: S608 # our own words
        _whose(connection, inbound),
    )  # fmt: skip
    return found is not None


async def _store(session: Session, connection: Connection, inbound: Inbound, existing: DictRow | None) -> Taken:
    conversation = existing or await intake.lock(session, connection, inbound)
    if existing is None and await _is_ours(session, connection, inbound):
        # The same one came twice at once.
        return Taken(None, 0, repeat=True, conversation_id=conversation["id"])
    text, message_id = intake.clean(inbound.text), new_id()
    row = await first(
        session,
        """WITH c AS (
             UPDATE conversations SET revision = revision + 1, status = 'human', unread = 0, preview = left(%(preview)s, 120),
                    preview_author = 'member', last_message_at = now(), answered_number = inbound_number
              WHERE id = %(conversation)s RETURNING tenant_id, id, connection_id, revision),
             m AS (
             INSERT INTO messages (tenant_id, id, conversation_id, connection_id, number, revision, direction, author, kind, text,
                                   payload, external_id, status, sent_at)
             SELECT tenant_id, %(message)s, id, connection_id, revision, revision, 'out', 'member', %(kind)s, %(text)s,
                    %(payload)s, %(external)s, 'sent', coalesce(%(at)s, now()) FROM c
             RETURNING tenant_id, conversation_id, number, created_at),
             h AS (
             INSERT INTO handovers (tenant_id, id, conversation_id, reason, taken_at)
             SELECT tenant_id, %(handover)s, conversation_id, 'member', now() FROM m
             ON CONFLICT (tenant_id, conversation_id) WHERE ended_at IS NULL
             DO UPDATE SET taken_at = coalesce(handovers.taken_at, now()))
           SELECT number, created_at, pg_notify('savdo_live', json_build_array(tenant_id, conversation_id, 'message', number::text)::text)
             FROM m""",
        {
            "preview": text or intake.kind_of(inbound), "conversation": conversation["id"], "message": message_id,
            "kind": intake.kind_of(inbound), "text": text, "payload": Jsonb({**intake.payload_of(inbound), "native": True}),
            "external": inbound.external_id, "at": inbound.sent_at, "handover": new_id(),
        },
    )  # fmt: skip
    assert row is not None
    if inbound.media:
        await media.fetch.later(session, tenant_id=str(connection.tenant_id), message_id=str(message_id))
    return Taken(message_id, row["number"], repeat=False, conversation_id=conversation["id"], created_at=row["created_at"])
