"""Every emulated company behind one address, with customers who write by themselves and a page to play them.

    python -m tests.emulators.world --savdo http://127.0.0.1:8000

Tells on its first line how Savdo reaches it (settings, and what each connection is made of). Its customers begin to write
with the first line of its input, and it ends with its input.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tests.emulators import world_roads
from tests.emulators.instagram_login import InstagramLogin
from tests.emulators.meta import Meta
from tests.emulators.meta_pages import INSTAGRAM_SECRET, Page
from tests.emulators.serving import Asgi, serving
from tests.emulators.telegram import Telegram
from tests.emulators.waha import Waha, code_picture
from tests.emulators.world_people import PEOPLE

PAGE = Path(__file__).with_name("world_page.html")
FIRST_CHAT = 900_001
META_SETTINGS = ("META_URL", "META_DIALOG_URL", "INSTAGRAM_URL", "INSTAGRAM_DIALOG_URL", "INSTAGRAM_TOKEN_URL")


@dataclass(frozen=True)
class Line:
    """What a customer reads in a thread. `who` wrote: `customer`, `company` by Savdo, or a person on the `phone`."""

    road: str
    customer: str
    who: str
    text: str


class World:
    def __init__(self, savdo: str) -> None:
        self.savdo = savdo
        # Savdo keeps what it was sent for ever, and a number that comes again is a repeat.
        first = int(time.time())
        self.meta, self.waha = Meta(first=first), Waha(numbers=itertools.count(first))
        self.meta.hook = f"{savdo}/hooks/meta"
        self.login = InstagramLogin(self.meta)
        bot, business = (
            Telegram(f"7770001:{'A' * 35}", "chinor_mebel_bot", first),
            Telegram(f"7770002:{'A' * 35}", "chinor_chat_bot", first),
        )
        chats = {name: FIRST_CHAT + at for at, name in enumerate((*PEOPLE["telegram_bot"], *PEOPLE["telegram_business"]))}
        phones = {name: f"99890555{at:04}" for at, name in enumerate((*PEOPLE["whatsapp_cloud"], *PEOPLE["waha"]))}
        made = (
            world_roads.telegram_bot(bot, chats), world_roads.telegram_business(business, chats),
            world_roads.whatsapp(self.meta, {name: phones[name] for name in PEOPLE["whatsapp_cloud"]}),
            world_roads.messenger(self.meta, list(PEOPLE["messenger"])), world_roads.instagram(self.meta, list(PEOPLE["instagram"])),
            world_roads.waha(self.waha, {name: phones[name] for name in PEOPLE["waha"]}),
        )  # fmt: skip
        self.roads = {one.kind: one for one in made}
        self.lines: list[Line] = []
        self.taken = dict.fromkeys(self.roads, 0)
        self.places: dict[str, Asgi] = {"/api/": self.waha, "/play": self._page()}
        self.places |= {f"{path}{one.id}:": one.app for one in (bot, business) for path in ("/bot", "/file/bot")}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        app = (
            self.places["/play"]
            if path == "/"
            else next((app for start, app in self.places.items() if path.startswith(start)), self.meta.app)
        )
        await app(scope, receive, send)

    def told(self, address: str) -> dict[str, Any]:
        """What Savdo has to know: its settings, and of what each connection is made."""
        for part in self.meta.parts:
            if isinstance(part, Page):
                part.base = address
        settings = {
            "PUBLIC_URL": self.savdo, "ALLOWED_HOSTS": urlsplit(address).netloc, "TELEGRAM_API_BASE": address,
            **dict.fromkeys(META_SETTINGS, address), "META_APP_ID": self.meta.app_id, "META_APP_SECRET": self.meta.secret,
            "META_VERIFY_TOKEN": self.meta.verify_token, "INSTAGRAM_APP_ID": self.login.app_id, "INSTAGRAM_APP_SECRET": INSTAGRAM_SECRET,
        }  # fmt: skip
        roads = [{"kind": one.kind, **one.connected} for one in self.roads.values()]
        return {"address": address, "settings": {f"SAVDO_{name}": value for name, value in settings.items()}, "roads": roads}

    def say(self, road: str, customer: str, text: str) -> None:
        self._write(Line(road, customer, "customer", text))
        self.roads[road].says(customer, text)

    def show(self, road: str, customer: str) -> None:
        """The customer sends a picture."""
        self._write(Line(road, customer, "customer", "(a picture)"))
        self.roads[road].shows(customer, code_picture(len(self.lines)))

    def answer(self, road: str, customer: str, text: str) -> None:
        """Somebody of the company writes on the phone."""
        phone = self.roads[road].phone
        if phone is not None:
            self._write(Line(road, customer, "phone", text))
            phone(customer, text)

    def turn(self, road: str) -> None:
        """Has the trouble of a channel happen, or end."""
        self._write()
        found = self.roads[road]
        if found.note and found.mends is not None:
            found.mends()
            found.note = ""
        else:
            found.note = found.breaks()

    async def deliver(self) -> None:
        """What happens on the linked phone is posted, again and again until it is taken; runs until cancelled."""
        while True:
            if self.waha.pending and self.waha.config.get("webhooks"):
                with contextlib.suppress(httpx.HTTPError, AssertionError):
                    await self.waha.delivered()
            await asyncio.sleep(0.2)

    async def live(self, pause: float) -> None:
        """The customers write, one message every `pause` seconds."""
        for place in range(max(len(texts) for people in PEOPLE.values() for texts in people.values())):
            for road, people in PEOPLE.items():
                for customer, texts in people.items():
                    if place < len(texts):
                        self.say(road, customer, texts[place])
                        await asyncio.sleep(pause)

    def _write(self, line: Line | None = None) -> None:
        """Notes what was answered until now, so that a thread is in order, and then the line."""
        for road in self.roads.values():
            heard = road.heard()
            fresh = heard[self.taken[road.kind] :]
            self.lines += [Line(road.kind, customer, "company", text) for customer, text in fresh]
            self.taken[road.kind] = len(heard)
            if fresh and road.mends is None:
                # What the company sends by a new token tells that it was entered.
                road.note = ""
        self.lines += [line] if line else []

    def _page(self) -> Starlette:
        return Starlette(routes=[
            Route("/", self._shown, methods=["GET"]), Route("/play", self._state, methods=["GET"]),
            Route("/play", self._played, methods=["POST"]),
        ])  # fmt: skip

    async def _shown(self, request: Request) -> Response:
        return FileResponse(PAGE)

    async def _state(self, request: Request) -> Response:
        self._write()
        roads = [
            {"kind": one.kind, "title": one.title, "address": one.address, "phone": one.phone is not None, "note": one.note,
             "trouble": one.mended if one.note and one.mends else one.trouble, "customers": list(PEOPLE[one.kind])}
            for one in self.roads.values()
        ]  # fmt: skip
        return JSONResponse({"savdo": self.savdo, "roads": roads, "lines": [asdict(one) for one in self.lines]})

    async def _played(self, request: Request) -> Response:
        # A page of somebody else's cannot send JSON here without being asked for first.
        if request.headers.get("content-type") != "application/json":
            return JSONResponse({"error": "JSON is needed."}, 415)
        asked: Mapping[str, str] = await request.json()
        road, customer, text = asked.get("road", ""), asked.get("customer", ""), asked.get("text", "").strip()
        if asked.get("verb") == "turn" and road in self.roads:
            self.turn(road)
        elif asked.get("verb") == "show" and customer in PEOPLE.get(road, {}):
            self.show(road, customer)
        elif text and customer in PEOPLE.get(road, {}):
            (self.answer if asked.get("verb") == "answer" else self.say)(road, customer, text)
        else:
            return JSONResponse({"error": "There is no such channel or customer."}, 400)
        return await self._state(request)


async def run(savdo: str, pause: float) -> None:
    world = World(savdo)
    async with serving(world) as address:
        print(json.dumps(world.told(address)), flush=True)
        ordered = await _input()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(world.deliver())]
            if await ordered.readline():
                tasks.append(group.create_task(world.live(pause)))
            await ordered.read()
            for task in tasks:
                task.cancel()
        await world.meta.close()


async def _input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


if __name__ == "__main__":
    # Ctrl-C is for whoever started it, and ends this one too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parser = argparse.ArgumentParser(description="Every emulated company behind one address.")
    parser.add_argument("--savdo", required=True, help="Address of Savdo.")
    parser.add_argument("--pause", type=float, default=2.0, help="Seconds between two messages of customers.")
    chosen = parser.parse_args()
    asyncio.run(run(chosen.savdo.rstrip("/"), chosen.pause))
