"""A Telegram bot: the ordinary chats of customers with a company's bot (Bot API)."""

import asyncio
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from pydantic import BaseModel, JsonValue

from savdo.base.errors import TooLarge
from savdo.channels import marks, telegram_updates
from savdo.channels.errors import BadSignature, Busy, CannotTell, ChannelError, Refused, Uncertain, Unreachable
from savdo.channels.models import Button, Checked, Connection, File, Inbound, Limits, Media, Outbound
from savdo.channels.telegram_api import FileTooBig, Moved, Unformatted, Upload, call, download

UPDATES: list[JsonValue] = ["message", "edited_message", "callback_query", "my_chat_member"]
LONGEST_CAPTION = 1024
LARGEST_PHOTO = 10_000_000
LARGEST_UPLOAD = 50_000_000
LARGEST_DOWNLOAD = 20_000_000
LONGEST_CALLBACK = 64
PHOTOS = ("image/jpeg", "image/png", "image/webp")
VOICES = ("audio/ogg", "audio/opus", "audio/mpeg", "audio/mp4", "audio/x-m4a")
# How long the rest of a message that has begun is tried for, in seconds.
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Part:
    """One call of a message: a text, or a file with its caption."""

    method: str
    text: marks.Marked
    upload: Mapping[str, Upload] = field(default_factory=dict[str, Upload])
    extra: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    def params(self, chat_id: int, *, formatted: bool) -> dict[str, JsonValue]:
        name = "caption" if self.upload else "text"
        params: dict[str, JsonValue] = {"chat_id": chat_id, **self.extra}
        if self.text.text:
            params[name] = self.text.html() if formatted else self.text.text
        if self.text.text and formatted:
            params["parse_mode"] = "HTML"
        return params


class Sent(BaseModel):
    message_id: int


class Me(BaseModel):
    username: str


class Hook(BaseModel):
    url: str = ""
    last_error_message: str = ""


class Found(BaseModel):
    file_path: str
    file_size: int = 0


class TelegramBot:
    kind: ClassVar[str] = "telegram_bot"
    longest_text: ClassVar[int] = 4096
    limits: ClassVar[Limits] = Limits()

    def verify(self, connection: Connection, headers: Mapping[str, str], body: bytes) -> None:
        # Telegram signs no body: this header and the unguessable path are what there is.
        given = headers.get("x-telegram-bot-api-secret-token", "").encode()
        secret = connection.credentials.get("secret", "").encode()
        if not secret or not hmac.compare_digest(given, secret):
            raise BadSignature

    def parse(self, connection: Connection, body: bytes) -> list[Inbound]:
        return [telegram_updates.inbound(telegram_updates.decode(body))]

    async def send(self, connection: Connection, outbound: Outbound) -> str:
        """Sends the files, then the text; a long text in several parts, the buttons under the last.

        The first part raises what its refusal means. Once it is out the message must not be sent again from the
        start, so what may pass is waited for here (30 seconds at most), and an error that would have the message
        repeated becomes Uncertain.
        """
        chat_id = _chat_id(outbound.thread_id)
        planned = _parts(outbound)
        sent, chat_id = await _sent(connection, chat_id, planned[0])
        deadline = time.monotonic() + PATIENCE_S
        for number, part in enumerate(planned[1:], 2):
            try:
                sent, chat_id = await _sent_on(connection, chat_id, part, deadline)
            except ChannelError as error:
                raise _half_sent(error, number, len(planned)) from None
        return f"{chat_id}:{sent}"

    async def find(self, connection: Connection, outbound: Outbound) -> str | None:
        raise CannotTell

    async def typing(self, connection: Connection, thread_id: str) -> None:
        await call(connection, "sendChatAction", {"chat_id": _chat_id(thread_id), "action": "typing"})

    async def acknowledge(self, connection: Connection, inbound: Inbound) -> None:
        kind, _, callback_id = inbound.external_id.partition(":")
        if kind != "cb":
            return
        try:
            await call(connection, "answerCallbackQuery", {"callback_query_id": callback_id})
        except Refused as error:
            # Nobody waits for it any more.
            if "query is too old" not in error.message and "query ID is invalid" not in error.message:
                raise

    async def fetch(self, connection: Connection, media: Media, limit: int) -> bytes:
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

    async def check(self, connection: Connection) -> Checked:
        me, hook = await call(connection, "getMe", {}), await call(connection, "getWebhookInfo", {})
        try:
            name, info = Me.model_validate(me).username, Hook.model_validate(hook)
        except ValueError:
            raise Unreachable("Telegram answered with something that cannot be read.") from None
        warnings: list[str] = []
        if info.url and connection.key not in info.url:
            warnings.append("This bot's messages go to another program now; connecting it here ends that.")
        elif info.url and info.last_error_message:
            warnings.append(f"Telegram could not deliver: {info.last_error_message}")
        return Checked(f"@{name}", tuple(warnings))

    async def subscribe(self, connection: Connection, hook_url: str) -> None:
        if not hook_url:
            await call(connection, "deleteWebhook", {})
            return
        secret = connection.credentials.get("secret", "")
        if not secret:
            raise Refused("A secret is needed, so that nobody else can deliver in Telegram's name.")
        await call(connection, "setWebhook", {"url": hook_url, "secret_token": secret, "allowed_updates": UPDATES})


async def _sent(connection: Connection, chat_id: int, part: Part) -> tuple[int, int]:
    """Sends one part, once: only what was refused before it was shown is put differently and sent again."""
    formatted = True
    moved = False
    while True:
        params = part.params(chat_id, formatted=formatted)
        try:
            result = await call(connection, part.method, params, upload=part.upload or None)
            return Sent.model_validate(result).message_id, chat_id
        except Unformatted:
            if not formatted:
                raise
            formatted = False
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


async def _sent_on(connection: Connection, chat_id: int, part: Part, deadline: float) -> tuple[int, int]:
    wait = 0.5
    while True:
        try:
            return await _sent(connection, chat_id, part)
        except (Busy, Unreachable) as error:
            # Both say that nothing was sent.
            wait = error.retry_after if isinstance(error, Busy) else wait * 2
            if time.monotonic() + wait > deadline:
                raise
        await asyncio.sleep(wait)


def _half_sent(error: ChannelError, number: int, planned: int) -> ChannelError:
    message = f"{number - 1} of {planned} parts were sent, then: {error.message}"
    # A permanent error is not repeated and keeps its meaning; a passing one would start from the first part.
    return type(error)(message) if type(error) in (Refused, Unformatted, Uncertain) else error if error.permanent else Uncertain(message)


def _parts(outbound: Outbound) -> list[Part]:
    """The calls in order; raises Refused for what Telegram would not take."""
    text = marks.read(outbound.text.replace("\x00", ""))
    as_caption = len(outbound.files) == 1 and marks.units(text.text) <= LONGEST_CAPTION
    nothing = marks.Marked("")
    planned = [_file_part(file, text if as_caption else nothing) for file in outbound.files]
    if not as_caption:
        plain: dict[str, JsonValue] = {"link_preview_options": {"is_disabled": True}}
        planned += [Part("sendMessage", part, extra=plain) for part in marks.parts(text, TelegramBot.longest_text)]
    if not planned:
        raise Refused("There is nothing to send.")
    if outbound.reply_to:
        answered = {"message_id": _message_id(outbound.reply_to), "allow_sending_without_reply": True}
        planned[0] = replace(planned[0], extra={**planned[0].extra, "reply_parameters": answered})
    if outbound.buttons:
        keyboard: list[JsonValue] = [[_button(button)] for button in outbound.buttons]
        planned[-1] = replace(planned[-1], extra={**planned[-1].extra, "reply_markup": {"inline_keyboard": keyboard}})
    return planned


def _file_part(file: File, caption: marks.Marked) -> Part:
    if len(file.content) > LARGEST_UPLOAD:
        raise Refused(f"{file.name} is larger than the {LARGEST_UPLOAD // 1_000_000} MB Telegram takes.")
    name = "document"
    if file.kind == "image" and file.mime in PHOTOS and len(file.content) <= LARGEST_PHOTO:
        name = "photo"
    if file.kind == "voice" and file.mime in VOICES:
        name = "voice"
    return Part(f"send{name.capitalize()}", caption, {name: (file.name or name, file.content, file.mime)})


def _button(button: Button) -> dict[str, JsonValue]:
    if button.url:
        return {"text": button.title, "url": button.url}
    if not 1 <= len(button.id.encode()) <= LONGEST_CALLBACK:
        raise Refused(f"The button {button.title!r} needs an id of 1 to {LONGEST_CALLBACK} bytes.")
    return {"text": button.title, "callback_data": button.id}


def _chat_id(thread_id: str) -> int:
    try:
        return int(thread_id)
    except ValueError:
        raise Refused("This is not a Telegram chat.") from None


def _message_id(external_id: str) -> int:
    try:
        return int(external_id.rpartition(":")[2])
    except ValueError:
        raise Refused("This is not a Telegram message.") from None
