"""The embedded database: folders that cannot be used are named, and a killed server comes back."""

import asyncio
import os
import signal
import tempfile
from pathlib import Path

import psycopg
import pytest

from savdo.base import embedded


def test_that_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    with pytest.raises(embedded.EmbeddedError, match="data"):
        embedded.start(tmp_path / "data")


async def test_that_a_killed_server_comes_back_with_its_rows() -> None:
    with tempfile.TemporaryDirectory(prefix="savdo-embedded-") as name:
        folder = Path(name)
        url = await asyncio.to_thread(embedded.start, folder)
        keeper = asyncio.create_task(embedded.keep_running(folder, every=0.2))
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
            os.kill(int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
            assert await _kept(url) == (1,)
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await asyncio.to_thread(embedded.stop, folder)


async def _kept(url: str) -> tuple[int] | None:
    for _ in range(60):
        await asyncio.sleep(0.25)
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                return connection.execute("SELECT n FROM kept").fetchone()
        except psycopg.OperationalError:
            continue
    return None
