"""What we send as WhatsApp takes it: texts with its marks, files, buttons, lists and templates, within its limits.

What does not fit a button or a list is said in the text instead. Source: the fact sheet on the Cloud API.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from savdo.channels import marks, menus
from savdo.channels.errors import Refused
from savdo.channels.models import Button, File, Menu, Outbound, Template

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_BODY = 1024
MOST_BUTTONS, LONGEST_BUTTON, LONGEST_BUTTON_ID = 3, 20, 256
MOST_ROWS, LONGEST_ROW, LONGEST_DESCRIPTION, LONGEST_ROW_ID = 10, 24, 72, 200
# Bytes, by the kind WhatsApp shows it as, and what it may be.
SHOWN_AS: dict[str, tuple[int, frozenset[str]]] = {
    "image": (5_000_000, frozenset({"image/jpeg", "image/png"})),
    "audio": (16_000_000, frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/x-m4a", "audio/opus"})),
    "video": (16_000_000, frozenset({"video/mp4", "video/3gpp"})),
    "sticker": (100_000, frozenset({"image/webp"})),
}
LARGEST_DOCUMENT = 100_000_000
USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
PHONE = re.compile(r"\+?[0-9]{5,20}")
# What would open bold, italic, struck or typed text: there is no escape character, so it is parted from its word.
OPENERS = re.compile(r"(?<![\w/=&?.:#-])([*_~`]+)(?=\S)")
LINK = re.compile(r"https?://\S+")
PARTED = "\u200b"

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One call: its body, and the file to upload before, whose id goes into `body[type]`."""

    body: Body
    file: File | None = None
    mime: str = ""


def parts(outbound: Outbound) -> list[Part]:
    """The calls of a message in order. Raises Refused for what WhatsApp would not take."""
    planned = [_templated(outbound.template)] if outbound.template else _spoken(outbound)
    if not planned:
        raise Refused("There is nothing to send.")
    head: Body = {"messaging_product": "whatsapp", "recipient_type": "individual", **to(outbound.thread_id)}
    tail: Body = {"biz_opaque_callback_data": str(outbound.message_id)}
    if outbound.reply_to:
        planned[0] = replace(planned[0], body={**planned[0].body, "context": {"message_id": outbound.reply_to}})
    return [replace(one, body={**head, **one.body, **tail}) for one in planned]


def to(thread_id: str) -> Body:
    """Whom it goes to: the customer's id at the business, or a phone number with its plus. Raises Refused."""
    if USER_ID.fullmatch(thread_id):
        return {"recipient": thread_id}
    if PHONE.fullmatch(thread_id):
        return {"to": "+" + thread_id.lstrip("+")}
    raise Refused("This is not a WhatsApp customer.")


def written(marked: marks.Marked) -> str:
    """A text with WhatsApp's marks; what only looks like one is defused."""
    pieces: list[str] = []
    at = 0
    for start, end in marked.bold:
        pieces += [_defused(marked.text[at:start]), f"*{_defused(marked.text[start:end])}*"]
        at = end
    return "".join([*pieces, _defused(marked.text[at:])])


def _spoken(outbound: Outbound) -> list[Part]:
    text, buttons, menu = outbound.text.replace("\x00", ""), outbound.buttons, outbound.menu
    if menu is not None and not (_fits_menu(menu) and text.strip()):
        text, menu = menus.as_text(outbound).text, None
    told, buttons = _buttons(buttons) if text.strip() and menu is None else (buttons, ())
    text = menus.buttons_as_text(text, told)
    choosing = bool(buttons or menu)
    read = marks.read(text)
    caption = "" if choosing or len(outbound.files) != 1 or not _takes_caption(outbound.files[0]) else written(read)
    captioned = bool(caption) and marks.units(caption) <= LONGEST_CAPTION
    planned = [_file(one, caption if captioned else "") for one in outbound.files]
    if captioned or not read.text:
        return planned
    longest = LONGEST_BODY if choosing else LONGEST_TEXT
    said = texts(read, longest)
    planned += [Part({"type": "text", "text": {"body": one, "preview_url": False}}) for one in (said[:-1] if choosing else said)]
    if menu is not None:
        planned.append(_list(said[-1], menu))
    elif buttons:
        planned.append(_choice(said[-1], buttons))
    return planned


def texts(read: marks.Marked, longest: int) -> list[str]:
    """A text with WhatsApp's marks, in parts of at most `longest`."""
    # The marks make a part longer than it was cut to.
    limit = longest
    while True:
        found = [written(one) for one in marks.parts(read, limit)]
        if limit < longest // 4 or all(marks.units(one) <= longest for one in found):
            return found
        limit -= longest // 16


def _buttons(buttons: tuple[Button, ...]) -> tuple[tuple[Button, ...], tuple[Button, ...]]:
    """Which buttons are said in the text, and which are shown: up to three replies, or one link alone."""
    links = tuple(one for one in buttons if one.url)
    replies = tuple(one for one in buttons if not one.url)
    if any(marks.units(one.title) > LONGEST_BUTTON for one in (replies or links)):
        return buttons, ()
    if replies and len(replies) <= MOST_BUTTONS and all(1 <= marks.units(one.id) <= LONGEST_BUTTON_ID for one in replies):
        return links, replies
    return ((), links) if len(links) == 1 and not replies else (buttons, ())


def _choice(text: str, buttons: tuple[Button, ...]) -> Part:
    if buttons[0].url:
        parameters: Body = {"display_text": buttons[0].title, "url": buttons[0].url}
        return _interactive("cta_url", text, {"name": "cta_url", "parameters": parameters})
    shown: list[Any] = [{"type": "reply", "reply": {"id": one.id, "title": one.title}} for one in buttons]
    return _interactive("button", text, {"buttons": shown})


def _list(text: str, menu: Menu) -> Part:
    rows: list[Any] = [
        {"id": one.id, "title": one.title} | ({"description": one.description} if one.description else {}) for one in menu.choices
    ]
    return _interactive("list", text, {"button": menu.title, "sections": [{"title": menu.title, "rows": rows}]})


def _fits_menu(menu: Menu) -> bool:
    return 1 <= len(menu.choices) <= MOST_ROWS and 1 <= marks.units(menu.title) <= LONGEST_BUTTON and all(
        1 <= marks.units(one.id) <= LONGEST_ROW_ID and 1 <= marks.units(one.title) <= LONGEST_ROW
        and marks.units(one.description) <= LONGEST_DESCRIPTION
        for one in menu.choices
    )  # fmt: skip


def _interactive(kind: str, text: str, action: Body) -> Part:
    return Part({"type": "interactive", "interactive": {"type": kind, "body": {"text": text}, "action": action}})


def _templated(template: Template) -> Part:
    components: list[Any] = []
    if template.parameters:
        told: list[Any] = [
            {"type": "text", "text": text} | ({"parameter_name": name} if name else {}) for name, text in template.parameters
        ]
        components.append({"type": "body", "parameters": told})
    for number, payload in enumerate(template.buttons):
        pressed: list[Any] = [{"type": "payload", "payload": payload}]
        components.append({"type": "button", "sub_type": "quick_reply", "index": str(number), "parameters": pressed})
    named: Body = {"name": template.name, "language": {"code": template.language}}
    return Part({"type": "template", "template": named | ({"components": components} if components else {})})


def _file(file: File, caption: str) -> Part:
    kind = _shown_as(file)
    if len(file.content) > LARGEST_DOCUMENT:
        raise Refused(f"{file.name} is larger than the {LARGEST_DOCUMENT // 1_000_000} MB WhatsApp takes.")
    shown: Body = {"caption": caption} if caption else {}
    if kind == "document":
        shown["filename"] = file.name
    if kind == "audio" and file.kind == "voice" and file.mime in ("audio/ogg", "audio/opus"):
        shown["voice"] = True
    return Part({"type": kind, kind: shown}, file, "audio/ogg; codecs=opus" if "voice" in shown else file.mime)


def _shown_as(file: File) -> str:
    wanted = {"image": "image", "voice": "audio", "video": "video", "sticker": "sticker"}.get(file.kind, "")
    largest, mimes = SHOWN_AS.get(wanted, (0, frozenset[str]()))
    return wanted if file.mime in mimes and len(file.content) <= largest else "document"


def _takes_caption(file: File) -> bool:
    return _shown_as(file) in ("image", "video", "document")


def _defused(text: str) -> str:
    pieces: list[str] = []
    at = 0
    for link in LINK.finditer(text):
        pieces += [OPENERS.sub(rf"\1{PARTED}", text[at : link.start()]), link[0]]
        at = link.end()
    return "".join([*pieces, OPENERS.sub(rf"\1{PARTED}", text[at:])])
