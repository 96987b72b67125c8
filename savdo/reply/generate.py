"""One draft for a turn: the cheap exact cases locally, else the model chain, checked; else the local composer, checked;
else the tenant's own sentence, else a built-in one. There is always an answer, and never an unchecked one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from savdo.ai import chain
from savdo.ai.language import identify, shares
from savdo.ai.talk import Answer
from savdo.base.db import step
from savdo.knowledge import whole
from savdo.knowledge.models import Found, Passage
from savdo.knowledge.whole import Shareable
from savdo.reply import compose, cues, diary, guard, leads, manner, prompt, tools, visits
from savdo.reply.models import Draft, Evidence, Fault, Language, Reading, Turn
from savdo.reply.tools import Work

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


# Of one turn: an answer, mostly; a tool or two and an answer; a repair.
MOST_CALLS: Final = 4
# How far a model's opinion of the lead may move the score that follows from what was said.
HINT: Final = 15


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
        self.tokens_in += answered.usage.tokens_in
        self.tokens_out += answered.usage.tokens_out
        self.notes += [*answered.failed, f"{answered.model}: {answered.ms} ms" + ("" if answered.priced else ", price unknown")]


@dataclass(frozen=True, slots=True)
class Ground:
    """What is loaded for the models of one turn: whom to ask, the knowledge base where it is small, the files to send."""

    asking: chain.Asking
    whole: tuple[Passage, ...]
    shareable: tuple[Shareable, ...]


async def draft(turn: Turn, reading: Reading, found: Found) -> Draft:
    """The answer to a turn, checked by the guard. Never raises for a provider's trouble."""
    evidence = evidence_of(turn, found.everything, visits.evidence(turn, reading))
    spent = Spent()
    ground = None if _needs_no_model(turn, reading) else await _ground(turn)
    if ground is not None:
        by_model = await _by_models(turn, reading, found, evidence, ground, spent)
        if by_model is not None:
            return by_model
    composed = await _composed(turn, reading, found, evidence)
    return replace(
        composed,
        cost_micros=spent.cost_micros, tokens_in=spent.tokens_in, tokens_out=spent.tokens_out,
        faults=(*spent.faults, *composed.faults), notes=(*composed.notes, *spent.notes),
    )  # fmt: skip


def evidence_of(turn: Turn, passages: Sequence[Passage], meant: Sequence[str] = ()) -> Evidence:
    """What an answer to this turn may draw facts from: its passages, the tenant's texts and the customer's own words, `meant`
    among them: what these words say when it is looked up in a calendar."""
    remembered = dict(turn.facts.get("remembered") or {})
    said = (
        *map(str, remembered.values()), *(text for one in turn.history if one.author == "contact" for text in (one.text, one.shown)),
        *(text for one in turn.fresh for text in (one.text, one.shown)),
        # Of a catalogue; what they quote stands where it was said.
        *(one.pointed.products for one in (*turn.history, *turn.fresh) if one.pointed), turn.contact_name, *meant,
    )  # fmt: skip
    return Evidence(tuple(passages), turn.campaigns, turn.profile, tuple(text for text in said if text))


async def _ground(turn: Turn) -> Ground | None:
    """None when there is no model to ask."""
    async with step(turn.tenant_id) as session:
        asking = await chain.opened(session, turn.tenant_id, turn.conversation_id, turn.through, str(turn.profile.get("timezone") or ""))
        if asking is None:
            return None
        return Ground(asking, await whole.passages(session, prompt.room(turn)), await whole.shareable(session))


def _needs_no_model(turn: Turn, reading: Reading) -> bool:
    if turn.status in ("human", "closed") or reading.intent in ("opt_out", "spam"):
        return True
    if not (turn.text.strip() or turn.shown or turn.products):
        # Nothing but a file that nobody could put into words: a person looks at it.
        return True
    short = len(turn.text.split()) <= 12 and "?" not in turn.text and not (turn.shown or turn.products)
    return reading.intent in CHEAP and reading.confidence >= SURE and short and not reading.wants_human


async def _by_models(turn: Turn, reading: Reading, found: Found, evidence: Evidence, ground: Ground, spent: Spent) -> Draft | None:
    """The models' answer, with the tools it asked for, repaired once where the guard refuses it; None when there is none
    that may be sent."""
    work = Work(turn, prompt.numbered(ground.whole, found.everything), evidence, ground.shareable)
    offered = tools.offered(ground.shareable, turn.profile)
    given = await asyncio.to_thread(prompt.build, turn, reading, found.everything, ground.whole, offered)
    for left in range(MOST_CALLS - 1, -1, -1):
        if left == 0:
            given = replace(given, tools_allowed=False)
        try:
            answered = await chain.ask(ground.asking, given)
        except chain.NoAnswer as error:
            spent.notes += error.failed
            return None
        spent.add(answered)
        if answered.answer is None:
            results = [await tools.carry_out(work, call) for call in answered.calls[:MOST_CALLS]]
            given = prompt.with_results(given, answered.calls[:MOST_CALLS], results)
            continue
        cited = _cited(work, answered.answer.cited)
        work.draw_on(cited)
        read = _as_read(turn, reading, answered.answer)
        faults = await asyncio.to_thread(guard.check, answered.answer.reply, read.language, work.evidence, turn.channel)
        if not faults:
            return _of_answer(work, answered.answer, answered.model, read, cited, spent)
        if spent.faults:
            spent.faults.extend(faults)
            return None
        spent.faults.extend(faults)
        given = prompt.repair(given, answered.answer.reply, faults)
    return None


def _cited(work: Work, numbers: Sequence[int]) -> tuple[Passage, ...]:
    return tuple(work.passages[number - 1] for number in dict.fromkeys(numbers) if 1 <= number <= len(work.passages))


def _as_read(turn: Turn, reading: Reading, answer: Answer) -> Reading:
    """The reading in the language the model read, where the company speaks it: a wrong one of ours refuses no right reply. What
    the customer's own words plainly say stands."""
    is_long = sum(map(str.isalpha, turn.text)) >= guard.SURE_LETTERS
    plain = is_long and shares(turn.text, reading.script).get(reading.language, 0.0) >= guard.SURELY
    if plain or answer.language == reading.language or answer.language not in prompt.spoken(turn):
        return reading
    return replace(reading, language=answer.language, script=identify(answer.reply, answer.language)[1])


def _of_answer(work: Work, answer: Answer, model: str, reading: Reading, cited: Sequence[Passage], spent: Spent) -> Draft:
    turn = work.turn
    entities = {**answer.entities.model_dump(exclude_none=True), **reading.entities}
    understood = replace(
        reading, intent=answer.intent, sentiment=answer.sentiment, objection=answer.objection, entities=entities,
        wants_human=answer.wants_human or reading.wants_human,
    )  # fmt: skip
    facts = leads.facts_of(turn, understood)
    if answer.lead_answers:
        told = {one.question: one.answer for one in answer.lead_answers}
        facts = {**facts, "answers": {**dict(turn.facts.get("answers") or {}), **told}}
    by_facts = leads.score({**turn.facts, **facts})
    score = by_facts if answer.score is None else max(by_facts - HINT, min(by_facts + HINT, answer.score))
    handover = answer.handover or ("keyword" if understood.wants_human or work.person else None)
    called = (f"tools: {', '.join(work.called)}",) if work.called else ()
    return Draft(
        text=answer.reply, reading=understood, cited=tuple(one.id for one in cited), handover=handover, facts=facts, score=score,
        opt_out=answer.intent == "opt_out" or cues.opts_out(turn.text),
        model=model, cost_micros=spent.cost_micros, tokens_in=spent.tokens_in, tokens_out=spent.tokens_out, faults=tuple(spent.faults),
        checked=True, notes=(*spent.notes, *called), remember=dict(work.remember), files=tuple(work.files), visit=work.visit,
    )  # fmt: skip


async def _composed(turn: Turn, reading: Reading, found: Found, evidence: Evidence) -> Draft:
    if visits.may_be(turn, reading):
        turn = await diary.opened(turn)
    composed = await asyncio.to_thread(compose.compose, turn, reading, found)
    if composed.silent:
        return composed
    composed = replace(composed, text=manner.toned(composed.text, str(turn.profile.get("tone") or "")))
    evidence = replace(evidence, tools=(*evidence.tools, *(f"composed: {ground}" for ground in composed.grounds)))
    faults = await asyncio.to_thread(guard.check, composed.text, composed.reading.language, evidence, turn.channel)
    if composed.text and not faults:
        return replace(composed, checked=True)
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
