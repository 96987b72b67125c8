"""Transcripts: what voice messages say, written down as the text of their message.

A message that is being listened to is marked `payload.listening`, as is one whose files are looked at (`reply.sight`);
meanwhile `conversations.listening_until` holds its answer back. Afterwards `payload.transcript` tells how the text came about:
{language, model, seconds, ms}, or {problem}.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb

from savdo.ai import cost, paid_speech, speech
from savdo.base import live
from savdo.base.db import Session, first, step
from savdo.base.errors import SavdoError
from savdo.base.jobs import is_last_attempt
from savdo.channels.models import Inbound
from savdo.conversations import intake, media

# Longer sounds are no messages: they wait for a person. In bytes; half an hour of a voice note.
LARGEST = 8_000_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice message that is to be written down. `number` is its place in the thread, `language` the customer's or ""."""

    tenant_id: UUID
    message_id: UUID
    conversation_id: UUID
    number: int
    attachment_id: UUID | None
    language: str
    timezone: str


def expects(inbound: Inbound) -> bool:
    """Whether there will be a transcript of this message."""
    spoken = any(one.kind == "voice" for one in inbound.media) or any(one["kind"] == "voice" for one in inbound.attachments)
    return spoken and speech.listens()


async def expect(session: Session, conversation_id: UUID, message_id: UUID, wait: timedelta) -> None:
    """Holds the answer back until the message is written down, `wait` at most."""
    await session.execute(
        """WITH m AS (UPDATE messages SET payload = payload || '{"listening": true}' WHERE id = %s RETURNING tenant_id)
           UPDATE conversations c SET listening_until = now() + %s FROM m WHERE c.tenant_id = m.tenant_id AND c.id = %s""",
        (message_id, wait, conversation_id),
    )


async def hear(tenant_id: UUID, message_id: UUID) -> UUID | None:
    """Fetches a voice message and writes it down: its conversation, None when there is nothing to write down any more.
    Raises what may pass by itself, except at a job's last attempt."""
    await media.fetch(str(tenant_id), str(message_id))
    async with step(tenant_id) as session:
        voice = await _voice(session, tenant_id, message_id)
    if voice is None:
        return None
    try:
        text, told = await _heard(voice)
    except SavdoError as error:
        if not error.permanent and not is_last_attempt():
            raise
        log.info("voice message not written down", code=error.code, message_id=str(message_id))
        text, told = "", {"problem": error.code}
    async with step(tenant_id) as session:
        await _write(session, voice, text, told)
    return voice.conversation_id


async def end_wait(session: Session, conversation_id: UUID, number: int | None = None) -> bool:
    """Lets the answer go on, and tells whether a job has to be asked for. With `number`, of a voice message, also when it is
    not written down yet; without, when nothing else is being listened to."""
    row = await first(
        session,
        """UPDATE conversations c SET listening_until = NULL, answer_waiting = true
            WHERE id = %(id)s AND answered_number < coalesce(%(number)s, inbound_number) AND status IN ('bot', 'handover')
              AND (%(number)s::bigint IS NOT NULL OR NOT EXISTS (
                    SELECT 1 FROM messages m WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.id
                       AND m.number > c.answered_number AND m.payload ? 'listening' AND m.deleted_at IS NULL))
           RETURNING old.answer_waiting AS waiting""",
        {"id": conversation_id, "number": number},
    )
    return row is not None and not row["waiting"]


async def _voice(session: Session, tenant_id: UUID, message_id: UUID) -> Voice | None:
    row = await first(
        session,
        """SELECT m.conversation_id, m.number, m.payload, c.language, t.profile->>'timezone' AS timezone
             FROM messages m JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
             JOIN tenants t ON t.id = m.tenant_id
            WHERE m.id = %s AND m.deleted_at IS NULL AND m.payload ? 'listening'""",
        (message_id,),
    )
    if row is None:
        return None
    found = [one for one in row["payload"].get("attachments", ()) if one["kind"] == "voice" and not one.get("problem")]
    attachment_id = UUID(found[0]["id"]) if found else None
    return Voice(tenant_id, message_id, row["conversation_id"], row["number"], attachment_id, row["language"] or "", row["timezone"] or "")


async def _heard(voice: Voice) -> tuple[str, dict[str, Any]]:
    """The text, and what is noted of it. Raises as `paid_speech.transcribe`, and what the files raise."""
    if voice.attachment_id is None:
        raise speech.NotHeard
    async with step(voice.tenant_id) as session:
        attachment = await media.find(session, voice.attachment_id)
    if attachment.size > LARGEST:
        raise speech.NotHeard
    content = await media.content(voice.tenant_id, attachment)
    payer = cost.Payer(voice.tenant_id, voice.conversation_id, voice.number, cost.day_in(voice.timezone), "transcript")
    found = await paid_speech.transcribe(payer, content, attachment.mime, voice.language)
    return found.text, {"language": found.language, "model": found.model, "seconds": found.seconds, "ms": found.ms}


async def _write(session: Session, voice: Voice, text: str, told: dict[str, Any]) -> None:
    # The conversation first, as everywhere: two orders of locking would block each other.
    changed = await first(
        session,
        """WITH c AS (UPDATE conversations SET revision = revision + 1,
                             preview = CASE WHEN inbound_number = %(number)s AND preview_author = 'contact' AND %(text)s <> ''
                                            THEN left(%(text)s, 120) ELSE preview END
                       WHERE id = %(conversation)s RETURNING revision)
           UPDATE messages m SET revision = c.revision, payload = (payload - 'listening') || %(told)s,
                  text = CASE WHEN %(text)s = '' THEN text ELSE concat_ws(E'\\n', nullif(text, ''), %(text)s) END
             FROM c WHERE m.id = %(message)s AND m.deleted_at IS NULL AND m.payload ? 'listening' RETURNING m.number""",
        {
            "number": voice.number, "text": intake.clean(text), "conversation": voice.conversation_id, "message": voice.message_id,
            "told": Jsonb({"transcript": told}),
        },
    )  # fmt: skip
    if changed is not None:
        await live.publish(session, voice.tenant_id, voice.conversation_id, "message", str(changed["number"]))
