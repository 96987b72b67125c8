"""Whether what was found holds the answer: the measure of a search, for evaluations and for learning its order."""

from collections.abc import Sequence

from savdo.knowledge.models import Passage


def rank_of(found: Sequence[Passage], document_name: str, span: str) -> int | None:
    """The place (from 1) of the first passage of a document that holds an excerpt of it, or None."""
    return next((place for place, passage in enumerate(found, 1) if holds(passage, document_name, span)), None)


def holds(passage: Passage, document_name: str, span: str) -> bool:
    """Whether a passage is of a document and holds an excerpt of it.

    Letters and digits are compared, so that list marks, separators and line breaks do not matter. A row holds an excerpt
    when its values in order do.
    """
    wanted = _bare(span)
    return passage.document_name == document_name and (
        wanted in _bare(passage.text) or wanted in _bare("".join((passage.cells or {}).values()))
    )


def says(text: str, span: str) -> bool:
    """Whether a text holds an excerpt, by its letters and digits."""
    return _bare(span) in _bare(text)


def _bare(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())
