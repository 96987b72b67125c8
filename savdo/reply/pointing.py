"""What customers point at beside their words: a product of the catalogue, a story, an earlier message. "Is this available?" is
about that, and an order says all without a word."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from psycopg.rows import DictRow

from savdo.conversations import intake
from savdo.reply.models import Pointed, Reading, Said, Turn

LONGEST_QUOTE: Final = 400
STORIES: Final[Mapping[str, str]] = {"reply": "in answer to a story of ours", "mention": "they named us in a story of theirs"}
# By who wrote it: what a quoted message is called.
QUOTES: Final[Mapping[str, str]] = {"contact": "their own message", "bot": "our message", "member": "our message", "system": "a note"}


def of(row: DictRow) -> Pointed | None:
    """What a message points at: of its payload, and of the message it answers (`quoted_author`, `quoted_text`)."""
    payload: Mapping[str, Any] = row["payload"]
    # A pressed button answers the message it hangs on, which says no more than the button.
    quoted = "" if payload.get("quick_reply") else (row["quoted_text"] or "")[:LONGEST_QUOTE]
    found = Pointed(
        intake.products_in_words(payload), any(one["quantity"] for one in payload.get("products", ())),
        payload.get("story", {}).get("kind", ""), quoted, row["quoted_author"] if quoted else "",
    )  # fmt: skip
    return found if found != Pointed() else None


def lines(said: Said) -> list[str]:
    """The same for a model, a line each."""
    at = said.pointed
    if at is None:
        return []
    products = f"{'ordered' if at.ordered else 'about the product'}: {at.products}" if at.products else ""
    quoted = f"in answer to {QUOTES[at.author]}: {at.quoted}" if at.quoted else ""
    return [f"[{line}]" for line in (products, STORIES.get(at.story, ""), quoted) if line]


def read(turn: Turn, reading: Reading) -> Reading:
    """The reading where the words are not all: an order is a decision, and whoever shows a product and says nothing, or good
    day, asks about it."""
    if turn.ordered:
        return replace(reading, intent="ready_to_buy", confidence=1.0)
    if turn.products and (reading.intent == "greeting" or not turn.text.strip()):
        return replace(reading, intent="question_product", confidence=1.0)
    return reading
