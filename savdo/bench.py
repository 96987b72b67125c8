"""Measures the main path against a fake model and channel, and the bare database loop beside it in the same run.

Every phase has its own worker process, so that memory and throughput are one worker's; the load comes from this one.
Absolute figures depend on the machine: trust the ratios, which were taken minutes apart on the same one.
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import uvicorn
from rich.console import Console
from rich.table import Table

from savdo import bench_bare, bench_search
from savdo.ai import embed
from savdo.app import create_app
from savdo.base import db, embedded, jobs
from savdo.base.db import first, rows, step
from savdo.base.http import send
from savdo.base.migrate import migrate
from savdo.channels import connections
from savdo.channels.models import Connection, Inbound, Sender
from savdo.knowledge.models import Passage
from savdo.operations import lifecycle
from savdo.reply import turn
from savdo.reply.models import Draft, Reading, Turn

COMPANY = Path(__file__).parent / "demo_company"
# How people write who write in pieces. With a number of its own each question is new to the worker: nothing that it remembers of
# another customer's answers it.
BURSTS = (
    ("Assalomu alaykum", "{n} metrli MDF oshxona qancha turadi?", "oq rangda", "rahmat"),
    ("Здравствуйте", "Сколько стоит доставка {n} стульев по Ташкенту?", "на третий этаж", "спасибо"),
    ("Сәлеметсіз бе", "{n} шкаф алсам, кепілдік қанша ай?", "айнасымен", "рақмет"),
    ("Hello", "How long does a kitchen of {n} metres take?", "in white", "thanks"),
)
ASKED = 1

out = Console()
spawn = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class Figures:
    """Name → value; times in milliseconds, rates per second, memory in MB."""

    values: dict[str, float] = field(default_factory=dict[str, float])

    def put(self, name: str, value: float) -> None:
        self.values[name] = round(value, 3)
        out.print(f"  {name}: [bold]{self.values[name]}[/bold]", highlight=False)


def run(*, json_file: Path | None, report: Path | None, quick: bool, search: bool) -> None:
    """Runs every phase, or only `search`, on a fresh embedded database and prints the figures; `report` is written as Markdown."""
    os.environ["SAVDO_DEBOUNCE_MS"], os.environ["SAVDO_ALLOWED_HOSTS"] = "0", "127.0.0.1"
    with tempfile.TemporaryDirectory(prefix="savdo-bench-") as folder:
        os.environ["SAVDO_DATA_DIR"] = folder
        url = embedded.start(Path(folder))
        try:
            migrate(url)
            figures = asyncio.run(_search(url, companies=5 if quick else 100) if search else _phases(url, scale=0.1 if quick else 1.0))
        finally:
            embedded.stop(Path(folder))
    _print(figures)
    if json_file is not None:
        json_file.write_text(json.dumps(figures.values, indent=1))
    if report is not None:
        report.write_text(_markdown(figures))


async def _phases(url: str, scale: float) -> Figures:
    figures = Figures()
    await db.open_database(url)
    await jobs.open_queue(url)
    made = await lifecycle.onboard(COMPANY)
    async with step(made.tenant_id) as session:
        connection = await connections.create(session, made.tenant_id, "sandbox", "Bench", credentials={"secret": "bench"})
    messages, threads = int(3200 * scale), int(800 * scale)
    rounds: dict[str, list[float]] = {}
    for number in range(1 if scale < 1 else 3):
        out.print(f"» throughput, round {number + 1}", highlight=False)
        bare = await bench_bare.throughput(url, messages, threads)
        bursts = await _throughput(url, connection, "off", messages, threads)
        singles = await _throughput(url, connection, "off", messages // 2, messages // 2)
        for name, value in {
            "bare_per_s": bare, "off_per_s": bursts, "off_to_bare": bursts / bare, "off_single_per_s": singles,
            "off_single_to_bare": singles / bare,
        }.items():  # fmt: skip
            rounds.setdefault(name, []).append(value)
    for name, values in rounds.items():
        figures.put(name, statistics.median(values))
    out.print("» local understanding", highlight=False)
    figures.put("embed_ms", _embedding_ms())
    figures.put("local_per_s", await _throughput(url, connection, "local", int(1600 * scale), int(400 * scale)))
    figures.put("local_single_per_s", await _throughput(url, connection, "local", int(600 * scale), int(600 * scale)))
    out.print("» a model of 1.5 s", highlight=False)
    await _waiting_on_a_model(url, connection, figures, int(1000 * scale))
    out.print("» acknowledgement at 50 events/s, answers at 20 messages/s", highlight=False)
    await _acknowledgement(url, connection, figures, seconds=max(4, int(30 * scale)))
    await _overhead(url, connection, figures, seconds=max(4, int(20 * scale)))
    await jobs.close_queue()
    await db.close_database()
    return figures


async def _search(url: str, companies: int) -> Figures:
    """A search and a reading of one of so many companies with 10,000 passages each."""
    figures = Figures()
    tenant_id = db.new_id()
    await db.open_database(url)
    figures.put("bare_per_s", await bench_bare.throughput(url, 800, 200))
    out.print(f"» filling {companies} companies", highlight=False)
    await bench_search.fill(url, tenant_id, documents=20, companies=companies, embedded=160)
    for name, rounds in (await bench_search.timed(tenant_id, rounds=5)).items():
        for percent in (50, 95):
            figures.put(f"{name}_p{percent}_ms", statistics.median(_percentile(values, percent) for values in rounds))
    await db.close_database()
    return figures


async def _throughput(url: str, connection: Connection, mode: str, messages: int, threads: int) -> float:
    """Messages a second that one worker answers, over the middle 80 % of a backlog of `messages` in `threads` conversations.

    What one customer wrote in a row is one turn: four messages a conversation are four answered by one.
    """
    mark = time.time_ns()
    await _load(connection, mark, messages, threads)
    async with _worker(url, mode, 0.0):
        await _until_answered(connection, mark)
    async with step(connection.tenant_id) as session:
        sent = await rows(
            session,
            """SELECT m.sent_at FROM messages m JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
                WHERE c.external_id LIKE %s AND m.direction = 'out' AND m.sent_at IS NOT NULL ORDER BY m.sent_at""",
            (f"{mark}-%",),
        )
    times = [row["sent_at"].timestamp() for row in sent]
    low, high = int(len(times) * 0.1), int(len(times) * 0.9) - 1
    return (high - low) / max(times[high] - times[low], 1e-6) * messages / threads


async def _load(connection: Connection, mark: int, messages: int, threads: int) -> None:
    gate = asyncio.Semaphore(12)

    async def one(number: int) -> None:
        async with gate:
            part = number // threads if messages > threads else ASKED
            await turn.take(connection, [_message(f"{mark}-{number % threads}", number % threads, part)])

    await asyncio.gather(*(one(number) for number in range(messages)))


def _embedding_ms() -> float:
    """Milliseconds that one core needs for the vector of one question: most of what a turn costs."""
    embed.warm()
    took: list[float] = []
    for number in range(60):
        started = time.perf_counter()
        embed.query_now(_words(10_000 + number))
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def _message(thread: str, number: int, part: int = ASKED) -> Inbound:
    return Inbound("message", f"{thread}-{time.time_ns()}", thread, Sender(thread), text=_words(number, part))


def _words(number: int, part: int = ASKED) -> str:
    return BURSTS[number % len(BURSTS)][part % len(BURSTS[0])].format(n=number // len(BURSTS) + 2)


async def _until_answered(connection: Connection, mark: int) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        async with step(connection.tenant_id) as session:
            row = await first(
                session,
                """SELECT count(*) AS open FROM conversations c WHERE c.external_id LIKE %s AND (c.answered_number < c.inbound_number
                     OR EXISTS (SELECT 1 FROM messages m WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.id
                       AND m.status IN ('queued', 'sending')))""",
                (f"{mark}-%",),
            )
        if row is not None and row["open"] == 0:
            return
        await asyncio.sleep(0.5)
    raise TimeoutError("The backlog was not answered in time.")


async def _until_at_work(connection: Connection) -> None:
    """A worker takes seconds to import and connect: what it does is measured from its first answer on."""
    mark = time.time_ns()
    await _load(connection, mark, 1, 1)
    await _until_answered(connection, mark)


async def _waiting_on_a_model(url: str, connection: Connection, figures: Figures, threads: int) -> None:
    mark = time.time_ns()
    async with _worker(url, "model", 1.5) as process:
        await _until_at_work(connection)
        figures.put("worker_idle_mb", process.memory_info().rss / 1e6)
        peak = 0.0
        watching = asyncio.create_task(_until_answered_after(connection, mark, threads))
        while not watching.done():
            peak = max(peak, process.memory_info().rss / 1e6)
            await asyncio.sleep(0.1)
        await watching
    figures.put("worker_1000_waiting_mb", peak)


async def _until_answered_after(connection: Connection, mark: int, threads: int) -> None:
    await _load(connection, mark, threads, threads)
    await _until_answered(connection, mark)


async def _acknowledgement(url: str, connection: Connection, figures: Figures, seconds: int) -> None:
    """Milliseconds until a webhook is stored and acknowledged, with a worker answering beside it."""
    mark, took = time.time_ns(), list[float]()
    async with _server(url) as address, _worker(url, "local", 0.0):

        async def one(number: int) -> None:
            event = {"id": f"{mark}-{number}", "from": f"{mark}-{number % 200}", "text": _words(number)}
            started = time.perf_counter()
            answer = await send(
                "POST", f"{address}/hooks/sandbox/{connection.key}", service="bench",
                json={"events": [event]}, headers={"x-sandbox-secret": "bench"},
            )  # fmt: skip
            took.append((time.perf_counter() - started) * 1000)
            if answer.status != 200:
                raise RuntimeError(f"The hook answered {answer.status}.")

        await _at_rate(one, 50, seconds)
        await _until_answered(connection, mark)
    figures.put("ack_p50_ms", _percentile(took, 50))
    figures.put("ack_p99_ms", _percentile(took, 99))


async def _overhead(url: str, connection: Connection, figures: Figures, seconds: int) -> None:
    """Milliseconds from stored to sent, above the model's own 300, at 20 messages/s."""
    mark = time.time_ns()
    async with _worker(url, "model", 0.3):
        await _until_at_work(connection)

        async def one(number: int) -> None:
            await turn.take(connection, [_message(f"{mark}-{number}", number)])

        await _at_rate(one, 20, seconds)
        await _until_answered(connection, mark)
    async with step(connection.tenant_id) as session:
        found = await rows(
            session,
            """SELECT extract(epoch FROM o.sent_at - i.created_at) * 1000 AS ms FROM messages i
                 JOIN conversations c ON c.tenant_id = i.tenant_id AND c.id = i.conversation_id
                 JOIN messages o ON o.tenant_id = i.tenant_id AND o.conversation_id = i.conversation_id AND o.direction = 'out'
                WHERE i.direction = 'in' AND c.external_id LIKE %s""",
            (f"{mark}-%",),
        )
    above = [float(row["ms"]) - 300 for row in found]
    figures.put("overhead_p50_ms", _percentile(above, 50))
    figures.put("overhead_p95_ms", _percentile(above, 95))


async def _at_rate(one: Callable[[int], Coroutine[Any, Any, None]], per_second: int, seconds: int) -> None:
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(per_second * seconds):
            await asyncio.sleep(max(0.0, started + number / per_second - time.perf_counter()))
            group.create_task(one(number))


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


@asynccontextmanager
async def _worker(url: str, mode: str, model_s: float) -> AsyncGenerator[psutil.Process]:
    process = spawn.Process(target=work, args=(url, mode, model_s), daemon=True)
    process.start()
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await asyncio.to_thread(process.join, 10)


@asynccontextmanager
async def _server(url: str) -> AsyncGenerator[str]:
    port = 18471
    process = spawn.Process(target=serve, args=(url, port), daemon=True)
    process.start()
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(Exception):
                if (await send("GET", f"{address}/health/ready", service="bench-start")).status == 200:
                    break
            await asyncio.sleep(0.1)
        yield address
    finally:
        process.terminate()
        await asyncio.to_thread(process.join, 10)


def serve(url: str, port: int) -> None:
    """The web process of a phase."""
    os.environ["SAVDO_DATABASE_URL"] = url
    uvicorn.run(create_app(), host="127.0.0.1", port=port, log_level="error", access_log=False)


def work(url: str, mode: str, model_s: float) -> None:
    """The worker process of a phase: `off` answers with a fixed sentence, `model` after `model_s` seconds, `local` for real."""

    async def fixed(_turn: Turn, _timings: turn.Timings) -> tuple[Draft, Sequence[Passage]]:
        if model_s:
            await asyncio.sleep(model_s)
        return Draft("Thank you, I will look.", Reading("en", "latn", "question_product", "neutral", False, None, {}, 1.0)), ()

    async def main() -> None:
        await db.open_database(url)
        await jobs.open_queue(url)
        if mode == "local":
            await asyncio.to_thread(embed.warm)
        else:
            turn.pipeline = fixed
        # Few enough that a backlog is a queue, and not one crowd that ends all at once; a model is waited for by all.
        await jobs.work(concurrency=1000 if mode == "model" else 100)

    asyncio.run(main())


def _print(figures: Figures) -> None:
    table = Table("figure", "value")
    for name, value in figures.values.items():
        table.add_row(name, f"{value:g}")
    out.print(table)


def _markdown(figures: Figures) -> str:
    lines = "\n".join(f"| `{name}` | {value:g} |" for name, value in figures.values.items())
    return f"| figure | value |\n| --- | --- |\n{lines}\n"
