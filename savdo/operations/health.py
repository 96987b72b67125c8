"""What is configured, reachable and broken, for whoever runs this installation."""

import asyncio
import functools
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from savdo.ai import chain, embed, speech
from savdo.base import db, files, http, jobs, migrate, runtime, secrets
from savdo.base.errors import SavdoError
from savdo.base.settings import Settings
from savdo.conversations import clamd

State = Literal["ok", "off", "broken"]

REFUSED: Final = (401, 403)
SECONDS: Final = 5.0
# Another company's app: all of these settings, or none.
APPS: Final = (
    ("Meta app", ("meta_app_id", "meta_app_secret", "meta_verify_token"), "WhatsApp, Messenger and Instagram are off"),
    ("Instagram app", ("instagram_app_id", "instagram_app_secret"), "Instagram needs a page of Facebook"),
    ("Telegram app", ("telegram_app_id", "telegram_app_hash"), "personal Telegram accounts are off"),
)
# Whom a connected channel calls, and the setting that says where.
TELEGRAM, META = ("Telegram", "telegram_api_base"), ("Meta", "meta_url")
CALLED: Final = {
    "telegram_bot": TELEGRAM, "telegram_business": TELEGRAM, "whatsapp_cloud": META, "messenger": META, "instagram": META,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's list; `details` says what to do where something is broken."""

    what: str
    state: State
    details: str


async def examine(settings: Settings, built: Path) -> list[Check]:
    """Looks at everything; never raises for something that is broken. `built`: the list of the pages' built files."""
    checks = [await _try("secret keys", _keys), await _try("files", _files), await _try("disk", lambda: _disk(settings))]
    checks.append(await _try("pages", lambda: asyncio.to_thread(_pages, built)))
    try:
        url = await runtime.database_address(settings)
        await db.open_database(url, size=4)
    except SavdoError as error:
        return [*checks, Check("database", "broken", error.message)]
    try:
        checks.append(Check("database", "ok", "embedded" if settings.embedded else "SAVDO_DATABASE_URL"))
        checks += [await _try("schema", lambda: _schema(url)), await _try("jobs", _jobs), await _try("connections", _connections)]
        checks += await channels(settings)
    finally:
        await db.close_database()
    checks += [await _try("embeddings", lambda: _embeddings(settings)), await _try("models", lambda: _models(settings))]
    checks += await services(settings)
    checks += [_app(settings, *app) for app in APPS]
    await http.close()
    checks.append(_setting("public address", settings.public_url, "SAVDO_PUBLIC_URL is not set: Telegram is polled"))
    return checks


async def services(settings: Settings) -> list[Check]:
    """What others do for us, where it is set: each is asked something small."""
    return [
        await _try("speech", lambda: _speech(settings)),
        await _try(
            "voice",
            lambda: _answers(
                "voice", settings.voice_url, "SAVDO_VOICE_URL is not set: answers are not spoken", "/models", settings.voice_key
            ),
        ),
        await _try("virus scanner", lambda: _scanner(settings)),
        await _try(
            "web search",
            lambda: _answers(
                "web search",
                settings.search_url,
                "SAVDO_SEARCH_URL is not set: models do not search the web",
                "/search?q=savdo&format=json",
            ),
        ),
    ]


async def channels(settings: Settings) -> list[Check]:
    """Whom the channels that are connected have to reach."""
    async with db.platform_step("doctor") as session:
        found = await db.rows(session, "SELECT DISTINCT channel FROM connections WHERE status = 'active'")
    called = sorted({CALLED[row["channel"]] for row in found if row["channel"] in CALLED})
    return [await _try(what, functools.partial(_answers, what, getattr(settings, name), "")) for what, name in called]


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


def _pages(built: Path) -> Check:
    named: dict[str, str] = json.loads(built.read_text()) if built.exists() else {}
    missing = [name for name in named.values() if not (built.parent / name).is_file()]
    if missing or not named:
        return Check("pages", "broken", f"{missing[0] if missing else built.name} is missing; run: make assets")
    return Check("pages", "ok", f"{len(named)} built files")


async def _speech(settings: Settings) -> Check:
    if not settings.speech_url and speech.listens():
        return Check("speech", "ok", "written down on this machine")
    return await _answers(
        "speech", settings.speech_url, "SAVDO_SPEECH_URL is not set: voice messages call a person", "/models", settings.speech_key
    )


async def _scanner(settings: Settings) -> Check:
    if not settings.clamd_url:
        return Check("virus scanner", "off", "SAVDO_CLAMD_URL is not set: files are not scanned")
    await clamd.check(b"savdo")
    return Check("virus scanner", "ok", f"{urlsplit(settings.clamd_url).hostname or 'its socket'} answers")


async def _answers(what: str, url: str, otherwise: str, path: str = "", key: SecretStr | None = None) -> Check:
    """Whether a server answers, and takes our key. Only its host is shown: an address may hold a password."""
    if not url:
        return Check(what, "off", otherwise)
    headers = {"Authorization": f"Bearer {secret}"} if key and (secret := key.get_secret_value()) else {}
    answer = await http.send("GET", url.rstrip("/") + path, service=what, headers=headers, timeout=SECONDS)
    host = urlsplit(url).hostname
    if path and answer.status in REFUSED:
        return Check(what, "broken", f"{host} refuses us ({answer.status}): its key or its settings")
    return Check(what, "broken" if answer.status >= 500 else "ok", f"{host} answers ({answer.status})")


def _app(settings: Settings, what: str, names: tuple[str, ...], otherwise: str) -> Check:
    missing = [f"SAVDO_{name.upper()}" for name in names if not _given(getattr(settings, name))]
    if len(missing) == len(names):
        return Check(what, "off", f"not set: {otherwise}")
    return Check(what, "broken", f"{', '.join(missing)} not set") if missing else Check(what, "ok", "set")


def _given(value: SecretStr | str | int) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


async def _embeddings(settings: Settings) -> Check:
    await embed.query("warm")
    started = time.perf_counter()
    await embed.query("How much is the delivery?")
    name = (
        f"{settings.embeddings_model} at {urlsplit(settings.embeddings_url).hostname}" if settings.embeddings_url else "the bundled model"
    )
    return Check("embeddings", "ok", f"{name}, {(time.perf_counter() - started) * 1000:.0f} ms a query")
