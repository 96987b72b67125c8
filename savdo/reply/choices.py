"""Buttons beside an answer, where the customer has not said yet what they want or the bot does not know on; and what a pressed
one says. Pure.

Every channel takes these: two or three, of titles that the narrowest shows whole (a reply button of WhatsApp, a quick reply of
Messenger: 20 characters). A channel without buttons says their titles as lines.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from savdo.ai import language
from savdo.channels.models import Button
from savdo.reply import sayings
from savdo.reply.models import Campaign, Draft, Intent, Language, Reading, Said, Turn

MOST: Final = 3
LONGEST: Final = 20
# What a button's id begins with: `human`, `campaign:<id>`, `answer:<number>`; Start is a channel's own, and its words are its id.
PERSON: Final = "human"
CAMPAIGN: Final = "campaign"
ANSWER: Final = "answer"
START: Final = "/start"
SAYS: Final[Mapping[str, Intent]] = {PERSON: "human_request", CAMPAIGN: "question_product", ANSWER: "unclear", START: "greeting"}
# A question that ends in its answers, as in "Which finish: film, paint or veneer?"
LISTED: Final = re.compile(r":\s*([^:?]+)\?\s*$")
OR: Final = re.compile(r",?\s+(?:yoki|ёки|или|немесе|әлде|or)\s+", re.IGNORECASE)


def offered(turn: Turn, draft: Draft) -> tuple[Button, ...]:
    """The buttons of an answer: what its question can be answered with, what the company sells to whoever only greets, and
    a person beside it where the bot is at a loss for the first time. None for every other answer."""
    if draft.silent or draft.opt_out:
        return ()
    if titles := _asked_for(turn, draft):
        return tuple(Button(f"{ANSWER}:{number}", title) for number, title in enumerate(titles, 1))
    sold = tuple(Button(f"{CAMPAIGN}:{one.id}", title) for title, one in _titles(turn).items())
    if draft.reading.intent == "greeting" and not turn.history:
        return sold[:MOST] if len(sold) > 1 else ()
    if turn.status == "bot" and _is_at_a_loss(turn, draft):
        return (*sold[: MOST - 1], Button(PERSON, sayings.say("talk_to_person", turn, draft.reading)))
    return ()


def read(turn: Turn, reading: Reading) -> Reading:
    """The reading of a turn in which a button was pressed: its words are ours, and tell no language and no intent."""
    pressed = {_kind(turn, said.quick_reply, said.text) for said in turn.fresh}
    if PERSON not in pressed and (len(pressed) > 1 or "" in pressed):
        # More was said than that.
        return reading
    kind = PERSON if PERSON in pressed else pressed.pop()
    spoken, script = _spoken(turn)
    return replace(
        reading, language=spoken, script=script, intent=SAYS[kind], confidence=1.0, wants_human=kind == PERSON, objection=None,
        objections=(),
    )  # fmt: skip


def campaign(turn: Turn) -> Campaign | None:
    """The campaign whose button was pressed in this turn, and nothing else said."""
    said = turn.fresh[-1]
    return _campaign(turn, said.quick_reply, said.text) if len(turn.fresh) == 1 else None


def chosen(turn: Turn) -> tuple[Campaign | None, Sequence[Said]]:
    """The campaign whose button was pressed last in the thread, and what the customer has said since, or ever."""
    said = [one for one in (*turn.history, *turn.fresh) if one.author == "contact"]
    pressed = ((place, _campaign(turn, one.quick_reply, one.text)) for place, one in reversed(list(enumerate(said))))
    return next(((found, said[place + 1 :]) for place, found in pressed if found), (None, said))


def _spoken(turn: Turn) -> tuple[Language, language.Script]:
    """The language and script the buttons were shown in; at the very beginning those of the customer's app, where the company
    speaks it."""
    offered = turn.profile.get("languages") or tuple(language.LANGUAGES)
    own = turn.contact_language[:2]
    known = turn.language or (own if own in offered else offered[0])
    spoken, script = language.identify(_shown(turn), known)
    return language.LANGUAGES.get(known, spoken), script


def _kind(turn: Turn, pressed: str, text: str) -> str:
    """What was pressed; where buttons are lines of the text, a customer types the title."""
    kind = START if text == START else pressed.partition(":")[0]
    if kind in (PERSON, ANSWER, START):
        return kind
    if not pressed and _plain(text) in map(_plain, _listed(_shown(turn))):
        return ANSWER
    return CAMPAIGN if _campaign(turn, pressed, text) else ""


def _campaign(turn: Turn, pressed: str, text: str) -> Campaign | None:
    if pressed:
        return next((one for one in turn.campaigns if pressed == f"{CAMPAIGN}:{one.id}"), None)
    named = _titles(turn).items() if _shown(turn) else ()
    return next((one for title, one in named if _plain(title) == _plain(text)), None)


def _plain(title: str) -> str:
    return title.strip(" •\n").casefold()


def _shown(turn: Turn) -> str:
    """The bot's last words, those above the buttons."""
    return next((said.text for said in reversed(turn.history) if said.author == "bot"), "")


def _asked_for(turn: Turn, draft: Draft) -> Sequence[str]:
    """What a campaign's question in the answer names to choose from."""
    questions = (str(one) for campaign in turn.campaigns for one in campaign.chat_flow.get("qualification_questions") or ())
    written = (sayings.written(one, draft.reading) for one in questions)
    return next((titles for one in written if one in draft.text and (titles := _listed(one))), ())


def _listed(question: str) -> Sequence[str]:
    listed = LISTED.search(question)
    if listed is None or not OR.search(listed[1]):
        return ()
    titles = [one.strip() for part in OR.split(listed[1]) for one in part.split(",")]
    fit = 1 < len(titles) <= MOST and all(0 < len(one) <= LONGEST for one in titles)
    return [one[0].upper() + one[1:] for one in titles] if fit else ()


def _titles(turn: Turn) -> Mapping[str, Campaign]:
    """The campaigns by what their buttons say; of two that look alike the first."""
    shown: dict[str, Campaign] = {}
    for one in turn.campaigns:
        shown.setdefault(_shortened(one.name), one)
    return shown


def _shortened(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rsplit(" ", 1)[0].rstrip(" ,.–—-«(") + "…"


def _is_at_a_loss(turn: Turn, draft: Draft) -> bool:
    """Whether the bot asks a colleague about what was asked in words, or did not understand it."""
    if draft.handover is not None:
        about_words = bool(turn.text.strip()) and not turn.unseen and not turn.shown
        return draft.handover == "low_confidence" and about_words and draft.reading.intent != "order_status"
    return draft.reading.intent == "unclear" and (draft.model != "local" or sayings.says("unclear", draft.text, turn, draft.reading))
