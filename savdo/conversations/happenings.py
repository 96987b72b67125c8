"""What happens beside customers' messages: edits, reactions, receipts, echoes, arrivals, and what nobody knows yet."""

from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo.base import live, telemetry
from savdo.base.db import Session, first
from savdo.channels import alerts, linked, waha_health
from savdo.channels.models import Connection, Inbound
from savdo.conversations import automatics, contacts, echoes, intake, receipts
from savdo.conversations.models import Taken


async def take(session: Session, connection: Connection, inbound: Inbound) -> Taken:
    """Everything but a customer's message: stored where it belongs, and never answered."""
    match inbound.event:
        case "unknown":
            await intake.keep_unknown(session, connection, inbound)
            telemetry.unknown_event(connection.channel)
            return NOTHING
        case "status":
            await receipts.take(session, connection, inbound)
            return NOTHING
        case "echo":
            return await echoes.take(session, connection, inbound)
        case "automatic":
            return await automatics.take(session, connection, inbound)
        case "account":
            await linked.changed(session, connection, inbound)
            return NOTHING
        case "session":
            await waha_health.ask(session, connection.tenant_id, connection.id)
            return NOTHING
        case "alert":
            await _told(session, connection, inbound)
            return NOTHING
        case "reaction" | "moved" | "edited" | "deleted":
            # None of them begins a conversation.
            conversation = await intake.find(session, connection, inbound)
        case _:
            conversation = await intake.lock(session, connection, inbound)
    return await _in(session, inbound, conversation) if conversation is not None else NOTHING


async def _told(session: Session, connection: Connection, inbound: Inbound) -> None:
    if inbound.text:
        await alerts.tell(session, connection.id, inbound.external_id, inbound.text)
    else:
        await alerts.over(session, connection.id, [inbound.external_id])


async def _in(session: Session, inbound: Inbound, conversation: DictRow) -> Taken:
    contact_id: UUID = conversation["contact_id"]
    match inbound.event:
        case "edited" | "deleted":
            return await intake.change(session, inbound, conversation)
        case "reaction":
            await _react(session, inbound, conversation)
        case "blocked" | "unblocked":
            await contacts.set_blocked(session, conversation["id"], inbound.event == "blocked")
        case "opted_out":
            await contacts.opt_out(session, contact_id)
        case "opted_in":
            await contacts.opt_in(session, contact_id)
        case _:
            # A new id was taken over when the conversation was looked for.
            await contacts.came_by(session, contact_id, inbound)
    return Taken(None, 0, repeat=False, conversation_id=conversation["id"])


async def _react(session: Session, inbound: Inbound, conversation: DictRow) -> None:
    """Kept on the message reacted to, one emoji a side; an empty one takes it back."""
    side = "member" if inbound.own else "contact"
    row = await first(
        session,
        """WITH found AS (SELECT tenant_id, id FROM messages WHERE conversation_id = %(conversation)s
                           AND (external_id = %(external)s OR payload->'parts' ? %(external)s) LIMIT 1),
                c AS (UPDATE conversations SET revision = revision + 1 FROM found
                       WHERE conversations.tenant_id = found.tenant_id AND conversations.id = %(conversation)s RETURNING revision)
           UPDATE messages m SET revision = c.revision, payload = jsonb_set(m.payload, '{reactions}',
                  (coalesce(m.payload->'reactions', '{}') - %(side)s) || %(reaction)s)
             FROM c, found WHERE m.tenant_id = found.tenant_id AND m.id = found.id RETURNING m.tenant_id, m.number""",
        {
            "conversation": conversation["id"], "external": inbound.external_id, "side": side,
            "reaction": Jsonb({side: intake.clean(inbound.reaction)[:16]} if inbound.reaction else {}),
        },
    )  # fmt: skip
    if row is not None:
        await live.publish(session, row["tenant_id"], conversation["id"], "message", str(row["number"]))


NOTHING = Taken(None, 0, repeat=False, conversation_id=None)
