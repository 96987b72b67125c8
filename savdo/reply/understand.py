"""What the customer means: language, intent, sentiment, wish for a person, objections, entities. Local, free, about 10 ms."""

import functools
import re
from pathlib import Path
from typing import Final, cast

import numpy as np

from savdo.ai import embed, language, linear
from savdo.reply import cues, entities, headings, leads, phones, topic
from savdo.reply.models import Intent, Objection, Reading, Sentiment, Turn

MODEL: Final = Path(__file__).with_name("model.npz")
# The sentence vector beside the n-grams; e5 vectors lie close together, so their common part is taken off when trained (bias).
VECTOR_WEIGHT: Final = 1.6
LONGEST_READ: Final = 400
FEWEST_ASKED: Final = 2
SAID_BESIDE: Final = frozenset({"ready_to_buy", "booking", "human_request", "complaint", "order_status", "question_price"})
PLAIN: Final = 0.5
# What a decision in so many words is taken for, and the share it needs to be one nevertheless.
TAKEN_FOR: Final = frozenset(
    {"booking", "spam", "question_product", "question_payment", "question_price", "question_terms", "unclear", "off_topic"}
)
NAMED: Final = 0.05
SURE: Final = 0.7
# A decision calls a person: one that stands nowhere in words and is no likelier than this is none.
HASTY: Final = 0.45


PLAINLY_OUT: Final = 0.85
# What a bare "address?" is taken for.
NO_QUESTIONS: Final = frozenset({"contact_details", "unclear", "opt_out", "greeting", "off_topic"})
MOST_ASKED: Final = 5
SURE_ELSE: Final = 0.8


def read(turn: Turn) -> Reading:
    """The reading of a turn. Pure; the sentence vector is remembered from the search of the same text."""
    text = turn.text.strip()
    # Who sends a picture first speaks as most do here.
    usual = "" if text else next(iter(turn.profile.get("languages") or ()), "")
    spoken, script = language.identify(text, turn.language or usual)
    if not any(letter.isalpha() for letter in text):
        script = _script_before(turn, script)
    # Who greets and asks, asks: the greeting is answered beside.
    seen = features(topic.bare(text))
    shares = _shares("intent", seen)
    intent, confidence, forced = _intent(turn, text, shares)
    if intent == "contact_details" and not forced:
        intent, confidence = _beside_contact(turn, text, confidence)
    found = entities.read(turn, intent)
    if intent == "contact_details" and not forced and found.get("timeline") in leads.NEAR:
        # Whoever gives a number and a day wants to come or to be called then.
        intent = "booking"
    spoken, script = _of_thread(turn, text, found, (spoken, script))
    if intent in ("unclear", "greeting", "thanks_bye", "off_topic") and _gives_contact(found) and not forced:
        intent, confidence = "contact_details", 0.9
    human = cues.wants_human(text, _shares("human", seen).get("yes", 0.0), intent)
    if intent == "human_request" and not human:
        intent = cast(Intent, next(name for name in shares if name != "human_request"))
    objections = cues.objections(text, intent, _shares("objection", seen))
    return Reading(
        language=spoken, script=script, intent=intent,
        sentiment=cast(Sentiment, cues.sentiment(text, intent, _shares("sentiment", seen))),
        wants_human=human, objection=cast(Objection, objections[0]) if intent == "objection" and objections else None,
        entities=found, confidence=round(confidence, 3),
        objections=cast(tuple[Objection, ...], objections),
        intents=tuple((name, round(share, 3)) for name, share in list(shares.items())[:5]),
    )  # fmt: skip


def features(text: str) -> linear.Floats:
    """N-grams of the text, then its sentence vector."""
    text = text[-LONGEST_READ:]
    vector = np.asarray(embed.query_now(text or "…"), np.float32) * VECTOR_WEIGHT
    return np.concatenate([linear.grams(text), vector]).astype(np.float32)


def _shares(name: str, seen: linear.Floats) -> dict[str, float]:
    head = _heads()[name]
    shares = head.shares(seen)
    return {head.labels[index]: float(shares[index]) for index in np.argsort(-shares)}


def _intent(turn: Turn, text: str, shares: dict[str, float]) -> tuple[Intent, float, bool]:
    if not re.search(r"\w", text):
        return ("thanks_bye", 0.6, True) if re.search("[👍🙏❤😊🔥👌]", text) else ("unclear", 0.9, True)
    told = "greeting" if topic.greets(text) else cues.certain_intent(text)
    if told:
        return cast(Intent, told), 0.95, True
    shares = _without_strangers(turn, shares)
    best, share = next(iter(shares.items()))
    if best in TAKEN_FOR and shares["ready_to_buy"] >= NAMED and cues.decides(text):
        return "ready_to_buy", max(share, SURE), False
    if best == "booking" and cues.pays(text):
        return "ready_to_buy", SURE, False
    if best == "ready_to_buy" and share < HASTY and not cues.decides(text):
        best, share = next((name, share) for name, share in shares.items() if name != "ready_to_buy")
    if best == "question_price" and cues.HOW_LONG.search(text):
        best, share = next((name, share) for name, share in shares.items() if name != "question_price")
    if best == "question_price" and cues.finds_dear(text):
        return "objection", SURE, False
    if best in ("greeting", "thanks_bye") and "?" in text and len(topic.bare(text).split()) >= FEWEST_ASKED:
        best, share = next((name, share) for name, share in shares.items() if name not in ("greeting", "thanks_bye"))
    if best == "opt_out" and share < PLAINLY_OUT:
        # It silences us for good: who did not say it in so many words says it at least beyond doubt.
        best, share = next((name, share) for name, share in shares.items() if name != "opt_out")
    if _is_brief(text) and (cues.OUR_PHONE.search(text) or (best in NO_QUESTIONS and cues.WHERE.search(text))):
        # "Your number?", "manzil": a word or two say too little to the statistics.
        best, share = "question_location_hours", SURE
    if best in NO_QUESTIONS and share < SURE_ELSE and (asked := headings.intent(text)):
        best, share = asked, PLAIN
    if best == "booking" and cues.OPENING.search(text) and not cues.WISHES_VISIT.search(text):
        best = "question_location_hours"
    return cast(Intent, best), share, False


def _is_brief(text: str) -> bool:
    """Whether a few words are said and no number given."""
    return len(text.split()) <= MOST_ASKED and not re.search(r"\d{4}", text)


def _without_strangers(turn: Turn, shares: dict[str, float]) -> dict[str, float]:
    """Who was answered and goes on is hardly a stranger who advertises."""
    if any(said.author in ("bot", "member") for said in turn.history):
        return {name: share for name, share in shares.items() if name != "spam"}
    return shares


def _of_thread(
    turn: Turn, text: str, found: dict[str, object], read: tuple[language.Language, language.Script]
) -> tuple[language.Language, language.Script]:
    """The thread's language for a line of contact details: a name is the same in all."""
    known = language.LANGUAGES.get(turn.language)
    if known is None or known == read[0] or not _gives_contact(found):
        return read
    named = " ".join(str(found.get(key) or "") for key in ("name", "company", "email")).lower().split()
    own = [word for word in re.findall(r"[^\W\d_]{2,}", text.lower()) if word not in named]
    if len(own) > 1:
        return read
    return known, read[1] if known == "uz" else "latn" if known == "en" else "cyrl"


def _beside_contact(turn: Turn, text: str, confidence: float) -> tuple[Intent, float]:
    """What is said beside a phone number or an address: "I take it, 90 123 45 67" is a decision, not only a number."""
    rest = phones.CANDIDATE.sub(" ", entities.EMAIL.sub(" ", topic.bare(text)))
    found = entities.read(turn, "contact_details")
    for key in ("company", "name"):
        rest = rest.replace(str(found.get(key) or "\n"), " ")
    if rest == text or len(re.findall(r"[^\W\d_]{2,}", rest)) < FEWEST_ASKED:
        return "contact_details", confidence
    if cues.decides(rest):
        return "ready_to_buy", SURE
    best, share = next(
        (name, share) for name, share in _shares("intent", features(rest)).items() if name not in ("contact_details", "spam")
    )
    return (cast(Intent, best), share) if best in SAID_BESIDE and share >= PLAIN else ("contact_details", confidence)


def _gives_contact(found: dict[str, object]) -> bool:
    return bool({"phone", "email", "name", "company"} & found.keys())


def _script_before(turn: Turn, script: language.Script) -> language.Script:
    before = next((said.text for said in reversed(turn.history) if re.search(r"[^\W\d_]{2}", said.text)), "")
    return "cyrl" if re.search("[а-яё]", before.lower()) else "latn" if before else script


@functools.cache
def _heads() -> dict[str, linear.Head]:
    return linear.load(MODEL)
