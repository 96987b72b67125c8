"""A channel whose far side is a list in memory: for tests and for measuring."""

import json
from collections.abc import Mapping
from typing import ClassVar

from savdo.channels import meta_webhooks
from savdo.channels.errors import BadPayload, BadSignature
from savdo.channels.models import Checked, Connection, Inbound, Limits, Media, Outbound, Sender


class Sandbox:
    kind: ClassVar[str] = "sandbox"
    longest_text: ClassVar[int] = 4096
    limits: ClassVar[Limits] = Limits()

    def __init__(self) -> None:
        self.sent: list[Outbound] = []
        self.attempts = 0
        self._refusals: list[Exception] = []

    def refuses_with(self, *errors: Exception) -> None:
        """The next sends fail with these, in turn."""
        self._refusals.extend(errors)

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        if headers.get("x-sandbox-secret") != connection.credentials.get("secret", "sandbox"):
            raise BadSignature

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        try:
            events = meta_webhooks.storable(json.loads(body)["events"])
            return [
                Inbound("message", str(event["id"])[:64], who, Sender(who), text=str(event["text"]))
                for event in events
                for who in (str(event["from"])[:64],)
            ]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadPayload(f"events: a list of {{id, from, text}} is needed ({error})") from None

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        self.attempts += 1
        if self._refusals:
            raise self._refusals.pop(0)
        self.sent.append(outbound)
        return f"s-{outbound.message_id}"

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        return next((f"s-{one.message_id}" for one in self.sent if one.message_id == outbound.message_id), None)

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None: ...

    async def fetch(self, connection: Connection, media: Media, limit: int) -> bytes:
        return b"sandbox"[:limit]

    async def check(self, connection: Connection) -> Checked:
        return Checked("Sandbox")

    async def subscribe(self, connection: Connection, hook_url: str) -> None: ...
