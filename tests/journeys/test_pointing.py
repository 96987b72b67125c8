"""Customers who point at something and say little: a product of the catalogue, a story, an earlier message."""

from typing import Any
from uuid import UUID

from savdo.base import db
from savdo.knowledge import ingest
from tests.journeys.conftest import PRICES, settled, working
from tests.journeys.roads import Road, road_of
from tests.web import office

CATALOGUE = "artikul,tovar,narx_som,birlik\nPUER-357,Puer choyi,132000,dona\nCUP-1,Piyola,20000,dona\n"


async def answers(road: Road, one: Any) -> list[str]:
    await road.arrived()
    await settled(road.connection.tenant_id)
    return [text.replace("\u00a0", " ") for text in await road.heard(one)]


async def learned(tenant_id: UUID, text: str) -> None:
    document_id = await ingest.add(tenant_id, "prices.csv", text.encode())
    await ingest.read(tenant_id=str(tenant_id), document_id=str(document_id))


async def row(tenant_id: UUID, query: Any) -> dict[str, Any]:
    async with db.step(tenant_id) as session:
        [found] = await db.rows(session, query)
    return found


async def test_that_a_question_under_a_product_is_answered_with_the_product(tenant_id: UUID) -> None:
    await learned(tenant_id, CATALOGUE)
    async with road_of("whatsapp_cloud", tenant_id) as road:
        product = {"catalog_id": "800", "product_retailer_id": "PUER-357"}
        road.says(road.people[0], "Is this available?", context={"id": "wamid.CAT1", "referred_product": product})
        async with working():
            [answer] = await answers(road, road.people[0])
    assert "132 000" in answer


async def test_that_an_answer_to_an_older_message_is_about_that(tenant_id: UUID) -> None:
    await learned(tenant_id, PRICES)
    async with road_of("telegram_bot", tenant_id) as road, working():
        person = road.people[0]
        older = road.says(person, "Sencha choyi bormi?")
        await answers(road, person)
        road.says(person, "Puer choyi-chi?")
        await answers(road, person)
        road.says(person, "narxi-chi?", reply_to_message=older["message"])
        answer = (await answers(road, person))[-1]
    assert "84 000" in answer
    assert "132 000" not in answer


async def test_that_a_story_is_told_to_members(tenant_id: UUID) -> None:
    await learned(tenant_id, PRICES)
    async with road_of("instagram", tenant_id) as road, working():
        road.says(road.people[0], "Puer choyi necha pul?", reply_to={"story": {"url": "https://lookaside.example/s", "id": "1790"}})
        [answer] = await answers(road, road.people[0])
    assert "132 000" in answer
    talk = await row(tenant_id, "SELECT id FROM conversations")
    async with office.client() as browser:
        await office.sign_in(browser, await office.member(tenant_id, "Alice", "owner"))
        page = (await browser.get(f"/inbox/{talk['id']}")).text
    assert 'href="https://lookaside.example/s"' in page
