"""A customer's visits beside their conversation: seen by everybody, cancelled by whoever may answer, noted in the audit."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from savdo.appointments import booking
from savdo.appointments.models import Wish
from savdo.base import clock, db, texts
from savdo.base.clock import WEEK
from savdo.channels.models import Connection
from tests.web import office

PROFILE = {"timezone": "Asia/Tashkent", "working_hours": {day: ["00:00", "24:00"] for day in WEEK}}


async def _visit(one: office.Talk) -> UUID:
    starts_at = datetime.combine(clock.now().date() + timedelta(days=2), time(12), UTC)
    async with db.step(one.connection.tenant_id) as session:
        row = await booking.book(session, one.connection.tenant_id, PROFILE, one.id, Wish(starts_at, "to see the <kitchen>"), clock.now())
    return row["id"]


async def test_that_a_visit_is_shown_and_cancelled(connection: Connection) -> None:
    ann = await office.talk(connection, "Ann")
    visit = await _visit(ann)
    path = f"/inbox/{ann.id}/appointments/{visit}/cancel"
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(connection.tenant_id, "Viktor", "viewer", "uz"))
        seen = (await browser.get(f"/inbox/{ann.id}/details")).text
        assert texts.t("appointments.booked", "uz") in seen
        assert "to see the &lt;kitchen&gt;" in seen
        assert path not in seen
        assert (await browser.post(path)).status_code == 403
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(connection.tenant_id, "Bob", "agent", "uz"))
        assert path in (await browser.get(f"/inbox/{ann.id}")).text
        assert (await browser.post(path)).headers["location"] == f"/inbox/{ann.id}"
        seen = (await browser.get(f"/inbox/{ann.id}")).text
        assert texts.t("appointments.cancelled", "uz") in seen
        assert texts.t("appointments.cancelled_now", "uz") in seen
        assert path not in seen
        assert (await browser.post(path)).status_code == 404
    async with db.step(connection.tenant_id) as session:
        noted = await db.rows(session, "SELECT subject FROM audit WHERE action = 'appointment.cancelled'")
    assert [one["subject"] for one in noted] == [str(visit)]


async def test_that_another_companys_visit_is_not_there(connection: Connection, other_tenant_id: UUID) -> None:
    visit = await _visit(await office.talk(connection, "Ann"))
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(other_tenant_id, "Mallory", "owner"))
        assert (await browser.post(f"/inbox/{visit}/appointments/{visit}/cancel")).status_code == 404


async def test_that_whom_the_bot_books_is_a_part_of_the_persona(connection: Connection) -> None:
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(connection.tenant_id, "Alice", "owner"))
        form = {"name": "Oq Choy", "tone": "friendly", "languages": "en", "outside_hours": "answer", "revision": "0"}
        refused = await browser.post("/persona", data={**form, "visits_at_once": "51"})
        assert (refused.status_code, "A number from 0 to 50." in refused.text, 'value="51"' in refused.text) == (422, True, True)
        await browser.post("/persona", data={**form, "visits_at_once": "3"})
        page = (await browser.get("/persona")).text
    change = page[page.index('id="change"') :]
    assert "Customers at the same time" in change
    assert "<del>1</del>" in change
    assert "<ins>3</ins>" in change
