"""Every setting has a sentence, and stands on the settings page."""

import re

from savdo.base.settings import Settings
from tests.rules.settings_page import PAGE, page
from tests.rules.tree import sources

READERS = {
    "savdo/base/settings.py",
    # They hand their options on as settings, to themselves or to the processes they start.
    "savdo/cli.py",
    "savdo/demo.py",
    "savdo/bench.py",
    "savdo/evals.py",
    # Says how many threads a library may start, which it reads from there only.
    "savdo/ai/embed.py",
    # Gives a child process the few variables it may see.
    "savdo/knowledge/extract.py",
}


def test_that_every_setting_has_a_sentence() -> None:
    without = [name for name, field in Settings.model_fields.items() if not re.match(r"[A-Z].+\.$", field.description or "")]
    assert without == []


def test_that_the_settings_page_is_fresh() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.rules.settings_page"


def test_that_no_variable_is_read_past_the_settings() -> None:
    found = [source.path for source in sources("savdo") if re.search(r"os\.(?:environ|getenv)", source.text)]
    assert set(found) - READERS == set()
