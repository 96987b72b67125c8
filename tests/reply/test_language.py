# ruff: noqa: E501 # one case a line
"""The language and the script of short messages."""

import pytest

from savdo.ai import language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("velosiped bormi sizlarda", ("uz", "latn")), ("велосипед борми сизларда", ("uz", "cyrl")), ("ўлчами қанақа", ("uz", "cyrl")),
        ("есть ли у вас велосипеды", ("ru", "cyrl")), ("skolko stoit velosiped", ("ru", "latn")), ("велосипед қанша тұрады", ("kk", "cyrl")),
        ("do you sell bicycles", ("en", "latn")), ("dostavka bormi uyga", ("uz", "latn")), ("рассрочка бар ма", ("kk", "cyrl")),
    ],
)  # fmt: skip
def test_that_a_short_message_is_answered_in_its_own_language(text: str, expected: tuple[str, str]) -> None:
    assert language.identify(text) == expected


@pytest.mark.parametrize("text", ["👍", "90 123 45 67", "???", ""])
def test_that_a_message_without_words_keeps_the_language_of_the_thread(text: str) -> None:
    assert language.identify(text, "kk")[0] == "kk"


def test_that_a_longer_message_changes_the_language_of_the_thread() -> None:
    assert language.identify("извините, давайте лучше по-русски, так удобнее", "uz")[0] == "ru"
