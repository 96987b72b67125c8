"""The accounts an emulated Telegram bot answers for: what their owners allow and write, and what their customers write."""

import time
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.telegram_customers import Customers, Sent

DAY_S = 86_400


@dataclass
class Account:
    """`heard` is when each of its customers last wrote, in seconds of the virtual clock."""

    owner: int
    link: str
    enabled: bool = True
    rights: dict[str, bool] = field(default_factory=dict[str, bool])
    heard: dict[int, float] = field(default_factory=dict[int, float])


class Accounts(Customers):
    def __init__(self, bot_id: int, username: str, first: int = 1) -> None:
        super().__init__(bot_id, username, first)
        self.accounts: dict[str, Account] = {}
        self.business_mode = True
        self.echoes = True
        self.read: list[tuple[str, int, int]] = []
        self.passed = 0.0

    def owner_links(self, owner: int, link: str, *, can_reply: bool = True, can_read: bool = True) -> Account:
        rights = {name: True for name, given in (("can_reply", can_reply), ("can_read_messages", can_read)) if given}
        account = self.accounts[link] = Account(owner, link, rights=rights)
        self.owner_switches(account, on=True)
        return account

    def owner_switches(self, account: Account, *, on: bool) -> None:
        account.enabled = on
        told = {
            "id": account.link, "user": _owner(account), "user_chat_id": account.owner, "date": int(time.time()), "is_enabled": on,
            "can_reply": on and "can_reply" in account.rights, **({"rights": account.rights} if on else {}),
        }  # fmt: skip
        self._happens({"business_connection": told})

    def customer_writes(self, account: Account, chat: int, text: str = "", **more: Any) -> dict[str, Any]:
        account.heard[chat] = time.time() + self.passed
        return self._in_account(account, chat, _customer(chat), **({"text": text} if text else {}), **more)

    def customer_shows(self, account: Account, chat: int, content: bytes, **more: Any) -> dict[str, Any]:
        """A photo, without a word."""
        size = self._file("photos", ".jpg", content) | {"width": 1280, "height": 960}
        return self.customer_writes(account, chat, photo=[size], **more)

    def removes(self, account: Account, chat: int, *numbers: int) -> None:
        removed = {"business_connection_id": account.link, "chat": _chat(chat), "message_ids": list(numbers)}
        self._happens({"deleted_business_messages": removed})

    def owner_answers(self, account: Account, chat: int, text: str, **more: Any) -> dict[str, Any]:
        return self._in_account(account, chat, _owner(account), text=text, **more)

    def presses(self, account: Account, chat: int, title: str) -> None:
        """The customer presses the newest button of this title in the account's chat."""
        for sent in reversed(self.sent_to(chat)):
            for button in (one for row in sent.keyboard for one in row if one["text"] == title):
                message = {
                    "message_id": sent.message_id, "from": _owner(account), "chat": _chat(chat), "date": int(time.time()),
                    "text": sent.text, "business_connection_id": account.link, "reply_markup": {"inline_keyboard": sent.keyboard},
                }  # fmt: skip
                query = {"id": f"cb{next(self._numbers)}", "from": _customer(chat), "message": message, "chat_instance": "-1"}
                self._happens({"callback_query": query | {"data": button["callback_data"]}})
                return
        raise AssertionError(f"no button {title!r}")

    def time_passes(self, seconds: float) -> None:
        self.passed += seconds

    def refusal_as_account(self, params: dict[str, Any]) -> str:
        """Why Telegram would not take a message in an account's name, "" when it would."""
        account = self.accounts.get(str(params["business_connection_id"]))
        if account is None or not account.enabled:
            return "Bad Request: business connection not found"
        if "can_reply" not in account.rights:
            return "Bad Request: not enough rights to send messages on behalf of the user"
        if "keyboard" in params.get("reply_markup", {}):
            return "Bad Request: BUTTON_TYPE_INVALID"
        heard = account.heard.get(int(params["chat_id"]), float("-inf"))
        return "" if time.time() + self.passed - heard <= DAY_S else "Bad Request: BUSINESS_PEER_USAGE_MISSING"

    def echoed(self, sent: Sent) -> None:
        """What the bot wrote in an account's name comes back to it."""
        account = self.accounts[sent.params["business_connection_id"]]
        bot = {"id": self.id, "is_bot": True, "first_name": "Oq Choy", "username": self.username}
        message = _message(account, sent.chat, sent.message_id, _owner(account)) | {"text": sent.text, "sender_business_bot": bot}
        self._happens({"business_message": message})

    def reads(self, params: dict[str, Any]) -> bool:
        self.read.append((str(params["business_connection_id"]), int(params["chat_id"]), int(params["message_id"])))
        return True

    def _in_account(self, account: Account, chat: int, sender: dict[str, Any], **content: Any) -> dict[str, Any]:
        return self._happens({"business_message": _message(account, chat, next(self._numbers), sender) | content})


def _message(account: Account, chat: int, number: int, sender: dict[str, Any]) -> dict[str, Any]:
    return {
        "message_id": number, "business_connection_id": account.link, "from": sender, "chat": _chat(chat), "date": int(time.time()),
    }  # fmt: skip


def _owner(account: Account) -> dict[str, Any]:
    return {"id": account.owner, "is_bot": False, "first_name": "Owner", "username": "owner"}


def _customer(chat: int) -> dict[str, Any]:
    return {"id": chat, "is_bot": False, "first_name": f"Customer {chat}", "language_code": "en"}


def _chat(chat: int) -> dict[str, Any]:
    return {"id": chat, "first_name": f"Customer {chat}", "type": "private"}
