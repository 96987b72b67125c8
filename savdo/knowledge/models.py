"""Documents of a tenant and the passages they are cut into."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


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
    """What a search found, best first; `support` is how likely (0 to 1) any of it answers what was asked."""

    passages: tuple[Passage, ...]
    support: float
