"""The nouns of one turn: what is loaded, what was understood, what was found, what is to be said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from savdo.appointments.models import Diary, Wish
from savdo.channels.models import Button
from savdo.knowledge.models import Passage

Language = Literal["uz", "ru", "kk", "en"]
Script = Literal["latn", "cyrl"]
Sentiment = Literal["positive", "neutral", "negative", "frustrated"]
Objection = Literal["price", "trust", "timing", "competitor", "need", "feature"]
HandoverReason = Literal["keyword", "complaint", "ready_to_buy", "low_confidence", "failure", "opted_out"]
Intent = Literal[
    "greeting", "question_product", "question_price", "question_delivery", "question_payment", "question_terms",
    "question_location_hours", "ready_to_buy", "booking", "objection", "order_status", "complaint", "human_request",
    "contact_details", "thanks_bye", "off_topic", "spam", "opt_out", "unclear",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pointed:
    """What a message points at. `products` a line each, asked about or, where `ordered`, to be bought; `story` is "reply" or
    "mention"; `quoted` are the words of the message it answers, by `author`."""

    products: str = ""
    ordered: bool = False
    story: str = ""
    quoted: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the thread as the answerer sees it. `shown` is what its files show, in words; `unseen` that one of them was
    not put into words."""

    number: int
    author: Literal["contact", "bot", "member", "system"]
    text: str
    at: datetime
    kind: str = "text"
    quick_reply: str = ""
    shown: str = ""
    unseen: bool = False
    pointed: Pointed | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """A product the tenant sells. `price`: {amount (major units), currency, from, per} or empty.
    `chat_flow`: {greeting, qualification_questions, objection_answers, closing}."""

    id: UUID
    name: str
    price: Mapping[str, Any]
    features: tuple[str, ...]
    chat_flow: Mapping[str, Any]
    audience: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything the customer said since the last answer (`fresh`), and what is known around it.

    `history` is older than `fresh`, oldest first, at most 30. `facts` are the lead's, gathered in earlier turns.
    `profile` has the shape of profile.json.
    """

    tenant_id: UUID
    conversation_id: UUID
    contact_id: UUID
    channel: str
    profile: Mapping[str, Any]
    campaigns: tuple[Campaign, ...]
    history: tuple[Said, ...]
    fresh: tuple[Said, ...]
    facts: Mapping[str, Any]
    status: Literal["bot", "handover", "human", "closed"]
    language: str
    contact_name: str
    now: datetime
    # What was said before `history`: `summary` in short, and after it `older`, oldest first, which no summary holds yet.
    summary: str = ""
    older: tuple[Said, ...] = ()
    # The last number it covers, also where that message was taken back, and the thread's counter at the customer's last edit or
    # deletion: a draft is no answer any more to a thread where either moved on.
    through: int = 0
    changed_revision: int = 0
    # What the customer's own app speaks, where it tells.
    contact_language: str = ""
    # What is free, where the turn may be about a visit and the company says when it receives people.
    diary: Diary | None = None

    @property
    def text(self) -> str:
        """What the customer said in this turn, one line a message."""
        return "\n".join(said.text for said in self.fresh if said.text)

    @property
    def shown(self) -> str:
        """What the files of this turn show, in words."""
        return "\n".join(said.shown for said in self.fresh if said.shown)

    @property
    def products(self) -> str:
        """The products this turn asks about or orders, a line each."""
        return "\n".join(dict.fromkeys(said.pointed.products for said in self.fresh if said.pointed and said.pointed.products))

    @property
    def quoted(self) -> str:
        """The words of the earlier messages this turn answers."""
        return "\n".join(dict.fromkeys(said.pointed.quoted for said in self.fresh if said.pointed and said.pointed.quoted))

    @property
    def ordered(self) -> bool:
        """Whether this turn orders products of the catalogue."""
        return any(said.pointed is not None and said.pointed.ordered for said in self.fresh)

    @property
    def unseen(self) -> bool:
        """Whether a file of this turn was not put into words."""
        return any(said.unseen for said in self.fresh)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood of a turn.

    `entities` has the keys of the evaluation data: name, phone (E.164), email, budget {min,max,currency}, timeline,
    company, quantity. `confidence` is 0 to 1 for the intent; `intents` are all with a share, best first.
    """

    language: Language
    script: Script
    intent: Intent
    sentiment: Sentiment
    wants_human: bool
    objection: Objection | None
    entities: Mapping[str, Any]
    confidence: float
    objections: tuple[Objection, ...] = ()
    intents: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What the guard holds against a reply: `kind` is number | day | phone | link | claim | person | persona |
    language | leak | length | tone (docs/guard.md); `detail` the words."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The answer before it is checked and written.

    `handover` is why a person is called (None when none is), `opt_out` that the customer wants no more messages,
    `silent` that nothing is to be said (spam, a person is talking). `facts` are new lead facts, `score` the lead's new score
    (0-100). `cited` are the passages the answer was drawn from. `model` is "local" or the model's name; cost in millionths of `currency`.
    """

    text: str
    reading: Reading
    cited: tuple[UUID, ...] = ()
    buttons: tuple[Button, ...] = ()
    handover: HandoverReason | None = None
    opt_out: bool = False
    silent: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    score: int = 0
    model: str = "local"
    cost_micros: int = 0
    currency: str = "USD"
    tokens_in: int = 0
    tokens_out: int = 0
    faults: tuple[Fault, ...] = ()
    # The guard let these words pass; set sentences stand as they are.
    checked: bool = False
    notes: tuple[str, ...] = ()
    # Intentions, carried out by the transaction that writes the reply: facts to keep about the contact, documents to send as
    # files, a visit to book.
    remember: Mapping[str, str] = field(default_factory=dict[str, str])
    files: tuple[UUID, ...] = ()
    visit: Wish | None = None
    # What was worked out of the company's own words: totals, and what foreign words mean.
    grounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a reply may draw facts from. `tools` are the results of this turn's tools, one text each, "name: result"."""

    passages: tuple[Passage, ...]
    campaigns: tuple[Campaign, ...]
    profile: Mapping[str, Any]
    customer_said: tuple[str, ...]
    tools: tuple[str, ...] = ()
