"""Sending what is queued: in order within a conversation, each message once.

A message is claimed in a committed transaction before the network is touched: by the one that wrote it, when nothing
stands before it, or by the job `deliver`. A crash between the claim and the mark leaves it `sending`; once the claim is
older than `LEASE`, whoever comes next looks whether it went out where the channel can tell, and otherwise calls it
`uncertain` and shows it to a person, because a message sent twice cannot be taken back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb

from savdo.base import clock, telemetry
from savdo.base.db import Session, batch, first, platform_step, rows, step
from savdo.base.errors import SavdoError, Unavailable
from savdo.base.jobs import job
from savdo.base.settings import settings
from savdo.channels import alerts, connections, menus
from savdo.channels.abilities import Reserves
from savdo.channels.errors import (
    AccountProblem,
    Blocked,
    Busy,
    CannotTell,
    Disconnected,
    MarketingStopped,
    NeedsPhone,
    PairBusy,
    TemplateRefused,
    Uncertain,
    WindowClosed,
)
from savdo.channels.models import Button, Channel, Connection, File, Limits, Outbound, Sent, Template, channel
from savdo.conversations import contacts, media

TRIES = 8
# Longer than any channel's call may take, so that nobody takes over from a sender that is only slow.
LEASE = timedelta(seconds=30)

log = structlog.get_logger()

# Why the bot does not say what it was about to: it does not talk over a person, nor after a goodbye for good, nor to who has
# blocked it, nor a day late.
WITHDRAWN = frozenset({"taken_over", "opted_out", "blocked", "too_late"})
# The first message of a conversation that is still to be sent: claimed, or withdrawn.
_CLAIMED: LiteralString = """
  WITH c AS (SELECT v.tenant_id, v.id, v.status, v.blocked_at, v.contact_id, v.connection_id, v.external_id, v.last_inbound_at,
                    t.status = 'suspended' AS suspended
               FROM conversations v JOIN connections n ON n.tenant_id = v.tenant_id AND n.id = v.connection_id
               JOIN tenants t ON t.id = v.tenant_id
              -- What waits for a new connection goes out when there is one: the sweeper asks then.
              WHERE v.id = %s AND n.status <> 'reconnect' AND coalesce(n.paused_until <= %s, true)),
       next AS (SELECT m.id, m.status, m.status = 'sending' AND m.claimed_at > now() - %s AS in_flight,
                       CASE WHEN m.author <> 'bot' OR m.status <> 'queued' THEN NULL
                            WHEN c.status = 'human' THEN 'taken_over' WHEN p.opted_out_at < m.created_at THEN 'opted_out'
                            WHEN c.blocked_at IS NOT NULL THEN 'blocked'
                            WHEN m.created_at < now() - interval '1 day' THEN 'too_late' END AS withdrawn
                  FROM messages m JOIN c ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id
                  JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
                 WHERE m.direction = 'out' AND m.status IN ('queued', 'sending')
                   -- What the bot has still to say waits until its company is back.
                   AND NOT (c.suspended AND m.author = 'bot')
                 ORDER BY m.number LIMIT 1 FOR UPDATE OF m)
  UPDATE messages m SET
         -- Counted before the call: a crash while sending must not become an endless loop.
         attempts = CASE WHEN next.in_flight THEN m.attempts ELSE m.attempts + 1 END,
         claimed_at = CASE WHEN next.in_flight THEN m.claimed_at ELSE now() END,
         status = CASE WHEN next.withdrawn IS NULL THEN 'sending' ELSE 'failed' END, error_code = next.withdrawn
    FROM next, c WHERE m.tenant_id = c.tenant_id AND m.id = next.id
  RETURNING m.id, m.conversation_id, m.text, m.payload, m.attempts, m.status, m.author, m.error_code, c.last_inbound_at,
            next.status = 'sending' AS interrupted, next.in_flight, c.connection_id, c.external_id"""


class InFlight(Unavailable):
    """An earlier message of this conversation is being sent."""

    code = "in_flight"
    retry_after = 2.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that is ours to send. `interrupted`: somebody claimed it before and did not come back."""

    message_id: UUID
    conversation_id: UUID
    thread_id: str
    text: str
    payload: Mapping[str, Any]
    attempts: int
    interrupted: bool
    connection: Connection
    author: str = "bot"
    # When the customer last wrote; None where that is only just now.
    last_inbound_at: datetime | None = None


async def ask(session: Session, tenant_id: UUID, conversation_id: UUID, *, after: timedelta | None = None) -> None:
    """Has what is queued in a conversation sent after the commit, in order; `after` holds the whole conversation back."""
    await deliver.later(
        session, lock=f"deliver:{conversation_id}", after=after, tenant_id=str(tenant_id), conversation_id=str(conversation_id)
    )


@job(attempts=12, priority=1)
async def deliver(tenant_id: str, conversation_id: str) -> None:
    """Sends every queued message of a conversation, oldest first. Raises the channel's error when it should be tried again; where
    the channel asks to wait, another job goes on then."""
    tenant = UUID(tenant_id)
    while True:
        try:
            async with step(tenant) as session:
                claim = await _claim(session, UUID(conversation_id))
            if claim is None:
                return
            await send(tenant, claim)
        except Busy as busy:
            # However often it is asked, to wait uses up none of this job's attempts.
            await _ask_later(tenant, UUID(conversation_id), busy)
            return


async def send(tenant_id: UUID, claim: Claim) -> None:
    """Sends a claimed message and marks it. Raises the channel's error when it should be tried again."""
    adapter = channel(claim.connection.channel)
    try:
        outbound = await _reserved(tenant_id, adapter, claim, _allowed(claim, await _outbound(tenant_id, claim), adapter.limits))
        external_id = await adapter.find(claim.connection, outbound) if claim.interrupted and not outbound.reserved else None
        if external_id is None:
            external_id = await _handed_over(tenant_id, adapter, claim, outbound)
    except (Uncertain, CannotTell) as error:
        await _mark(tenant_id, claim, "uncertain", error)
    except SavdoError as error:
        await _refused(tenant_id, claim, error)
    else:
        await _mark(tenant_id, claim, "sent", external_id=external_id)


async def send_or_ask(tenant_id: UUID, claim: Claim) -> None:
    """Sends what was claimed when it was written; where the channel is busy, a job goes on from there."""
    try:
        await send(tenant_id, claim)
    except SavdoError as error:
        await _ask_later(tenant_id, claim.conversation_id, error)


async def hold(session: Session, connection_id: UUID, message_id: UUID, busy: Busy) -> Busy:
    """Holds back what a wait is about, and returns it with its length. Of one customer it is their conversation's, and grows with each
    refusal of the same message; any other is the whole number's, page's or bot's."""
    if isinstance(busy, PairBusy):
        row = await first(session, "UPDATE messages SET waits = waits + 1 WHERE id = %s RETURNING waits", (message_id,))
        return busy.grown(row["waits"] if row else 1)
    until = clock.now() + timedelta(seconds=busy.retry_after)
    await session.execute(
        "UPDATE connections SET paused_until = %(until)s WHERE id = %(id)s AND coalesce(paused_until < %(until)s, true)",
        {"until": until, "id": connection_id},
    )
    return busy


async def sweep() -> None:
    """Asks again for messages that have been queued for long without a job."""
    async with platform_step("outbox sweep") as session:
        stuck = await rows(
            session,
            """SELECT DISTINCT m.tenant_id, m.conversation_id FROM messages m
                WHERE m.direction = 'out' AND m.status IN ('queued', 'sending') AND coalesce(m.claimed_at, m.created_at) < now() - %s
                  AND NOT (m.author = 'bot' AND (SELECT t.status FROM tenants t WHERE t.id = m.tenant_id) = 'suspended')
                  AND NOT EXISTS (SELECT 1 FROM connections n
                                   WHERE n.tenant_id = m.tenant_id AND n.id = m.connection_id AND n.status = 'reconnect')
                  AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j
                                   WHERE j.lock = 'deliver:' || m.conversation_id AND j.status IN ('todo', 'doing')) LIMIT 500""",
            (LEASE,),
        )
    for row in stuck:
        async with step(row["tenant_id"]) as session:
            await ask(session, row["tenant_id"], row["conversation_id"])


async def _claim(session: Session, conversation_id: UUID) -> Claim | None:
    """The next message to send, ours from now on; None when there is none. Raises InFlight, and Busy while its connection waits."""
    now = clock.now()
    row = await first(session, _CLAIMED, (conversation_id, now, LEASE))
    if row is None:
        await _paused(session, conversation_id, now)
        return None
    if row["in_flight"]:
        raise InFlight
    if row["status"] == "failed":
        await _finish(session, row["id"], "failed", error="withdrawn", code=row["error_code"])
        return await _claim(session, conversation_id)
    connection = await connections.by_id(session, row["connection_id"])
    return Claim(
        row["id"], row["conversation_id"], row["external_id"], row["text"], row["payload"],
        row["attempts"], row["interrupted"], connection, row["author"], row["last_inbound_at"],
    )  # fmt: skip


async def _paused(session: Session, conversation_id: UUID, now: datetime) -> None:
    """Raises Busy when something is queued that waits for its connection's pause to end."""
    row = await first(
        session,
        """SELECT n.paused_until FROM conversations v JOIN connections n ON n.tenant_id = v.tenant_id AND n.id = v.connection_id
            WHERE v.id = %s AND n.paused_until > %s AND n.status <> 'reconnect'
              AND EXISTS (SELECT 1 FROM messages m WHERE m.tenant_id = v.tenant_id AND m.conversation_id = v.id
                             AND m.direction = 'out' AND m.status IN ('queued', 'sending'))""",
        (conversation_id, now),
    )
    if row is not None:
        raise Busy(retry_after=(row["paused_until"] - now).total_seconds())


async def _ask_later(tenant_id: UUID, conversation_id: UUID, error: SavdoError) -> None:
    wait = timedelta(seconds=getattr(error, "retry_after", 1.0))
    async with step(tenant_id) as session:
        await ask(session, tenant_id, conversation_id, after=wait)


async def _refused(tenant_id: UUID, claim: Claim, error: SavdoError) -> None:
    if isinstance(error, Busy):
        # A flood is no failure of the message, however long it lasts.
        async with batch(tenant_id) as session:
            await _finish(session, claim.message_id, "queued", error=error.message, code=error.code)
            await session.execute("UPDATE messages SET attempts = attempts - 1 WHERE id = %s", (claim.message_id,))
            error = await hold(session, claim.connection.id, claim.message_id, error)
        raise error
    if not error.permanent and claim.attempts < TRIES:
        await _mark(tenant_id, claim, "queued", error)
        raise error
    # Without a connection the queue is kept, and goes on with the next one.
    kept = isinstance(error, Disconnected) and claim.connection.status != "off"
    # What goes under ids of its own was tried again whatever became of it, which nobody knows.
    unknown = not error.permanent and "reserved" in claim.payload
    status = "queued" if kept else "uncertain" if unknown else "failed"
    async with step(tenant_id) as session:
        await _finish(session, claim.message_id, status, error=error.message, code=error.code)
        await bear(session, claim.connection, claim.conversation_id, error, payload=claim.payload)
    telemetry.delivered(claim.connection.channel, status)
    log.warning("message not sent", channel=claim.connection.channel, code=error.code, message_id=str(claim.message_id))


async def bear(
    session: Session, connection: Connection, conversation_id: UUID, error: SavdoError, *, payload: Mapping[str, Any], taken: bool = False
) -> None:
    """What a refusal for good means beyond its message (`payload` is that message's): for the contact, and for the connection
    it was sent on. `taken`: the channel took the message at first."""
    match error:
        case Blocked():
            await contacts.set_blocked(session, conversation_id, True)
        case MarketingStopped():
            await contacts.stop_marketing(session, await _contact(session, conversation_id))
        case Disconnected():
            # A token that was replaced meanwhile says nothing about the one there is now.
            if (await connections.by_id(session, connection.id)).credentials == connection.credentials:
                await connections.mark(session, connection.id, "reconnect", error.message)
        case AccountProblem():
            await alerts.tell(session, connection.id, alerts.UNDELIVERED if taken else alerts.REFUSED, error.message)
        case TemplateRefused() if payload.get("template"):
            await alerts.tell(session, connection.id, alerts.of_template(payload["template"]["name"]), error.message)
        case _:
            pass


async def _contact(session: Session, conversation_id: UUID) -> UUID:
    row = await first(session, "SELECT contact_id FROM conversations WHERE id = %s", (conversation_id,))
    assert row is not None
    return row["contact_id"]


def _allowed(claim: Claim, outbound: Outbound, limits: Limits) -> Outbound:
    """The message as this channel takes it now. Raises WindowClosed, TemplateRefused."""
    if outbound.template is not None:
        if not limits.templates:
            raise TemplateRefused("This channel has no templates.")
        return outbound
    if outbound.menu is not None and not limits.menus:
        outbound = menus.as_text(outbound)
    if limits.window is None or claim.last_inbound_at is None:
        return outbound
    now, by_person = clock.now(), claim.author == "member"
    until = limits.open_until(claim.last_inbound_at, person=by_person)
    if until is not None and until < now:
        raise WindowClosed(None if limits.templates else "The customer wrote too long ago: nothing can be sent until they write again.")
    return replace(outbound, late=claim.last_inbound_at + limits.window < now)


async def _reserved(tenant_id: UUID, adapter: Channel, claim: Claim, outbound: Outbound) -> Outbound:
    """The message under the ids it was given, kept before it is sent, so that another try goes under the same."""
    if not isinstance(adapter, Reserves):
        return outbound
    if known := claim.payload.get("reserved"):
        return replace(outbound, reserved=tuple(known))
    ids = await adapter.reserve(claim.connection, outbound)
    if ids:
        async with step(tenant_id) as session:
            await session.execute("UPDATE messages SET payload = payload || %s WHERE id = %s", (Jsonb({"reserved": ids}), claim.message_id))
    return replace(outbound, reserved=ids)


async def _handed_over(tenant_id: UUID, adapter: Channel, claim: Claim, outbound: Outbound) -> str:
    try:
        return await adapter.send(claim.connection, outbound)
    except NeedsPhone:
        async with step(tenant_id) as session:
            phone = await contacts.phone(session, claim.conversation_id)
        if not phone:
            raise
        return await adapter.send(claim.connection, replace(outbound, thread_id=phone))


async def _mark(tenant_id: UUID, claim: Claim, status: str, error: SavdoError | None = None, *, external_id: str | None = None) -> None:
    said, code = (error.message, error.code) if error else (None, None)
    async with batch(tenant_id) as session:
        await _finish(session, claim.message_id, status, external_id=external_id, error=said, code=code)
        if status == "sent":
            await alerts.over(session, claim.connection.id, [*alerts.ACCEPTED, *alerts.about(claim.payload)])
    telemetry.delivered(claim.connection.channel, status)


async def _finish(
    session: Session, message_id: UUID, status: str, *, external_id: str | None = None, error: str | None = None, code: str | None = None
) -> None:
    parts = {"parts": list(external_id.earlier)} if isinstance(external_id, Sent) and external_id.earlier else {}
    # "uncertain" may still become "sent": a worker that was only slow, and not dead, comes back with the truth.
    await session.execute(
        """WITH m AS (SELECT tenant_id, id, conversation_id FROM messages
                       WHERE id = %(id)s AND status IN ('sending', 'uncertain', 'failed')),
                c AS (UPDATE conversations SET revision = revision + 1 FROM m WHERE conversations.tenant_id = m.tenant_id
                       AND conversations.id = m.conversation_id RETURNING conversations.revision)
           UPDATE messages SET external_id = coalesce(%(external)s, messages.external_id),
                  -- What became of it may have been told before the answer to sending it came.
                  status = CASE WHEN %(status)s = 'sent' THEN coalesce(payload->'receipt'->>'status', 'sent') ELSE %(status)s END,
                  error = CASE WHEN %(status)s = 'sent' THEN payload->'receipt'->>'problem' ELSE %(error)s END,
                  error_code = CASE WHEN %(status)s = 'sent' THEN payload->'receipt'->>'code' ELSE %(code)s END,
                  payload = (payload - 'receipt') || %(parts)s,
                  revision = c.revision, sent_at = CASE WHEN %(status)s = 'sent' THEN now() ELSE sent_at END
             FROM m, c WHERE messages.tenant_id = m.tenant_id AND messages.id = m.id
           RETURNING pg_notify('savdo_live',
             json_build_array(messages.tenant_id, messages.conversation_id, 'message', number::text)::text)""",
        {"id": message_id, "status": status, "external": external_id, "error": error, "code": code, "parts": Jsonb(parts)},
    )


async def _outbound(tenant_id: UUID, claim: Claim) -> Outbound:
    buttons = tuple(Button(one["id"], one["title"], one.get("url", "")) for one in claim.payload.get("buttons", ()))
    files: list[File] = []
    for one in claim.payload.get("attachments", ()):
        async with step(tenant_id) as session:
            attachment = await media.find(session, UUID(one["id"]))
        # Some companies fetch a file; they can where this server has an address.
        public = settings().public_url.rstrip("/")
        url = public + media.address(tenant_id, attachment.id) if public else ""
        files.append(File(attachment.kind, attachment.name, attachment.mime, await media.content(tenant_id, attachment), url))
    return Outbound(
        claim.message_id, claim.thread_id, claim.text, buttons, tuple(files), claim.payload.get("reply_to", ""),
        menu=menus.read(claim.payload.get("menu")), template=_template(claim.payload.get("template")),
    )  # fmt: skip


def _template(payload: Mapping[str, Any] | None) -> Template | None:
    if payload is None:
        return None
    parameters = tuple((str(name), str(text)) for name, text in payload.get("parameters", ()))
    return Template(payload["name"], payload["language"], parameters, tuple(payload.get("buttons", ())))
