"""Signing in and out, the company one works in, language and theme."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from savdo.accounts import access
from savdo.accounts.models import Member
from savdo.base import limits, secrets, texts
from savdo.base.db import step
from savdo.base.errors import NotFound, RateLimited
from savdo.web import page
from savdo.web.page import Reader

THEMES = ("auto", "light", "dark")

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home() -> Response:
    return RedirectResponse("/inbox", status_code=303)


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "/inbox") -> Response:  # noqa: A002 # the name in the address
    return page.render(request, "account/sign_in.html", next=_inside(next), email="", problem="")


@router.post("/sign-in")
async def sign_in(
    request: Request,
    email: Annotated[str, Form(max_length=300)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=500)] = "/inbox",  # noqa: A002 # the name in the form
) -> Response:
    await page.guard(request)
    try:
        await _count(request, email)
        members = await access.who_is(email, password)
    except (access.WrongPassword, RateLimited) as error:
        problem = texts.t(f"error.{error.code}", page.language_of(request))
        return page.render(request, "account/sign_in.html", status=error.status, next=_inside(next), email=email, problem=problem)
    cookies = [await access.sign_in(member) for member in members]
    response = RedirectResponse("/companies" if len(cookies) > 1 else _inside(next), status_code=303)
    page.set_cookie(response, page.LOGIN, cookies[0], request)
    if len(cookies) > 1:
        page.set_cookie(response, page.OTHERS, "|".join(cookies[1:]), request)
    else:
        response.delete_cookie(page.OTHERS)
    return response


@router.get("/companies")
async def companies(request: Request, actor: Reader) -> Response:
    members = [actor.member, *(await _others(request)).values()]
    return page.render(request, "account/companies.html", companies=sorted(members, key=lambda one: one.company))


@router.post("/companies")
async def choose_company(request: Request, actor: Reader, tenant: Annotated[str, Form(max_length=32)]) -> Response:
    """Every company on the list was opened with its own password at sign-in; choosing only changes which one is in front."""
    response = RedirectResponse("/inbox", status_code=303)
    if tenant == actor.tenant_id.hex:
        return response
    others = await _others(request)
    chosen = next((cookie for cookie, member in others.items() if member.tenant_id.hex == tenant), None)
    if chosen is None:
        raise NotFound
    page.set_cookie(response, page.LOGIN, chosen, request)
    page.set_cookie(response, page.OTHERS, "|".join([actor.cookie, *(cookie for cookie in others if cookie != chosen)]), request)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, actor: Reader) -> Response:
    for cookie in (actor.cookie, *await _others(request)):
        await access.sign_out(cookie)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(page.LOGIN)
    response.delete_cookie(page.OTHERS)
    return response


@router.post("/preferences")
async def preferences(
    request: Request,
    language: Annotated[str, Form(max_length=8)] = "",
    theme: Annotated[str, Form(max_length=8)] = "",
    back: Annotated[str, Form(max_length=300)] = "/inbox",
) -> Response:
    """For a member it is kept with them, for a guest in the browser."""
    await page.guard(request)
    language, theme = language if language in texts.LANGUAGES else "", theme if theme in THEMES else ""
    member = await access.signed_in(request.cookies.get(page.LOGIN, ""))
    if member is not None:
        async with step(member.tenant_id) as session:
            await access.set_preferences(session, member.id, language=language, theme=theme)
    response = RedirectResponse(_inside(back), status_code=303)
    if language:
        page.set_cookie(response, page.LANGUAGE, language, request, age=365 * 86_400)
    return response


async def _count(request: Request, email: str) -> None:
    # Counted by account and by address: neither one machine nor many may try passwords for long.
    account = secrets.lookup_hash(access.normal_email(email)).hex()[:24]
    address = request.client.host if request.client else "unknown"
    await limits.take(None, f"sign-in:account:{account}", limit=10, per_seconds=900)
    await limits.take(None, f"sign-in:address:{address}", limit=60, per_seconds=900)


async def _others(request: Request) -> dict[str, Member]:
    """Sign-ins of other companies in this browser that still hold."""
    cookies = [cookie for cookie in request.cookies.get(page.OTHERS, "").split("|") if cookie][:20]
    found = {cookie: await access.signed_in(cookie) for cookie in cookies}
    return {cookie: member for cookie, member in found.items() if member is not None}


def _inside(address: str) -> str:
    """Only a path of this site: a sign-in must not lead somewhere else."""
    safe = address.startswith("/") and not address.startswith(("//", "/\\")) and "\\" not in address and address.isprintable()
    return address if safe else "/inbox"
