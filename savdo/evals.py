"""`savdo eval`: messages, questions and dialogues of an evaluation folder through the real pipeline and a real database."""

import asyncio
import hashlib
import json
import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.progress import track

from savdo import evals_figures as figures
from savdo import evals_scores as scores
from savdo.ai import embed
from savdo.base import clock, embedded, runtime
from savdo.base.db import first, new_id, rows, step
from savdo.base.errors import Invalid
from savdo.base.migrate import migrate
from savdo.base.settings import settings
from savdo.channels import connections
from savdo.channels.models import Connection, Inbound, Sender
from savdo.conversations import contacts
from savdo.evals_figures import Figures, Tally
from savdo.knowledge import recall, search
from savdo.operations import lifecycle
from savdo.reply import turn, understand
from savdo.reply.models import Reading, Said, Turn

Row = Mapping[str, Any]
READ: Final = ("language", "intent", "sentiment", "wants_human")
# The part that is measured with every change: about 18 seconds of one core, of which reading a company's documents takes ten.
SAMPLE: Final[Mapping[str, int]] = {"messages": 140, "questions": 30, "dialogues": 6}
SAMPLED_COMPANIES: Final = 1
out = Console()


class WrongFolder(Invalid):
    """This is not an evaluation folder: businesses/ and messages.jsonl, questions*.jsonl or dialogues.jsonl are needed."""

    code = "wrong_folder"


@dataclass(frozen=True, slots=True)
class Folder:
    """An evaluation folder read: the profile of every company, the folder of each that answers, the rows."""

    profiles: Mapping[str, Mapping[str, Any]]
    businesses: Mapping[str, Path]
    messages: Sequence[Row]
    questions: Sequence[Row]
    dialogues: Sequence[Row]


@dataclass(slots=True)
class Company:
    """A business of the folder, taken on: its sandbox connection and everything it says of itself."""

    connection: Connection
    profile: Mapping[str, Any]
    texts: tuple[str, ...]


@dataclass(slots=True)
class Run:
    """What is measured while rows go through: figures, milliseconds of each part, confidences with whether they were right, and
    by language what each turn of a dialogue asked of models ({calls, tokens})."""

    tally: Tally = field(default_factory=Tally)
    ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    said: dict[str, list[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(list))
    asked: list[tuple[str, Mapping[str, int]]] = field(default_factory=list[tuple[str, Mapping[str, int]]])
    labels: Figures = field(default_factory=dict[str, Any])


def run(folder: Folder, *, model: str = "local") -> Figures:
    """Evaluates on an embedded database of its own."""
    os.environ["SAVDO_DEBOUNCE_MS"] = "0"
    settings.cache_clear()
    with embedded.scratch(settings().data_dir, f"evals_{os.getpid()}") as url:
        migrate(url)
        return asyncio.run(_with_database(url, folder, model))


def read(path: Path) -> Folder:
    """An evaluation folder; kinds of rows it does not have are left out of the figures. Raises WrongFolder."""
    businesses = {one.name: one for one in sorted(path.glob("businesses/*")) if one.is_dir()}
    listed = {kind: [row for file in sorted(path.glob(f"{kind}*.jsonl")) for row in _rows(file)] for kind in SAMPLE}
    if not businesses or not any(listed.values()):
        raise WrongFolder(f"{path}: {WrongFolder.__doc__}")
    profiles = {name: json.loads((one / "profile.json").read_text(encoding="utf-8")) for name, one in businesses.items()}
    return Folder(profiles, businesses, **listed)


def sample(folder: Folder) -> Folder:
    """A part of a folder, the same every time whatever is added to the rest: some rows of each kind, and of companies those
    with the least to read, which is what takes longest."""
    sizes = {name: sum(file.stat().st_size for file in path.glob("docs/*")) for name, path in folder.businesses.items()}
    kept = sorted(sizes, key=lambda name: (sizes[name], name))[:SAMPLED_COMPANIES]
    return replace(
        folder,
        businesses={name: folder.businesses[name] for name in kept},
        messages=_some(folder.messages, "messages"),
        questions=_some([row for row in folder.questions if row["business"] in kept], "questions"),
        dialogues=_some([row for row in folder.dialogues if row["business"] in kept], "dialogues"),
    )


async def evaluate(folder: Folder, *, model: str = "local") -> Figures:
    """Every figure of the folder; the database must be open. `model` is local or the name the figures are kept under.

    `rows` says of how many rows a figure is; `intents`, `objections` and `confusion` are by label, `reliability` by
    confidence, `time_ms` by part of a turn; `wrong` holds every wrong row with the kinds of what is wrong with it.
    """
    started, measured = time.perf_counter(), Run()
    await asyncio.to_thread(embed.warm)
    messages(folder, measured)
    answering = bool(folder.questions or folder.dialogues)
    companies = {name: await _take_on(path) for name, path in _shown(folder.businesses.items(), "businesses")} if answering else {}
    await questions(folder.questions, companies, measured)
    await dialogues(folder.dialogues, companies, measured)
    tally = measured.tally
    return {"model": model} | tally.whole | {"rows": tally.rows, "by_language": tally.by_language} | measured.labels | {
        "reliability": {name: figures.reliability(said) for name, said in measured.said.items()},
        "time_ms": {name: figures.spread(spent) for name, spent in measured.ms.items()},
        "cost": [await _cost(company) for company in companies.values()],
        "seconds": round(time.perf_counter() - started, 1), "wrong": tally.wrong,
    }  # fmt: skip


def messages(folder: Folder, measured: Run) -> None:
    """How well single messages are read."""
    seen: list[tuple[Row, Reading]] = []
    for row in _shown(folder.messages, "messages"):
        started = time.perf_counter()
        reading = understand.read(single(row["text"], folder.profiles[row["business"]]))
        measured.ms["reading"].append((time.perf_counter() - started) * 1000)
        seen.append((row, reading))
        measured.said["intent"].append((reading.confidence, reading.intent == row["intent"]))
        faults = _misread(row, reading)
        if faults:
            wanted, told = ({name: pair[place] for name, pair in faults.items()} for place in (0, 1))
            measured.tally.wrong.append({
                "id": row["id"], "kinds": list(faults), "language": row["language"], "text": row["text"], "wanted": wanted, "told": told,
                "confidence": reading.confidence,
            })  # fmt: skip
    if seen:
        _read_figures(seen, measured)


async def questions(listed: Sequence[Row], companies: Mapping[str, Company], measured: Run) -> None:
    """Whether the answer is found, said, and never another one."""
    seen: list[tuple[Row, dict[str, Any]]] = []
    for row in _shown(listed, "questions"):
        company = companies[row["business"]]
        rank = await _rank(company, row, measured)
        talk = Talk(company, measured.ms["turn"])
        said = await talk.says(row["question"])
        facts, _ = await talk.lead()
        verdict: dict[str, Any] = {
            **scores.answer_verdict(row, said["reply"], said["handover"] is not None), "rank": rank,
            "invented": scores.invented(said["reply"], (*company.texts, row["question"], *scores.calendar(facts))),
        }  # fmt: skip
        seen.append((row, verdict))
        kinds = scores.answer_kinds(verdict)
        if kinds:
            measured.tally.wrong.append({
                "id": row["id"], "kinds": kinds, "language": row["language"], "question": row["question"], "reply": said["reply"],
                "handover": said["handover"], "facts": row["facts"], "forbidden": verdict["forbidden"], "invented": verdict["invented"],
                "rank": rank, "span": row["answer_span"],
            })  # fmt: skip
    _answer_figures(seen, measured.tally)


async def dialogues(listed: Sequence[Row], companies: Mapping[str, Company], measured: Run) -> None:
    """Whole conversations: handover, silence, what must and must not be said, the lead."""
    passed: list[tuple[str, bool]] = []
    met: list[tuple[str, bool]] = []
    sides: list[tuple[str, bool]] = []
    for row in _shown(listed, "dialogues"):
        talk = Talk(companies[row["business"]], measured.ms["turn"])
        said = [await talk.says(*([one] if isinstance(one, str) else one)) for one in row["turns"]]
        facts, score = await talk.lead()
        faults, beside = scores.dialogue_faults(row, said, facts), scores.side_faults(row, score, facts)
        measured.asked += [(row["language"], one) for one in await talk.asked()]
        await talk.leave()
        passed.append((row["language"], not faults))
        met += [(row["language"], place >= len(faults)) for place in range(scores.expectations(row["expect"]))]
        sides.append((row["language"], not beside))
        if faults or beside:
            kinds = [*(["dialogue"] if faults else []), *(["dialogue_lead"] if beside else [])]
            replies = [[one, each["reply"]] for one, each in zip(row["turns"], said, strict=True)]
            measured.tally.wrong.append(
                {"id": row["id"], "kinds": kinds, "language": row["language"], "faults": faults, "beside": beside, "said": replies}
            )
    measured.tally.mean("dialogues_passed", passed)
    measured.tally.mean("dialogue_expectations", met)
    measured.tally.mean("dialogue_leads", sides)
    if any(one["calls"] for _, one in measured.asked):
        tokens = [(spoken, one["tokens"]) for spoken, one in measured.asked]
        measured.tally.mean("calls_a_turn", [(spoken, one["calls"]) for spoken, one in measured.asked])
        measured.tally.mean("prompt_tokens_a_turn", tokens)
        measured.tally.measure("most_prompt_tokens", tokens, max)


class Talk:
    """One customer's conversation with a company, over the same functions a channel uses. `spent`: milliseconds a turn."""

    def __init__(self, company: Company, spent: list[float]) -> None:
        self.company, self.spent = company, spent
        self.thread = new_id().hex
        self.conversation: UUID | None = None

    async def says(self, *texts: str) -> Figures:
        """The customer's messages of one turn, and what came back: `reply` ("" when silent), `handover` (the reason)."""
        inbounds = [Inbound("message", new_id().hex, self.thread, Sender(self.thread), text=text) for text in texts]
        taken = await turn.take(self.company.connection, inbounds)
        tenant, self.conversation = self.company.connection.tenant_id, taken[-1].conversation_id
        before = await self._handovers()
        started = time.perf_counter()
        await turn.answer(tenant_id=str(tenant), conversation_id=str(self.conversation))
        self.spent.append((time.perf_counter() - started) * 1000)
        async with step(tenant) as session:
            replies = await rows(
                session,
                "SELECT text FROM messages WHERE conversation_id = %s AND direction = 'out' AND number > %s ORDER BY number",
                (self.conversation, taken[-1].number),
            )
        # A call that stands open is called again where the customer now says more of what they want.
        called = [reason for one, reason in (await self._handovers()).items() if before.get(one) != reason]
        return {"reply": "\n".join(row["text"] for row in replies), "handover": called[0] if called else None}

    async def lead(self) -> tuple[Figures, int]:
        async with step(self.company.connection.tenant_id) as session:
            found = await first(
                session,
                """SELECT l.facts, l.score, p.phone_sealed, p.email_sealed FROM leads l
                     JOIN contacts p ON p.tenant_id = l.tenant_id AND p.id = l.contact_id WHERE l.conversation_id = %s""",
                (self.conversation,),
            )
        return (contacts.with_sealed(found["facts"], found), found["score"]) if found else ({}, 0)

    async def leave(self) -> None:
        """Frees the times that were booked: the next customer is measured alone."""
        async with step(self.company.connection.tenant_id) as session:
            await session.execute("UPDATE appointments SET status = 'cancelled' WHERE conversation_id = %s", (self.conversation,))

    async def asked(self) -> Sequence[Mapping[str, int]]:
        """What each turn asked of models: `calls`, and `tokens` of their prompts together."""
        async with step(self.company.connection.tenant_id) as session:
            return await rows(
                session,
                """SELECT count(m.id) AS calls, coalesce(sum(m.tokens_in), 0) AS tokens FROM turns t
                     LEFT JOIN model_calls m ON m.tenant_id = t.tenant_id AND m.conversation_id = t.conversation_id
                          AND m.number = t.last_number
                    WHERE t.conversation_id = %s GROUP BY t.id ORDER BY t.id""",
                (self.conversation,),
            )

    async def _handovers(self) -> dict[UUID, str]:
        async with step(self.company.connection.tenant_id) as session:
            found = await rows(session, "SELECT id, reason FROM handovers WHERE conversation_id = %s ORDER BY id", (self.conversation,))
        return {row["id"]: row["reason"] for row in found}


def single(text: str, profile: Mapping[str, Any]) -> Turn:
    """A turn of one message with nothing before it."""
    nobody = new_id()
    said = Said(1, "contact", text, clock.now())
    return Turn(nobody, nobody, nobody, "web_chat", profile, (), (), (said,), {}, "bot", "", "", clock.now())


def _misread(row: Row, reading: Reading) -> dict[str, tuple[Any, Any]]:
    """What was read otherwise than the row says: name → (wanted, told)."""
    found = {name: (row[name], getattr(reading, name)) for name in READ}
    found["objections"] = (sorted(scores.objections(row)), sorted(reading.objections))
    entities = scores.counted(reading.entities)
    if scores.entity_counts(row["entities"], entities) != (len(row["entities"]), 0, 0):
        found["entities"] = (row["entities"], entities)
    return {name: pair for name, pair in found.items() if pair[0] != pair[1] or name == "entities"}


def _read_figures(seen: Sequence[tuple[Row, Reading]], measured: Run) -> None:
    tally = measured.tally

    def pairs(name: str) -> list[tuple[str, tuple[str, str]]]:
        return [(row["language"], (str(row[name]), str(getattr(reading, name)))) for row, reading in seen]

    counts = [(row["language"], scores.entity_counts(row["entities"], reading.entities)) for row, reading in seen]
    tally.mean("language_accuracy", [(spoken, true == told) for spoken, (true, told) in pairs("language")])
    tally.measure("intent_macro_f1", pairs("intent"), scores.macro_f1)
    tally.measure("sentiment_macro_f1", pairs("sentiment"), scores.macro_f1)
    tally.mean("wants_human_recall", [(row["language"], reading.wants_human) for row, reading in seen if row["wants_human"]])
    tally.mean("wants_human_precision", [(row["language"], row["wants_human"]) for row, reading in seen if reading.wants_human])
    tally.measure("entities_f1", [one for one in counts if any(one[1])], figures.entities_f1)
    wanted, told = [scores.objections(row) for row, _ in seen], [frozenset[str](reading.objections) for _, reading in seen]
    both = [(row["language"], (true, said)) for (row, _), true, said in zip(seen, wanted, told, strict=True) if true or said]
    tally.measure("objections_f1", both, figures.several_f1)
    measured.labels |= {
        "intents": figures.by_label([frozenset({row["intent"]}) for row, _ in seen], [frozenset({one.intent}) for _, one in seen]),
        "intents_by_language": {
            spoken: {label: round(scores.f1_of(inside, label), 3) for label in sorted({true for true, _ in inside})}
            for spoken in sorted({row["language"] for row, _ in seen})
            for inside in [[pair for language, pair in pairs("intent") if language == spoken]]
        },
        "objections": figures.by_label(wanted, told),
        "confusion": {name: figures.confusion([pair for _, pair in pairs(name)]) for name in ("intent", "sentiment", "language")},
    }


def _answer_figures(seen: Sequence[tuple[Row, Figures]], tally: Tally) -> None:
    listed = [(row["language"], verdict) for row, verdict in seen]
    answerable = [(spoken, one) for spoken, one in listed if one["answerable"]]
    for limit in (3, 10):
        tally.mean(f"retrieval_hit_at_{limit}", [(spoken, one["rank"] is not None and one["rank"] <= limit) for spoken, one in answerable])
    tally.mean("answers_correct", [(spoken, one["correct"]) for spoken, one in answerable])
    tally.mean("answers_forbidden", [(spoken, one["forbidden"]) for spoken, one in listed])
    tally.mean("unanswerable_recognised", [(spoken, one["refused"]) for spoken, one in listed if not one["answerable"]])
    tally.mean("answerable_refused", [(spoken, one["refused"]) for spoken, one in answerable])
    tally.mean("invented", [(spoken, bool(one["invented"])) for spoken, one in listed])


async def _with_database(url: str, folder: Folder, model: str) -> Figures:
    async with runtime.running(settings(), url):
        return await evaluate(folder, model=model)


async def _take_on(folder: Path) -> Company:
    made = await lifecycle.onboard(folder, email=f"{new_id().hex}@evals.example")
    async with step(made.tenant_id) as session:
        connection = await connections.create(session, made.tenant_id, "sandbox", "Evaluation")
    files = [folder / "campaigns.json", folder / "profile.json", *sorted((folder / "docs").iterdir())]
    # In a table the commas part the cells; in a figure they would part its thousands.
    texts = tuple(path.read_text(encoding="utf-8").replace(",", " ; " if path.suffix == ".csv" else ",") for path in files)
    return Company(connection, json.loads((folder / "profile.json").read_text(encoding="utf-8")), texts)


async def _rank(company: Company, row: Row, measured: Run) -> int | None:
    """The place of the passage that answers, None when it is not among the first ten or nothing answers."""
    vector = await embed.asked(row["question"])
    started = time.perf_counter()
    async with step(company.connection.tenant_id) as session:
        found = await search.find(session, row["question"], vector, limit=10)
    measured.ms["search"].append((time.perf_counter() - started) * 1000)
    rank = recall.rank_of(found.passages, row["answer_doc"], row["answer_span"]) if row["answer_doc"] else None
    measured.said["support"].append((found.support, rank is not None))
    return rank


async def _cost(company: Company) -> Figures:
    """What a company's answers cost: turns, micros of each currency."""
    async with step(company.connection.tenant_id) as session:
        found = await rows(session, "SELECT count(*) AS turns, sum(cost_micros)::bigint AS micros, currency FROM turns GROUP BY currency")
    return {"company": company.profile["name"], "turns": sum(one["turns"] for one in found),
            "micros": {one["currency"]: one["micros"] for one in found}}  # fmt: skip


def _some(listed: Sequence[Row], kind: str) -> Sequence[Row]:
    """The rows whose ids come first when shuffled, in their own order."""
    kept = set(sorted((row["id"] for row in listed), key=lambda one: hashlib.sha256(one.encode()).digest())[: SAMPLE[kind]])
    return [row for row in listed if row["id"] in kept]


def _shown(listed: Any, what: str) -> Any:
    return track(listed, what, console=out, transient=True) if listed and out.is_terminal else listed


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
