# ruff: noqa: E501 # tables of word forms are read by column, not by line
"""The guard: what a reply says must stand in what the company or the customer said. Pure; the last word before sending.

What counts as said:
- Figures (prices, percentages, dates, times, durations, plain numbers) in passages, campaigns and profile, in any
  format; the customer's own figures too, but a price or percentage of theirs only where the sentence speaks of *their* budget.
- A unit must agree where both sides name one: "2 kun" does not stand on "2 oy", nor "10 %" on "10 kun", nor $50 on 50 so'm;
  24 hours are a day, 7 days a week, 12 months a year. A number without a unit agrees with any
  (so a text that speaks of 24 bags does not stop a reply about 24 months: the price of not stopping what is merely written shortly).
- The product of a company's number and a customer's number, exactly: "54 m² × 1 650 000 = 89 100 000".
- Not figures: list numbering, and the number of items where the reply itself lists exactly that many.
- Links by host and path, e-mail addresses and @names whole, phones by their last nine digits (at least seven).
- Sentences that give orders to the answerer ("ignore your instructions …") are not evidence, whoever wrote them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from savdo.ai.language import identify
from savdo.reply import claims, figures
from savdo.reply.figures import Figure
from savdo.reply.models import Campaign, Evidence, Fault

ENDINGS: Final = [
    "uz",
    "kz",
    "ru",
    "com",
    "net",
    "org",
    "io",
    "me",
    "app",
    "example",
    "shop",
    "online",
    "store",
    "info",
    "biz",
    "kg",
    "tj",
    "tm",
    "dev",
    "ai",
    "co",
    "site",
    "link",
    "ly",
    "gl",
    "xyz",
    "top",
    "pro",
    "club",
    "рф",
    "қаз",
    "бел",
    "us",
    "eu",
    "uk",
    "de",
    "cn",
]
LINK: Final = re.compile(
    rf"(?:[a-z][a-z0-9+.-]*://|www\.)\S+|(?<![\w@.])(?:[\w-]+\.)+(?:{'|'.join(ENDINGS)})\b(?:[/?#:]\S*)?(?!\.?\w)", re.IGNORECASE
)
EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
HANDLE: Final = re.compile(r"(?<![\w/@.])@(\w{4,})")
BUDGET: Final = re.compile(
    r"budjet|byudjet|бюджет|budget|gacha|гача|\bдо\b|дейін|up to|under|within|ingiz|ваш|your|сіздің|сиз\w*нг|you said|вы (?:указ|назв|писал|сказал)|aytgan|айтқан",
    re.IGNORECASE,
)
# Below this, a reply is a name and a number.
JUDGED_LETTERS: Final = 25
ITEM: Final = re.compile(r"(?m)^\s*(?:[-•*–—▪✅🔹]|\d{1,2}[.)])\s")


@dataclass(frozen=True, slots=True)
class Known:
    """What was said, read once: figures by who said them, the texts, links as (host, path)."""

    company: tuple[Figure, ...]
    customer: tuple[Figure, ...]
    company_text: str
    all_text: str
    links: frozenset[tuple[str, str]]


def check(text: str, language: str, evidence: Evidence) -> tuple[Fault, ...]:
    """What is wrong with a reply in `language`; empty when nothing is."""
    known = _known(evidence)
    text = figures.plain(text)
    linked = list(_links(text))
    faults = [
        *(Fault("link", link) for link in linked if not _link_known(link, known)),
        *(Fault("link", f"@{name}") for name in HANDLE.findall(text) if f"@{name}".lower() not in known.all_text and f"/{name}".lower() not in known.all_text),
        *(Fault("leak", mail) for mail in EMAIL.findall(text) if mail.lower() not in known.all_text),
        *_figure_faults(_without(text, linked), known),
        *(Fault("claim", sentence) for sentence in claims.unfounded(text, language, known.company_text)),
        *_leaks(text, evidence),
        *_language_faults(_without(text, linked), language, evidence),
    ]  # fmt: skip
    return tuple(dict.fromkeys(faults))


def _known(evidence: Evidence) -> Known:
    company = [claims.without_injections(part) for part in _company_texts(evidence)]
    customer = [claims.without_injections(part) for part in evidence.customer_said]
    prices = [found for campaign in evidence.campaigns for found in _prices(campaign)]
    everything = figures.plain("\n".join([*company, *customer])).lower()
    return Known(
        (*(figure for part in company for figure in figures.read(part)), *prices),
        tuple(figure for part in customer for figure in figures.read(part)),
        "\n".join(company),
        everything,
        frozenset(_parts(link) for link in _links(everything)),
    )


def _company_texts(evidence: Evidence) -> Iterator[str]:
    for passage in evidence.passages:
        yield "\n".join([*passage.title_path, passage.text])
        yield from (f"{heading}: {value}" for heading, value in (passage.cells or {}).items())
    for campaign in evidence.campaigns:
        yield from (campaign.name, campaign.audience, *campaign.features, *_strings(campaign.chat_flow), *_strings(campaign.price))
    yield from _strings(evidence.profile)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _strings(inner)


def _prices(campaign: Campaign) -> Iterator[Figure]:
    amount, currency = campaign.price.get("amount"), str(campaign.price.get("currency") or "")
    if amount is not None and re.fullmatch(r"\d+(\.\d+)?", str(amount)):
        yield Figure("money", (Decimal(str(amount)),), (Decimal(str(amount)),), f"{amount} {currency}", 0, currency)


def _figure_faults(text: str, known: Known) -> Iterator[Fault]:
    listed = len(ITEM.findall(text))
    for figure in figures.read(text):
        if figure.kind == "plain" and 1 < listed == figure.raw[0]:
            continue
        if not _said(figure, known.company) and not _said_by_customer(figure, known, text) and not _product(figure, known):
            yield Fault("phone" if figure.kind == "phone" else "number", figure.words)


def _said(figure: Figure, by: tuple[Figure, ...]) -> bool:
    return any(_agree(figure, other) for other in by)


def _agree(one: Figure, other: Figure) -> bool:
    if one.kind == "phone" or other.kind == "phone":
        return _same_phone(one, other)
    if one.kind == other.kind:
        return bool(set(one.values) & set(other.values)) and (not one.currency or not other.currency or one.currency == other.currency)
    if {one.kind, other.kind} == {"date", "plain"}:
        return bool(set(one.raw) & set(other.raw))
    if "plain" in (one.kind, other.kind) or {one.kind, other.kind} in ({"year", "months"}, {"money", "year"}):
        # A percentage is never bare, neither is a price ever a percentage.
        return one.kind != "percent" and bool(set(one.raw) & set(other.raw))
    return False


def _same_phone(one: Figure, other: Figure) -> bool:
    first, second = str(int(one.raw[0])), str(int(other.raw[0]))
    if one.kind == other.kind:
        shorter, longer = sorted((first[-9:], second[-9:]), key=len)
        return len(shorter) >= 7 and longer.endswith(shorter)
    # Nine digits in a row may as well be an amount.
    return first == second or bool(set(one.raw) & set(other.values))


def _said_by_customer(figure: Figure, known: Known, text: str) -> bool:
    if not _said(figure, known.customer):
        return False
    if figure.kind not in ("money", "percent"):
        return True
    around = next((line for line in claims.sentences(text) if figure.words in line), text)
    return bool(BUDGET.search(around) or claims.HEDGE.search(claims.folded(around)))


def _product(figure: Figure, known: Known) -> bool:
    if figure.kind not in ("plain", "money"):
        return False
    counts = {value for other in known.customer if other.kind in ("plain", "hours", "months") for value in other.raw if value > 1}
    prices = (
        other
        for other in known.company
        if other.kind in ("plain", "money") and (not other.currency or not figure.currency or other.currency == figure.currency)
    )
    return any(price * count in figure.values for other in prices for price in other.values for count in counts)


def _links(text: str) -> Iterator[str]:
    without_mail = EMAIL.sub(" ", text)
    return (match[0].rstrip(".,;:!?)]}»\"'") for match in LINK.finditer(without_mail))


def _link_known(link: str, known: Known) -> bool:
    parts = _parts(link.lower())
    # The front page of a site that is known by one of its pages.
    return parts in known.links or (parts[1] == "" and any(host == parts[0] for host, _ in known.links))


def _parts(link: str) -> tuple[str, str]:
    """(host with port and user, path with query): a known site with somebody else's query is another link."""
    split = urlsplit(link if "://" in link else f"https://{link}")
    query = f"?{split.query}" if split.query else ""
    return split.netloc.lower().removeprefix("www."), split.path.rstrip("/") + query


def _without(text: str, links: list[str]) -> str:
    for link in sorted(links, key=len, reverse=True):
        text = text.replace(link, " ")
    return EMAIL.sub(" ", HANDLE.sub(" ", text))


def _leaks(text: str, evidence: Evidence) -> Iterator[Fault]:
    low = claims.folded(text)
    if found := claims.SELF.search(low):
        yield Fault("leak", found[0])
    if claims.is_injection(text):
        yield Fault("leak", "an order to the answerer")
    said = [*evidence.customer_said, *(passage.text for passage in evidence.passages)]
    words = re.findall(r"\w+", low)
    for order in (part for part in said if claims.is_injection(part)):
        kept = re.findall(r"\w+", claims.folded(claims.without_injections(order)))
        told = re.findall(r"\w+", claims.folded(order))
        runs = {tuple(told[at : at + 4]) for at in range(len(told) - 3)} - {tuple(kept[at : at + 4]) for at in range(len(kept) - 3)}
        if any(tuple(words[at : at + 4]) in runs for at in range(len(words) - 3)):
            yield Fault("leak", "repeats an order to the answerer")


def _language_faults(text: str, language: str, evidence: Evidence) -> Iterator[Fault]:
    """The reply in another language than the customer's. Short replies and names say too little to judge.

    What stands in « » is quoted from a document, in the document's language; names and cells are the company's own words.
    """
    own = [
        *(name for campaign in evidence.campaigns for name in (campaign.name, *campaign.features)),
        str(evidence.profile.get("name") or ""),
    ]
    own += [value for passage in evidence.passages for value in (passage.cells or {}).values()]
    for name in sorted({one for one in own if len(one) > 2}, key=len, reverse=True):
        text = text.replace(name, " ")
    text = re.sub(r"\d+|«[^»]*»|<[^>]*>", " ", text)
    if len(re.findall(r"[^\W\d_]", text)) < JUDGED_LETTERS:
        return
    told, _ = identify(text)
    if told != language:
        yield Fault("language", f"not in {language}")
