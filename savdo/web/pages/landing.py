"""A shop's page with the web chat on it: where one plays the customer."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from savdo.base.db import first, platform_step, rows, step
from savdo.base.errors import NotFound
from savdo.channels import connections
from savdo.web import page

router = APIRouter(include_in_schema=False)


class NoShop(NotFound):
    """There is no company with a web chat yet."""

    code = "no_shop"


@router.get("/demo")
async def shop(request: Request, key: Annotated[str, Query(max_length=64)] = "") -> Response:
    """The shop of a widget key; without one that of the first company, as the demo has only one."""
    key = key or await _first_key()
    connection = await connections.by_key(key, "web_chat")
    async with step(connection.tenant_id) as session:
        tenant = await first(session, "SELECT profile FROM tenants")
        campaigns = await rows(session, "SELECT name, price, features FROM campaigns ORDER BY position, id LIMIT 6")
    return page.render(request, "landing/shop.html", profile=tenant["profile"] if tenant else {}, campaigns=campaigns, key=key)


async def _first_key() -> str:
    async with platform_step("the demo page's company") as session:
        row = await first(
            session, "SELECT key FROM connections WHERE channel = 'web_chat' AND status <> 'off' ORDER BY tenant_id, id LIMIT 1"
        )
    if row is None:
        raise NoShop
    return row["key"]
