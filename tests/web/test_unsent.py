"""A member reads why a message was not sent, in their own language."""

import pytest

from savdo.base import db
from savdo.base.errors import SavdoError
from savdo.channels.errors import Blocked, MarketingStopped, Uncertain, WindowClosed
from savdo.channels.models import Connection, Inbound, Receipt, Sender
from savdo.channels.sandbox import Sandbox
from savdo.conversations import outbox, thread
from savdo.reply import turn
from tests.web import office


@pytest.mark.parametrize(
    ("language", "error", "said"),
    [
        ("en", WindowClosed("131047: Re-engagement message"), "The customer wrote too long ago"),
        ("ru", Uncertain(), "Связь прервалась при отправке"),
        ("uz", Blocked(), "Mijoz sizni bloklagan"),
        ("kk", None, "Клиент сізді бұғаттаған"),
    ],
)
async def test_that_a_member_reads_why_a_message_was_not_sent(
    connection: Connection, sandbox: Sandbox, language: str, error: SavdoError | None, said: str
) -> None:
    tenant = connection.tenant_id
    ann = Sender("ann", name="Ann")
    [taken] = await turn.take(connection, [Inbound("message", "1", "ann", ann, text="Salom", standby=True)])
    assert taken.conversation_id is not None
    async with db.step(tenant) as session:
        message_id = await thread.say(session, tenant, taken.conversation_id, db.new_id(), "Keling!")
    if error is not None:
        sandbox.refuses_with(error)
    await outbox.deliver(str(tenant), str(taken.conversation_id))
    if error is None:
        # Taken at first, and refused afterwards.
        receipt = Receipt("failed", message_id=str(message_id), error=Blocked, problem="131026: Message undeliverable")
        await turn.take(connection, [Inbound("status", "s", "ann", ann, receipt=receipt)])
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant, "Alice", "owner", language))
        page = (await browser.get(f"/inbox/{taken.conversation_id}")).text
    assert said in page
    assert "1310" not in page


async def test_that_the_bot_is_silent_to_who_blocked_it_and_the_details_say_so_until_they_write_again(
    connection: Connection, sandbox: Sandbox
) -> None:
    tenant = connection.tenant_id
    ann = Sender("ann", name="Ann")
    [taken] = await turn.take(connection, [Inbound("message", "1", "ann", ann, text="Salom", standby=True)])
    talk = taken.conversation_id
    assert talk is not None
    async with db.step(tenant) as session:
        answer = await thread.say(session, tenant, talk, db.new_id(), "Keling!")
        await session.execute("UPDATE messages SET author = 'bot' WHERE id = %s", (answer,))
        await session.execute("UPDATE conversations SET status = 'bot' WHERE id = %s", (talk,))
        await outbox.bear(session, connection, talk, MarketingStopped(), payload={})
    await turn.take(connection, [Inbound("blocked", "b", "ann", ann)])
    await outbox.deliver(str(tenant), str(talk))
    assert sandbox.attempts == 0
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant, "Alice", "owner"))
        page = (await browser.get(f"/inbox/{talk}")).text
        for said in ("Blocked the bot", "The customer has blocked you", "Wants none"):
            assert said in page
        await turn.take(connection, [Inbound("message", "2", "ann", ann, text="Salom", standby=True)])
        assert "Blocked the bot" not in (await browser.get(f"/inbox/{talk}")).text
