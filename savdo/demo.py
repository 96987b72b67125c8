"""The demo: one process with everything, a company, and a conversation in every state."""

import asyncio
import contextlib
import json
import os
import socket
import threading
import time
import webbrowser
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import uvicorn
from rich.console import Console

from savdo import demo_world
from savdo.app import create_app
from savdo.base import http, jobs, runtime
from savdo.base.db import platform_step, rows, step
from savdo.base.errors import SavdoError
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.models import Connection, Inbound, Sender
from savdo.operations import lifecycle
from savdo.reply import turn

COMPANY = Path(__file__).parent / "demo_company"
EMAIL = "demo@savdo.example"

# What the first visitors say: each conversation ends in another state.
VISITORS = (
    ("Dilnoza", ("Assalomu alaykum", "MDF plyonka fasadli oshxona metri qancha?")),
    ("Сергей", ("Здравствуйте! Сколько стоит доставка по Ташкенту?", "А рассрочка есть?")),
    ("Aigerim", ("Сәлеметсіз бе, кепілдік қанша ай?",)),
    ("John", ("Hi, how long does a kitchen with enamel fronts take?",)),
    ("Малика", ("Позовите менеджера, пожалуйста",)),
    ("Bobur", ("Boshqa yozmang, iltimos",)),
)

out = Console()


class PortTaken(SavdoError):
    """Another program uses this port."""

    code = "port_taken"


def run(business: Path | None, *, open_browser: bool, with_world: bool = False) -> None:
    """Runs until Ctrl-C; `with_world` beside every other company, emulated. Raises PortTaken, NoWorld, EmbeddedError or
    WrongBusiness before anything is started."""
    host, port = settings().host, settings().port
    _check_port(host, port)
    if business is not None:
        lifecycle.read_business(business)
    address = f"http://{host}:{port}"
    with demo_world.opened(address) if with_world else contextlib.nullcontext() as world:
        os.environ.update(world.settings if world else {})
        settings.cache_clear()
        out.print("» starting the database", highlight=False)
        login = asyncio.run(_prepared(business or COMPANY, world))
        # Known only now, and read by the page at /demo.
        os.environ["SAVDO_DEMO_KEY"] = login["widget_key"]
        settings.cache_clear()
        threading.Thread(target=_announce, args=(address, login, open_browser, world), daemon=True).start()
        uvicorn.run(create_app(with_worker=True), host=host, port=port, log_config=None, timeout_graceful_shutdown=2, server_header=False)


async def _prepared(business: Path, world: demo_world.World | None) -> dict[str, str]:
    """Migrates, on the first start takes the company on, and connects it to the world; returns its login."""
    async with runtime.running(settings(), await runtime.migrated(settings())):
        login = await _login(business)
        if world is not None:
            out.print("» connecting the channels", highlight=False)
            await demo_world.connect(UUID(login["tenant_id"]), world)
            await http.close()
        return login


async def _login(business: Path) -> dict[str, str]:
    kept = settings().data_dir / "demo.json"
    if kept.exists() and await _is_there(json.loads(kept.read_text())):
        return json.loads(kept.read_text())
    out.print("» reading the company's documents", highlight=False)
    made = await lifecycle.onboard(business, email=EMAIL)
    login = {key: str(value) for key, value in asdict(made).items()}
    await seed(made.tenant_id, made.widget_key)
    kept.touch(mode=0o600)
    kept.write_text(json.dumps(login))
    return login


async def seed(tenant_id: UUID, widget_key: str) -> None:
    """Conversations that went through the real path: answered, waiting for a person, with a person, opted out, closed."""
    out.print("» first conversations", highlight=False)
    connection = await connections.by_key(widget_key, "web_chat")
    for number, (name, messages) in enumerate(VISITORS):
        for place, text in enumerate(messages):
            await _says(connection, f"demo-{number}", name, f"demo-{number}-{place}", text)
            await _answered(tenant_id)
    async with step(tenant_id) as session:
        await session.execute("UPDATE conversations SET status = 'closed', unread = 0 WHERE external_id = 'demo-3'")
        await session.execute("UPDATE conversations SET status = 'human', unread = 0 WHERE external_id = 'demo-1'")
        await session.execute("UPDATE conversations SET unread = 0 WHERE external_id IN ('demo-0', 'demo-5')")


async def _says(connection: Connection, visitor: str, name: str, message: str, text: str) -> None:
    await turn.take(connection, [Inbound("message", message, visitor, Sender(visitor, name=name), text=text)])


async def _answered(tenant_id: UUID) -> None:
    async with step(tenant_id) as session:
        # The visitors of a demo do not type on.
        await session.execute("UPDATE conversations SET answer_due_at = now() WHERE answered_number < inbound_number")
    await jobs.run_waiting()


async def _is_there(login: dict[str, str]) -> bool:
    async with platform_step("is the demo company still there") as session:
        return bool(await rows(session, "SELECT 1 FROM tenants WHERE id = %s", (login["tenant_id"],)))


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"Port {port} on {host} cannot be used ({os.strerror(error.errno or 0)}); choose another with --port."
            ) from None


def _announce(address: str, login: dict[str, str], open_browser: bool, world: demo_world.World | None) -> None:
    host, _, port = address.removeprefix("http://").rpartition(":")
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                break
        time.sleep(0.1)
    out.print(
        f"\n[bold]Savdo is running.[/bold]\n\n"
        f"  The customer's side   {address}/demo\n"
        f"  The owner's side      {address}/inbox\n"
        + (f"  Every other channel   {world.address}\n" if world else "")
        + f"  Sign in with          {login['email']}  /  {login['password']}\n\n"
        f"  Ctrl-C stops everything; what was said is kept in {settings().data_dir.resolve()}\n",
        highlight=False,
    )
    if world:
        world.begin()
    if open_browser:
        webbrowser.open(world.address if world else f"{address}/demo")
