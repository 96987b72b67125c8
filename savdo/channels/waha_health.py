"""How the numbers linked by WAHA are doing: a session that stands still is started, one whose deliveries are gone gets them
again, and an owner hears of a phone that is no longer linked before a customer waits for an answer."""

from uuid import UUID

from savdo.base import clock
from savdo.base.db import Session, platform_step, rows, step
from savdo.base.errors import SavdoError
from savdo.base.jobs import job
from savdo.channels import connections, waha_api, waha_connecting
from savdo.channels.errors import Disconnected
from savdo.channels.models import Connection


async def watch_all() -> None:
    """Asks for a look at every number that was linked; every few minutes."""
    async with platform_step("the numbers linked by WAHA") as session:
        found = await rows(
            session,
            "SELECT tenant_id, id FROM connections WHERE channel = %s AND status <> 'off' AND account IS NOT NULL",
            (waha_connecting.KIND,),
        )
    for row in found:
        async with step(row["tenant_id"]) as session:
            await ask(session, row["tenant_id"], row["id"])


async def ask(session: Session, tenant_id: UUID, connection_id: UUID) -> None:
    """Has a look taken: what a delivery says of its session may be late, so the server itself is asked."""
    # One lock with the look at what was missed, which is asked for later and so finds what was set right here.
    await watch.later(session, lock=f"watch:{connection_id}", tenant_id=str(tenant_id), connection_id=str(connection_id))


@job(attempts=3)
async def watch(tenant_id: str, connection_id: str) -> None:
    """Notes how a linked number's session is, and when it was last found not to deliver. One whose first code is still on
    its page is left to that."""
    tenant = UUID(tenant_id)
    async with step(tenant) as session:
        connection = await connections.by_id(session, UUID(connection_id))
    if connection.status == "off" or not connection.account:
        return
    status, problem, delivers = await _look(connection)
    async with step(tenant) as session:
        await session.execute(
            """UPDATE connections SET status = %s,
                  problem = CASE WHEN %s::text IS NOT NULL THEN %s WHEN problem = ANY(%s) THEN NULL ELSE problem END,
                  state = CASE WHEN %s THEN state ELSE state || jsonb_build_object('away_at', %s::timestamptz) END
                WHERE id = %s AND status <> 'off'""",
            (status, problem, problem, list(waha_connecting.TEXTS), delivers, clock.now(), connection.id),
        )


async def _look(connection: Connection) -> tuple[str, str | None, bool]:
    """The status the connection has by what its server says, what its owner has to know, and whether it was delivering."""
    try:
        found = await waha_api.state(connection)
        delivers = found.status == "WORKING" and _delivers(connection, found)
        if found.status == "WORKING" and not delivers:
            await waha_connecting.deliver(connection)
        if found.status in waha_api.STOPPED:
            await waha_api.restart(connection)
    except Disconnected as error:
        return "reconnect", error.message, False
    except SavdoError:
        return connection.status, waha_api.AWAY, False
    if found.status == "WORKING":
        return "active", None, delivers
    passing = found.status in (*waha_api.STOPPED, *waha_api.PASSING)
    return (connection.status, waha_api.STANDS, False) if passing else ("reconnect", waha_api.NotWorking().message, False)


def _delivers(connection: Connection, found: waha_api.Session) -> bool:
    hooks = (found.config or {}).get("webhooks")
    return not isinstance(hooks, list) or any(isinstance(one, dict) and connection.key in str(one.get("url")) for one in hooks)
