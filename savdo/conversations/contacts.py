"""Contacts: who is behind an identity, and their details, sealed for display and hashed for search."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

import phonenumbers
import structlog
from psycopg.types.json import Jsonb

from savdo.base import clock, secrets
from savdo.base.db import Session, first, new_id, step
from savdo.base.jobs import job
from savdo.channels import connections
from savdo.channels.abilities import Introduces
from savdo.channels.errors import ChannelError
from savdo.channels.models import Connection, Inbound, Sender, channel
from savdo.conversations import merging

log = structlog.get_logger()

MOST_REMEMBERED = 30
# What is sealed, and kept nowhere else: where it was told, only that it was.
SEALED: Final = ("phone", "email")


async def of_identity(session: Session, connection: Connection, inbound: Inbound) -> UUID:
    """The contact behind a sender, made at their first message."""
    sender = inbound.sender
    known = await first(
        session,
        "SELECT contact_id FROM identities WHERE connection_id = %s AND external_id = ANY(%s) ORDER BY external_id = %s DESC LIMIT 1",
        (connection.id, [sender.external_id, *sender.aliases], sender.external_id),
    )
    if known is not None:
        await also_known(session, connection, sender)
        return known["contact_id"]
    contact_id = new_id()
    await session.execute(
        "INSERT INTO contacts (tenant_id, id, name, language) VALUES (%s, %s, %s, NULLIF(%s, ''))",
        (connection.tenant_id, contact_id, _short(sender.name) or None, sender.language[:8]),
    )
    # Two first messages at once: the second one's contact gives way to the first one's.
    made = await first(
        session,
        """INSERT INTO identities (tenant_id, connection_id, external_id, contact_id, profile)
           VALUES (%s, %s, %s, %s, jsonb_build_object('username', %s::text))
           ON CONFLICT (tenant_id, connection_id, external_id) DO UPDATE SET external_id = EXCLUDED.external_id
           RETURNING contact_id""",
        (connection.tenant_id, connection.id, sender.external_id, contact_id, sender.username[:64]),
    )
    assert made is not None
    if made["contact_id"] != contact_id:
        await session.execute("DELETE FROM contacts WHERE id = %s", (contact_id,))
    elif not sender.name and channel(connection.channel).limits.names:
        await introduce.later(
            session, tenant_id=str(connection.tenant_id), connection_id=str(connection.id), external_id=sender.external_id
        )
    await also_known(session, connection, sender)
    return made["contact_id"]


@job(attempts=4)
async def introduce(tenant_id: str, connection_id: str, external_id: str) -> None:
    """Asks the channel who somebody is, and writes it down where nothing is known. Raises what may pass by itself."""
    tenant = UUID(tenant_id)
    async with step(tenant) as session:
        connection = await connections.by_id(session, UUID(connection_id))
    adapter = channel(connection.channel)
    if connection.status != "active" or not isinstance(adapter, Introduces):
        return
    try:
        person = await adapter.person(connection, external_id)
    except ChannelError as error:
        if not error.permanent:
            raise
        # A customer without a name is answered all the same.
        return
    async with step(tenant) as session:
        row = await first(
            session,
            """UPDATE identities SET profile = profile || jsonb_build_object('username', %s::text)
                WHERE connection_id = %s AND external_id = %s RETURNING contact_id""",
            (person.username[:64], connection.id, external_id),
        )
        if row is not None and person.name:
            await session.execute("UPDATE contacts SET name = %s WHERE id = %s AND name IS NULL", (_short(person.name), row["contact_id"]))


async def also_known(session: Session, connection: Connection, sender: Sender) -> None:
    """Every id of a sender leads to the contact that one of them leads to."""
    if not sender.aliases:
        return
    known = [sender.external_id, *sender.aliases]
    await session.execute(
        """INSERT INTO identities (tenant_id, connection_id, external_id, contact_id, origin_id)
           SELECT tenant_id, connection_id, unnest(%(known)s::text[]), contact_id, origin_id FROM (
             SELECT * FROM identities WHERE connection_id = %(connection)s AND external_id = ANY(%(known)s)
              ORDER BY external_id = %(now)s DESC LIMIT 1) i
           ON CONFLICT (tenant_id, connection_id, external_id) DO NOTHING""",
        {"known": known, "connection": connection.id, "now": sender.external_id},
    )


async def learn(session: Session, connection: Connection, inbound: Inbound, contact_id: UUID) -> None:
    """What a message tells about its sender: a number the channel vouches for, other ids, the advert or link they came by."""
    sender = inbound.sender
    if sender.phone and (number := e164(sender.phone)):
        await also_known(session, connection, sender)
        if await _vouched(session, connection, sender, number):
            await set_details(session, contact_id, phone=number)
            await merging.by_phone.later(session, tenant_id=str(connection.tenant_id), contact_id=str(contact_id))
    if inbound.referral or inbound.campaign:
        await came_by(session, contact_id, inbound)


async def _vouched(session: Session, connection: Connection, sender: Sender, number: str) -> bool:
    """Keeps the number of a sender; whether it is new."""
    found = await first(
        session,
        """UPDATE identities SET phone_sealed = %(sealed)s, phone_hash = %(hash)s
            WHERE connection_id = %(connection)s AND external_id = %(external)s AND phone_hash IS DISTINCT FROM %(hash)s RETURNING 1""",
        {
            "sealed": secrets.seal(number.encode()), "hash": secrets.lookup_hash(number), "connection": connection.id,
            "external": sender.external_id,
        },
    )  # fmt: skip
    return found is not None


async def came_by(session: Session, contact_id: UUID, inbound: Inbound) -> None:
    """Keeps the first advert or link as where the contact is from, and the last one beside it."""
    found = asdict(inbound.referral) if inbound.referral else {"ref": inbound.campaign}
    told = {name: str(one).replace("\x00", "")[:500] for name, one in found.items() if one}
    if not told:
        return
    told["at"] = (inbound.sent_at or clock.now()).isoformat()
    await session.execute(
        """UPDATE contacts SET attributes = attributes || jsonb_build_object('came_by',
             jsonb_build_object('first', coalesce(attributes->'came_by'->'first', %(told)s), 'last', %(told)s)) WHERE id = %(id)s""",
        {"told": Jsonb(told), "id": contact_id},
    )


async def stop_marketing(session: Session, contact_id: UUID) -> None:
    """No more advertising to this contact; answers are still welcome."""
    await session.execute("""UPDATE contacts SET attributes = attributes || '{"no_marketing": true}' WHERE id = %s""", (contact_id,))


async def phone(session: Session, conversation_id: UUID) -> str:
    """The number (E.164) a conversation's customer is reached by: the one their channel vouches for, else their contact's; "" when
    none is known."""
    row = await first(
        session,
        """SELECT coalesce(i.phone_sealed, p.phone_sealed) AS sealed FROM conversations c
             JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id
             LEFT JOIN identities i ON i.tenant_id = c.tenant_id AND i.connection_id = c.connection_id AND i.external_id = c.external_id
            WHERE c.id = %s""",
        (conversation_id,),
    )
    return unsealed(row["sealed"]) if row else ""


async def set_details(session: Session, contact_id: UUID, *, name: str = "", phone: str = "", email: str = "") -> None:
    """Writes what is given and keeps the rest. `phone` is E.164; one that is no number is left out."""
    if name:
        await session.execute("UPDATE contacts SET name = %s WHERE id = %s", (_short(name), contact_id))
    if phone and (number := e164(phone)):
        await session.execute(
            "UPDATE contacts SET phone_sealed = %s, phone_hash = %s WHERE id = %s",
            (secrets.seal(number.encode()), secrets.lookup_hash(number), contact_id),
        )
    if email:
        address = email.strip().lower()[:254]
        await session.execute(
            "UPDATE contacts SET email_sealed = %s, email_hash = %s WHERE id = %s",
            (secrets.seal(address.encode()), secrets.lookup_hash(address), contact_id),
        )


def sought(query: str) -> dict[str, list[bytes]]:
    """The hashes, as `phone` and `email`, of the contact whose number or address is what was typed: one of each list."""
    return {"phone": secrets.lookup_hashes(e164(query) or e164(f"+{query}")), "email": secrets.lookup_hashes(query.lower())}


def without_sealed(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a customer told, as it may be kept: of a number or an address only that there was one."""
    return {name: True if name in SEALED and value else value for name, value in told.items()}


def with_sealed(kept: Mapping[str, Any], contact: Mapping[str, Any]) -> dict[str, Any]:
    """What was kept `without_sealed`, with the number and the address of the contact's row."""
    opened = {name: unsealed(contact[f"{name}_sealed"]) for name in SEALED if kept.get(name) is True}
    return {name: opened.get(name, value) for name, value in kept.items() if opened.get(name, True)}


def unsealed(sealed: bytes | None) -> str:
    try:
        return secrets.open_sealed(sealed).decode() if sealed else ""
    except secrets.Unreadable:
        # A key that is gone costs the number, not the answer.
        log.warning("sealed with a key that is not in SAVDO_SECRET_KEYS")
        return ""


# What is known of contact `p`: of those that were merged into it too, the newer fact where two have one name.
REMEMBERED: Final = """(SELECT jsonb_object_agg(f.key, f.value ORDER BY o.attributes->'remembered_at'->f.key NULLS FIRST)
    FROM contacts o, jsonb_each(o.attributes->'remembered') f WHERE o.tenant_id = p.tenant_id AND (o.id = p.id OR o.merged_into = p.id))"""


async def remember(session: Session, conversation_id: UUID, facts: Mapping[str, str]) -> None:
    """Keeps facts that a conversation's contact told, under `attributes.remembered` of the one whose conversation it was
    first, so that they go with it when a merge is undone; when (Unix seconds) stands under `remembered_at`. The same name
    again is the newer fact. More than MOST_REMEMBERED are not kept: they would fill every prompt."""
    await session.execute(
        """UPDATE contacts SET attributes = attributes || jsonb_build_object(
                  'remembered', coalesce(attributes->'remembered', '{}') || %(facts)s,
                  'remembered_at', coalesce(attributes->'remembered_at', '{}') || %(at)s)
            WHERE id = (SELECT coalesce(origin_id, contact_id) FROM conversations WHERE id = %(conversation)s)
              AND (SELECT count(*) FROM jsonb_object_keys(coalesce(attributes->'remembered', '{}') || %(facts)s)) <= %(most)s""",
        {
            "facts": Jsonb(dict(facts)), "at": Jsonb(dict.fromkeys(facts, clock.now().timestamp())),
            "conversation": conversation_id, "most": MOST_REMEMBERED,
        },
    )  # fmt: skip


async def opt_out(session: Session, contact_id: UUID) -> None:
    """No more messages to this contact, on any road."""
    await session.execute("UPDATE contacts SET opted_out_at = coalesce(opted_out_at, now()) WHERE id = %s", (contact_id,))


async def opt_in(session: Session, contact_id: UUID) -> None:
    await session.execute("UPDATE contacts SET opted_out_at = NULL WHERE id = %s", (contact_id,))


async def set_blocked(session: Session, conversation_id: UUID, blocked: bool) -> None:
    """Whether nothing reaches the contact on this road now; their next message says that it does."""
    await session.execute(
        "UPDATE conversations SET blocked_at = CASE WHEN %s THEN coalesce(blocked_at, now()) END WHERE id = %s", (blocked, conversation_id)
    )


def e164(phone: str) -> str:
    """The number as +998901234567, or "" when it is none."""
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_possible_number(number) else ""


def _short(name: str) -> str:
    return " ".join(name.split())[:120]
