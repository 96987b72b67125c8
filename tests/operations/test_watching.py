"""Connections are looked after: what was missed is read back once, deliveries that ended are asked for again, silence is told."""

import random
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.base import circuit, clock, db
from savdo.channels import connections, waha_connecting, waha_health
from savdo.channels.errors import AccountProblem
from savdo.channels.models import Connection, channel
from savdo.conversations import outbox
from savdo.operations import watching
from savdo.operations.watching import Watch
from tests.emulators.meta import Meta, open_meta
from tests.emulators.meta_pages import Page
from tests.emulators.serving import serving
from tests.emulators.waha import Waha
from tests.emulators.whatsapp import WhatsApp

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Road:
    """A connection whose deliveries never come: what Ana and Bek say, and what a person of the company answers."""

    connection: Connection
    says: Callable[[str, str], Any]
    answers: Callable[[str, str], Any]
    ages: Callable[[int], None]


@pytest_asyncio.fixture(params=["messenger", "instagram", "own", "waha"])
async def road(request: pytest.FixtureRequest, tenant_id: UUID) -> AsyncGenerator[Road]:
    circuit.forget()
    async with AsyncExitStack() as stack:
        yield await (waha(stack, tenant_id, Waha()) if request.param == "waha" else page(stack, tenant_id, request.param))
    clock.reset()
    circuit.forget()


async def waha(stack: AsyncExitStack, tenant_id: UUID, server: Waha) -> Road:
    base = await stack.enter_async_context(serving(server))
    made = await connected(
        tenant_id, "waha", "15550001111", {"api_key": server.key, "secret": "right"}, {"api_base": base, "session": "default"}
    )
    phones = {"Ana": "15550002222", "Bek": "15550003333"}

    def ages(seconds: int) -> None:
        server.history[-1]["timestamp"] -= seconds

    return Road(
        made, lambda who, text: server.says(phones[who], text), lambda who, text: server.person_answers(phones[who], text), ages
    )  # fmt: skip


async def page(stack: AsyncExitStack, tenant_id: UUID, kind: Any) -> Road:
    meta = Meta()
    account = str(random.randrange(10**14, 10**15))
    found = Page(meta, kind, account, account)
    await stack.enter_async_context(open_meta(meta))
    chosen = {} if kind == "own" else {"page_id": account, "business_id": account}
    made = await connected(tenant_id, "instagram" if kind != "messenger" else kind, account, {"token": found.token}, chosen)
    await channel(made.channel).subscribe(made, "https://savdo.example/hooks/meta")
    people = {name: found.person(name) for name in ("Ana", "Bek")}

    def ages(seconds: int) -> None:
        found.history[-1]["timestamp"] -= seconds * 1000

    return Road(
        made, lambda who, text: found.says(people[who], text), lambda who, text: found.person_answers(people[who], text), ages
    )  # fmt: skip


async def connected(tenant_id: UUID, kind: str, account: str, credentials: dict[str, str], settings: dict[str, str]) -> Connection:
    async with db.step(tenant_id) as session:
        return await connections.create(session, tenant_id, kind, "Oq Choy", account=account, credentials=credentials, settings=settings)


async def looked(connection: Connection) -> dict[str, Any]:
    """The connection's row after a look."""
    await watching.watch(tenant_id=str(connection.tenant_id), connection_id=str(connection.id))
    async with db.step(connection.tenant_id) as session:
        row = await db.first(session, "SELECT status, problem, state->'watch' AS watch FROM connections WHERE id = %s", (connection.id,))
    assert row is not None
    return row


async def looked_after(number: Connection) -> dict[str, Any]:
    """A linked number's row after both looks, in the order in which they are taken."""
    await waha_health.watch(tenant_id=str(number.tenant_id), connection_id=str(number.id))
    return await looked(number)


async def talks(connection: Connection) -> dict[str, tuple[str, bool, list[tuple[str, str]]]]:
    """By what was said first: the status, whether the bot owes an answer, and who said what."""
    async with db.step(connection.tenant_id) as session:
        found = await db.rows(
            session,
            """SELECT c.status, c.answered_number < c.inbound_number AS owed,
                      array_agg(m.author || ': ' || m.text ORDER BY m.number) AS said
                 FROM conversations c JOIN messages m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id
                GROUP BY c.tenant_id, c.id""",
        )
    return {row["said"][0]: (row["status"], row["owed"], row["said"]) for row in found}


async def test_that_what_was_missed_is_read_back_once_and_what_a_person_answered_is_left_to_them(road: Road) -> None:
    road.says("Ana", "Before anybody looked")
    await looked(road.connection)
    assert await talks(road.connection) == {}
    road.says("Ana", "Sencha bormi?")
    road.says("Bek", "Puer bormi?")
    road.answers("Bek", "Bor!")
    await looked(road.connection)
    # Nobody was away.
    assert await talks(road.connection) == {}
    for _ in range(2):
        clock.move(timedelta(hours=1))
        await looked(road.connection)
        found = await talks(road.connection)
        assert {key: value for key, value in found.items() if "Puer" in key} == {
            "contact: Puer bormi?": ("human", False, ["contact: Puer bormi?", "member: Bor!"])
        }
        [ana] = [value for key, value in found.items() if "Puer" not in key]
        assert (ana[0], ana[1], ana[2][-1]) == ("bot", True, "contact: Sencha bormi?")


@pytest.mark.parametrize("fault", [{"config": {"webhooks": [{"url": "https://elsewhere.example"}]}}, {"status": "FAILED"}])
async def test_that_a_linked_number_set_right_is_caught_up_with_however_short_it_was_away(tenant_id: UUID, fault: dict[str, Any]) -> None:
    circuit.forget()
    server = Waha()
    async with AsyncExitStack() as stack:
        road = await waha(stack, tenant_id, server)
        await waha_connecting.deliver(road.connection)
        await looked(road.connection)
        road.says("Ana", "Sencha bormi?")
        for name, value in fault.items():
            setattr(server, name, value)
        # The first look sets it right, by the second it works.
        await looked_after(road.connection)
        row = await looked_after(road.connection)
        assert (row["status"], row["problem"]) == ("active", None)
        assert server.config["webhooks"][0]["url"].endswith(f"/hooks/waha/{road.connection.key}")
        assert await talks(road.connection) == {"contact: Sencha bormi?": ("bot", True, ["contact: Sencha bormi?"])}
        road.says("Ana", "Puer bormi?")
        await looked_after(road.connection)
        assert len((await talks(road.connection))["contact: Sencha bormi?"][2]) == 1
    circuit.forget()


async def test_that_what_is_older_than_a_day_is_kept_for_people(road: Road) -> None:
    road.says("Ana", "Sencha bormi?")
    road.ages(30 * 3600)
    await watching.catch_up(road.connection, clock.now() - 3 * DAY)
    assert await talks(road.connection) == {"contact: Sencha bormi?": ("bot", False, ["contact: Sencha bormi?"])}


async def test_that_deliveries_that_ended_are_asked_for_again_and_a_dead_token_is_told(tenant_id: UUID) -> None:
    meta = Meta()
    number = WhatsApp(meta, str(random.randrange(10**14, 10**15)))
    async with open_meta(meta):
        made = await connected(tenant_id, "whatsapp_cloud", number.number_id, {"token": number.token}, {"business_id": number.waba})
        await channel(made.channel).subscribe(made, "https://savdo.example/hooks/meta")
        assert (await looked(made))["watch"]["restored_at"] is None
        meta.subscribed.clear()
        row = await looked(made)
        assert (row["problem"], row["watch"]["restored_at"] is None, meta.subscribed) == (None, False, {number.waba})
        meta.token_expires()
        assert (await looked(made))["status"] == "reconnect"


def heard_every(pause: timedelta, times: int) -> Watch:
    """A connection that was heard from so often, until NOW."""
    watch = None
    for number in range(times + 1):
        at = NOW - pause * (times - number)
        watch = watching.looked(watch, at, at + timedelta(minutes=5))
    assert watch is not None
    return watch


@pytest.mark.parametrize(
    ("watch", "after", "told"),
    [
        (heard_every(timedelta(hours=4), 40), timedelta(hours=11), False),
        (heard_every(timedelta(hours=4), 40), timedelta(hours=13), True),
        # A shop that is heard from twice a week may be quiet for six days, and a new one says nothing yet.
        (heard_every(timedelta(days=3), 30), timedelta(days=6), False),
        (heard_every(timedelta(days=3), 30), timedelta(days=7), True),
        (heard_every(timedelta(minutes=10), 100), timedelta(days=5), False),
        (heard_every(timedelta(hours=10), 10), timedelta(days=9), False),
        (Watch(NOW), timedelta(days=30), False),
    ],
)  # fmt: skip
def test_that_silence_is_told_when_it_is_far_longer_than_usual(watch: Watch, after: timedelta, told: bool) -> None:
    assert watching.silent(watch, NOW + after) is told


def test_that_a_silence_that_was_told_is_no_measure_for_the_next() -> None:
    watch = heard_every(timedelta(hours=4), 40)
    again = watching.looked(watch, NOW + 5 * DAY, NOW + 5 * DAY)
    assert again.longest_s == watch.longest_s
    assert not watching.silent(again, NOW + 5 * DAY)


async def test_that_a_silent_connection_is_shown_until_it_is_heard_again(connection: Connection, tenant_id: UUID) -> None:
    made = await connected(tenant_id, "telegram_userbot", str(random.randrange(10**9)), {}, {})
    quiet = Watch(clock.now(), clock.now() - 2 * DAY, clock.now() - 20 * DAY, 200, 3600.0)
    async with db.step(tenant_id) as session:
        await session.execute(
            "UPDATE connections SET state = jsonb_build_object('watch', %s::jsonb) WHERE id = %s",
            (watching.WATCH.dump_json(quiet).decode(), made.id),
        )
        # That its account has a problem is no reason not to look.
        await outbox.bear(session, made, db.new_id(), AccountProblem("@SpamBot tells until when."), payload={})
    assert (await looked(made))["problem"] == watching.SILENT
    async with db.step(tenant_id) as session:
        audited = await db.rows(session, "SELECT action FROM audit WHERE subject = %s", (str(made.id),))
    assert audited == [{"action": "connection.problem"}] * 2
