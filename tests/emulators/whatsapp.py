"""A company's WhatsApp number at the emulated Meta, the people who write to it, and the phone it also lives on."""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.meta import Call, Meta, Refusal

SCOPES = {"whatsapp_business_messaging", "whatsapp_business_management"}
LARGEST = {"image": 5_000_000, "audio": 16_000_000, "video": 16_000_000, "sticker": 100_000, "document": 100_000_000}
WINDOW_S = 24 * 3600


@dataclass
class Person:
    """A customer. One with a username may have no number to show."""

    name: str
    user_id: str
    wa_id: str = ""
    username: str = ""
    last_wrote_at: float = 0.0
    blocked: bool = False

    @property
    def contact(self) -> dict[str, Any]:
        profile = {"name": self.name} | ({"username": self.username} if self.username else {})
        return {"profile": profile} | {name: one for name, one in (("wa_id", self.wa_id), ("user_id", self.user_id)) if one}

    @property
    def author(self) -> dict[str, str]:
        return {name: one for name, one in (("from", self.wa_id), ("from_user_id", self.user_id)) if one}


@dataclass
class Sent:
    """One message the company sent by the API. `text` is what is read in it; `file` is its content."""

    id: str
    person: Person
    text: str
    body: dict[str, Any]
    file: bytes | None = None
    at: float = field(default_factory=time.monotonic)

    @property
    def type(self) -> str:
        return str(self.body["type"])


class WhatsApp:
    def __init__(
        self, meta: Meta, number_id: str = "200000000000002", *, token: str = "EAAwhatsapp", waba: str = "100000000000001"
    ) -> None:
        self.meta, self.number_id, self.token, self.waba = meta, number_id, token, waba
        self.name, self.display = "Oq Choy", "15550001111"
        self.quality = "GREEN"
        self.people: list[Person] = []
        self.sent: list[Sent] = []
        self.read: list[dict[str, Any]] = []
        # By name: the body, and whether Meta approved it.
        self.templates: dict[str, tuple[str, str]] = {
            "visit_reminder": ("Hello {{1}}, your visit is at {{2}}.", "APPROVED"), "spring_sale": ("Sale, {{name}}!", "PAUSED"),
        }  # fmt: skip
        self.uploads: dict[str, tuple[bytes, str]] = {}
        self.ad = itertools.count(6045)
        meta.joined(self, token, set(SCOPES))

    # What people do.

    def person(self, name: str = "Ana", *, user_id: str = "", wa_id: str | None = None, username: str = "") -> Person:
        number = len(self.people) + 1
        found = Person(name, user_id or f"UZ.{10**19 + number}", f"99890123{number:04}" if wa_id is None else wa_id, username)
        self.people.append(found)
        return found

    def says(self, person: Person, text: str, **more: Any) -> str:
        return self._message(person, "text", {"body": text}, **more)

    def says_all(self, person: Person, *texts: str) -> None:
        """Several messages in one delivery."""
        bodies = [{"type": "text", "text": {"body": text}} for text in texts]
        self._happens({"contacts": [person.contact], "messages": [self._written(person, one) for one in bodies]})

    def sends_file(self, person: Person, kind: str, content: bytes, mime: str, **more: Any) -> str:
        """`kind` as WhatsApp calls it: image, audio, video, document, sticker."""
        media_id = str(9000 + self.meta.number())
        self.uploads[media_id] = (content, mime)
        return self._message(person, kind, {"id": media_id, "mime_type": mime, "sha256": "aGFzaA=="} | more)

    def sends_location(self, person: Person, latitude: float, longitude: float, **more: Any) -> str:
        return self._message(person, "location", {"latitude": latitude, "longitude": longitude} | more)

    def orders(self, person: Person, *lines: Mapping[str, Any], text: str = "") -> str:
        """`lines`: {product_retailer_id, quantity, item_price, currency}."""
        return self._message(person, "order", {"catalog_id": "800", "text": text, "product_items": [dict(one) for one in lines]})

    def presses(self, person: Person, title: str) -> str:
        """Presses the newest button, or picks the newest row, of this title."""
        for sent in reversed(self.sent_to(person)):
            action = sent.body.get("interactive", {}).get("action", {})
            replies = [("button_reply", one["reply"]) for one in action.get("buttons", ())]
            replies += [("list_reply", row) for section in action.get("sections", ()) for row in section["rows"]]
            for kind, reply in replies:
                if reply["title"] == title:
                    context = {"from": self.display, "id": sent.id}
                    return self._message(person, "interactive", {"type": kind, kind: dict(reply)}, context=context)
        raise AssertionError(f"no button {title!r} for {person.name}")

    def deletes(self, person: Person, message_id: str) -> str:
        return self._message(person, "revoke", {"original_message_id": message_id})

    def comes_by_ad(self, person: Person, text: str, **more: Any) -> str:
        found = {"source_url": "https://fb.me/x", "source_type": "ad", "source_id": str(next(self.ad)), "ctwa_clid": "ARA"}
        return self.says(person, text, referral=found | more)

    def moves(self, person: Person, user_id: str) -> str:
        before, person.user_id = person.user_id, user_id
        return self._message(person, "system", {"type": "user_changed_user_id", "user_id": user_id, "previous_user_id": before})

    # What the company does on the phone, and what Meta tells.

    def person_answers(self, person: Person, text: str) -> str:
        """The owner writes in the WhatsApp Business app."""
        return self._echo(person, {"type": "text", "text": {"body": text}})

    def person_corrects(self, person: Person, message_id: str, text: str) -> str:
        content = {"type": "text", "text": {"body": text}}
        return self._echo(person, {"type": "edit", "edit": {"original_message_id": message_id, "message": content}})

    def tells(self, sent: Sent, status: str, code: int = 0, **more: Any) -> None:
        found: dict[str, Any] = {
            "id": sent.id, "status": status, "timestamp": _now(), "recipient_id": sent.person.wa_id,
            "recipient_user_id": sent.person.user_id, "biz_opaque_callback_data": sent.body.get("biz_opaque_callback_data", ""),
        }  # fmt: skip
        if code:
            found["errors"] = [{"code": code, "title": "An error", "error_data": {"details": f"Details of {code}"}}]
        self._happens({"statuses": [found | more]})

    def time_passes(self, person: Person, seconds: float = WINDOW_S + 60) -> None:
        """The person wrote longer ago than before."""
        person.last_wrote_at -= seconds

    def sent_to(self, person: Person) -> list[Sent]:
        return [one for one in self.sent if one.person is person]

    # What the API is asked for.

    def owns(self, node: str) -> bool:
        return node in (self.number_id, self.waba) or node in self.uploads

    def call(self, call: Call) -> Any:
        if call.node in self.uploads:
            content, mime = self.uploads[call.node]
            self.meta.files[call.node] = (content, mime)
            url = f"{call.base}/files/{call.node}"
            return {"messaging_product": "whatsapp", "id": call.node, "url": url, "mime_type": mime, "file_size": len(content)}
        if call.node == self.number_id and not call.edge:
            return {"id": call.node, "display_phone_number": self.display, "verified_name": self.name, "quality_rating": self.quality}
        if call.node == self.waba and call.edge == "message_templates":
            return self._listed(call.params)
        if call.node == self.number_id and call.edge == "media":
            return self._upload(call)
        if call.node == self.number_id and call.edge == "messages" and call.params.get("messaging_product") == "whatsapp":
            return self._read(call.params) if call.params.get("status") == "read" else self._send(call.params)
        raise Refusal(400, 100, "Invalid parameter")

    def _upload(self, call: Call) -> dict[str, str]:
        _, content, mime = call.files["file"]
        if call.params.get("messaging_product") != "whatsapp" or call.params.get("type") != mime:
            raise Refusal(400, 131053, "Media upload error", details="The MIME type does not match.")
        media_id = str(5000 + self.meta.number())
        self.uploads[media_id] = (content, mime)
        return {"id": media_id}

    def _read(self, params: Mapping[str, Any]) -> dict[str, bool]:
        if not str(params.get("message_id", "")).startswith("wamid."):
            raise Refusal(400, 131009, "Parameter value is not valid")
        self.read.append(dict(params))
        return {"success": True}

    def _send(self, body: dict[str, Any]) -> dict[str, Any]:
        person = self._recipient(body)
        kind = str(body.get("type"))
        text, content = self._shown(kind, body.get(kind))
        if kind != "template" and time.time() - person.last_wrote_at > WINDOW_S:
            raise Refusal(400, 131047, "Re-engagement message", details="More than 24 hours have passed since the recipient last replied.")
        if person.blocked:
            raise Refusal(400, 131026, "Message undeliverable", details="Message Undeliverable.")
        sent = Sent(f"wamid.OUT{self.meta.number()}", person, text, body, content)
        self.sent.append(sent)
        return {"messaging_product": "whatsapp", "contacts": [person.contact], "messages": [{"id": sent.id}]}

    def _recipient(self, body: Mapping[str, Any]) -> Person:
        to, recipient = str(body.get("to", "")), body.get("recipient")
        if to and not to.startswith("+"):
            raise Refusal(400, 131009, "Parameter value is not valid", details="A number needs its plus.")
        found = [one for one in self.people if (to and one.wa_id == to[1:]) or (not to and recipient and one.user_id == recipient)]
        if bool(to) == bool(recipient) or not found:
            raise Refusal(400, 100, "Invalid parameter", details="Exactly one known recipient is needed.")
        return found[0]

    def _shown(self, kind: str, content: Any) -> tuple[str, bytes | None]:
        if not isinstance(content, dict):
            raise Refusal(400, 131008, "Required parameter is missing")
        if kind == "text":
            return self._text(content.get("body"), 4096), None
        if kind == "interactive":
            return self._interactive(content), None
        if kind == "template":
            return self._template(content), None
        if kind not in LARGEST or content.get("id") not in self.uploads:
            raise Refusal(400, 131009, "Parameter value is not valid")
        found, _ = self.uploads[content["id"]]
        if len(found) > LARGEST[kind] or (kind in ("audio", "sticker") and "caption" in content):
            raise Refusal(400, 131053, "Media upload error")
        return self._text(content.get("caption", ""), 1024, empty=True), found

    def _interactive(self, content: Mapping[str, Any]) -> str:
        action, kind = content["action"], content["type"]
        if kind == "button":
            replies = [one["reply"] for one in action["buttons"]]
            fits = len(replies) <= 3 and all(0 < len(one["title"]) <= 20 and 0 < len(one["id"]) <= 256 for one in replies)
            longest = 1024
        elif kind == "list":
            rows = [row for section in action["sections"] for row in section["rows"]]
            fits = len(action["button"]) <= 20 and len(rows) <= 10 and all(
                0 < len(one["title"]) <= 24 and 0 < len(one["id"]) <= 200 and len(one.get("description", "")) <= 72 for one in rows
            )  # fmt: skip
            longest = 4096
        else:
            fits, longest = kind == "cta_url" and len(action["parameters"]["display_text"]) <= 20, 1024
        if not fits:
            raise Refusal(400, 131009, "Parameter value is not valid")
        return self._text(content["body"]["text"], longest)

    def _template(self, content: Mapping[str, Any]) -> str:
        body, status = self.templates.get(content["name"], ("", ""))
        if status != "APPROVED":
            raise Refusal(404, 132015 if status else 132001, "Template name does not exist in the translation, or it is paused")
        wanted = body.count("{{")
        parameters = [one for part in content.get("components", ()) if part["type"] == "body" for one in part["parameters"]]
        if len(parameters) != wanted:
            raise Refusal(400, 132000, "Number of parameters does not match the expected number of params")
        return f"{content['name']}: {', '.join(one['text'] for one in parameters)}"

    def _listed(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """One a page, so that pages are asked for."""
        names = sorted(self.templates)
        at = int(params.get("after", 0))
        body, status = self.templates[names[at]]
        components = [{"type": "BODY", "text": body}, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Confirm"}]}]
        one = {"name": names[at], "language": "en", "status": status, "category": "UTILITY", "id": str(at), "components": components}
        more = {"next": "https://elsewhere.example/next"} if at + 1 < len(names) else {}
        return {"data": [one], "paging": {"cursors": {"before": str(at), "after": str(at + 1)}, **more}}

    def _text(self, text: Any, longest: int, *, empty: bool = False) -> str:
        if not isinstance(text, str) or not (text.strip() or empty) or len(text) > longest:
            raise Refusal(400, 100, "Invalid parameter", details=f"The text must have 1 to {longest} characters.")
        return text

    # How it is delivered.

    def _message(self, person: Person, kind: str, content: Mapping[str, Any], **more: Any) -> str:
        message = self._written(person, {"type": kind, kind: dict(content), **more})
        self._happens({"contacts": [person.contact], "messages": [message]})
        return str(message["id"])

    def _written(self, person: Person, content: Mapping[str, Any]) -> dict[str, Any]:
        person.last_wrote_at = time.time()
        return {**person.author, "id": f"wamid.IN{self.meta.number()}", "timestamp": _now(), **content}

    def _echo(self, person: Person, content: Mapping[str, Any]) -> str:
        message = {"from": self.display, "to": person.wa_id, "id": f"wamid.E{self.meta.number()}", "timestamp": _now(), **content}
        self._happens({"message_echoes": [message]}, "smb_message_echoes")
        return str(message["id"])

    def _happens(self, value: Mapping[str, Any], name: str = "messages") -> None:
        metadata = {"display_phone_number": self.display, "phone_number_id": self.number_id}
        change = {"field": name, "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
        self.meta.happens({"object": "whatsapp_business_account", "entry": [{"id": self.waba, "changes": [change]}]})


def _now() -> str:
    return str(int(time.time()))
