"""The turn's own transactions: where it begins, what it loads, and the one in which everything of it happens or nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import structlog
from psycopg import AsyncCursor
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo.ai import speech
from savdo.base import clock, telemetry
from savdo.base import files as stored
from savdo.base.db import Session, batch, first, new_id, platform_step, rows, step
from savdo.base.errors import SavdoError
from savdo.channels import connections
from savdo.conversations import calls, contacts, media, outbox, thread, voices
from savdo.knowledge import whole
from savdo.knowledge.models import Passage
from savdo.reply import diary, pointing, sight, summary
from savdo.reply.models import Campaign, Draft, Said, Turn

log = structlog.get_logger()

HISTORY = 30
# Of what a person wrote while the bot was silent, as much as this is told in the next summary.
UNSUMMARISED = 300
# The latest messages of a conversation with those they answer: what is unanswered and what no summary holds yet, HISTORY at least.
_SAID: LiteralString = (
    "SELECT m.number, m.direction, m.author, m.text, m.kind, m.payload, m.created_at, m.sent_at,"  # noqa: S608 # our own words
    " q.author AS quoted_author, q.text AS quoted_text FROM messages m"
    + thread.QUOTED
    + """WHERE m.conversation_id = %s AND m.deleted_at IS NULL AND (m.direction = 'in' OR m.status <> 'failed')
  -- A spoken answer says what the one before it says.
  AND (m.author <> 'bot' OR m.text <> '')
  ORDER BY m.number DESC LIMIT GREATEST(%s, (SELECT count(*) FROM messages f JOIN conversations g ON g.tenant_id = f.tenant_id
  AND g.id = f.conversation_id WHERE f.conversation_id = %s AND f.number > g.answered_number) + 10,
  -- What no summary holds yet.
  least(%s, (SELECT count(*) FROM messages o JOIN conversations s ON s.tenant_id = o.tenant_id
  AND s.id = o.conversation_id WHERE o.conversation_id = %s AND o.number > s.summarised_number)))"""
)


@dataclass(frozen=True, slots=True)
class Overdue:
    tenant_id: UUID
    conversation_id: UUID
    failed: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """`wait`: seconds until the answer is due, None when nothing is unanswered or may be, or when a voice message, picture or
    document is still being put into words, after which a job is asked for; `turn` as it stands now."""

    wait: float | None
    turn: Turn | None


@dataclass(frozen=True, slots=True)
class Written:
    """The turn is written. `claim`: its reply, already claimed for whoever wrote it; None when it waits or nothing is said."""

    claim: outbox.Claim | None


async def begin(tenant_id: UUID, conversation_id: UUID) -> Begun:
    """Locks the row and clears the note that a job waits, before anything is read: a message that is being stored now
    is either seen by this turn or finds the note cleared and asks for the next one.
    """
    async with batch(tenant_id) as session:
        begun = await session.execute(
            """UPDATE conversations SET answer_waiting = false WHERE id = %s
               RETURNING answered_number < inbound_number AND status IN ('bot', 'handover')
                 AND coalesce(listening_until <= now(), true) AS open,
                 -- By the database's clock, which set it: a worker's may be off.
                 GREATEST(0, extract(epoch FROM coalesce(answer_due_at, now()) - now()))::float AS wait""",
            (conversation_id,),
        )
        heads, said = await _loading(session, conversation_id)
    row, head = await begun.fetchone(), await heads.fetchone()
    if row is None or head is None or not row["open"] or head["opted_out_at"] or head["tenant_status"] != "active":
        return Begun(None, None)
    turn = _turn(tenant_id, head, await said.fetchall())
    if turn is None:
        await _nothing_left(tenant_id, head)
    return Begun(row["wait"] if turn else None, turn)


async def _nothing_left(tenant_id: UUID, head: DictRow) -> None:
    """Every unanswered message was taken back: nothing is owed, unless something came meanwhile."""
    async with step(tenant_id) as session:
        await session.execute(
            "UPDATE conversations SET answered_number = inbound_number WHERE id = %s AND inbound_number = %s",
            (head["id"], head["inbound_number"]),
        )


async def _loading(session: Session, conversation_id: UUID) -> tuple[AsyncCursor[DictRow], AsyncCursor[DictRow]]:
    heads = await session.execute(
        f"""SELECT c.*, t.profile, t.status AS tenant_status, p.name AS contact_name, p.phone_sealed, p.email_sealed,
                  p.opted_out_at, n.channel,
                  p.language AS contact_language,
                  n.settings->'working_hours_only' = 'true' AS hours_only, {contacts.REMEMBERED} AS remembered,
                  (SELECT facts FROM leads l WHERE l.tenant_id = c.tenant_id AND l.conversation_id = c.id) AS facts,
                  (SELECT coalesce(json_agg(g ORDER BY g.position, g.id), '[]')
                     FROM campaigns g WHERE g.tenant_id = c.tenant_id
                      -- A road may be for some of them only.
                      AND coalesce(NULLIF(n.settings->'campaigns', 'null') @> to_jsonb(g.id::text), true)) AS campaigns
             FROM conversations c
             JOIN tenants t ON t.id = c.tenant_id
             JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
             JOIN connections n ON n.tenant_id = c.tenant_id AND n.id = c.connection_id
            WHERE c.id = %s""",  # noqa: S608 # our own words
        (conversation_id,),
    )
    said = await session.execute(
        _SAID,
        (conversation_id, HISTORY, conversation_id, UNSUMMARISED, conversation_id),
    )
    return heads, said


def _turn(tenant_id: UUID, head: DictRow, newest_first: Sequence[DictRow]) -> Turn | None:
    found = newest_first[::-1]
    fresh = tuple(_said(row) for row in thread.as_written(found) if row["direction"] == "in" and row["number"] > head["answered_number"])
    if not fresh:
        return None
    history = tuple(_said(row) for row in found if not (row["direction"] == "in" and row["number"] > head["answered_number"]))
    return Turn(
        tenant_id=tenant_id, conversation_id=head["id"], contact_id=head["contact_id"], channel=head["channel"],
        profile=_profile(head), campaigns=tuple(_campaign(one) for one in head["campaigns"]), history=history[-HISTORY:], fresh=fresh,
        facts=_facts(head), status=head["status"], language=head["language"] or "", contact_name=head["contact_name"] or "",
        contact_language=head["contact_language"] or "",
        now=clock.now(), summary=head["summary"],
        older=tuple(one for one in history[:-HISTORY] if one.number > head["summarised_number"]),
        through=head["inbound_number"], changed_revision=head["changed_revision"],
    )  # fmt: skip


def _profile(head: DictRow) -> dict[str, Any]:
    return {**head["profile"], "outside_hours": "wait"} if head["hours_only"] else head["profile"]


def _facts(head: DictRow) -> dict[str, Any]:
    remembered = {"remembered": head["remembered"]} if head["remembered"] else {}
    return {**contacts.with_sealed(head["facts"] or {}, head), **remembered}


async def write(turn: Turn, draft: Draft, passages: Sequence[Passage], timings: Mapping[str, float]) -> Written | None:
    """The final transaction: the reply, the trace, the lead, the cost, the handover; only if nothing newer arrived or was changed, no
    person took over, the customer did not opt out and the company is active. Else None, and nothing of it happened."""
    files = await _kept(turn, draft) if draft.files else ()
    if len(files) < len(draft.files):
        # The words promise a file that does not come.
        draft = replace(draft, handover=draft.handover or "failure")
    written = await _written(turn, draft, files, passages, timings)
    if written is None and files:
        await media.discard(turn.tenant_id, files)
    return written


async def _kept(turn: Turn, draft: Draft) -> tuple[media.Attachment, ...]:
    """The files a tool promised, ready to become part of the message. One that is gone or refused is left out: the words
    are worth more than nothing."""
    async with step(turn.tenant_id) as session:
        shareable = {one.id: one for one in await whole.shareable(session)}
    kept: list[media.Attachment] = []
    for wanted in draft.files:
        try:
            file = shareable[wanted]
            content = await stored.get(file.file_key)
            kept.append(
                await media.keep(turn.tenant_id, conversation_id=turn.conversation_id, name=file.name, content=content, mime=file.mime)
            )
        except (KeyError, SavdoError) as error:
            log.warning("a file could not be sent", document=str(wanted), reason=str(error))
    return tuple(kept)


async def _written(
    turn: Turn, draft: Draft, files: tuple[media.Attachment, ...], passages: Sequence[Passage], timings: Mapping[str, float]
) -> Written | None:
    async with batch(turn.tenant_id) as session:
        row = await first(
            session,
            """SELECT c.connection_id, c.contact_id, c.external_id, coalesce(n.paused_until > %s, false) OR EXISTS (
                    SELECT 1 FROM messages m WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.id
                       AND m.direction = 'out' AND m.status IN ('queued', 'sending')) AS behind,
                      n.settings->'voice_answers' = 'true' AS spoken
                 FROM conversations c JOIN connections n ON n.tenant_id = c.tenant_id AND n.id = c.connection_id
                 JOIN tenants t ON t.id = c.tenant_id JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
                WHERE c.id = %s AND c.inbound_number = %s AND c.changed_revision = %s AND c.answered_number < c.inbound_number
                  AND c.status = %s AND t.status = 'active' AND p.opted_out_at IS NULL FOR UPDATE OF c""",
            (clock.now(), turn.conversation_id, turn.through, turn.changed_revision, turn.status),
        )
        if row is None:
            return None
        # The contact may have been merged with another while the answer was written.
        turn = replace(turn, contact_id=row["contact_id"])
        draft = await diary.settled(session, turn, draft)
        payload = _payload(draft, files)
        turn_id, message_id = new_id(), new_id()
        telemetry.correlate(turn_id=str(turn_id))
        await _trace(session, turn, turn_id, draft, passages, timings)
        await _reply(session, turn, turn_id, message_id, draft, payload, "queued" if row["behind"] else "sending")
        if files:
            await media.attach(session, message_id, files)
        await _lead(session, turn, draft)
        await _consequences(session, turn, draft)
        if row["spoken"] and not draft.silent and speech.speaks() and any(said.kind == "voice" and said.text for said in turn.fresh):
            await voices.speak.later(session, tenant_id=str(turn.tenant_id), message_id=str(message_id))
        if row["behind"] and not draft.silent:
            await outbox.ask(session, turn.tenant_id, turn.conversation_id)
        opened = await connections.asked(session, row["connection_id"])
    if row["behind"] or draft.silent:
        return Written(None)
    connection = await connections.answered(opened)
    return Written(outbox.Claim(
        message_id, turn.conversation_id, row["external_id"], draft.text, payload, 1, False, connection
    ))  # fmt: skip


async def overdue(by: timedelta) -> list[Overdue]:
    """Conversations whose answer is due since `by` and that no job will answer."""
    async with platform_step("answer sweep") as session:
        found = await rows(
            session,
            """SELECT c.tenant_id, c.id, EXISTS (
                        SELECT 1 FROM procrastinate_jobs f JOIN procrastinate_events e ON e.job_id = f.id AND e.type = 'failed'
                         WHERE f.lock = 'answer:' || c.id AND f.status = 'failed' AND e.at > (
                          SELECT m.created_at FROM messages m
                           WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.id AND m.number = c.inbound_number)) AS failed
                 FROM conversations c JOIN tenants t ON t.id = c.tenant_id AND t.status = 'active'
                 JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id AND p.opted_out_at IS NULL
                WHERE c.answered_number < c.inbound_number AND c.answer_due_at < now() - %s AND c.status IN ('bot', 'handover')
                  AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j WHERE j.lock = 'answer:' || c.id AND j.status IN ('todo', 'doing'))
                ORDER BY c.answer_due_at LIMIT 500""",
            (by,),
        )
    return [Overdue(row["tenant_id"], row["id"], row["failed"]) for row in found]


async def _trace(
    session: Session, turn: Turn, turn_id: UUID, draft: Draft, passages: Sequence[Passage], timings: Mapping[str, float]
) -> None:
    trace = {
        "passages": [
            {
                "id": str(one.id), "document_id": str(one.document_id), "document": one.document_name, "title_path": list(one.title_path),
                "text": one.text[:1000], "score": round(one.score, 4), "page": one.page, "cited": one.id in draft.cited,
            }
            for one in passages
        ],
        "timings_ms": {**timings, "total": round(sum(timings.values()), 1)},
        "faults": [asdict(fault) for fault in draft.faults], "checked": draft.checked, "notes": list(draft.notes),
        "tokens_in": draft.tokens_in, "tokens_out": draft.tokens_out,
    }  # fmt: skip
    reading = {**asdict(draft.reading), "entities": contacts.without_sealed(draft.reading.entities)}
    await session.execute(
        """INSERT INTO turns
             (tenant_id, id, conversation_id, first_number, last_number, outcome, reading, trace, model, cost_micros, currency)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            turn.tenant_id, turn_id, turn.conversation_id, min(one.number for one in turn.fresh), turn.through,
            "silent" if draft.silent else "answered", Jsonb(reading), Jsonb(trace, dumps=_dumps), draft.model,
            draft.cost_micros, draft.currency,
        ),
    )  # fmt: skip


async def _reply(
    session: Session, turn: Turn, turn_id: UUID, message_id: UUID, draft: Draft, payload: Mapping[str, Any], status: str
) -> None:
    await session.execute(
        """WITH c AS (
             UPDATE conversations SET answered_number = %(through)s, language = %(language)s,
                    revision = revision + CASE WHEN %(silent)s THEN 0 ELSE 1 END,
                    status = CASE WHEN %(handover)s THEN 'handover' ELSE status END,
                    preview = CASE WHEN %(silent)s THEN preview ELSE left(%(text)s, 120) END,
                    preview_author = CASE WHEN %(silent)s THEN preview_author ELSE 'bot' END,
                    last_message_at = CASE WHEN %(silent)s THEN last_message_at ELSE now() END
              WHERE id = %(conversation)s RETURNING tenant_id, id, connection_id, revision),
             m AS (
             INSERT INTO messages (tenant_id, id, conversation_id, connection_id, number, revision, direction, author, text, payload,
                                   status, attempts, claimed_at, turn_id)
             SELECT tenant_id, %(message)s, id, connection_id, revision, revision, 'out', 'bot', %(text)s, %(payload)s,
                    %(status)s, CASE %(status)s WHEN 'sending' THEN 1 ELSE 0 END, CASE %(status)s WHEN 'sending' THEN now() END, %(turn)s
               FROM c WHERE NOT %(silent)s RETURNING number)
           -- A reply that is sent at once is told of when it is marked: commits that notify wait for each other.
           SELECT pg_notify('savdo_live', json_build_array(c.tenant_id, c.id,
             CASE WHEN %(silent)s THEN 'conversation' ELSE 'message' END, coalesce((SELECT number FROM m)::text, ''))::text) FROM c
            WHERE %(silent)s OR %(status)s = 'queued'""",
        {
            "through": turn.through, "language": draft.reading.language, "silent": draft.silent,
            "handover": draft.handover is not None, "text": draft.text, "conversation": turn.conversation_id, "message": message_id,
            "payload": Jsonb(dict(payload)), "turn": turn_id, "status": status,
        },
    )  # fmt: skip


async def _lead(session: Session, turn: Turn, draft: Draft) -> None:
    if not draft.facts and not draft.score:
        return
    await session.execute(
        """INSERT INTO leads (tenant_id, id, conversation_id, contact_id, stage, facts, score) VALUES (%s, %s, %s, %s, 'talking', %s, %s)
           ON CONFLICT (tenant_id, conversation_id) DO UPDATE
             SET facts = leads.facts || EXCLUDED.facts, score = EXCLUDED.score, updated_at = now()""",
        (
            turn.tenant_id,
            new_id(),
            turn.conversation_id,
            turn.contact_id,
            Jsonb(contacts.without_sealed(draft.facts), dumps=_dumps),
            max(0, min(100, draft.score)),
        ),
    )
    details = {key: str(draft.facts.get(key) or "") for key in ("name", "phone", "email")}
    if any(details.values()):
        await contacts.set_details(session, turn.contact_id, **details)


async def _consequences(session: Session, turn: Turn, draft: Draft) -> None:
    if draft.opt_out:
        await contacts.opt_out(session, turn.contact_id)
        await thread.tell_consent(session, turn.conversation_id, turn.fresh[-1].number, "withdrawn")
    if draft.remember:
        await contacts.remember(session, turn.conversation_id, draft.remember)
    if turn.older:
        await session.execute(
            "UPDATE conversations SET summary = %s, summarised_number = %s WHERE id = %s",
            (summary.extended(turn.summary, turn.older), turn.older[-1].number, turn.conversation_id),
        )
    if draft.handover is not None:
        await calls.note(session, turn.tenant_id, turn.conversation_id, draft.handover, _asked(turn))


def _asked(turn: Turn) -> str:
    """What whoever is called reads first."""
    return "\n".join(filter(None, (turn.products, turn.text or turn.shown)))


def _payload(draft: Draft, files: tuple[media.Attachment, ...]) -> dict[str, Any]:
    buttons = {"buttons": [asdict(button) for button in draft.buttons]} if draft.buttons else {}
    return buttons | ({"attachments": [one.as_payload() for one in files]} if files else {})


def _said(row: DictRow) -> Said:
    payload: Mapping[str, Any] = row["payload"]
    return Said(
        row["number"], row["author"], row["text"], row["sent_at"] or row["created_at"], row["kind"], payload.get("quick_reply", ""),
        sight.words(payload), sight.is_left(payload), pointing.of(row),
    )  # fmt: skip


def _campaign(row: Mapping[str, Any]) -> Campaign:
    return Campaign(UUID(row["id"]), row["name"], row["price"] or {}, tuple(row["features"]), row["chat_flow"], row["audience"])


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
