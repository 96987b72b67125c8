"""Knowledge: documents and hand-written answers, their state, their passages, and what the bot would find."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response, UploadFile

from savdo import audit
from savdo.ai import embed
from savdo.base import files, texts
from savdo.base.db import rows, step
from savdo.base.errors import Invalid
from savdo.base.settings import settings
from savdo.knowledge import answers, ingest, pictures, refusals, search
from savdo.web import page
from savdo.web.page import Reader, Teacher

ACCEPTED = ".pdf,.docx,.xlsx,.csv,.html,.htm,.md,.txt,.png,.jpg,.jpeg,.webp"
# A refusal is stored in English words; whoever reads it may have another language.
CODES = {(refusal.__doc__ or "").strip(): refusal.code for refusal in refusals.REFUSALS.values()}
# Passages of a document that are shown at once.
PASSAGES = 100

After = Annotated[str, Query(max_length=200)]

router = APIRouter(include_in_schema=False)


@router.get("/knowledge")
async def knowledge(request: Request, actor: Reader, q: Annotated[str, Query(max_length=500)] = "", after: After = "") -> Response:
    vector = await embed.asked(q) if q.strip() else None
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        documents, older = await ingest.documents(session, after=after)
        found = (await search.find(session, q, vector, limit=6)).passages if vector else ()
    return page.render(
        request,
        "knowledge/page.html",
        documents=documents,
        older=older,
        after=after,
        found=found,
        q=q,
        problem=_problem(actor),
        **_limits(),
    )


@router.get("/knowledge/list")
async def listed(request: Request, actor: Reader, after: After = "") -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        documents, older = await ingest.documents(session, after=after)
    return page.render(request, "knowledge/list.html", documents=documents, older=older, after=after, problem=_problem(actor))


@router.get("/knowledge/answers/new")
async def new_answer(request: Request, actor: Teacher, question: Annotated[str, Query(max_length=500)] = "") -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
    return page.render(request, "knowledge/answer.html", document=None, question=question, answer="", wrong=None)


@router.post("/knowledge/answers/new")
async def add_answer(
    request: Request, actor: Teacher, question: Annotated[str, Form()] = "", answer: Annotated[str, Form()] = ""
) -> Response:
    try:
        document_id = await answers.add_answer(actor.tenant_id, question, answer)
    except Invalid as wrong:
        return page.render(request, "knowledge/answer.html", status=422, document=None, question=question, answer=answer, wrong=wrong.field)
    await _note(actor, "answer.added", document_id)
    return page.go(request, "/knowledge", flash="knowledge.saved")


@router.post("/knowledge/upload")
async def upload(request: Request, actor: Teacher, file: UploadFile) -> Response:
    document_id = await ingest.add(actor.tenant_id, file.filename or "", await _read(file))
    await _note(actor, "document.added", document_id)
    if request.headers.get("accept", "").startswith("application/json"):
        return Response(status_code=201)
    return page.go(request, "/knowledge", flash="knowledge.taken")


@router.get("/knowledge/{document_id}")
async def document(
    request: Request, actor: Reader, document_id: UUID, at: UUID | None = None, start: Annotated[int, Query(ge=0, le=10**6)] = 0
) -> Response:
    """From the passage at a place on, or the page on which the passage `at` stands."""
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
        shown = await ingest.document(session, document_id)
        passages = await rows(
            session,
            """SELECT id, position, kind, title_path, text, page FROM passages
                WHERE document_id = %(document)s AND version = %(version)s
                  AND position >= coalesce((SELECT position / %(most)s * %(most)s FROM passages
                                             WHERE id = %(at)s AND document_id = %(document)s AND version = %(version)s), %(start)s)
                ORDER BY position LIMIT %(most)s""",
            {"document": document_id, "version": shown.version, "most": PASSAGES, "at": at, "start": start},
        )
    if shown.kind == "answer":
        return page.render(
            request, "knowledge/answer.html", document=shown, question=shown.question, answer=shown.answer, wrong=None, passages=passages
        )
    return page.render(
        request, "knowledge/document.html", document=shown, passages=passages, most=PASSAGES,
        is_picture=shown.mime in pictures.MIMES, longest_caption=pictures.LONGEST_CAPTION, problem=_problem(actor), **_limits(),
    )  # fmt: skip


@router.get("/knowledge/{document_id}/file")
async def download(actor: Reader, document_id: UUID) -> Response:
    async with step(actor.tenant_id) as session:
        shown = await ingest.document(session, document_id)
    content = await files.get(shown.file_key)
    is_picture = shown.mime in pictures.MIMES
    disposition = "inline" if is_picture else page.attached(shown.name)
    headers = {"content-disposition": disposition, "content-security-policy": "default-src 'none'; sandbox"}
    return Response(content, media_type=shown.mime if is_picture else "application/octet-stream", headers=headers)


@router.post("/knowledge/{document_id}/caption")
async def caption(
    request: Request,
    actor: Teacher,
    document_id: UUID,
    caption: Annotated[str, Form(max_length=1000)] = "",
    shareable: Annotated[bool, Form()] = False,
) -> Response:
    async with step(actor.tenant_id) as session:
        await pictures.describe(session, document_id, caption, shareable=shareable)
        await audit.note(session, actor.tenant_id, actor.note, "document.shareable", str(document_id), {"allowed": shareable})
    return page.go(request, f"/knowledge/{document_id}", flash="knowledge.saved")


@router.post("/knowledge/{document_id}/answer")
async def change_answer(
    request: Request, actor: Teacher, document_id: UUID, question: Annotated[str, Form()] = "", answer: Annotated[str, Form()] = ""
) -> Response:
    try:
        await answers.change_answer(actor.tenant_id, document_id, question, answer)
    except Invalid as wrong:
        async with step(actor.tenant_id) as session:
            shown = await ingest.document(session, document_id)
        return page.render(
            request, "knowledge/answer.html", status=422, document=shown, question=question, answer=answer, wrong=wrong.field
        )
    await _note(actor, "answer.changed", document_id)
    return page.go(request, "/knowledge", flash="knowledge.saved")


@router.post("/knowledge/{document_id}/replace")
async def replace(request: Request, actor: Teacher, document_id: UUID, file: UploadFile) -> Response:
    await ingest.replace(actor.tenant_id, document_id, file.filename or "", await _read(file))
    await _note(actor, "document.replaced", document_id)
    return page.go(request, f"/knowledge/{document_id}", flash="knowledge.replaced")


@router.post("/knowledge/{document_id}/retry")
async def retry(request: Request, actor: Teacher, document_id: UUID) -> Response:
    await ingest.retry(actor.tenant_id, document_id)
    return page.go(request, f"/knowledge/{document_id}")


@router.post("/knowledge/{document_id}/delete")
async def delete(request: Request, actor: Teacher, document_id: UUID) -> Response:
    await ingest.delete(actor.tenant_id, document_id)
    await _note(actor, "document.deleted", document_id)
    return page.go(request, "/knowledge", flash="knowledge.deleted")


async def _read(file: UploadFile) -> bytes:
    # One byte more than allowed is enough to refuse it.
    return await file.read(settings().upload_mb * 1_000_000 + 1)


async def _note(actor: page.Actor, action: str, document_id: UUID) -> None:
    async with step(actor.tenant_id) as session:
        await audit.note(session, actor.tenant_id, actor.note, action, str(document_id))


def _problem(actor: page.Actor):  # a function for the template: stored words → words of the reader
    def words(problem: str | None) -> str:
        key = f"error.{CODES.get(problem or '', '')}"
        return texts.t(key, actor.language) if texts.has(key) else problem or ""

    return words


def _limits() -> dict[str, Any]:
    return {"accepted": ACCEPTED, "upload_mb": settings().upload_mb}
