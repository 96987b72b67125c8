"""Logs with nothing private in them, and metrics."""

import importlib

import pytest

from savdo.base import redaction, telemetry


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("https://api.telegram.org/bot1234567890:AAabcdefghijklmnopqrstuvwxyz0123456/send", "AAabcdefghij"),
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
        ("key sk-abcdefghijklmnopqrstuvwx1234", "abcdefghijklmnop"),
        ("GET /x?access_token=abc123&y=1", "abc123"),
        ("postgresql://savdo:hunter22@db/savdo", "hunter22"),
        ("wrote alice@example.uz", "alice"),
        ("call +998 (90) 123-45-67", "123-45"),
        ("call 998901234567 now", "9012345"),
        ("call 90 123 45 67", "123 45"),
    ],
)
def test_that_what_is_private_is_taken_out_of_a_text(said: str, secret: str) -> None:
    assert secret not in redaction.clean(said)


@pytest.mark.parametrize("said", ["0198f2aa-1234-7abc-8def-998901234567", "2026-11-21T05:26:41.123Z", "took 1234567 ms", "port 5432"])
def test_that_ids_and_times_stay_readable(said: str) -> None:
    assert redaction.clean(said) == said


@pytest.mark.parametrize("key", ["password", "api_key", "x-secret", "authorization", "text", "customer_phone", "email", "access_token"])
def test_that_nothing_is_shown_under_a_private_key(key: str) -> None:
    assert redaction.redacted("fields", {key: "whatever", "n": 1}) == {key: redaction.HIDDEN, "n": 1}


def test_that_a_correlation_ends_where_it_began() -> None:
    with telemetry.correlated("outer"):
        with telemetry.correlated() as inner:
            assert telemetry.correlation() == inner != "outer"
        assert telemetry.correlation() == "outer"
    assert telemetry.correlation() == ""


def test_that_metrics_survive_being_loaded_twice() -> None:
    again = importlib.reload(telemetry)
    again.messages_taken("web_chat", 2)
    again.jobs_waiting({"todo": 3})
    text = again.metrics_text().decode()
    assert 'savdo_messages_taken_total{channel="web_chat"} 2.0' in text
    assert 'savdo_jobs{status="todo"} 3.0' in text
