"""The one place that knows what time it is, so that a test can move it."""

from datetime import UTC, datetime, timedelta

_offset = timedelta()


def now() -> datetime:
    """The present, timezone-aware, in UTC."""
    return datetime.now(UTC) + _offset


def move(by: timedelta) -> None:
    """Moves this process's clock; for tests. The database keeps its own time."""
    global _offset
    _offset += by


def reset() -> None:
    global _offset
    _offset = timedelta()
