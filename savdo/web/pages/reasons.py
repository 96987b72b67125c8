"""Why an answer is as it is, for the panels that tell it: the trace of its turn, and what it cost."""

from typing import Any
from uuid import UUID

from savdo.ai import cost
from savdo.base.db import Session
from savdo.conversations import thread


async def why(session: Session, conversation_id: UUID, turn_id: UUID) -> dict[str, Any]:
    """Raises NotFound."""
    return {**await thread.why(session, conversation_id, turn_id), "spent": await cost.of_turn(session, turn_id)}
