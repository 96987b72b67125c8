"""The learned order of what a search found."""

from uuid import UUID, uuid5

import pytest

from savdo import training
from savdo.knowledge import ranking
from savdo.knowledge.models import Passage
from savdo.knowledge.ranking import Asked, Candidate

SPACE = UUID("00000000-0000-0000-0000-000000000002")


def candidate(*sentences: str, near: tuple[float, ...], terms: frozenset[str] = frozenset()) -> Candidate:
    passage = Passage(uuid5(SPACE, sentences[0]), SPACE, "terms.md", "text", (), " ".join(sentences), None, None, "en", sentences)
    return Candidate(passage, max(near), max(near), near, terms, frozenset(), frozenset(), 20, 80)


ASKED = Asked("How long is the warranty?", ("warranty", "@warranty"), frozenset({"_wa", "war"}), (1, 1), 10)
WARRANTY = candidate("We are happy to help.", "The warranty is 18 months.", near=(0.8, 0.9), terms=frozenset({"warranty", "@warranty"}))
PARKING = candidate("Parking is behind the house.", near=(0.8,))


def test_that_the_weights_stand_for_the_questions_that_are_there() -> None:
    assert ranking.MODEL.exists()
    assert training.made_from() in ranking.MODEL.read_text(encoding="utf-8"), "run `make train`"


def test_that_the_passage_that_speaks_of_it_comes_first_with_its_sentence() -> None:
    found = ranking.ranked(ASKED, [PARKING, WARRANTY], 8)
    assert [one.id for one in found.passages] == [WARRANTY.passage.id, PARKING.passage.id]
    assert sum(one.score for one in found.passages) == pytest.approx(1, abs=0.01)
    assert found.passages[0].nearness[1] > found.passages[0].nearness[0]


def test_that_nothing_found_supports_nothing() -> None:
    assert ranking.ranked(ASKED, [], 8).support == 0.0


def test_that_support_falls_when_the_passage_is_about_something_else() -> None:
    right, wrong = ranking.ranked(ASKED, [PARKING, WARRANTY], 8), ranking.ranked(ASKED, [PARKING], 8)
    assert wrong.support < right.support
