"""What is in a message of Messenger or Instagram: files, places, stories, shared posts, products, and where it came from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from savdo.channels.models import Inbound, Media, MediaKind, Product, Referral, Story
from savdo.channels.page_shapes import Attachment, Message, Source

FILES: dict[str, MediaKind] = {"image": "image", "video": "video", "audio": "voice", "file": "file", "sticker": "sticker"}
# Something of somebody else's that was passed on: as a file, or as the address of a page.
SHARED: dict[str, MediaKind] = {
    "ig_reel": "video", "reel": "video", "ig_post": "image", "post": "image", "ig_story": "image", "story": "image", "media": "image",
    "share": "file", "fallback": "file",
}  # fmt: skip
LINKS = ("share", "fallback")
# Here are pages to look at; files come from other hosts.
PAGES = re.compile(r"(?:.+\.)?(?:facebook\.com|instagram\.com|fb\.watch|fb\.me|m\.me|ig\.me)")
PHONE = re.compile(r"\+[0-9]{7,15}")
LONGEST_LINK = 4000


@dataclass(slots=True)
class Contents:
    lines: list[str]
    media: list[Media] = field(default_factory=list[Media])
    products: list[Product] = field(default_factory=list[Product])
    unread: list[Attachment] = field(default_factory=list[Attachment])
    location: tuple[float, float] | None = None
    story: Story | None = None


def said(message: Message, base: Inbound) -> tuple[Inbound | None, Sequence[Attachment]]:
    """The message, None where nothing of it can be read, and the attachments of kinds nobody knows."""
    found = Contents([message.text] if message.text else [])
    for one in message.attachments:
        _add(found, one)
    answered = message.reply_to
    if answered and answered.story:
        found.story = Story("reply", answered.story.url, answered.story.id)
    source = message.referral
    if source and source.product and source.product.id:
        found.products.append(Product(source.product.id))
    text = "\n".join(found.lines)
    if not (text or found.media or found.location or found.products):
        return None, found.unread
    pressed = message.quick_reply.payload if message.quick_reply else ""
    # The one reply that we do not write: a number the person confirmed.
    phone = pressed if PHONE.fullmatch(pressed) and pressed == message.text else ""
    return replace(
        base, text=text, media=tuple(found.media), location=found.location, story=found.story, products=tuple(found.products),
        reply_to=answered.mid if answered else "", quick_reply="" if phone else pressed,
        sender=replace(base.sender, phone=phone), referral=referral(source),
    ), found.unread  # fmt: skip


def referral(source: Source | None) -> Referral | None:
    """The advert, or the parameter of our own link."""
    if source is None or not (source.ad_id or source.ref or source.referer_uri):
        return None
    title = source.ads_context_data.ad_title if source.ads_context_data else ""
    return Referral(source.ad_id, title, source.referer_uri[:LONGEST_LINK], source.ref)


def _add(found: Contents, one: Attachment) -> None:
    payload, link = one.payload, one.link[:LONGEST_LINK]
    kind = FILES.get(one.type)
    if payload and payload.coordinates:
        found.location = (payload.coordinates.lat, payload.coordinates.long)
    elif payload and payload.product and payload.product.elements:
        for shown in payload.product.elements:
            found.products.append(Product(shown.retailer_id or shown.id, price=shown.subtitle, name=shown.title))
    elif kind and link:
        found.media.append(Media("sticker" if payload and payload.sticker_id else kind, link, _name(link) if kind == "file" else ""))
    elif one.type == "story_mention" and link:
        found.story = Story("mention", link)
        found.media.append(Media("image", link))
    elif one.type in SHARED and (link or one.caption):
        _share(found, one, link)
    else:
        found.unread.append(one)


def _share(found: Contents, one: Attachment, link: str) -> None:
    is_page = one.type in LINKS or bool(PAGES.fullmatch(_host(link)))
    if is_page and link and any(link in line for line in found.lines):
        # The preview of an address that was typed.
        return
    found.lines += [line for line in (one.caption, link if is_page else "") if line]
    if link and not is_page:
        found.media.append(Media(SHARED[one.type], link))


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""


def _name(link: str) -> str:
    try:
        name = unquote(urlsplit(link).path).rpartition("/")[2]
    except ValueError:
        return ""
    return name[-120:] if "." in name else ""
