"""A shop's page with the web chat on it: where one plays the customer."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from savdo.base.db import first, rows, step
from savdo.base.errors import NotFound
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.web import page

router = APIRouter(include_in_schema=False)


class NoShop(NotFound):
    """There is no demo company here; add ?key= with the key of a chat to try it."""

    code = "no_shop"


@router.get("/demo")
async def shop(request: Request, key: Annotated[str, Query(max_length=64)] = "") -> Response:
    """A page with the chat of a widget key, to try it on; without one that of the demo company, where there is one."""
    key = key or settings().demo_key
    if not key:
        raise NoShop
    connection = await connections.by_key(key, "web_chat")
    async with step(connection.tenant_id) as session:
        tenant = await first(session, "SELECT profile FROM tenants")
        campaigns = await rows(session, "SELECT name, price, features FROM campaigns ORDER BY position, id LIMIT 6")
    return page.render(request, "landing/shop.html", profile=tenant["profile"] if tenant else {}, campaigns=campaigns, key=key)
