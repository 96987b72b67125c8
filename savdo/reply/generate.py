"""One draft for a turn: the cheap exact cases locally, else the model chain, checked; else the local composer, checked;
else the tenant's own sentence, else a built-in one. There is always an answer, and never an unchecked one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from savdo.ai import chain
from savdo.base.errors import SavdoError
from savdo.base.settings import settings
from savdo.knowledge.models import Passage
from savdo.reply import compose, guard, leads, prompt
from savdo.reply.models import Draft, Evidence, Fault, Language, Reading, Turn

# What is left when nothing else could be said; keyed by language and script, in the five writings customers use.
BUILT_IN: Final[Mapping[tuple[str, str], str]] = {
    ("uz", "latn"): "Xabaringiz uchun rahmat! Savolingizni hamkasbimga yetkazdim, tez orada javob beramiz.",
    ("uz", "cyrl"): "Хабарингиз учун раҳмат! Саволингизни ҳамкасбимга етказдим, тез орада жавоб берамиз.",
    ("ru", "cyrl"): "Спасибо за сообщение! Ваш вопрос уже у коллеги, скоро ответим.",
    ("kk", "cyrl"): "Хабарламаңызға рақмет! Сұрағыңызды әріптесіме жеткіздім, жақын арада жауап береміз.",
    ("en", "latn"): "Thank you for your message! A colleague has your question and will reply soon.",
}

# Turns whose answer needs no fact: said locally, at no cost.
CHEAP: Final = frozenset({"greeting", "thanks_bye", "contact_details"})
SURE: Final = 0.5


@dataclass(slots=True)
class Spent:
    """What the model calls of one turn cost together, and what was held against them."""

    cost_micros: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    faults: list[Fault] = field(default_factory=list[Fault])
    notes: list[str] = field(default_factory=list[str])

    def add(self, answered: chain.Answered) -> None:
        self.cost_micros += answered.cost_micros
        self.tokens_in += answered.tokens_in
        self.tokens_out += answered.tokens_out
        self.notes += [*answered.failed, f"{answered.model}: {answered.ms} ms" + ("" if answered.priced else ", price unknown")]


async def draft(turn: Turn, reading: Reading, passages: Sequence[Passage]) -> Draft:
    """The answer to a turn, checked by the guard. Never raises for a provider's trouble."""
    evidence = evidence_of(turn, passages)
    spent = Spent()
    if settings().models and not _needs_no_model(turn, reading):
        by_model = await _by_models(turn, reading, passages, evidence, spent)
        if by_model is not None:
            return by_model
    composed = await _composed(turn, reading, passages, evidence)
    return replace(
        composed,
        cost_micros=spent.cost_micros, tokens_in=spent.tokens_in, tokens_out=spent.tokens_out,
        faults=(*spent.faults, *composed.faults), notes=(*composed.notes, *spent.notes),
    )  # fmt: skip


def evidence_of(turn: Turn, passages: Sequence[Passage]) -> Evidence:
    """What an answer to this turn may draw facts from: its passages, the tenant's texts and the customer's own words."""
    said = (*(one.text for one in turn.history if one.author == "contact"), *(one.text for one in turn.fresh), turn.contact_name)
    return Evidence(tuple(passages), turn.campaigns, turn.profile, tuple(text for text in said if text))


def _needs_no_model(turn: Turn, reading: Reading) -> bool:
    if turn.status in ("human", "closed") or reading.intent in ("opt_out", "spam"):
        return True
    short = len(turn.text.split()) <= 12 and "?" not in turn.text
    return reading.intent in CHEAP and reading.confidence >= SURE and short and not reading.wants_human


async def _by_models(turn: Turn, reading: Reading, passages: Sequence[Passage], evidence: Evidence, spent: Spent) -> Draft | None:
    """The models' answer, repaired once where the guard refuses it; None when there is none that may be sent."""
    system, messages = prompt.build(turn, reading, passages)
    for _ in range(2):
        try:
            answered = await chain.ask(system, messages)
        except SavdoError as error:
            spent.notes.append(error.message)
            return None
        spent.add(answered)
        faults = await asyncio.to_thread(guard.check, answered.answer.reply, reading.language, evidence)
        if not faults:
            return _of_answer(turn, answered, reading, passages, spent)
        spent.faults.extend(faults)
        messages = prompt.repair(messages, answered.answer.reply, faults)
    return None


def _of_answer(turn: Turn, answered: chain.Answered, reading: Reading, passages: Sequence[Passage], spent: Spent) -> Draft:
    answer = answered.answer
    entities = {**answer.entities.model_dump(exclude_none=True), **reading.entities}
    understood = replace(
        reading, intent=answer.intent, sentiment=answer.sentiment, objection=answer.objection, entities=entities,
        wants_human=answer.wants_human or reading.wants_human,
    )  # fmt: skip
    facts = leads.facts_of(turn, understood)
    cited = tuple(passages[number - 1].id for number in dict.fromkeys(answer.cited) if 1 <= number <= len(passages))
    return Draft(
        text=answer.reply, reading=understood, cited=cited, handover=answer.handover or ("keyword" if understood.wants_human else None),
        facts=facts, score=leads.score({**turn.facts, **facts}), model=answered.model, cost_micros=spent.cost_micros,
        tokens_in=spent.tokens_in, tokens_out=spent.tokens_out, faults=tuple(spent.faults), notes=tuple(spent.notes),
    )  # fmt: skip


async def _composed(turn: Turn, reading: Reading, passages: Sequence[Passage], evidence: Evidence) -> Draft:
    composed = await asyncio.to_thread(compose.compose, turn, reading, passages)
    if composed.silent:
        return composed
    faults = await asyncio.to_thread(guard.check, composed.text, composed.reading.language, evidence)
    if composed.text and not faults:
        return composed
    # What the customer wished stays, whatever became of the words.
    return replace(last_resort(turn, reading, faults), opt_out=composed.opt_out, facts=composed.facts, score=composed.score)


def last_resort(turn: Turn, reading: Reading | None = None, faults: tuple[Fault, ...] = ()) -> Draft:
    """The tenant's own sentence or the built-in one, and a person is called."""
    reading = reading or _unread(turn)
    text = str(turn.profile.get("fallback_text") or "") or built_in(reading)
    return Draft(text=text, reading=reading, handover="failure", faults=faults, notes=("last resort",))


def _unread(turn: Turn) -> Reading:
    known: tuple[Language, ...] = ("uz", "ru", "kk", "en")
    offered = turn.profile.get("languages") or ("en",)
    wanted = turn.language or offered[0]
    language: Language = known[[str(one) for one in known].index(wanted)] if wanted in known else "en"
    cyrillic = sum("а" <= letter <= "я" for letter in turn.text.lower()) * 2 > len(turn.text) if turn.text else language in ("ru", "kk")
    return Reading(language, "cyrl" if cyrillic else "latn", "unclear", "neutral", False, None, {}, 0.0)


def built_in(reading: Reading) -> str:
    """The built-in sentence in the customer's language and script."""
    return (
        BUILT_IN.get((reading.language, reading.script))
        or BUILT_IN[reading.language, "cyrl" if reading.language in ("ru", "kk") else "latn"]
    )
