"""A WAHA server with one session, the phone behind it, and the people who write to its number.

Deliveries wait in `pending` until `delivered` posts them to the webhook that the session was given, signed as WAHA signs.
Faults are told by `fails` (the next sends answer so); `revoked`, `unknown` and `status` last.
"""

import base64
import hashlib
import hmac
import itertools
import json
import random
import struct
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.serving import CUT

CODE_SIZE = 33


def code_picture(number: int) -> bytes:
    """A picture that looks like a code to scan, another one for each number."""
    dots = random.Random(number)
    corners = ((0, 0), (0, CODE_SIZE - 7), (CODE_SIZE - 7, 0))

    def dark(row: int, column: int) -> bool:
        for top, left in corners:
            if -1 <= row - top <= 7 and -1 <= column - left <= 7:
                ring = max(abs(row - top - 3), abs(column - left - 3))
                return ring not in (2, 4)
        return dots.random() < 0.5

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    lines = b"".join(b"\0" + bytes(0 if dark(row, column) else 255 for column in range(CODE_SIZE)) for row in range(CODE_SIZE))
    head = struct.pack(">IIBBBBB", CODE_SIZE, CODE_SIZE, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


PNG = code_picture(1)


@dataclass
class Sent:
    """One message sent through the server. `file` is its content."""

    id: str
    chat: str
    path: str
    text: str
    body: dict[str, Any]
    file: bytes | None = None
    at: float = field(default_factory=time.monotonic)


@dataclass
class Waha:
    key: str = "waha-key"
    engine: str = "GOWS"
    session: str = "default"
    status: str = "WORKING"
    me: str = "15550001111@c.us"
    name: str = "Oq Choy"
    exists: bool = True
    paired: bool = True
    revoked: bool = False
    unknown: set[str] = field(default_factory=set[str])
    sent: list[Sent] = field(default_factory=list[Sent])
    seen: list[str] = field(default_factory=list[str])
    typed: list[str] = field(default_factory=list[str])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    pending: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    faults: list[tuple[int, Any]] = field(default_factory=list[tuple[int, Any]])
    flooded_at: float = 0.0
    # What was said by either side, whether it was delivered or not.
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(4096))

    # What people and the phone do.

    def says(self, phone: str, text: str, *, name: str = "Ana", **more: Any) -> dict[str, Any]:
        """A customer writes; returns the payload."""
        return self._message(f"{phone}@c.us", text, {"_data": self._named(name), **more})

    def sends_file(self, phone: str, name: str, mime: str, content: bytes, caption: str = "", *, by: str = "Ana") -> dict[str, Any]:
        path = f"/api/files/{self.session}/{next(self.numbers)}-{name}"
        self.files[path] = content
        # The host is one that only the server itself knows.
        media = {"url": f"http://waha:3000{path}", "mimetype": mime, "filename": name, "s3": None, "error": None}
        return self.says(phone, caption, name=by, hasMedia=True, media=media)

    def person_answers(self, phone: str, text: str) -> dict[str, Any]:
        """Somebody of the company writes on the phone."""
        return self._message(f"{phone}@c.us", text, {"source": "app"}, own=True)

    def tells(self, sent: Sent, ack: int) -> None:
        self.happens("message.ack", {"id": f"true_{sent.chat}_{sent.id}", "from": self.me, "to": sent.chat, "fromMe": True, "ack": ack})

    def turns(self, status: str) -> None:
        """The session changes: `SCAN_QR_CODE` once the phone has ended it, `WORKING` once the code was scanned."""
        self.status = status
        self.happens("session.status", {"name": self.session, "status": status, "statuses": [], "data": None})

    def happens(self, event: str, payload: dict[str, Any]) -> None:
        number = next(self.numbers)
        self.pending.append(
            {"id": f"evt_{number}", "timestamp": int(time.time() * 1000), "session": self.session, "engine": self.engine, "event": event,
             "payload": payload, "me": {"id": self.me, "pushName": self.name}}
        )  # fmt: skip

    def fails(self, status: int, body: Any = None, times: int = 1) -> None:
        """The next sends are answered so; status 0 takes the message and cuts the connection."""
        self.faults += [(status, body or {"message": "no"})] * times

    def signed(self, body: bytes) -> dict[str, str]:
        key = str(self.config["webhooks"][0]["hmac"]["key"])
        return {
            "x-webhook-hmac": hmac.digest(key.encode(), body, hashlib.sha512).hex(), "x-webhook-hmac-algorithm": "sha512",
            "content-type": "application/json",
        }  # fmt: skip

    async def delivered(self, repeats: int = 1) -> None:
        """Posts everything that waits, each `repeats` times."""
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            while self.pending:
                body = json.dumps(self.pending[0]).encode()
                for _ in range(repeats):
                    answer = await client.post(self.config["webhooks"][0]["url"], content=body, headers=self.signed(body))
                    assert answer.status_code == 200, answer.text
                # Only now: what was not taken is posted again.
                self.pending.pop(0)

    # What the server answers.

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if self.revoked or request.headers.get("x-api-key") != self.key:
            return JSONResponse({"message": "Unauthorized", "statusCode": 401}, 401)
        path, body = request.url.path, await request.body()
        asked: dict[str, Any] = json.loads(body) if body else {}
        if path in self.files:
            return Response(self.files[path])
        if path.startswith("/api/sessions"):
            return self._sessions(request.method, path, asked)
        if path == f"/api/{self.session}/auth/qr":
            return Response(PNG, media_type="image/png")
        if path == f"/api/{self.session}/new-message-id" and self.exists:
            return JSONResponse({"id": f"3EB0{next(self.numbers):012X}"})
        if path == f"/api/{self.session}/auth/request-code":
            return JSONResponse({"code": "ABCD-EFGH"}, 201)
        if path == "/api/contacts/check-exists":
            phone = request.query_params["phone"]
            return JSONResponse({"numberExists": phone not in self.unknown, "chatId": f"{phone}@c.us"})
        if path.startswith(f"/api/{self.session}/chats/"):
            return JSONResponse(self._chats(path.removeprefix(f"/api/{self.session}/chats/"), request.query_params))
        if path in ("/api/sendSeen", "/api/startTyping"):
            self.seen += asked.get("messageIds", [])
            self.typed += [asked["chatId"]] if path.endswith("Typing") else []
            return JSONResponse({}, 201)
        if path.startswith("/api/send") and self.exists and asked.get("session") == self.session:
            return self._send(request, path.removeprefix("/api/"), asked)
        return JSONResponse({"message": "Session not found", "statusCode": 404}, 404)

    def _chats(self, path: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        """The chats with their last message, or the messages of one; the latest first."""
        latest = [(one["to"] if one["fromMe"] else one["from"], one) for one in reversed(self.history)]
        if path == "overview":
            chats: dict[str, Any] = {}
            for chat, payload in latest:
                chats.setdefault(chat, {"id": chat, "name": "Ana", "lastMessage": payload})
            return list(chats.values())
        since = int(asked["filter.timestamp.gte"])
        return [one for chat, one in latest if path == f"{chat}/messages" and one["timestamp"] >= since]

    def _sessions(self, method: str, path: str, asked: Mapping[str, Any]) -> Response:
        if path == "/api/sessions" and method == "POST":
            self.exists, self.status, self.config = True, "SCAN_QR_CODE", asked["config"]
            return JSONResponse({"name": self.session, "status": self.status}, 201)
        if not self.exists or path.split("/")[3] != self.session:
            return JSONResponse({"message": "Session not found", "statusCode": 404}, 404)
        if path.endswith("/restart"):
            self.status = "WORKING" if self.paired else "SCAN_QR_CODE"
        elif path.endswith("/logout"):
            self.status = "STOPPED"
        elif method == "PUT":
            self.config = dict(asked["config"])
        me = {"id": self.me, "pushName": self.name} if self.status == "WORKING" else None
        return JSONResponse(
            {"name": self.session, "status": self.status, "me": me, "engine": {"engine": self.engine}, "config": self.config}
        )

    def _send(self, request: Request, path: str, asked: dict[str, Any]) -> Response:
        status, body = self.faults.pop(0) if self.faults else (201, None)
        if status == 429:
            self.flooded_at = time.monotonic()
        if status not in (0, 201):
            return JSONResponse(body, status, {"retry-after": "1"} if status == 429 else {})
        if self.status != "WORKING":
            text = f"Session status is not as expected. Try again later or restart the session, session status {self.status}"
            return JSONResponse({"message": text, "session": self.session, "status": self.status, "expected": ["WORKING"]}, 422)
        if asked["chatId"].partition("@")[0] in self.unknown:
            return JSONResponse({"message": "not found", "statusCode": 400}, 400)
        known = next((one for one in self.sent if one.id == asked.get("id")), None)
        if known is not None:
            return JSONResponse(self._shown(known), 201)
        file = base64.b64decode(asked["file"]["data"]) if "file" in asked else None
        sent = Sent(asked.get("id") or f"3EB0{next(self.numbers):012X}", asked["chatId"], path, str(asked.get("text", "")), asked, file)
        self.sent.append(sent)
        if "webhooks" in self.config:
            self._message(sent.chat, sent.text, {"source": "api", "hasMedia": file is not None}, own=True, number=sent.id)
        if status == 0:
            request.scope[CUT]()
        return JSONResponse(self._shown(sent), 201)

    def _shown(self, sent: Sent) -> dict[str, Any]:
        """The id as each engine gives it back."""
        whole = f"true_{sent.chat}_{sent.id}"
        match self.engine:
            case "WEBJS" | "WPP":
                return {"id": {"fromMe": True, "remote": sent.chat, "id": sent.id, "_serialized": whole}}
            case "NOWEB":
                return {"key": {"remoteJid": sent.chat, "fromMe": True, "id": sent.id}, "status": "PENDING"}
            case _:
                return {"id": whole, "body": sent.text}

    def _message(self, chat: str, text: str, more: Mapping[str, Any], *, own: bool = False, number: str = "") -> dict[str, Any]:
        payload = {
            "id": f"{str(own).lower()}_{chat}_{number or f'3EB0{next(self.numbers):012X}'}", "timestamp": int(time.time()),
            "from": self.me if own else chat, "to": chat if own else self.me, "fromMe": own, "body": text, "hasMedia": False,
            "media": None, "replyTo": None, "location": None, "vCards": [], **more,
        }  # fmt: skip
        self.history.append(payload)
        self.happens("message.any", payload)
        return payload

    def _named(self, name: str) -> dict[str, Any]:
        return {"WEBJS": {"notifyName": name}, "NOWEB": {"pushName": name}}.get(self.engine, {"Info": {"PushName": name}})
