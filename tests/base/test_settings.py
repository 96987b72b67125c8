"""Settings from the environment."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from savdo.base.settings import WrongSetting, settings


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    before = dict(os.environ)
    settings.cache_clear()
    yield
    os.environ.clear()
    os.environ.update(before)
    settings.cache_clear()


@pytest.mark.parametrize(("name", "value"), [("PORT", "many"), ("LOG_LEVEL", "LOUD"), ("UPLOAD_MB", "0"), ("WORKER_CONCURRENCY", "-1")])
def test_that_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    os.environ[f"SAVDO_{name}"] = value
    with pytest.raises(WrongSetting, match=f"SAVDO_{name}"):
        settings()


def test_that_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    os.environ["SAVDO_METRICS_TOKEN_FILE"] = str(tmp_path / "token")
    assert settings().metrics_token.get_secret_value() == "from-a-file"
    assert "from-a-file" not in repr(settings())


def test_that_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    os.environ["SAVDO_METRICS_TOKEN_FILE"] = str(tmp_path / "none")
    with pytest.raises(WrongSetting, match="SAVDO_METRICS_TOKEN_FILE"):
        settings()
