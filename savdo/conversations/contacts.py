"""Contacts: who is behind an identity, and their details, sealed for display and hashed for search."""

from uuid import UUID

import phonenumbers

from savdo.base import secrets
from savdo.base.db import Session, first, new_id
from savdo.channels.models import Connection, Inbound


async def of_identity(session: Session, connection: Connection, inbound: Inbound) -> UUID:
    """The contact behind a sender, made at their first message."""
    sender = inbound.sender
    known = await first(
        session,
        "SELECT contact_id FROM identities WHERE connection_id = %s AND external_id = %s",
        (connection.id, sender.external_id),
    )
    if known is not None:
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
    return made["contact_id"]


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


async def opt_out(session: Session, contact_id: UUID) -> None:
    """No more messages to this contact, on any road."""
    await session.execute("UPDATE contacts SET opted_out_at = coalesce(opted_out_at, now()) WHERE id = %s", (contact_id,))


async def opt_in(session: Session, contact_id: UUID) -> None:
    await session.execute("UPDATE contacts SET opted_out_at = NULL WHERE id = %s", (contact_id,))


async def set_reachable(session: Session, contact_id: UUID, reachable: bool) -> None:
    await session.execute(
        "UPDATE contacts SET unreachable_at = CASE WHEN %s THEN NULL ELSE coalesce(unreachable_at, now()) END WHERE id = %s",
        (reachable, contact_id),
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
