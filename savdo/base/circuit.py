"""A breaker per outside service: three failures in a minute open it, one probe after half a minute may close it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from savdo.base import clock
from savdo.base.errors import Unavailable

FAILURES = 3
WITHIN = timedelta(seconds=60)
REST = timedelta(seconds=30)


class CircuitOpen(Unavailable):
    """The service failed several times just now and is given a rest; try again in half a minute."""

    code = "circuit_open"

    def __init__(self, message: str | None = None, *, retry_after: float = REST.total_seconds()) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(slots=True)
class Circuit:
    """`failed_at` are the failures of the last minute; `opened_at` is None while closed; `probe` marks the one call let through."""

    failed_at: list[datetime] = field(default_factory=list[datetime])
    opened_at: datetime | None = None
    probe: object | None = None


class Call:
    """One call through a breaker. One that ends without a word is a success."""

    def __init__(self) -> None:
        self.failed = False

    def fail(self) -> None:
        self.failed = True


_circuits: dict[str, Circuit] = {}


@contextmanager
def calling(service: str) -> Generator[Call]:
    """Guards one call: raises CircuitOpen instead of letting it begin; `Unavailable` out of the block counts as a failure,
    any other error as nothing, since it may be ours."""
    circuit = _circuits.setdefault(service, Circuit())
    call = Call()
    _enter(service, circuit, call)
    try:
        yield call
    except Unavailable:
        _failed(circuit)
        raise
    else:
        if call.failed:
            _failed(circuit)
        else:
            _succeeded(circuit, call)
    finally:
        # Also when the probe was cancelled: the next caller is the probe then.
        if circuit.probe is call:
            circuit.probe = None


def forget() -> None:
    """Closes every breaker; for tests."""
    _circuits.clear()


def _enter(service: str, circuit: Circuit, call: Call) -> None:
    if circuit.opened_at is None:
        return
    left = circuit.opened_at + REST - clock.now()
    if left > timedelta() or circuit.probe is not None:
        raise CircuitOpen(
            f"{service} failed several times just now; it is tried again shortly.", retry_after=max(1.0, left.total_seconds())
        )
    circuit.probe = call


def _failed(circuit: Circuit) -> None:
    now = clock.now()
    circuit.failed_at = [at for at in circuit.failed_at if now - at < WITHIN] + [now]
    if circuit.opened_at is not None or len(circuit.failed_at) >= FAILURES:
        circuit.opened_at = now


def _succeeded(circuit: Circuit, call: Call) -> None:
    # A slow call from before the opening says nothing about now; only the probe does.
    if circuit.opened_at is None or circuit.probe is call:
        circuit.failed_at.clear()
        circuit.opened_at = None
