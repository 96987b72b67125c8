"""A company's professional account on Instagram, led by a Facebook page or logged in by itself.

`account` of a connection is the id that events name. `settings.page_id` is the page where there is one (and then also
`settings.business_id`, because its conversations are delivered together with Messenger's); `credentials.token` is the
page's token or the account's own. `settings.comments` says how comments are answered ("", privately, publicly).
Source: the fact sheet on Instagram.
"""

from typing import ClassVar

from savdo.base.settings import settings
from savdo.channels import meta_graph, page_bodies
from savdo.channels.errors import Blocked, Busy, Disconnected, MissingPermission, Refused, Stopped, Uncertain, WindowClosed
from savdo.channels.meta_pages import MetaPage, Road, settings_of
from savdo.channels.models import Checked, Connection, Inbound
from savdo.channels.page_updates import Reader

PAGE_PERMISSIONS = ("instagram_basic", "instagram_manage_messages", "pages_manage_metadata", "pages_show_list")
PAGE_COMMENT_PERMISSION = "instagram_manage_comments"
OWN_PERMISSIONS = ("instagram_business_basic", "instagram_business_manage_messages")
OWN_COMMENT_PERMISSION = "instagram_business_manage_comments"
# fmt: off
PAGE_FIELDS = (
    "messages", "messaging_postbacks", "message_echoes", "message_reactions", "message_edits", "message_reads", "messaging_referrals",
    "messaging_handovers", "standby",
)
# fmt: on
OWN_FIELDS = ("messages", "messaging_postbacks", "message_reactions", "messaging_seen", "messaging_referral", "message_edit")
VERDICTS: meta_graph.Verdicts = {
    (10, 2534022): WindowClosed, (100, 2534014): Blocked, (100, 2534029): Stopped, (200, 2534041): Stopped, (613, 2534040): Busy,
    # It may have been sent.
    2: Uncertain,
}  # fmt: skip


class Instagram(MetaPage):
    kind: ClassVar[str] = "instagram"
    # Bytes here, of which no text has fewer than UTF-16 code units.
    longest_text: ClassVar[int] = page_bodies.INSTAGRAM.longest
    service: ClassVar[str] = "Instagram"
    rules: ClassVar[page_bodies.Rules] = page_bodies.INSTAGRAM
    replies: ClassVar[str] = "replies"
    name_fields: ClassVar[str] = "name,username"

    def road(self, connection: Connection) -> Road:
        if not connection.account.isdecimal():
            raise Refused("The id of the Instagram account is needed.")
        if page_id := settings_of(connection, "page_id"):
            return Road(meta_graph.api(connection, self.service, VERDICTS), page_id, platform="instagram")
        token = connection.credentials.get("token", "")
        if not token:
            raise Disconnected
        api = meta_graph.Api(settings().instagram_url, token, settings().instagram_app_secret.get_secret_value(), self.service, VERDICTS)
        return Road(api, connection.account, typed=False, platform="instagram")

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        return Reader(connection.account, comments=bool(settings_of(connection, "comments"))).inbounds(body)

    async def check(self, connection: Connection) -> Checked:
        road = self.road(connection)
        comments = bool(settings_of(connection, "comments"))
        if settings_of(connection, "page_id"):
            needed = (*PAGE_PERMISSIONS, *((PAGE_COMMENT_PERMISSION,) if comments else ()))
            await meta_graph.require(connection, self.service, needed)
            account = await meta_graph.call(road.api, "GET", connection.account, params={"fields": "username"})
        else:
            needed = (*OWN_PERMISSIONS, *((OWN_COMMENT_PERMISSION,) if comments else ()))
            # Nobody can be asked later what such a token may do; it was told when the token was given.
            granted = set(filter(None, connection.credentials.get("permissions", "").split(",")))
            if granted and (missing := sorted(set(needed) - granted)):
                raise MissingPermission(f"Connect it again and allow also: {', '.join(missing)}.")
            account = await meta_graph.call(road.api, "GET", "me", params={"fields": "user_id,username"})
        return Checked(f"@{account['username']}" if account.get("username") else connection.account)

    async def subscribe(self, connection: Connection, hook_url: str) -> None:
        """Has Meta deliver the account's events to the app's address; an empty `hook_url` ends that."""
        road = self.road(connection)
        if not hook_url:
            await meta_graph.call(road.api, "DELETE", f"{road.node}/subscribed_apps")
            return
        # By a page, comments are a matter of the app's own settings.
        fields = PAGE_FIELDS if settings_of(connection, "page_id") else OWN_FIELDS
        if settings_of(connection, "comments") and not settings_of(connection, "page_id"):
            fields = (*fields, "comments", "live_comments")
        await self._subscribe(road, fields)
