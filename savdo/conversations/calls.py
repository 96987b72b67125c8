"""Calling a person into a conversation."""

from uuid import UUID

from savdo.base import live
from savdo.base.db import Session, new_id

LONGEST_SUMMARY = 500


async def note(session: Session, tenant_id: UUID, conversation_id: UUID, reason: str, summary: str) -> None:
    """Opens the one call of a conversation, where none is open."""
    await session.execute(
        """INSERT INTO handovers (tenant_id, id, conversation_id, reason, summary) VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (tenant_id, conversation_id) WHERE ended_at IS NULL
           -- What the customer wants says more to whoever takes over than that the bot did not know.
           DO UPDATE SET reason = EXCLUDED.reason, summary = EXCLUDED.summary
            WHERE handovers.reason IN ('low_confidence', 'failure') AND EXCLUDED.reason NOT IN ('low_confidence', 'failure')""",
        (tenant_id, new_id(), conversation_id, reason, summary[:LONGEST_SUMMARY]),
    )


async def call(session: Session, tenant_id: UUID, conversation_id: UUID, reason: str, summary: str) -> None:
    """Calls a person to what no answer is written to."""
    await note(session, tenant_id, conversation_id, reason, summary)
    await session.execute("UPDATE conversations SET status = 'handover' WHERE id = %s", (conversation_id,))
    await live.publish(session, tenant_id, conversation_id, "conversation", "handover")
