"""Builds the web app: routers, middleware, error pages, nothing else."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from savdo import worker
from savdo.ai import embed
from savdo.base import http, runtime
from savdo.base.settings import settings
from savdo.channels import telegram_connecting, telegram_polling
from savdo.reply import turn
from savdo.web import health, hooks, meta_notices, page, tracing, widget
from savdo.web.pages import (
    account,
    appointments,
    channels,
    composer,
    connecting,
    inbox,
    knowledge,
    landing,
    model_chain,
    notices,
    persona,
    roads,
    scenarios,
    tryit,
    website,
)

ROUTERS = (
    health.router, meta_notices.router, hooks.router, widget.router, account.router, inbox.router, notices.router, composer.router,
    roads.router, appointments.router, knowledge.router, tryit.router, persona.router, scenarios.router, channels.router, connecting.router,
    model_chain.router, website.router, landing.router,
)  # fmt: skip


def create_app(*, with_worker: bool = False) -> FastAPI:
    """The web app. `with_worker` runs the jobs in the same process, for a laptop; else `savdo worker` does."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        url = await runtime.database_address(settings())
        async with runtime.running(settings(), url, listening=True), _working(with_worker), _telegram():
            await asyncio.to_thread(embed.warm)
            yield
        await http.close()
        await asyncio.to_thread(runtime.leave, settings())

    app = FastAPI(title="Savdo", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    page.install(app)
    app.add_middleware(tracing.Traced)
    for router in ROUTERS:
        app.include_router(router)
    return app


@asynccontextmanager
async def _working(wanted: bool) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop), name="worker") if wanted else None
    try:
        yield
    finally:
        stop.set()
        if task is not None:
            await task


@asynccontextmanager
async def _telegram() -> AsyncGenerator[None]:
    # Without an address that Telegram can call we ask.
    asking = telegram_polling.needed(settings().public_url)
    loop = telegram_polling.poll(turn.take) if asking else telegram_connecting.subscribe_all()
    async with runtime.beside(loop, name="telegram"):
        yield
