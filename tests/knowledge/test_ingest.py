"""Documents taken in, replaced without a gap, deleted; answers by hand; searches in four languages."""

import asyncio
import contextlib
from uuid import UUID

import pytest

from savdo.ai import embed
from savdo.base import files, jobs, live
from savdo.base.db import platform_step, rows, step
from savdo.base.errors import Conflict, Invalid, NotFound
from savdo.knowledge import answers, ingest, recall, search
from savdo.knowledge.models import Document, Passage
from savdo.knowledge.refusals import Empty, TooLargeFile, UnknownKind

PRICES = "choy,vazn,narx_som,izoh\nSencha,100 g,54000,barg choy\nUlun,100 g,61000,togʻ choyi\nMatcha,50 g,98000,kukun\n"
TERMS = """# Условия чайного дома

## Доставка
Возим по Ташкенту за 18 000 сумов, заказ от 300 000 сумов везём даром. По воскресеньям не возим.

## Возврат
Закрытую пачку берём обратно девять дней.

## Дегустация
Пробуем шесть сортов каждую среду в 19:00, место нужно занять заранее.
"""


async def read_in(tenant_id: UUID, name: str, text: str) -> UUID:
    document_id = await ingest.add(tenant_id, name, text.encode())
    await ingest.read(tenant_id=str(tenant_id), document_id=str(document_id))
    return document_id


async def find(tenant_id: UUID, text: str, limit: int = 3) -> list[Passage]:
    vector = await embed.asked(text)
    async with step(tenant_id) as session:
        return list((await search.find(session, text, vector, limit=limit)).passages)


async def shown(tenant_id: UUID, document_id: UUID) -> Document:
    async with step(tenant_id) as session:
        return await ingest.document(session, document_id)


async def test_that_a_document_is_queued_with_its_job_and_read_by_it(tenant_id: UUID) -> None:
    document_id = await ingest.add(tenant_id, "shartlar.md", TERMS.encode())
    assert (await shown(tenant_id, document_id)).status == "queued"
    await jobs.run_waiting()
    ready = await shown(tenant_id, document_id)
    assert (ready.status, ready.progress, ready.version, ready.passages, ready.language) == ("ready", 100, 1, 3, "ru")


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("yetkazib berish qancha turadi", "18 000"), ("етказиб бериш борми", "18 000"), ("жеткізу қанша тұрады", "18 000"),
        ("how much is delivery", "18 000"), ("можно вернуть чай?", "девять дней"), ("can I return it", "девять дней"),
        ("сенча нархи қанча", "54000"), ("сколько стоит матча", "98000"), ("price of oolong ulun tea", "61000"),
    ],
)  # fmt: skip
async def test_that_it_is_found_across_languages_and_scripts(tea: UUID, question: str, fact: str) -> None:
    assert fact in "\n".join(passage.text for passage in await find(tea, question, limit=2))


@pytest.fixture
async def tea(tenant_id: UUID) -> UUID:
    await read_in(tenant_id, "narxlar.csv", PRICES)
    await read_in(tenant_id, "shartlar.md", TERMS)
    return tenant_id


async def test_that_a_row_keeps_its_columns_in_order(tea: UUID) -> None:
    first, *_ = await find(tea, "Matcha narxi")
    assert (first.kind, first.document_name) == ("row", "narxlar.csv")
    assert list((first.cells or {}).items()) == [("choy", "Matcha"), ("vazn", "50 g"), ("narx som", "98000"), ("izoh", "kukun")]
    assert recall.rank_of([first], "narxlar.csv", "Matcha,50 g,98000") == 1
    assert recall.rank_of([first], "narxlar.csv", "Sencha,100 g") is None


async def test_that_the_same_search_gives_the_same_order(tea: UUID) -> None:
    once = [passage.id for passage in await find(tea, "choy", limit=10)]
    assert once == [passage.id for passage in await find(tea, "choy", limit=10)]


async def test_that_any_text_can_be_searched_for(tea: UUID) -> None:
    for text in ("", "'; DROP TABLE passages; --", "\0\0", "🫖" * 300, "\ud800", "слово " * 4_000, "' | & ! :* <->", "١٢٣ שלום"):
        assert isinstance(await find(tea, text), list)


async def test_that_another_company_finds_nothing_of_it(tea: UUID, other_tenant_id: UUID) -> None:
    assert await find(other_tenant_id, "доставка по Ташкенту") == []
    document_id = (await find(tea, "доставка"))[0].document_id
    with pytest.raises(NotFound):
        await ingest.delete(other_tenant_id, document_id)
    with pytest.raises(NotFound):
        await ingest.replace(other_tenant_id, document_id, "a.md", b"# stolen\n\ntext")


async def test_that_the_same_bytes_are_the_same_document(tenant_id: UUID) -> None:
    both = await asyncio.gather(*(ingest.add(tenant_id, name, TERMS.encode()) for name in ("a.md", "b.md")))
    assert both[0] == both[1]


async def test_that_searches_never_come_back_empty_while_a_document_is_replaced(tenant_id: UUID) -> None:
    document_id = await read_in(tenant_id, "shartlar.md", TERMS)
    stopped = asyncio.Event()
    seen: list[str] = []

    async def keep_searching() -> None:
        while not stopped.is_set():
            found = await find(tenant_id, "сколько стоит доставка", limit=1)
            seen.append(found[0].text if found else "nothing")
            await asyncio.sleep(0)

    searching = asyncio.create_task(keep_searching())
    again = await ingest.add(tenant_id, "shartlar.md", TERMS.replace("18 000", "25 000").encode())
    await jobs.run_waiting()
    await find(tenant_id, "доставка")
    await asyncio.sleep(0.1)
    stopped.set()
    await searching
    assert again == document_id
    assert all("18 000" in text or "25 000" in text for text in seen)
    assert "18 000" in seen[0]
    assert "25 000" in seen[-1]
    async with step(tenant_id) as session:
        assert {row["version"] for row in await rows(session, "SELECT version FROM passages")} == {2}


async def test_that_a_file_that_cannot_be_read_leaves_the_old_one_answering(tenant_id: UUID) -> None:
    document_id = await read_in(tenant_id, "shartlar.md", TERMS)
    await ingest.replace(tenant_id, document_id, "shartlar.pdf", b"%PDF-1.7 broken")
    await jobs.run_waiting()
    failed = await shown(tenant_id, document_id)
    assert (failed.status, failed.version) == ("failed", 1)
    assert "damaged" in (failed.problem or "")
    assert "18 000" in (await find(tenant_id, "доставка"))[0].text


async def test_that_reading_begun_and_cut_off_begins_again_cleanly(tenant_id: UUID) -> None:
    document_id = await ingest.add(tenant_id, "long.md", "\n\n".join(f"## Part {n}\n\nThe rule number {n}." for n in range(24)).encode())
    reading = asyncio.create_task(ingest.read(tenant_id=str(tenant_id), document_id=str(document_id)))
    async with asyncio.timeout(10):
        while not (await shown(tenant_id, document_id)).progress:  # noqa: ASYNC110 # a row tells, not this process
            await asyncio.sleep(0.01)
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading
    assert await find(tenant_id, "The rule number 3") == []
    await asyncio.gather(*(ingest.read(tenant_id=str(tenant_id), document_id=str(document_id)) for _ in range(2)))
    assert (await shown(tenant_id, document_id)).passages == 24
    async with step(tenant_id) as session:
        assert len(await rows(session, "SELECT 1 FROM passages")) == 24


async def test_that_the_last_of_two_people_who_replace_at_once_wins(tenant_id: UUID) -> None:
    document_id = await read_in(tenant_id, "shartlar.md", TERMS)
    await asyncio.gather(
        *(ingest.replace(tenant_id, document_id, "shartlar.md", TERMS.replace("18 000", f"{price} 000").encode()) for price in (31, 32)),
        ingest.read(tenant_id=str(tenant_id), document_id=str(document_id)),
    )
    await jobs.run_waiting()
    ready = await shown(tenant_id, document_id)
    assert (ready.status, ready.version) == ("ready", 3)
    text = (await find(tenant_id, "доставка"))[0].text
    assert hash_of(text, ready.file_key)
    async with step(tenant_id) as session:
        assert len(await rows(session, "SELECT 1 FROM passages")) == 3


def hash_of(text: str, file_key: str) -> bool:
    return any(price in text for price in ("31 000", "32 000")) and file_key.count("/") == 2


async def test_that_a_deleted_document_is_gone_with_its_file(tenant_id: UUID) -> None:
    document_id = await read_in(tenant_id, "shartlar.md", TERMS)
    key = (await shown(tenant_id, document_id)).file_key
    await ingest.delete(tenant_id, document_id)
    assert await find(tenant_id, "доставка") == []
    with pytest.raises(files.NoSuchFile):
        await files.get(key)
    await ingest.read(tenant_id=str(tenant_id), document_id=str(document_id))


async def test_that_what_is_no_document_is_refused_before_it_is_stored(tenant_id: UUID) -> None:
    for content, refusal in ((b"", Empty), (b"\x89PNG\r\n" + b"\0" * 99, UnknownKind), (b"x" * 20_000_001, TooLargeFile)):
        with pytest.raises(refusal):
            await ingest.add(tenant_id, "a.pdf", content)
    async with step(tenant_id) as session:
        assert await ingest.documents(session) == ([], "")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\Users\\x\\narx.csv", "narx.csv"), ("price\u202efdp.exe", "pricefdp.exe"), ("\0", "document"),
        ("..", "document"), ("<script>.md", "<script>.md"), ("а" * 400 + ".docx", "а" * 190 + ".docx"), ("/", "document"),
    ],
)  # fmt: skip
def test_that_names_lose_their_folders_and_their_tricks(name: str, kept: str) -> None:
    assert ingest.clean_name(name) == kept


async def test_that_bytes_of_another_document_are_no_replacement(tea: UUID) -> None:
    document_id = (await find(tea, "доставка"))[0].document_id
    with pytest.raises(Conflict, match=r"narxlar\.csv"):
        await ingest.replace(tea, document_id, "shartlar.md", PRICES.encode())


async def test_that_an_answer_by_hand_is_found_at_once_and_can_be_changed(tenant_id: UUID) -> None:
    document_id = await answers.add_answer(tenant_id, "Do you have a parking place?", "Yes, six places behind the house.")
    first, *_ = await find(tenant_id, "where can I park my car")
    assert (first.kind, first.title_path, first.text) == ("answer", ("Do you have a parking place?",), "Yes, six places behind the house.")
    await answers.change_answer(tenant_id, document_id, "Do you have a parking place?", "No longer.")
    assert [passage.text for passage in await find(tenant_id, "parking")] == ["No longer."]
    with pytest.raises(Invalid) as refused:
        await answers.add_answer(tenant_id, " ", "x")
    assert refused.value.field == "question"
    await ingest.delete(tenant_id, document_id)
    assert await find(tenant_id, "parking") == []


async def test_that_watchers_are_told_of_the_progress(tenant_id: UUID) -> None:
    listening = asyncio.create_task(live.listen())
    async with live.subscribe(tenant_id) as queue:
        await asyncio.wait_for(queue.get(), 5)
        document_id = await read_in(tenant_id, "shartlar.md", TERMS)
        notices = [await asyncio.wait_for(queue.get(), 5) for _ in range(3)]
    listening.cancel()
    assert {(notice.kind, notice.extra) for notice in notices} == {("document", str(document_id))}


async def test_that_no_lost_file_keeps_a_document_reading_for_ever(tenant_id: UUID) -> None:
    document_id = await ingest.add(tenant_id, "shartlar.md", TERMS.encode())
    await files.delete((await shown(tenant_id, document_id)).file_key)
    await jobs.run_waiting()
    assert (await shown(tenant_id, document_id)).status == "failed"
    async with platform_step("no job is left") as session:
        assert await rows(session, "SELECT 1 FROM procrastinate_jobs WHERE status = 'failed'") == []
