"""The answer without a model: the customer's language around facts of the company, then one next step.

Facts come from passages, campaigns and the profile only. Where they do not hold the answer, the customer hears that a
colleague is asked, and a colleague is.
"""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from savdo.ai import language
from savdo.knowledge import words
from savdo.knowledge.models import Found, Passage
from savdo.reply import answers, choices, cues, headings, leads, sayings, steps, topic, totals, visits
from savdo.reply.answers import Told
from savdo.reply.models import Campaign, Draft, Reading, Turn

LONGEST: Final = 700
# Below this share an intent is a guess; from this support on, a passage answers whatever the intent was taken for.
DOUBTED: Final = 0.55
# Asked so often in vain what they mean, a colleague is asked.
MOST_TRIES: Final = 2
PLAINLY: Final = 0.45
# A question read as one of these is one still, until the reading is this sure.
CERTAIN: Final = 0.9
# Of fewer words it is not said whether they ask or tell.
TOLD_IN: Final = 4
ASKED_AS: Final = frozenset({"booking", "ready_to_buy", "order_status", "contact_details", "off_topic", "unclear", "spam", "thanks_bye"})
WEEKDAYS_OR_HOURS: Final = re.compile(
    r"ishlay|ишлай|иш вақт|иш вакт|график|режим|soat|соат|ochiq|очиқ|очик|yopil|dam olish|ish vaqti|nechi?gacha|нечагача|"
    r"работ|откры|закры|часы|во сколько|до скольк|график|выходн|ашық|ашык|істей|неше|сағат|жұмыс уақыт|"
    r"open|close|hours|\b(?:du|se|chor|pay)?shanba|якшанба|шанба|воскресен|суббот|сенбі|жексенбі|sunday|saturday",
    re.IGNORECASE,
)
# However the way is asked for, the section headed so tells it.
ADDRESS: Final = "адрес"
Said = Callable[[Turn, Reading], Draft]
Looked = Callable[[Turn, Reading, Found], Draft]
# Said beside a file, these are about more than the file.
BESIDE_A_FILE: Final = frozenset({"opt_out", "complaint", "spam"})


def compose(turn: Turn, reading: Reading, found: Found) -> Draft:
    """The draft for a turn; pure apart from remembered vectors. Silent while a person talks and to spam."""
    if turn.status in ("human", "closed") or _is_spam(turn, reading):
        facts = leads.facts_of(turn, reading)
        return Draft("", reading, silent=True, facts=facts if turn.status == "human" else {}, score=leads.score({**turn.facts, **facts}))
    says = _from_thread(turn, reading)
    draft = _doubted(turn, reading, found) if says else FROM_PASSAGES.get(reading.intent, _question)(turn, reading, found)
    draft = draft or (says(turn, reading) if says else _unknown(turn, reading))
    text = _shortened(_greeted(turn, reading, draft.text))
    facts = leads.facts_of(turn, draft.reading)
    return replace(draft, text=text, facts=facts, score=leads.score({**turn.facts, **facts}))


def _doubted(turn: Turn, reading: Reading, found: Found) -> Draft | None:
    """The answer to a question that was perhaps read as something else: only where the passages hold it plainly."""
    asks_first = reading.intent == "booking" and not reading.entities.get("timeline") and bool(cues.QUESTION.search(turn.text))
    asks = reading.intent in ASKED_AS and bool(cues.QUESTION.search(turn.text))
    names_goods = reading.intent == "unclear" and answers.names_goods(topic.asked(turn), found)
    sure = (reading.confidence >= (CERTAIN if asks else DOUBTED) and not asks_first) or _is_said(turn, reading)
    if reading.wants_human or (sure and not names_goods) or reading.intent in ("greeting", "opt_out"):
        return None
    if len(turn.text.split()) < 3 and not (names_goods or (reading.intent == "unclear" and topic.goes_on(turn))):
        return None
    answer = answers.find(turn, reading, topic.asked(turn), found)
    if answer is None or (answer.support < PLAINLY and not names_goods):
        return None
    # Whoever asks about a visit before it is asked when they would come.
    step = sayings.say("ask_when", turn, reading) if asks_first else ""
    notes = (*answer.notes, f"read as {reading.intent}, doubted")
    if not asks_first:
        reading = replace(reading, intent=next((one for one, _ in reading.intents if one in leads.QUESTIONS), "question_product"))
    return replace(_answered(turn, reading, answer, step), notes=notes)


def _is_said(turn: Turn, reading: Reading) -> bool:
    """Whether what the turn was read as stands there in so many words."""
    if cues.MISREAD.search(turn.text):
        return True
    if reading.intent == "booking":
        return "when" in reading.entities and not cues.QUESTION.search(turn.text)
    return reading.intent == "ready_to_buy" and cues.decides(turn.text)


def _from_thread(turn: Turn, reading: Reading) -> Said | None:
    """What is answered without looking anything up; a person asked for comes before all but a goodbye and a complaint."""
    if reading.wants_human and reading.intent not in ("opt_out", "complaint"):
        return _person
    if choices.campaign(turn):
        return _chosen
    if cues.MISREAD.search(turn.text) and _bot_spoke(turn) and reading.intent not in ("opt_out", "complaint"):
        return _colleague
    if turn.status == "handover" and cues.WAITS.search(turn.text):
        return _unclear
    if _is_about_a_file(turn) and reading.intent not in BESIDE_A_FILE:
        return _file
    if visits.goes_on(turn, reading):
        return _booking
    return FROM_THREAD.get(reading.intent)


def _greeting(turn: Turn, reading: Reading) -> Draft:
    campaign = turn.campaigns[0] if len(turn.campaigns) == 1 else None
    own = steps.in_language(campaign.chat_flow.get("greeting", ""), reading) if campaign else ""
    if own and not _bot_spoke(turn):
        return Draft(own, reading)
    return Draft(sayings.say("hello_company", turn, reading, company=_company(turn)), reading)


def _chosen(turn: Turn, reading: Reading) -> Draft:
    """What the campaign whose button was pressed offers and costs, and what it asks."""
    campaign = choices.campaign(turn)
    assert campaign is not None
    offers = steps.in_language(", ".join(campaign.features), reading)
    price = _price(campaign, turn, reading) if campaign.price.get("amount") else ""
    step = steps.following(turn, reading) or sayings.say("tell_more", turn, reading)
    return Draft(_joined(sayings.say("acknowledged", turn, reading), offers[:1].upper() + offers[1:], price, step), reading)


def _thanks(turn: Turn, reading: Reading) -> Draft:
    return Draft(sayings.say("welcome", turn, reading), reading)


def _opted_out(turn: Turn, reading: Reading) -> Draft:
    return Draft(sayings.say("opted_out", turn, reading), reading, opt_out=True)


def _complaint(turn: Turn, reading: Reading, found: Found) -> Draft:
    """A person is called; whoever also asks what is due to them reads at once what the company has written about that."""
    if asked := _doubted(turn, reading, found):
        return asked
    sorry = Draft(sayings.say("complaint", turn, reading), reading, handover="complaint")
    answer = answers.find(turn, reading, topic.asked(turn), found) if cues.QUESTION.search(turn.text) else None
    if answer is None or answer.support < PLAINLY:
        return sorry
    return replace(sorry, text=_joined(sorry.text, answer.text), cited=answer.cited, notes=answer.notes, grounds=answer.grounds)


def _person(turn: Turn, reading: Reading) -> Draft:
    return Draft(_joined(sayings.say("person_called", turn, reading), visits.contact_wish(turn, reading)), reading, handover="keyword")


def _ready(turn: Turn, reading: Reading) -> Draft:
    return Draft(_joined(sayings.say("ready", turn, reading), visits.contact_wish(turn, reading)), reading, handover="ready_to_buy")


def _order_status(turn: Turn, reading: Reading) -> Draft:
    return Draft(sayings.say("order_status", turn, reading), reading, handover="low_confidence")


def _contact(turn: Turn, reading: Reading) -> Draft:
    name = str(reading.entities.get("name") or "")
    taken = sayings.say("contact_taken_name", turn, reading, name=name) if name else sayings.say("contact_taken", turn, reading)
    known = {**turn.facts, **reading.entities}
    return Draft(_joined(taken, "" if known.get("phone") or known.get("email") else sayings.say("ask_phone", turn, reading)), reading)


def _off_topic(turn: Turn, reading: Reading) -> Draft:
    if reading.confidence < CERTAIN and _bot_spoke(turn):
        # In the middle of a conversation a strange sentence is rather a part of it than about something else.
        return _unclear(turn, reading)
    return Draft(sayings.say("off_topic", turn, reading, company=_company(turn)), reading)


def _booking(turn: Turn, reading: Reading) -> Draft:
    return visits.draft(turn, reading)


def _is_about_a_file(turn: Turn) -> bool:
    """Whether the customer sent something to look at, and their words say nothing without it."""
    if not turn.text.strip() and any(said.kind == "location" for said in turn.fresh):
        return True
    return (turn.unseen or bool(turn.shown)) and topic.is_elliptical(topic.bare(turn.text))


def _file(turn: Turn, reading: Reading) -> Draft:
    return Draft(sayings.say("only_media", turn, reading), reading, handover="low_confidence", notes=("nothing but a file",))


def _unclear(turn: Turn, reading: Reading) -> Draft:
    if turn.status == "handover":
        # Who waits for a colleague is not asked what they mean.
        return Draft(sayings.say("colleague_knows", turn, reading), reading)
    asked = next((said.text for said in reversed(turn.history) if said.author == "bot"), "")
    if _times_not_understood(turn, reading) >= MOST_TRIES:
        return _colleague(turn, reading)
    if asked.rstrip().endswith("?") and re.search(r"\w", turn.text) and not _times_not_understood(turn, reading):
        step = steps.following(turn, reading) or sayings.say("anything_else", turn, reading)
        return Draft(_joined(sayings.say("acknowledged", turn, reading), step), reading)
    return Draft(sayings.say("unclear", turn, reading), reading)


def _times_not_understood(turn: Turn, reading: Reading) -> int:
    """How often the customer was just asked, one answer after the other, what they mean."""
    said = [one.text for one in reversed(turn.history) if one.author == "bot"]
    return sum(1 for _ in itertools.takewhile(lambda text: sayings.says("unclear", text, turn, reading), said))


def _objection(turn: Turn, reading: Reading, found: Found) -> Draft:
    kind = reading.objection or (reading.objections[0] if reading.objections else "need")
    chosen = steps.spoken_of(turn)
    flows = [chosen, *(one for one in turn.campaigns if one is not chosen)] if chosen else []
    own = next((answer for one in flows[:1] if (answer := steps.in_language(_objection_answers(one).get(kind, ""), reading))), "")
    if own:
        return Draft(_joined(sayings.say("objection", turn, reading), own), reading)
    answer = answers.find(turn, reading, topic.asked(turn), found)
    if answer and ("?" in turn.text or not reading.objections or not cues.names_objection(turn.text)):
        return _answered(turn, reading, answer)
    return Draft(_joined(sayings.say("objection", turn, reading), sayings.say(f"objection_{kind}", turn, reading)), reading)


def _place(turn: Turn, reading: Reading, found: Found) -> Draft:
    if cues.OUR_PHONE.search(turn.text) and (phone := str(turn.profile.get("phone") or "")):
        return Draft(sayings.say("our_phone", turn, reading, phone=phone), reading)
    answer = answers.find(turn, reading, topic.asked(turn), found)
    if answer is None and cues.WHERE.search(turn.text) and not headings.names_a_place(topic.asked(turn)):
        answer = answers.find(turn, reading, ADDRESS, found)
    hours = sayings.hours(turn.profile, reading) if WEEKDAYS_OR_HOURS.search(turn.text) and not cues.WHERE.search(turn.text) else ""
    if hours and not (answer and (answer.language == reading.language or _names_a_case(turn, found.passages[0]))):
        # Said in the customer's own language rather than quoted in another, unless a passage speaks of this very case.
        return Draft(sayings.say("hours", turn, reading, hours=hours), reading)
    if answer:
        return _answered(turn, reading, answer)
    return _unknown(turn, reading)


def _names_a_case(turn: Turn, passage: Passage) -> bool:
    """Whether a question for hours is about something of its own (a branch, a course, a holiday) that a passage speaks of."""
    timely = words.lexicon().areas["time"] | words.lexicon().areas["calendar"]
    named = {term for term in words.terms(topic.asked(turn)) if term[1:] not in timely and not term.isdigit()}
    return bool(named & set(words.terms(" ".join([*passage.title_path, passage.text]))))


def _question(turn: Turn, reading: Reading, found: Found) -> Draft:
    if total := totals.find(turn, reading, found.passages):
        step = steps.following(turn, reading, found.passages[:1])
        return Draft(_joined(_once_more(turn, reading, total.text), step), reading, cited=total.cited, grounds=(total.worked,))
    answer = answers.find(turn, reading, topic.asked(turn), found)
    if answer is None:
        priced = _campaign_price(turn, reading) if reading.intent == "question_price" else ""
        return Draft(_joined(priced, steps.following(turn, reading)), reading) if priced else _unknown(turn, reading)
    step = steps.following(turn, reading, [one for one in found.everything if one.id in answer.cited])
    # A step that does not fit waits for the next answer, rather than being cut.
    return _answered(turn, reading, answer, step if len(answer.text) + len(step) < LONGEST - 50 else "")


def _answered(turn: Turn, reading: Reading, answer: Told, step: str = "") -> Draft:
    """An answer and the step after it; who asked two things and gets one hears that the other is asked of a colleague."""
    rest = sayings.say("unknown_rest", turn, reading) if answer.half else ""
    handover = "low_confidence" if answer.half else None
    text = _joined(_once_more(turn, reading, answer.text), rest or step)
    return Draft(text, reading, handover=handover, cited=answer.cited, notes=answer.notes, grounds=answer.grounds)


def _once_more(turn: Turn, reading: Reading, answer: str) -> str:
    """The answer; who asks again what was just answered reads that it is the same."""
    return sayings.say("said_before", turn, reading, answer=answer) if answer in sayings.lately(turn) else answer


def _unknown(turn: Turn, reading: Reading) -> Draft:
    if not cues.QUESTION.search(turn.text) and len(turn.text.split()) >= TOLD_IN:
        # What they need or have was told and nothing asked: they go on, and no colleague is disturbed.
        step = steps.following(turn, reading) or sayings.say("tell_more", turn, reading)
        return Draft(_joined(sayings.say("acknowledged", turn, reading), step), reading)
    return _colleague(turn, reading)


def _colleague(turn: Turn, reading: Reading) -> Draft:
    return Draft(sayings.say("unknown", turn, reading), reading, handover="low_confidence", notes=("no passage answers this",))


FROM_THREAD: Final[Mapping[str, Said]] = {
    "greeting": _greeting, "thanks_bye": _thanks, "human_request": _person, "ready_to_buy": _ready, "order_status": _order_status,
    "contact_details": _contact, "off_topic": _off_topic, "spam": _off_topic, "booking": _booking, "unclear": _unclear,
    "opt_out": _opted_out,
}  # fmt: skip
FROM_PASSAGES: Final[Mapping[str, Looked]] = {"complaint": _complaint, "objection": _objection, "question_location_hours": _place}


def _campaign_price(turn: Turn, reading: Reading) -> str:
    """The price of the campaign that this very question names, where no passage holds it; empty when none is named."""
    asked = set(words.terms(topic.asked(turn)))
    named = [one for one in turn.campaigns if asked & set(words.terms(one.name)) and one.price.get("amount")]
    return _price(named[0], turn, reading) if len(named) == 1 else ""


def _price(campaign: Campaign, turn: Turn, reading: Reading) -> str:
    price = campaign.price
    amount = sayings.amount(float(price["amount"]), str(price.get("currency") or ""), reading)
    own = language.identify(campaign.name)[0] == reading.language
    item = sayings.written(campaign.name, reading) if own else f"«{campaign.name}»"
    return sayings.say("price_from" if price.get("from") else "price", turn, reading, item=item, price=amount)


def _objection_answers(campaign: Campaign) -> Mapping[str, Any]:
    return campaign.chat_flow.get("objection_answers") or {}


def _greeted(turn: Turn, reading: Reading, text: str) -> str:
    if _bot_spoke(turn) or reading.intent in ("greeting", "opt_out", "thanks_bye") or not text:
        return text
    hello = sayings.say("hello", turn, reading)
    return text if text.startswith(hello[:6]) else f"{hello} {text}"


def _bot_spoke(turn: Turn) -> bool:
    return any(one.author in ("bot", "member") for one in turn.history)


def _is_spam(turn: Turn, reading: Reading) -> bool:
    # A customer wrongly left without a word is worse than an answer to a stranger's advertisement.
    return reading.intent == "spam" and reading.confidence >= DOUBTED and not _is_known(turn)


def _is_known(turn: Turn) -> bool:
    return bool(leads.signals_of(turn.facts).get("questions") or turn.facts.get("phone"))


def _company(turn: Turn) -> str:
    return str(turn.profile.get("name") or "")


def _joined(*parts: str) -> str:
    """One text of several: each ends as a sentence before the next begins, and nothing is hung on to a list's last line."""
    text = ""
    for part in filter(None, parts):
        end = "" if text.rstrip("»”)")[-1:] in ("", ".", "!", "?", "…", ":") else "."
        text = f"{text}\n{part}" if "\n- " in text else f"{text}{end} {part}".strip()
    return text


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    cut = max(text.rfind(mark, 0, LONGEST) for mark in (". ", "\n", "? ", "! "))
    kept = text[: cut + 1].strip() if cut > LONGEST // 3 else text[:LONGEST].rsplit(" ", 1)[0] + "…"
    return f"{kept}»" if kept.count("«") > kept.count("»") else kept
