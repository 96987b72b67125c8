"""Encryption of what must not be read at rest, and hashes by which it can still be found.

AES-256-GCM with a key from the settings; the first byte says which form, the next four which key, so that keys rotate:
put the new key first in SAVDO_SECRET_KEYS, keep the old ones behind it, and what is sealed again uses the new one; what
stood sealed before is sealed again by savdo.operations.keys. Hashes are HMAC-SHA256 with a key derived from the newest key and
are looked for with every key; what people hold (signed tokens, links, names) is made with the *oldest*, so that a rotation
takes it from nobody before that one is dropped.
"""

import base64
import binascii
import functools
import hashlib
import hmac
import os
import secrets as random
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from savdo.base.errors import SavdoError
from savdo.base.settings import WrongSetting, settings

FORM = b"\x01"


class Unreadable(SavdoError):
    """This was encrypted with a key that is no longer in SAVDO_SECRET_KEYS."""

    code = "unreadable"


def seal(plain: bytes) -> bytes:
    name, key = keys()[0]
    nonce = os.urandom(12)
    return FORM + name + nonce + AESGCM(key).encrypt(nonce, plain, name)


def open_sealed(sealed: bytes) -> bytes:
    """The plain bytes. Raises Unreadable when the key is missing or the bytes were changed."""
    sealed = bytes(sealed)
    name, nonce, body = sealed[1:5], sealed[5:17], sealed[17:]
    for known, key in keys():
        if sealed[:1] == FORM and known == name:
            try:
                return AESGCM(key).decrypt(nonce, body, name)
            except InvalidTag:
                break
    raise Unreadable


def lookup_hash(value: str) -> bytes:
    """The same value gives the same 32 bytes; nothing else can be learned from them without the key. To be kept; what is kept
    already is looked for by `lookup_hashes`."""
    return lookup_hashes(value)[0]


def lookup_hashes(value: str) -> list[bytes]:
    """The hash with each key, newest first."""
    return [hmac.digest(hashlib.sha256(b"lookup" + key).digest(), value.encode(), "sha256") for _, key in keys()]


def sealed_with(name: bytes) -> bytes:
    """How everything begins that is sealed with the key of that name."""
    return FORM + name


def token_hash(token: str) -> bytes:
    """For random tokens, which need no key to be safe at rest."""
    return hashlib.sha256(token.encode()).digest()


def derived_key(purpose: str) -> bytes:
    """A key of 32 bytes for signing one kind of thing."""
    return hashlib.sha256(purpose.encode() + b"\x00" + keys()[-1][1]).digest()


@functools.cache
def keys() -> tuple[tuple[bytes, bytes], ...]:
    """(name, key), newest first. Raises WrongSetting."""
    text = settings().secret_keys.get_secret_value() or _kept_key(settings().data_dir)
    found: list[tuple[bytes, bytes]] = []
    for part in text.split(","):
        try:
            key = base64.b64decode(part.strip(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 32:
            raise WrongSetting("SAVDO_SECRET_KEYS: each key must be 32 bytes in base64", field="SAVDO_SECRET_KEYS")
        found.append((hashlib.sha256(key).digest()[:4], key))
    return tuple(found)


def _kept_key(data_dir: Path) -> str:
    path = data_dir / "secret.key"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        # Two processes may start at once: only one may make the key.
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    key = base64.b64encode(random.token_bytes(32)).decode()
    with os.fdopen(handle, "w") as file:
        file.write(key)
    return key
