"""The commands as scripts use them, each in a process of its own."""

import json
import shutil
import socket
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import pytest

from savdo.demo import COMPANY
from tests.processes import started


class Ran(NamedTuple):
    """How a command ended and what it said."""

    code: int | None
    out: str
    err: str


NO_DATABASE = {"SAVDO_DATABASE_URL": "postgresql://savdo@/savdo?host=/nowhere", "SAVDO_DATABASE_WAIT_S": "0.1"}


@pytest.fixture(scope="module")
def data() -> Generator[Path]:
    made = Path(tempfile.mkdtemp(prefix="sc-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def savdo(data: Path, *arguments: str, **settings: str) -> Ran:
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = started(*arguments, out=out, err=err, **{"SAVDO_DATA_DIR": str(data), **settings})
        process.join(60)
        process.kill()
        return Ran(process.exitcode, out.read_text(), err.read_text())


def test_that_a_script_can_take_a_company_on_and_the_doctor_agrees(data: Path) -> None:
    made = savdo(data, "tenant", "create", "--business", str(COMPANY), "--email", "a@b.example", "--json")
    assert made.code == 0, made.err
    values = json.loads(made.out)
    assert set(values) == {"tenant_id", "slug", "email", "password", "api_key", "widget_key", "hooks"}
    assert values["email"] == "a@b.example"
    examined = savdo(data, "doctor", "--json", SAVDO_META_VERIFY_TOKEN="")
    checks = {one["what"]: one for one in json.loads(examined.out)}
    assert {what: one["state"] for what, one in checks.items()} | {"models": "off", "public address": "off"} == {
        "secret keys": "ok", "files": "ok", "disk": "ok", "pages": "ok", "database": "ok", "schema": "ok", "jobs": "ok",
        "connections": "ok", "embeddings": "ok", "models": "off", "speech": "off", "voice": "off", "virus scanner": "off",
        "web search": "off", "Meta app": "broken", "Instagram app": "ok", "Telegram app": "off", "public address": "off",
    }  # fmt: skip
    assert checks["Meta app"]["details"] == "SAVDO_META_VERIFY_TOKEN not set"
    assert (examined.code, "app_secret_123" in examined.out) == (1, False)


def test_that_no_database_is_left_running(data: Path) -> None:
    assert not (data / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (("tenant", "create", "--business", "/nowhere"), {}, "/nowhere/profile.json: cannot be read"),
        (("doctor",), {"SAVDO_PORT": "many"}, "SAVDO_PORT"),
        *((command, NO_DATABASE, "The database does not answer: ") for command in (("serve",), ("worker",), ("migrate",))),
    ],
)
def test_that_a_wrong_call_is_one_clear_sentence(data: Path, arguments: tuple[str, ...], settings: dict[str, str], words: str) -> None:
    ran = savdo(data, *arguments, **settings)
    assert ran.code not in (0, None)
    assert words in ran.out + ran.err
    assert "Traceback" not in ran.err


def test_that_a_taken_port_is_said_before_anything_starts(data: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        ran = savdo(data, "demo", "--port", str(port), "--data", str(data / "unused"), "--no-open")
    assert ran.code == 1
    assert f"Port {port}" in ran.err
    assert not (data / "unused").exists()
