"""What is configured, reachable and broken, for whoever runs this installation."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from savdo.ai import chain, embed
from savdo.base import db, files, jobs, migrate, runtime, secrets
from savdo.base.errors import SavdoError
from savdo.base.settings import Settings

State = Literal["ok", "off", "broken"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's list; `details` says what to do where something is broken."""

    what: str
    state: State
    details: str


async def examine(settings: Settings) -> list[Check]:
    """Looks at everything; never raises for something that is broken."""
    checks = [await _try("secret keys", _keys), await _try("files", _files), await _try("disk", lambda: _disk(settings))]
    try:
        url = await runtime.database_address(settings)
        await db.open_database(url, size=4)
    except SavdoError as error:
        return [*checks, Check("database", "broken", error.message)]
    try:
        checks.append(Check("database", "ok", "embedded" if settings.embedded else "SAVDO_DATABASE_URL"))
        checks += [await _try("schema", lambda: _schema(url)), await _try("jobs", _jobs), await _try("connections", _connections)]
    finally:
        await db.close_database()
    checks.append(await _try("embeddings", _embeddings))
    checks.append(await _try("models", lambda: _models(settings)))
    checks.append(_setting("public address", settings.public_url, "SAVDO_PUBLIC_URL is not set: Telegram is polled"))
    return checks


async def _try(what: str, look: Callable[[], Awaitable[Check]]) -> Check:
    try:
        return await look()
    except SavdoError as error:
        return Check(what, "broken", error.message)
    except Exception as error:  # noqa: BLE001 # a doctor that dies of what it finds helps nobody
        return Check(what, "broken", f"{type(error).__name__}: {error}")


def _setting(what: str, value: str, otherwise: str) -> Check:
    return Check(what, "ok", value) if value else Check(what, "off", otherwise)


async def _models(settings: Settings) -> Check:
    names = ", ".join(f"{entry.provider}:{entry.name}" for entry in chain.entries(settings))
    return _setting("models", names, "SAVDO_MODELS is not set: answers are made locally")


async def _keys() -> Check:
    return Check("secret keys", "ok", f"{len(secrets.keys())} in use")


async def _files() -> Check:
    key = "doctor/probe"
    await files.put(key, b"probe")
    await files.delete(key)
    return Check("files", "ok", "written and removed")


async def _disk(settings: Settings) -> Check:
    free = (await asyncio.to_thread(shutil.disk_usage, settings.data_dir)).free // 1_000_000
    return Check("disk", "ok" if free > 500 else "broken", f"{free:,} MB free in {settings.data_dir}")


async def _schema(url: str) -> Check:
    current, newest = await asyncio.to_thread(migrate.current_revision, url), migrate.newest_revision()
    if current == newest:
        return Check("schema", "ok", f"revision {current}")
    return Check("schema", "broken", f"revision {current}, newest is {newest}; run: savdo migrate")


async def _jobs() -> Check:
    async with db.platform_step("doctor") as session:
        waiting = await jobs.waiting(session)
    failed = waiting.get("failed", 0)
    details = f"{waiting.get('todo', 0)} waiting, {waiting.get('doing', 0)} running, {failed} failed"
    return Check("jobs", "broken" if failed else "ok", details + (" (savdo jobs failed)" if failed else ""))


async def _connections() -> Check:
    async with db.platform_step("doctor") as session:
        found = await db.rows(session, "SELECT channel, status, count(*) FROM connections GROUP BY 1, 2 ORDER BY 1, 2")
    broken = any(row["status"] == "reconnect" for row in found)
    details = ", ".join(f"{row['count']} {row['channel']} {row['status']}" for row in found) or "none yet"
    return Check("connections", "broken" if broken else "ok" if found else "off", details)


async def _embeddings() -> Check:
    await embed.query("warm")
    started = time.perf_counter()
    await embed.query("How much is the delivery?")
    return Check("embeddings", "ok", f"{(time.perf_counter() - started) * 1000:.0f} ms a query")
