"""Every hook as the app's own OpenAPI has it: whatever is asked of it, by its description or against it, nothing breaks."""

from typing import Any

import requests
import schemathesis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from savdo.channels.models import Connection
from tests.web import office
from tests.web.posting import HOOKS, connected

FUZZ = settings(derandomize=True, database=None, deadline=None, max_examples=10, phases=[Phase.generate])
# What makes a request of those that are drawn; the rest is for whoever sends it.
PARTS = ("method", "url", "params", "json", "data", "headers", "cookies")


def asked(operation: Any, key: str) -> list[Any]:
    """Requests as the description has them and as it forbids them, also to an address there is and with its secret."""
    found: list[Any] = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
    if "{key}" in operation.path:
        known = {"path_parameters": {"kind": "telegram_bot", "key": key}, "headers": dict(HOOKS["telegram_bot"].signed(b""))}
        found += [operation.as_strategy(generation_mode=mode, **known) for mode in GenerationMode]
    prepared: list[Any] = []

    @FUZZ
    @given(case=st.one_of(found))
    def drawn(case: Any) -> None:
        sent = case.as_transport_kwargs(base_url="http://savdo.test")
        prepared.append(requests.Request(**{name: sent[name] for name in PARTS if name in sent}).prepare())

    drawn()
    return prepared


async def test_that_no_hook_breaks(connection: Connection) -> None:
    bot, _ = await connected(connection.tenant_id, "telegram_bot")
    schema = schemathesis.openapi.from_dict(office.app().openapi())
    operations: list[Any] = list(schema.get_all_operations())
    hooks = [one for found in operations if (one := found.ok()).path.startswith("/hooks/")]
    statuses: dict[str, set[int]] = {}
    async with office.client() as client:
        for operation in hooks:
            for one in asked(operation, bot.key):
                answer = await client.request(one.method, one.url, content=one.body, headers=dict(one.headers))
                statuses.setdefault(operation.label, set()).add(answer.status_code)
    assert max(status for each in statuses.values() for status in each) < 500
    # Addresses of nobody, and one where it is read.
    assert {400, 404} <= statuses["POST /hooks/{kind}/{key}"]
    assert len(hooks) >= 3
