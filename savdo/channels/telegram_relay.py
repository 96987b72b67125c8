"""Reaching the worker that speaks for a personal Telegram account, from any other process.

A call is a sealed row that the holder claims, carries out and answers. One that nobody claimed in time is taken back and
was not carried out; after the claim nobody but the holder can say.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any
from uuid import UUID

from savdo.base import secrets
from savdo.base.db import first, new_id, rows, step
from savdo.base.errors import SavdoError, TooLarge
from savdo.channels import errors, telegram_held
from savdo.channels.errors import Busy, ChannelError, Uncertain, Unreachable
from savdo.channels.models import Connection

# Less than what the outbox allows a call (its lease), so that nobody takes over meanwhile.
PATIENCE_S = 20.0
LOOK_S = 0.1

# What the holder's refusal may be, by its code.
REFUSALS: Mapping[str, type[SavdoError]] = {
    one.code: one
    for one in (
        *(found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, ChannelError)),
        telegram_held.LoggedOut, telegram_held.UsedTwice, telegram_held.AccountLost, telegram_held.NeverWrote, TooLarge,
    )
}  # fmt: skip


async def ask(connection: Connection, name: str, arguments: Mapping[str, Any], *, patience: float = PATIENCE_S) -> Any:
    """Has the holder carry out `name`. Raises what it raised; Unreachable where nobody took the call, Uncertain where one
    that sends was taken and not answered within `patience` seconds."""
    call_id = new_id()
    async with step(connection.tenant_id) as session:
        await session.execute(
            "INSERT INTO userbot_calls (tenant_id, id, connection_id, request) VALUES (%s, %s, %s, %s)",
            (connection.tenant_id, call_id, connection.id, _sealed({"name": name, "arguments": dict(arguments)})),
        )
    answer = await _answer(connection.tenant_id, call_id, patience)
    if answer is None:
        async with step(connection.tenant_id) as session:
            row = await first(session, "DELETE FROM userbot_calls WHERE id = %s RETURNING claimed_at, answer", (call_id,))
        if row is not None and row["answer"] is not None:
            answer = _opened(row["answer"])
        elif row is not None and row["claimed_at"] is not None and name.startswith("send"):
            raise Uncertain
        else:
            raise Unreachable("No worker speaks for this account now.")
    if "error" in answer:
        raise _error(answer)
    return answer["result"]


async def carry_out(connection: Connection, held: telegram_held.Held) -> bool:
    """Carries out the oldest call that waits; False when none does."""
    async with step(connection.tenant_id) as session:
        row = await first(
            session,
            """UPDATE userbot_calls SET claimed_at = now() WHERE tenant_id = %(tenant)s AND id = (
                 SELECT id FROM userbot_calls WHERE connection_id = %(connection)s AND claimed_at IS NULL
                  ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, request""",
            {"tenant": connection.tenant_id, "connection": connection.id},
        )
    if row is None:
        return False
    request = _opened(row["request"])
    try:
        answer: dict[str, Any] = {"result": _plain(await _result(held, request))}
    except SavdoError as error:
        answer = {"error": error.code, "message": error.message, "retry_after": getattr(error, "retry_after", 0.0)}
    async with step(connection.tenant_id) as session:
        await session.execute("UPDATE userbot_calls SET answer = %s WHERE id = %s", (_sealed(answer), row["id"]))
    return True


async def forget_old(connection: Connection) -> None:
    """Removes calls whose askers have long given up."""
    async with step(connection.tenant_id) as session:
        await session.execute(
            "DELETE FROM userbot_calls WHERE connection_id = %s AND asked_at < now() - interval '2 minutes'", (connection.id,)
        )


async def _answer(tenant_id: UUID, call_id: UUID, patience: float) -> dict[str, Any] | None:
    deadline = asyncio.get_running_loop().time() + patience
    while asyncio.get_running_loop().time() < deadline:
        async with step(tenant_id) as session:
            found = await rows(session, "DELETE FROM userbot_calls WHERE id = %s AND answer IS NOT NULL RETURNING answer", (call_id,))
        if found:
            return _opened(found[0]["answer"])
        await asyncio.sleep(LOOK_S)
    return None


async def _result(held: telegram_held.Held, request: Mapping[str, Any]) -> Any:
    if request["name"] not in telegram_held.CALLS:
        raise errors.Refused("This is not something that can be asked of an account.")
    return await held.call(request["name"], request["arguments"])


def _error(answer: Mapping[str, Any]) -> SavdoError:
    kind = REFUSALS.get(answer["error"], errors.Refused)
    if issubclass(kind, Busy):
        return kind(answer["message"], retry_after=answer["retry_after"])
    return kind(answer["message"])


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _sealed(value: Mapping[str, Any]) -> bytes:
    # Messages and files pass through here, so they are as secret as at rest elsewhere.
    return secrets.seal(json.dumps(value, default=lambda one: {"bytes": base64.b64encode(one).decode()}).encode())


def _opened(sealed: bytes) -> dict[str, Any]:
    def read(value: dict[str, Any]) -> Any:
        return base64.b64decode(value["bytes"]) if list(value) == ["bytes"] else value

    return json.loads(secrets.open_sealed(sealed), object_hook=read)
