"""A SearXNG server: `GET /search?q=…&format=json`, in the shape of its JSON; without that format it answers HTML, and 403 where
its operator allowed no JSON (`json` False), as it is installed."""

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response


@dataclass
class Searxng:
    """`found` are (title, url, content), `asked` the queries."""

    found: list[tuple[str, str, str]]
    json: bool = True
    asked: list[str] = field(default_factory=list[str])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.method != "GET" or request.url.path != "/search":
            return PlainTextResponse("not found", 404)
        if request.query_params.get("format") != "json":
            return HTMLResponse("<html><body>results</body></html>")
        if not self.json:
            return HTMLResponse("Forbidden", 403)
        query = request.query_params["q"]
        self.asked.append(query)
        results = [
            {"title": title, "url": url, "content": content, "engine": "duckduckgo", "category": "general", "score": 1.0 / place}
            for place, (title, url, content) in enumerate(self.found, 1)
        ]
        return JSONResponse({
            "query": query, "number_of_results": len(results), "results": results, "answers": [], "corrections": [], "infoboxes": [],
            "suggestions": [], "unresponsive_engines": [],
        })  # fmt: skip
