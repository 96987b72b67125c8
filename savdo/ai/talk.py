"""What is said to a model and what it says back: the nouns of a call. No library, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from savdo.base.errors import Unavailable

Role = Literal["user", "assistant"]
# Whoever answers calls this "tool": it is how every provider returns a structured answer.
ANSWER_TOOL: Final = "answer"
MAX_TOKENS: Final = 1500


class Money(BaseModel):
    """The customer's budget in major units."""

    min: float | None = None
    max: float | None = None
    currency: str = ""


class Entities(BaseModel):
    """What the customer told about themselves in this turn; leave out what was not said."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    budget: Money | None = None
    timeline: str | None = None
    company: str | None = None
    quantity: float | None = None


class LeadAnswer(BaseModel):
    """What the customer answered to one of the product's qualification questions."""

    question: str = Field(max_length=200)
    answer: str = Field(max_length=300)


class Answer(BaseModel):
    """The reply to the customer and what was understood of their turn."""

    reply: str = Field(min_length=1, max_length=4000, description="The message to the customer, in their language and letters.")
    language: Literal["uz", "ru", "kk", "en"]
    intent: Literal[
        "greeting", "question_product", "question_price", "question_delivery", "question_payment", "question_terms",
        "question_location_hours", "ready_to_buy", "booking", "objection", "order_status", "complaint", "human_request",
        "contact_details", "thanks_bye", "off_topic", "spam", "opt_out", "unclear",
    ]  # fmt: skip
    sentiment: Literal["positive", "neutral", "negative", "frustrated"] = "neutral"
    wants_human: bool = False
    objection: Literal["price", "trust", "timing", "competitor", "need", "feature"] | None = None
    entities: Entities = Entities()
    lead_answers: list[LeadAnswer] = Field(default_factory=list[LeadAnswer], max_length=12)
    score: int | None = Field(None, ge=0, le=100, description="How likely this customer is to buy, 0 to 100.")
    handover: Literal["keyword", "complaint", "ready_to_buy", "low_confidence"] | None = Field(
        None, description="Why a person must take over; null when none must."
    )
    cited: list[int] = Field(default_factory=list[int], description="Numbers of all passages the reply draws on.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of a chain: `provider` is one of `chain.PROVIDERS`, `base` "" is the provider's own address. `own` says that
    the key is the tenant's and not the installation's."""

    provider: str
    name: str
    key: str
    base: str
    own: bool = False

    def __repr__(self) -> str:
        # The key must not reach a log through a traceback.
        return f"{self.provider}:{self.name}"


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the model may ask for; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is shown to a model; `mime` was found by content."""

    mime: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """`calls` are what the assistant asked for, `results` (said by the user's side) what came of it; `pictures` are the user's."""

    role: Role
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """`system` and `tools` are the same in every turn of a tenant, so that a provider can cache them under `cache_key`;
    `tools_allowed` False leaves only the answer to be given."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tools_allowed: bool = True
    cache_key: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `cached` and `cache_written` are parts of `tokens_in`."""

    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    cache_written: int = 0


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one call gave: an answer, or tools that are asked for."""

    answer: Answer | None
    calls: tuple[ToolCall, ...]
    usage: Usage


class ModelFailed(Unavailable):
    """The model gave no usable answer."""

    code = "model_failed"

    def __init__(self, message: str, *, status: int = 0, retry_after: float | None = None, usage: Usage = Usage()) -> None:
        super().__init__(message)
        self.http_status = status
        self.retry_after = retry_after
        # An answer that cannot be used is paid for all the same.
        self.usage = usage
