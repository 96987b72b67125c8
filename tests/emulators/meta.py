"""Meta's Graph API and its webhooks, as one company: WhatsApp numbers, pages and Instagram accounts join it.

A channel's part owns some nodes (`/v26.0/<node>/<edge>`) and tells what happens on its side with `meta.happens(...)`. What
is here is the same for all: tokens and their proof, error codes, faults, rate limits, the signature, and deliveries that
are repeated until they are answered with a 2xx. Unlike Meta, a webhook may be plain http and repeats begin after 50 ms.
"""

import asyncio
import hashlib
import hmac
import html
import itertools
import json
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from savdo.base import circuit
from savdo.base.settings import settings
from tests.emulators.serving import CUT, serving

FIRST_RETRY_S = 0.05
LONGEST_RETRY_S = 1.0
EXPIRED = (401, 190, 463, "Error validating access token: Session has expired.")


class Refusal(Exception):
    def __init__(self, status: int, code: int, message: str = "", *, subcode: int = 0, details: str = "", **more: Any) -> None:
        super().__init__(message)
        headers: dict[str, str] = more.pop("headers", {})
        self.status, self.headers = status, headers
        error: dict[str, Any] = {"message": message or f"(#{code})", "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
        self.error = error | ({"error_subcode": subcode} if subcode else {}) | more
        if details:
            self.error["error_data"] = {"messaging_product": "whatsapp", "details": details}


@dataclass
class Call:
    """One call of `/<version>/<node>/<edge>`; `params` are query, form and JSON together."""

    method: str
    node: str
    edge: str
    params: dict[str, Any]
    files: dict[str, tuple[str, bytes, str]]
    base: str

    @property
    def doing(self) -> str:
        """What faults and counters name it by: the edge, the node where there is none, `read` for a read mark, what is shown
        (`typing_on`) for what is no message."""
        shown = "read" if self.params.get("status") == "read" else self.params.get("sender_action")
        return str(shown or self.edge or self.node)


@dataclass
class Fault:
    """What happens to the next `times` calls that do `edge` ("" for every one)."""

    edge: str
    refusal: Refusal | None
    times: int = 1
    cut: bool = False
    taking: bool = False
    seconds: float = 0.0


class Part(Protocol):
    """One channel's side of it."""

    def owns(self, node: str) -> bool: ...

    def call(self, call: Call) -> Any:
        """The answer; raises Refusal."""
        ...


class Meta:
    def __init__(self, app_id: str = "1000", secret: str = "app_secret_123", verify_token: str = "mytoken", first: int = 1) -> None:
        """`first` is where its numbers begin: whoever keeps them must not meet them again in the next run."""
        self.app_id, self.secret, self.verify_token = app_id, secret, verify_token
        self.app = Starlette(routes=[
            Route("/v{version}/dialog/oauth", self._dialog, methods=["GET"]),
            Route("/files/{name}", self._file, methods=["GET"]),
            Route("/v{version}/{node}", self._asked, methods=["GET", "POST", "DELETE"]),
            Route("/v{version}/{node}/{edge:path}", self._asked, methods=["GET", "POST", "DELETE"]),
        ])  # fmt: skip
        self.parts: list[Part] = []
        self.calls: Counter[str] = Counter()
        self.called_at: dict[str, list[float]] = {}
        # What each token may do; one that is missing has expired.
        self.tokens: dict[str, set[str]] = {}
        # Those of another part of the app than its main one have a secret of their own.
        self.secrets: dict[str, str] = {}
        self.files: dict[str, tuple[bytes, str]] = {}
        self.subscribed: set[str] = set()
        self.fields: dict[str, list[str]] = {}
        # Of whoever logs in: the pages they chose, and the codes that were not used yet (redirect, scopes).
        self.pages: list[dict[str, Any]] = []
        self.codes: dict[str, tuple[str, set[str]]] = {}
        self.hook = ""
        self.last_error = ""
        self.pending: list[bytes] = []
        self.delivered_bodies: list[bytes] = []
        self._faults: list[Fault] = []
        self._numbers = itertools.count(first)
        self._delivering: asyncio.Task[None] | None = None

    # What a test sees and does.

    def joined(self, part: Part, token: str, scopes: set[str]) -> None:
        self.parts.append(part)
        self.tokens[token] = scopes

    def number(self) -> int:
        return next(self._numbers)

    def token_expires(self, token: str = "") -> None:
        """One token, or every one of them."""
        self.tokens = {name: scopes for name, scopes in self.tokens.items() if token and name != token}

    def fails(self, edge: str, status: int, code: int, message: str = "", *, times: int = 1, **more: Any) -> None:
        self._faults.append(Fault(edge, Refusal(status, code, message, **more), times))

    def floods(self, edge: str = "messages", *, code: int = 130429, retry_after: int | None = None, times: int = 1) -> None:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self.fails(edge, 429, code, "Rate limit hit", times=times, headers=headers)

    def cuts(self, edge: str = "messages", *, taking: bool, times: int = 1) -> None:
        """Breaks the connection without an answer, with the call carried out or not."""
        self._faults.append(Fault(edge, None, times, cut=True, taking=taking))

    def is_slow(self, edge: str, seconds: float, *, times: int = 1) -> None:
        self._faults.append(Fault(edge, None, times, seconds=seconds))

    def logs_in(self, dialog: str, *, without: Collection[str] = ()) -> str:
        """The owner goes through the dialog, leaving some permissions out; where they are sent back to."""
        asked = dict(parse_qsl(urlsplit(dialog).query))
        assert (asked["client_id"], asked["response_type"]) == (self.app_id, "code")
        code = f"code{self.number()}"
        self.codes[code] = (asked["redirect_uri"], set(asked["scope"].split(",")) - set(without))
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    async def verifies(self, hook: str) -> bool:
        """The first call of a hook, as when it is entered in the app's settings."""
        asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": self.verify_token}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(hook, params=asked)
        if answer.is_success and answer.text == "1158201444":
            self.hook = hook
        return self.hook == hook

    def happens(self, *bodies: Mapping[str, Any]) -> None:
        """Delivers each body, signed, once what stands before it is taken."""
        # Non-ASCII is escaped, as Meta sends it.
        self.pending += [json.dumps(body, separators=(",", ":")).encode() for body in bodies]
        self._deliver()

    def repeats(self) -> None:
        """Everything that was delivered comes once more."""
        self.pending += self.delivered_bodies
        self.delivered_bodies = []
        self._deliver()

    async def delivered(self, seconds: float = 10.0) -> None:
        """Waits until every delivery was taken."""
        async with asyncio.timeout(seconds):
            while self.pending:  # noqa: ASYNC110 # a test may look often
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Ends the deliveries; undelivered ones are lost."""
        if self._delivering is not None:
            self._delivering.cancel()
            await asyncio.gather(self._delivering, return_exceptions=True)

    def signature(self, body: bytes) -> str:
        return "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()

    # What is called.

    async def _dialog(self, request: Request) -> Response:
        """What the owner sees: everything allowed, or everything but one permission."""
        return dialog_page({"Allow": self.logs_in(str(request.url))} | {
            f"Without {one}": self.logs_in(str(request.url), without=[one]) for one in request.query_params["scope"].split(",")
        })  # fmt: skip

    async def _asked(self, request: Request) -> Response:
        params, files = await _params(request)
        path = request.path_params
        call = Call(request.method, path["node"], path.get("edge", ""), params, files, str(request.base_url).rstrip("/"))
        self.calls[call.doing] += 1
        self.called_at.setdefault(call.doing, []).append(time.monotonic())
        fault = self._fault(call.doing)
        try:
            if fault is not None:
                await asyncio.sleep(fault.seconds)
                if fault.refusal is not None:
                    raise fault.refusal
                if fault.cut:
                    if fault.taking:
                        self._answer(request, call)
                    request.scope[CUT]()
                    return Response()
            return JSONResponse(self._answer(request, call))
        except Refusal as refusal:
            return JSONResponse({"error": refusal.error}, refusal.status, headers=refusal.headers)

    def _answer(self, request: Request, call: Call) -> Any:
        if (call.node, call.edge) == ("oauth", "access_token"):
            return self._grant(call.params)
        token = self._token(request, call)
        if call.node == "debug_token":
            return {"data": self._debugged(token, str(call.params.get("input_token", "")))}
        if token not in self.tokens:
            status, code, subcode, message = EXPIRED
            raise Refusal(status, code, message, subcode=subcode)
        self._proven(call, token)
        if call.edge == "subscribed_apps":
            return self._subscribe(call)
        if (call.node, call.edge) == ("me", "accounts"):
            return {"data": self.pages}
        part = next((one for one in self.parts if one.owns(call.node)), None)
        if part is None:
            raise Refusal(400, 100, f"Unsupported request. Object with ID '{call.node}' does not exist")
        return part.call(call)

    def _grant(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if (params.get("client_id"), params.get("client_secret")) != (self.app_id, self.secret):
            raise Refusal(400, 101, "Error validating client secret.")
        if params.get("grant_type") == "fb_exchange_token":
            scopes = self.tokens.pop(str(params.get("fb_exchange_token")), None)
        else:
            back, scopes = self.codes.pop(str(params.get("code")), ("", None))
            scopes = scopes if back == params.get("redirect_uri") else None
        if scopes is None:
            raise Refusal(400, 100, "This authorization code has been used.", subcode=36009)
        token = f"EAAuser{self.number()}"
        self.tokens[token] = scopes
        return {"access_token": token, "token_type": "bearer", "expires_in": 5183944}

    def _token(self, request: Request, call: Call) -> str:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        token = bearer or str(call.params.pop("access_token", ""))
        if not token:
            raise Refusal(400, 2500, "An active access token must be used to query information about the current user.")
        return token

    def _proven(self, call: Call, token: str) -> None:
        # As when "Require App Secret" is on.
        right = hmac.new(self.secrets.get(token, self.secret).encode(), token.encode(), hashlib.sha256).hexdigest()
        if call.params.pop("appsecret_proof", "") != right:
            raise Refusal(400, 100, "API calls from the server require an appsecret_proof argument")

    def _debugged(self, token: str, inspected: str) -> dict[str, Any]:
        if token != f"{self.app_id}|{self.secret}":
            raise Refusal(400, 190, "Invalid OAuth access token signature.")
        scopes = sorted(self.tokens.get(inspected, ()))
        return {"app_id": self.app_id, "is_valid": inspected in self.tokens, "expires_at": 0, "scopes": scopes, "user_id": "218471"}

    def _subscribe(self, call: Call) -> dict[str, Any]:
        if not any(one.owns(call.node) for one in self.parts):
            raise Refusal(400, 100, f"Unsupported request. Object with ID '{call.node}' does not exist")
        if call.method == "GET":
            fields = self.fields.get(call.node, [])
            return {"data": [{"id": self.app_id, "subscribed_fields": fields}] if call.node in self.subscribed else []}
        self.fields[call.node] = str(call.params.get("subscribed_fields", "")).split(",") if call.method == "POST" else []
        (self.subscribed.add if call.method == "POST" else self.subscribed.discard)(call.node)
        return {"success": True}

    async def _file(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in self.tokens:
            return PlainTextResponse("expired", 401)
        found = self.files.get(request.path_params["name"])
        return Response(found[0], media_type=found[1]) if found else Response(status_code=404)

    def _fault(self, edge: str) -> Fault | None:
        for fault in self._faults:
            if fault.edge in ("", edge):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        return None

    # Deliveries: one after the other, each again and again until it is taken.

    def _deliver(self) -> None:
        if self.hook and self.pending and (self._delivering is None or self._delivering.done()):
            self._delivering = asyncio.create_task(self._deliver_all(), name="deliveries")

    async def _deliver_all(self) -> None:
        # What happens while the client closes would find neither a delivery that takes it nor a task that is done.
        while self.pending:
            async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
                await self._deliver_pending(client)

    async def _deliver_pending(self, client: httpx.AsyncClient) -> None:
        wait = FIRST_RETRY_S
        while self.pending:
            body = self.pending[0]
            headers = {"X-Hub-Signature-256": self.signature(body), "content-type": "application/json"}
            try:
                answer = await client.post(self.hook, content=body, headers=headers)
                problem = "" if answer.is_success else f"answered {answer.status_code}"
            except httpx.HTTPError as error:
                problem = type(error).__name__
            if not problem:
                self.delivered_bodies.append(self.pending.pop(0))
                wait = FIRST_RETRY_S
                continue
            self.last_error = problem
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_RETRY_S)


@asynccontextmanager
async def open_meta(meta: Meta) -> AsyncGenerator[str]:
    """Serves it, as what every setting of Meta's points to meanwhile; its address."""
    names = ("SAVDO_META_URL", "SAVDO_META_DIALOG_URL", "SAVDO_INSTAGRAM_URL", "SAVDO_INSTAGRAM_DIALOG_URL", "SAVDO_INSTAGRAM_TOKEN_URL")
    before = {name: os.environ.get(name) for name in names}
    async with serving(meta.app) as base:
        os.environ.update(dict.fromkeys(names, base))
        settings.cache_clear()
        circuit.forget()
        try:
            yield base
        finally:
            await meta.close()
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
            settings.cache_clear()
            circuit.forget()


def dialog_page(links: Mapping[str, str]) -> HTMLResponse:
    """A login dialog: where each choice leads."""
    listed = "".join(f'<p><a href="{html.escape(address)}">{html.escape(words)}</a></p>' for words, address in links.items())
    head = '<!doctype html><html lang="en"><title>Log in</title><link rel="icon" href="data:,">'
    return HTMLResponse(f"{head}<main><h1>Log in</h1>{listed}</main>")


async def _params(request: Request) -> tuple[dict[str, Any], dict[str, tuple[str, bytes, str]]]:
    """The parameters of a call, nested objects opened, and its files by field (name, content, type)."""
    params: dict[str, Any] = dict(request.query_params)
    files: dict[str, tuple[str, bytes, str]] = {}
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        params |= json.loads(await request.body() or b"{}")
    elif kind:
        async with request.form(max_part_size=110_000_000) as form:
            for name, value in form.items():
                if isinstance(value, str):
                    params[name] = json.loads(value) if value[:1] in ("{", "[") else value
                else:
                    files[name] = (value.filename or "", await value.read(), value.content_type or "")
    return params, files
