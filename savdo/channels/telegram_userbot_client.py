"""Telethon, behind the few calls that we use: the only file that knows it.

Nothing here waits by itself for a flood to pass: a wait is raised, so that whoever holds the account can keep to it.
"""

import asyncio
import contextlib
import io
import logging
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from telethon import TelegramClient, errors, events, functions, types, utils
from telethon.sessions import StringSession

from savdo.base.errors import SavdoError, TooLarge
from savdo.base.settings import settings
from savdo.channels.errors import AccountProblem, Blocked, Busy, Refused, Uncertain, Unreachable
from savdo.channels.telegram_held import (
    LIMITED,
    AccountLost,
    CodeExpired,
    Event,
    LoggedOut,
    Me,
    PasswordNeeded,
    Peer,
    UsedTwice,
    WrongCode,
    WrongPassword,
    WrongPhone,
)

# It tells of every reconnection.
logging.getLogger("telethon").setLevel(logging.ERROR)

# What Telegram's refusals mean (the fact sheet); the first that fits counts.
REFUSALS: tuple[tuple[tuple[type[Exception], ...], type[SavdoError]], ...] = (
    ((errors.SessionPasswordNeededError,), PasswordNeeded),
    ((errors.PhoneCodeInvalidError, errors.PhoneCodeEmptyError), WrongCode),
    ((errors.PhoneCodeExpiredError,), CodeExpired),
    ((errors.PasswordHashInvalidError,), WrongPassword),
    ((errors.PhoneNumberInvalidError, errors.PhoneNumberUnoccupiedError), WrongPhone),
    ((errors.PhoneNumberBannedError, errors.UserDeactivatedError, errors.UserDeactivatedBanError), AccountLost),
    ((errors.FrozenMethodInvalidError,), AccountLost),
    ((errors.AuthKeyDuplicatedError,), UsedTwice),
    ((errors.AuthKeyNotFound,), LoggedOut),
    ((errors.AuthKeyUnregisteredError, errors.SessionRevokedError, errors.SessionExpiredError, errors.UnauthorizedError), LoggedOut),
    ((errors.UserIsBlockedError, errors.InputUserDeactivatedError), Blocked),
    ((errors.YouBlockedUserError, errors.UserPrivacyRestrictedError, errors.ChatWriteForbiddenError), Blocked),
)
# The connection's own troubles, which say nothing about what was asked.
BROKEN = (
    OSError, EOFError, errors.InvalidBufferError, errors.InvalidChecksumError, errors.SecurityError, errors.BadMessageError,
    errors.TypeNotFoundError, errors.ReadCancelledError,
)  # fmt: skip
# A day: where Telegram names no end, asking again sooner only makes it longer.
DAY_S = 86_400.0
# How many chats, and messages of each, are looked through after a break.
CHATS, MESSAGES = 100, 100


def meaning(error: Exception, *, sending: bool = False) -> SavdoError:
    """What an error of Telethon's means to us; `sending` where nobody can know whether a message went out."""
    if isinstance(error, SavdoError):
        return error
    seconds = getattr(error, "seconds", None)
    if isinstance(error, errors.FloodError) and isinstance(seconds, int):
        return Busy(f"Telegram asks for a wait of {seconds} seconds.", retry_after=max(1.0, float(seconds)))
    if isinstance(error, errors.PhoneNumberFloodError):
        return Busy("Too many codes were asked for; try again tomorrow.", retry_after=DAY_S)
    if isinstance(error, errors.PeerFloodError):
        return AccountProblem(LIMITED)
    found = next((kind for kinds, kind in REFUSALS if isinstance(error, kinds)), None)
    if found is not None:
        return found()
    if isinstance(error, errors.RPCError) and not isinstance(error, errors.ServerError):
        return Refused(f"Telegram refused: {type(error).__name__.removesuffix('Error')}")
    return Uncertain() if sending else Unreachable("Telegram did not answer.")


@asynccontextmanager
async def _asked(*, sending: bool = False) -> AsyncGenerator[None]:
    try:
        yield
    except (errors.RPCError, errors.AuthKeyNotFound, *BROKEN, ValueError) as error:
        # A ValueError is a person or a file that Telethon cannot name.
        raise meaning(Refused(str(error)) if isinstance(error, ValueError) else error, sending=sending) from None


class Telethon:
    """One connection in an account's name."""

    def __init__(self, session: str) -> None:
        try:
            saved = StringSession(session)
        except (ValueError, struct.error):
            raise LoggedOut from None
        self._client: Any = TelegramClient(
            saved, settings().telegram_app_id or 1, settings().telegram_app_hash.get_secret_value() or "-",
            flood_sleep_threshold=0, auto_reconnect=True, connection_retries=5, retry_delay=2, request_retries=1,
            receive_updates=True, sequential_updates=True, device_model="Savdo",
        )  # fmt: skip
        self._told: asyncio.Queue[Event] = asyncio.Queue()
        self._me = 0

    async def connect(self) -> None:
        async with _asked():
            await self._client.connect()
            if await self._client.is_user_authorized():
                self._me = (await self._client.get_me()).id
                self._listen()

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await self._client.disconnect()

    def saved(self) -> str:
        return str(self._client.session.save())

    async def ask_code(self, phone: str) -> str:
        async with _asked():
            return str((await self._client.send_code_request(phone)).phone_code_hash)

    async def enter_code(self, phone: str, code: str, named: str) -> None:
        async with _asked():
            await self._client.sign_in(phone, code, phone_code_hash=named)

    async def enter_password(self, password: str) -> None:
        async with _asked():
            await self._client.sign_in(password=password)

    async def me(self) -> Me:
        async with _asked():
            user = await self._client.get_me()
        if user is None:
            raise LoggedOut
        return Me(user.id, utils.get_display_name(user), user.username or "")

    async def log_out(self) -> None:
        async with _asked():
            await self._client.log_out()

    async def events(self) -> AsyncIterator[Event]:
        if not self._me:
            raise LoggedOut
        gone = asyncio.ensure_future(self._client.disconnected)
        try:
            while True:
                heard = asyncio.ensure_future(self._told.get())
                await asyncio.wait({heard, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not heard.done():
                    heard.cancel()
                    raise meaning(gone.exception() or ConnectionError())  # pyright: ignore[reportArgumentType] # never a cancellation here
                yield heard.result()
        finally:
            gone.cancel()

    async def newest(self) -> int:
        async with _asked():
            return max([dialog.message.id async for dialog in self._chats()], default=0)

    async def missed(self, after: int) -> list[Event]:
        found: list[Event] = []
        async with _asked():
            async for dialog in self._chats():
                if dialog.message.id > after:
                    newer = self._client.iter_messages(dialog.entity, limit=MESSAGES, min_id=after)
                    found.extend([told("message", message, dialog.entity) async for message in newer])
        return sorted(found, key=lambda event: event["message_id"])

    async def send_text(self, peer: Peer, html: str, reply_to: int) -> int:
        async with _asked(sending=True):
            sent = await self._client.send_message(_named(peer), html, parse_mode="html", reply_to=reply_to or None, link_preview=False)
            return int(sent.id)

    async def send_file(self, peer: Peer, kind: str, name: str, mime: str, content: bytes, html: str) -> int:
        file = io.BytesIO(content)
        file.name = name
        async with _asked(sending=True):
            sent = await self._client.send_file(
                _named(peer), file, caption=html, parse_mode="html", voice_note=kind == "voice",
                force_document=kind == "file", mime_type=mime or None,
            )  # fmt: skip
            return int(sent.id)

    async def download(self, peer: Peer, message_id: int, limit: int) -> bytes:
        async with _asked():
            # Asked for anew: the reference in an old message may have expired.
            message = await self._client.get_messages(_named(peer), ids=message_id)
            if message is None or message.file is None:
                raise Refused("The file is gone.")
            if (message.file.size or 0) > limit:
                raise TooLarge(f"The file has {message.file.size:,} bytes; {limit:,} are allowed.")
            content = await message.download_media(file=bytes)
        if content is None or len(content) > limit:
            raise TooLarge
        return bytes(content)

    async def read(self, peer: Peer, message_id: int) -> None:
        async with _asked():
            await self._client.send_read_acknowledge(_named(peer), max_id=message_id)

    async def typing(self, peer: Peer) -> None:
        async with _asked():
            await self._client(functions.messages.SetTypingRequest(_named(peer), types.SendMessageTypingAction()))

    async def _chats(self) -> AsyncIterator[Any]:
        async for dialog in self._client.iter_dialogs(limit=CHATS):
            if dialog.is_user and dialog.message is not None:
                yield dialog

    def _listen(self) -> None:
        private: Any = {"func": _is_private}
        self._client.add_event_handler(self._on_message, events.NewMessage(**private))
        self._client.add_event_handler(self._on_edit, events.MessageEdited(**private))
        self._client.add_event_handler(self._on_deletion, events.MessageDeleted())
        self._client.add_event_handler(self._on_read, events.MessageRead(inbox=False))
        self._client.add_event_handler(self._on_reaction, events.Raw(types.UpdateMessageReactions))

    async def _on_message(self, event: Any) -> None:
        self._told.put_nowait(told("message", event.message, await event.get_chat()))

    async def _on_edit(self, event: Any) -> None:
        self._told.put_nowait(told("edited", event.message, await event.get_chat()))

    async def _on_deletion(self, event: Any) -> None:
        # One in a group or a channel names it, and its numbers are others.
        if event.chat_id is None:
            self._told.put_nowait({"event": "deleted", "messages": [{"message_id": number} for number in event.deleted_ids]})

    async def _on_read(self, event: Any) -> None:
        if event.is_private:
            sent = await self._client.get_messages(event.chat_id, ids=event.max_id)
            if sent is not None:
                self._told.put_nowait({"event": "read", "peer": _person(await event.get_chat()), "through": int(sent.date.timestamp()) + 1})

    async def _on_reaction(self, update: Any) -> None:
        if isinstance(update.peer, types.PeerUser):
            emoji = next((_emoji(one.reaction) for one in update.reactions.recent_reactions or () if not one.my), "")
            person = await self._client.get_entity(update.peer)
            reacted = {"event": "reaction", "peer": _person(person), "message_id": update.msg_id, "emoji": emoji, "own": False}
            self._told.put_nowait(reacted)


def _is_private(event: Any) -> bool:
    return bool(event.is_private)


def _named(peer: Peer) -> Any:
    return types.InputPeerUser(peer.id, peer.access_hash)


def _emoji(reaction: Any) -> str:
    return reaction.emoticon if isinstance(reaction, types.ReactionEmoji) else "⭐"


def _person(user: Any) -> dict[str, Any]:
    # Someone with fewer details than usual comes without a hash that counts; the one known before goes on.
    named = {} if user.access_hash is None or getattr(user, "min", False) else {"access_hash": user.access_hash}
    return {
        "id": user.id, "name": utils.get_display_name(user), "username": user.username, "language": user.lang_code,
        "is_bot": bool(user.bot), "is_self": bool(user.is_self), **named,
    }  # fmt: skip


def told(kind: str, message: Any, person: Any) -> Event:
    """A message as an event; `kind` is message or edited."""
    contact, geo = message.contact, message.geo
    return {
        "event": kind, "peer": _person(person), "message_id": message.id, "date": int(message.date.timestamp()), "out": bool(message.out),
        "text": message.message or "", "reply_to": message.reply_to_msg_id, "grouped_id": message.grouped_id, "media": _file(message),
        "location": (geo.lat, geo.long) if isinstance(geo, types.GeoPoint) else None,
        "card": {
            "phone": contact.phone_number, "name": f"{contact.first_name} {contact.last_name}".strip(), "user_id": contact.user_id or None,
        } if contact else None,
    }  # fmt: skip


def _file(message: Any) -> Mapping[str, Any] | None:
    if message.web_preview is not None or message.file is None or not (message.photo or message.document):
        return None
    kinds = (("image", message.photo), ("sticker", message.sticker), ("voice", message.voice or message.audio), ("video", message.video))
    kind = next((kind for kind, there in kinds if there), "video" if message.video_note or message.gif else "file")
    return {"kind": kind, "mime": message.file.mime_type, "size": message.file.size, "name": message.file.name}
