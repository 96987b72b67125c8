"""The customers of an emulated Telegram bot: what they write, send, press, and see."""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Sent:
    """One message the bot sent. `text` is what the customer sees; `file` is (kind, name, content)."""

    method: str
    chat: int
    message_id: int
    text: str
    params: dict[str, Any]
    file: tuple[str, str, bytes] | None = None
    at: float = field(default_factory=time.monotonic)

    @property
    def keyboard(self) -> list[list[dict[str, Any]]]:
        return self.params.get("reply_markup", {}).get("inline_keyboard", [])


class Customers:
    """Chats are private ones: a chat's id is its customer's."""

    def __init__(self, bot_id: int, username: str, first: int = 1) -> None:
        self.id, self.username = bot_id, username
        self.sent: list[Sent] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        self.blocked: set[int] = set()
        self._numbers, self._updates = itertools.count(first + 9), itertools.count(first + 1000)
        self.pending: list[dict[str, Any]] = []

    def news(self) -> None:
        """Called when something is pending."""

    def sent_to(self, chat: int) -> list[Sent]:
        return [one for one in self.sent if one.chat == chat]

    def customer_says(self, chat: int, text: str, **more: Any) -> dict[str, Any]:
        return self._message(chat, text=text, **more)

    def customer_sends_photo(self, chat: int, content: bytes, caption: str = "", **more: Any) -> dict[str, Any]:
        return self._message(chat, **self.photo(content), **({"caption": caption} if caption else {}), **more)

    def customer_sends_voice(self, chat: int, content: bytes, duration: int = 4) -> dict[str, Any]:
        return self._message(chat, **self.voice(content, duration))

    def customer_sends_document(self, chat: int, name: str, content: bytes, mime: str = "application/pdf") -> dict[str, Any]:
        return self._message(chat, document=self._file("documents", "", content) | {"file_name": name, "mime_type": mime})

    def customer_sends_location(self, chat: int, latitude: float, longitude: float) -> dict[str, Any]:
        return self._message(chat, location={"latitude": latitude, "longitude": longitude})

    def customer_sends_contact(self, chat: int, phone: str, *, own: bool = True) -> dict[str, Any]:
        return self._message(chat, contact={"phone_number": phone, "first_name": "Ann"} | ({"user_id": chat} if own else {}))

    def customer_edits(self, update: Mapping[str, Any], text: str) -> dict[str, Any]:
        return self._happens({"edited_message": update["message"] | {"edit_date": int(time.time()), "text": text}})

    def customer_presses(self, chat: int, title: str) -> dict[str, Any]:
        """Presses the newest button of this title."""
        for sent in reversed(self.sent_to(chat)):
            for button in itertools.chain.from_iterable(sent.keyboard):
                if button["text"] == title:
                    message = self._shown(sent)
                    query = {"id": f"cb{next(self._numbers)}", "from": _person(chat), "message": message, "chat_instance": "-1"}
                    return self._happens({"callback_query": query | {"data": button["callback_data"]}})
        raise AssertionError(f"no button {title!r} in chat {chat}")

    def customer_reacts(self, sent: Sent, emoji: str) -> dict[str, Any]:
        """Puts an emoji on a message, or takes it back with ""."""
        new = [{"type": "emoji", "emoji": emoji}] if emoji else []
        about = {"chat": _private(sent.chat), "message_id": sent.message_id, "user": _person(sent.chat), "date": int(time.time())}
        return self._happens({"message_reaction": about | {"old_reaction": [], "new_reaction": new}})

    def customer_blocks(self, chat: int) -> dict[str, Any]:
        self.blocked.add(chat)
        return self._membership(chat, "member", "kicked")

    def customer_unblocks(self, chat: int) -> dict[str, Any]:
        self.blocked.discard(chat)
        return self._membership(chat, "kicked", "member")

    def photo(self, content: bytes) -> dict[str, Any]:
        """What a message with it holds."""
        small, large = self._file("photos", ".jpg", content[:90]), self._file("photos", ".jpg", content)
        return {"photo": [small | {"width": 90, "height": 67}, large | {"width": 1280, "height": 960}]}

    def voice(self, content: bytes, duration: int = 4) -> dict[str, Any]:
        return {"voice": self._file("voice", ".oga", content) | {"duration": duration, "mime_type": "audio/ogg"}}

    def delivers(self, update: Mapping[str, Any]) -> dict[str, Any]:
        """Anything at all, with an update_id of its own."""
        return self._happens(dict(update))

    def _happens(self, content: dict[str, Any]) -> dict[str, Any]:
        update = {"update_id": next(self._updates), **content}
        self.pending.append(update)
        self.news()
        return update

    def _message(self, chat: int, **content: Any) -> dict[str, Any]:
        message = {"message_id": next(self._numbers), "from": _person(chat), "chat": _private(chat), "date": int(time.time())}
        return self._happens({"message": message | content})

    def _membership(self, chat: int, before: str, after: str) -> dict[str, Any]:
        bot = {"id": self.id, "is_bot": True, "first_name": "Oq Choy", "username": self.username}
        old, new = ({"user": bot, "status": one} | ({"until_date": 0} if one == "kicked" else {}) for one in (before, after))
        statuses = {"old_chat_member": old, "new_chat_member": new}
        return self._happens({"my_chat_member": {"chat": _private(chat), "from": _person(chat), "date": int(time.time())} | statuses})

    def _shown(self, sent: Sent) -> dict[str, Any]:
        bot = {"id": self.id, "is_bot": True, "first_name": "Oq Choy", "username": self.username}
        message = {"message_id": sent.message_id, "from": bot, "chat": _private(sent.chat), "date": int(time.time()), "text": sent.text}
        return message | ({"reply_markup": {"inline_keyboard": sent.keyboard}} if sent.keyboard else {})

    def _file(self, folder: str, ending: str, content: bytes) -> dict[str, Any]:
        number = next(self._numbers)
        self.files[f"F{number}"] = (f"{folder}/file_{number}{ending}", content)
        return {"file_id": f"F{number}", "file_unique_id": f"uF{number}", "file_size": len(content)}


def _person(chat: int) -> dict[str, Any]:
    return {"id": chat, "is_bot": False, "first_name": f"Customer {chat}", "language_code": "en"}


def _private(chat: int) -> dict[str, Any]:
    return {"id": chat, "first_name": f"Customer {chat}", "type": "private"}
