"""What became of our messages, as the other company tells later: delivered, read, charged, or refused after all.

Receipts come in any order and more than once, so a message only ever moves on; a failure only undoes what is not known
to have arrived. One that overtakes the answer to our own sending is noted and counts when that is marked.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo.base.db import Session, first, rows
from savdo.channels import alerts
from savdo.channels.errors import Busy, Refused
from savdo.channels.models import Connection, Inbound, Receipt
from savdo.conversations import intake, outbox

# What each replaces.
BEFORE: Mapping[str, tuple[str, ...]] = {
    "sent": ("uncertain",),
    "delivered": ("uncertain", "sent"),
    "read": ("uncertain", "sent", "delivered"),
    "failed": ("uncertain", "sent"),
}
MOST_AT_ONCE = 500


async def take(session: Session, connection: Connection, inbound: Inbound) -> None:
    """Marks what the receipt is about. One of a message that is not ours changes nothing."""
    receipt = inbound.receipt
    if receipt is None:
        return
    for row in await _messages(session, connection, inbound, receipt):
        if row["status"] == "sending":
            await _note(session, row["id"], receipt)
        elif row["status"] in BEFORE[receipt.status] or (receipt.price and "price" not in row["payload"]):
            await _apply(session, connection, row, receipt)


async def _messages(session: Session, connection: Connection, inbound: Inbound, receipt: Receipt) -> list[DictRow]:
    if receipt.through is not None:
        conversation = await intake.find(session, connection, inbound)
        return [] if conversation is None else await rows(
            session,
            """SELECT id, conversation_id, status, payload, attempts FROM messages
                WHERE conversation_id = %s AND direction = 'out' AND status = ANY(%s) AND sent_at <= %s ORDER BY number DESC LIMIT %s""",
            (conversation["id"], list(BEFORE[receipt.status]), receipt.through, MOST_AT_ONCE),
        )  # fmt: skip
    return await rows(
        session,
        """SELECT id, conversation_id, status, payload, attempts FROM messages
            WHERE connection_id = %(connection)s AND direction = 'out'
              AND (id = %(id)s OR (external_id = %(external)s AND external_id <> '')) LIMIT 1""",
        {"connection": connection.id, "id": _uuid(receipt.message_id), "external": receipt.external_id},
    )


async def _note(session: Session, message_id: UUID, receipt: Receipt) -> None:
    if receipt.status == "sent":
        return
    told = {
        "status": receipt.status,
        "problem": receipt.problem,
        "code": (receipt.error or Refused).code if receipt.status == "failed" else None,
    }
    await session.execute(
        "UPDATE messages SET payload = payload || %s WHERE id = %s AND status = 'sending'",
        (Jsonb({"receipt": told, **_price(receipt)}), message_id),
    )


async def _apply(session: Session, connection: Connection, row: DictRow, receipt: Receipt) -> None:
    error = (receipt.error or Refused)(receipt.problem or None) if receipt.status == "failed" else None
    again = isinstance(error, Busy) or (error is not None and not error.permanent and row["attempts"] < outbox.TRIES)
    # The conversation first, as everywhere.
    bumped = await first(
        session,
        "UPDATE conversations SET revision = revision + 1 WHERE id = %s RETURNING revision",
        (row["conversation_id"],),
    )
    if bumped is None:
        return
    changed = await first(
        session,
        """UPDATE messages SET revision = %(revision)s, payload = payload || %(price)s,
                  status = CASE WHEN status = ANY(%(before)s) THEN %(status)s ELSE status END,
                  error = CASE WHEN status = ANY(%(before)s) THEN %(error)s ELSE error END,
                  error_code = CASE WHEN status = ANY(%(before)s) THEN %(code)s ELSE error_code END,
                  external_id = CASE WHEN %(again)s THEN NULL ELSE coalesce(external_id, NULLIF(%(external)s, '')) END,
                  sent_at = coalesce(sent_at, now())
            WHERE id = %(id)s
           RETURNING status, pg_notify('savdo_live', json_build_array(tenant_id, conversation_id, 'message', number::text)::text)""",
        {
            "revision": bumped["revision"], "price": Jsonb(_price(receipt)), "before": list(BEFORE[receipt.status]),
            "status": "queued" if again else receipt.status, "error": error.message if error else None,
            "code": error.code if error else None, "again": again,
            "external": receipt.external_id, "id": row["id"],
        },
    )  # fmt: skip
    if error is None:
        await alerts.over(session, connection.id, [*alerts.DELIVERED, *alerts.about(row["payload"])])
    if error is None or changed is None or changed["status"] not in ("failed", "queued"):
        return
    if again:
        held = await outbox.hold(session, connection.id, row["id"], error) if isinstance(error, Busy) else error
        wait = timedelta(seconds=getattr(held, "retry_after", 5.0))
        await outbox.ask(session, connection.tenant_id, row["conversation_id"], after=wait)
    else:
        await outbox.bear(session, connection, row["conversation_id"], error, payload=row["payload"], taken=True)


def _price(receipt: Receipt) -> dict[str, Any]:
    return {"price": asdict(receipt.price)} if receipt.price else {}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
