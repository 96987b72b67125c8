"""What a model may ask for while it answers. Reading is done at once; what changes something is only noted here, and carried
out by the transaction that writes the reply (`record.write`), or not at all.

Results are data for the model and evidence for the guard, so none may launder what nobody said: only figures that stand in
the evidence are computed with, and orders inside pages and passages are left out.
"""

import ast
import asyncio
import operator
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, DecimalException
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ValidationError

from savdo.ai import embed
from savdo.ai.talk import Tool, ToolCall, ToolResult
from savdo.appointments.models import Wish, rules_of
from savdo.base import http
from savdo.base.db import step
from savdo.base.errors import SavdoError
from savdo.base.settings import settings
from savdo.knowledge import extract, search
from savdo.knowledge.models import Passage
from savdo.knowledge.whole import Shareable
from savdo.reply import diary, grounds, injection, tracing, visits
from savdo.reply.grounds import Known
from savdo.reply.models import Evidence, Turn

LONGEST_PAGE: Final = 6_000
LONGEST_EXPRESSION: Final = 200
MOST_FOUND: Final = 5
# How many of one thing, people or months: small counts need no source.
SMALL: Final = 60
PAGE_S: Final = 6.0
LONGEST_RESULT: Final = 600
WEB: Final = (
    "Search the web for what is common knowledge and stands in no text of the company: a standard, a size, a holiday. "
    "Never for this company's prices, terms, stock or people."
)
ARITHMETIC: Final = "Only + - * / ( ) and % of numbers can be computed."
OPERATORS: Final[Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


@dataclass(slots=True)
class Work:
    """What the tools of one turn have to go on, and what came of them. `passages` are numbered from 1 in this order for the
    model; `evidence` holds those a reply may draw on."""

    turn: Turn
    passages: list[Passage]
    evidence: Evidence
    shareable: tuple[Shareable, ...] = ()
    called: list[str] = field(default_factory=list[str])
    person: str = ""
    remember: dict[str, str] = field(default_factory=dict[str, str])
    files: list[UUID] = field(default_factory=list[UUID])
    visit: Wish | None = None

    def learn(self, result: str) -> None:
        self.evidence = Evidence(
            self.evidence.passages, self.evidence.campaigns, self.evidence.profile, self.evidence.customer_said,
            (*self.evidence.tools, result),
        )  # fmt: skip

    def draw_on(self, passages: tuple[Passage, ...]) -> None:
        known = {one.id for one in self.evidence.passages}
        more = tuple(one for one in passages if one.id not in known)
        self.evidence = Evidence(
            (*self.evidence.passages, *more),
            self.evidence.campaigns,
            self.evidence.profile,
            self.evidence.customer_said,
            self.evidence.tools,
        )


class WebResult(BaseModel):
    title: str = ""
    url: str = ""
    content: str = ""


class WebResults(BaseModel):
    """What a SearXNG server found, best first."""

    results: list[WebResult]


class Refused(SavdoError):
    """The tool cannot do this."""


def offered(shareable: tuple[Shareable, ...], profile: Mapping[str, Any]) -> tuple[Tool, ...]:
    """The tools a tenant's turns have: always the same ones in the same order, so that they can be cached."""
    named = (f"{one.name}: {one.caption}" if one.caption else one.name for one in shareable)
    files = "\n".join(f"{number}. {injection.quarantined(one)}" for number, one in enumerate(named, 1))
    return (
        _tool("search_knowledge", "Search the company's texts again, in other words or for another thing.", query="What to look for"),
        _tool("look_up_product", "Find the rows of price lists and tables about one product.", product="Its name or what it is"),
        _tool(
            "compute",
            "Exact arithmetic with numbers from the texts or the customer: prices, quantities, percentages, instalments. "
            "Only + - * / ( ) and %, e.g. 3 * 89000 or 1200000 * 15% or 2400000 / 12.",
            expression="The expression",
        ),
        _tool("call_person", "Have a colleague take over this conversation.", reason="Why, in a few words"),
        _tool(
            "remember",
            "Keep a lasting fact about this customer for later conversations.",
            name="What it is, one or two words",
            value="The fact as the customer said it",
        ),
        *(VISITS if rules_of(profile) else ()),
        *((_tool("send_file", f"Send one of these files with your reply:\n{files}", number="Its number"),) if files else ()),
        *((_tool("search_web", WEB, query="What to look for"),) if settings().search_url else ()),
        *((_tool("visit_page", f"Read a page of: {', '.join(pages_of(profile))}", url="Its address"),) if pages_of(profile) else ()),
    )


def pages_of(profile: Mapping[str, Any]) -> tuple[str, ...]:
    """The sites and paths the tenant allows to be visited (`allowed_pages` of its profile), as https addresses."""
    given = profile.get("allowed_pages") or ()
    return tuple(sorted({str(one).strip() for one in given if str(one).strip().startswith(("https://", "http://"))}))[:20]


async def carry_out(work: Work, call: ToolCall) -> ToolResult:
    """One call's result; what the tool refuses is told to the model in a sentence. Never raises for a wrong call."""
    try:
        text = await TOOLS[call.name](work, {key: str(value)[:1000] for key, value in call.arguments.items()})
    except SavdoError as error:
        text = f"Not done: {error.message}"
    except KeyError as error:
        text = f"Not done: {error} is missing."
    work.called.append(call.name)
    return ToolResult(call.id, call.name, text)


async def _search(work: Work, given: Mapping[str, str]) -> str:
    return _numbered(work, (await _found(work, given["query"]))[:MOST_FOUND])


async def _product(work: Work, given: Mapping[str, str]) -> str:
    found = await _found(work, given["product"])
    return _numbered(work, ([one for one in found if one.kind == "row"] or found)[:MOST_FOUND])


async def _found(work: Work, query: str) -> list[Passage]:
    if not query.strip():
        raise Refused("Say what to look for.")
    vector = await embed.asked(query)
    async with step(work.turn.tenant_id) as session:
        return list((await search.find(session, query, vector)).passages)


def _numbered(work: Work, found: list[Passage]) -> str:
    known = {one.id for one in work.passages}
    work.passages += [one for one in found if one.id not in known]
    work.draw_on(tuple(found))
    places = {one.id: number for number, one in enumerate(work.passages, 1)}
    shown = [f"[{places[one.id]}] {' › '.join(one.title_path)}\n{one.text}" for one in found]
    return injection.quarantined("\n\n".join(shown)) or "Nothing found."


async def _compute(work: Work, given: Mapping[str, str]) -> str:
    expression = given["expression"].strip()[:LONGEST_EXPRESSION]
    result = await asyncio.to_thread(computed, expression, work.evidence)
    text = f"{expression} = {result}"
    work.learn(f"compute: {text}")
    return text


async def _person(work: Work, given: Mapping[str, str]) -> str:
    work.person = given["reason"][:200] or "asked for"
    return "A colleague will be called when this reply is sent."


async def _remember(work: Work, given: Mapping[str, str]) -> str:
    name, value = " ".join(given["name"].split())[:40], " ".join(given["value"].split())[:200]
    if not name or not value:
        raise Refused("Name the fact and its value.")
    work.remember[name] = value
    return "It will be kept when this reply is sent."


async def _send_file(work: Work, given: Mapping[str, str]) -> str:
    number = int(given["number"]) if given["number"].strip().isdecimal() else 0
    if not 1 <= number <= len(work.shareable):
        raise Refused("There is no file of this number.")
    file = work.shareable[number - 1]
    if file.id not in work.files:
        work.files.append(file.id)
    work.learn(f"send_file: {file.name} is sent together with this reply")
    return f"{file.name} goes out together with your reply."


async def _free_slots(work: Work, given: Mapping[str, str]) -> str:
    text = await diary.free(work.turn, given)
    work.learn(f"free_slots: {text}")
    return text


async def _book_visit(work: Work, given: Mapping[str, str]) -> str:
    work.visit = await diary.wish(work.turn, given)
    booked = f"booked {visits.told([work.visit.starts_at])}"
    # Of the times that were free this one is theirs: no other may be told as booked.
    work.evidence = replace(work.evidence, tools=tuple(one for one in work.evidence.tools if not one.startswith("free_slots:")))
    work.learn(f"book_visit: {booked}")
    return f"It will be {booked} when this reply is sent: tell the customer this day and hour."


async def _web(work: Work, given: Mapping[str, str]) -> str:
    """By a SearXNG server: GET /search with format=json gives {"results": [{"title", "url", "content"}, …]}."""
    if not given["query"].strip():
        raise Refused("Say what to look for.")
    asked = urlencode({"q": given["query"].strip(), "format": "json"})
    address = f"{settings().search_url.rstrip('/')}/search?{asked}"
    answer = await http.send("GET", address, service="web search", timeout=PAGE_S, limit=2_000_000)
    if not answer.ok:
        raise Refused(f"The search answered {answer.status}.")
    try:
        results = WebResults.model_validate_json(answer.body).results
    except ValidationError:
        raise Refused("The search answered with something that cannot be read.") from None
    # As passages and not as a tool's result: what a page says was done, we did not do.
    return "From the web, not from the company:\n" + _numbered(
        work, [_of_web(one) for one in results if one.url.startswith(("https://", "http://"))][:MOST_FOUND]
    )


def _of_web(result: WebResult) -> Passage:
    page = uuid5(NAMESPACE_URL, result.url)
    text = injection.without_orders(f"{result.title}\n{result.content}")[:LONGEST_RESULT]
    return Passage(page, page, result.url, "text", (), f"{text}\n{result.url}", None, None, None)


async def _visit(work: Work, given: Mapping[str, str]) -> str:
    url = given["url"].strip()
    if not any(_is_within(url, allowed) for allowed in pages_of(work.turn.profile)):
        raise Refused("This page is not on the company's list.")
    answer = await http.send("GET", url, service="tenant pages", timeout=PAGE_S, limit=2_000_000)
    if not answer.ok:
        raise Refused(f"The page answered {answer.status}.")
    reading = await extract.read(answer.body, "page.html")
    text = injection.without_orders("\n".join(block.text for block in reading.blocks))[:LONGEST_PAGE]
    # As a passage and not as a tool's result: what a page says was done, we did not do.
    page = uuid5(NAMESPACE_URL, url)
    work.draw_on((Passage(page, page, url, "text", (), text, None, None, None),))
    return text or "The page says nothing."


TOOLS: Final[Mapping[str, Callable[[Work, Mapping[str, str]], Awaitable[str]]]] = {
    "search_knowledge": _search, "look_up_product": _product, "compute": _compute, "call_person": _person,
    "remember": _remember, "free_slots": _free_slots, "book_visit": _book_visit,
    "send_file": _send_file, "search_web": _web, "visit_page": _visit,
}  # fmt: skip


def computed(expression: str, evidence: Evidence) -> str:
    """The exact value, with at most two decimals where it has no end. Raises Refused for anything but arithmetic with figures
    that stand in the evidence."""
    plain = re.sub(r"(?<=\d)[\s_'’](?=\d{3}(?!\d))", "", expression).replace("×", "*").replace("÷", "/").replace(",", ".")
    known = grounds.of(evidence)
    for number in re.findall(r"\d+(?:\.\d+)?\s*%?", plain):
        value = Decimal(number.rstrip("% "))
        is_count = value == value.to_integral() and value <= SMALL and "%" not in number
        if not is_count and value != 100 and not _is_said(number, known):
            raise Refused(f"{number.strip()} stands in no text and was not said by the customer.")
    try:
        tree = ast.parse(re.sub(r"(\d+(?:\.\d+)?)\s*%", r"(\1*percent)", plain), mode="eval").body
        value = _value(tree, known)
    except (SyntaxError, DecimalException, RecursionError, MemoryError):
        raise Refused(ARITHMETIC) from None
    rounded = value.quantize(Decimal("0.01"))
    return f"{rounded:f}".rstrip("0").rstrip(".")


def _value(node: ast.expr, known: Known) -> Decimal:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return Decimal(str(node.value))
    if isinstance(node, ast.Name) and node.id == "percent":
        return Decimal("0.01")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, known)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        # Less of a price, or a part of it, is a discount: only by what was said. More of it may be any small count.
        if isinstance(node.op, ast.Sub | ast.Div) and not any(_is_said(figure, known) for figure in _figures(node.right)):
            raise Refused(f"Nobody said {ast.unparse(node.right)}.")
        return OPERATORS[type(node.op)](_value(node.left, known), _value(node.right, known))
    raise Refused(ARITHMETIC)


def _figures(node: ast.expr) -> Iterator[str]:
    of_percent = any(isinstance(inner, ast.Name) for inner in ast.walk(node))
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant):
            yield f"{inner.value}%" if of_percent else str(inner.value)


def _is_said(figure: str, known: Known) -> bool:
    return not list(tracing.figure_faults(figure, known))


def _is_within(url: str, allowed: str) -> bool:
    asked, root = urlsplit(url), urlsplit(allowed)
    if (asked.scheme, asked.netloc) != (root.scheme, root.netloc) or ".." in asked.path:
        return False
    path = root.path.rstrip("/")
    return asked.path == path or asked.path.startswith(f"{path}/")


def _tool(name: str, description: str, /, **parameters: str) -> Tool:
    properties = {key: {"type": "string", "description": text} for key, text in parameters.items()}
    return Tool(
        name, description, {"type": "object", "properties": properties, "required": list(parameters), "additionalProperties": False}
    )


VISITS: Final = (
    _tool(
        "free_slots", "See which times are free for a visit or a call.", from_day="The first day, as 2026-05-07", to_day="The last day"
    ),
    _tool(
        "book_visit",
        "Book a free time that the customer chose; one they had before is moved. Only a day and an hour the customer named or agreed to.",
        day="As 2026-05-07", time="As 15:00", note="What for, in a few words",
    ),
)  # fmt: skip
