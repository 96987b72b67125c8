"""The visits of a conversation's customer: cancelled by a person."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from savdo.appointments import booking
from savdo.base.db import step
from savdo.web import page
from savdo.web.page import Answerer

router = APIRouter(include_in_schema=False)


@router.post("/inbox/{conversation_id}/appointments/{appointment_id}/cancel")
async def cancel(request: Request, actor: Answerer, conversation_id: UUID, appointment_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        await booking.cancel(session, actor.tenant_id, actor.note, appointment_id)
    return page.go(request, f"/inbox/{conversation_id}", flash="appointments.cancelled_now")
