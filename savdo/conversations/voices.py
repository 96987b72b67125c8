"""Voice answers: the bot's answer to a voice message also as one, after the text, where the connection says so
(`settings.voice_answers`). Whatever goes wrong here, the text was sent."""

from uuid import UUID, uuid5

import structlog
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo.ai import cost, paid_speech
from savdo.base.db import Session, first, step
from savdo.base.errors import SavdoError
from savdo.base.jobs import is_last_attempt, job
from savdo.channels.models import channel
from savdo.conversations import media, outbox

NAMES = {"opus": ("voice.ogg", "audio/ogg"), "mp3": ("voice.mp3", "audio/mpeg"), "aac": ("voice.aac", "audio/aac")}

log = structlog.get_logger()


@job(attempts=3)
async def speak(tenant_id: str, message_id: str) -> None:
    """Sends what a message of the bot says as a voice message, unless the conversation has gone on."""
    tenant, spoken_id = UUID(tenant_id), uuid5(UUID(message_id), "voice")
    async with step(tenant) as session:
        row = await _said(session, UUID(message_id))
    if row is None:
        return
    container = channel(row["channel"]).limits.voice
    name, mime = NAMES[container]
    try:
        payer = cost.Payer(tenant, row["conversation_id"], row["answered"], cost.day_in(row["timezone"] or ""), "voice")
        content = await paid_speech.speak(payer, row["text"], container)
        kept = await media.keep(tenant, conversation_id=row["conversation_id"], name=name, content=content, mime=mime)
    except SavdoError as error:
        if not error.permanent and not is_last_attempt():
            raise
        log.info("answer not spoken", code=error.code, message_id=message_id)
        return
    async with step(tenant) as session:
        written = await _said(session, UUID(message_id)) is not None and await _write(session, row, spoken_id, kept)
        if written:
            await outbox.ask(session, tenant, row["conversation_id"])
    if not written:
        await media.discard(tenant, (kept,))


async def _said(session: Session, message_id: UUID) -> DictRow | None:
    """The message, as long as it is the last word."""
    return await first(
        session,
        """SELECT m.text, m.conversation_id, n.channel, coalesce(a.last_number, m.number) AS answered, t.profile->>'timezone' AS timezone
             FROM messages m JOIN tenants t ON t.id = m.tenant_id
             LEFT JOIN turns a ON a.tenant_id = m.tenant_id AND a.id = m.turn_id
             JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
             JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
             JOIN connections n ON n.tenant_id = m.tenant_id AND n.id = m.connection_id
            WHERE m.id = %s AND m.status <> 'failed' AND c.status IN ('bot', 'handover') AND p.opted_out_at IS NULL
              AND c.inbound_number < m.number""",
        (message_id,),
    )


async def _write(session: Session, row: DictRow, message_id: UUID, kept: media.Attachment) -> bool:
    """Queues the voice message; False when an earlier attempt did already."""
    written = await first(
        session,
        """WITH c AS (
             UPDATE conversations SET revision = revision + 1, last_message_at = now()
              WHERE id = %(conversation)s RETURNING tenant_id, id, connection_id, revision)
           INSERT INTO messages (tenant_id, id, conversation_id, connection_id, number, revision, direction, author, kind, payload, status)
           SELECT tenant_id, %(message)s, id, connection_id, revision, revision, 'out', 'bot', 'voice', %(payload)s, 'queued' FROM c
           ON CONFLICT (tenant_id, id) DO NOTHING
           RETURNING pg_notify('savdo_live', json_build_array(tenant_id, conversation_id, 'message', number::text)::text)""",
        {"conversation": row["conversation_id"], "message": message_id, "payload": Jsonb({"attachments": [kept.as_payload()]})},
    )
    if written is None:
        return False
    await media.attach(session, message_id, (kept,))
    return True
