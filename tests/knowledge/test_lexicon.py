"""The lexicon's files: every line complete, every name once, and what is read fast is what stands there."""

import re
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


def test_that_a_customer_reads_uzbek_in_latin_with_its_own_apostrophes() -> None:
    foreign = re.compile("['`´‘’А-яЁёҚқҒғЎўҲҳ]")
    assert {concept: said["uz"] for concept, said in words.lexicon().said.items() if foreign.search(said["uz"])} == {}


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


@pytest.mark.parametrize(
    ("text", "meant", "not_meant"),
    [
        ("Naqd pul qabul qilasizmi yoki faqat karta?", {"cash", "accept", "card"}, {"only", "car", "not_accept"}),
        ("Ақшасын қайтарасыздар ма, тауар ұнамаса?", {"refund", "product", "not_like"}, {"paid"}),
        ("Монтаж в стоимость не входит", {"installation", "price", "not_included"}, set()),
        ("The price does not include VAT", {"price", "not_included", "vat"}, {"tax_id"}),
        ("Товар был новый", {"product", "new"}, {"invoice"}),
        ("Foizsiz muddatli toʻlov bormi?", {"interest_free", "installment"}, {"percent", "stock"}),
        ("Kafolat kerak, bu telefon qimmat", {"warranty", "phone", "expensive"}, {"not_want", "used", "clothes"}),
        ("Парковка рядом с входом", {"parking", "next_to"}, {"parquet"}),
        ("Шартты бұзсаңыз, алдын ала төлем қайтарылмайды", {"prepayment", "payment", "not_returned"}, {"treatment", "event", "give_back"}),
        ("Қызыл түсті диван", {"red", "color"}, {"girl", "child", "noon"}),
        ("How much do you want for a chair, no more than that?", {"chair"}, {"up_to", "yes_word", "sea_beach", "but_yet", "table"}),
        ("Katta stol va oʻnta stul bormi, bolalar uchun", {"table", "chair"}, {"hand_tools"}),
        ("skolko stoit dostavka, pochom?", {"price", "delivery", "delivery_fee"}, {"free"}),
    ],
)
def test_that_words_mean_what_they_mean_and_not_what_they_resemble(text: str, meant: set[str], not_meant: set[str]) -> None:
    found = {term[1:] for term in words.terms(text) if term.startswith("@")}
    assert meant <= found
    assert not found & not_meant


def test_that_small_words_are_known_but_not_searched_for() -> None:
    assert "@only" in words.concepts("faqat bugun")
    assert "@only" not in words.terms("faqat bugun")
