"""Times a search and a reading, one after the other, in an installation as full as it may get.

The passages are a dealer's: price lists and explanations in four languages, their words and letters made as a document's are.
Of vectors some hundred are the model's own; the others are those, each moved a little. Other companies have the same ones,
moved in a way of their own.
"""

import functools
import itertools
import json
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, LiteralString
from uuid import UUID

import numpy as np
import psycopg

from savdo.ai import embed
from savdo.base.db import Session, new_id, platform_step, step
from savdo.knowledge import ingest, meaning, postings, ranking, search, words
from savdo.knowledge.meaning import Meant, vector_text
from savdo.knowledge.passages import Cut
from savdo.reply import topic, understand
from savdo.reply.models import Said, Turn

PROFILE: Final = Path(__file__).parent / "demo_company" / "profile.json"
DOCUMENT: Final = 500
# How far a vector is moved; its own length is 1.
MOVED: Final = 0.5
QUESTIONS: Final = 60
BESIDE: Final = ("money", "promises", "delivery", "deals", "visits", "qualities")

# Language → a row of a price list, two sentences of an explanation, three questions.
ROWS: Final = {
    "uz": "nomi: {a} {model}; narxi: {n} soʻm; muddati: {m} kun; kafolati: {k} oy; izoh: {b}",
    "ru": "название: {a} {model}; цена: {n} сум; срок: {m} дней; гарантия: {k} мес; примечание: {b}",
    "kk": "атауы: {a} {model}; бағасы: {n} теңге; мерзімі: {m} күн; кепілдігі: {k} ай; ескерту: {b}",
    "en": "name: {a} {model}; price: {n} UZS; time: {m} days; warranty: {k} months; note: {b}",
}
TEXTS: Final = {
    "uz": "{a} {model} uchun {b} bor, narxi {n} soʻmdan.\n{c} {m} kun ichida tayyor boʻladi, {d} uchun oldindan yozib qoʻying.",
    "ru": "Для {a} {model} есть {b}, стоимость от {n} сум.\n{c} будет готово за {m} дней, на {d} записывайтесь заранее.",
    "kk": "{a} {model} үшін {b} бар, бағасы {n} теңгеден.\n{c} {m} күнде дайын болады, {d} үшін алдын ала жазылыңыз.",
    "en": "For {a} {model} there is {b}, from {n} UZS.\n{c} is ready within {m} days, please book ahead for {d}.",
}
ASKED: Final = {
    "uz": ("{a} {model} narxi qancha?", "{a} uchun {b} bormi, necha kun kutaman?", "Salom, {a} olaman, {b} kerak, jami qancha boʻladi?"),
    "ru": ("Сколько стоит {a} {model}?", "На {a} есть {b}? И сколько дней ждать?", "Хочу {a}, ещё нужно {b}, сколько выйдет с доставкой?"),
    "kk": ("{a} {model} бағасы қанша?", "{a} үшін {b} бар ма, неше күн күтемін?", "Сәлем, {a} аламын, {b} керек, барлығы қанша болады?"),
    "en": ("How much is {a} {model}?", "Is there {b} for {a}, and how long do I wait?", "Hi, I want {a} and {b}, how much with delivery?"),
}

COPIES: Final[tuple[LiteralString, ...]] = (
    """INSERT INTO documents (tenant_id, id, kind, name, mime, size, sha256, status, version, passages)
       SELECT %(other)s, id, kind, name, mime, size, sha256, status, version, passages FROM documents WHERE tenant_id = %(own)s""",
    """INSERT INTO passages (tenant_id, id, document_id, version, position, kind, title_path, text, cells, page, language,
                             embedding, sentences, sentence_embeddings, words, grams)
       SELECT %(other)s, id, document_id, version, position, kind, title_path, text, cells, page, language,
              l2_normalize(embedding + %(move)s::halfvec), sentences, sentence_embeddings, words, grams
         FROM passages WHERE tenant_id = %(own)s""",
    """INSERT INTO postings (tenant_id, word, document_id, places, headings)
       SELECT %(other)s, word, document_id, places, headings FROM postings WHERE tenant_id = %(own)s""",
)


async def fill(url: str, tenant_id: UUID, documents: int, companies: int, embedded: int) -> None:
    """Makes `companies` and gives each so many `documents` of 500 passages; the first is `tenant_id`. `embedded` passages have
    the model's own vectors."""
    made = random.Random(1)
    written = [(spoken, [_cut(made, spoken) for _ in range(DOCUMENT)]) for spoken in itertools.islice(itertools.cycle(ROWS), documents)]
    chosen = made.sample([cut for _, cuts in written for cut in cuts], embedded)
    like: dict[str, list[Meant]] = {}
    for cut, meant in zip(chosen, await meaning.of(chosen), strict=True):
        like.setdefault(cut.kind, []).append(meant)
    # What is thrown away needs no log.
    _maintain(url, "ALTER TABLE passages SET UNLOGGED", "ALTER TABLE postings SET UNLOGGED")
    others = [new_id() for _ in range(companies - 1)]
    async with platform_step("companies of a bench") as session:
        for one in (tenant_id, *others):
            await session.execute("INSERT INTO tenants (id, slug) VALUES (%s, %s)", (one, f"bench-{one.hex}"))
    for spoken, cuts in written:
        async with step(tenant_id) as session:
            await _store(session, tenant_id, cuts, spoken, like, made)
    for other in others:
        async with platform_step("passages of a bench") as session:
            await _copy(session, tenant_id, other, made)
    _maintain(url, "VACUUM ANALYZE passages", "VACUUM ANALYZE postings", "VACUUM ANALYZE documents")


async def timed(tenant_id: UUID, rounds: int) -> dict[str, list[list[float]]]:
    """What was timed → milliseconds in each round of new questions."""
    made = random.Random(2)
    found: dict[str, list[list[float]]] = {}
    for _ in range(rounds + 1):
        spoken = itertools.islice(itertools.cycle(ASKED), QUESTIONS)
        one = [await _one(tenant_id, _filled(made, made.choice(ASKED[language]), language)) for language in spoken]
        for name in one[0]:
            found.setdefault(name, []).append([times[name] for times in one])
    # The first loads models and rows.
    return {name: values[1:] for name, values in found.items()}


async def _one(tenant_id: UUID, text: str) -> dict[str, float]:
    turn = _turn(tenant_id, text)
    asked = topic.asked(turn)
    begun = time.perf_counter()
    vector = await embed.asked(asked)
    embedded = time.perf_counter()
    async with step(tenant_id) as session:
        before = _core_s(session)
        seen = await search.candidates(session, asked, vector)
        core = _core_s(session) - before
    given, started = time.perf_counter(), time.process_time()
    ranking.ranked(*seen, 8)
    ranked, ordered = time.perf_counter(), time.process_time()
    understand.read(turn)
    read, done = time.perf_counter(), time.process_time()
    seconds = {
        "embed": embedded - begun, "search_database": given - embedded, "search_ranking": ranked - given,
        "search": ranked - embedded, "search_core": core + ordered - started, "read": read - ranked, "read_core": done - ordered,
    }  # fmt: skip
    return {name: value * 1000 for name, value in seconds.items()}


def _core_s(session: Session) -> float:
    """Seconds of a core that this process and the database's have used: what waits beside others is not counted.
    0 for the database where the system does not tell."""
    told = Path(f"/proc/{session.info.backend_pid}/schedstat")
    return time.process_time() + (int(told.read_text().split()[0]) / 1e9 if told.exists() else 0.0)


def _turn(tenant_id: UUID, text: str) -> Turn:
    now = datetime.now(UTC)
    said = Said(1, "contact", text, now)
    return Turn(tenant_id, tenant_id, tenant_id, "sandbox", _profile(), (), (), (said,), {}, "bot", "", "", now)


@functools.cache
def _profile() -> Mapping[str, Any]:
    return json.loads(PROFILE.read_text(encoding="utf-8"))


def _cut(made: random.Random, spoken: str) -> Cut:
    if made.random() < 0.6:
        text = _filled(made, ROWS[spoken], spoken)
        cells = [part.partition(": ") for part in text.split("; ")]
        return Cut("row", ("Price list",), text, tuple((name, cell) for name, _, cell in cells))
    return Cut("text", ("Answers", _filled(made, "{c}: {a}", spoken)), _filled(made, TEXTS[spoken], spoken))


def _filled(made: random.Random, pattern: str, spoken: str) -> str:
    goods, beside = _lexicon()
    return pattern.format(
        a=made.choice(goods)[spoken], b=made.choice(beside)[spoken], c=made.choice(beside)[spoken].capitalize(),
        d=made.choice(goods)[spoken], model=f"{made.choice('ABKMNST')}{made.randrange(1, 400)}", n=made.randrange(10, 9000) * 1000,
        m=made.randrange(2, 40), k=made.choice((6, 12, 24, 36)),
    )  # fmt: skip


@functools.cache
def _lexicon() -> tuple[list[Mapping[str, str]], list[Mapping[str, str]]]:
    """The goods, and what is said of any, each in four languages."""
    known = words.lexicon()
    areas = sorted(known.areas.items())
    goods = [known.said[one] for area, listed in areas if area.startswith("goods_") for one in sorted(listed)]
    return goods, [known.said[one] for area, listed in areas if area in BESIDE for one in sorted(listed)]


def _moved(cut: Cut, like: Meant, made: random.Random) -> Meant:
    vectors = [np.asarray(vector) + _move(made) for vector in like.vectors]
    moved = tuple((vector / np.linalg.norm(vector)).tolist() for vector in vectors)
    return Meant(tuple(meaning.sentences(cut.kind, cut.text)), moved)


def _move(made: random.Random) -> Any:
    return np.random.default_rng(made.getrandbits(32)).normal(scale=MOVED / embed.DIMENSIONS**0.5, size=embed.DIMENSIONS)


async def _store(
    session: Session, tenant_id: UUID, cuts: list[Cut], spoken: str, like: Mapping[str, list[Meant]], made: random.Random
) -> None:
    document_id = new_id()
    await session.execute(
        """INSERT INTO documents (tenant_id, id, kind, name, mime, size, sha256, status, version, passages)
           VALUES (%s, %s, 'file', 'prices.csv', 'text/csv', 1, %s, 'ready', 1, %s)""",
        (tenant_id, document_id, document_id.bytes, len(cuts)),
    )
    meant = [_moved(cut, made.choice(like[cut.kind]), made) for cut in cuts]
    await ingest.insert(session, ingest.Work(tenant_id, document_id, 1, "", ""), 0, cuts, meant, spoken)
    await postings.write(session, tenant_id, document_id)


async def _copy(session: Session, tenant_id: UUID, other: UUID, made: random.Random) -> None:
    """Gives another company the documents and passages of the first, all vectors moved alike."""
    values = {"own": tenant_id, "other": other, "move": vector_text(_move(made).tolist())}
    for statement in COPIES:
        await session.execute(statement, values)


def _maintain(url: str, *statements: LiteralString) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
