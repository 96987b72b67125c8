"""Three tables on one page: which jobs exist, what runs when, who reacts to which event."""

import asyncio

from savdo.ai import chain
from savdo.base import jobs, limits
from savdo.base.db import platform_step
from savdo.base.settings import settings
from savdo.channels import meta_tokens, telegram_health, telegram_sessions, waha_health
from savdo.conversations import contacts, echoes, erasure, media, merging, outbox, voices
from savdo.knowledge import ingest
from savdo.operations import deletions, watching
from savdo.reply import review, scenarios, turn

JOBS = (
    turn.answer,
    turn.listen,
    turn.look,
    turn.stop_listening,
    outbox.deliver,
    voices.speak,
    media.fetch,
    echoes.settle,
    contacts.introduce,
    erasure.forget_files,
    deletions.carry_out,
    merging.by_phone,
    meta_tokens.watch,
    telegram_health.watch,
    waha_health.watch,
    watching.watch,
    ingest.read,
    review.review,
    scenarios.run,
)


@jobs.job(attempts=1, priority=10)
async def rescue(timestamp: int) -> None:  # noqa: ARG001 # cron tells the second it is for
    """Gives back the jobs of dead workers."""
    await jobs.rescue_stalled()


@jobs.job(attempts=1)
async def sweep(timestamp: int) -> None:  # noqa: ARG001 # cron tells the second it is for
    """Finds answers and messages that are overdue and have no job."""
    await turn.sweep()
    await outbox.sweep()


@jobs.job(attempts=1)
async def review_quiet(timestamp: int) -> None:  # noqa: ARG001 # cron tells the second it is for
    """Has every conversation reviewed that has become quiet."""
    await review.sweep()


@jobs.job(attempts=1)
async def tidy(timestamp: int) -> None:  # noqa: ARG001 # cron tells the second it is for
    """Forgets old finished jobs and windows of limits that have passed."""
    await jobs.forget_finished()
    async with platform_step("old limits") as session:
        await limits.forget_old(session)


@jobs.job(attempts=1)
async def watch_tokens(timestamp: int) -> None:  # noqa: ARG001 # cron tells the second it is for
    """Has every connection at Meta looked after."""
    await meta_tokens.watch_all()


@jobs.job(attempts=1)
async def watch_deliveries(timestamp: int) -> None:  # noqa: ARG001 # cron tells the second it is for
    """Has every bot that Telegram delivers for looked after, every number linked by WAHA, and what is said on any road."""
    await telegram_health.watch_all()
    await waha_health.watch_all()
    await watching.watch_all()


# Six fields: seconds come last.
CRON: tuple[tuple[str, jobs.Job[[int]]], ...] = (
    ("* * * * * */5", rescue),
    ("* * * * * */20", sweep),
    ("* * * * *", review_quiet),
    ("17 3 * * *", tidy),
    ("41 4 * * *", watch_tokens),
    ("*/5 * * * *", watch_deliveries),
)

# Nothing reacts to an event yet; the main path never goes through one.
REACTIONS: dict[type, tuple[jobs.Job[...], ...]] = {}

for expression, task in CRON:
    jobs.cron(expression, task)


async def run(stop: asyncio.Event) -> None:
    """Works until `stop` is set."""
    if chain.entries(settings()):
        # The model library takes seconds to load: not during somebody's first turn.
        await asyncio.to_thread(chain.adapter)
    speaking = asyncio.create_task(telegram_sessions.hold(turn.take), name="telegram accounts")
    try:
        await jobs.work(concurrency=settings().worker_concurrency, stop=stop)
    finally:
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
