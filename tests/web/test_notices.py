"""What calls for a person, as a browser in the background asks for it."""

from uuid import UUID

from savdo.base import db
from savdo.channels import connections
from savdo.conversations import thread
from tests.web import office


async def test_that_a_member_is_told_what_waits_for_them_and_nothing_personal(database: str, tenant_id: UUID) -> None:
    emails = {role: await office.member(tenant_id, role.capitalize(), role) for role in ("owner", "agent", "viewer")}
    connection = await office.web_chat(tenant_id)
    waiting, held, others = [await office.talk(connection, f"Dilnoza {number}", status="handover") for number in range(3)]
    test = await office.talk(connection, "Dilnoza 3", status="handover", is_test=True)
    for one in (waiting, held, others, test):
        await office.says(one, "Narxi qancha?")
    async with db.step(tenant_id) as session:
        ids = {row["name"]: row["id"] for row in await db.rows(session, "SELECT id, name FROM members")}
        await thread.take_over(session, tenant_id, held.id, ids["Agent"])
        await thread.take_over(session, tenant_id, others.id, ids["Owner"])
        await connections.mark(session, connection.id, "reconnect", "gone")
    lost = [("reconnect", f"/setup/channels/{connection.id}")]
    for role, expected in {
        "owner": [("message", f"/inbox/{others.id}"), ("handover", f"/inbox/{waiting.id}"), *lost],
        "agent": [("message", f"/inbox/{held.id}"), ("handover", f"/inbox/{waiting.id}")],
    }.items():
        async with office.client() as browser:
            await office.sign_in(browser, emails[role])
            answer = await browser.get("/notices")
            assert [(one["key"].partition(":")[0], one["href"]) for one in answer.json()["calls"]] == expected
            assert "Dilnoza" not in answer.text
            assert "Narxi" not in answer.text
            assert ("Mend it" in (await browser.get("/notices/strips")).text) == (role == "owner")
    async with office.client() as browser:
        await office.sign_in(browser, emails["viewer"])
        assert (await browser.get("/notices")).status_code == 403


async def test_that_the_same_thing_is_news_once_and_the_next_message_is_news_again(database: str, tenant_id: UUID) -> None:
    email = await office.member(tenant_id, "Alice", "agent")
    talk = await office.talk(await office.web_chat(tenant_id), "Dilnoza", status="human")
    async with office.client() as browser:
        await office.sign_in(browser, email)

        async def keys() -> list[str]:
            return [one["key"] for one in (await browser.get("/notices")).json()["calls"]]

        await heard(talk, "Salom")
        first = await keys()
        assert first == await keys()
        await heard(talk, "Bormisiz?")
        assert len(first) == 1
        assert first != await keys()
        # Who has answered waits for the customer.
        await office.says(talk, "Ha", "member")
        assert await keys() == []


async def test_that_only_who_looks_has_read(database: str, tenant_id: UUID) -> None:
    talk = await office.talk(await office.web_chat(tenant_id), "Dilnoza", unread=2)
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "agent"))
        for seen, left in (("false", "1 unread"), ("true", "")):
            await browser.get(f"/inbox/{talk.id}/thread", params={"seen": seen})
            assert left in (counted := (await browser.get("/inbox/unread")).text)
            assert bool(counted.strip()) == bool(left)


async def heard(talk: office.Talk, text: str) -> None:
    await office.says(talk, text)
    async with db.step(talk.connection.tenant_id) as session:
        await session.execute("UPDATE conversations SET inbound_number = revision WHERE id = %s", (talk.id,))
