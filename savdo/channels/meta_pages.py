"""What Messenger and Instagram have in common: sending, files, receipts and comments of one page or account at Meta."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from savdo.base import http
from savdo.base.errors import TooLarge
from savdo.channels import meta_graph, meta_webhooks, page_bodies, page_history
from savdo.channels.errors import Busy, CannotTell, Refused, Uncertain, Unreachable
from savdo.channels.models import Connection, File, Inbound, Limits, Media, Outbound, Sender
from savdo.channels.page_updates import OURS, commented
from savdo.channels.parts import in_turn

DAY = timedelta(hours=24)
# A person of the company is given longer than a bot (the HUMAN_AGENT tag).
WEEK = timedelta(days=7)
# An echo may overtake the answer to the call that it echoes.
HOLD = timedelta(seconds=5)
LIMITS = Limits(window=DAY, person_window=WEEK, menus=True, read_marks=True, names=True, hold=HOLD, voice="aac")
FETCH_TIMEOUT_S = 60.0
FETCH_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Road:
    """How one connection is called: `node` is what sends, `typed` whether messages name their type there, `platform`
    what an upload has to name."""

    api: meta_graph.Api
    node: str
    typed: bool = True
    platform: str = ""


class MetaPage(ABC):
    """An adapter of one of the two; each says by which road it goes, and what it takes."""

    limits: ClassVar[Limits] = LIMITS
    service: ClassVar[str]
    rules: ClassVar[page_bodies.Rules]
    # Where a public answer to a comment goes.
    replies: ClassVar[str]
    name_fields: ClassVar[str]

    @abstractmethod
    def road(self, connection: Connection) -> Road:
        """Raises Disconnected, Refused."""

    @abstractmethod
    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        """As `Channel.parse`."""

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        meta_webhooks.verify(headers, body)

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        """Sends each file, then the text in as many messages as it needs, the buttons under the last."""
        road = self.road(connection)
        comment_id, above = commented(outbound.thread_id)
        if comment_id:
            return await self._answer(road, connection, outbound, comment_id, above)
        planned = page_bodies.parts(outbound, self.rules)
        head = _head(road, outbound)

        async def one(part: page_bodies.Part) -> str:
            message = await _uploaded(road, part) if part.file else part.message
            # On the last alone: it says of the whole message that it went out.
            told = {"metadata": f"{OURS}{outbound.message_id}"} if self.rules.metadata and part is planned[-1] else {}
            try:
                return await _sent(road, {**head, "message": {**message, **told}, **_answered(part)})
            except Refused as refusal:
                if type(refusal) is not Refused or not (part.plain or part.reply_to):
                    raise
            # It may have been the buttons, or the message it answers: once more without them.
            return await _sent(road, {**head, "message": {**({"text": part.plain} if part.plain else message), **told}})

        return await in_turn(planned, one)

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        # There is no looking for one message; the echo that comes later tells.
        raise CannotTell

    async def typing(self, connection: Connection, thread_id: str) -> None:
        await self._act(connection, thread_id, "typing_on")

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None:
        """Marks the conversation read, then shows that an answer is being written; one call each is the rule."""
        await self._act(connection, inbound.thread_id, "mark_seen")
        await self._act(connection, inbound.thread_id, "typing_on")

    async def fetch(self, connection: Connection, media: Media, limit: int) -> bytes:
        """The file at the address of the event, which expires; no token is shown there."""
        try:
            answer = await http.send(
                "GET",
                media.reference,
                service=f"{self.service} files",
                timeout=FETCH_TIMEOUT_S,
                tries=2,
                limit=limit,
                redirects=FETCH_REDIRECTS,
            )
        except http.AnswerTooLarge:
            raise TooLarge(f"The file has more than {limit:,} bytes.") from None
        except (http.AddressRefused, http.BadAddress):
            raise Refused("The other company named an address that may not be used.") from None
        except http.CircuitOpen as error:
            raise Busy(retry_after=error.retry_after) from None
        except (http.NotSent, http.NoAnswer):
            raise Unreachable from None
        if answer.ok:
            return answer.body
        if answer.status == 429 or answer.status >= 500:
            raise Unreachable(f"{self.service} answered {answer.status}.")
        raise Refused("The file is no longer there.")

    async def person(self, connection: Connection, external_id: str) -> Sender:
        """Who a customer is; nobody's name is told before they wrote. Raises what a refusal means."""
        road = self.road(connection)
        found = await meta_graph.call(road.api, "GET", external_id, params={"fields": self.name_fields})
        name = str(found.get("name") or "") or f"{found.get('first_name') or ''} {found.get('last_name') or ''}"
        return Sender(external_id, name.strip(), str(found.get("username") or ""), str(found.get("locale") or "")[:2])

    async def delivering(self, connection: Connection) -> bool:
        return "messages" in await _delivered(self.road(connection))

    async def missed(self, connection: Connection, since: datetime) -> list[Inbound]:
        road = self.road(connection)
        found = await page_history.messages(road.api, road.node, road.platform or "messenger", since)
        return self.parse(connection, page_history.delivery(connection.account, found))

    async def _subscribe(self, road: Road, fields: Sequence[str]) -> None:
        """Adds to what is delivered of a page already: its other channel may have asked for more."""
        wanted = ",".join(dict.fromkeys([*await _delivered(road), *fields]))
        await meta_graph.call(road.api, "POST", f"{road.node}/subscribed_apps", params={"subscribed_fields": wanted})

    async def _act(self, connection: Connection, thread_id: str, action: str) -> None:
        if commented(thread_id)[0]:
            return
        road = self.road(connection)
        await meta_graph.call(road.api, "POST", f"{road.node}/messages", body={"recipient": {"id": thread_id}, "sender_action": action})

    async def _answer(self, road: Road, connection: Connection, outbound: Outbound, comment_id: str, above: str) -> str:
        """To a comment: in public below it, or to its author alone, which Meta lets us do once."""
        text = page_bodies.single(outbound, self.rules)
        if connection.settings.get("comments") == "publicly":
            return _id_in(road, await meta_graph.call(
                road.api, "POST", f"{above or comment_id}/{self.replies}", body={"message": text}, sends=True
            ), "id")  # fmt: skip
        return await _sent(road, {"recipient": {"comment_id": comment_id}, "message": {"text": text}})


def settings_of(connection: Connection, name: str) -> str:
    """An id among a connection's settings, "" where it has none."""
    return str(connection.settings.get(name) or "")


async def _delivered(road: Road) -> list[str]:
    """The fields that are delivered of a page or an account."""
    apps = (await meta_graph.call(road.api, "GET", f"{road.node}/subscribed_apps")).get("data")
    fields: list[str] = []
    for app in apps if isinstance(apps, list) else []:
        # Of somebody else's app nothing is told here.
        told = app.get("subscribed_fields") if isinstance(app, dict) else None
        fields += [one for one in told if isinstance(one, str)] if isinstance(told, list) else []
    return fields


def _answered(part: page_bodies.Part) -> page_bodies.Body:
    return {"reply_to": {"mid": part.reply_to}} if part.reply_to else {}


def _head(road: Road, outbound: Outbound) -> page_bodies.Body:
    head: page_bodies.Body = {"recipient": {"id": outbound.thread_id}}
    if outbound.late:
        return head | {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    return head | {"messaging_type": "RESPONSE"} if road.typed else head


async def _uploaded(road: Road, part: page_bodies.Part) -> page_bodies.Body:
    """The message of a file that was handed over first: then nobody has seen anything of it yet. Where that is refused, and
    for accounts without a page it is not documented, Meta is told where to fetch the file."""
    assert part.file is not None
    try:
        payload = {"attachment_id": await _handed_over(road, part.type, part.file)}
    except Refused as refusal:
        if type(refusal) is not Refused or not part.file.url:
            raise
        payload = {"url": part.file.url}
    return {"attachment": {"type": part.type, "payload": payload}}


async def _handed_over(road: Road, kind: str, file: File) -> str:
    attachment = {"type": kind, "payload": {"is_reusable": False}}
    form = {"message": json.dumps({"attachment": attachment})} | ({"platform": road.platform} if road.platform else {})
    answer = await meta_graph.call(
        road.api, "POST", f"{road.node}/message_attachments", form=form,
        files={"filedata": (file.name or kind, file.content, file.mime)},
    )  # fmt: skip
    return _id_in(road, answer, "attachment_id", Unreachable)


async def _sent(road: Road, body: page_bodies.Body) -> str:
    return _id_in(road, await meta_graph.call(road.api, "POST", f"{road.node}/messages", body=body, sends=True), "message_id")


def _id_in(road: Road, answer: Mapping[str, Any], name: str, unreadable: type[Uncertain | Unreachable] = Uncertain) -> str:
    found = answer.get(name)
    if not isinstance(found, str | int) or not found:
        raise unreadable(f"{road.api.service} took it and answered with something that cannot be read.")
    return str(found)
