"""One message of ours as calls of the Bot API: files, text in parts, a keyboard under the last; and a customer's file back.

Used by a bot in its own chats and by one that answers for an account, which differ in what each call names besides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import BaseModel, JsonValue

from savdo.base.errors import TooLarge
from savdo.channels import marks, menus, parts
from savdo.channels.errors import Refused, Uncertain, Unreachable
from savdo.channels.models import Button, Connection, File, Media, Outbound, Sent
from savdo.channels.telegram_api import FileTooBig, KeyboardRefused, Moved, Unformatted, Upload, call, download

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LARGEST_PHOTO = 10_000_000
LARGEST_UPLOAD = 50_000_000
LARGEST_DOWNLOAD = 20_000_000
LONGEST_CALLBACK = 64
PHOTOS = ("image/jpeg", "image/png", "image/webp")
VOICES = ("audio/ogg", "audio/opus", "audio/mpeg", "audio/mp4", "audio/x-m4a")


@dataclass(frozen=True, slots=True)
class Part:
    """One call of a message: a text, or a file with its caption. `lines` is its keyboard as text."""

    method: str
    text: marks.Marked
    upload: Mapping[str, Upload] = field(default_factory=dict[str, Upload])
    extra: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    lines: str = ""

    def params(self, chat_id: int, *, formatted: bool) -> dict[str, JsonValue]:
        name = "caption" if self.upload else "text"
        params: dict[str, JsonValue] = {"chat_id": chat_id, **self.extra}
        if self.text.text:
            params[name] = self.text.html() if formatted else self.text.text
        if self.text.text and formatted:
            params["parse_mode"] = "HTML"
        return params

    def without_keyboard(self) -> "Part":
        """The same with its buttons as lines of text."""
        text = marks.Marked("\n".join(filter(None, (self.text.text, self.lines))), self.text.bold)
        return replace(self, text=text, lines="", extra={name: one for name, one in self.extra.items() if name != "reply_markup"})


class Shown(BaseModel):
    message_id: int


class Found(BaseModel):
    file_path: str
    file_size: int = 0


async def send(
    connection: Connection,
    outbound: Outbound,
    chat_id: int,
    *,
    named: Callable[[int, int], str],
    extra: Mapping[str, JsonValue] | None = None,
    reply_keyboards: bool = True,
) -> Sent:
    """Sends the files, then the text; a long text in several parts, the buttons under the last.

    `named` makes the external id of (chat, message); `extra` stands in every call. Raises what the first part's refusal
    means, and for the rest as `parts.in_turn`.
    """

    async def one(part: Part) -> str:
        nonlocal chat_id
        message_id, chat_id = await _sent(connection, chat_id, part)
        return named(chat_id, message_id)

    planned = _parts(outbound, reply_keyboards=reply_keyboards)
    return await parts.in_turn([replace(part, extra={**(extra or {}), **part.extra}) for part in planned], one)


async def fetch(connection: Connection, media: Media, limit: int) -> bytes:
    """The bytes of a file a customer sent, at most `limit`. Raises TooLarge, UnknownFile, Unreachable."""
    most = min(limit, LARGEST_DOWNLOAD)
    if media.size > most:
        raise TooLarge(f"The file has {media.size:,} bytes; {most:,} are allowed.")
    try:
        found = Found.model_validate(await call(connection, "getFile", {"file_id": media.reference}))
    except FileTooBig as error:
        raise TooLarge(error.message) from None
    except ValueError:
        raise Unreachable("Telegram answered with something that cannot be read.") from None
    if found.file_size > most:
        raise TooLarge(f"The file has {found.file_size:,} bytes; {most:,} are allowed.")
    return await download(connection, found.file_path, most)


async def acknowledge(connection: Connection, callback_id: str) -> None:
    """Ends the spinner of a pressed button."""
    try:
        await call(connection, "answerCallbackQuery", {"callback_query_id": callback_id})
    except Refused as error:
        # Nobody waits for it any more.
        if "query is too old" not in error.message and "query ID is invalid" not in error.message:
            raise


def message_id(external_id: str) -> int:
    """Telegram's number of a message. Raises Refused."""
    try:
        return int(external_id.rpartition(":")[2])
    except ValueError:
        raise Refused("This is not a Telegram message.") from None


def chat_id(thread_id: str) -> int:
    """Telegram's number of a chat. Raises Refused."""
    try:
        return int(thread_id)
    except ValueError:
        raise Refused("This is not a Telegram chat.") from None


async def _sent(connection: Connection, chat_id: int, part: Part) -> tuple[int, int]:
    """Sends one part, once: only what was refused before it was shown is put differently and sent again."""
    formatted = True
    moved = False
    while True:
        params = part.params(chat_id, formatted=formatted)
        try:
            result = await call(connection, part.method, params, upload=part.upload or None)
            return Shown.model_validate(result).message_id, chat_id
        except Unformatted:
            if not formatted:
                raise
            formatted = False
        except KeyboardRefused:
            if not part.lines:
                raise
            part = part.without_keyboard()
        except Moved as error:
            if moved:
                raise
            moved, chat_id = True, error.chat_id
        except Refused:
            # A picture of a shape it does not show can still be handed over as a file.
            if part.method != "sendPhoto":
                raise
            part = replace(part, method="sendDocument", upload={"document": part.upload["photo"]})
        except ValueError:
            raise Uncertain("Telegram took the message and answered with something that cannot be read.") from None


def _parts(outbound: Outbound, *, reply_keyboards: bool) -> list[Part]:
    """The calls in order; raises Refused for what Telegram would not take."""
    keyboard, lines, beside = _keyboard(outbound, reply_keyboards=reply_keyboards)
    text = marks.read("\n".join(filter(None, (outbound.text.replace("\x00", "").rstrip(), beside))))
    as_caption = len(outbound.files) == 1 and marks.units(text.text) <= LONGEST_CAPTION
    nothing = marks.Marked("")
    planned = [_file_part(file, text if as_caption else nothing) for file in outbound.files]
    if not as_caption:
        plain: dict[str, JsonValue] = {"link_preview_options": {"is_disabled": True}}
        planned += [Part("sendMessage", part, extra=plain) for part in marks.parts(text, LONGEST_TEXT)]
    if not planned:
        raise Refused("There is nothing to send.")
    if outbound.reply_to:
        answered = {"message_id": message_id(outbound.reply_to), "allow_sending_without_reply": True}
        planned[0] = replace(planned[0], extra={**planned[0].extra, "reply_parameters": answered})
    if keyboard:
        planned[-1] = replace(planned[-1], extra={**planned[-1].extra, "reply_markup": keyboard}, lines=lines)
    return planned


def _keyboard(outbound: Outbound, *, reply_keyboards: bool) -> tuple[dict[str, JsonValue], str, str]:
    """The keyboard, its words should it be refused, and what is said in the text because no key can hold it.

    Buttons stand under the message where each can carry its id back; where one cannot, they become keys that write their
    title, and where there are no such keys, text.
    """
    choices = outbound.menu.choices if outbound.menu else ()
    details = "\n".join(f"**{one.title}** — {one.description}" for one in choices if one.description)
    buttons = (*outbound.buttons, *(Button(one.id, one.title) for one in choices))
    lines = menus.buttons_as_text("", buttons)
    if all(one.url or 1 <= len(one.id.encode()) <= LONGEST_CALLBACK for one in buttons):
        rows: list[JsonValue] = [[_button(one)] for one in buttons]
        return ({"inline_keyboard": rows} if rows else {}), lines, details
    keys: list[JsonValue] = [[{"text": one.title}] for one in buttons if not one.url]
    if not reply_keyboards:
        return {}, "", "\n".join(filter(None, (details, lines)))
    links = menus.buttons_as_text("", tuple(one for one in buttons if one.url))
    beside = "\n".join(filter(None, (details, links)))
    return {"keyboard": keys, "resize_keyboard": True, "one_time_keyboard": True}, lines, beside


def _button(button: Button) -> dict[str, JsonValue]:
    return {"text": button.title, "url": button.url} if button.url else {"text": button.title, "callback_data": button.id}


def _file_part(file: File, caption: marks.Marked) -> Part:
    if len(file.content) > LARGEST_UPLOAD:
        raise Refused(f"{file.name} is larger than the {LARGEST_UPLOAD // 1_000_000} MB Telegram takes.")
    name = "document"
    if file.kind == "image" and file.mime in PHOTOS and len(file.content) <= LARGEST_PHOTO:
        name = "photo"
    if file.kind == "voice" and file.mime in VOICES:
        name = "voice"
    return Part(f"send{name.capitalize()}", caption, {name: (file.name or name, file.content, file.mime)})
