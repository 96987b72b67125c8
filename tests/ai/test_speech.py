"""Speech: what is heard, what is not, and what is read aloud, against a server that really decodes and codes sound."""

import sys
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from savdo.ai import sounds, speech
from savdo.base import circuit
from savdo.base.errors import Invalid, SavdoError
from savdo.base.settings import settings
from savdo.conversations.filetypes import detect
from tests.emulators.serving import serving
from tests.emulators.speech import Speech, seconds_of, sound

MIMES = {"opus": "audio/ogg", "mp3": "audio/mpeg", "aac": "audio/aac"}


@pytest_asyncio.fixture
async def server() -> AsyncGenerator[Speech]:
    patch = pytest.MonkeyPatch()
    circuit.forget()
    found = Speech()
    async with serving(found) as address:
        for name in ("SPEECH", "VOICE"):
            patch.setenv(f"SAVDO_{name}_URL", address)
            patch.setenv(f"SAVDO_{name}_KEY", "sk-speech")
        settings.cache_clear()
        yield found
    patch.undo()
    settings.cache_clear()
    circuit.forget()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("400", speech.SpeechRefused), ("401", speech.SpeechRefused), ("quota", speech.SpeechRefused), ("429", speech.SpeechBusy),
        ("500", speech.SpeechFailed), ("junk", SavdoError), ("silence", speech.NotHeard), ("", speech.NotHeard), ("...", speech.NotHeard),
        ("Thanks for watching!", speech.NotHeard), ("Продолжение следует...", speech.NotHeard),
    ],
)  # fmt: skip
async def test_that_a_failure_carries_its_verdict_and_no_key(server: Speech, said: str, error: type[SavdoError]) -> None:
    server.says = [said]
    with pytest.raises(error) as caught:
        await speech.transcribe(sound(), "audio/ogg", "uz")
    assert caught.value.permanent == (error in (speech.SpeechRefused, speech.NotHeard))
    assert "sk-speech" not in caught.value.message


async def test_that_words_are_given_with_their_language_length_and_time(server: Speech) -> None:
    found = await speech.transcribe(sound("mp3"), "audio/mpeg", "ru")
    assert (found.text, found.language, found.seconds) == ("Sencha choyi necha pul?", "uz", 0.3)
    assert server.heard == [("voice.mp3", "audio/mpeg", "ru", 0.3, "sk-speech")]
    server.says = ["text"]
    plain = await speech.transcribe(sound(), "audio/ogg", "ru")
    assert (plain.text, plain.language) == ("Sencha choyi necha pul?", "ru")


async def test_that_a_server_that_cannot_read_the_container_is_sent_a_plain_one_once(server: Speech) -> None:
    server.says = ["400", "Puer bormi?"]
    assert (await speech.transcribe(sound(), "audio/ogg", "uz")).text == "Puer bormi?"
    assert [heard[:4] for heard in server.heard] == [("voice.ogg", "audio/ogg", "uz", 0.3), ("voice.wav", "audio/wav", "uz", 0.3)]
    assert sounds.wav(b"no sound at all") == b""


@pytest.mark.parametrize("container", ["opus", "mp3", "aac"])
async def test_that_a_text_is_spoken_in_the_container_asked_for(server: Speech, container: speech.Container) -> None:
    content = await speech.speak("**84 000 so'm** 🍵 https://oqchoy.example/a?b=1", container)
    assert server.spoken == [("84 000 so'm", container)]
    assert detect(content, "") == MIMES[container]
    assert seconds_of(content) > 0.25


async def test_that_what_is_too_long_or_no_words_is_not_read_aloud(server: Speech) -> None:
    for text in ("choy " * 400, "🍵", "https://oqchoy.example"):
        with pytest.raises(Invalid):
            await speech.speak(text, "mp3")
    assert server.spoken == []


def test_that_a_folder_without_the_library_leaves_it_off() -> None:
    patch = pytest.MonkeyPatch()
    patch.setenv("SAVDO_SPEECH_FOLDER", "/models/small")
    # As on a machine where the extra is not installed.
    patch.setitem(sys.modules, "faster_whisper", None)
    settings.cache_clear()
    try:
        assert not speech.listens()
    finally:
        patch.undo()
        settings.cache_clear()
