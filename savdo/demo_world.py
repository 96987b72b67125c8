"""The other companies of a demo: every emulator of the tests in a process of its own, and a connection to each.

The emulators are no part of the package: they are started as a program, from a checkout of the repository.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from savdo.base.db import first, step
from savdo.base.errors import SavdoError
from savdo.channels import meta_connecting, telegram_connecting, waha_connecting

CHECKOUT = Path(__file__).parents[1]
MODULE = "tests.emulators.world"
BY = "operator"


class NoWorld(SavdoError):
    """The other companies are emulated by the tests, which this installation does not have. Run `make demo ARGS=--world` in a
    checkout of the repository."""

    code = "no_world"


@dataclass(frozen=True, slots=True)
class World:
    """`settings` are environment variables by which Savdo reaches it; each of `roads` is a kind of channel and what a
    connection of it is made of."""

    process: subprocess.Popen[str]
    address: str
    settings: Mapping[str, str]
    roads: Sequence[Mapping[str, str]]

    def begin(self) -> None:
        """Its customers write from now on: what comes before there is a connection is nobody's."""
        assert self.process.stdin is not None
        self.process.stdin.write("begin\n")
        self.process.stdin.flush()


@contextlib.contextmanager
def opened(savdo: str, *, pause_s: float = 2.0, checkout: Path = CHECKOUT) -> Generator[World]:
    """Starts it; it ends with the block, and with this process whatever ends that. `savdo` is where it delivers to.
    Raises NoWorld."""
    if not (checkout / Path(*MODULE.split("."))).with_suffix(".py").is_file():
        raise NoWorld
    command = [sys.executable, "-m", MODULE, "--savdo", savdo, "--pause", str(pause_s)]
    with subprocess.Popen(command, cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 # our own program
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            if not told:
                raise NoWorld("The other companies did not start; what is wrong stands above.")
            yield World(process, **json.loads(told))
        finally:
            # Its end is the end of its input.
            process.communicate()


async def connect(tenant_id: UUID, world: World) -> None:
    """One connection of each kind; those of an earlier start go on with their conversations."""
    kinds = [one["kind"] for one in world.roads]
    async with step(tenant_id) as session:
        # The world of an earlier start is gone, with its tokens.
        await session.execute("UPDATE connections SET status = 'reconnect' WHERE status = 'active' AND channel = ANY(%s)", (kinds,))
    for road in world.roads:
        if road["kind"] in telegram_connecting.KINDS:
            await telegram_connecting.connect(tenant_id, BY, road["token"], road["kind"])
        elif road["kind"] == waha_connecting.KIND:
            await _link(tenant_id, world.address, road)
        else:
            chosen = {name: road[name] for name in ("business_id", "page_id") if name in road}
            await meta_connecting.connect(tenant_id, BY, road["kind"], road["account"], {"token": road["token"]}, chosen)


async def _link(tenant_id: UUID, address: str, road: Mapping[str, str]) -> None:
    async with step(tenant_id) as session:
        known = await first(session, "SELECT id FROM connections WHERE channel = %s AND status <> 'off'", (road["kind"],))
    made = await waha_connecting.connect(tenant_id, BY, address, road["session"], road["key"], known["id"] if known else None)
    # The emulated phone has scanned it.
    await waha_connecting.code(tenant_id, made.id)
