"""A company's Facebook page or Instagram account at the emulated Meta, the people who write to it, and its own inbox."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from tests.emulators.meta import Call, Meta, Refusal

MESSENGER_SCOPES = {"pages_messaging", "pages_manage_metadata", "pages_show_list", "pages_read_engagement", "pages_manage_engagement"}
INSTAGRAM_SCOPES = {"instagram_basic", "instagram_manage_messages", "instagram_manage_comments", "pages_manage_metadata", "pages_show_list"}
OWN_SCOPES = {"instagram_business_basic", "instagram_business_manage_messages", "instagram_business_manage_comments"}
INSTAGRAM_SECRET = "instagram_secret_456"
DAY_S, WEEK_S = 24 * 3600, 7 * 24 * 3600
INBOX_APP = 263902037430900
TYPES = {
    "image": {"image/png", "image/jpeg", "image/gif"},
    "audio": {"audio/aac", "audio/mp4", "audio/x-m4a", "audio/m4a", "audio/wav", "audio/x-wav"},
    "video": {"video/mp4", "video/ogg", "video/x-msvideo", "video/quicktime", "video/webm"},
}
Kind = Literal["messenger", "instagram", "own"]


@dataclass
class Person:
    """A customer, by the id they have for this page or account."""

    id: str
    name: str
    last_wrote_at: float = 0.0
    blocked: bool = False


@dataclass
class Sent:
    """One message the company sent by the API. `text` is what is read in it."""

    id: str
    person: Person | None
    text: str
    body: dict[str, Any]
    at: float = field(default_factory=time.monotonic)

    @property
    def replies(self) -> list[str]:
        return [one["title"] for one in self.body["message"].get("quick_replies", ())]

    @property
    def buttons(self) -> list[dict[str, Any]]:
        return list(self.body["message"].get("attachment", {}).get("payload", {}).get("buttons", ()))


class Page:
    """`kind`: a page in Messenger, an Instagram account led by a page, or one that logged in by itself (own)."""

    def __init__(self, meta: Meta, kind: Kind = "messenger", page_id: str = "111", account: str = "", token: str = "EAAPAGE") -> None:
        self.meta, self.kind, self.page_id, self.token = meta, kind, page_id, token
        self.account = account or (page_id if kind == "messenger" else "17841400000000001")
        self.name, self.username = "Oq Choy", "oqchoy"
        self.people: list[Person] = []
        self.sent: list[Sent] = []
        # What was said by either side, whether it was delivered or not.
        self.history: list[dict[str, Any]] = []
        self.shown: list[tuple[str, str]] = []
        self.comments: dict[str, Person] = {}
        self.answered: list[tuple[str, str]] = []
        self.uploads: dict[str, tuple[str, bytes, str]] = {}
        # Where the emulator stands, for the addresses of files.
        self.base = "http://127.0.0.1:1"
        # What it sends comes back as an echo where a page has asked for that.
        self.echoes = True
        scopes = {"messenger": MESSENGER_SCOPES, "instagram": INSTAGRAM_SCOPES, "own": OWN_SCOPES}[kind]
        meta.joined(self, token, set(scopes))
        if kind == "own":
            meta.secrets[token] = INSTAGRAM_SECRET

    # What people do.

    def person(self, name: str = "Ana Tea") -> Person:
        found = Person(f"{'PSID' if self.kind == 'messenger' else 'IGSID'}{len(self.people) + 1}", name)
        self.people.append(found)
        return found

    def says(self, person: Person, text: str, **more: Any) -> str:
        return self._message(person, {"text": text, **more})

    def says_all(self, person: Person, *texts: str) -> None:
        """Several messages in one delivery."""
        self._happens(*(self._from(person, {"message": {"mid": self._mid("IN"), "text": text}}) for text in texts))

    def sends_file(self, person: Person, kind: str, content: bytes, mime: str, **more: Any) -> str:
        name = f"f{self.meta.number()}"
        self.meta.files[name] = (content, mime)
        attachment = {"type": kind, "payload": {"url": f"{self.base}/files/{name}"}}
        return self._message(person, {"attachments": [attachment], **more})

    def presses(self, person: Person, title: str) -> str:
        """The newest button or quick reply of this title."""
        for sent in reversed(self.sent_to(person)):
            for reply in sent.body["message"].get("quick_replies", ()):
                if reply["title"] == title:
                    return self._message(person, {"text": title, "quick_reply": {"payload": reply["payload"]}})
            for button in sent.buttons:
                if button["title"] == title:
                    return self._event(person, {"postback": {"mid": self._mid("IN"), "title": title, "payload": button["payload"]}})
        raise AssertionError(f"no button {title!r} for {person.name}")

    def reads(self, person: Person) -> None:
        last = self.sent_to(person)[-1]
        told = {"watermark": _now()} if self.kind == "messenger" else {"mid": last.id}
        self._event(person, {"read": told})

    def comments_on(self, person: Person, text: str) -> str:
        comment_id = f"C{self.meta.number()}"
        self.comments[comment_id] = person
        if self.kind == "messenger":
            value: dict[str, Any] = {"item": "comment", "verb": "add", "comment_id": comment_id, "post_id": "111_1", "parent_id": "111_1"}
            value |= {"message": text, "from": {"id": person.id, "name": person.name}, "created_time": int(time.time())}
            self._deliver({"changes": [{"field": "feed", "value": value}]})
        else:
            value = {"id": comment_id, "text": text, "from": {"id": person.id, "username": "ana"}, "media": {"id": "M1"}}
            self._deliver({"changes": [{"field": "comments", "value": value}]})
        return comment_id

    # What the company does elsewhere, and what passes.

    def person_answers(self, person: Person, text: str) -> str:
        """Somebody of the company writes in the page's inbox or in the Instagram app."""
        return self._echoed(person, {"text": text} | ({"app_id": INBOX_APP} if self.kind == "messenger" else {}))

    def is_led_elsewhere(self, person: Person, text: str) -> None:
        """The person writes while another app leads the conversation."""
        person.last_wrote_at = time.time()
        self._deliver({"standby": [self._from(person, {"message": {"mid": self._mid("IN"), "text": text}})]})

    def time_passes(self, person: Person, seconds: float = DAY_S + 60) -> None:
        person.last_wrote_at -= seconds

    def sent_to(self, person: Person) -> list[Sent]:
        return [one for one in self.sent if one.person is person]

    # What the API is asked for.

    @property
    def node(self) -> str:
        return self.account if self.kind == "own" else self.page_id

    def owns(self, node: str) -> bool:
        known = {"me", self.page_id if self.kind != "own" else "", self.account, *self.comments, *(one.id for one in self.people)}
        return node in known

    def call(self, call: Call) -> Any:
        if call.node == self.node and call.edge == "messages":
            return self._show(call.params) if "sender_action" in call.params else self._send(call.params)
        if call.node == self.node and call.edge == "message_attachments":
            return self._upload(call)
        if call.node in self.comments and call.edge in ("comments", "replies"):
            self.answered.append((call.node, self._text(call.params.get("message"))))
            return {"id": f"CR{self.meta.number()}"}
        if call.node == self.node and call.edge == "conversations":
            return {"data": self._conversations(call.params)}
        if call.edge == "messenger_profile" and call.method == "POST":
            return {"result": "success"}
        if call.edge:
            raise Refusal(400, 100, f"Unknown path components: /{call.edge}")
        return self._node(call.node)

    def _node(self, node: str) -> dict[str, Any]:
        person = next((one for one in self.people if one.id == node), None)
        if person is not None and not person.last_wrote_at:
            raise Refusal(400, 230, "User consent is required to access user profile")
        if person is not None:
            first, _, last = person.name.partition(" ")
            named = {"first_name": first, "last_name": last} if self.kind == "messenger" else {"name": person.name, "username": "ana"}
            return {"id": node, **named}
        return {"id": node, "user_id": self.account, "name": self.name, "username": self.username}

    def _conversations(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every conversation with its messages, the latest first."""
        if params.get("platform") != ("messenger" if self.kind == "messenger" else "instagram"):
            raise Refusal(400, 100, "platform is not valid")
        found: dict[str, list[dict[str, Any]]] = {}
        for item in reversed(self.history):
            message, ids = item["message"], {item["sender"]["id"], item["recipient"]["id"]} - {self.account}
            files = [{"mime_type": "image/png", "image_data": one["payload"]} for one in message.get("attachments", ())]
            found.setdefault(ids.pop(), []).append({
                "id": message["mid"], "created_time": _written(item["timestamp"]), "message": message.get("text", ""),
                "from": item["sender"], "to": {"data": [item["recipient"]]}, **({"attachments": {"data": files}} if files else {}),
            })  # fmt: skip
        return [{"id": f"t_{who}", "updated_time": said[0]["created_time"], "messages": {"data": said}} for who, said in found.items()]

    def _upload(self, call: Call) -> dict[str, str]:
        attachment = call.params["message"]["attachment"]
        name, content, mime = call.files["filedata"]
        if self.kind != "messenger" and call.params.get("platform") != "instagram":
            raise Refusal(400, 100, "platform is needed")
        allowed = TYPES.get(attachment["type"], {mime} if self.kind == "messenger" else {"application/pdf"})
        allowed = allowed | ({"audio/mpeg"} if self.kind == "messenger" and attachment["type"] == "audio" else set())
        if mime not in allowed or len(content) > (8_000_000 if attachment["type"] == "image" else 25_000_000):
            raise Refusal(400, 100, f"{mime} is no {attachment['type']}")
        attachment_id = str(7000 + self.meta.number())
        self.uploads[attachment_id] = (name, content, mime)
        return {"attachment_id": attachment_id}

    def _show(self, body: Mapping[str, Any]) -> dict[str, str]:
        if "message" in body or body["sender_action"] not in ("typing_on", "typing_off", "mark_seen"):
            raise Refusal(400, 100, "Invalid parameter")
        self.shown.append((body["recipient"]["id"], body["sender_action"]))
        return {"recipient_id": body["recipient"]["id"]}

    def _send(self, body: dict[str, Any]) -> dict[str, str]:
        text = self._read(body["message"])
        comment_id = body["recipient"].get("comment_id", "")
        if comment_id:
            if comment_id not in self.comments or any(one.body["recipient"] == body["recipient"] for one in self.sent):
                raise Refusal(400, 10900, "Activity already replied to")
            person, receiver = None, self.comments[comment_id]
        else:
            person = receiver = self._receiver(body)
        sent = Sent(self._mid("OUT"), person, text, body)
        self.sent.append(sent)
        if self.echoes:
            more = {"app_id": int(self.meta.app_id), "metadata": body["message"].get("metadata", "")} if self.kind == "messenger" else {}
            self._echoed(receiver, {"text": text, **more}, sent.id)
        return {"recipient_id": receiver.id, "message_id": sent.id}

    def _receiver(self, body: dict[str, Any]) -> Person:
        person = next((one for one in self.people if one.id == body["recipient"].get("id")), None)
        outside, unknown = ((10, 2018278), (100, 2018001)) if self.kind == "messenger" else ((10, 2534022), (100, 2534014))
        if person is None:
            raise Refusal(400, unknown[0], "No matching user found", subcode=unknown[1])
        if person.blocked:
            raise Refusal(400, 551, "This person isn't available right now.")
        kind, tag = body.get("messaging_type"), body.get("tag")
        if (kind != "RESPONSE" or tag) and (kind, tag) != ("MESSAGE_TAG", "HUMAN_AGENT") and (kind or self.kind != "own"):
            raise Refusal(400, 100, "messaging_type is not valid")
        if time.time() - person.last_wrote_at > (WEEK_S if tag else DAY_S):
            raise Refusal(400, outside[0], "This message is sent outside of allowed window.", subcode=outside[1])
        return person

    def _read(self, message: Mapping[str, Any]) -> str:
        for reply in message.get("quick_replies", ()):
            if len(message["quick_replies"]) > 13 or not 0 < len(reply["title"]) <= 20 or not reply["payload"]:
                raise Refusal(400, 100, "Invalid quick reply")
        attachment = message.get("attachment")
        if attachment is None:
            return self._text(message.get("text"))
        payload = attachment["payload"]
        if attachment["type"] != "template":
            if payload.get("attachment_id") not in self.uploads and not str(payload.get("url", "")).startswith("https://"):
                raise Refusal(400, 100, "attachment_id is not valid")
            return ""
        shown = payload["buttons"]
        if not (1 <= len(shown) <= 3 and all(0 < len(one["title"]) <= 20 for one in shown) and 0 < len(payload["text"]) <= 640):
            raise Refusal(400, 100, "Invalid template")
        return self._text(payload["text"])

    def _text(self, text: Any) -> str:
        longest = 2000 if self.kind == "messenger" else 1000
        size = len(text.encode("utf-16-le")) // 2 if self.kind == "messenger" else len(text.encode())
        if not isinstance(text, str) or not text.strip() or size > longest:
            raise Refusal(400, 100, f"The text must have 1 to {longest}.")
        return text

    # How it is delivered.

    def _mid(self, side: str) -> str:
        return f"{'m' if self.kind == 'messenger' else 'aWdf'}_{side}{self.meta.number()}"

    def _message(self, person: Person, content: Mapping[str, Any]) -> str:
        message = {"mid": self._mid("IN"), **content}
        self._event(person, {"message": message})
        return str(message["mid"])

    def _event(self, person: Person, told: dict[str, Any]) -> str:
        self._happens(self._from(person, told))
        return str(next(iter(told.values())).get("mid", ""))

    def _from(self, person: Person, told: dict[str, Any]) -> dict[str, Any]:
        if "message" in told or "postback" in told:
            person.last_wrote_at = time.time()
        return {"sender": {"id": person.id}, "recipient": {"id": self.account}, "timestamp": _now(), **told}

    def _echoed(self, person: Person, content: Mapping[str, Any], mid: str = "") -> str:
        message = {"mid": mid or self._mid("E"), "is_echo": True, **content}
        self._happens({"sender": {"id": self.account}, "recipient": {"id": person.id}, "timestamp": _now(), "message": message})
        return str(message["mid"])

    def _happens(self, *items: dict[str, Any]) -> None:
        self.history += [one for one in items if "message" in one]
        self._deliver({"messaging": list(items)})

    def _deliver(self, content: Mapping[str, Any]) -> None:
        entry = {"id": self.account, "time": _now(), **content}
        self.meta.happens({"object": "page" if self.kind == "messenger" else "instagram", "entry": [entry]})


def _now() -> int:
    return int(time.time() * 1000)


def _written(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
