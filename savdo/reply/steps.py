"""The one next step a campaign takes after an answer: a question that qualifies the lead, else its closing. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from savdo.ai import language
from savdo.knowledge import words
from savdo.knowledge.models import Passage
from savdo.reply import choices, sayings, totals
from savdo.reply.models import Campaign, Reading, Turn

HOW_MANY: Final = re.compile(
    r"\b(?:necha|nechta|qancha|неча|нечта|қанча|канча|неше|қанша|сколько|how (?:many|much|old|big|large)|"
    r"площадь|maydoni|майдони|ауданы|yoshi|ёши|жасы|возраст)",
    re.IGNORECASE,
)
AREA: Final = re.compile(r"kvadrat|квадрат|\b[kк][vв]\b|шаршы|площад|maydon|майдон|ауданы|[mм][2²]|square|area", re.IGNORECASE)
# A number and the words that say of what.
COUNTED: Final = re.compile(r"(?:[^\W\d]\w*\s+)?\d[\d.,]*\s?-?[^\W\d]*(?:\s+[^\W\d]\w*)?")


def following(turn: Turn, reading: Reading, told: Sequence[Passage] = ()) -> str:
    """What the campaign spoken of asks next: nothing twice, and nothing that the customer has said already. `told` are the
    passages the answer stands in."""
    campaign = spoken_of(turn)
    if campaign is None:
        return ""
    said = "\n".join(one.text for one in turn.history if one.author == "bot")
    questions: Sequence[str] = campaign.chat_flow.get("qualification_questions") or ()
    for text in (*questions, campaign.chat_flow.get("closing") or ""):
        step = in_language(text, reading)
        if step and step not in said and not _is_answered(text, turn, told):
            return step
    return ""


def spoken_of(turn: Turn) -> Campaign | None:
    """The campaign the thread speaks of: by the words shared since a button was pressed, else that button's; the only one when
    there is one."""
    if len(turn.campaigns) < 2:
        return turn.campaigns[0] if turn.campaigns else None
    pressed, since = choices.chosen(turn)
    spoken = set(words.terms("\n".join(one.text for one in since)))
    shared = [
        (len(spoken & set(words.terms(f"{one.name} {' '.join(one.features)}"))), one is pressed, -place, one)
        for place, one in enumerate(turn.campaigns)
    ]
    most = max(shared, key=lambda one: one[:3])
    return most[3] if most[0] or most[1] else None


def in_language(text: str, reading: Reading) -> str:
    """The company's own sentence when it is in the customer's language, else nothing."""
    if not text or language.identify(text)[0] != reading.language:
        return ""
    return sayings.written(text, reading)


def _customers(turn: Turn) -> list[str]:
    return [*(one.text for one in turn.history if one.author == "contact"), turn.text]


def _is_answered(question: str, turn: Turn, told: Sequence[Passage]) -> bool:
    """Whether the customer has named a number of what is asked for, or the row they asked about has what is asked for in a cell."""
    wanted = set(words.terms(question))
    said = "\n".join(_customers(turn))
    if HOW_MANY.search(question):
        if totals.METRES.search(said) and AREA.search(question):
            return True
        if any(_concepts(counted[0]) & wanted for counted in COUNTED.finditer(said)):
            return True
    return any(_concepts(heading) & wanted and _named(value, said) for heading, value in _cells(told))


def _concepts(text: str) -> set[str]:
    return {term for term in words.terms(text) if term.startswith("@")}


def _cells(told: Sequence[Passage]) -> Iterator[tuple[str, str]]:
    return ((heading, value) for passage in told for heading, value in (passage.cells or {}).items())


def _named(value: str, said: str) -> bool:
    plain = {term for term in words.terms(value) if not term.startswith("@")}
    return bool(plain) and plain <= set(words.terms(said))
