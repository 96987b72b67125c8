"""Voice messages: what is said in them is written down, read and answered; and the answer may be spoken."""

import asyncio
import json
import random
import sys
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from savdo.ai import cost, speech
from savdo.base import circuit, db, files, jobs
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.models import Connection, channel
from savdo.reply import turn
from tests.emulators.serving import serving
from tests.emulators.speech import Speech, seconds_of, sound
from tests.emulators.telegram import Telegram
from tests.journeys.conftest import settled, thread, until, working

CHAT = 42


@pytest.fixture
def patch() -> Generator[pytest.MonkeyPatch]:
    found = pytest.MonkeyPatch()
    circuit.forget()
    yield found
    found.undo()
    settings.cache_clear()
    circuit.forget()


class Engine:
    """As the library's: what is said comes in segments, with how likely nobody speaks."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def transcribe(self, *_: object, **__: object) -> tuple[list[SimpleNamespace], SimpleNamespace]:
        said = SimpleNamespace(text="Puer choyi necha pul?", no_speech_prob=0.01)
        return [said], SimpleNamespace(language="uz", duration=0.3)


@dataclass
class Bot:
    """A company's bot on Telegram, and a server that hears and speaks."""

    connection: Connection
    telegram: Telegram
    speech: Speech

    async def customer(self, *updates: dict[str, Any]) -> None:
        await turn.take(
            self.connection,
            [one for update in updates for one in channel("telegram_bot").parse(self.connection, json.dumps(update).encode())],
        )

    async def customer_speaks(self) -> None:
        await self.customer(self.telegram.customer_sends_voice(CHAT, sound()))

    async def customer_writes(self, text: str) -> None:
        await self.customer(self.telegram.customer_says(CHAT, text))

    async def done(self) -> None:
        """Everything that is due has run, and what it asked for too."""
        for _ in range(4):
            await jobs.run_waiting()

    async def voice(self) -> dict[str, Any]:
        async with db.step(self.connection.tenant_id) as session:
            row = await db.first(session, "SELECT * FROM messages WHERE kind = 'voice' AND direction = 'in' ORDER BY number LIMIT 1")
        assert row is not None
        return row

    async def listens_only(self) -> bool:
        """Something is being written down, and no job waits for it."""
        async with db.platform_step("answers that wait") as session:
            waiting = await db.first(session, "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'reply.turn.answer'")
        return bool(self.speech.heard) and waiting is None

    async def has_heard(self) -> bool:
        return bool((await self.voice())["text"])

    async def intents(self) -> list[str]:
        """What each answered turn was understood to want."""
        async with db.step(self.connection.tenant_id) as session:
            found = await db.rows(session, "SELECT reading->>'intent' AS intent FROM turns ORDER BY id")
        return [one["intent"] for one in found]

    async def answers(self) -> list[str]:
        return [text.replace("\u00a0", " ") for author, text, _ in await thread(self.connection.tenant_id) if author == "bot"]


@pytest_asyncio.fixture
async def bot(tenant_id: UUID, patch: pytest.MonkeyPatch) -> AsyncGenerator[Bot]:
    telegram = Telegram(f"{random.randrange(10**9, 10**10)}:{'A' * 35}")
    speech = Speech()
    async with serving(telegram.app) as base, serving(speech) as heard:
        for name in ("SPEECH", "VOICE"):
            patch.setenv(f"SAVDO_{name}_URL", heard)
            patch.setenv(f"SAVDO_{name}_KEY", "sk-speech")
        patch.setenv("SAVDO_SPEECH_MINUTE_USD", "0.006")
        patch.setenv("SAVDO_VOICE_MILLION_USD", "100")
        settings.cache_clear()
        async with db.step(tenant_id) as session:
            connection = await connections.create(
                session, tenant_id, "telegram_bot", "Bot",
                credentials={"token": telegram.token, "secret": "s"}, settings={"api_base": base, "voice_answers": True},
            )  # fmt: skip
        yield Bot(connection, telegram, speech)


async def test_that_a_voice_message_is_answered_after_its_transcript_and_the_answer_spoken(bot: Bot) -> None:
    bot.speech.gate = asyncio.Event()
    await bot.customer_speaks()
    async with working():
        # Nobody waits in a worker meanwhile: the answer's job has come and gone.
        await until(bot.listens_only)
        assert await bot.answers() == []
        bot.speech.gate.set()
        written, spoken = await bot.telegram.wait_for_sent(CHAT, 2)
        await settled(bot.connection.tenant_id)
    assert await bot.intents() == ["question_price"]
    # Real Opus was decoded over there; the file's name is one that servers know.
    assert bot.speech.heard == [("voice.ogg", "audio/ogg", "", 0.3, "sk-speech")]
    said = await bot.voice()
    assert (said["text"], said["payload"]["transcript"]["language"]) == ("Sencha choyi necha pul?", "uz")
    assert "listening" not in said["payload"]
    assert (written.method, spoken.method) == ("sendmessage", "sendvoice")
    assert [container for _, container in bot.speech.spoken] == ["opus"]
    async with db.step(bot.connection.tenant_id) as session:
        calls = await db.rows(session, "SELECT * FROM model_calls ORDER BY asked_at")
        turn_id = await db.first(session, "SELECT id FROM turns")
        assert turn_id is not None
        spent = await cost.of_turn(session, turn_id["id"])
        kept = await db.rows(session, "SELECT file_key, mime FROM attachments ORDER BY id")
    assert [(call["purpose"], call["provider"], call["outcome"], call["micros"], call["priced"]) for call in calls] == [
        ("transcript", "speech", "ok", 100, True), ("voice", "voice", "ok", len(bot.speech.spoken[0][0]) * 100, True),
    ]  # fmt: skip
    assert {purpose for purpose, _ in spent} == {"transcript", "voice"}
    assert [one["mime"] for one in kept] == ["audio/ogg"] * 2
    for one in kept:
        assert seconds_of(await files.get(one["file_key"])) > 0.25


@pytest.mark.parametrize("said", ["400", "401", "quota", "silence"])
async def test_that_a_voice_message_nobody_could_write_down_calls_a_person(bot: Bot, said: str) -> None:
    bot.speech.says = [said]
    await bot.customer_speaks()
    await bot.done()
    [(_, _, _), (author, text, status)] = await thread(bot.connection.tenant_id)
    assert (author, bool(text), status) == ("bot", True, "sent")
    assert (await bot.voice())["payload"]["transcript"]["problem"]
    async with db.step(bot.connection.tenant_id) as session:
        [handover] = await db.rows(session, "SELECT reason FROM handovers")
    assert handover["reason"] == "low_confidence"


@pytest.mark.parametrize(
    ("cap", "heard"),
    # Enough to listen and not to speak; not enough for either: a person listens.
    [("0.001", 1), ("0.00001", 0)],
)
async def test_that_the_days_cap_also_holds_for_speech_and_nobody_is_left_without_an_answer(
    bot: Bot, patch: pytest.MonkeyPatch, cap: str, heard: int
) -> None:
    patch.setenv("SAVDO_MODEL_DAILY_USD", cap)
    settings.cache_clear()
    await bot.customer_speaks()
    await bot.done()
    assert (len(bot.speech.heard), bot.speech.spoken, len(await bot.answers())) == (heard, [], 1)
    async with db.step(bot.connection.tenant_id) as session:
        called = await db.rows(session, "SELECT reason FROM handovers")
        held = await cost.held_back(session, cost.day_in("Asia/Tashkent"))
    assert [one["reason"] for one in called] == ["low_confidence"]
    assert held > float(cap) * 1_000_000
    assert (await bot.voice())["payload"]["transcript"].get("problem") == (None if heard else "over_budget")


async def test_that_over_the_cap_this_machine_listens_where_it_can(bot: Bot, patch: pytest.MonkeyPatch) -> None:
    # The engine's library is an extra that is not installed here.
    engine = ModuleType("faster_whisper")
    patch.setattr(engine, "WhisperModel", Engine, raising=False)
    patch.setitem(sys.modules, "faster_whisper", engine)
    # Forgotten again afterwards, with the engine it was loaded with.
    patch.setitem(sys.modules, speech.LOCAL, engine)
    del sys.modules[speech.LOCAL]
    for name, value in (("SPEECH_FOLDER", "/models/small"), ("MODEL_DAILY_USD", "0.00001")):
        patch.setenv(f"SAVDO_{name}", value)
    settings.cache_clear()
    await bot.customer_speaks()
    await bot.done()
    assert (bot.speech.heard, (await bot.voice())["text"]) == ([], "Puer choyi necha pul?")
    async with db.step(bot.connection.tenant_id) as session:
        calls = await db.rows(session, "SELECT model, outcome, micros FROM model_calls")
    assert calls == [{"model": "faster-whisper", "outcome": "ok", "micros": 0}]


async def test_that_a_server_that_fails_is_asked_again_and_the_answer_waits(bot: Bot) -> None:
    bot.speech.says = ["500", "429", "text"]
    await bot.customer_speaks()
    for tried in (1, 2, 3):
        assert await bot.answers() == []
        async with db.platform_step("the next attempt now") as session:
            await session.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'reply.turn.listen'")
        await bot.done()
        assert len(bot.speech.heard) == tried
    assert await bot.intents() == ["question_price"]


async def test_that_the_time_for_listening_ends_and_what_was_written_is_answered(bot: Bot) -> None:
    bot.speech.gate = asyncio.Event()
    await bot.customer_speaks()
    await bot.customer_writes("Puer choyi necha pul?")
    async with working():
        await until(bot.listens_only)
        assert await bot.answers() == []
        async with db.platform_step("the time is over") as session:
            await session.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'reply.turn.stop_listening'")
        [written] = await bot.telegram.wait_for_sent(CHAT, 1)
        assert await bot.intents() == ["question_price"]
        # What is heard later stands in the thread, and is not answered a second time.
        bot.speech.gate.set()
        await until(bot.has_heard)
        await settled(bot.connection.tenant_id)
    assert [text for text in await bot.answers() if text] == [written.text.replace("\u00a0", " ")]


async def test_that_the_language_of_the_customer_is_told_and_a_person_who_talks_is_not_disturbed(bot: Bot) -> None:
    await bot.customer_writes("Salom")
    await bot.done()
    async with db.step(bot.connection.tenant_id) as session:
        await session.execute("UPDATE conversations SET status = 'human', language = 'uz'")
    said = len(await bot.answers())
    await bot.customer_speaks()
    await bot.done()
    assert (bot.speech.heard[0][2], (await bot.voice())["text"], len(await bot.answers())) == ("uz", "Sencha choyi necha pul?", said)


async def test_that_an_answer_that_cannot_be_spoken_was_written(bot: Bot) -> None:
    bot.speech.mute = True
    await bot.customer_speaks()
    await bot.done()
    assert (len(await bot.answers()), await bot.intents()) == (1, ["question_price"])
