"""The one place that knows what time it is, so that a test can move it; and what time it is where a company is."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# The days as a profile names them; the place of each is `date.weekday()`.
WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Where a company is that does not say.
USUAL_ZONE: Final = "Asia/Tashkent"
_offset = timedelta()


def now() -> datetime:
    """The present, timezone-aware, in UTC."""
    return datetime.now(UTC) + _offset


def zone(name: str) -> ZoneInfo:
    """A company's time zone; the usual one where it names none, or one that there is not."""
    try:
        return ZoneInfo(name or USUAL_ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(USUAL_ZONE)


def local(profile: Mapping[str, Any], moment: datetime) -> datetime:
    """A moment as the clocks of a company's profile show it."""
    return moment.astimezone(zone(str(profile.get("timezone") or "")))


def move(by: timedelta) -> None:
    """Moves this process's clock; for tests. The database keeps its own time."""
    global _offset
    _offset += by


def reset() -> None:
    global _offset
    _offset = timedelta()
