"""The real embedded PostgreSQL: migrated once into a template, cloned for each test process."""

import hashlib
import os
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb

ROOT = Path(__file__).parents[1]
TEST_DATA = Path(os.environ.get("SAVDO_TEST_DATA") or Path(tempfile.gettempdir()) / "savdo-tests")
os.environ.setdefault("SAVDO_SECRET_KEYS", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
os.environ.setdefault("SAVDO_ALLOWED_HOSTS", "127.0.0.1,localhost")
os.environ.setdefault("SAVDO_DEBOUNCE_MS", "40")
# The least there is: hundreds of tests sign in.
os.environ.setdefault("SAVDO_PASSWORD_MEMORY_MIB", "12")
os.environ.setdefault("SAVDO_META_APP_ID", "1000")
os.environ.setdefault("SAVDO_META_APP_SECRET", "app_secret_123")
os.environ.setdefault("SAVDO_META_VERIFY_TOKEN", "mytoken")
os.environ.setdefault("SAVDO_INSTAGRAM_APP_ID", "2000")
os.environ.setdefault("SAVDO_INSTAGRAM_APP_SECRET", "instagram_secret_456")
# Processes that tests start find everything compiled by the first of them: half of the time of a start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["PYTHONPYCACHEPREFIX"] = str(TEST_DATA / "bytecode")
os.environ["SAVDO_DATA_DIR"] = str(TEST_DATA / f"files-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")

from savdo.base import circuit, db, embedded, http, jobs  # noqa: E402 # the settings above must stand first
from savdo.base.migrate import FOLDER, migrate  # noqa: E402
from savdo.channels import connections  # noqa: E402
from savdo.channels.models import Connection, channel  # noqa: E402
from savdo.channels.sandbox import Sandbox  # noqa: E402


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, whatever the random order: the other process does everything else meanwhile."""
    items.sort(key=lambda item: ("test_kill" not in item.nodeid, "test_ratchet" not in item.nodeid))


@pytest.fixture(scope="session")
def database_url() -> Generator[str]:
    """An empty, migrated database of this test process's own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"savdo_{worker}_{os.getpid()}"
    newest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(FOLDER.rglob("*.py")))).hexdigest()[:10]
    template = f"template_{newest}"
    admin = embedded.start(TEST_DATA, database="admin")
    with psycopg.connect(admin, autocommit=True) as connection:
        # Held by whoever makes the template first; the others wait here.
        connection.execute("SELECT pg_advisory_lock(1)")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (template,)).fetchone():
            migrate(embedded.start(TEST_DATA, database=f"{template}_new"))
            connection.execute(f'ALTER DATABASE "{template}_new" RENAME TO "{template}"')  # pyright: ignore[reportArgumentType, reportCallIssue] # our own name
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')  # pyright: ignore[reportArgumentType, reportCallIssue] # our own name
        connection.execute("SELECT pg_advisory_unlock(1)")
    yield admin.replace("/admin?", f"/{name}?")
    with psycopg.connect(admin, autocommit=True) as connection:
        # Not by force: ending the server's own cleaner, which may be in there, is refused to us, and not to a plain drop.
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user", (name,))
        connection.execute(f'DROP DATABASE "{name}"')  # pyright: ignore[reportArgumentType, reportCallIssue] # our own name


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened(database_url: str) -> AsyncGenerator[str]:
    """The pool and the queue of this process, open."""
    await db.open_database(database_url, size=12)
    await jobs.open_queue(database_url)
    yield database_url
    await http.close()
    await jobs.close_queue()
    await db.close_database()


@pytest_asyncio.fixture
async def database(opened: str) -> str:
    """The open database with no job left over from another test, no connection that would still
    be polled, no question that the sweeper would still find, no used-up limit, no open breaker."""
    async with db.platform_step("a clean queue for a test") as session:
        await session.execute("DELETE FROM procrastinate_jobs")
        await session.execute("DELETE FROM limits")
        await session.execute("UPDATE connections SET status = 'off' WHERE status <> 'off'")
        await session.execute("UPDATE conversations SET answered_number = inbound_number WHERE answered_number < inbound_number")
    circuit.forget()
    return opened


PROFILE = {
    "name": "Oq Choy", "industry": "Tea", "description": "A tea house and shop in Tashkent.", "goals": [], "audience": "",
    "website": "https://oqchoy.example", "phone": "+998711234567", "tone": "friendly", "languages": ["uz", "ru", "en"],
    "currency": "UZS", "timezone": "Asia/Tashkent", "working_hours": {"mon": ["09:00", "18:00"], "sun": None},
}  # fmt: skip


@pytest_asyncio.fixture
async def tenant_id(database: str) -> UUID:
    """A company with nothing but a profile."""
    return await new_tenant()


@pytest_asyncio.fixture
async def other_tenant_id(database: str) -> UUID:
    """A second company, which must never be seen from the first."""
    return await new_tenant()


async def new_tenant() -> UUID:
    tenant_id = db.new_id()
    async with db.platform_step("a company for a test") as session:
        await session.execute(
            "INSERT INTO tenants (id, slug, profile) VALUES (%s, %s, %s)", (tenant_id, f"t-{tenant_id.hex[-12:]}", Jsonb(PROFILE))
        )
    return tenant_id


@pytest_asyncio.fixture
async def connection(tenant_id: UUID) -> Connection:
    """The company's sandbox connection."""
    async with db.step(tenant_id) as session:
        return await connections.create(session, tenant_id, "sandbox", "Sandbox")


@pytest_asyncio.fixture
async def sandbox(database: str) -> Sandbox:
    """The far side of the sandbox channel, with nothing sent yet and nothing on its way from the tests before."""
    async with db.platform_step("what other tests left to be sent") as session:
        await session.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo' AND lock ~ '^(deliver|answer):'")
        await session.execute("UPDATE messages SET status = 'failed' WHERE direction = 'out' AND status IN ('queued', 'sending')")
        await session.execute("UPDATE conversations SET answered_number = inbound_number WHERE answered_number < inbound_number")
    adapter = channel("sandbox")
    assert isinstance(adapter, Sandbox)
    adapter.__init__()
    return adapter
