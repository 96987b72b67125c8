"""What a channel says of a company's account stands until a message proves that it is over; the connection is used meanwhile."""

from uuid import UUID

from savdo.base import db
from savdo.channels import alerts
from savdo.channels.errors import AccountProblem, TemplateRefused
from savdo.channels.models import Connection, Inbound, Receipt, Sender
from savdo.channels.sandbox import Sandbox
from savdo.conversations import outbox, thread
from savdo.reply import turn


async def sends(connection: Connection, name: str) -> UUID:
    """A member's message to a customer, sent as far as it goes; its id."""
    [taken] = await turn.take(connection, [Inbound("message", f"{name}-1", name, Sender(name), text="Salom", standby=True)])
    assert taken.conversation_id is not None
    async with db.step(connection.tenant_id) as session:
        message_id = await thread.say(session, connection.tenant_id, taken.conversation_id, db.new_id(), "Keling!")
    await outbox.deliver(str(connection.tenant_id), str(taken.conversation_id))
    return message_id


async def told(connection: Connection, message_id: UUID, receipt: Receipt) -> None:
    sender = Sender("ann")
    await turn.take(connection, [Inbound("status", f"{message_id}:{receipt.status}", sender.external_id, sender, receipt=receipt)])


async def row_of(connection: Connection) -> tuple[str, str | None, dict[str, str]]:
    async with db.step(connection.tenant_id) as session:
        [row] = await db.rows(session, "SELECT status, problem FROM connections WHERE id = %s", (connection.id,))
        return row["status"], row["problem"], await told_of(session, connection)


async def told_of(session: db.Session, connection: Connection) -> dict[str, str]:
    [row] = await db.rows(session, "SELECT alerts FROM connections WHERE id = %s", (connection.id,))
    return {kind: one["words"] for kind, one in row["alerts"].items()}


async def test_that_a_refusal_for_the_account_is_told_until_a_message_is_taken(connection: Connection, sandbox: Sandbox) -> None:
    sandbox.refuses_with(AccountProblem("no payment"), AccountProblem("no payment"))
    for name in ("ann", "bob"):
        await sends(connection, name)
    assert await row_of(connection) == ("active", None, {"refused": "no payment"})
    async with db.step(connection.tenant_id) as session:
        audited = await db.rows(session, "SELECT action FROM audit WHERE subject = %s", (str(connection.id),))
    assert audited == [{"action": "connection.problem"}]
    await sends(connection, "cy")
    assert await row_of(connection) == ("active", None, {})


async def test_that_one_told_of_after_the_message_was_taken_ends_with_a_delivery(connection: Connection, sandbox: Sandbox) -> None:
    message_id = await sends(connection, "ann")
    await told(connection, message_id, Receipt("failed", message_id=str(message_id), error=AccountProblem, problem="no payment"))
    message_id = await sends(connection, "bob")
    # That it was taken proves nothing.
    assert await row_of(connection) == ("active", None, {"undelivered": "no payment"})
    await told(connection, message_id, Receipt("delivered", message_id=str(message_id)))
    assert await row_of(connection) == ("active", None, {})


async def test_that_a_template_that_is_refused_is_told_until_it_is_accepted(connection: Connection, tenant_id: UUID) -> None:
    conversation_id, refused = db.new_id(), TemplateRefused("132015: paused")
    payload = {"template": {"name": "visit", "language": "uz"}}
    async with db.step(tenant_id) as session:
        for one in (payload, {}):
            await outbox.bear(session, connection, conversation_id, refused, payload=one)
        assert await told_of(session, connection) == {"template:visit": "132015: paused"}
        await alerts.over(session, connection.id, alerts.about({"template": {"name": "other"}}))
        assert await told_of(session, connection) == {"template:visit": "132015: paused"}
        await alerts.over(session, connection.id, alerts.about(payload))
        assert await told_of(session, connection) == {}
