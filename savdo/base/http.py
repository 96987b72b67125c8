"""The one way out over HTTP: deadlines, a size limit, safe retries, a breaker per service, and no way into private networks.

Addresses may hold tokens (Telegram puts one into the path): no log line and no error text here ever holds an address.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from weakref import WeakKeyDictionary

import httpcore
import httpx
import stamina

from savdo.base import clock
from savdo.base.addresses import AddressRefused, UnknownHost, reachable
from savdo.base.circuit import CircuitOpen, calling
from savdo.base.errors import Invalid, TooLarge, Unavailable

__all__ = [
    "AddressRefused",
    "Answer",
    "AnswerTooLarge",
    "BadAddress",
    "BadAnswer",
    "CircuitOpen",
    "NoAnswer",
    "NotSent",
    "client",
    "close",
    "send",
]

# They would write whole addresses at INFO and DEBUG.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
PASSING = frozenset({429, 502, 503, 504})
LONGEST_WAIT_S = 20.0
CONNECT_S = 5.0

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()


class NotSent(Unavailable):
    """The service could not be reached; nothing was sent, so trying again is safe."""

    code = "not_sent"


class NoAnswer(Unavailable):
    """The connection broke after the request was sent; it may or may not have been carried out."""

    code = "no_answer"


class BadAnswer(Unavailable):
    """The service answered with something that cannot be read."""

    code = "bad_answer"


class AnswerTooLarge(TooLarge):
    """The service answered with more than was asked for."""


class BadAddress(Invalid):
    """This is not an http or https address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said. Header names may be asked for in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises BadAnswer."""
        with suppress(ValueError):
            return json.loads(self.body)
        raise BadAnswer(f"The service answered {self.status} with something that is not JSON.")

    @property
    def retry_after(self) -> float | None:
        """The seconds it asks us to wait, None when it does not say."""
        value = self.headers.get("retry-after", "").strip()
        if value.isdecimal():
            return float(value)
        with suppress(ValueError):
            return max(0.0, (parsedate_to_datetime(value) - clock.now()).total_seconds())
        return None


async def send(
    method: str,
    url: str,
    *,
    service: str,
    json: object = None,
    form: Mapping[str, str] | None = None,
    files: Mapping[str, tuple[str, bytes, str]] | None = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,  # noqa: ASYNC109 # the deadline of one try, which is not the caller's whole wait
    tries: int = 1,
    limit: int = 30_000_000,
    redirects: int = 0,
) -> Answer:
    """One request; never raises for a status.

    `service` names the breaker and stands in messages; `timeout` is the deadline of one try in seconds; `limit` the
    largest body in bytes. With `tries` > 1 what was not sent, or was turned away with 429, is tried again, and for GET, HEAD,
    OPTIONS, PUT and DELETE a broken connection and 502 to 504 too, after the wait the service asks for (20 seconds at most).
    Raises NotSent, NoAnswer, AddressRefused, CircuitOpen, AnswerTooLarge, BadAddress.
    """
    try:
        request = client().build_request(method.upper(), url, json=json, data=form, files=files, content=content, headers=headers)
    except (httpx.InvalidURL, UnicodeError):
        request = None
    if request is None or request.url.scheme not in ("http", "https") or not request.url.host:
        raise BadAddress

    def wait(error: Exception) -> bool | float:
        if isinstance(error, _TurnedAway):
            asked = error.answer.retry_after
            return True if asked is None else asked
        return isinstance(error, NotSent) or (isinstance(error, NoAnswer) and request.method in REPEATABLE)

    try:
        async for attempt in stamina.retry_context(on=wait, attempts=max(1, tries), timeout=None, wait_initial=0.2, wait_jitter=0.2):
            with attempt:
                answer = await _tried(request, service, timeout, limit, redirects)
                if tries > attempt.num and _is_passing(request.method, answer):
                    raise _TurnedAway(answer)
                return answer
    except _TurnedAway as turned_away:
        return turned_away.answer
    raise NotSent(f"{service} could not be reached.")


def client() -> httpx.AsyncClient:
    """The guarded client of the running event loop, for libraries that want one; it knows no breaker and no retries."""
    loop = asyncio.get_running_loop()
    found = _clients.get(loop)
    if found is None:
        found = _clients[loop] = httpx.AsyncClient(
            transport=_Transport(), timeout=httpx.Timeout(60.0, connect=CONNECT_S), headers={"user-agent": "Savdo"}, trust_env=False
        )
    return found


async def close() -> None:
    """Closes the running loop's client and its connections; the next request makes a new one."""
    found = _clients.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.aclose()


class _TurnedAway(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered {answer.status}")
        self.answer = answer


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects only to addresses that were checked; names and certificates stay those of the host that was asked for."""

    def __init__(self) -> None:
        # httpcore offers an empty stand-in of this class where anyio is missing, which hides its type.
        self._network: Any = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 # the signature of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        async with asyncio.timeout(timeout):
            addresses = await reachable(host, port)
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._network.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class _Transport(httpx.AsyncHTTPTransport):
    def __init__(self) -> None:
        # The parent translates httpcore's errors; its pool would look names up by itself, so ours takes its place.
        super().__init__(verify=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_certificates(), max_connections=1000, max_keepalive_connections=50, keepalive_expiry=15.0,
            network_backend=_GuardedNetwork(),
        )  # fmt: skip


def _certificates() -> ssl.SSLContext:
    # Knows SSL_CERT_FILE, so that a company's own authority can be trusted.
    return httpx.create_ssl_context()


async def _tried(request: httpx.Request, service: str, seconds: float, limit: int, redirects: int) -> Answer:
    with calling(service) as call:
        answer = await _exchanged(request, service, seconds, limit, redirects)
        if answer.status >= 500:
            call.fail()
        return answer


async def _exchanged(request: httpx.Request, service: str, seconds: float, limit: int, redirects: int) -> Answer:
    written = False

    async def trace(event: str, _details: Mapping[str, Any]) -> None:
        nonlocal written
        written = written or event.endswith("send_request_headers.started")

    timeouts = httpx.Timeout(seconds, connect=min(seconds, CONNECT_S)).as_dict()
    request.extensions = {**request.extensions, "timeout": timeouts, "trace": trace}
    problem = ""
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, limit, redirects)
    except (httpx.HTTPError, httpx.InvalidURL, UnknownHost, TimeoutError, ssl.SSLError) as error:
        problem = type(error).__name__
    # Raised out here, so that it carries no chain of errors that know the address.
    if written:
        raise NoAnswer(f"{service} broke off before it answered ({problem}).")
    raise NotSent(f"{service} could not be reached ({problem}).")


async def _read(request: httpx.Request, limit: int, redirects: int) -> Answer:
    while True:
        response = await client().send(request, stream=True)
        try:
            if response.next_request is not None and redirects > 0:
                redirects -= 1
                extensions = request.extensions
                request = response.next_request
                request.extensions = extensions
                if request.url.scheme not in ("http", "https"):
                    raise AddressRefused
                continue
            body = bytearray()
            async for chunk in response.aiter_bytes(65536):
                body += chunk
                if len(body) > limit:
                    raise AnswerTooLarge(f"The answer is larger than {limit} bytes.")
            return Answer(response.status_code, response.headers, bytes(body))
        finally:
            await response.aclose()


def _is_passing(method: str, answer: Answer) -> bool:
    if answer.status not in PASSING or (answer.retry_after or 0.0) > LONGEST_WAIT_S:
        return False
    return answer.status == 429 or method in REPEATABLE
