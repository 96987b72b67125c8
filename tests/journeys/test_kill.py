"""kill -9 of the web process, the worker and PostgreSQL at 60 random moments under load.

Real processes, a database of their own, the Telegram emulator as the far side. Every second kill strikes an installation
that is at work again; the others may strike one that is still getting up. Afterwards every message that was acknowledged
is stored and answered, and no answer went out twice; what was in the send window at the moment of a kill may be
`uncertain`, and is counted.
"""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from savdo.base import db, embedded, secrets
from savdo.base.migrate import migrate
from savdo.channels.connections import new_key
from tests.conftest import PROFILE
from tests.emulators.serving import serving
from tests.emulators.telegram import Telegram
from tests.processes import started

KILLS = 60
CHATS = 36
SECRET = "kill-test-secret"
TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@dataclass
class Installation:
    """A web process and a worker on an embedded database of their own; whatever is killed is started again."""

    folder: Path
    settings: dict[str, str]
    processes: dict[str, ForkServerProcess] = field(default_factory=dict[str, ForkServerProcess])

    def start(self, command: str) -> None:
        log = self.folder / f"{command}.log"
        self.processes[command] = started(command, out=log, err=log, **self.settings)

    def kill(self, command: str) -> None:
        # Whatever happens around it, none ends by itself.
        assert self.processes[command].is_alive(), (self.folder / f"{command}.log").read_text()[-2000:]
        self.processes[command].kill()
        self.processes[command].join()
        self.start(command)

    def kill_database(self) -> None:
        with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError, IndexError):
            os.kill(int((self.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.join(15)
            process.kill()


@dataclass
class Load:
    """Telegram's side of the delivery: each chat in order, each update repeated until it gets a 200."""

    url: str
    acknowledged: dict[int, list[int]] = field(default_factory=lambda: {chat: [] for chat in range(1, CHATS + 1)})
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False

    async def chat(self, client: httpx.AsyncClient, chat: int) -> None:
        number = 0
        while not self.stopping:
            number += 1
            update = {
                "update_id": chat * 100_000 + number,
                "message": {
                    "message_id": number, "date": 1795226444, "text": random.choice(("Narxi qancha?", "Сколько стоит?", "Hello", "Rahmat")),
                    "from": {"id": chat, "is_bot": False, "first_name": "Ann"}, "chat": {"id": chat, "type": "private"},
                },
            }  # fmt: skip
            await self.until_acknowledged(client, update)
            self.acknowledged[chat].append(number)
            self.taken.set()
            await asyncio.sleep(random.uniform(0.1, 2.0))

    @property
    def total(self) -> int:
        return sum(len(numbers) for numbers in self.acknowledged.values())

    async def taken_again(self) -> None:
        """Until one more message is acknowledged; on a machine that is too busy for that, 6 seconds."""
        self.taken.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.taken.wait(), 6)

    async def until_acknowledged(self, client: httpx.AsyncClient, update: dict[str, Any]) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.post(self.url, json=update, headers={"x-telegram-bot-api-secret-token": SECRET})
                if answer.status_code == 200:
                    return
            await asyncio.sleep(0.2)


@pytest.fixture
def folder() -> Generator[Path]:
    # A socket's path may have 107 bytes: pytest's own folders are too deep for the database.
    made = Path(tempfile.mkdtemp(prefix="sk-"))
    yield made
    embedded.stop(made)
    shutil.rmtree(made, ignore_errors=True)


@asynccontextmanager
async def installation(folder: Path, telegram: str, port: int) -> AsyncGenerator[Installation]:
    settings = {
        "SAVDO_DATA_DIR": str(folder), "SAVDO_PORT": str(port), "SAVDO_PUBLIC_URL": f"https://127.0.0.1:{port}",
        "SAVDO_TELEGRAM_API_BASE": telegram, "SAVDO_ALLOWED_HOSTS": "127.0.0.1", "SAVDO_DEBOUNCE_MS": "200", "SAVDO_DATABASE_POOL": "8",
    }  # fmt: skip
    running = Installation(folder, settings)
    running.start("serve")
    running.start("worker")
    try:
        yield running
    finally:
        running.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connected(url: str) -> str:
    """A company with a Telegram bot; returns its hook's path."""
    tenant_id, connection_id = db.new_id(), db.new_id()
    key = new_key("hk_", tenant_id)
    credentials = secrets.seal(json.dumps({"token": TOKEN, "secret": SECRET}).encode())
    with psycopg.connect(url, options="-c role=savdo_platform", autocommit=True) as connection:
        connection.execute("INSERT INTO tenants (id, slug, profile) VALUES (%s, 'kill', %s)", (tenant_id, json.dumps(PROFILE)))
        connection.execute(
            "INSERT INTO connections (tenant_id, id, channel, name, key, credentials) VALUES (%s, %s, 'telegram_bot', 'Bot', %s, %s)",
            (tenant_id, connection_id, key, credentials),
        )
    return f"/hooks/telegram_bot/{key}"


def victims() -> list[str]:
    """Each as often as the others, in random order. The last ones are no workers: what these held is given back 15 seconds after
    their death, and that time can be used as well."""
    others = random.sample(("serve", "database"), 2 * KILLS // 3, counts=(KILLS // 3, KILLS // 3))
    late = others[: KILLS // 6]
    first = others[KILLS // 6 :] + ["worker"] * (KILLS // 3)
    return random.sample(first, len(first)) + late


def look(url: str, query: LiteralString) -> list[dict[str, Any]]:
    with psycopg.Connection[DictRow].connect(url, options="-c role=savdo_platform", row_factory=dict_row) as connection:  # pyright: ignore[reportArgumentType] # its stubs know tuples only
        return connection.execute(query).fetchall()


async def settled(url: str) -> None:
    for _ in range(180):
        with contextlib.suppress(psycopg.Error):
            row = look(
                url,
                """SELECT (SELECT count(*) FROM conversations WHERE answered_number < inbound_number)
                        + (SELECT count(*) FROM messages WHERE status IN ('queued', 'sending')) AS open""",
            )[0]
            if row["open"] == 0:
                return
        await asyncio.sleep(0.5)
    raise AssertionError("Not everything was answered within 90 seconds.")


# Little more than a minute; a busy machine is given room.
@pytest.mark.timeout(400)
async def test_that_nothing_is_lost_or_doubled_however_often_we_are_killed(folder: Path) -> None:
    url = await asyncio.to_thread(embedded.start, folder)
    await asyncio.to_thread(migrate, url)
    telegram, port = Telegram(token=TOKEN), free_port()
    async with serving(telegram.app) as address, installation(folder, address, port) as running, httpx.AsyncClient(timeout=5) as client:
        load = Load(f"http://127.0.0.1:{port}{connected(url)}")
        chats = [asyncio.create_task(load.chat(client, chat)) for chat in load.acknowledged]
        for number, victim in enumerate(victims()):
            if number % 2 == 0:
                await load.taken_again()
            await asyncio.sleep(random.uniform(0, 0.6))
            await asyncio.to_thread(running.kill_database if victim == "database" else lambda name=victim: running.kill(name))
        load.stopping = True
        await asyncio.gather(*chats)
        await settled(url)
    check(url, load, telegram)


def check(url: str, load: Load, telegram: Telegram) -> None:
    stored = {(int(chat), int(number)) for chat, number in (
        row["external_id"].split(":") for row in look(url, "SELECT external_id FROM messages WHERE direction = 'in'")
    )}  # fmt: skip
    lost = [(chat, number) for chat, numbers in load.acknowledged.items() for number in numbers if (chat, number) not in stored]
    unanswered = look(
        url,
        """SELECT 1 FROM messages m WHERE direction = 'in' AND NOT EXISTS (SELECT 1 FROM turns t
            WHERE t.conversation_id = m.conversation_id AND m.number BETWEEN t.first_number AND t.last_number)""",
    )
    answers = look(
        url,
        """SELECT c.external_id AS chat, count(*) FILTER (WHERE m.status = 'sent') AS sent,
                  count(*) FILTER (WHERE m.status = 'uncertain') AS uncertain
             FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.direction = 'out' GROUP BY 1""",
    )
    uncertain = sum(row["uncertain"] for row in answers)
    print(f"{KILLS} kills, {load.total} acknowledged, {sum(row['sent'] for row in answers)} answers sent, {uncertain} uncertain")
    assert load.total > KILLS, "hardly anything came through: this proves nothing"
    assert not lost
    assert not unanswered
    for row in answers:
        arrived = len(telegram.sent_to(int(row["chat"])))
        assert row["sent"] <= arrived <= row["sent"] + row["uncertain"]
    # The send window is some milliseconds of each turn: only kills may leave one behind.
    assert uncertain <= KILLS
