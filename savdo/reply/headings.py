"""The section of a document that is headed by what a short question asks for: "Кепілдік бар ма?" under "Гарантия". Pure.

Such a question has hardly a word that tells one passage from another, so a search is not sure of any; its heading says it all.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from savdo.knowledge import words
from savdo.knowledge.models import Passage
from savdo.reply import topic
from savdo.reply.models import Intent

# What a question is about, in notions of the lexicon → its intent, and what the section may be headed by.
SECTIONS: Final[Mapping[str, tuple[Intent, tuple[str, ...]]]] = {
    "delivery": ("question_delivery", ("delivery", "courier", "delivery_regions", "delivery_fee", "delivery_time")),
    "pickup": ("question_delivery", ("pickup", "delivery")),
    "warranty": ("question_terms", ("warranty", "warranty_period")),
    "installment": ("question_payment", ("installment", "credit")),
    "credit": ("question_payment", ("credit", "installment")),
    "payment": ("question_payment", ("payment", "payment_method", "how_to_pay")),
    "prepayment": ("question_payment", ("prepayment", "payment")),
    "address": ("question_location_hours", ("address", "where_are_you")),
    "working_hours": ("question_location_hours", ("working_hours",)),
    "return_goods": ("question_terms", ("return_goods", "refund", "exchange")),
    "exchange": ("question_terms", ("exchange", "return_goods")),
    "refund": ("question_terms", ("refund", "return_goods")),
    "installation": ("question_product", ("installation",)),
    "discount": ("question_price", ("discount", "promotion")),
    "promotion": ("question_price", ("promotion", "discount")),
    "parking": ("question_location_hours", ("parking",)),
}
LONGEST_QUESTION: Final = 6
# Whoever names another town asks whether they deliver there: what is said of other places answers it.
ELSEWHERE: Final = ("region", "other_city", "delivery_regions")


def section(question: str, passages: Sequence[Passage]) -> Passage | None:
    """The best passage under a heading that says what a short question asks for, and that speaks of the things it names."""
    wanted = [f"@{one}" for asked in _subjects(question) for one in SECTIONS[asked][1]]
    if not wanted:
        return None
    named = topic.things(question)
    texts = (one for one in passages if one.kind != "row" and one.title_path)
    return next((one for one in texts if _is_headed(one, wanted) and all(_speaks_of(one, thing) for thing in named)), None)


def is_whole(question: str, passage: Passage) -> bool:
    """Whether a question asks for all of a section: it names nothing else, or a place the section does not know."""
    said = set(words.terms(passage.text))
    return section(question, [passage]) is not None and all(thing.isdisjoint(said) for thing in topic.things(question))


def names_a_place(question: str) -> bool:
    """Whether a question names a town or a district: "where are you in Almaty?"."""
    return any(map(_is_place, topic.things(question)))


def asks_of_company(question: str) -> bool:
    """Whether a short question is for what a section of terms is headed by, and not for a thing that is sold."""
    return bool(_subjects(question))


def intent(text: str) -> Intent | None:
    """The intent of a few words that ask for nothing but a section of terms, None for others: "төлем қалай"."""
    asked = _subjects(text)
    return SECTIONS[asked[0]][0] if asked and not topic.things(text) else None


def _subjects(question: str) -> list[str]:
    if len(question.split()) > LONGEST_QUESTION:
        return []
    return [one.removeprefix("@") for one in words.concepts(question) if one.removeprefix("@") in SECTIONS]


def _is_headed(passage: Passage, wanted: Sequence[str]) -> bool:
    return not set(words.concepts(passage.title_path[-1])).isdisjoint(wanted)


def _speaks_of(passage: Passage, thing: frozenset[str]) -> bool:
    said = set(words.terms(" ".join([*passage.title_path, passage.text])))
    return bool(thing & said) or (_is_place(thing) and any(f"@{one}" in said for one in ELSEWHERE))


def _is_place(thing: frozenset[str]) -> bool:
    return any(one.removeprefix("@") in words.lexicon().areas["places"] for one in thing)
