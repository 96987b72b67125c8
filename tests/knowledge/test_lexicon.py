"""The lexicon's files: every line complete, every name once, and what is read fast is what stands there."""

import tomllib
from collections import Counter

import pytest

from savdo.knowledge import words

FILES = sorted(path for path in words.LEXICON.glob("*.toml") if path.name != "grammar.toml")
AREAS: dict[str, dict[str, list[str]]] = {path.name: tomllib.loads(path.read_text(encoding="utf-8"))["concepts"] for path in FILES}


def test_that_no_concept_stands_in_two_files() -> None:
    files: dict[str, list[str]] = {}
    for file, concepts in AREAS.items():
        for concept in concepts:
            files.setdefault(concept, []).append(file)
    assert {concept: where for concept, where in files.items() if len(where) > 1} == {}


@pytest.mark.parametrize("file", AREAS)
def test_that_every_concept_is_said_in_four_languages(file: str) -> None:
    wrong = {concept: ways for concept, ways in AREAS[file].items() if len(ways) != 4 or not all(map(_said_well, ways))}
    assert wrong == {}


def test_that_the_lexicon_is_read_as_it_stands() -> None:
    listed = {concept: dict(zip(words.LANGUAGES, ways, strict=True)) for concepts in AREAS.values() for concept, ways in concepts.items()}
    read = words.lexicon()
    assert read.said == {concept: {language: way.split("|")[0] for language, way in ways.items()} for concept, ways in listed.items()}
    found = {idiom for known in read.idioms.values() for idiom in known}
    ways = [(concept, way, language) for concept, said in listed.items() for language, ways in said.items() for way in ways.split("|")]
    assert found == {(concept, tuple(words.folded_words(way)), language) for concept, way, language in ways}


def _said_well(ways: str) -> bool:
    """No way is empty, longer than an idiom may be, or stands twice."""
    listed = ways.split("|")
    lengths = [len(words.folded_words(way)) for way in listed]
    return all(0 < length <= words.LONGEST_IDIOM for length in lengths) and max(Counter(listed).values()) == 1
