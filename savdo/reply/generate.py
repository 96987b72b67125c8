"""One draft for a turn: the cheap exact cases locally, else the model chain, checked; else the local composer, checked;
else the tenant's own sentence, else a built-in one. There is always an answer, and never an unchecked one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from savdo.knowledge.models import Passage
from savdo.reply import compose, guard
from savdo.reply.models import Draft, Evidence, Fault, Language, Reading, Turn

# What is left when nothing else could be said; keyed by language and script, in the five writings customers use.
BUILT_IN: Final[Mapping[tuple[str, str], str]] = {
    ("uz", "latn"): "Xabaringiz uchun rahmat! Savolingizni hamkasbimga yetkazdim, tez orada javob beramiz.",
    ("uz", "cyrl"): "Хабарингиз учун раҳмат! Саволингизни ҳамкасбимга етказдим, тез орада жавоб берамиз.",
    ("ru", "cyrl"): "Спасибо за сообщение! Ваш вопрос уже у коллеги, скоро ответим.",
    ("kk", "cyrl"): "Хабарламаңызға рақмет! Сұрағыңызды әріптесіме жеткіздім, жақын арада жауап береміз.",
    ("en", "latn"): "Thank you for your message! A colleague has your question and will reply soon.",
}


async def draft(turn: Turn, reading: Reading, passages: Sequence[Passage]) -> Draft:
    """The answer to a turn, checked by the guard. Never raises for a provider's trouble."""
    return await _composed(turn, reading, passages, evidence_of(turn, passages))


def evidence_of(turn: Turn, passages: Sequence[Passage]) -> Evidence:
    """What an answer to this turn may draw facts from: its passages, the tenant's texts and the customer's own words."""
    said = (*(one.text for one in turn.history if one.author == "contact"), *(one.text for one in turn.fresh), turn.contact_name)
    return Evidence(tuple(passages), turn.campaigns, turn.profile, tuple(text for text in said if text))


async def _composed(turn: Turn, reading: Reading, passages: Sequence[Passage], evidence: Evidence) -> Draft:
    composed = await asyncio.to_thread(compose.compose, turn, reading, passages)
    faults = guard.check(composed.text, composed.reading.language, evidence) if composed.text else ()
    if composed.text and not faults:
        return composed
    if composed.silent:
        return composed
    return last_resort(turn, reading, faults)


def last_resort(turn: Turn, reading: Reading | None = None, faults: tuple[Fault, ...] = ()) -> Draft:
    """The tenant's own sentence or the built-in one, and a person is called."""
    reading = reading or _unread(turn)
    text = str(turn.profile.get("fallback_text") or "") or built_in(reading)
    return Draft(text=text, reading=reading, handover="failure", faults=faults, notes=("last resort",))


def _unread(turn: Turn) -> Reading:
    known: tuple[Language, ...] = ("uz", "ru", "kk", "en")
    language = next((one for one in known if one == turn.language), None) or next(
        (one for one in known if one in turn.profile.get("languages", ())), "en"
    )
    cyrillic = sum("а" <= letter <= "я" for letter in turn.text.lower()) * 2 > len(turn.text) if turn.text else language in ("ru", "kk")
    return Reading(language, "cyrl" if cyrillic else "latn", "unclear", "neutral", False, None, {}, 0.0)


def built_in(reading: Reading) -> str:
    """The built-in sentence in the customer's language and script."""
    return (
        BUILT_IN.get((reading.language, reading.script))
        or BUILT_IN[reading.language, "cyrl" if reading.language in ("ru", "kk") else "latn"]
    )
