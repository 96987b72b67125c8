"""Every door of the member's pages, tried with what is another company's."""

import re
from collections.abc import Iterator
from typing import LiteralString
from uuid import UUID

from fastapi.routing import iter_route_contexts
from psycopg.types.json import Jsonb

from savdo.base import db, secrets
from savdo.channels.models import Connection
from tests.web import office

# What is nobody's: files of ours, and doors that ask for a key or a visitor's token instead of a member.
PUBLIC = re.compile(r"/(?:static|hooks|widget)/")
# Parameters that are words of ours, not ids of rows.
WORDS = {"kind"}
# Whatever a form of these pages may want: no door may close for a missing field alone.
FORM = {
    "text": "x", "name": "x", "question": "x", "answer": "x", "token": "1:x", "code": "1", "phone": "+998901234567", "password": "x",
    "contact": "{contact}", "kind": "text", "turns": "x", "fact": "", "value": "", "language": "en",
}  # fmt: skip
# What is not there, or no longer, these say in their own way; that they changed nothing is seen afterwards.
GONE = {
    "/persona/scenarios/{scenario_id}/delete": 303, "/setup/phone/{login_id}/cancel": 303, "/setup/phone/{login_id}": 422,
}  # fmt: skip
KEPT: LiteralString = """
  SELECT jsonb_build_object('talks', (SELECT jsonb_agg(c ORDER BY c.id) FROM conversations c),
    'said', (SELECT jsonb_agg(m ORDER BY m.id) FROM messages m),
    'known', (SELECT jsonb_agg(d ORDER BY d.id) FROM documents d), 'roads', (SELECT jsonb_agg(n ORDER BY n.id) FROM connections n),
    'people', (SELECT jsonb_agg(p ORDER BY p.id) FROM contacts p), 'tries', (SELECT jsonb_agg(s ORDER BY s.id) FROM scenarios s),
    'logins', (SELECT count(*) FROM userbot_logins), 'visits', (SELECT jsonb_agg(v ORDER BY v.id) FROM appointments v),
    'merges', (SELECT jsonb_agg(g ORDER BY g.id) FROM merges g)) AS all"""


def doors() -> Iterator[tuple[str, str, list[str]]]:
    """(method, path, parameters) of every member's route that names a row."""
    for route in iter_route_contexts(office.app().routes):
        named = re.findall(r"{(\w+)", route.path or "")
        if named and not set(named) <= WORDS and not PUBLIC.match(route.path or ""):
            yield from ((method, route.path or "", named) for method in sorted(route.methods or ()))


async def secret_rows(connection: Connection) -> dict[str, object]:
    """One row of a company for each parameter of a path."""
    tenant_id = connection.tenant_id
    document_id, passage_id = await office.document(tenant_id, "secret.txt", "secret words")
    talk = await office.talk(connection, "Dilnoza")
    await office.says(talk, "secret words")
    await office.says(talk, "secret answer", "bot", passage=(document_id, passage_id))
    made: dict[str, UUID] = {name: db.new_id() for name in ("attachment_id", "appointment_id", "merge_id", "scenario_id", "login_id")}
    async with db.step(tenant_id) as session:
        [row] = await db.rows(session, "SELECT t.id AS turn_id, c.contact_id FROM turns t JOIN conversations c ON c.id = t.conversation_id")
        values = {
            "tenant": tenant_id,
            "talk": talk.id,
            "contact": row["contact_id"],
            "state": secrets.seal(b"{}"),
            "turns": Jsonb(["x"]),
            **made,
        }
        statements: tuple[LiteralString, ...] = (
            """INSERT INTO attachments (tenant_id, id, conversation_id, name, mime, size, sha256, file_key)
               VALUES (%(tenant)s, %(attachment_id)s, %(talk)s, 'a', 'image/png', 1, '', 'a')""",
            """INSERT INTO appointments (tenant_id, id, contact_id, conversation_id, starts_at, ends_at, place)
               VALUES (%(tenant)s, %(appointment_id)s, %(contact)s, %(talk)s, now(), now() + interval '1 hour', 1)""",
            """INSERT INTO merges (tenant_id, id, contact_id, merged_id, reason)
               VALUES (%(tenant)s, %(merge_id)s, %(contact)s, %(contact)s, 'member')""",
            "INSERT INTO scenarios (tenant_id, id, name, turns) VALUES (%(tenant)s, %(scenario_id)s, 'secret', %(turns)s)",
            """INSERT INTO userbot_logins (tenant_id, id, state, expires_at)
               VALUES (%(tenant)s, %(login_id)s, %(state)s, now() + interval '1 hour')""",
        )
        for statement in statements:
            await session.execute(statement, values)
    return {
        "conversation_id": talk.id, "document_id": document_id, "turn_id": row["turn_id"], "connection_id": connection.id,
        "number": 1, "contact": row["contact_id"], **made,
    }  # fmt: skip


async def kept(tenant_id: UUID) -> object:
    async with db.step(tenant_id) as session:
        return await db.first(session, KEPT)


async def test_that_no_door_opens_with_what_is_another_companys(tenant_id: UUID, other_tenant_id: UUID, connection: Connection) -> None:
    rows = await secret_rows(connection)
    before, file = await kept(tenant_id), {"file": ("a.txt", b"x")}
    opened: list[tuple[str, str, int]] = []
    tried = 0
    async with office.client() as mallory:
        await office.sign_in(mallory, await office.member(other_tenant_id, "Mallory", "owner"))
        for method, path, named in doors():
            # A parameter that this table does not know is a door that nobody tried.
            address = re.sub(r":\w+}", "}", path).format(**{name: rows[name] if name not in WORDS else "telegram_bot" for name in named})
            form = {name: value.format(**rows) for name, value in FORM.items()} if method == "POST" else None
            answer = await mallory.request(method, address, data=form, files=file if "replace" in path else None)
            tried += 1
            if answer.status_code not in (403, 404, GONE.get(path)) or "secret" in answer.text:
                opened.append((method, path, answer.status_code))
        listed = [(await mallory.get(f"/{page}?q=secret")).text for page in ("inbox", "knowledge")]
    assert not opened, "\n".join(map(str, opened))
    assert tried >= 40
    assert not any("secret words" in text or str(rows["conversation_id"]) in text for text in listed)
    assert await kept(tenant_id) == before
