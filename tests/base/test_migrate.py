"""The schema: from nothing or from any earlier release to the newest, with the rows that are there, only forward."""

import ast
import secrets
import time
from collections.abc import Callable, Generator
from multiprocessing import get_context
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from savdo.base import embedded, runtime
from savdo.base.db import new_id
from savdo.base.migrate import FOLDER, SchemaNewer, current_revision, is_older, migrate, newest_revision
from savdo.base.settings import settings
from tests.conftest import TEST_DATA

VERSIONS = sorted((FOLDER / "versions").glob("*.py"))
Fresh = Callable[[], str]


def revision_of(name: str, path: Path) -> str | None:
    """`revision` or `down_revision` of a migration file."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    return None


RELEASES = [revision for path in VERSIONS if (revision := revision_of("revision", path))]


@pytest.fixture
def fresh(database_url: str) -> Generator[Fresh]:
    """Makes empty databases, gone after the test."""
    made: list[str] = []

    def make() -> str:
        made.append(f"migrate_{secrets.token_hex(6)}")
        return embedded.start(TEST_DATA, database=made[-1])

    yield make
    with psycopg.connect(embedded.start(TEST_DATA, database="admin"), autocommit=True) as connection:
        for name in made:
            dropped(connection, name)


def dropped(connection: psycopg.Connection[Any], name: str) -> None:
    """Drops a database. The server's own cleaner may be in it for a moment, and nobody may end that one but the server."""
    for attempt in range(100):
        try:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            if attempt == 99:
                raise
            time.sleep(0.1)
        else:
            return


def required(connection: psycopg.Connection[Any], table: str) -> dict[str, str]:
    """The columns of a table that have no default, with their types."""
    found = connection.execute(
        """SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
            WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef""",
        (table,),
    )
    return dict(found.fetchall())


# What a column must hold beside its type, where a check or another row asks for it; the rest is filled by type.
KNOWN = {
    "status": "received", "direction": "in", "author": "contact", "role": "owner", "channel": "sandbox", "kind": "text",
    "outcome": "answered", "reason": "keyword",
}  # fmt: skip
KNOWN_HERE = {
    ("documents", "kind"): "file", ("scenario_runs", "kind"): "scenarios", ("merges", "reason"): "member",
    ("appointments", "ends_at"): "2026-01-02T04:04:05Z",
}  # fmt: skip
# Columns that point at another table than their name says.
POINTS = {"merged_id": "contacts"}
BY_TYPE: dict[str, Callable[[], Any]] = {
    "text": lambda: secrets.token_hex(6), "bytea": lambda: b"sealed", "uuid": new_id, "jsonb": lambda: "{}", "bigint": lambda: 1,
    "integer": lambda: 1, "tsvector": lambda: "word:1", "halfvec(384)": lambda: str([0.1] * 384),
    "timestamp with time zone": lambda: "2026-01-02T03:04:05Z", "boolean": lambda: False,
    "date": lambda: "2026-01-02", "text[]": lambda: ["word"], "halfvec[]": lambda: "{}",
    "sparsevec[]": lambda: "{}", "integer[]": lambda: "{}", "double precision": lambda: 1.0, "numeric": lambda: 1,
}  # fmt: skip


def in_order(connection: psycopg.Connection[Any]) -> list[str]:
    """Every table of tenants' rows, those that others point at first."""
    tables = [
        row[0]
        for row in connection.execute(
            """SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                  AND (a.attname = 'tenant_id' OR c.relname = 'tenants')"""
        )
    ]
    points = connection.execute(
        """SELECT DISTINCT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
            WHERE contype = 'f' AND conrelid <> confrelid"""
    ).fetchall()
    done: list[str] = []
    while waiting := [table for table in sorted(tables) if table not in done]:
        done += [table for table in waiting if all(to in done for source, to in points if source == table)]
    return done


def fill(connection: psycopg.Connection[Any], table: str, tenant_id: Any, ids: dict[str, Any]) -> None:
    """One row of a tenant; `ids` holds the id of the tenant's row in each table that was filled before."""
    values: dict[str, Any] = {}
    ids[table] = tenant_id if table == "tenants" else new_id()
    for column, type_of in required(connection, table).items():
        pointed = POINTS.get(column) or f"{column.removesuffix('_id')}s"
        if column == "tenant_id":
            values[column] = tenant_id
        elif column == "id":
            values[column] = ids[table]
        elif column.endswith("_id") and pointed in ids:
            values[column] = ids[pointed]
        elif (table, column) in KNOWN_HERE:
            values[column] = KNOWN_HERE[table, column]
        else:
            values[column] = KNOWN.get(column) or BY_TYPE[type_of]()
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(sql.Placeholder() * len(values))
        ),
        list(values.values()),
    )


def rows_of(connection: psycopg.Connection[Any], table: str, tenant_id: Any) -> int:
    key = "id" if table == "tenants" else "tenant_id"
    query = sql.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(sql.Identifier(table), sql.Identifier(key))
    row = connection.execute(query, (tenant_id,)).fetchone()
    assert row is not None
    return row[0]


def as_platform(url: str) -> psycopg.Connection[Any]:
    # Row-level security is forced: even the owner of the tables sees no row.
    return psycopg.connect(url, options="-c role=savdo_platform")


def test_that_an_empty_database_gets_the_newest_schema_and_a_second_time_changes_nothing(fresh: Fresh) -> None:
    url = fresh()
    assert current_revision(url) is None
    for _ in range(2):
        migrate(url)
        assert current_revision(url) == newest_revision() == RELEASES[-1]


def test_that_two_processes_migrate_at_once(fresh: Fresh) -> None:
    url = fresh()
    with get_context("forkserver").Pool(2) as processes:
        processes.map(migrate, [url, url], chunksize=1)
    assert current_revision(url) == newest_revision()


def test_that_a_database_of_a_newer_savdo_is_left_alone(fresh: Fresh) -> None:
    url = fresh()
    migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaNewer, match="9999"):
        migrate(url)
    assert current_revision(url) == "9999"


async def test_that_a_process_on_an_empty_database_says_what_to_run(fresh: Fresh) -> None:
    url = fresh()
    with pytest.raises(runtime.SchemaOlder, match="savdo migrate"):
        async with runtime.running(settings(), url):
            pass


def test_that_only_an_earlier_revision_is_older() -> None:
    assert [is_older(revision) for revision in (*RELEASES, "9999")] == [*(True for _ in RELEASES[1:]), False, False]


@pytest.mark.parametrize("release", RELEASES)
def test_that_an_earlier_release_is_brought_to_the_newest_with_its_rows(fresh: Fresh, release: str) -> None:
    url = fresh()
    migrate(url, release)
    tenants = [new_id(), new_id()]
    with as_platform(url) as connection:
        tables = in_order(connection)
        for tenant_id in tenants:
            ids: dict[str, Any] = {}
            for table in tables:
                fill(connection, table, tenant_id, ids)
    migrate(url)
    with as_platform(url) as connection:
        kept = [table for table in tables if table in in_order(connection)]
        assert "messages" in kept
        assert {(table, rows_of(connection, table, one)) for table in kept for one in tenants} == {(table, 1) for table in kept}


# What is written before, what is read afterwards, and what that is.
MOVED: tuple[tuple[LiteralString, LiteralString, object], ...] = (
    ("UPDATE contacts SET unreachable_at = '2026-01-02T00:00:00Z'", "SELECT blocked_at = '2026-01-02T00:00:00Z' FROM conversations", True),
    ("UPDATE connections SET channel = 'messenger', status = 'active', problem = 'x'", "SELECT problem FROM connections", None),
    ("""UPDATE leads SET facts = '{"phone": "+998901234567"}'""", "SELECT facts FROM leads", {"phone": True}),
)


def test_that_what_stood_elsewhere_is_moved_although_the_owner_of_the_tables_sees_no_row(fresh: Fresh) -> None:
    url = fresh()
    migrate(url, "0001")
    with as_platform(url) as connection:
        tenant_id, ids = new_id(), dict[str, Any]()
        for table in in_order(connection):
            fill(connection, table, tenant_id, ids)
        for before, _, _ in MOVED:
            connection.execute(before)
    migrate(url)
    with as_platform(url) as connection:
        assert [connection.execute(after).fetchone() for _, after, _ in MOVED] == [(found,) for _, _, found in MOVED]


def test_that_migrations_only_go_forward_in_one_line() -> None:
    for path in VERSIONS:
        functions = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        assert "upgrade" in functions, path.name
        assert "downgrade" not in functions, path.name
        assert path.name.startswith(f"{revision_of('revision', path)}_"), path.name
    assert [revision_of("down_revision", path) for path in VERSIONS] == [None, *RELEASES[:-1]]
