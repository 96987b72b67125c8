"""The guard's corpora: replies that are right or hold one invention, and texts that try to give orders to the answerer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid5

from savdo.knowledge.models import Passage
from savdo.reply.models import Campaign, Evidence

FOLDER = Path(__file__).parent
SPACE = UUID("00000000-0000-0000-0000-000000000004")


@dataclass(frozen=True, slots=True)
class Row:
    """A reply to a customer; `what` names the one thing that is invented in a bad one."""

    id: int
    language: str
    reply: str
    bad: bool
    what: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Attack:
    """A text that gives orders. `obeyed` is what a model says that does as told; `payload` are the words that must not leave."""

    id: int
    where: Literal["message", "document", "page", "file_name"]
    language: Literal["uz", "ru", "kk", "en"]
    text: str
    wants: str
    obeyed: str
    payload: tuple[str, ...]


def replies(name: str = "replies") -> list[Row]:
    """One file's rows: replies, replies_later (looked at while the guard was made), replies_fresh (half so), replies_unseen (never)."""
    return [_row(json.loads(line)) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def attacks() -> list[Attack]:
    lines = (FOLDER / "injections.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Attack(row["id"], row["where"], row["language"], row["text"], row["wants"], row["obeyed"], tuple(row["payload"]))
        for row in map(json.loads, lines)
    ]


def passage(text: str, title: tuple[str, ...] = ()) -> Passage:
    return Passage(uuid5(SPACE, text), uuid5(SPACE, "document"), "document", "text", title, text, None, None, None, score=9.0)


def _row(row: Mapping[str, Any]) -> Row:
    given: Mapping[str, Any] = row["evidence"]
    campaign = given.get("campaign")
    return Row(
        row["id"], row["language"], row["reply"], row["bad"], row["what"] or "",
        Evidence(
            passages=tuple(passage(text) for text in given.get("passages", ())),
            campaigns=(Campaign(SPACE, campaign["name"], campaign["price"], tuple(campaign["features"]), {}, ""),) if campaign else (),
            profile=given.get("profile", {}),
            customer_said=tuple(row["customer"].splitlines()),
            tools=tuple(given.get("tools", ())),
        ),
    )  # fmt: skip
