"""The rules by which an evaluation is scored. Pure; the meaning of every field of a row is in evals/README.md."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from savdo.reply import expected, figures
from savdo.reply.expected import mentions, same

Row = Mapping[str, Any]
FAULTS: Final[Mapping[str, str]] = {
    "unsaid": "turn {turn} does not mention {words!r}", "said": "turn {turn} mentions {words!r}", "writes": "writes in turn {turn}",
    "called": "a person was called in turn {turn} ({words})", "not_called": "no person was called by turn {turn}",
    "other_reason": "called because of {words}", "lead": "lead {words}", "language": "turn {turn} is in {words}",
}  # fmt: skip
ENTITIES: Final = frozenset({"name", "phone", "email", "budget", "timeline", "company", "quantity"})
BANDS: Final = (("cold", 30), ("nurture", 60), ("qualified", 80), ("hot", 100))


def answer_verdict(row: Row, reply: str, refused: bool) -> dict[str, bool]:
    """What is right and wrong with the answer to a question row. `refused`: a colleague was asked instead."""
    answerable = row["answer_doc"] is not None
    return {
        "answerable": answerable,
        "correct": answerable and any(mentions(reply, fact) for fact in row["facts"]) and not _forbidden(row, reply),
        "forbidden": _forbidden(row, reply),
        "refused": refused,
    }


def invented(reply: str, evidence: Iterable[str]) -> list[str]:
    """The figures of a reply that stand nowhere in what the company or the customer said."""
    known = {value for text in evidence for figure in figures.read(text) for value in (*figure.values, *figure.raw)}
    products = {one * other for one in known if 1 < one < 100_000 for other in known if other >= 1000} if len(known) < 4000 else set[Any]()
    return [one.words for one in figures.read(reply) if not (set(one.values) | set(one.raw)) & (known | products)]


def answer_kinds(verdict: Mapping[str, Any]) -> list[str]:
    """What is wrong with the answer to a question; empty when nothing is."""
    refused = "answer_refused" if verdict["answerable"] else "unanswerable_answered"
    unsaid = verdict["answerable"] and not verdict["correct"]
    found = {
        refused: verdict["refused"] if verdict["answerable"] else not verdict["refused"],
        "answer_wrong": unsaid and not verdict["refused"] and not verdict["forbidden"],
        "answer_forbidden": verdict["forbidden"],
        "invented": bool(verdict["invented"]),
    }
    return [kind for kind, holds in found.items() if holds]


def objections(row: Row) -> frozenset[str]:
    """The objections a row states: `objection`, and all of `objections` where there are several."""
    return frozenset(one for one in (row.get("objection"), *row.get("objections", ())) if one)


def counted(entities: Row) -> dict[str, Any]:
    """The entities a row can ask for; a reading knows more (the hour a customer named)."""
    return {key: value for key, value in entities.items() if key in ENTITIES}


def calendar(facts: Row) -> tuple[str, ...]:
    """The dates and hours that the customer's "tomorrow at 5" means: who repeats them invents nothing."""
    when: Mapping[str, str] = facts.get("when") or {}
    return tuple(when[end].replace("T", " ") for end in ("from", "to") if end in when)


def entity_counts(wanted: Row, got: Row) -> tuple[int, int, int]:
    """(right, wrong or too many, missing or wrong) over the keys of both."""
    got = counted(got)
    right = sum(1 for key, value in wanted.items() if same(value, got.get(key)))
    return right, len(got) - right, len(wanted) - right


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """The mean F1 over the labels of (true, told) pairs."""
    labels = sorted({label for pair in pairs for label in pair})
    return sum(f1_of(pairs, label) for label in labels) / len(labels) if labels else 0.0


def f1_of(pairs: Sequence[tuple[str, str]], label: str) -> float:
    right = sum(true == told == label for true, told in pairs)
    both = sum(true == label for true, _ in pairs) + sum(told == label for _, told in pairs)
    return 2 * right / both if both else 0.0


def band(score: int) -> str:
    return next(name for name, top in BANDS if score <= top)


def dialogue_faults(row: Row, turns: Sequence[Row], facts: Row) -> list[str]:
    """What a dialogue did not do as expected, in words; empty when it passed. `turns` and `facts` as in `expected.missed`."""
    return [FAULTS[one.kind].format(turn=one.turn, words=one.words) for one in expected.missed(row["expect"], turns, facts)]


def expectations(expect: Row) -> int:
    """How many things `dialogue_faults` looks for: whether a person is called, every text, every lead field, the silence."""
    texts = [text for name in ("must_mention", "must_not_mention") for listed in (expect.get(name) or {}).values() for text in listed]
    return 1 + len(texts) + len(expect.get("lead") or {}) + (expect.get("silent_after") is not None)


def side_faults(row: Row, score: int, facts: Row) -> list[str]:
    """What is measured beside passing: the band of the lead and the objections."""
    missing = set(row["expect"]["objections"]) - set(facts.get("objections") or [])
    wrong_band = band(score) != row["expect"]["lead_band"]
    return [*([f"band {band(score)} ({score})"] if wrong_band else []), *(f"objection {one} missed" for one in sorted(missing))]


def by_language(rows: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The mean of a figure over the rows of each language."""
    found: dict[str, list[float]] = defaultdict(list)
    for spoken, value in rows:
        found[spoken].append(value)
    return {spoken: round(sum(values) / len(values), 4) for spoken, values in sorted(found.items())}


def _forbidden(row: Row, reply: str) -> bool:
    return any(mentions(reply, text) for text in row["forbidden"])
