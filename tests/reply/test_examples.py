"""The labelled examples: apart from the evaluation rows, and what the model files were made from."""

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np

from savdo.ai import language, linear
from savdo.reply import train, understand
from savdo.reply.models import Intent, Objection, Sentiment

EVALS = Path(__file__).parents[2] / "evals"
TRAINING = EVALS.with_name("training")


def test_that_the_model_files_are_fresh() -> None:
    assert linear.made_from(understand.MODEL) == train.made_from(), "run `make train`"
    assert linear.made_from(language.MODEL) == train.made_from(), "run `make train`"


def test_that_every_label_is_known_and_every_intent_has_examples_in_every_language() -> None:
    examples = train.read_examples()
    assert len(examples) > 1000
    assert {one.intent for one in examples} == set(get_args(Intent))
    assert {one.sentiment for one in examples} <= set(get_args(Sentiment))
    assert {one.objection for one in examples} - {""} == set(get_args(Objection))
    for spoken in ("uz", "ru", "kk", "en"):
        assert {one.intent for one in examples if one.language == spoken} == set(get_args(Intent)), spoken


def test_that_no_example_and_no_training_question_is_an_evaluation_row_or_nearly_one() -> None:
    rows = sorted(set(_evaluation_texts()))
    alphabet = sorted(set("".join(rows)))
    counted, lengths = np.array([[row.count(letter) for letter in alphabet] for row in rows]), np.array([len(row) for row in rows])
    asked = [
        json.loads(line)["question"]
        for path in sorted(TRAINING.glob("questions_*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    for text in map(str.lower, [*(example.text for example in train.read_examples()), *asked]):
        # No two texts are more alike than the letters they share: few pairs need the long look.
        shared = np.minimum(counted, [text.count(letter) for letter in alphabet]).sum(1)
        for place in np.flatnonzero(2 * shared >= 0.9 * (lengths + len(text))):
            row = rows[place]
            assert text != row
            assert len(text) < 9 or difflib.SequenceMatcher(None, row, text).ratio() < 0.9, (text, row)


def _evaluation_texts() -> Iterator[str]:
    for name, key in (("messages", "text"), ("questions", "question")):
        for line in (EVALS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            yield json.loads(line)[key].lower()
    for line in (EVALS / "dialogues.jsonl").read_text(encoding="utf-8").splitlines():
        for turn in json.loads(line)["turns"]:
            yield from ([turn.lower()] if isinstance(turn, str) else [text.lower() for text in turn])
