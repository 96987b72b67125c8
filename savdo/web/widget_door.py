"""The door of the web chat: who may come in, how much they may carry, and what is said to those who may not.

Every answer has the same error shape, `{"error": {"code", "message", "fields"?, "retry_after"?}}`, and is readable from
the sites that are registered for the connection and no others.
"""

import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import Message

from savdo.base.db import step
from savdo.base.errors import Forbidden, Malformed, RateLimited, SavdoError, TooLarge
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.models import Connection
from savdo.channels.web_chat import BadToken, Visitor, origins, visitor_of

BODY_LIMIT = 64_000

Model = TypeVar("Model", bound=BaseModel)
# PostgreSQL keeps no null bytes and no halves of a character.
Text = Annotated[str, AfterValidator(lambda text: text.replace("\x00", "").encode("utf-8", "replace").decode())]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ForeignSite(Forbidden):
    """This site is not registered for the chat."""

    code = "origin"


@dataclass(frozen=True, slots=True)
class Guest:
    """A visitor who was let in, and the connection they talk on."""

    visitor: Visitor
    connection: Connection


class WidgetRoute(APIRoute):
    """Turns refusals into the one error shape and tells browsers which sites may read the answer."""

    def get_route_handler(self) -> Handler:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await inner(request)
            except SavdoError as error:
                response = refusal(error)
            except ValidationError as error:
                response = refused_fields(error.errors(include_url=False))
            except RequestValidationError as error:
                response = refused_fields(error.errors())
            except HTTPException as error:
                response = JSONResponse({"error": {"code": "invalid", "message": str(error.detail)}}, error.status_code)
            allowed: str = getattr(request.state, "allowed_origin", "")
            if allowed:
                response.headers["Access-Control-Allow-Origin"] = allowed
                response.headers["Access-Control-Expose-Headers"] = "Retry-After, ETag"
            response.headers["Vary"] = "Origin"
            return response

        return handle


def refusal(error: SavdoError) -> JSONResponse:
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    headers: dict[str, str] = {}
    if isinstance(error, RateLimited):
        body["retry_after"] = math.ceil(error.retry_after)
        headers["Retry-After"] = str(body["retry_after"])
    if error.field:
        body["fields"] = {error.field: error.message}
    return JSONResponse({"error": body}, error.status, headers)


def refused_fields(errors: Sequence[Any]) -> JSONResponse:
    fields = {".".join(str(part) for part in one["loc"]) or "body": one["msg"] for one in errors}
    return JSONResponse({"error": {"code": "invalid", "message": "Some fields are not valid.", "fields": fields}}, 422)


async def guest(request: Request) -> Guest:
    """Who asks, by their Bearer token. Raises BadToken, UnknownKey, ForeignSite."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise BadToken
    visitor = visitor_of(given.strip())
    async with step(visitor.tenant_id) as session:
        connection = await connections.by_id(session, visitor.connection_id)
    if connection.status == "off" or connection.channel != "web_chat":
        raise connections.UnknownKey
    check_origin(request, connection)
    return Guest(visitor, connection)


def check_origin(request: Request, connection: Connection) -> None:
    """Raises ForeignSite for a browser on a site that is not registered; a server sends no Origin and may come in."""
    origin = request.headers.get("origin", "").lower()
    if not origin:
        return
    named = origins(connection)
    # The window itself is served from here; who may frame it is said by its own header.
    ours = urlsplit(origin).netloc == request.headers.get("host", "").lower()
    if named and not ours and origin not in named:
        raise ForeignSite
    request.state.allowed_origin = origin


async def body(request: Request, model: type[Model]) -> Model:
    """The JSON body. Raises Malformed for what is no JSON object, TooLarge, ValidationError for wrong fields."""
    raw = await limited(request, BODY_LIMIT).body()
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        kinds = {one["type"] for one in error.errors(include_url=False, include_input=False)}
        if kinds & {"json_invalid", "model_type", "model_attributes_type"}:
            raise Malformed("The body must be one JSON object.") from None
        raise


def limited(request: Request, limit: int) -> Request:
    """The same request, whose body cannot be read beyond `limit` bytes: raises TooLarge."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge
    used = 0

    async def receive() -> Message:
        nonlocal used
        message = await request.receive()
        used += len(message.get("body", b""))
        if used > limit:
            raise TooLarge
        return message

    return Request(request.scope, receive)


def address(request: Request) -> str:
    """Where a request comes from, through as many proxies as are trusted."""
    hops = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    trusted = settings().trusted_proxies
    if trusted and len(hops) >= trusted:
        return hops[-trusted]
    return request.client.host if request.client else "unknown"
