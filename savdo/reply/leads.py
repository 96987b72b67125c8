"""What a turn adds to the lead, and what the lead is worth: 0-100, in the bands cold, nurture, qualified, hot."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from savdo.base.clock import local
from savdo.reply import entities
from savdo.reply.models import Reading, Turn

QUESTIONS: Final = frozenset(
    {"question_product", "question_price", "question_delivery", "question_payment", "question_terms", "question_location_hours"}
)
NEAR: Final = frozenset({"now", "days"})
# A visit this near is one for a person to prepare.
SOON: Final = timedelta(days=8)
# Doubts of someone who weighs it; "I do not need it" is none.
WEIGHED: Final = frozenset({"price", "trust", "timing", "competitor", "feature"})


def facts_of(turn: Turn, reading: Reading) -> dict[str, Any]:
    """The lead facts new in this turn: entities and objections, and under "signals" what they asked and decided so far.

    Signals are for the score; they are kept whole under one key, so that whoever shows facts to people can leave them out.
    """
    facts = {key: value for key, value in reading.entities.items() if turn.facts.get(key) != value}
    signals = dict(signals_of(turn.facts))
    if "timeline" in reading.entities and entities.STARTING.search(turn.text):
        signals["starts"] = True
    elif signals.get("starts") and reading.intent == "booking":
        # When they come to look says nothing of when they begin.
        facts.pop("timeline", None)
    if reading.intent == "booking" and _is_soon(turn, reading.entities.get("when")):
        signals["soon"] = True
    if reading.intent in QUESTIONS:
        signals["questions"] = int(signals.get("questions") or 0) + 1
    for intent in ("booking", "ready_to_buy", "complaint", "opt_out"):
        if reading.intent == intent:
            signals[intent] = True
    if reading.wants_human and reading.intent != "complaint":
        signals["asked_for_person"] = True
    if signals != signals_of(turn.facts):
        facts["signals"] = signals
    known: list[str] = list(turn.facts.get("objections") or [])
    raised = [one for one in reading.objections if one not in known] if reading.intent == "objection" or reading.objections else []
    if raised:
        facts["objections"] = [*known, *raised]
    return facts


def signals_of(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """questions (a count); booking, ready_to_buy, complaint, opt_out, asked_for_person, soon (a visit in days), starts (the
    timeline is of the beginning, not of a visit): true or missing."""
    return facts.get("signals") or {}


def score(facts: Mapping[str, Any]) -> int:
    """The lead's worth after everything said so far. A decision to buy, or a visit with a near date and a contact, is hot."""
    signals = signals_of(facts)
    reachable = bool(facts.get("phone") or facts.get("email"))
    if signals.get("opt_out"):
        return 5
    if signals.get("complaint") and not signals.get("ready_to_buy"):
        return 15
    if signals.get("ready_to_buy"):
        return 95 if reachable else 85
    near = bool(signals.get("soon")) or facts.get("timeline") in NEAR
    if signals.get("booking") and near and reachable:
        return 88
    worth = 10 + 15 * min(int(signals.get("questions") or 0), 3)
    worth += 25 if reachable else 0
    worth += 25 if signals.get("booking") else 0
    worth += 20 if signals.get("asked_for_person") else 0
    worth += sum(10 for key in ("budget", "quantity", "company") if facts.get(key))
    worth += 10 if near else 0
    worth += sum(5 if one in WEIGHED else -15 for one in facts.get("objections") or [])
    # A visit soon is worth a call already; a plan for some months away is kept warm, however much is known.
    least, most = 65 if signals.get("booking") and near else 0, 60 if facts.get("timeline") == "months" else 80
    return max(least, min(worth, most), 0)


def _is_soon(turn: Turn, when: Mapping[str, Any] | None) -> bool:
    if when is None or when.get("day_said") is False:
        return False
    now = local(turn.profile, turn.now).replace(tzinfo=None)
    return datetime.fromisoformat(when["from"]) - now < SOON


def reasons(facts: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Why the score is what it is, as (code, how many), what weighs most first; `texts` has each as "scored.<code>"."""
    signals = signals_of(facts)
    deciding = [code for code in ("opt_out", "ready_to_buy", "complaint", "booking", "asked_for_person") if signals.get(code)]
    found = [(code, 1) for code in deciding]
    found += [("questions", count)] if (count := int(signals.get("questions") or 0)) else []
    found += [("reachable", 1)] if facts.get("phone") or facts.get("email") else []
    found += [(key, 1) for key in ("budget", "quantity", "company") if facts.get(key)]
    found += (
        [("near", 1)]
        if signals.get("soon") or facts.get("timeline") in NEAR
        else [("months", 1)]
        if facts.get("timeline") == "months"
        else []
    )
    found += [("objections", len(raised))] if (raised := facts.get("objections") or []) else []
    return found or [("little", 1)]
