"""One id and one measurement for each request."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from savdo.base import telemetry


class Traced:
    """Ties together what is logged for a request, answers its id as X-Request-Id, and times it by route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        with telemetry.correlated() as correlation:

            async def traced(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    message["headers"] = [*message["headers"], (b"x-request-id", correlation.encode())]
                await send(message)

            try:
                await self.app(scope, receive, traced)
            finally:
                # The route's pattern, never the path: a path holds ids, and would make a series of its own.
                pattern = getattr(scope.get("route"), "path", "unknown")
                telemetry.requested(scope["method"], pattern, status, time.perf_counter() - started)
