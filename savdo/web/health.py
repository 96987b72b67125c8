"""Whether this process lives, whether it can work, and its figures."""

import hmac
import ipaddress

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from savdo.ai import standing
from savdo.base import jobs, telemetry
from savdo.base.db import DatabaseDown, first, platform_step
from savdo.base.errors import Forbidden
from savdo.base.settings import settings

router = APIRouter()


@router.get("/health/live")
async def live() -> JSONResponse:
    return JSONResponse({"status": "ok"})


@router.get("/health/ready")
async def ready() -> JSONResponse:
    """200 when the database answers, else 503 with what is missing."""
    try:
        async with platform_step("readiness") as session:
            await first(session, "SELECT 1")
    except DatabaseDown:
        return JSONResponse({"status": "not ready", "database": "down"}, status_code=503)
    return JSONResponse({"status": "ok", "database": "up"})


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus text; for the bearer of SAVDO_METRICS_TOKEN, or for this machine itself when none is set."""
    token = settings().metrics_token.get_secret_value()
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and not hmac.compare_digest(given.encode(), token.encode()):
        raise Forbidden("The metrics need their bearer token.")
    if not token and not _is_local(request):
        raise Forbidden("Set SAVDO_METRICS_TOKEN to read the metrics from another machine.")
    async with platform_step("figures for metrics") as session:
        telemetry.jobs_waiting(await jobs.waiting(session))
        telemetry.models_recent(*await standing.figures(session))
    return Response(telemetry.metrics_text(), media_type="text/plain; version=0.0.4")


def _is_local(request: Request) -> bool:
    # Behind a proxy every caller looks local.
    if request.client is None or settings().trusted_proxies or "x-forwarded-for" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
