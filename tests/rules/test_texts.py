"""The catalogues: every key in four languages, with the same values and the plural forms its language needs."""

import importlib
import pkgutil
import re
import string
from collections.abc import Mapping
from pathlib import Path

import pytest
from babel import Locale

from savdo import channels
from savdo.base import files, texts
from savdo.base.errors import TooLarge
from savdo.channels.errors import ChannelError
from savdo.channels.models import KINDS
from savdo.conversations import media, outbox

WEB = Path(texts.__file__).parents[1] / "web"
USED = re.compile(r"""\bt\(\s*"([a-z_]+\.[a-z0-9_]+)"(?!\s*[+~])""")


def values_of(text: str | Mapping[str, str]) -> set[str]:
    found = text.values() if isinstance(text, Mapping) else [text]
    return {name for one in found for _, name, _, _ in string.Formatter().parse(one) if name}


@pytest.mark.parametrize("key", sorted(texts.catalogue()))
def test_that_a_text_says_the_same_in_four_languages(key: str) -> None:
    entry = texts.catalogue()[key]
    assert set(entry) == set(texts.LANGUAGES)
    assert len({frozenset(values_of(text)) for text in entry.values()}) == 1
    for language, text in entry.items():
        if isinstance(text, Mapping):
            assert set(text) == set(Locale.parse(language).plural_form.tags) | {"other"}
        assert all(one.strip() for one in ([text] if isinstance(text, str) else text.values()))


def test_that_every_text_a_page_asks_for_exists() -> None:
    asked = {key for path in (*WEB.rglob("*.html"), *WEB.rglob("*.py")) for key in USED.findall(path.read_text(encoding="utf-8"))}
    assert len(asked) > 100
    assert sorted(key for key in asked if not texts.has(key)) == []


def test_that_every_reason_why_a_message_is_not_sent_is_said() -> None:
    for module in pkgutil.iter_modules(channels.__path__, "savdo.channels."):
        importlib.import_module(module.name)

    def kinds(kind: type[ChannelError]) -> set[type[ChannelError]]:
        return {kind}.union(*(kinds(one) for one in kind.__subclasses__()))

    refused = {one.code for one in kinds(ChannelError)}
    # What may be wrong with a file of ours before anybody is asked to take it.
    unread = {one.code for one in (TooLarge, media.NoSuchAttachment, files.NoSuchFile, files.FilesUnavailable)}
    assert len(refused) > 20
    assert sorted(code for code in refused | unread | outbox.WITHDRAWN if not texts.has(f"unsent.{code}")) == []


def test_that_every_kind_of_channel_has_a_name() -> None:
    assert [kind for kind in KINDS if not texts.has(f"channel.{kind}")] == []


def test_that_numbers_take_the_form_of_their_language() -> None:
    assert [texts.t("knowledge.pages", "ru", count=count) for count in (1, 2, 5)] == ["1 страница", "2 страницы", "5 страниц"]


def test_that_a_missing_text_is_an_error() -> None:
    with pytest.raises(texts.NoText):
        texts.t("inbox.nowhere", "en")


@pytest.mark.parametrize(("header", "language"), [("ru-RU,ru;q=0.9,en;q=0.8", "ru"), ("de, kk;q=0.5", "kk"), ("", "en"), ("xx;q=y", "en")])
def test_that_the_browser_s_language_is_taken(header: str, language: str) -> None:
    assert texts.preferred(header) == language
