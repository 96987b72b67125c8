"""The end of a key rotation: what stands sealed with an older key is sealed again with the newest, its hashes made anew."""

import asyncio
from dataclasses import dataclass
from typing import Final, LiteralString

from savdo.base import secrets
from savdo.base.db import Session, first, platform_step, rows
from savdo.conversations import merging

BATCH: Final = 200
# How long what somebody else is changing just now is left alone, in seconds.
BUSY: Final = 0.2


@dataclass(frozen=True, slots=True)
class Column:
    """A sealed column, and the hash by which its value is found where it has one."""

    table: LiteralString
    sealed: LiteralString
    hash: LiteralString = ""


COLUMNS: Final = (
    Column("members", "email_sealed", "email_hash"),
    Column("contacts", "phone_sealed", "phone_hash"),
    Column("contacts", "email_sealed", "email_hash"),
    Column("identities", "phone_sealed", "phone_hash"),
    Column("connections", "credentials"),
    Column("model_settings", "keys_sealed"),
    Column("logins_at_meta", "found"),
    Column("userbot_logins", "state"),
    Column("userbot_calls", "request"),
    Column("userbot_calls", "answer"),
)


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many values were sealed again, and how many no key opens any more."""

    column: Column
    done: int
    unreadable: int


async def reseal() -> list[Resealed]:
    """Seals everything again that the newest key did not seal. In short transactions that wait for nobody: beside the work, and
    again after it was interrupted."""
    found = [Resealed(column, await _all_of(column), await _unreadable(column)) for column in COLUMNS]
    async with platform_step("numbers hashed with two keys") as session:
        # While there were two hashes of a number, nobody was seen to be the same.
        for pair in await rows(
            session,
            """SELECT DISTINCT ON (i.tenant_id, i.phone_hash) i.tenant_id, i.contact_id FROM identities i
                 JOIN identities o ON o.tenant_id = i.tenant_id AND o.phone_hash = i.phone_hash AND o.contact_id <> i.contact_id""",
        ):
            await merging.by_phone.later(session, tenant_id=str(pair["tenant_id"]), contact_id=str(pair["contact_id"]))
    return found


async def _all_of(column: Column) -> int:
    done = 0
    while True:
        async with platform_step("sealing with the newest key") as session:
            count = await _some(session, column)
            left = await first(session, f"SELECT 1 FROM {column.table} WHERE {_old(column)} LIMIT 1", {"old": _beginnings()[1:]})  # noqa: S608 # our own names
        done += count
        if not left:
            return done
        if not count:
            await asyncio.sleep(BUSY)


async def _some(session: Session, column: Column) -> int:
    # What is locked comes later: never waiting, this holds up nobody and is part of no deadlock.
    found = await rows(
        session,
        f"SELECT ctid, {column.sealed} AS sealed FROM {column.table} WHERE {_old(column)} LIMIT %(most)s FOR UPDATE SKIP LOCKED",  # noqa: S608 # our own names
        {"old": _beginnings()[1:], "most": BATCH},
    )
    plain = [secrets.open_sealed(row["sealed"]) for row in found]
    hashed: LiteralString = f", {column.hash} = v.hash" if column.hash else ""
    await session.execute(
        f"""UPDATE {column.table} t SET {column.sealed} = v.sealed{hashed}
              FROM unnest(%s::tid[], %s::bytea[], %s::bytea[]) AS v (place, sealed, hash) WHERE t.ctid = v.place""",  # noqa: S608 # our own names
        (
            [row["ctid"] for row in found],
            [secrets.seal(one) for one in plain],
            [secrets.lookup_hash(one.decode()) if column.hash else b"" for one in plain],
        ),
    )
    return len(found)


async def _unreadable(column: Column) -> int:
    async with platform_step("what no key opens") as session:
        row = await first(
            session,
            f"SELECT count(*) FROM {column.table} WHERE NOT substring({column.sealed} FOR 5) = ANY(%s)",  # noqa: S608 # our own names
            (_beginnings(),),
        )
    return row["count"] if row else 0


def _old(column: Column) -> LiteralString:
    return f"substring({column.sealed} FOR 5) = ANY(%(old)s)"


def _beginnings() -> list[bytes]:
    return [secrets.sealed_with(name) for name, _ in secrets.keys()]  # noqa: SIM118 # no dict
