"""What calls for a person now: strips on every page, and what a browser may tell while nobody looks at one.

Such a notice is read on lock screens too: it names the kind of thing, never who wrote or what.
"""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from savdo.base import texts
from savdo.base.db import Session, rows, step
from savdo.web import page
from savdo.web.page import Answerer, Reader

# More than this at once tells nobody anything.
MOST = 50

router = APIRouter(include_in_schema=False)


@router.get("/notices")
async def calls(actor: Answerer) -> Response:
    """Everything that waits for this member, newest first, as {key, text, href}: a key comes again only with something new."""
    async with step(actor.tenant_id) as session:
        found = await _talks(session, actor.member.id)
        if actor.member.may("configure"):
            found += await _channels(session)
    listed = [{"key": f"{kind}:{mark}", "text": texts.t(f"notices.{kind}", actor.language), "href": href} for kind, mark, href in found]
    return JSONResponse({"company": actor.member.company, "calls": listed}, headers={"cache-control": "no-store"})


@router.get("/notices/strips")
async def strips(request: Request, actor: Reader) -> Response:
    async with step(actor.tenant_id) as session:
        await page.shell(request, session)
    return page.render(request, "strips.html")


async def _talks(session: Session, member_id: UUID) -> list[tuple[str, str, str]]:
    """(kind, mark, address): conversations that wait for anybody, and those of this member where the customer spoke last."""
    listed = await rows(
        session,
        # Not by what is unread: a page that stands open in the background has read it already.
        """SELECT c.id, c.status, c.inbound_number, h.id AS call_id FROM conversations c
             LEFT JOIN handovers h ON h.tenant_id = c.tenant_id AND h.conversation_id = c.id AND h.ended_at IS NULL
            WHERE NOT c.is_test AND (c.status = 'handover' OR (c.status = 'human' AND c.preview_author = 'contact'
                                                              AND coalesce(h.taken_by, %(me)s) = %(me)s))
            ORDER BY c.last_message_at DESC LIMIT %(most)s""",
        {"me": member_id, "most": MOST},
    )
    return [
        ("handover", str(one["call_id"] or one["id"]), f"/inbox/{one['id']}")
        if one["status"] == "handover"
        else ("message", f"{one['id']}:{one['inbound_number']}", f"/inbox/{one['id']}")
        for one in listed
    ]


async def _channels(session: Session) -> list[tuple[str, str, str]]:
    """What is lost, and what another company tells of one; that comes again with other words."""
    listed = await rows(
        session,
        """SELECT id, status, md5(alerts::text) AS told FROM connections
            WHERE status = 'reconnect' OR (status = 'active' AND alerts <> '{}') ORDER BY id LIMIT %s""",
        (MOST,),
    )
    return [
        ("reconnect", str(one["id"]), f"/setup/channels/{one['id']}")
        if one["status"] == "reconnect"
        else ("alert", f"{one['id']}:{one['told']}", f"/setup/channels/{one['id']}")
        for one in listed
    ]
