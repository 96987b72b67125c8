"""What is queued is sent, however often the channel asks to wait."""

from savdo.base import db, jobs
from savdo.channels.errors import Busy, Unreachable
from savdo.channels.models import Connection, Inbound, Sender
from savdo.channels.sandbox import Sandbox
from savdo.conversations import outbox, thread
from savdo.reply import turn


async def test_that_a_long_flood_uses_up_no_attempts(connection: Connection, sandbox: Sandbox) -> None:
    [taken] = await turn.take(connection, [Inbound("message", "1", "ann", Sender("ann"), text="Salom", standby=True)])
    assert taken.conversation_id is not None
    async with db.step(connection.tenant_id) as session:
        await thread.say(session, connection.tenant_id, taken.conversation_id, db.new_id(), "Keling!")
    asked_to_wait = 12
    assert asked_to_wait > outbox.TRIES
    sandbox.refuses_with(*[Busy(retry_after=0)] * asked_to_wait, Unreachable())
    for _ in range(asked_to_wait + 1):
        await jobs.run_waiting()
    async with db.step(connection.tenant_id) as session:
        row = await db.first(session, "SELECT status, attempts FROM messages WHERE direction = 'out'")
        waiting = await jobs.dead_letters(session)
    # Only what was no wait counts, and that is tried again by the job itself.
    assert row == {"status": "queued", "attempts": 1}
    assert sandbox.attempts == asked_to_wait + 1
    assert waiting == []
