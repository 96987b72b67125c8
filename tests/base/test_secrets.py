"""Encryption at rest, and keys that rotate."""

import base64
import os
from collections.abc import Iterator

import pytest

from savdo.base import secrets
from savdo.base.settings import WrongSetting, settings

OLD = base64.b64encode(b"o" * 32).decode()
NEW = base64.b64encode(b"n" * 32).decode()


def use(keys: str) -> None:
    os.environ["SAVDO_SECRET_KEYS"] = keys
    settings.cache_clear()
    secrets.keys.cache_clear()


@pytest.fixture(autouse=True)
def own_keys() -> Iterator[None]:
    before = os.environ["SAVDO_SECRET_KEYS"]
    use(OLD)
    yield
    use(before)


def test_that_what_is_sealed_opens_again_and_is_never_the_same_twice() -> None:
    assert secrets.open_sealed(secrets.seal("ёж".encode())) == "ёж".encode()
    assert secrets.seal(b"x") != secrets.seal(b"x")


def test_that_a_rotation_loses_nothing_and_a_dropped_key_does() -> None:
    sealed, found = secrets.seal(b"x"), secrets.lookup_hash("+998901234567")
    use(f"{NEW},{OLD}")
    # What is written now names the newer key.
    assert (secrets.open_sealed(sealed), secrets.seal(b"x")[1:5] == sealed[1:5]) == (b"x", False)
    assert secrets.lookup_hashes("+998901234567")[1] == found
    use(NEW)
    with pytest.raises(secrets.Unreadable):
        secrets.open_sealed(sealed)


@pytest.mark.parametrize("place", [0, 1, 5, 17, -1])
def test_that_any_changed_byte_is_noticed(place: int) -> None:
    sealed = bytearray(secrets.seal(b"secret"))
    sealed[place] ^= 1
    with pytest.raises(secrets.Unreadable):
        secrets.open_sealed(bytes(sealed))


@pytest.mark.parametrize("broken", [b"", b"\x01", b"\x01abcd", b"plain text that nobody sealed at all"])
def test_that_what_nobody_sealed_is_unreadable(broken: bytes) -> None:
    with pytest.raises(secrets.Unreadable):
        secrets.open_sealed(broken)


@pytest.mark.parametrize("wrong", ["short", base64.b64encode(b"1" * 31).decode(), f"{OLD},", "not base64!"])
def test_that_a_wrong_key_stops_the_start_with_its_setting(wrong: str) -> None:
    use(wrong)
    with pytest.raises(WrongSetting, match="SAVDO_SECRET_KEYS"):
        secrets.keys()
