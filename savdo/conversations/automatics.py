"""Greetings and away messages that the other company's own app sends: shown in the thread, and nobody falls silent for them."""

from psycopg.types.json import Jsonb

from savdo.base.db import Session, first, new_id
from savdo.channels.models import Connection, Inbound
from savdo.conversations import intake
from savdo.conversations.models import Taken


async def take(session: Session, connection: Connection, inbound: Inbound) -> Taken:
    """Stores one, once."""
    conversation = await intake.lock(session, connection, inbound)
    message_id = new_id()
    row = await first(
        session,
        """WITH c AS (
             UPDATE conversations SET revision = revision + 1 WHERE id = %(conversation)s AND NOT EXISTS (
                    SELECT 1 FROM messages WHERE conversation_id = %(conversation)s AND direction = 'out' AND external_id = %(external)s)
             RETURNING tenant_id, id, connection_id, revision),
             m AS (
             INSERT INTO messages (tenant_id, id, conversation_id, connection_id, number, revision, direction, author, kind, text,
                                   payload, external_id, status, sent_at)
             SELECT tenant_id, %(message)s, id, connection_id, revision, revision, 'out', 'system', %(kind)s, %(text)s,
                    %(payload)s, %(external)s, 'sent', coalesce(%(at)s, now()) FROM c
             RETURNING tenant_id, conversation_id, number, created_at)
           SELECT number, created_at, pg_notify('savdo_live', json_build_array(tenant_id, conversation_id, 'message', number::text)::text)
             FROM m""",
        {
            "conversation": conversation["id"], "message": message_id, "kind": intake.kind_of(inbound), "text": intake.clean(inbound.text),
            "payload": Jsonb({**intake.payload_of(inbound), "native": True}), "external": inbound.external_id, "at": inbound.sent_at,
        },
    )  # fmt: skip
    if row is None:
        return Taken(None, 0, repeat=True, conversation_id=conversation["id"])
    return Taken(message_id, row["number"], repeat=False, conversation_id=conversation["id"], created_at=row["created_at"])
