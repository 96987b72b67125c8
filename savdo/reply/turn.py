"""The main path: what a customer says is stored, then answered once.

`take` stores and asks for an answer in one transaction; `answer` waits for the end of the burst, reads, searches,
drafts, checks and writes, with no transaction open while anybody else is asked. The two lock the same conversation
row before they look: a message that arrives at any moment is either in the turn being answered, which then is
dropped, or has an answer job of its own.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import structlog
from psycopg.rows import DictRow

from savdo.ai import embed
from savdo.base import telemetry
from savdo.base.db import Session, step
from savdo.base.jobs import Job, job
from savdo.base.settings import settings
from savdo.channels.models import Connection, Inbound
from savdo.conversations import calls, contacts, happenings, intake, media, outbox, thread, transcripts
from savdo.conversations.models import Taken
from savdo.knowledge import search
from savdo.knowledge.models import Found, Passage
from savdo.reply import answers, behaviour, choices, cues, generate, pointing, record, sight, topic, understand, writing
from savdo.reply.models import Draft, Turn

ATTEMPTS = 4
# A sentence that looks finished waits this share of the longest wait.
FINISHED_SHARE = 0.4
BURST_WAITS = 4

log = structlog.get_logger()


@dataclass(slots=True)
class Timings:
    """Milliseconds by step of one turn, for the "why" panel and the metrics."""

    ms: dict[str, float] = field(default_factory=dict[str, float])

    @contextmanager
    def of(self, name: str) -> Generator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.ms[name] = round((time.perf_counter() - started) * 1000, 1)


async def take(connection: Connection, inbounds: Sequence[Inbound]) -> list[Taken]:
    """Stores what came in, in one transaction, and asks for an answer. When it returns, nothing can be lost any more."""
    async with step(connection.tenant_id) as session:
        taken = [await _take_one(session, connection, inbound) for inbound in inbounds]
    telemetry.messages_taken(connection.channel, sum(one.message_id is not None and not one.repeat for one in taken))
    return taken


@job(attempts=ATTEMPTS)
async def answer(tenant_id: str, conversation_id: str) -> None:
    """Answers what is unanswered in a conversation, or finds that nothing is."""
    tenant, conversation, timings = UUID(tenant_id), UUID(conversation_id), Timings()
    started = time.perf_counter()
    with timings.of("wait"):
        loaded = await _end_of_burst(tenant, conversation)
    if loaded is None:
        return
    with writing.shown(loaded):
        draft, passages = await pipeline(loaded, timings)
    written = await record.write(loaded, draft, passages, timings.ms)
    if written is not None and written.claim is not None:
        await outbox.send_or_ask(tenant, written.claim)
    outcome = "dropped" if written is None else "silent" if draft.silent else "answered"
    telemetry.answered(loaded.channel, draft.model, outcome, time.perf_counter() - started)


@job(attempts=8)
async def listen(tenant_id: str, message_id: str) -> None:
    """Fetches a voice message and writes it down; then its answer goes on."""
    await _go_on(UUID(tenant_id), await transcripts.hear(UUID(tenant_id), UUID(message_id)))


@job(attempts=8)
async def look(tenant_id: str, message_id: str) -> None:
    """Fetches pictures and documents and puts them into words; then their answer goes on."""
    await _go_on(UUID(tenant_id), await sight.look(UUID(tenant_id), UUID(message_id)))


@job(attempts=8)
async def stop_listening(tenant_id: str, conversation_id: str, number: int) -> None:
    """The time for a transcript or a description is over: the answer goes on with what there is, if it still waits."""
    async with step(UUID(tenant_id)) as session:
        if await transcripts.end_wait(session, UUID(conversation_id), number):
            await ask_for_answer(session, UUID(tenant_id), UUID(conversation_id))


async def sweep() -> None:
    """Looks after answers that are overdue and have no job: asks again, or gives up where it failed for good."""
    for overdue in await record.overdue(timedelta(seconds=30)):
        if overdue.failed:
            await give_up(overdue.tenant_id, overdue.conversation_id)
        else:
            async with step(overdue.tenant_id) as session:
                await ask_for_answer(session, overdue.tenant_id, overdue.conversation_id)


async def ask_for_answer(session: Session, tenant_id: UUID, conversation_id: UUID) -> None:
    await answer.later(session, lock=f"answer:{conversation_id}", tenant_id=str(tenant_id), conversation_id=str(conversation_id))


async def give_up(tenant_id: UUID, conversation_id: UUID) -> None:
    """The last resort when an answer failed for good: the customer hears a sentence, a person is called."""
    loaded = (await record.begin(tenant_id, conversation_id)).turn
    if loaded is not None:
        written = await record.write(loaded, generate.last_resort(loaded), (), {})
        if written is not None and written.claim is not None:
            await outbox.send_or_ask(tenant_id, written.claim)


async def _take_one(session: Session, connection: Connection, inbound: Inbound) -> Taken:
    if inbound.event != "message":
        taken = await happenings.take(session, connection, inbound)
        if not taken.waiting and taken.conversation_id is not None:
            await ask_for_answer(session, connection.tenant_id, taken.conversation_id)
        return taken
    conversation = await intake.lock(session, connection, inbound)
    # Pressing Start again, or saying so, is the customer's own wish to be written to.
    returns = conversation["opted_out"] and cues.opts_in(inbound.text)
    conversation["opted_out"] = conversation["opted_out"] and not returns
    if inbound.standby:
        # Another app leads the conversation now: kept, as what is said to a person is.
        conversation["status"] = "human"
    if inbound.sender.phone or inbound.referral or inbound.campaign:
        await contacts.learn(session, connection, inbound, conversation["contact_id"])
    taken = await intake.store(session, connection, inbound, conversation, _wait(inbound), _longest())
    if not taken.repeat:
        await _take_in(session, connection.tenant_id, inbound, taken)
        await _heed(session, connection.tenant_id, inbound, conversation, taken, returns=returns)
    if not taken.waiting:
        await ask_for_answer(session, connection.tenant_id, conversation["id"])
    return taken


async def _heed(session: Session, tenant_id: UUID, inbound: Inbound, conversation: DictRow, taken: Taken, *, returns: bool) -> None:
    """What a customer says of being written to. Where a turn reads the message a goodbye is found there, and confirmed; where
    none does it is kept without a word, and who said one and asks something by themselves is left to a person."""
    if returns:
        await contacts.opt_in(session, conversation["contact_id"])
        await thread.tell_consent(session, conversation["id"], taken.number, "given")
    elif taken.silent and cues.opts_out(inbound.text):
        await contacts.opt_out(session, conversation["contact_id"])
        await thread.tell_consent(session, conversation["id"], taken.number, "withdrawn")
    elif conversation["opted_out"] and conversation["status"] != "human" and not cues.only_thanks(inbound.text):
        await calls.call(session, tenant_id, conversation["id"], "opted_out", inbound.text)


async def _take_in(session: Session, tenant_id: UUID, inbound: Inbound, taken: Taken) -> None:
    """Has fetched what came beside words, and put into words first what can be."""
    if transcripts.expects(inbound):
        await _hold_back(session, tenant_id, taken, listen)
    elif not taken.silent and await sight.expects(session, inbound):
        await _hold_back(session, tenant_id, taken, look)
    elif inbound.media:
        await media.fetch.later(session, tenant_id=str(tenant_id), message_id=str(taken.message_id))


async def _hold_back(session: Session, tenant_id: UUID, taken: Taken, first: Job[[str, str]]) -> None:
    assert taken.message_id is not None
    assert taken.conversation_id is not None
    wait = timedelta(seconds=settings().speech_wait_s)
    # Where the bot is silent no answer is held back, also not when it is given the conversation a moment later.
    await transcripts.expect(session, taken.conversation_id, taken.message_id, timedelta(0) if taken.silent else wait)
    await first.later(session, tenant_id=str(tenant_id), message_id=str(taken.message_id))
    if not taken.silent:
        # Not with the conversation's lock: a timer would block it until it is due.
        await stop_listening.later(
            session, after=wait, tenant_id=str(tenant_id), conversation_id=str(taken.conversation_id), number=taken.number
        )


async def _go_on(tenant_id: UUID, conversation_id: UUID | None) -> None:
    if conversation_id is not None:
        async with step(tenant_id) as session:
            if await transcripts.end_wait(session, conversation_id):
                await ask_for_answer(session, tenant_id, conversation_id)


async def _end_of_burst(tenant_id: UUID, conversation_id: UUID) -> Turn | None:
    while True:
        begun = await record.begin(tenant_id, conversation_id)
        if not begun.wait:
            return begun.turn
        await asyncio.sleep(begun.wait)


async def _drafted(turn: Turn, timings: Timings) -> tuple[Draft, Sequence[Passage]]:
    with timings.of("read"):
        asked = topic.asked(turn)
        vector = await embed.asked(asked)
        reading = pointing.read(turn, await asyncio.to_thread(understand.read, turn))
        reading = choices.read(turn, reading)
    if instead := behaviour.instead(turn, reading):
        return behaviour.applied(turn, instead), ()
    with timings.of("search"):
        found = await _found(turn, asked, vector)
        # What finds too little alone is looked for once more, with the question before it.
        if not answers.suffices(asked, found) and (wider := topic.wider(turn)):
            found = max(found, await _found(turn, wider, await embed.asked(wider)), key=lambda one: one.support)
        found = replace(found, halves=[(half, await _found(turn, half, await embed.asked(half))) for half in topic.halves(asked)])
    with timings.of("draft"):
        draft = behaviour.applied(turn, await generate.draft(turn, reading, found))
    return replace(draft, buttons=choices.offered(turn, draft)), found.everything


async def _found(turn: Turn, text: str, vector: Sequence[float]) -> Found:
    async with step(turn.tenant_id) as session:
        return await search.find(session, text, vector)


# What happens between reading the thread and writing the answer. `savdo bench` puts its own here, to measure what is around it.
pipeline: Callable[[Turn, Timings], Awaitable[tuple[Draft, Sequence[Passage]]]] = _drafted


def _wait(inbound: Inbound) -> timedelta:
    longest = settings().debounce_ms
    finished = inbound.quick_reply or inbound.text.rstrip().endswith(("?", ".", "!", "…", ")", "؟"))
    return timedelta(milliseconds=longest * FINISHED_SHARE if finished else longest)


def _longest() -> timedelta:
    return timedelta(milliseconds=settings().debounce_ms * BURST_WAITS)
