"""What is expected of a conversation, and what of it did not happen: the one engine of evaluations and of a company's own
scenarios. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from savdo.ai.language import identify
from savdo.reply import figures

Expect = Mapping[str, Any]
CURRENCY_WORDS: Final = re.compile(r"so['ʻʼ‘’`]?m\b|сум\w*|сўм\w*|тенге|теңге|tenge|uzs|kzt|₸|\$|usd", re.IGNORECASE)
# A reply of fewer letters is a name and a number: it says nothing of its language.
JUDGED_LETTERS: Final = 25


@dataclass(frozen=True, slots=True)
class Missed:
    """One thing that was not as expected. `kind`: unsaid | said | called | not_called | other_reason | writes | lead | language;
    `turn` is the place of the customer's turn, None for the whole conversation; `words` what was wanted, or came instead."""

    kind: str
    turn: int | None
    words: str


def missed(expect: Expect, turns: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> list[Missed]:
    """What a conversation did not do as expected; empty when it passed. `turns`, one a customer's turn: `reply` (empty when
    silent), `handover` (the reason or None).

    `expect`, all optional: must_mention and must_not_mention {turn: [texts]}; say and never_say, [texts] for the whole of it;
    silent_after (a turn); lead {fact: value}; language; handover (the turn by which a person is called, None for never, left
    out for either) with handover_reason.
    """
    replies = [str(turn["reply"]) for turn in turns]
    found = [*_handovers(expect, [(place, turn["handover"]) for place, turn in enumerate(turns) if turn["handover"]])]
    for place, wanted in (expect.get("must_mention") or {}).items():
        found += [Missed("unsaid", int(place), text) for text in wanted if not mentions(replies[int(place)], text)]
    for place, unwanted in (expect.get("must_not_mention") or {}).items():
        found += [Missed("said", int(place), text) for text in unwanted if mentions(replies[int(place)], text)]
    if (silent_after := expect.get("silent_after")) is not None:
        found += [Missed("writes", place, "") for place in range(silent_after + 1, len(turns)) if replies[place]]
    found += [
        Missed("lead", None, f"{key}: {facts.get(key)!r}")
        for key, value in (expect.get("lead") or {}).items()
        if not same(value, facts.get(key))
    ]
    return [*found, *_of_the_whole(expect, replies)]


def comparable(text: str) -> str:
    """A text without what the rules ignore: case, spaces between digits, currency words, kinds of spaces and apostrophes."""
    text = figures.plain(text).lower()
    text = CURRENCY_WORDS.sub(" ", re.sub("[ʻʼ‘’`´]", "'", text))
    text = re.sub(r"(?<=\d)\s+(?=\d)", "", text)
    return re.sub(r"\s+", " ", text).strip()


def mentions(text: str, wanted: str) -> bool:
    """Whether a text has a wanted string in it; a number only whole: 5 is not in 15."""
    inside, sought = comparable(text), comparable(wanted)
    if not sought:
        return False
    before = r"(?<![\d.,])" if sought[0].isdigit() else ""
    after = r"(?!\d)" if sought[-1].isdigit() else ""
    return re.search(before + re.escape(sought) + after, inside) is not None


def same(wanted: object, got: object) -> bool:
    if isinstance(wanted, str) and isinstance(got, str):
        return comparable(wanted) == comparable(got)
    return wanted == got


def _of_the_whole(expect: Expect, replies: Sequence[str]) -> list[Missed]:
    found = [Missed("unsaid", None, text) for text in expect.get("say") or () if not any(mentions(reply, text) for reply in replies)]
    found += [
        Missed("said", place, text)
        for text in expect.get("never_say") or ()
        for place, reply in enumerate(replies)
        if mentions(reply, text)
    ]
    if wanted := expect.get("language"):
        spoken = {place: identify(reply, wanted)[0] for place, reply in enumerate(replies) if _letters(reply) >= JUDGED_LETTERS}
        found += [Missed("language", place, language) for place, language in spoken.items() if language != wanted]
    return found


def _handovers(expect: Expect, called: Sequence[tuple[int, str]]) -> list[Missed]:
    if "handover" not in expect:
        return []
    if expect["handover"] is None:
        return [Missed("called", *called[0])] if called else []
    due = [reason for place, reason in called if place <= expect["handover"]]
    if not due:
        return [Missed("not_called", expect["handover"], "")]
    wanted = expect.get("handover_reason")
    return [] if wanted is None or wanted in due else [Missed("other_reason", None, f"{', '.join(due)}, not {wanted}")]


def _letters(text: str) -> int:
    return len(re.findall(r"[^\W\d_]", text))
