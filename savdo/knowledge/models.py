"""Documents of a tenant and the passages they are cut into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

# Of what was found for half a question.
BESIDE: Final = 3


@dataclass(frozen=True, slots=True)
class Document:
    """A file or a hand-written question and answer (`kind` file | answer).

    `status` is queued | reading | ready | failed; `version` 0 means that nothing of it can be answered from yet.
    """

    id: UUID
    kind: str
    name: str
    mime: str
    size: int
    status: str
    problem: str | None
    progress: int
    version: int
    pages: int | None
    passages: int
    language: str | None
    question: str
    answer: str
    # What a picture shows, in its owner's words.
    caption: str
    shareable: bool
    file_key: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of knowledge found for a turn.

    `kind` is text | row | answer. A row has `cells` (heading → value) and its `text` is the row said with its headings.
    `title_path` leads from the document's title down to the nearest heading. `sentences` are its text in parts and `nearness`
    how close each is to what was asked. `score` is the share (0 to 1) this passage has in holding the answer, if any does.
    """

    id: UUID
    document_id: UUID
    document_name: str
    kind: str
    title_path: tuple[str, ...]
    text: str
    cells: Mapping[str, str] | None
    page: int | None
    language: str | None
    sentences: tuple[str, ...] = ()
    nearness: tuple[float, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, best first; `support` is how likely (0 to 1) any of it answers what was asked. Where two things were
    asked in one sentence, `halves` are these questions and what was found for each."""

    passages: tuple[Passage, ...]
    support: float
    halves: Sequence[tuple[str, "Found"]] = ()

    @property
    def everything(self) -> tuple[Passage, ...]:
        """The passages of the whole question, then those that only a half of it found."""
        of_halves = (passage for _, half in self.halves for passage in half.passages[:BESIDE])
        return tuple({one.id: one for one in (*of_halves, *self.passages)}.values()) if self.halves else self.passages
