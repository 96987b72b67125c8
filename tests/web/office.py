"""A company's office for tests: its members, its conversations, and a browser-like client of its pages."""

import functools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import httpx
from psycopg.types.json import Jsonb

from savdo.accounts import access
from savdo.app import create_app
from savdo.base import db
from savdo.channels import connections
from savdo.channels.models import Connection
from savdo.web import page

PASSWORD = "correct horse 42"
READING = {
    "language": "uz", "script": "latn", "intent": "question_price", "sentiment": "neutral", "wants_human": False, "objection": None,
    "entities": {"budget": {"min": 1000, "max": 5000, "currency": "UZS"}}, "confidence": 0.83,
}  # fmt: skip


# The whole app, put together once: its routes cost more than most tests of a page.
app = functools.cache(create_app)


@asynccontextmanager
async def client(address: str = "http://savdo.test") -> AsyncGenerator[httpx.AsyncClient]:
    """The app is called directly, as if it stood at the address."""
    transport = httpx.ASGITransport(app=app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(base_url=address, transport=transport) as found:
        yield found


async def member(tenant_id: UUID, name: str, role: str, language: str = "en") -> str:
    """A member's e-mail."""
    email = f"{name.lower()}-{tenant_id.hex[-8:]}@office.example"
    async with db.step(tenant_id) as session:
        await access.create_member(session, tenant_id, name=name, email=email, password=PASSWORD, role=role, language=language)
    return email


async def sign_in(browser: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    """Signs in as a browser does, and from then on sends the page's CSRF token."""
    await browser.get("/sign-in")
    answer = await browser.post("/sign-in", data={"email": email, "password": password, "csrf": token(browser)})
    browser.headers["x-csrf-token"] = token(browser)
    return answer


def token(browser: httpx.AsyncClient) -> str:
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    scope = {"type": "http", "headers": [(b"cookie", cookies.encode())], "state": {}}
    return page.csrf_token(page.Request(scope))


@dataclass(frozen=True)
class Talk:
    connection: Connection
    id: UUID


async def talk(connection: Connection, name: str, *, status: str = "bot", unread: int = 0, is_test: bool = False) -> Talk:
    """An empty conversation with a customer."""
    contact_id, conversation_id = db.new_id(), db.new_id()
    async with db.step(connection.tenant_id) as session:
        await session.execute("INSERT INTO contacts (tenant_id, id, name) VALUES (%s, %s, %s)", (connection.tenant_id, contact_id, name))
        await session.execute(
            """INSERT INTO conversations (tenant_id, id, connection_id, contact_id, external_id, status, unread, is_test, language)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'uz')""",
            (connection.tenant_id, conversation_id, connection.id, contact_id, conversation_id.hex, status, unread, is_test),
        )
    return Talk(connection, conversation_id)


async def says(one: Talk, text: str, author: str = "contact", *, passage: tuple[UUID, UUID] | None = None, **columns: object) -> None:
    """A message as the main path would have stored it; a bot's with the trace of its turn."""
    tenant_id, turn_id = one.connection.tenant_id, None
    direction = "in" if author == "contact" else "out"
    async with db.step(tenant_id) as session:
        row = await db.first(
            session,
            """UPDATE conversations SET revision = revision + 1, preview = left(%s, 120), preview_author = %s,
                      last_message_at = clock_timestamp(), unread = unread + %s WHERE id = %s RETURNING revision""",
            (text, author, int(author == "contact"), one.id),
        )
        assert row is not None
        if author == "bot":
            turn_id = await _turn(session, one, row["revision"], passage)
        await session.execute(
            """INSERT INTO messages (tenant_id, id, conversation_id, connection_id, number, revision, direction, author, text,
                                     external_id, status, turn_id, payload, error)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            (
                tenant_id, db.new_id(), one.id, one.connection.id, row["revision"], row["revision"], direction, author, text,
                db.new_id().hex,
                columns.get("status") or ("received" if direction == "in" else "sent"), turn_id, Jsonb(columns.get("payload") or {}),
                columns.get("error"),
            ),
        )  # fmt: skip
        await session.execute(
            "SELECT pg_notify('savdo_live', json_build_array(%s::text, %s::text, 'message', %s::text)::text)",
            (str(tenant_id), str(one.id), str(row["revision"])),
        )


async def document(tenant_id: UUID, name: str, text: str, status: str = "ready", problem: str | None = None) -> tuple[UUID, UUID]:
    """A document with one passage: their ids."""
    document_id, passage_id = db.new_id(), db.new_id()
    version = 1 if status == "ready" else 0
    async with db.step(tenant_id) as session:
        await session.execute(
            """INSERT INTO documents (tenant_id, id, kind, name, mime, size, sha256, status, problem, progress, version, passages)
               VALUES (%s, %s, 'file', %s, 'text/plain', 48200, %s, %s, %s, %s, %s, %s)""",
            (tenant_id, document_id, name, document_id.bytes, status, problem, 100 if version else 40, version, version),
        )
        await session.execute(
            """INSERT INTO passages (tenant_id, id, document_id, version, position, title_path, text, embedding, sentences,
                                     sentence_embeddings, words, grams)
               VALUES (%s, %s, %s, 1, 0, %s, %s, array_fill(0.05, ARRAY[384])::halfvec, ARRAY[%s],
                       ARRAY[array_fill(0.05, ARRAY[384])::halfvec],
                       to_tsvector('simple', %s), ''::tsvector)""",
            (tenant_id, passage_id, document_id, ["Prices", "Green tea"], text, text, text),
        )
    return document_id, passage_id


async def web_chat(tenant_id: UUID) -> Connection:
    async with db.step(tenant_id) as session:
        return await connections.create(session, tenant_id, "web_chat", "Website")


async def _turn(session: db.Session, one: Talk, number: int, passage: tuple[UUID, UUID] | None) -> UUID:
    turn_id = db.new_id()
    found = [
        {"id": str(passage[1]), "document_id": str(passage[0]), "document": "prices.csv", "title_path": ["Prices", "Green tea"],
         "text": "Green tea, 100 g: 35 000 UZS", "score": 0.91, "page": 2, "cited": True}
    ] if passage else []  # fmt: skip
    trace = {
        "passages": found,
        "timings_ms": {"wait": 400, "read": 11, "search": 14.6, "draft": 2.7, "total": 428.3},
        "faults": [{"kind": "number", "detail": "36 000"}], "checked": True,
        "notes": ["price from a table row"], "tokens_in": 0, "tokens_out": 0,
    }  # fmt: skip
    await session.execute(
        """INSERT INTO turns (tenant_id, id, conversation_id, first_number, last_number, outcome, reading, trace, model)
           VALUES (%s, %s, %s, %s, %s, 'answered', %s, %s, 'local')""",
        (one.connection.tenant_id, turn_id, one.id, number, number, Jsonb(READING), Jsonb(trace)),
    )
    return turn_id
