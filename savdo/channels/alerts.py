"""What another company says about a connection that its owner has to know, while messages may still go in and out: each stands
until it is over, or until somebody of the company has seen to it.

`connections.alerts` is {kind: {words, at}}; the words are the other company's own, or what the kind says they are.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from savdo import audit
from savdo.base.db import Session, first

# It refuses messages for what is wrong with the account, or took them and then did not deliver: a message that goes further is
# the proof that this is over.
REFUSED, UNDELIVERED = "refused", "undelivered"
# Our permission ends; the words are the date.
ENDING = "ending"
# The others come as they are told: "account", "quality", "policy", and of one template "template:<name>", "rating:<name>".

ACCEPTED = (REFUSED,)
DELIVERED = (REFUSED, UNDELIVERED)
# What new credentials are an answer to.
RENEWED = (REFUSED, UNDELIVERED, ENDING)

LONGEST_WORDS = 300


def of_template(name: str) -> str:
    """The kind that is about one template; its words say what is wrong with it."""
    return f"template:{name}"


def about(payload: Mapping[str, Any]) -> list[str]:
    """What a message with this payload proves to be over by going out, besides ACCEPTED."""
    return [of_template(payload["template"]["name"])] if payload.get("template") else []


async def tell(session: Session, connection_id: UUID, kind: str, words: str) -> None:
    """Has the owner told; the same again is no news."""
    told = await first(
        session,
        """UPDATE connections SET alerts = alerts || jsonb_build_object(%(kind)s::text,
                  jsonb_build_object('words', %(words)s::text, 'at', now()))
            WHERE id = %(id)s AND status <> 'off' AND alerts->%(kind)s->>'words' IS DISTINCT FROM %(words)s
           RETURNING tenant_id, channel, pg_notify('savdo_live', json_build_array(tenant_id, '', 'connection', '')::text)""",
        {"kind": kind, "words": words[:LONGEST_WORDS], "id": connection_id},
    )
    if told is not None:
        about = {"channel": told["channel"], "kind": kind}
        await audit.note(session, told["tenant_id"], "system", "connection.problem", str(connection_id), about)


async def over(session: Session, connection_id: UUID, kinds: Collection[str]) -> None:
    """These are told no more. Costs a look where there is nothing to end."""
    await session.execute(
        """UPDATE connections SET alerts = alerts - %(kinds)s::text[] WHERE id = %(id)s AND alerts ?| %(kinds)s::text[]
           RETURNING pg_notify('savdo_live', json_build_array(tenant_id, '', 'connection', '')::text)""",
        {"kinds": list(kinds), "id": connection_id},
    )
