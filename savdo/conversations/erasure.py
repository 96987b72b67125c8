"""Erasing a contact: what was said, the files, the ids they are known by. Figures and bills stay, and name nobody."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from savdo import audit
from savdo.base import files, live
from savdo.base.db import Session, first, rows, step
from savdo.base.errors import NotFound
from savdo.base.jobs import job


@dataclass(frozen=True, slots=True)
class Receipt:
    """How much there was; nothing says of whom."""

    conversations: int = 0
    messages: int = 0
    files: int = 0


async def erase(tenant_id: UUID, contact_id: UUID, actor: str) -> Receipt:
    """Erases a contact, and every contact that was merged with it. Raises NotFound."""
    async with step(tenant_id) as session:
        found = await first(session, "SELECT coalesce(merged_into, id) AS id FROM contacts WHERE id = %s", (contact_id,))
        if found is None:
            raise NotFound
        await _forget_ids(session, found["id"])
        receipt = await _forget_talks(session, tenant_id, found["id"])
        await session.execute("DELETE FROM identities WHERE contact_id = %s", (found["id"],))
        # Those that were merged go with it.
        await session.execute("DELETE FROM contacts WHERE id = %s", (found["id"],))
        await audit.note(session, tenant_id, actor, "contact.erased", str(found["id"]), asdict(receipt))
    return receipt


@job(attempts=8)
async def forget_files(keys: str) -> None:
    """Removes files whose rows are gone; a key a line."""
    for key in keys.splitlines():
        await files.delete(key)


async def _forget_talks(session: Session, tenant_id: UUID, contact_id: UUID) -> Receipt:
    # Before the identities, as everywhere: whoever stores a message at this moment holds its conversation.
    talks = [row["id"] for row in await rows(session, "SELECT id FROM conversations WHERE contact_id = %s FOR UPDATE", (contact_id,))]
    kept = await rows(session, "SELECT file_key FROM attachments WHERE conversation_id = ANY(%s) AND file_key <> ''", (talks,))
    said = await first(session, "SELECT count(*) FROM messages WHERE conversation_id = ANY(%s)", (talks,))
    # A try of a persona on the latest conversations holds their words and does not say whose each is.
    await session.execute(
        """DELETE FROM scenario_runs WHERE kind = 'replay'
              AND created_at >= (SELECT min(created_at) FROM conversations WHERE id = ANY(%s))""",
        (talks,),
    )
    await session.execute("DELETE FROM conversations WHERE id = ANY(%s)", (talks,))
    if kept:
        await forget_files.later(session, keys="\n".join(row["file_key"] for row in kept))
    for talk in talks:
        await live.publish(session, tenant_id, talk, "conversation")
    return Receipt(len(talks), said["count"] if said else 0, len(kept))


async def _forget_ids(session: Session, contact_id: UUID) -> None:
    """What stands beside the contact and names it: a person of a Telegram account, and events that nobody could read."""
    known = await rows(
        session,
        """SELECT i.connection_id, array_agg(i.external_id) AS ids, n.channel = 'telegram_userbot' AS person FROM identities i
             JOIN connections n ON n.tenant_id = i.tenant_id AND n.id = i.connection_id
            WHERE i.contact_id = %s GROUP BY 1, 3""",
        (contact_id,),
    )
    for road in known:
        if road["person"]:
            peers = [int(one) for one in road["ids"] if one.isdecimal()]
            await session.execute("DELETE FROM userbot_peers WHERE connection_id = %s AND peer = ANY(%s)", (road["connection_id"], peers))
        await session.execute(
            "DELETE FROM unknown_events WHERE connection_id = %s AND body::text ~ %s", (road["connection_id"], _naming(road["ids"]))
        )


def _naming(ids: Sequence[str]) -> str:
    """The regular expression of a text that names one of the ids, as a whole."""
    return rf"(^|[^0-9A-Za-z])({'|'.join(re.escape(one) for one in ids)})($|[^0-9A-Za-z])"
