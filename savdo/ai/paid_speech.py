"""Speech as it is paid for: a server is asked only under the day's cap, and each call is a row, whatever came of it."""

from typing import Final

from savdo.ai import choice, cost, speech
from savdo.ai.cost import Bill, Payer
from savdo.ai.speech import Container, Prices, Transcript
from savdo.ai.talk import Entry, Usage
from savdo.base.db import step
from savdo.base.settings import settings

# No channel codes a voice with less: with it the longest that a sound can be is known before it is heard.
BYTES_A_SECOND: Final = 1_000


async def transcribe(payer: Payer, content: bytes, mime: str, language: str = "") -> Transcript:
    """As `speech.transcribe`; where the cap allows no server, the engine on this machine. Raises OverBudget without one."""
    if settings().speech_url:
        try:
            return await _by_server(payer, content, mime, language)
        except cost.OverBudget:
            if not settings().speech_folder:
                raise
    async with cost.paying(payer, Entry("speech", speech.HERE, "", ""), 0, None):
        return await speech.transcribe_here(content, language)


async def speak(payer: Payer, text: str, container: Container) -> bytes:
    """As `speech.speak`. Raises OverBudget too."""
    said, entry, prices = speech.spoken(text), Entry("voice", settings().voice_model, "", ""), await speech.prices()
    worst, priced = prices.spoken(said)
    async with cost.paying(payer, entry, worst, await _cap(payer, entry)) as bill:
        content = await speech.speak(said, container)
        bill.micros, bill.priced = worst, priced
    return content


async def _by_server(payer: Payer, content: bytes, mime: str, language: str) -> Transcript:
    entry, longest, prices = Entry("speech", settings().speech_model, "", ""), len(content) / BYTES_A_SECOND, await speech.prices()
    async with cost.paying(payer, entry, prices.heard(longest, Usage())[0], await _cap(payer, entry)) as bill:
        try:
            found = await speech.transcribe(content, mime, language)
        except speech.NotHeard as error:
            _write(bill, error.found, longest, prices)
            raise
        _write(bill, found, longest, prices)
    return found


def _write(bill: Bill, found: Transcript | None, longest: float, prices: Prices) -> None:
    if found is None or found.model == speech.HERE:
        return
    bill.usage = found.usage
    # What tells neither seconds nor tokens is counted as long as it can be.
    told = bool(found.seconds or found.usage.tokens_in)
    bill.micros, priced = prices.heard(found.seconds or longest, found.usage)
    bill.priced = priced and told


async def _cap(payer: Payer, entry: Entry) -> int | None:
    """The servers for speech are the installation's: both caps hold."""
    async with step(payer.tenant_id) as session:
        return choice.cap(settings(), await choice.chosen(session), entry)
