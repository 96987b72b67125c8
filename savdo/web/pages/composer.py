"""What a member may write now: freely while the channel's window is open, after it only a template that was approved before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from psycopg.rows import DictRow

from savdo.base import clock
from savdo.base.db import Session, step
from savdo.base.errors import Invalid, NotFound, SavdoError
from savdo.channels import connections, whatsapp_templates
from savdo.channels.models import Connection, Limits, Template, channel
from savdo.channels.whatsapp_templates import Approved
from savdo.conversations import roads, thread
from savdo.web import page
from savdo.web.page import Answerer
from savdo.web.pages import connecting

# Longer than any parameter the channels take.
LONGEST_VALUE = 1000

router = APIRouter(include_in_schema=False)


class ValueMissing(Invalid):
    """Fill in every field of the template."""

    code = "template_value_missing"


async def talk(session: Session, conversation_id: UUID) -> DictRow:
    """A conversation as `thread.one` tells it, its contact's roads, and whether a member may write freely there now. Raises
    NoConversation."""
    row = await thread.one(session, conversation_id)
    row["roads"] = await roads.of(session, row["contact_id"])
    return {**row, **standing(channel(row["channel"]).limits, row["last_inbound_at"])}


def standing(limits: Limits, last_inbound_at: datetime | None) -> dict[str, Any]:
    """`open_until`: when free texts end, None for never; `closed`: they have; `templates`: a template still goes."""
    until = limits.open_until(last_inbound_at, person=True)
    return {"open_until": until, "closed": until is not None and until <= clock.now(), "templates": limits.templates}


@router.get("/inbox/{conversation_id}/composer")
async def composer(request: Request, actor: Answerer, conversation_id: UUID) -> Response:
    """The composer, once it is open again: the customer has written, or may be written to; until then what is being filled in stays."""
    async with step(actor.tenant_id) as session:
        found = await talk(session, conversation_id)
    if found["closed"] or found["opted_out_at"]:
        return Response(status_code=204)
    return page.render(request, "inbox/composer.html", talk=found)


@router.get("/inbox/{conversation_id}/templates")
async def templates(request: Request, actor: Answerer, conversation_id: UUID) -> Response:
    """What was approved, asked for only where nothing else may be sent."""
    connection = await _connection(actor, conversation_id)
    found, problem = list[Approved](), ""
    try:
        found = await whatsapp_templates.approved(connection)
    except SavdoError as error:
        problem = connecting.refusal(actor, connection.channel, error)
    return page.render(request, "inbox/templates.html", conversation_id=conversation_id, found=found, problem=problem)


@router.post("/inbox/{conversation_id}/template")
async def send(
    request: Request, actor: Answerer, conversation_id: UUID, name: str = Form(max_length=512), language: str = Form(max_length=20)
) -> Response:
    """Queues a template with its places filled in."""
    form = await request.form()
    connection = await _connection(actor, conversation_id)
    known = await whatsapp_templates.approved(connection)
    chosen = next((one for one in known if (one.name, one.language) == (name, language)), None)
    if chosen is None:
        raise NotFound
    values = _values(chosen, {key: str(value) for key, value in form.items()})
    template = Template(chosen.name, chosen.language, chosen.parameters(values), chosen.buttons)
    async with step(actor.tenant_id) as session:
        await thread.say(session, actor.tenant_id, conversation_id, actor.member.id, chosen.filled(values), template=template)
    return page.go(request, f"/inbox/{conversation_id}", flash="composer.queued")


def _values(template: Approved, form: Mapping[str, str]) -> tuple[str, ...]:
    values = tuple(form.get(f"value-{place}", "").strip()[:LONGEST_VALUE] for place in template.places)
    if not all(values):
        raise ValueMissing
    return values


async def _connection(actor: page.Actor, conversation_id: UUID) -> Connection:
    """The conversation's connection, where it has templates. Raises NoConversation, NotFound."""
    async with step(actor.tenant_id) as session:
        row = await thread.one(session, conversation_id)
        connection = await connections.by_id(session, row["connection_id"])
    if not channel(connection.channel).limits.templates:
        raise NotFound
    return connection
