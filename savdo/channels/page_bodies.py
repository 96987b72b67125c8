"""What we send as Messenger and Instagram take it: plain texts, files, quick replies and buttons, within their limits.

What does not fit a button is said in the text instead. Source: the fact sheets on Messenger and on Instagram.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from savdo.channels import marks, menus
from savdo.channels.errors import Refused
from savdo.channels.models import Button, File, Outbound

LONGEST_BUTTONED, MOST_BUTTONS = 640, 3
MOST_REPLIES, LONGEST_TITLE, LONGEST_PAYLOAD = 13, 20, 1000
LARGEST_IMAGE, LARGEST = 8_000_000, 25_000_000

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rules:
    """What one of the two takes: texts of `longest` by `length`; the types of an image, a voice message and a video, and
    of any other file (None for all)."""

    name: str
    longest: int
    length: Callable[[str], int]
    shown: Mapping[str, frozenset[str]]
    files: frozenset[str] | None
    # Quick replies cannot be seen everywhere, so what they offer also stands in the text.
    says_replies: bool
    metadata: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One message: `message` is its content, and `file` what has to be handed over before it. `plain` is what is sent where
    its buttons are refused."""

    message: Body
    file: File | None = None
    type: str = ""
    plain: str = ""
    reply_to: str = ""


IMAGES = frozenset({"image/png", "image/jpeg", "image/gif"})
VIDEOS = frozenset({"video/mp4", "video/ogg", "video/x-msvideo", "video/quicktime", "video/webm"})
M4A = frozenset({"audio/aac", "audio/mp4", "audio/x-m4a", "audio/m4a", "audio/wav", "audio/x-wav"})
MESSENGER = Rules(
    "Messenger",
    2000,
    marks.units,
    {"image": IMAGES, "audio": M4A | {"audio/mpeg"}, "video": VIDEOS},
    None,
    says_replies=False,
    metadata=True,
)
INSTAGRAM = Rules(
    "Instagram", 1000, marks.octets, {"image": IMAGES, "audio": M4A, "video": VIDEOS}, frozenset({"application/pdf"}),
    says_replies=True, metadata=False,
)  # fmt: skip


def parts(outbound: Outbound, rules: Rules) -> list[Part]:
    """The messages in order. Raises Refused for what would not be taken."""
    if outbound.template is not None:
        raise Refused(f"{rules.name} has no templates.")
    found = [_file(one, rules) for one in outbound.files] + _texts(outbound, rules)
    if not found:
        raise Refused("There is nothing to send.")
    if outbound.reply_to:
        first = found[0]
        found[0] = Part(first.message, first.file, first.type, first.plain, outbound.reply_to)
    return found


def single(outbound: Outbound, rules: Rules) -> str:
    """All of it as one plain text, cut where it is too long: no more may be said to a comment."""
    text = menus.buttons_as_text(menus.as_text(outbound).text if outbound.menu else outbound.text, outbound.buttons)
    found = marks.parts(marks.read(text.replace("\x00", "")), rules.longest - 4, rules.length)
    if outbound.files or not found:
        raise Refused("A comment is answered with a text.")
    return found[0].text + (" …" if len(found) > 1 else "")


def _texts(outbound: Outbound, rules: Rules) -> list[Part]:
    text, offered = outbound.text.replace("\x00", ""), outbound.buttons
    if outbound.menu is not None:
        text = menus.as_text(outbound).text
        offered = tuple(Button(one.id, one.title) for one in outbound.menu.choices)
    whole = marks.read(text).text
    if not whole:
        text, offered = menus.buttons_as_text(text, offered), ()
    is_menu = outbound.menu is not None
    if not is_menu and _fit_buttons(offered) and marks.units(whole) <= LONGEST_BUTTONED and rules.length(whole) <= rules.longest:
        return [Part(_buttoned(whole, offered), plain=marks.read(menus.buttons_as_text(text, offered)).text)]
    replies = tuple(one for one in offered if not one.url) if _fit_replies(offered) else ()
    said = tuple(one for one in offered if one not in replies or rules.says_replies)
    text = text if is_menu else menus.buttons_as_text(text, said)
    found = [Part({"text": one.text}) for one in marks.parts(marks.read(text), rules.longest, rules.length)]
    if replies and found:
        last = str(found[-1].message["text"])
        found[-1] = Part({"text": last, "quick_replies": [_reply(one) for one in replies]}, plain=last)
    return found


def _fit_buttons(buttons: tuple[Button, ...]) -> bool:
    return 1 <= len(buttons) <= MOST_BUTTONS and all(
        1 <= marks.units(one.title) <= LONGEST_TITLE and (one.url or 1 <= marks.units(one.id) <= LONGEST_PAYLOAD) for one in buttons
    )


def _fit_replies(buttons: tuple[Button, ...]) -> bool:
    replies = [one for one in buttons if not one.url]
    return 1 <= len(replies) <= MOST_REPLIES and all(
        1 <= marks.units(one.title) <= LONGEST_TITLE and 1 <= marks.units(one.id) <= LONGEST_PAYLOAD for one in replies
    )


def _reply(button: Button) -> Body:
    return {"content_type": "text", "title": button.title, "payload": button.id}


def _buttoned(text: str, buttons: tuple[Button, ...]) -> Body:
    shown: list[Body] = [
        {"type": "web_url", "title": one.title, "url": one.url} if one.url else {"type": "postback", "title": one.title, "payload": one.id}
        for one in buttons
    ]
    return {"attachment": {"type": "template", "payload": {"template_type": "button", "text": text, "buttons": shown}}}


def _file(file: File, rules: Rules) -> Part:
    wanted = {"image": "image", "sticker": "image", "voice": "audio", "video": "video"}.get(file.kind, "file")
    shown = wanted if file.mime in rules.shown.get(wanted, ()) else "file"
    if len(file.content) > (LARGEST_IMAGE if shown == "image" else LARGEST):
        shown = "file"
    if len(file.content) > LARGEST:
        raise Refused(f"{file.name} is larger than the {LARGEST // 1_000_000} MB {rules.name} takes.")
    if shown == "file" and rules.files is not None and file.mime not in rules.files:
        takes = "PNG, JPEG and GIF pictures, M4A, AAC and WAV sounds, MP4 and WebM videos, and PDF"
        raise Refused(f"{rules.name} does not take {file.name} ({file.mime}); it takes {takes}.")
    return Part({}, file, shown)
