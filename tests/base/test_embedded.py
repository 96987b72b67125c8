"""The embedded database: shared by real processes, stopped by the last, back after a kill, clear when it cannot start."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from savdo.base import db, embedded
from savdo.base.migrate import migrate

# What `savdo serve` and `savdo worker` do with the database, and nothing else: it works until a signal ends it.
PROCESS = """
import asyncio, os, signal
from savdo.base import db, runtime, telemetry
from savdo.base.settings import settings

telemetry.configure()

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    url = await runtime.database_address(settings())
    "between"
    async with runtime.running(settings(), url):
        async with db.platform_step("a first step"):
            print(url, flush=True)
        await stop.wait()
    await asyncio.to_thread(runtime.leave, settings())

asyncio.run(main())
"""
# What a command does that is over at once: it leaves with the interpreter.
COMMAND = """
from savdo.base import embedded, telemetry
from savdo.base.settings import settings

telemetry.configure()
print(embedded.start(settings().data_dir), flush=True)
"""


@pytest.fixture(scope="module")
def made() -> Generator[Path]:
    """A folder with a database that was stopped in good order."""
    # A socket's path may have 107 bytes: pytest's own folders are too deep.
    folder = Path(tempfile.mkdtemp(prefix="se-"))
    migrate(embedded.start(folder))
    embedded.stop(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(made: Path) -> Generator[Path]:
    """The same, left as it was found."""
    assert postmaster(made) is None
    yield made
    embedded.stop(made)
    if (left := postmaster(made)) is not None:
        left.kill()
        left.wait(10)


def postmaster(folder: Path) -> psutil.Process | None:
    """The server of this folder, if it runs."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and str(folder / "postgres") in (process.info["cmdline"] or []):
            return process
    return None


@contextmanager
def process(folder: Path, code: str = PROCESS, *, url: str = "", err: int | None = None) -> Generator[subprocess.Popen[str]]:
    environment = os.environ | {"SAVDO_DATA_DIR": str(folder), "SAVDO_DATABASE_URL": url}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=err, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def first_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if holds():
            return True
        time.sleep(0.05)
    return False


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def test_that_a_second_process_joins_and_the_last_one_out_stops_it_by_a_signal(folder: Path) -> None:
    url = embedded.start(folder)
    server = postmaster(folder)
    with process(folder) as child:
        assert first_line(child) == url
        assert postmaster(folder) == server
        embedded.stop(folder)
        assert answers(url)
        child.terminate()
        assert child.wait(10) == 0
    assert postmaster(folder) is None


def test_that_a_command_alone_leaves_no_server_behind(folder: Path) -> None:
    with process(folder, COMMAND) as child:
        assert first_line(child).startswith("postgresql://")
        assert child.wait(10) == 0
    assert postmaster(folder) is None


def test_that_a_killed_user_does_not_keep_it_alive(folder: Path) -> None:
    embedded.start(folder)
    with process(folder, COMMAND + "import time; time.sleep(60)") as child:
        first_line(child)
        # Killed, and not yet collected by its parent, which is alive.
        os.kill(child.pid, signal.SIGKILL)
        eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        embedded.stop(folder)
        assert postmaster(folder) is None


def test_that_a_killed_users_number_in_another_programs_hands_does_not_keep_it_alive(folder: Path) -> None:
    embedded.start(folder)
    with subprocess.Popen(["sleep", "60"]) as other:
        users = folder / "postgres" / ".handle_pids.json"
        users.write_text(json.dumps([other.pid, *json.loads(users.read_text())]))
        embedded.stop(folder)
        assert other.poll() is None
        other.kill()
    assert postmaster(folder) is None


def test_that_a_half_written_list_of_users_does_not_stop_the_start(folder: Path) -> None:
    (folder / "postgres" / ".handle_pids.json").write_text("[12, ")
    assert answers(embedded.start(folder))


def test_that_two_processes_start_it_at_once_on_an_empty_folder() -> None:
    empty = Path(tempfile.mkdtemp(prefix="se-"))
    with process(empty, COMMAND) as one, process(empty, COMMAND) as other, ThreadPoolExecutor() as threads:
        urls = list(threads.map(first_line, (one, other)))
        assert urls[0] == urls[1] != ""
        assert (one.wait(10), other.wait(10)) == (0, 0)
    assert postmaster(empty) is None
    shutil.rmtree(empty)


def test_that_a_maker_killed_in_the_middle_leaves_nothing_that_cannot_be_made() -> None:
    empty = Path(tempfile.mkdtemp(prefix="se-"))
    with process(empty, COMMAND) as child:
        assert eventually(lambda: (empty / "postgres" / "PG_VERSION").exists())
        assert not (empty / "postgres" / "savdo.conf").exists()
        child.kill()
    try:
        assert answers(embedded.start(empty))
    finally:
        embedded.stop(empty)
        shutil.rmtree(empty)


def test_that_a_stale_lock_does_not_stop_the_start_whoever_has_its_number(folder: Path, tmp_path: Path) -> None:
    lock = folder / "postgres" / "postmaster.pid"
    shutil.copy("/bin/sleep", tmp_path / "postgres")
    with subprocess.Popen(["sleep", "60"]) as other, subprocess.Popen([tmp_path / "postgres", "60"]) as namesake:
        for number in (str(other.pid), str(namesake.pid), "999999999", "x"):
            lock.write_text(f"{number}\n{folder / 'postgres'}\n1795226444\n5432\n{folder / 'postgres'}\n\n  1 2\nready\n")
            assert answers(embedded.start(folder))
            embedded.stop(folder)
        assert (other.poll(), namesake.poll()) == (None, None)
        other.kill()
        namesake.kill()


def test_that_it_starts_while_its_killed_forerunner_is_still_ending(folder: Path) -> None:
    url = embedded.start(folder)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE much AS SELECT n, repeat('x', 200) AS text FROM generate_series(1, 100000) n")
    server = postmaster(folder)
    assert server is not None
    server.kill()
    # In another process, at once: the killed server's children may still hold its memory, and its log is to be replayed.
    with process(folder, COMMAND) as child:
        assert first_line(child) == url
    assert embedded.start(folder) == url
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM much").fetchone() == (100000,)
        connection.execute("DROP TABLE much")


async def test_that_a_killed_server_comes_back_with_its_rows(folder: Path) -> None:
    url = await asyncio.to_thread(embedded.start, folder)
    keeper = asyncio.create_task(embedded.keep_running(folder, every=0.2))
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        server = postmaster(folder)
        assert server is not None
        server.kill()
        assert await asyncio.to_thread(eventually, lambda: answers(url), 15)
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


def test_that_a_start_goes_on_when_the_server_is_killed_in_the_middle_of_it(folder: Path) -> None:
    killed = PROCESS.replace(
        '"between"', "os.kill(int((settings().data_dir / 'postgres' / 'postmaster.pid').read_text().split()[0]), signal.SIGKILL)"
    )
    with process(folder, killed) as child:
        assert answers(first_line(child))
        child.terminate()
        assert child.wait(10) == 0


def test_that_a_start_waits_for_a_server_that_is_not_there_yet(folder: Path) -> None:
    url = embedded.start(folder)
    embedded.stop(folder)
    with process(folder, url=url, err=subprocess.PIPE) as child:
        assert child.stderr is not None
        assert "waiting for the database" in child.stderr.readline()
        embedded.start(folder)
        assert first_line(child) == url


async def test_that_a_pool_asks_on_at_the_same_pace_while_the_server_is_away(folder: Path) -> None:
    url = await asyncio.to_thread(embedded.start, folder)
    pool = await db.open_pool(url, "savdo-test", range(1, 2), patience=10)
    await asyncio.to_thread(embedded.stop, folder)
    await pool.check()
    # Waits that double would have grown to 16 seconds.
    async with asyncio.timeout(10):
        while pool.get_stats().get("connections_errors", 0) < 5:  # noqa: ASYNC110 # the pool tells nobody
            await asyncio.sleep(0.05)
    await asyncio.to_thread(embedded.start, folder)
    async with pool.connection(timeout=10) as connection:
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
    await pool.close()


def test_that_a_folder_too_deep_for_a_socket_works() -> None:
    deep = Path(tempfile.mkdtemp(prefix="se-")) / ("d" * 100)
    url = embedded.start(deep)
    try:
        assert answers(url)
    finally:
        embedded.stop(deep)
        shutil.rmtree(deep.parent)
        shutil.rmtree(url.partition("host=")[2].partition("&")[0])


@pytest.mark.parametrize("inside", ["data", "data/deeper", "data/postgres"])
def test_that_a_file_in_place_of_the_folder_is_named(tmp_path: Path, inside: str) -> None:
    target = tmp_path / inside
    if target.name == "postgres":
        target.parent.mkdir()
        target.write_text("x")
        target = target.parent
    else:
        (tmp_path / "data").write_text("x")
    with pytest.raises(embedded.EmbeddedError, match=f"{target}.*--data"):
        embedded.start(target)


def test_that_a_folder_without_permission_is_named() -> None:
    closed = Path(tempfile.mkdtemp(prefix="se-"))
    closed.chmod(0o555)
    # Nothing is closed to root, who becomes somebody else for the moment.
    as_root = os.geteuid() == 0
    if as_root:
        os.seteuid(65534)
    try:
        with pytest.raises(embedded.EmbeddedError, match=f"{closed}.*permission.*--data"):
            embedded.start(closed)
        with pytest.raises(embedded.EmbeddedError, match=f"{closed}.*permission.*--data"):
            embedded.start(closed / "data")
    finally:
        if as_root:
            os.seteuid(0)
        shutil.rmtree(closed)


def test_that_a_server_that_cannot_start_tells_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PATIENCE_S", 0.0)
    own = folder / "postgres" / "savdo.conf"
    before = own.read_text()
    own.write_text("max_connections = many\n")
    try:
        with pytest.raises(embedded.EmbeddedError, match=f"{folder}.*savdo.conf.*errors.*log"):
            embedded.start(folder)
    finally:
        own.write_text(before)
