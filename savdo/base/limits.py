"""Rate limits that hold across processes: one row a key, counted and judged in one statement."""

from datetime import timedelta

from savdo.base.db import Session, first, platform_step
from savdo.base.errors import RateLimited


async def take(session: Session | None, key: str, *, limit: int, per_seconds: float) -> None:
    """Counts one use of `key`. Raises RateLimited, with the seconds to wait, when `limit` uses of the window are gone.

    The window begins with the first use. Counted in the transaction of `session`, and undone with it: give None where
    refused attempts must count too (sign-in). Keys hold no personal data: hash an address or a phone number first.
    """
    if session is not None:
        retry_after = await _used(session, key, limit, per_seconds)
    else:
        async with platform_step("a rate limit") as own:
            retry_after = await _used(own, key, limit, per_seconds)
    if retry_after > 0:
        raise RateLimited(retry_after=retry_after)


async def forget_old(session: Session) -> None:
    """Removes the keys that nobody used for a day."""
    await session.execute("DELETE FROM limits WHERE window_start < now() - interval '1 day'")


async def _used(session: Session, key: str, limit: int, per_seconds: float) -> float:
    # The database's clock, the same for every process; that of the statement, since a transaction may be old.
    row = await first(
        session,
        """INSERT INTO limits AS l (key, window_start, used) VALUES (%(key)s, clock_timestamp(), 1)
           ON CONFLICT (key) DO UPDATE SET
             used = CASE WHEN l.window_start + %(window)s <= clock_timestamp() THEN 1 ELSE least(l.used, %(limit)s) + 1 END,
             window_start = CASE WHEN l.window_start + %(window)s <= clock_timestamp() THEN clock_timestamp() ELSE l.window_start END
           RETURNING CASE WHEN used <= %(limit)s THEN 0
                     ELSE greatest(0.001, extract(epoch FROM window_start + %(window)s - clock_timestamp())) END::float8 AS wait""",
        {"key": key[:200], "limit": limit, "window": timedelta(seconds=per_seconds)},
    )
    assert row is not None
    return row["wait"]
