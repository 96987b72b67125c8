"""The commands as scripts use them, each in a process of its own."""

import asyncio
import json
import shutil
import socket
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest

from savdo.base import db
from savdo.demo import COMPANY
from tests.conftest import TEST_DATA
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


async def test_that_a_company_is_suspended_given_a_cap_and_resumed(tenant_id: UUID, database_url: str, tmp_path: Path) -> None:
    async def state(*arguments: str) -> str:
        ran = await asyncio.to_thread(savdo, tmp_path, "tenant", *arguments, SAVDO_DATABASE_URL=database_url)
        assert ran.code == 0, ran.err
        async with db.step(tenant_id) as session:
            row = await db.first(session, "SELECT status FROM tenants")
        return f"{ran.out.strip()} {row and row['status']}"

    assert await state("suspend", str(tenant_id)) == "Suspended. suspended"
    shown, _, status = (await state("models", str(tenant_id), "--cap", "1.5", "--json")).rpartition(" ")
    assert (json.loads(shown)["chain"], json.loads(shown)["cap_usd"], status) == ("local", 1.5, "suspended")
    assert await state("resume", str(tenant_id)) == "Active again. active"


async def test_that_a_job_that_failed_is_listed_and_runs_again_once(database: str, tmp_path: Path) -> None:
    async with db.platform_step("a job that failed") as session:
        made = await db.first(
            session,
            """INSERT INTO procrastinate_jobs (task_name, queue_name, status, attempts)
               VALUES ('savdo.worker.tidy', 'default', 'failed', 3) RETURNING id""",
        )
    assert made is not None

    async def ran(*arguments: str) -> Ran:
        return await asyncio.to_thread(savdo, tmp_path, "jobs", *arguments, SAVDO_DATABASE_URL=database)

    (listed,) = json.loads((await ran("failed", "--json")).out)
    assert (listed["id"], listed["task"], listed["attempts"]) == (made["id"], "savdo.worker.tidy", 3)
    assert (await ran("replay", str(made["id"]))).code == 0
    again = await ran("replay", str(made["id"]))
    assert (again.code, "is not a failed job" in again.err) == (2, True)


@pytest.mark.parametrize(("before", "code"), [(0.0, 0), (1.0, 1)])
def test_that_an_evaluation_is_written_down_and_a_fall_ends_with_one(database_url: str, tmp_path: Path, before: float, code: int) -> None:
    row = {
        "id": "m1", "business": "tea", "text": "сколько стоит чайник?", "language": "ru", "script": "cyrl", "intent": "complaint",
        "sentiment": "neutral", "wants_human": False, "objection": None, "entities": {},
    }  # fmt: skip
    (tmp_path / "businesses" / "tea").mkdir(parents=True)
    (tmp_path / "businesses" / "tea" / "profile.json").write_text('{"name": "Tea"}')
    (tmp_path / "messages.jsonl").write_text(json.dumps(row))
    old, new, report = (tmp_path / name for name in ("old.json", "new.json", "report.md"))
    old.write_text(json.dumps({"intent_macro_f1": {"value": before, "rows": 40}}))
    # Beside the server that the tests have: one of its own would be three times as slow.
    ran = savdo(TEST_DATA, "eval", str(tmp_path), "--json", str(new), "--report", str(report), "--compare", str(old), SAVDO_DATABASE_URL="")
    assert ran.code == code, ran.err
    result = json.loads(new.read_text())
    assert (result["intent_macro_f1"], [one["id"] for one in result["wrong"]]) == (0.0, ["m1"])
    assert "intent_macro_f1" in report.read_text()


def test_that_no_database_is_left_running(data: Path) -> None:
    assert not (data / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (("tenant", "create", "--business", "/nowhere"), {}, "/nowhere/profile.json: cannot be read"),
        (("eval", "/nowhere"), {}, "/nowhere: "),
        (("eval", ".", "--compare", "/nowhere.json"), {}, "does not exist"),
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
