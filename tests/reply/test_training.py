"""The companies and questions the search is trained on: every row points at words that really stand in its document."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from savdo.operations import lifecycle

TRAINING = Path(__file__).parents[2] / "training"
COMPANIES = sorted(path for path in (TRAINING / "businesses").iterdir() if path.is_dir())
KEYS = {"id", "business", "language", "question", "answer_doc", "answer_span", "facts", "forbidden"}
PROFILE_KEYS = {
    "name", "industry", "description", "goals", "audience", "website", "phone", "tone", "languages", "currency", "timezone",
    "working_hours",
}  # fmt: skip
CHAT_FLOW_KEYS = {"greeting", "qualification_questions", "objection_answers", "closing"}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _questions() -> list[dict[str, Any]]:
    files = sorted(TRAINING.glob("questions_*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_that_every_id_is_of_one_question_and_no_question_is_asked_twice() -> None:
    questions = _questions()
    assert [one for one, times in Counter(row["id"] for row in questions).items() if times > 1] == []
    assert [one for one, times in Counter((row["business"], row["question"]) for row in questions).items() if times > 1] == []


@pytest.mark.parametrize("folder", COMPANIES, ids=lambda folder: folder.name)
def test_that_an_excerpt_stands_literally_in_its_document(folder: Path) -> None:
    documents = {path.name: path.read_text(encoding="utf-8") for path in (folder / "docs").iterdir()}
    questions = [row for row in _questions() if row["business"] == folder.name]
    assert questions
    assert [(row["id"], fault) for row in questions for fault in _faults(row, documents)] == []


def _faults(row: dict[str, Any], documents: dict[str, str]) -> list[str]:
    right = {
        "keys": set(row) == KEYS,
        "language": row["language"] in {"uz", "ru", "kk", "en"},
        "question": bool(row["question"].strip()),
        "a fact is forbidden": not set(row["facts"]) & set(row["forbidden"]),
    }
    if row["answer_doc"] is None:
        right |= {"an answer without a document": row["answer_span"] is None and row["facts"] == []}
    else:
        right |= {
            "facts": bool(row["facts"]) and all(fact.strip() for fact in row["facts"]),
            "excerpt": bool(row["answer_span"].strip()) and row["answer_span"] in documents[row["answer_doc"]],
        }
    return [fault for fault, held in right.items() if not held]


@pytest.mark.parametrize("folder", COMPANIES, ids=lambda folder: folder.name)
def test_that_a_company_can_be_taken_on(folder: Path) -> None:
    business = lifecycle.read_business(folder)
    assert set(business.profile) == PROFILE_KEYS
    # The small ones are there for their short plain questions and hold documents only.
    assert list(business.profile["working_hours"]) in (DAYS, [])
    assert all(hours is None or hours[0] < hours[1] for hours in business.profile["working_hours"].values())
    assert all(set(campaign.chat_flow) == CHAT_FLOW_KEYS for campaign in business.campaigns)
    assert len(business.documents) >= 2
    assert {path.suffix for path in business.documents} <= {".md", ".txt", ".csv"}
