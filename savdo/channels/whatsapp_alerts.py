"""What WhatsApp tells of a business' account, its numbers and its templates: what its owner has to know, and when that is over.

Source: the fact sheet on the Cloud API, and Meta's reference of the fields `account_update`, `phone_number_quality_update`,
`message_template_status_update` and `message_template_quality_update`.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError

from savdo.channels import meta_graph
from savdo.channels.errors import AccountProblem, Disconnected
from savdo.channels.meta_shapes import Part, Text
from savdo.channels.models import Inbound, Sender
from savdo.channels.whatsapp_shapes import Problem

# Of each kind of event what is told, and what says that it is over; any other is nobody's business yet.
ACCOUNT = {"DISABLED_UPDATE", "ACCOUNT_VIOLATION", "ACCOUNT_RESTRICTION", "ACCOUNT_DELETED", "PARTNER_REMOVED"}
TEMPLATE = {"REJECTED", "PAUSED", "DISABLED", "FLAGGED", "LOCKED", "LIMIT_EXCEEDED"}
TEMPLATE_OVER = {"APPROVED", "REINSTATED", "DELETED"}
NUMBER, NUMBER_OVER = {"FLAGGED", "DOWNGRADE"}, {"UNFLAGGED", "UPGRADE"}
RATING, RATING_OVER = {"RED", "YELLOW"}, {"GREEN"}


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value] if value else []


class Ban(Part):
    # A list of one in older deliveries.
    waba_ban_state: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    waba_ban_date: Text = ""


class Violation(Part):
    violation_type: Text = ""


class Restriction(Part):
    restriction_type: Text = ""
    expiration: Text = ""


class Other(Part):
    description: Text = ""


class Value(Part):
    event: Text = ""
    reason: Text = ""
    ban_info: Ban = Ban()
    violation_info: Violation = Violation()
    restriction_info: Annotated[tuple[Restriction, ...], BeforeValidator(_listed)] = ()
    message_template_name: Text = ""
    new_quality_score: Text = ""
    other_info: Other = Other()
    display_phone_number: Text = ""
    current_limit: Text = ""


def read(field: str, value: Mapping[str, Any], verdicts: meta_graph.Verdicts) -> Inbound | None:
    """What a change of an account's `field` tells, as an `alert`; None for what tells its owner nothing."""
    try:
        if field in FIELDS:
            return FIELDS[field](Value.model_validate(value))
        problem = Problem.model_validate(next(iter(value.get("errors") or ()), None))
    except (ValidationError, TypeError):
        return None
    verdict = meta_graph.verdict(verdicts, problem.code)
    # What passes by itself, or was wrong with one call of ours, is nothing an owner can mend.
    mends = verdict is not None and issubclass(verdict, AccountProblem | Disconnected)
    return _alert("undelivered", f"{problem.code}: {problem.words}") if mends else None


def _account(told: Value) -> Inbound | None:
    if "REINSTATE" in told.ban_info.waba_ban_state:
        return _alert("account", "")
    limits = [words for one in told.restriction_info for words in (one.restriction_type, one.expiration)]
    about = (*told.ban_info.waba_ban_state, told.ban_info.waba_ban_date, told.violation_info.violation_type, *limits)
    return _alert("account", _said(told.event, *about)) if told.event in ACCOUNT else None


def _number(told: Value) -> Inbound | None:
    words = _said(told.display_phone_number, told.event, told.current_limit)
    return _turned("quality", told.event, NUMBER, NUMBER_OVER, words)


def _template(told: Value) -> Inbound | None:
    reason = told.reason if told.reason != "NONE" else ""
    words = _said(told.event, reason, told.other_info.description)
    return _turned(f"template:{told.message_template_name}", told.event, TEMPLATE, TEMPLATE_OVER, words)


def _rating(told: Value) -> Inbound | None:
    return _turned(f"rating:{told.message_template_name}", told.new_quality_score, RATING, RATING_OVER, told.new_quality_score)


FIELDS: Mapping[str, Callable[[Value], Inbound | None]] = {
    "account_update": _account,
    "phone_number_quality_update": _number,
    "message_template_status_update": _template,
    "message_template_quality_update": _rating,
}


def _turned(kind: str, event: str, bad: set[str], good: set[str], words: str) -> Inbound | None:
    return _alert(kind, words) if event in bad else _alert(kind, "") if event in good else None


def _alert(kind: str, words: str) -> Inbound:
    return Inbound("alert", kind, "", Sender(""), text=words)


def _said(*words: str) -> str:
    return ", ".join(filter(None, words))
