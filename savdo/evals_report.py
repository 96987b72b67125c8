"""What `savdo eval` shows: tables on the screen, docs/quality.md, the difference to an earlier result, the baseline."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from savdo import evals_figures as figures
from savdo.evals_figures import HEADLINES, Change, Figures

LANGUAGES: Final = ("uz", "ru", "kk", "en")
MOST_CONFUSIONS: Final = 15
# Beside the headlines, where there are rows for them.
ALSO: Final = ("objections_f1", "dialogue_leads")
# Of the dialogues, where models were asked.
ASKED: Final = ("calls_a_turn", "prompt_tokens_a_turn", "most_prompt_tokens")
BASELINE_DIGITS: Final = 4
Cells = Sequence[str]
out = Console()


def show(result: Figures) -> None:
    """The tables on the screen."""
    for title, head, body in tables(result):
        table = Table(title=title)
        for name in head:
            table.add_column(name, no_wrap=name == head[0])
        for row in body:
            table.add_row(*map(escape, row))
        out.print(table)
    out.print(f"model: {result['model']}; {time_and_cost(result)} {result['seconds']} s in all.", highlight=False)


def show_wrong(result: Figures, most: int) -> None:
    """Up to `most` wrong rows of each kind of fault."""
    kinds: dict[str, list[Figures]] = defaultdict(list)
    for row in result["wrong"]:
        for kind in row["kinds"]:
            kinds[kind].append(row)
    for kind, listed in sorted(kinds.items()) if most else ():
        out.print(f"\n[bold]{kind}[/bold]: {len(listed)} rows")
        for row in listed[:most]:
            out.print(escape(f"  {row['id']} ({row['language']}) {wrong_row(row, kind)}"), highlight=False, soft_wrap=True)


def wrong_row(row: Mapping[str, Any], kind: str) -> str:
    """One wrong row in a line: what was said, what was wanted, what came."""
    if "text" in row:
        return f"{row['text']!r}: wanted {row['wanted'].get(kind)!r}, read {row['told'].get(kind)!r} ({row['confidence']:.2f})"
    if "question" in row:
        wanted = f"wanted one of {row['facts']}" if row["facts"] else "nothing answers it"
        came = f"said {row['reply']!r}, handover {row['handover']}, made up {row['invented']}"
        return f"{row['question']!r}: {wanted}, found at {row['rank']}, {came}"
    return "; ".join(row["faults"] if kind == "dialogue" else row["beside"])


def tables(result: Figures) -> Iterable[tuple[str, Cells, list[Cells]]]:
    """(title, heading, rows): the headlines by language and what was asked of models, intents, objections, confusions, reliability."""
    yield from headlines(result)
    if "intents" in result:
        by_language = result["intents_by_language"]
        yield "Intents", ("intent", "rows", "precision", "recall", "F1", *(f"F1 {one}" for one in LANGUAGES)), [
            (*_label(name, one), *_spoken({spoken: found[name] for spoken, found in by_language.items() if name in found}))
            for name, one in result["intents"].items()
        ]  # fmt: skip
        yield "Objections", ("objection", "rows", "precision", "recall", "F1"), [_label(*one) for one in result["objections"].items()]
        yield "The largest confusions", ("is", "was read as", "rows"), [
            (true, told, str(count)) for true, told, count in figures.confused(result["confusion"]["intent"], MOST_CONFUSIONS)
        ]  # fmt: skip
    for name, found in result["reliability"].items():
        yield f"Confidence of the {name}: expected calibration error {found['ece']:.3f}", ("from", "rows", "said", "right"), [
            (f"{one['from']:.1f}", str(one["rows"]), f"{one['said']:.2f}", f"{one['right']:.2f}") for one in found["bins"]
        ]  # fmt: skip


def headlines(result: Figures) -> Iterable[tuple[str, Cells, list[Cells]]]:
    """(title, heading, rows): the headlines by language, and what the turns of the dialogues asked of models."""
    yield "Figures", ("figure", "rows", "all", *LANGUAGES), [
        (name, str(result["rows"][name]), f"{result[name]:.3f}", *_spoken(result["by_language"][name]))
        for name in (*HEADLINES, *ALSO) if name in result
    ]  # fmt: skip
    if asked := [name for name in ASKED if name in result]:
        yield "Model calls of a turn in the dialogues", ("figure", "turns", "all", *LANGUAGES), [
            (name, str(result["rows"][name]), f"{result[name]:,.5g}", *_spoken(result["by_language"][name], ",.5g")) for name in asked
        ]  # fmt: skip


def time_and_cost(result: Figures) -> str:
    spent = [f"{name} p50 {one['p50']} ms, p95 {one['p95']} ms" for name, one in result["time_ms"].items()]
    turns = sum(one["turns"] for one in result["cost"])
    micros: dict[str, int] = defaultdict(int)
    for company in result["cost"]:
        for currency, value in company["micros"].items():
            micros[currency] += value
    paid = ", ".join(f"{value / 1_000_000:.4f} {currency}" for currency, value in micros.items() if value) or "nothing"
    return f"{'; '.join(spent)}." + (f" {turns} turns cost {paid} at models." if turns else "")


def show_changes(changed: Sequence[Change]) -> None:
    """The difference to an earlier result; what fell by more than the noise of so many rows is marked."""
    table = Table("figure", "before", "now", "change", "noise ±", "", title="Against the earlier result")
    for one in changed:
        mark = "[red]fell[/red]" if one.fell else "[green]better[/green]" if one.rose else ""
        table.add_row(one.name, f"{one.before:.3f}", f"{one.now:.3f}", f"{one.now - one.before:+.3f}", f"{one.noise:.3f}", mark)
    out.print(table)


def write_baseline(result: Figures, path: Path) -> None:
    """The headlines with their row counts: what later results may not fall below."""
    kept = {name: {"value": round(result[name], BASELINE_DIGITS), "rows": result["rows"][name]} for name in HEADLINES if name in result}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def read_result(path: Path) -> Figures:
    """A result as `--json` wrote it, or a baseline."""
    found = json.loads(path.read_text(encoding="utf-8"))
    if "rows" in found or "model" in found:
        return found
    return {name: one["value"] for name, one in found.items()} | {"rows": {name: one["rows"] for name, one in found.items()}}


def write_quality(result: Figures, path: Path, beside: Figures | None = None) -> None:
    """The figures as Markdown, the headlines of a run `beside` them, and what stands in quality-notes.md: how they are to be read."""
    notes = path.with_name("quality-notes.md")
    lines = [
        f"# Quality of the answers {'without a model' if result['model'] == 'local' else 'with ' + result['model']}", "",
        "Measured with `savdo eval evals/` on the rows of `evals/` (its README says what each row asks), through the real pipeline.",
        "The examples the reading is trained on are in `savdo/reply/examples/`; a test holds them apart from the evaluation rows.",
        f"This page is written by `make eval`; what stands under the tables comes from [{notes.name}]({notes.name}).", "",
        f"Time and cost: {time_and_cost(result)}", "",
    ]  # fmt: skip
    for title, head, body in tables(result):
        lines += [f"## {title}", "", _line(head), _line(["---"] * len(head)), *map(_line, body), ""]
    if beside is not None:
        lines += [f"## With {beside['model']} in the chain", "", f"Time and cost: {time_and_cost(beside)}", ""]
        for _, head, body in headlines(beside):
            lines += [_line(head), _line(["---"] * len(head)), *map(_line, body), ""]
    lines += ["`invented` is the share of answers with a figure that neither the company nor the customer said.", ""]
    text = "\n".join(lines) + ("\n" + notes.read_text(encoding="utf-8") if notes.exists() else "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _line(cells: Cells) -> str:
    return f"| {' | '.join(cells)} |"


def _label(name: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    return name, str(one["rows"]), f"{one['precision']:.2f}", f"{one['recall']:.2f}", f"{one['f1']:.2f}"


def _spoken(values: Mapping[str, float], shape: str = ".3f") -> tuple[str, ...]:
    return tuple(f"{values[one]:{shape}}" if one in values else "" for one in LANGUAGES)
