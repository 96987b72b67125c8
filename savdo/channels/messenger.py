"""A company's Facebook page, whose conversations are held in Messenger.

`account` of a connection is the id of the page, `settings.business_id` the same, because the page may also lead an
Instagram account; `credentials.token` is the page's token, `settings.comments` how comments are answered ("", privately,
publicly). Source: the fact sheet on Messenger.
"""

from typing import ClassVar

from savdo.base.settings import settings
from savdo.channels import meta_graph, page_bodies
from savdo.channels.errors import Blocked, Refused, Stopped, Uncertain, WindowClosed
from savdo.channels.meta_pages import MetaPage, Road, settings_of
from savdo.channels.models import Checked, Connection, Inbound
from savdo.channels.page_updates import START, Reader

PERMISSIONS = ("pages_messaging", "pages_manage_metadata", "pages_show_list")
COMMENT_PERMISSIONS = ("pages_read_engagement", "pages_manage_engagement")
# fmt: off
FIELDS = (
    "messages", "messaging_postbacks", "message_echoes", "message_reactions", "message_edits", "message_reads",
    "message_deliveries", "messaging_referrals", "messaging_optins", "messaging_handovers", "messaging_policy_enforcement", "standby",
)
# fmt: on
VERDICTS: meta_graph.Verdicts = {
    (10, 2018278): WindowClosed,
    (100, 2018001): Blocked,
    (10, 1893063): Stopped,
    # A permission, or this customer alone: the others are still written to.
    200: Refused,
    # It may have been sent.
    2: Uncertain,
}  # fmt: skip


class Messenger(MetaPage):
    kind: ClassVar[str] = "messenger"
    longest_text: ClassVar[int] = page_bodies.MESSENGER.longest
    service: ClassVar[str] = "Messenger"
    rules: ClassVar[page_bodies.Rules] = page_bodies.MESSENGER
    replies: ClassVar[str] = "comments"
    name_fields: ClassVar[str] = "first_name,last_name,locale"

    def road(self, connection: Connection) -> Road:
        if not connection.account.isdecimal():
            raise Refused("The id of the page is needed.")
        return Road(meta_graph.api(connection, self.service, VERDICTS), connection.account)

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        return Reader(connection.account, settings().meta_app_id, bool(settings_of(connection, "comments"))).inbounds(body)

    async def check(self, connection: Connection) -> Checked:
        needed = PERMISSIONS + (COMMENT_PERMISSIONS if settings_of(connection, "comments") else ())
        await meta_graph.require(connection, self.service, needed)
        road = self.road(connection)
        page = await meta_graph.call(road.api, "GET", road.node, params={"fields": "name"})
        return Checked(str(page.get("name") or connection.account))

    async def subscribe(self, connection: Connection, hook_url: str) -> None:
        """Has Meta deliver the page's events to the app's address; an empty `hook_url` ends that. Somebody who comes by a
        link presses Start first, which tells the link's parameter."""
        road = self.road(connection)
        if not hook_url:
            await meta_graph.call(road.api, "DELETE", f"{road.node}/subscribed_apps")
            return
        fields = FIELDS + (("feed",) if settings_of(connection, "comments") else ())
        await self._subscribe(road, fields)
        await meta_graph.call(road.api, "POST", "me/messenger_profile", body={"get_started": {"payload": START}})
