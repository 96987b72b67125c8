"""Why an answer is as it is: what the panel shows is what was measured and checked, in the reader's language."""

import pytest
from psycopg.types.json import Jsonb

from savdo.base import db, texts
from savdo.channels.models import Connection
from savdo.channels.sandbox import Sandbox
from tests.journeys.conftest import Says, settled, working
from tests.web import office


async def test_that_the_panel_shows_what_was_measured_and_that_the_answer_was_checked(
    tea_house: Connection, sandbox: Sandbox, says: Says
) -> None:
    async with working():
        await says("Sencha choyi necha pul?")
        await settled(tea_house.tenant_id)
    async with db.step(tea_house.tenant_id) as session:
        [turn] = await db.rows(session, "SELECT id, conversation_id, trace FROM turns")
    assert turn["trace"]["checked"]
    assert set(turn["trace"]["timings_ms"]) == {"wait", "read", "search", "draft", "total"}
    for language in texts.LANGUAGES:
        async with office.client() as browser:
            await office.sign_in(browser, await office.member(tea_house.tenant_id, f"Alice{language}", "owner", language))
            panel = (await browser.get(f"/inbox/{turn['conversation_id']}/why/{turn['id']}")).text
        for key in ("check", "checked", "t_wait", "t_read", "t_search", "t_draft", "t_total"):
            assert texts.t(f"why.{key}", language) in panel, key
        assert texts.t("why.faults", language) not in panel


@pytest.mark.parametrize(("checked", "shown"), [(True, "checked"), (False, "unchecked"), (None, "")])
async def test_that_a_set_sentence_and_an_old_trace_claim_no_check(connection: Connection, checked: bool | None, shown: str) -> None:
    talk = await office.talk(connection, "Ann")
    await office.says(talk, "Salom", "bot")
    async with db.step(connection.tenant_id) as session:
        told = Jsonb({} if checked is None else {"checked": checked})
        [turn] = await db.rows(session, "UPDATE turns SET trace = trace - 'checked' || %s RETURNING id", (told,))
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(connection.tenant_id, "Alice", "owner"))
        panel = (await browser.get(f"/inbox/{talk.id}/why/{turn['id']}")).text
    assert "36 000" in panel
    assert [texts.t(f"why.{key}", "en") in panel for key in ("checked", "unchecked")] == [shown == "checked", shown == "unchecked"]
