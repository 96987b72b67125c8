"""What happens beside customers' messages: echoes of a person, receipts, reactions, new ids, adverts."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from savdo.base import clock, db, jobs
from savdo.channels import connections
from savdo.channels.errors import Blocked, Disconnected, Unreachable, WindowClosed
from savdo.channels.models import Connection, Inbound, Price, Product, Receipt, Referral, Sender
from savdo.channels.sandbox import Sandbox
from savdo.conversations import echoes, outbox, thread
from savdo.reply import turn

ANN = Sender("42", name="Ann")


async def takes(connection: Connection, event: Any, external_id: str = "1", *, sender: Sender = ANN, **more: Any) -> None:
    await turn.take(connection, [Inbound(event, external_id, sender.external_id, sender, **more)])


async def table(connection: Connection, name: str) -> list[dict[str, Any]]:
    async with db.step(connection.tenant_id) as session:
        if name == "messages":
            return await db.rows(session, "SELECT * FROM messages ORDER BY conversation_id, number")
        if name == "contacts":
            return await db.rows(session, "SELECT * FROM contacts ORDER BY id")
        return await db.rows(session, "SELECT * FROM conversations ORDER BY id")


async def sent(connection: Connection, sandbox: Sandbox, text: str = "84 000") -> dict[str, Any]:
    """A message of a member's that went out."""
    await takes(connection, "message", "q1", text="Price?")
    [talk] = await table(connection, "conversations")
    async with db.step(connection.tenant_id) as session:
        message_id = await thread.say(session, connection.tenant_id, talk["id"], db.new_id(), text)
    await outbox.deliver(str(connection.tenant_id), str(talk["id"]))
    return next(one for one in await table(connection, "messages") if one["id"] == message_id)


async def test_that_what_a_person_writes_in_the_native_app_is_a_members_and_silences_the_bot(
    connection: Connection, sandbox: Sandbox
) -> None:
    await takes(connection, "message", "q1", text="Price?")
    for _ in range(2):
        await takes(connection, "echo", "e1", text="I will answer")
    await takes(connection, "message", "q2", text="Thanks?")
    await jobs.run_waiting()
    [talk] = await table(connection, "conversations")
    messages = await table(connection, "messages")
    assert [(one["author"], one["direction"], one["text"], one["status"]) for one in messages] == [
        ("contact", "in", "Price?", "received"), ("member", "out", "I will answer", "sent"), ("contact", "in", "Thanks?", "received"),
    ]  # fmt: skip
    assert (talk["status"], sandbox.sent) == ("human", [])
    await takes(connection, "edited", "e1", text="I answer now", own=True)
    assert (await table(connection, "messages"))[1]["text"] == "I answer now"


async def test_that_an_echo_of_our_own_message_is_no_persons(connection: Connection, sandbox: Sandbox) -> None:
    message = await sent(connection, sandbox)
    await takes(connection, "echo", message["external_id"], text="84 000")
    assert len(await table(connection, "messages")) == 2


async def test_that_an_echo_proves_that_an_uncertain_message_went_out(connection: Connection, sandbox: Sandbox) -> None:
    message = await sent(connection, sandbox, "**84 000** so'm")
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE messages SET status = 'uncertain', external_id = NULL WHERE id = %s", (message["id"],))
    await takes(connection, "echo", "e9", text="84 000 so'm")
    [_, again] = await table(connection, "messages")
    assert (again["status"], again["external_id"]) == ("sent", "e9")


async def test_that_an_echo_held_back_is_decided_on_what_is_known_then(connection: Connection, sandbox: Sandbox) -> None:
    message = await sent(connection, sandbox)
    held = [Inbound("echo", name, "42", ANN, text="Come by", own=True) for name in (message["external_id"], "e2")]
    for one in held:
        await echoes.settle(str(connection.tenant_id), str(connection.id), echoes.INBOUND.dump_json(one).decode())
    assert [one["external_id"] for one in await table(connection, "messages")] == ["q1", message["external_id"], "e2"]


async def test_that_receipts_only_move_a_message_on(connection: Connection, sandbox: Sandbox) -> None:
    message = await sent(connection, sandbox)
    ours = str(message["id"])
    told = [
        ("delivered", Receipt("delivered", message["external_id"], price=Price(False, "service", "free_customer_service"))),
        ("read", Receipt("read", message_id=ours)), ("read", Receipt("delivered", message_id=ours)),
        ("read", Receipt("failed", message_id=ours, error=Blocked)),
        ("read", Receipt("sent", "of-nobody")),
    ]  # fmt: skip
    for status, receipt in told:
        await takes(connection, "status", "s", receipt=receipt)
        assert (await table(connection, "messages"))[1]["status"] == status
    last = (await table(connection, "messages"))[1]
    assert last["payload"]["price"] == {"billable": False, "category": "service", "kind": "free_customer_service"}
    assert (await table(connection, "conversations"))[0]["blocked_at"] is None


async def test_that_read_up_to_a_moment_marks_everything_sent_until_then(connection: Connection, sandbox: Sandbox) -> None:
    await sent(connection, sandbox)
    await takes(connection, "status", "s", receipt=Receipt("read", through=clock.now() - timedelta(hours=1)))
    assert (await table(connection, "messages"))[1]["status"] == "sent"
    await takes(connection, "status", "s", receipt=Receipt("read", through=clock.now() + timedelta(seconds=5)))
    assert (await table(connection, "messages"))[1]["status"] == "read"


async def test_that_a_receipt_before_the_answer_to_sending_counts_when_that_comes(connection: Connection, sandbox: Sandbox) -> None:
    message = await sent(connection, sandbox)
    async with db.step(connection.tenant_id) as session:
        await session.execute("UPDATE messages SET status = 'queued', external_id = NULL WHERE id = %s", (message["id"],))
        claim = await outbox._claim(session, message["conversation_id"])  # pyright: ignore[reportPrivateUsage] # between claim and mark
    assert claim is not None
    await takes(connection, "status", "s", receipt=Receipt("delivered", message_id=str(message["id"])))
    assert (await table(connection, "messages"))[1]["status"] == "sending"
    await outbox.send(connection.tenant_id, claim)
    assert (await table(connection, "messages"))[1]["status"] == "delivered"


async def test_that_a_failure_told_later_has_its_verdict(connection: Connection, sandbox: Sandbox) -> None:
    message = await sent(connection, sandbox)
    await takes(connection, "status", "s", receipt=Receipt("failed", message_id=str(message["id"]), error=Unreachable, problem="later"))
    assert (await table(connection, "messages"))[1]["status"] == "queued"
    await outbox.deliver(str(connection.tenant_id), str(message["conversation_id"]))
    assert len(sandbox.sent) == 2
    await takes(connection, "status", "s", receipt=Receipt("failed", message_id=str(message["id"]), error=Blocked, problem="gone"))
    last = (await table(connection, "messages"))[1]
    assert (last["status"], last["error"]) == ("failed", "gone")
    assert (await table(connection, "conversations"))[0]["blocked_at"] is not None


async def test_that_a_reaction_stands_on_its_message_and_can_be_taken_back(connection: Connection, sandbox: Sandbox) -> None:
    await takes(connection, "reaction", "q1", reaction="👍")
    assert await table(connection, "conversations") == []
    await takes(connection, "message", "q1", text="Price?")
    await takes(connection, "reaction", "q1", reaction="👍")
    await takes(connection, "reaction", "q1", reaction="🙏", own=True)
    assert (await table(connection, "messages"))[0]["payload"]["reactions"] == {"contact": "👍", "member": "🙏"}
    await takes(connection, "reaction", "q1")
    assert (await table(connection, "messages"))[0]["payload"]["reactions"] == {"member": "🙏"}


async def test_that_a_customer_with_a_new_id_goes_on_in_the_same_thread(connection: Connection, sandbox: Sandbox) -> None:
    old, new = Sender("998901234567", phone="+998901234567"), Sender("UZ.1", phone="+998901234567", aliases=("998901234567",))
    newer = Sender("UZ.2", aliases=("UZ.1",))
    await takes(connection, "message", "1", sender=old, text="one")
    await takes(connection, "message", "2", sender=new, text="two")
    await takes(connection, "message", "3", sender=old, text="three")
    await takes(connection, "moved", "m", sender=newer)
    await takes(connection, "message", "4", sender=newer, text="four")
    [talk] = await table(connection, "conversations")
    assert talk["external_id"] == "UZ.2"
    assert [one["text"] for one in await table(connection, "messages")] == ["one", "two", "three", "four"]
    assert len(await table(connection, "contacts")) == 1


async def test_that_the_first_and_the_last_advert_are_kept_for_attribution(connection: Connection, sandbox: Sandbox) -> None:
    await takes(connection, "message", "1", text="Hi", referral=Referral(ad_id="6045", headline="Sale", click_id="ARA"))
    await takes(connection, "referral", "r", referral=Referral(ref="c42"))
    await takes(connection, "message", "2", products=(Product("SKU1", 2, "7.99", "USD"),))
    [contact] = await table(connection, "contacts")
    first, last = (contact["attributes"]["came_by"][name] for name in ("first", "last"))
    assert (first["ad_id"], first["headline"], last["ref"]) == ("6045", "Sale", "c42")
    messages = await table(connection, "messages")
    assert messages[0]["payload"]["referral"] == {"ad_id": "6045", "headline": "Sale", "click_id": "ARA"}
    assert messages[1]["payload"]["products"][0]["id"] == "SKU1"


async def test_that_a_customer_can_opt_out_at_the_other_company(connection: Connection, sandbox: Sandbox) -> None:
    await takes(connection, "opted_out")
    assert (await table(connection, "contacts"))[0]["opted_out_at"] is not None
    await takes(connection, "opted_in")
    assert (await table(connection, "contacts"))[0]["opted_out_at"] is None


@pytest.mark.parametrize(
    ("author", "days", "late"),
    [("bot", 0.9, False), ("bot", 1.1, None), ("member", 1.1, True), ("member", 6.9, True), ("member", 7.1, None)],
)
def test_that_a_free_text_outside_the_window_is_refused(author: str, days: float, late: bool | None) -> None:
    limits = outbox.Limits(window=timedelta(days=1), person_window=timedelta(days=7))
    someone = db.new_id()
    connection = Connection(someone, someone, "sandbox", "Shop", "hk", {}, {}, "active")
    claim = outbox.Claim(someone, someone, "42", "Hi", {}, 1, False, connection, author, clock.now() - timedelta(days=days))
    outbound = outbox.Outbound(someone, "42", "Hi")
    if late is None:
        with pytest.raises(WindowClosed):
            outbox._allowed(claim, outbound, limits)  # pyright: ignore[reportPrivateUsage] # the rule itself
    else:
        assert outbox._allowed(claim, outbound, limits).late is late  # pyright: ignore[reportPrivateUsage] # the rule itself


@pytest.mark.parametrize(("sent_with", "status"), [({"token": "old"}, "active"), ({"token": "new"}, "reconnect")])
async def test_that_a_refusal_of_the_token_before_says_nothing_about_the_one_there_is_now(
    connection: Connection, sent_with: dict[str, str], status: str
) -> None:
    async with db.step(connection.tenant_id) as session:
        await connections.save_credentials(session, connection.id, {"token": "new"})
        await outbox.bear(session, dataclasses.replace(connection, credentials=sent_with), connection.id, Disconnected(), payload={})
        assert (await connections.by_id(session, connection.id)).status == status
