"""The Telegram Bot API of one bot, and its customers.

Methods take JSON, forms and multipart. Updates are kept until they are confirmed: by the offset of `getUpdates`, or by
a 2xx of the webhook, which gets them in order within a chat, one at a time, again and again until then.
Unlike Telegram, a webhook may be plain http on this machine, and its retries begin after 50 ms instead of a second.
"""

import asyncio
import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.emulators.serving import CUT
from tests.emulators.telegram_accounts import Accounts
from tests.emulators.telegram_customers import Sent
from tests.emulators.telegram_text import CannotParse, parsed, units

FIRST_RETRY_S = 0.05
LONGEST_RETRY_S = 1.0
UPLOADS = {"sendphoto": ("photo", 10_000_000), "senddocument": ("document", 50_000_000), "sendvoice": ("voice", 50_000_000)}
CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
HOOKED = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


@dataclass
class Fault:
    """What happens to the next `times` calls of `method` ("" for every one)."""

    method: str
    times: int = 1
    status: int = 0
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cut: bool = False
    taking: bool = False
    seconds: float = 0.0


class Refusal(Exception):
    def __init__(self, status: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters


class Telegram(Accounts):
    def __init__(self, token: str = "777:" + "A" * 35, username: str = "oqchoy_bot", first: int = 1) -> None:
        """`first` is where its numbers begin: whoever keeps them must not meet them again in the next run."""
        super().__init__(int(token.partition(":")[0]), username, first)
        self.token = token
        self.app = Starlette(routes=[
            Route("/bot{token}/{method}", self._method, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self._download),
        ])  # fmt: skip
        self.calls: Counter[str] = Counter()
        self.answered_callbacks: list[str] = []
        self.webhook: dict[str, Any] = {}
        self.last_error = ""
        self.seconds_between = 0.0
        self.reads_groups = False
        self.flooded_at = 0.0
        self.typed: list[int] = []
        self._faults: list[Fault] = []
        self._poller = 0
        self._last: dict[int, float] = {}
        self._delivering: dict[int, asyncio.Task[None]] = {}

    # What a test sees and does.

    async def wait_for_sent(self, chat: int, count: int, seconds: float = 10.0) -> list[Sent]:
        async with asyncio.timeout(seconds):
            while len(self.sent_to(chat)) < count:  # noqa: ASYNC110 # a test may look often
                await asyncio.sleep(0.01)
        return self.sent_to(chat)

    def fails(self, method: str, status: int, description: str, *, times: int = 1, **parameters: Any) -> None:
        self._faults.append(Fault(method.lower(), times, status, description, parameters))

    def floods(self, method: str = "", *, retry_after: int = 1, times: int = 1) -> None:
        self.fails(method, 429, f"Too Many Requests: retry after {retry_after}", times=times, retry_after=retry_after)

    def cuts(self, method: str, *, taking: bool, times: int = 1) -> None:
        """Breaks the connection without an answer, with the message taken or not."""
        self._faults.append(Fault(method.lower(), times, cut=True, taking=taking))

    def is_slow(self, method: str, seconds: float, *, times: int = 1) -> None:
        self._faults.append(Fault(method.lower(), times, seconds=seconds))

    def revoke(self) -> None:
        """BotFather gave out a new token."""
        self.token = f"{self.id}:revoked"

    def limits(self, messages_per_second: float) -> None:
        """Refuses what comes faster to one chat."""
        self.seconds_between = 1 / messages_per_second

    async def delivered(self, seconds: float = 10.0) -> None:
        """Waits until every update was confirmed."""
        async with asyncio.timeout(seconds):
            while self.pending:  # noqa: ASYNC110 # a test may look often
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Ends the deliveries; undelivered updates are lost."""
        for task in self._delivering.values():
            task.cancel()
        await asyncio.gather(*self._delivering.values(), return_exceptions=True)

    # What the bot calls.

    async def _method(self, request: Request) -> Response:
        method = request.path_params["method"].lower()
        self.calls[method] += 1
        try:
            params, files = await _params(request)
            fault = self._fault(method)
            if fault is not None and fault.cut:
                if fault.taking:
                    await self._result(request, method, params, files)
                request.scope[CUT]()
                await asyncio.sleep(0)
                return Response()
            if fault is not None:
                await asyncio.sleep(fault.seconds)
            if fault is not None and fault.status == 429:
                self.flooded_at = time.monotonic()
            if fault is not None and fault.status:
                raise Refusal(fault.status, fault.description, **fault.parameters)
            return JSONResponse({"ok": True, "result": await self._result(request, method, params, files)})
        except Refusal as refusal:
            answer: dict[str, Any] = {"ok": False, "error_code": refusal.status, "description": refusal.description}
            if refusal.parameters:
                answer["parameters"] = refusal.parameters
            return JSONResponse(answer, refusal.status)

    def _fault(self, method: str) -> Fault | None:
        for fault in self._faults:
            if fault.method in ("", method):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        return None

    async def _result(self, request: Request, method: str, params: dict[str, Any], files: Mapping[str, tuple[str, bytes]]) -> Any:
        if request.path_params["token"] != self.token:
            raise Refusal(401, "Unauthorized")
        if method == "getme":
            return {
                "id": self.id, "is_bot": True, "first_name": "Oq Choy", "username": self.username, "can_join_groups": True,
                "can_read_all_group_messages": self.reads_groups, "can_connect_to_business": self.business_mode,
            }  # fmt: skip
        if method == "getupdates":
            return await self._get_updates(request, params)
        if method == "sendmessage" or method in UPLOADS:
            return self._send(method, params, files)
        known = {
            "setwebhook": self._set_webhook, "deletewebhook": self._delete_webhook, "getwebhookinfo": self._webhook_info,
            "sendchataction": self._chat_action, "answercallbackquery": self._answer_callback,
            "editmessagetext": self._edit, "getfile": self._get_file, "readbusinessmessage": self.reads,
        }  # fmt: skip
        if method not in known:
            raise Refusal(404, "Not Found: method not found")
        return known[method](params)

    def _send(self, method: str, params: dict[str, Any], files: Mapping[str, tuple[str, bytes]]) -> dict[str, Any]:
        chat = self._chat(params)
        file = None
        if method in UPLOADS:
            kind, largest = UPLOADS[method]
            if kind not in files:
                raise Refusal(400, f"Bad Request: there is no {kind} in the request")
            file = (kind, *files[kind])
            if len(file[2]) > largest:
                raise Refusal(413, "Request Entity Too Large")
        text = self._text(params, "caption" if file else "text", 1024 if file else 4096)
        if not text and file is None:
            raise Refusal(400, "Bad Request: message text is empty")
        for button in itertools.chain.from_iterable(params.get("reply_markup", {}).get("inline_keyboard", [])):
            if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
                raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
        if "business_connection_id" in params and (refusal := self.refusal_as_account(params)):
            raise Refusal(400, refusal)
        self._pace(chat)
        sent = Sent(method, chat, next(self._numbers), text, params, file)
        self.sent.append(sent)
        if "business_connection_id" in params and self.echoes:
            self.echoed(sent)
        return self._shown(sent)

    def _chat(self, params: Mapping[str, Any]) -> int:
        chat = int(params.get("chat_id") or 0)
        if chat in self.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat == 0:
            raise Refusal(400, "Bad Request: chat not found")
        return chat

    def _text(self, params: Mapping[str, Any], name: str, longest: int) -> str:
        text = str(params.get(name, ""))
        try:
            shown = parsed(text) if params.get("parse_mode") == "HTML" else text.strip()
        except CannotParse as error:
            raise Refusal(400, f"Bad Request: can't parse entities: {error}") from None
        if units(shown) > longest:
            raise Refusal(400, "Bad Request: message is too long" if name == "text" else "Bad Request: message caption is too long")
        return shown

    def _pace(self, chat: int) -> None:
        wait = self._last.get(chat, -1e9) + self.seconds_between - time.monotonic()
        if self.seconds_between and wait > 0:
            seconds = int(wait) + 1
            raise Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        self._last[chat] = time.monotonic()

    def _chat_action(self, params: dict[str, Any]) -> bool:
        if "business_connection_id" in params and (refusal := self.refusal_as_account(params)):
            raise Refusal(400, refusal)
        self.typed.append(self._chat(params))
        return True

    def _answer_callback(self, params: Mapping[str, Any]) -> bool:
        query = str(params.get("callback_query_id", ""))
        if not query.startswith("cb"):
            raise Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.answered_callbacks.append(query)
        return True

    def _edit(self, params: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat(params)
        sent = next((one for one in self.sent_to(chat) if one.message_id == params.get("message_id")), None)
        if sent is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        text = self._text(params, "text", 4096)
        if text == sent.text:
            raise Refusal(400, "Bad Request: message is not modified: specified new message content is exactly the same")
        sent.text = text
        return self._shown(sent)

    def _get_file(self, params: Mapping[str, Any]) -> dict[str, Any]:
        file_id = str(params.get("file_id"))
        if file_id not in self.files:
            raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        path, content = self.files[file_id]
        if len(content) > 20_000_000:
            raise Refusal(400, "Bad Request: file is too big")
        return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(content), "file_path": path}

    async def _download(self, request: Request) -> Response:
        if request.path_params["token"] != self.token:
            return JSONResponse({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        content = next((content for path, content in self.files.values() if path == request.path_params["path"]), None)
        return Response(status_code=404) if content is None else Response(content, media_type="application/octet-stream")

    # Updates: kept until they are confirmed.

    async def _get_updates(self, request: Request, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self.webhook.get("url"):
            raise Refusal(409, HOOKED)
        self._poller += 1
        me, ends = self._poller, time.monotonic() + min(int(params.get("timeout") or 0), 50)
        if (offset := int(params.get("offset") or 0)) > 0:
            self.pending = [update for update in self.pending if update["update_id"] >= offset]
        while not self.pending and time.monotonic() < ends and not await request.is_disconnected():
            await asyncio.sleep(0.02)
            if me != self._poller:
                raise Refusal(409, CONFLICT)
        return self.pending[: int(params.get("limit") or 100)]

    def _set_webhook(self, params: dict[str, Any]) -> bool:
        url = str(params.get("url", ""))
        if not re.match(r"https://|http://(127\.0\.0\.1|localhost)[:/]", url):
            raise Refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", str(params.get("secret_token", ""))):
            raise Refusal(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = params
        self.news()
        return True

    def _delete_webhook(self, params: Mapping[str, Any]) -> bool:
        self.webhook = {}
        return True

    def _webhook_info(self, params: Mapping[str, Any]) -> dict[str, Any]:
        info = {"url": self.webhook.get("url", ""), "has_custom_certificate": False, "pending_update_count": len(self.pending)}
        return info | ({"last_error_message": self.last_error, "last_error_date": int(time.time())} if self.last_error else {})

    def news(self) -> None:
        by_chat: dict[int, None] = dict.fromkeys(_chat_of(update) for update in self.pending)
        for chat in by_chat if self.webhook.get("url") else ():
            task = self._delivering.get(chat)
            if task is None or task.done():
                self._delivering[chat] = asyncio.create_task(self._deliver_chat(chat), name=f"deliveries {chat}")

    async def _deliver_chat(self, chat: int) -> None:
        # What happens while the client closes would find neither a delivery that takes it nor a task that is done.
        while self.webhook.get("url") and self._next(chat):
            async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
                await self._deliver_next(client, chat)

    async def _deliver_next(self, client: httpx.AsyncClient, chat: int) -> None:
        wait = FIRST_RETRY_S
        while (url := self.webhook.get("url")) and (update := self._next(chat)):
            headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", "")}
            try:
                answer = await client.post(url, json=update, headers=headers)
                problem = "" if answer.is_success else f"Wrong response from the webhook: {answer.status_code}"
            except httpx.HTTPError as error:
                problem = f"Connection failed: {type(error).__name__}"
            if not problem:
                self.pending.remove(update)
                wait = FIRST_RETRY_S
                continue
            self.last_error = problem
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_RETRY_S)

    def _next(self, chat: int) -> dict[str, Any] | None:
        return next((update for update in self.pending if _chat_of(update) == chat), None)


def _chat_of(update: Mapping[str, Any]) -> int:
    for content in update.values():
        if isinstance(content, dict):
            chat = content.get("chat") or (content.get("message") or {}).get("chat") or {}
            return int(chat.get("id", 0))
    return 0


async def _params(request: Request) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    """The parameters of a call, nested objects opened, and its files by field (name, content)."""
    params: dict[str, Any] = dict(request.query_params)
    files: dict[str, tuple[str, bytes]] = {}
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        params |= json.loads(await request.body() or b"{}")
    elif kind:
        async with request.form(max_part_size=60_000_000) as form:
            for name, value in form.items():
                if isinstance(value, str):
                    params[name] = json.loads(value) if value[:1] in ("{", "[") else value
                else:
                    files[name] = (value.filename or "", await value.read())
    return params, files
