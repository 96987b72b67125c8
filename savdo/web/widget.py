"""The web chat's calls: a session, who the visitor is, what they say and what was said to them.

The contract is versioned by its prefix; `widget_frame` serves the window itself, `widget_events` the stream.
"""

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints

from savdo.base import limits, secrets
from savdo.base.db import Session, step
from savdo.base.errors import Forbidden, Invalid, NotSignedIn
from savdo.base.live import publish
from savdo.channels import connections
from savdo.channels.models import Connection, Inbound, Sender
from savdo.channels.web_chat import BadToken, Visitor, is_vouched_for, new_visitor, token, verified, visitor_of
from savdo.conversations import contacts, visitors
from savdo.reply import turn
from savdo.web import widget_events, widget_files, widget_frame
from savdo.web.widget_door import Guest, Text, WidgetRoute, address, body, check_origin, guest
from savdo.web.widget_messages import shown

LONGEST_TEXT = 4000
KEPT_PARAMETERS = re.compile(r"utm_[a-z]+|source|medium|campaign|term|content|gclid|fbclid|yclid")

router = APIRouter(prefix="/widget/v1", route_class=WidgetRoute)
router.include_router(widget_frame.router)
router.include_router(widget_files.router)
router.include_router(widget_events.router)

Visiting = Annotated[Guest, Depends(guest)]
Short = Annotated[Text, StringConstraints(max_length=200)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class BadIdentity(NotSignedIn):
    """The identity signature is wrong."""

    code = "bad_hmac"


class IdentityNeeded(Forbidden):
    """This site lets only signed-in people write."""

    code = "identity_required"


class Page(BaseModel):
    url: Annotated[Text, StringConstraints(max_length=4000)] = ""
    referrer: Annotated[Text, StringConstraints(max_length=4000)] = ""
    title: Annotated[Text, StringConstraints(max_length=1000)] = ""


class SessionBody(BaseModel):
    key: Short
    visitor_token: Annotated[str, StringConstraints(max_length=8000)] | None = None
    page: Page = Page()
    utm: dict[Short, Short | None] = Field(default_factory=dict[str, str | None], max_length=20)
    locale: Annotated[Text, StringConstraints(max_length=35)] = ""


class IdentifyBody(BaseModel):
    identifier: Short | None = None
    hmac: Short | None = None
    name: Short | None = None
    email: Annotated[Text, StringConstraints(max_length=254)] | None = None
    phone: Annotated[Text, StringConstraints(max_length=40)] | None = None
    attributes: dict[Short, Short | int | float | bool | None] = Field(default_factory=dict[str, Any], max_length=20)


class QuickReply(BaseModel):
    message_id: int | None = None
    id: Annotated[Text, StringConstraints(min_length=1, max_length=128)]
    title: Annotated[Text, StringConstraints(max_length=200)] = ""


class MessageBody(BaseModel):
    client_msg_id: Name
    text: Annotated[Text, StringConstraints(max_length=LONGEST_TEXT)] | None = None
    reply_to: int | None = None
    attachments: list[Short] = Field(default_factory=list[str], max_length=5)
    quick_reply: QuickReply | None = None
    sent_at: datetime | None = None


class ReadBody(BaseModel):
    up_to: int = Field(ge=0, lt=2**62)


class TypingBody(BaseModel):
    on: bool


class PrechatBody(BaseModel):
    name: Short = ""
    email: Annotated[Text, StringConstraints(max_length=254)] = ""
    phone: Annotated[Text, StringConstraints(max_length=40)] = ""
    consent: bool = False
    version: Short = ""
    # A person does not see this field, and needs a moment for the others.
    website: Short = ""
    shown_ms: int = Field(default=10_000, ge=0)


@router.post("/sessions")
async def start_session(request: Request) -> JSONResponse:
    given = await body(request, SessionBody)
    connection = await connections.by_key(given.key, "web_chat")
    check_origin(request, connection)
    visitor = _returning(connection, given.visitor_token)
    async with step(connection.tenant_id) as session:
        if visitor is None:
            await limits.take(session, f"widget:sessions:{secrets.lookup_hash(address(request)).hex()[:32]}", limit=600, per_seconds=600)
        thread = await visitors.thread_of(session, connection.id, visitor.id) if visitor else None
    return _token_answer(visitor or new_visitor(connection, _arrival(given)), thread, status=201)


@router.post("/identify")
async def identify(request: Request, guest: Visiting) -> JSONResponse:
    given = await body(request, IdentifyBody)
    visitor, connection = guest.visitor, guest.connection
    person = _vouched_person(connection, visitor, given)
    async with step(connection.tenant_id) as session:
        await limits.take(session, f"widget:identify:{visitor.id}", limit=60, per_seconds=3600)
        contact_id = await _contact(session, connection, visitor, person)
        # What anybody can claim must not write over what the site vouched for.
        if person.verified or not visitor.verified:
            await contacts.set_details(session, contact_id, name=given.name or "", phone=given.phone or "", email=given.email or "")
        if given.attributes:
            await visitors.describe(session, contact_id, given.attributes)
        thread = await visitors.thread_of(session, connection.id, person.id)
    return _token_answer(person, thread, status=200)


@router.post("/messages")
async def send_message(request: Request, guest: Visiting) -> JSONResponse:
    given = await body(request, MessageBody)
    visitor, connection = guest.visitor, guest.connection
    if connection.settings.get("require_identity") and not visitor.verified:
        raise IdentityNeeded
    text = (given.text or "").strip() or (given.quick_reply.title or given.quick_reply.id if given.quick_reply else "")
    if not text and not given.attachments:
        raise Invalid("There is nothing to send.", field="text")
    async with step(connection.tenant_id) as session:
        await limits.take(session, f"widget:minute:{visitor.id}", limit=20, per_seconds=60)
        await limits.take(session, f"widget:day:{visitor.id}", limit=200, per_seconds=86400)
        files = await widget_files.kept(session, visitor, given.attachments)
    (taken,) = await turn.take(connection, [_inbound(visitor, given, text, files)])
    assert taken.created_at is not None
    if taken.number == 1 and not taken.repeat:
        async with step(connection.tenant_id) as session:
            await visitors.note_arrival(session, connection.id, visitor.id, visitor.about)
    stored = {"id": taken.number, "client_msg_id": given.client_msg_id, "created_at": taken.created_at.isoformat()}
    return JSONResponse(stored, 200 if taken.repeat else 201)


@router.get("/messages")
async def read_messages(guest: Visiting, after: int = 0, before: int | None = None, limit: int = 50) -> JSONResponse:
    connection = guest.connection
    wanted = max(1, min(limit, 200))
    async with step(connection.tenant_id) as session:
        thread = await visitors.thread_of(session, connection.id, guest.visitor.id)
        found = await visitors.messages(session, thread.id, after=after, before=before, limit=wanted) if thread else []
    return JSONResponse(
        {
            "messages": [shown(row, connection) for row in found],
            "read_up_to": thread.read_up_to if thread else 0,
            "status": thread.status if thread else "bot",
            "revision": thread.revision if thread else 0,
        }
    )


@router.post("/read")
async def note_read(request: Request, guest: Visiting) -> Response:
    given = await body(request, ReadBody)
    async with step(guest.connection.tenant_id) as session:
        thread = await visitors.thread_of(session, guest.connection.id, guest.visitor.id)
        if thread is not None:
            await visitors.read(session, guest.connection.tenant_id, thread, given.up_to)
    return Response(status_code=204)


@router.post("/typing")
async def note_typing(request: Request, guest: Visiting) -> Response:
    given = await body(request, TypingBody)
    async with step(guest.connection.tenant_id) as session:
        await limits.take(session, f"widget:typing:{guest.visitor.id}", limit=3, per_seconds=6)
        thread = await visitors.thread_of(session, guest.connection.id, guest.visitor.id)
        if thread is not None:
            await publish(session, guest.connection.tenant_id, thread.id, "typing", f"contact:{'on' if given.on else 'off'}")
    return Response(status_code=204)


@router.post("/prechat")
async def fill_prechat(request: Request, guest: Visiting) -> Response:
    given = await body(request, PrechatBody)
    wanted: dict[str, Any] = guest.connection.settings.get("prechat") or {}
    _check_prechat(given, wanted)
    visitor, connection = guest.visitor, guest.connection
    async with step(connection.tenant_id) as session:
        await limits.take(session, f"widget:identify:{visitor.id}", limit=60, per_seconds=3600)
        contact_id = await visitors.contact_of(session, connection, visitor.id, str(visitor.about.get("locale", "")))
        if not visitor.verified:
            await contacts.set_details(session, contact_id, name=given.name, phone=given.phone, email=given.email)
        if given.consent:
            await visitors.describe(session, contact_id, {"consent": given.version or "1"})
    return Response(status_code=204)


@router.options("/{path:path}")
async def preflight(request: Request) -> Response:
    """Whether a browser may ask at all; whether its site may read the answer is decided when the connection is known."""
    request.state.allowed_origin = request.headers.get("origin", "")
    allowed = {"Methods": "GET, POST", "Headers": "Authorization, Content-Type, Last-Event-ID, If-None-Match", "Max-Age": "600"}
    return Response(
        status_code=204, headers={f"Access-Control-{'' if name == 'Max-Age' else 'Allow-'}{name}": words for name, words in allowed.items()}
    )


def _returning(connection: Connection, given: str | None) -> Visitor | None:
    if not given:
        return None
    try:
        visitor = visitor_of(given)
    except BadToken:
        return None
    return visitor if visitor.connection_id == connection.id else None


def _arrival(given: SessionBody) -> dict[str, Any]:
    """How the visitor came, short enough to travel in the token until there is a message to keep it with."""
    utm = {name: value[:100] for name, value in given.utm.items() if value and KEPT_PARAMETERS.fullmatch(name)}
    page = {"url": given.page.url[:300], "referrer": given.page.referrer[:300], "title": given.page.title[:100]}
    return {name: value for name, value in (page | {"utm": utm, "locale": given.locale[:8]}).items() if value}


def _token_answer(visitor: Visitor, thread: visitors.Thread | None, *, status: int) -> JSONResponse:
    signed, expires_at = token(visitor)
    return JSONResponse(
        {
            "visitor_id": visitor.id,
            "visitor_token": signed,
            "verified": visitor.verified,
            "conversation_id": str(thread.id) if thread else None,
            "expires_at": expires_at.isoformat(),
        },
        status,
    )


def _vouched_person(connection: Connection, visitor: Visitor, given: IdentifyBody) -> Visitor:
    if given.hmac:
        if not given.identifier or not is_vouched_for(connection, given.identifier, given.hmac):
            raise BadIdentity
        return verified(visitor, given.identifier)
    if connection.settings.get("require_identity") and not visitor.verified:
        raise Invalid("This site signs its identities: hmac is missing.", field="hmac")
    return visitor


async def _contact(session: Session, connection: Connection, visitor: Visitor, person: Visitor) -> Any:
    language = str(visitor.about.get("locale", ""))
    # Only a stranger's words become the person's; another person's stay where they are.
    if person.id != visitor.id and not visitor.verified:
        return await visitors.join(session, connection, visitor.id, person.id, language)
    return await visitors.contact_of(session, connection, person.id, language)


def _inbound(visitor: Visitor, given: MessageBody, text: str, files: list[dict[str, Any]]) -> Inbound:
    utm: dict[str, str] = visitor.about.get("utm") or {}
    answered = given.reply_to or (given.quick_reply.message_id if given.quick_reply else None)
    return Inbound(
        event="message",
        external_id=f"{visitor.id}:{given.client_msg_id}",
        thread_id=visitor.id,
        sender=Sender(visitor.id, language=str(visitor.about.get("locale", ""))),
        text=text,
        attachments=tuple(files),
        reply_to=f"#{answered}" if answered else "",
        quick_reply=given.quick_reply.id if given.quick_reply else "",
        campaign=utm.get("campaign") or utm.get("utm_campaign") or "",
    )


def _check_prechat(given: PrechatBody, wanted: dict[str, Any]) -> None:
    if given.website or given.shown_ms < 800:
        raise Invalid("The form was filled in by a machine.")
    for field in wanted.get("fields") or ():
        if field.get("required") and not getattr(given, str(field.get("name")), "").strip():
            raise Invalid("This is needed.", field=str(field["name"]))
    if given.phone and not contacts.e164(given.phone):
        raise Invalid("This is not a phone number; write it with the country code, +998…", field="phone")
    if given.email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", given.email.strip()):
        raise Invalid("This is not an e-mail address.", field="email")
    if wanted.get("consent") and not given.consent:
        raise Invalid("Your consent is needed.", field="consent")
