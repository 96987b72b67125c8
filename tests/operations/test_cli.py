"""The commands as scripts use them, each in a process of its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from savdo.demo import COMPANY

Run = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def data() -> Generator[Path]:
    made = Path(tempfile.mkdtemp(prefix="sc-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def savdo(data: Path, *arguments: str, **settings: str) -> Run:
    command = [sys.executable, "-c", "from savdo.cli import main; main()", *arguments]
    environment = {**os.environ, "SAVDO_DATA_DIR": str(data), "COLUMNS": "200", **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_that_a_script_can_take_a_company_on_and_the_doctor_agrees(data: Path) -> None:
    made = savdo(data, "tenant", "create", "--business", str(COMPANY), "--email", "a@b.example", "--json")
    assert made.returncode == 0, made.stderr
    values = json.loads(made.stdout)
    assert set(values) == {"tenant_id", "slug", "email", "password", "api_key", "widget_key", "hooks"}
    assert values["email"] == "a@b.example"
    checks = json.loads(savdo(data, "doctor", "--json").stdout)
    assert {one["what"]: one["state"] for one in checks} | {"models": "off", "public address": "off"} == {
        "secret keys": "ok", "files": "ok", "disk": "ok", "database": "ok", "schema": "ok", "jobs": "ok", "connections": "ok",
        "embeddings": "ok", "models": "off", "public address": "off",
    }  # fmt: skip


def test_that_no_database_is_left_running(data: Path) -> None:
    assert not (data / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (("tenant", "create", "--business", "/nowhere"), {}, "/nowhere/profile.json: cannot be read"),
        (("doctor",), {"SAVDO_PORT": "many"}, "SAVDO_PORT"),
    ],
)
def test_that_a_wrong_call_is_one_clear_sentence(data: Path, arguments: tuple[str, ...], settings: dict[str, str], words: str) -> None:
    ran = savdo(data, *arguments, **settings)
    assert ran.returncode != 0
    assert words in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_that_a_taken_port_is_said_before_anything_starts(data: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        ran = savdo(data, "demo", "--port", str(port), "--data", str(data / "unused"), "--no-open")
    assert ran.returncode == 1
    assert f"Port {port}" in ran.stderr
    assert not (data / "unused").exists()
