"""What Meta tells by itself of a person who logged in there: the permission is taken back, or they want to be forgotten.

Both addresses stand in the app's settings at Meta. Source: the fact sheet on Meta's login and webhooks, section 8.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse

from savdo.base.settings import settings
from savdo.channels import meta_connecting, meta_login
from savdo.operations import deletions
from savdo.web import page

LONGEST_NOTICE = 4000
PROGRESS = "/privacy/deletion"

router = APIRouter(include_in_schema=False)
Notice = Annotated[str, Form(max_length=LONGEST_NOTICE)]


@router.post("/hooks/meta/deauthorize")
async def deauthorize(signed_request: Notice) -> Response:
    await meta_connecting.revoke(meta_login.signed(signed_request))
    return Response(status_code=200)


@router.post("/hooks/meta/deletion")
async def delete(request: Request, signed_request: Notice) -> Response:
    """Answers where the person sees how it is going; somebody nobody knows is answered the same."""
    code = await deletions.ask(meta_login.signed(signed_request))
    base = settings().public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return JSONResponse({"url": f"{base}{PROGRESS}?code={code}", "confirmation_code": code})


@router.get(PROGRESS)
async def progress(request: Request, code: Annotated[str, Query(max_length=64)] = "") -> Response:
    return page.render(request, "privacy/deletion.html", done_at=await deletions.done_at(code), code=code)
