"""One contact, several roads: who may be the same person, merging them by hand and undoing it, writing to them again after they
asked for no more messages, and erasing them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response

from savdo import audit
from savdo.base import live
from savdo.base.db import step
from savdo.conversations import contacts, erasure, merging, roads, thread
from savdo.web import page
from savdo.web.page import Answerer, Configurer

router = APIRouter(include_in_schema=False)


@router.get("/inbox/{conversation_id}/same")
async def same(request: Request, actor: Answerer, conversation_id: UUID, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Whom the contact of a conversation may be merged with: offered, or searched for."""
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        talk = await thread.one(session, conversation_id)
        found = await roads.candidates(session, talk["contact_id"], q)
    template = "roads/same.html" if page.is_htmx(request) else "roads/page.html"
    return page.render(request, template, talk=talk, found=found, q=q)


@router.post("/inbox/{conversation_id}/merge")
async def merge(request: Request, actor: Answerer, conversation_id: UUID, contact: Annotated[UUID, Form()]) -> Response:
    async with step(actor.tenant_id) as session:
        talk = await thread.one(session, conversation_id)
        await merging.merge(session, actor.tenant_id, actor.note, talk["contact_id"], contact)
    return page.go(request, f"/inbox/{conversation_id}", flash="roads.merged")


@router.post("/inbox/{conversation_id}/merges/{merge_id}/undo")
async def undo(request: Request, actor: Answerer, conversation_id: UUID, merge_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        await merging.undo(session, actor.tenant_id, actor.note, merge_id)
    return page.go(request, f"/inbox/{conversation_id}", flash="roads.parted")


@router.post("/inbox/{conversation_id}/consent")
async def consent(request: Request, actor: Answerer, conversation_id: UUID) -> Response:
    """A member answers for it that the customer may be written to again."""
    async with step(actor.tenant_id) as session:
        talk = await thread.one(session, conversation_id)
        await contacts.opt_in(session, talk["contact_id"])
        await audit.note(session, actor.tenant_id, actor.note, "contact.opted_in", str(talk["contact_id"]))
        await live.publish(session, actor.tenant_id, conversation_id, "conversation")
    return page.go(request, f"/inbox/{conversation_id}", flash="consent.given")


@router.post("/inbox/{conversation_id}/erase")
async def erase(request: Request, actor: Configurer, conversation_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        talk = await thread.one(session, conversation_id)
    await erasure.erase(actor.tenant_id, talk["contact_id"], actor.note)
    return page.go(request, "/inbox", flash="inbox.erased")
