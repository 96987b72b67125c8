"""The commands."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import structlog
import typer
import uvicorn
from rich.console import Console
from rich.table import Table

from savdo import bench as measuring
from savdo import demo as demonstration
from savdo import evals, evals_figures, evals_report, worker
from savdo.ai import embed
from savdo.app import create_app
from savdo.base import jobs as queue
from savdo.base import runtime, telemetry
from savdo.base.db import platform_step
from savdo.base.errors import SavdoError
from savdo.base.settings import settings
from savdo.operations import health, keys, lifecycle, tenant_models
from savdo.web import page

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Sales conversations for companies.")
tenants = typer.Typer(no_args_is_help=True, help="Companies on this installation.")
letters = typer.Typer(no_args_is_help=True, help="Jobs that failed for good.")
cli.add_typer(tenants, name="tenant")
cli.add_typer(letters, name="jobs")
secret_keys = typer.Typer(no_args_is_help=True, help="The keys of SAVDO_SECRET_KEYS.")
cli.add_typer(secret_keys, name="keys")
out = Console()

Business = Annotated[Path, typer.Option(help="Folder with profile.json, campaigns.json and docs/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def main() -> None:
    """Runs a command; an error of ours is one sentence, not a traceback."""
    # What a command prints may be read by a script: its log stands beside that.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        cli()
    except SavdoError as error:
        Console(stderr=True).print(f"[red]{error.message}[/red]", highlight=False, soft_wrap=True)
        sys.exit(1)


@cli.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the pages.")] = 8000,
    data: Annotated[Path, typer.Option(help="Folder of the demo's database and files.")] = Path(".data"),
    business: Annotated[Path | None, typer.Option(help="Another company than the demo one.")] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
    world: Annotated[bool, typer.Option("--world", help="Connect every channel to an emulated company, from a checkout.")] = False,
) -> None:
    """Everything in one process with a demo company; Ctrl-C stops it."""
    os.environ["SAVDO_DATA_DIR"], os.environ["SAVDO_PORT"] = str(data), str(port)
    # Whoever looks at a demo wants to read its address, not its log.
    os.environ.setdefault("SAVDO_LOG_LEVEL", "WARNING")
    telemetry.configure()
    demonstration.run(business, open_browser=not no_open, with_world=world)


@cli.command()
def serve() -> None:
    """The pages and the hooks; any number on one database."""
    telemetry.configure()
    # Said in one sentence here, rather than by the server in the middle of its start.
    asyncio.run(runtime.ready(settings()))
    uvicorn.run(create_app(), host=settings().host, port=settings().port, log_config=None, timeout_graceful_shutdown=5, server_header=False)


@cli.command("worker")
def work() -> None:
    """Runs the jobs; any number on one database."""
    telemetry.configure()
    asyncio.run(_work())


@cli.command()
def migrate() -> None:
    """Brings the database to the newest schema."""
    asyncio.run(runtime.migrated(settings()))
    out.print("The schema is up to date.")


@tenants.command("create")
def create_tenant(
    business: Business,
    email: Annotated[str, typer.Option(help="The owner's e-mail.")] = "",
    password: Annotated[str, typer.Option(help="The owner's password; made up when missing.")] = "",
    as_json: AsJson = False,
) -> None:
    """Takes a company on from a folder."""
    made = _with_database(lifecycle.onboard, business, email=email, password=password)
    values = {key: str(value) if isinstance(value, UUID) else value for key, value in asdict(made).items()}
    if as_json:
        print(json.dumps(values, ensure_ascii=False))
    else:
        _table("New company", values)


@tenants.command("suspend")
def suspend_tenant(tenant_id: UUID) -> None:
    """The bot stops writing; what customers send is still kept."""
    _with_database(lifecycle.suspend, tenant_id)
    out.print("Suspended.")


@tenants.command("resume")
def resume_tenant(tenant_id: UUID) -> None:
    """Back to work; what was asked meanwhile is answered."""
    _with_database(lifecycle.resume, tenant_id)
    out.print("Active again.")


@tenants.command("models")
def tenant_models_of(
    tenant_id: UUID,
    chain: Annotated[str | None, typer.Option(help="Its own models in order, as in SAVDO_MODELS; empty for the installation's.")] = None,
    key: Annotated[list[str] | None, typer.Option(help="PROVIDER=FILE with its own key of a provider; PROVIDER= removes it.")] = None,
    base: Annotated[str | None, typer.Option(help="Address of its own OpenAI-compatible server.")] = None,
    cap: Annotated[float | None, typer.Option(help="Most it may spend a day, in USD; below 0 for the installation's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows a company's models, their state and today's cost; changes what is given."""
    given = {"chain": None if chain is None else chain.split(","), "keys": _keys(key or []) or None, "base": base, "cap_usd": cap}
    if changes := {name: value for name, value in given.items() if value is not None}:
        _with_database(tenant_models.change, tenant_id, "operator", **changes)
    found = _with_database(tenant_models.overview, tenant_id)
    # Without a model there is nothing to hold back, and still something that was chosen.
    held = found.choice.cap_micros if found.cap_micros is None else found.cap_micros
    values = {
        "chain": ", ".join(one.model for one in found.models) or "local", "keys": found.choice.shown_keys, "base": found.choice.base,
        "cap_usd": None if held is None else held / 1_000_000, "today_usd": found.today.micros / 1_000_000,
        "calls_today": found.today.calls, "failures_today": found.today.failures,
        "resting": [one.model for one in found.models if one.resting],
    }  # fmt: skip
    if as_json:
        print(json.dumps(values, ensure_ascii=False))
    else:
        _table("Models", values)


@letters.command("failed")
def failed_jobs(as_json: AsJson = False) -> None:
    """Lists jobs that failed for good."""
    found = _with_database(_dead_letters)
    if as_json:
        print(json.dumps(found, default=str))
        return
    table = Table("id", "task", "attempts", "failed", title=f"{len(found)} failed jobs")
    for one in found:
        table.add_row(str(one["id"]), one["task"], str(one["attempts"]), f"{one['failed_at']:%Y-%m-%d %H:%M}")
    out.print(table)


@letters.command("replay")
def replay_job(job_id: int) -> None:
    """Has a failed job run again."""
    if not _with_database(_replay, job_id):
        raise typer.BadParameter(f"{job_id} is not a failed job; see: savdo jobs failed")
    out.print("It runs again.")


@secret_keys.command("reseal")
def reseal(as_json: AsJson = False) -> None:
    """Seals everything again with the newest key; after it the older ones may be dropped."""
    found = _with_database(keys.reseal)
    if as_json:
        print(json.dumps([asdict(one) for one in found]))
    else:
        table = Table("what", "sealed again", "no key opens", title="Sealed with the newest key")
        for one in found:
            table.add_row(f"{one.column.table}.{one.column.sealed}", str(one.done), str(one.unreadable))
        out.print(table)
    if any(one.unreadable for one in found):
        raise typer.Exit(1)


@cli.command("eval")
def evaluate(
    folder: Path,
    model: Annotated[str, typer.Option(help="local, or a chain as in SAVDO_MODELS.")] = "local",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every figure and every wrong row here.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the figures as Markdown here.")] = None,
    wrong: Annotated[int, typer.Option(help="Print so many wrong rows of each kind.")] = 0,
    compare: Annotated[
        Path | None, typer.Option(exists=True, help="An earlier --json; ends with 1 when a headline fell by more than noise.")
    ] = None,
    sample: Annotated[bool, typer.Option(help="Only the part that is measured with every change.")] = False,
    beside: Annotated[
        Path | None, typer.Option(exists=True, help="The --json of a run with models; the report shows its answers' figures too.")
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="Write the headlines with their row counts here.")] = None,
) -> None:
    """Runs messages, questions and dialogues through the real pipeline and prints the figures."""
    os.environ["SAVDO_MODELS"] = "" if model == "local" else model
    settings.cache_clear()
    listed = evals.read(folder)
    # Read before the run, which takes minutes, and may write the same file.
    before = evals_report.read_result(compare) if compare else None
    result = evals.run(evals.sample(listed) if sample else listed, model=model)
    evals_report.show(result)
    evals_report.show_wrong(result, wrong)
    if json_file:
        json_file.write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
    if report:
        evals_report.write_quality(result, report, evals_report.read_result(beside) if beside else None)
    if baseline:
        evals_report.write_baseline(result, baseline)
    if before is not None:
        changed = evals_figures.changes(before, result)
        evals_report.show_changes(changed)
        if any(one.fell for one in changed):
            raise typer.Exit(1)


@cli.command()
def bench(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the figures as Markdown here.")] = None,
    quick: Annotated[bool, typer.Option(help="Fewer events: seconds instead of minutes.")] = False,
    search: Annotated[bool, typer.Option("--search", help="Only a search and a reading, among 1,000,000 passages (6 GB of disk).")] = False,
) -> None:
    """Measures the main path beside the bare database, in one run."""
    measuring.run(json_file=json_file, report=report, quick=quick, search=search)


@cli.command()
def doctor(as_json: AsJson = False) -> None:
    """Tells what is configured, reachable and broken."""
    checks = asyncio.run(health.examine(settings(), page.BUILT / "manifest.json"))
    if as_json:
        print(json.dumps([asdict(one) for one in checks], ensure_ascii=False))
    else:
        marks = {"ok": "[green]ok[/green]", "off": "[dim]off[/dim]", "broken": "[red]broken[/red]"}
        table = Table("what", "state", "details")
        for one in checks:
            table.add_row(one.what, marks[one.state], one.details)
        out.print(table)
    if any(one.state == "broken" for one in checks):
        raise typer.Exit(1)


async def _work() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    url = await runtime.database_address(settings())
    async with runtime.running(settings(), url):
        await asyncio.to_thread(embed.warm)
        await worker.run(stop)
    await asyncio.to_thread(runtime.leave, settings())


async def _dead_letters() -> list[dict[str, Any]]:
    async with platform_step("list of failed jobs") as session:
        return await queue.dead_letters(session)


async def _replay(job_id: int) -> bool:
    async with platform_step("replay of a failed job") as session:
        return await queue.replay(session, job_id)


def _keys(given: list[str]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for one in given:
        provider, separator, path = one.partition("=")
        if not separator or (path and not Path(path).is_file()):
            raise typer.BadParameter(f"{one!r} is not PROVIDER=FILE with a file that exists")
        # From a file: what stands on a command line can be read by every user of the machine.
        keys[provider] = Path(path).read_text().strip() if path else ""
    return keys


def _with_database(function: Any, *values: Any, **named: Any) -> Any:
    async def run() -> Any:
        async with runtime.running(settings(), await runtime.migrated(settings())):
            return await function(*values, **named)

    return asyncio.run(run())


def _table(title: str, values: dict[str, Any]) -> None:
    table = Table(title=title, show_header=False)
    for key, value in values.items():
        table.add_row(key, str(value))
    out.print(table)
