"""Reading conversations for people, and what a person does in one: write, take over, give back, close."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Literal, LiteralString
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from savdo import audit
from savdo.base import live, places
from savdo.base.db import Session, first, new_id, rows
from savdo.base.errors import Invalid, NotFound
from savdo.channels.models import Template
from savdo.conversations import contacts, intake, media, outbox
from savdo.conversations.media import Attachment
from savdo.conversations.models import COLUMNS

PAGE = 30
MESSAGES = 40
MOST_MESSAGES = 400

_LISTED: LiteralString = """
  SELECT c.id, c.status, c.unread, c.preview, c.preview_author, c.last_message_at, c.language, c.contact_id, c.is_test,
         p.name AS contact_name, p.opted_out_at, n.channel, n.name AS connection_name
    FROM conversations c
    JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
    JOIN connections n ON n.tenant_id = c.tenant_id AND n.id = c.connection_id"""

# Beside a message m, as q, the one it answers, by the name it has at the other company or, in the web chat, its number.
QUOTED: LiteralString = """ LEFT JOIN LATERAL (
    SELECT q.id, q.number, q.author, q.kind, left(CASE WHEN q.deleted_at IS NULL THEN q.text ELSE '' END, 400) AS text
      FROM messages q
     WHERE m.payload ? 'reply_to' AND q.tenant_id = m.tenant_id AND q.conversation_id = m.conversation_id
       AND (q.external_id = m.payload->>'reply_to' OR q.payload->'parts' ? (m.payload->>'reply_to')
            OR '#' || q.number = m.payload->>'reply_to')
     LIMIT 1) q ON true """

# A message as people see it.
SHOWN: LiteralString = (
    "SELECT "  # noqa: S608 # our own columns
    + COLUMNS
    + """, b.name AS member_name, t.model, t.cost_micros, t.currency, (t.id IS NOT NULL) AS has_why,
                q.id AS quoted_id, q.number AS quoted_number, q.author AS quoted_author, q.kind AS quoted_kind, q.text AS quoted_text
           FROM messages m
           LEFT JOIN members b ON b.tenant_id = m.tenant_id AND b.id = m.member_id
           LEFT JOIN turns t ON t.tenant_id = m.tenant_id AND t.id = m.turn_id """
    + QUOTED
)


class NoConversation(NotFound):
    """There is no such conversation."""

    code = "no_conversation"


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page of the list, newest first; `older` is the place to go on from, or empty."""

    items: Sequence[DictRow]
    older: str


async def inbox(session: Session, *, status: str = "", unread: bool = False, query: str = "", after: str = "", limit: int = PAGE) -> Inbox:
    """`status` is one of the statuses, "open" for all but closed, or empty for all; `query` looks in names and
    what was written, and finds a whole phone number or e-mail address."""
    at, conversation_id = places.read(after)
    query = " ".join(intake.clean(query).split())[:200]
    found = await rows(
        session,
        _LISTED  # noqa: S608 # our own words on both sides
        + """
           WHERE NOT c.is_test
             AND (%(status)s = '' OR c.status = %(status)s OR (%(status)s = 'open' AND c.status <> 'closed'))
             AND (NOT %(unread)s OR c.unread > 0)
             AND (%(query)s = '' OR p.name ILIKE %(like)s OR c.preview ILIKE %(like)s
                  OR p.phone_hash = ANY(%(phone)s) OR p.email_hash = ANY(%(email)s)
                  OR EXISTS (SELECT 1 FROM messages m WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.id
                              AND m.words @@ to_tsquery('simple', %(words)s)))
             AND (%(at)s::timestamptz IS NULL OR (c.last_message_at, c.id) < (%(at)s, %(id)s))
           ORDER BY c.last_message_at DESC, c.id DESC LIMIT %(limit)s""",
        {
            "status": status, "unread": unread, "query": query, "like": f"%{escaped(query)}%", "words": _words(query),
            "at": at, "id": conversation_id, "limit": limit + 1, **contacts.sought(query),
        },
    )  # fmt: skip
    page = found[:limit]
    return Inbox(page, places.word(page[-1]["last_message_at"], page[-1]["id"]) if len(found) > limit else "")


async def one(session: Session, conversation_id: UUID) -> DictRow:
    """A conversation as it stands, with what the panel shows. Raises NoConversation."""
    row = await first(
        session,
        """SELECT c.*, p.name AS contact_name, p.phone_sealed, p.email_sealed, p.opted_out_at, p.attributes,
                  p.created_at AS contact_since, n.channel, n.name AS connection_name, n.status AS connection_status,
                  n.settings AS connection_settings, n.account AS connection_account,
                  l.stage, l.facts, l.score, l.band, h.reason AS handover_reason, h.summary AS handover_summary,
                  h.created_at AS called_at, w.name AS taken_by_name
             FROM conversations c
             JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
             JOIN connections n ON n.tenant_id = c.tenant_id AND n.id = c.connection_id
             LEFT JOIN leads l ON l.tenant_id = c.tenant_id AND l.conversation_id = c.id
             LEFT JOIN handovers h ON h.tenant_id = c.tenant_id AND h.conversation_id = c.id AND h.ended_at IS NULL
             LEFT JOIN members w ON w.tenant_id = h.tenant_id AND w.id = h.taken_by
            WHERE c.id = %s""",
        (conversation_id,),
    )
    if row is None:
        raise NoConversation
    row["phone"] = contacts.unsealed(row.pop("phone_sealed"))
    row["email"] = contacts.unsealed(row.pop("email_sealed"))
    return row


async def messages(
    session: Session, conversation_id: UUID, *, before: int | None = None, since: int | None = None, limit: int = MESSAGES
) -> tuple[list[DictRow], bool]:
    """A page of the thread, oldest first, and whether there is more before it; `since` takes all from that number on."""
    query: LiteralString = (
        SHOWN
        + """WHERE m.conversation_id = %s AND (%s::bigint IS NULL OR m.number < %s) AND (%s::bigint IS NULL OR m.number >= %s)
            ORDER BY m.number DESC LIMIT %s"""
    )
    limit = MOST_MESSAGES if since is not None else limit
    found = await rows(session, query, (conversation_id, before, before, since, since, limit + 1))
    page = as_written(found[limit - 1 :: -1])
    # Numbers also count changes, so the first one shown is the first one there is only where nothing stands before it.
    earlier = since is not None and await first(
        session, "SELECT 1 FROM messages WHERE conversation_id = %s AND number < %s LIMIT 1", (conversation_id, since)
    )
    return page, len(found) > limit or bool(earlier)


def as_written(oldest_first: Sequence[DictRow]) -> list[DictRow]:
    """Messages in the order of their numbers, but what a customer said without a word of ours between it in the order they wrote
    it: companies deliver in any."""
    found: list[DictRow] = []
    for incoming, said in groupby(oldest_first, key=lambda row: row["direction"] == "in"):
        run = list(said)
        found += sorted(run, key=lambda row: row["sent_at"] or row["created_at"]) if incoming else run
    return found


async def why(session: Session, conversation_id: UUID, turn_id: UUID) -> DictRow:
    """How a bot answer came about. Raises NotFound."""
    row = await first(
        session,
        """SELECT t.*, p.phone_sealed, p.email_sealed FROM turns t
             JOIN conversations c ON c.tenant_id = t.tenant_id AND c.id = t.conversation_id
             JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
            WHERE t.id = %s AND c.id = %s""",
        (turn_id, conversation_id),
    )
    if row is None:
        raise NotFound
    row["reading"]["entities"] = contacts.with_sealed(row["reading"].get("entities") or {}, row)
    return row


async def counts(session: Session) -> DictRow:
    """Open conversations with something unread, and those that wait for a person; at most 100 are counted."""
    row = await first(
        session,
        """SELECT (SELECT count(*) FROM (SELECT 1 FROM conversations
                     WHERE unread > 0 AND status <> 'closed' AND NOT is_test LIMIT 100) AS u) AS unread,
                  (SELECT count(*) FROM (SELECT 1 FROM conversations
                     WHERE status = 'handover' AND NOT is_test LIMIT 100) AS w) AS waiting""",
    )
    assert row is not None
    return row


async def mark_read(session: Session, tenant_id: UUID, conversation_id: UUID) -> None:
    changed = await first(session, "UPDATE conversations SET unread = 0 WHERE id = %s AND unread > 0 RETURNING id", (conversation_id,))
    if changed:
        await live.publish(session, tenant_id, conversation_id, "conversation")


async def say(
    session: Session,
    tenant_id: UUID,
    conversation_id: UUID,
    member_id: UUID,
    text: str,
    *,
    attachments: tuple[Attachment, ...] = (),
    template: Template | None = None,
) -> UUID:
    """Writes a member's message, queued for sending; the bot is silent from now on. `attachments` were kept before, for
    this conversation; of a `template` the text is what the thread shows. Raises NoConversation, Invalid."""
    text = intake.clean(text).strip()
    if not text and not attachments:
        raise Invalid("Write something first.", field="text")
    await _locked(session, conversation_id)
    message_id = new_id()
    await session.execute(
        """WITH c AS (
             UPDATE conversations SET revision = revision + 1, status = 'human', unread = 0, preview = left(%(preview)s, 120),
                    preview_author = 'member', last_message_at = now(), answered_number = inbound_number
              WHERE id = %(conversation)s RETURNING tenant_id, id, connection_id, revision),
             m AS (
             INSERT INTO messages (tenant_id, id, conversation_id, connection_id, number, revision, direction, author, member_id,
                                   kind, text, payload, status)
             SELECT tenant_id, %(message)s, id, connection_id, revision, revision, 'out', 'member', %(member)s,
                    %(kind)s, %(text)s, %(payload)s, 'queued' FROM c
             RETURNING number)
           SELECT pg_notify('savdo_live', json_build_array(c.tenant_id, c.id, 'message', m.number::text)::text) FROM c, m""",
        {
            "text": text, "conversation": conversation_id, "message": message_id, "member": member_id,
            "preview": text or ", ".join(one.name for one in attachments), "kind": attachments[0].kind if attachments else "text",
            "payload": Jsonb(
                ({"attachments": [one.as_payload() for one in attachments]} if attachments else {})
                | ({"template": asdict(template)} if template else {})
            ),
        },
    )  # fmt: skip
    await media.attach(session, message_id, attachments)
    await _taken(session, tenant_id, conversation_id, member_id)
    await outbox.ask(session, tenant_id, conversation_id)
    return message_id


async def take_over(session: Session, tenant_id: UUID, conversation_id: UUID, member_id: UUID) -> None:
    """A person talks from now on, the bot is silent."""
    await _set_status(session, tenant_id, conversation_id, member_id, "human")
    await _taken(session, tenant_id, conversation_id, member_id)


async def give_back(session: Session, tenant_id: UUID, conversation_id: UUID, member_id: UUID) -> None:
    """The bot answers the next message."""
    await _set_status(session, tenant_id, conversation_id, member_id, "bot")
    await _ended(session, conversation_id)


async def close(session: Session, tenant_id: UUID, conversation_id: UUID, member_id: UUID) -> None:
    """Done; the customer's next message opens it again."""
    await _set_status(session, tenant_id, conversation_id, member_id, "closed")
    await _ended(session, conversation_id)


async def show_typing(session: Session, tenant_id: UUID, conversation_id: UUID) -> None:
    """Shows the customer that a member is writing. Raises NoConversation."""
    if await first(session, "SELECT 1 FROM conversations WHERE id = %s", (conversation_id,)) is None:
        raise NoConversation
    await live.publish(session, tenant_id, conversation_id, "typing", "member:on")


async def leave_to_people(session: Session, connection_id: UUID) -> None:
    """What is not answered yet on a connection, the bot does not answer any more."""
    await session.execute(
        "UPDATE conversations SET answered_number = inbound_number WHERE connection_id = %s AND answered_number < inbound_number",
        (connection_id,),
    )


async def tell_consent(session: Session, conversation_id: UUID, number: int, consent: Literal["withdrawn", "given"]) -> None:
    """Shows members at which message a customer asked for no more of them, or for some again."""
    await session.execute(
        "UPDATE messages SET payload = payload || jsonb_build_object('consent', %s::text) WHERE conversation_id = %s AND number = %s",
        (consent, conversation_id, number),
    )


async def _set_status(session: Session, tenant_id: UUID, conversation_id: UUID, member_id: UUID, status: str) -> None:
    before = await _locked(session, conversation_id)
    await session.execute(
        """UPDATE conversations SET status = %s, revision = revision + 1, unread = 0,
                  -- What a person has seen, the bot does not answer afterwards.
                  answered_number = CASE WHEN %s = 'bot' AND status = 'handover' THEN answered_number ELSE inbound_number END
            WHERE id = %s""",
        (status, status, conversation_id),
    )
    await audit.note(
        session, tenant_id, f"member:{member_id}", f"conversation.{status}", str(conversation_id), {"before": before["status"]}
    )
    await live.publish(session, tenant_id, conversation_id, "conversation", status)


async def _taken(session: Session, tenant_id: UUID, conversation_id: UUID, member_id: UUID) -> None:
    await session.execute(
        """INSERT INTO handovers (tenant_id, id, conversation_id, reason, taken_by, taken_at) VALUES (%s, %s, %s, 'member', %s, now())
           ON CONFLICT (tenant_id, conversation_id) WHERE ended_at IS NULL
           DO UPDATE SET taken_by = coalesce(handovers.taken_by, EXCLUDED.taken_by), taken_at = coalesce(handovers.taken_at, now())""",
        (tenant_id, new_id(), conversation_id, member_id),
    )


async def _ended(session: Session, conversation_id: UUID) -> None:
    await session.execute("UPDATE handovers SET ended_at = now() WHERE conversation_id = %s AND ended_at IS NULL", (conversation_id,))


async def _locked(session: Session, conversation_id: UUID) -> DictRow:
    row = await first(session, "SELECT id, status FROM conversations WHERE id = %s FOR UPDATE", (conversation_id,))
    if row is None:
        raise NoConversation
    return row


def _words(query: str) -> str:
    """Every word of the query as the beginning of a word, for to_tsquery."""
    words = ("".join(letter for letter in word if letter.isalnum()) for word in query.split())
    return " & ".join(f"{word}:*" for word in words if word)


def escaped(query: str) -> str:
    """As a part of a LIKE pattern."""
    return query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
