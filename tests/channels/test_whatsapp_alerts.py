"""What WhatsApp tells of a business' account reaches its owner, until it is over."""

import json
from typing import Any

import pytest

from savdo.base import texts
from savdo.channels import whatsapp_updates


# What Meta's reference of each field shows; the last of each tells its owner nothing.
@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("account_update", [
            ({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE", "waba_ban_date": "December 9, 2026"}},
             ("account", "DISABLED_UPDATE, SCHEDULE_FOR_DISABLE, December 9, 2026")),
            ({"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SCAM"}}, ("account", "ACCOUNT_VIOLATION, SCAM")),
            ({"event": "ACCOUNT_RESTRICTION",
              "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": "2026-12-12"}]},
             ("account", "ACCOUNT_RESTRICTION, RESTRICTED_BIZ_INITIATED_MESSAGING, 2026-12-12")),
            ({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": ["REINSTATE"]}}, ("account", "")),
            ({"event": "VERIFIED_ACCOUNT", "phone_number": "15550001111"}, None),
        ]),
        ("phone_number_quality_update", [
            ({"display_phone_number": "15550001111", "event": "DOWNGRADE", "current_limit": "TIER_250"},
             ("quality", "15550001111, DOWNGRADE, TIER_250")),
            ({"display_phone_number": "15550001111", "event": "UNFLAGGED"}, ("quality", "")),
            ({"display_phone_number": "15550001111", "event": "ONBOARDING"}, None),
        ]),
        ("message_template_status_update", [
            ({"event": "REJECTED", "message_template_name": "visit", "reason": "INVALID_FORMAT"},
             ("template:visit", "REJECTED, INVALID_FORMAT")),
            ({"event": "PAUSED", "message_template_name": "visit", "reason": None, "other_info": {"description": "Low quality."}},
             ("template:visit", "PAUSED, Low quality.")),
            ({"event": "APPROVED", "message_template_name": "visit", "reason": "NONE"}, ("template:visit", "")),
            ({"event": "PENDING", "message_template_name": "visit"}, None),
        ]),
        ("message_template_quality_update", [
            ({"message_template_name": "visit", "new_quality_score": "RED"}, ("rating:visit", "RED")),
            ({"message_template_name": "visit", "new_quality_score": "GREEN"}, ("rating:visit", "")),
            ({"message_template_name": "visit", "new_quality_score": "UNKNOWN"}, None),
        ]),
        ("messages", [
            ({"errors": [{"code": 131042, "title": "Payment issue", "error_data": {"details": "Add a card."}}]},
             ("undelivered", "131042: Add a card.")),
            ({"errors": [{"code": 131031, "title": "Account locked"}]}, ("undelivered", "131031: Account locked")),
            ({"errors": [{"code": 131000}]}, None), ({"errors": [7]}, None), ({"errors": {"code": 131042}}, None),
        ]),
    ],
)  # fmt: skip
def test_that_what_whatsapp_tells_of_an_account_is_an_alert_or_its_end(
    field: str, told: list[tuple[dict[str, Any], tuple[str, str] | None]]
) -> None:
    for value, expected in told:
        body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}
        [found] = whatsapp_updates.inbounds(json.dumps(body).encode(), "200000000000002")
        assert (found.external_id, found.text) == expected if expected else found.event == "unknown"
        assert texts.has(f"alerts.{expected[0].partition(':')[0]}") if expected else found.raw
