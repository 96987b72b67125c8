"""What holds for every answer beside its words, a model's or a local one: topics that are not spoken of, words and files at which
a person is called, and what happens outside working hours. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from savdo.base.clock import WEEK, local
from savdo.knowledge import words
from savdo.reply import cues, leads, sayings
from savdo.reply.models import Draft, Reading, Turn

# What is heard outside working hours too: it needs no person.
NEVER_WAITS: Final = frozenset({"opt_out", "spam", "thanks_bye"})


def instead(turn: Turn, reading: Reading) -> Draft | None:
    """The answer where none is to be looked for: a topic that is not spoken of, or closing time. None where one is."""
    if turn.status in ("human", "closed") or reading.intent in NEVER_WAITS:
        return None
    if _waits(turn) and (hours := sayings.hours(turn.profile, reading)):
        return _waiting(turn, reading, hours)
    topic = named(turn.text, turn.profile.get("forbidden_topics") or ())
    if topic is None or reading.wants_human or reading.intent == "complaint":
        return None
    text = sayings.say("off_topic", turn, reading, company=str(turn.profile.get("name") or ""))
    return Draft(text, reading, facts=leads.facts_of(turn, reading), score=_score(turn, reading), notes=(f"not spoken of: {topic}",))


def applied(turn: Turn, draft: Draft) -> Draft:
    """A draft as the persona wants it: a person called at the words that ask for one and for a file that only they can look at,
    and when people are back."""
    if draft.opt_out and _asks_on(turn):
        return replace(draft, handover=draft.handover or "opted_out")
    if draft.silent or draft.opt_out:
        return draft
    if draft.handover is None and (turn.unseen or (turn.shown and draft.model == "local")):
        text = f"{draft.text} {sayings.say('only_media', turn, draft.reading)}"
        draft = replace(draft, text=text, handover="low_confidence", notes=(*draft.notes, "a file is left to a person"))
    if draft.handover is None and turn.ordered:
        draft = replace(draft, handover="ready_to_buy")
    if draft.handover is None and (rule := named(turn.text, turn.profile.get("handover_rules") or ())):
        draft = replace(draft, handover="keyword", notes=(*draft.notes, f"a person is called at: {rule}"))
    if draft.handover is None or turn.profile.get("outside_hours") != "tell" or is_open(turn.profile, turn.now):
        return draft
    hours = sayings.hours(turn.profile, draft.reading)
    closed = sayings.say("outside_hours", turn, draft.reading, hours=hours)
    told = any(hours in one.text for one in turn.history[-6:] if one.author == "bot")
    return draft if not hours or told else replace(draft, text=f"{draft.text} {closed}")


def named(text: str, listed: Iterable[str]) -> str | None:
    """The first of some topics whose every word, in any of its forms, stands in a text."""
    said = {words.stem(word) for word in words.folded_words(text)}
    return next((one for one in listed if (sought := _sought(one)) and sought <= said), None)


def is_open(profile: Mapping[str, Any], now: datetime) -> bool:
    """Whether it is working time at `now` (with a zone); always where the profile names no hours."""
    week: Mapping[str, Sequence[str] | None] = profile.get("working_hours") or {}
    if not any(week.values()):
        return True
    here = local(profile, now)
    times = week.get(WEEK[here.weekday()])
    if not times:
        return False
    opens, closes, at = times[0].zfill(5), times[-1].zfill(5), f"{here:%H:%M}"
    return opens <= at < closes if opens < closes else at >= opens or at < closes


def _sought(topic: str) -> set[str]:
    return {words.stem(word) for word in words.folded_words(topic) if word not in words.lexicon().stop}


def _asks_on(turn: Turn) -> bool:
    """Whether a goodbye is followed by a question, which is left to a person."""
    *before, last = turn.fresh
    return bool(cues.QUESTION.search(last.text)) and not cues.opts_out(last.text) and any(cues.opts_out(one.text) for one in before)


def _waits(turn: Turn) -> bool:
    return turn.profile.get("outside_hours") == "wait" and not is_open(turn.profile, turn.now)


def _waiting(turn: Turn, reading: Reading, hours: str) -> Draft:
    facts = leads.facts_of(turn, reading)
    # Said once a night, not after every message.
    told = turn.status == "handover" and any(hours in one.text for one in turn.history[-3:] if one.author == "bot")
    text = "" if told else sayings.say("outside_hours", turn, reading, hours=hours)
    return Draft(
        text, reading, silent=told, handover="low_confidence", facts=facts, score=_score(turn, reading), notes=("outside working hours",)
    )


def _score(turn: Turn, reading: Reading) -> int:
    return leads.score({**turn.facts, **leads.facts_of(turn, reading)})
