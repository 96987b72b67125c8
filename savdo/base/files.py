"""Files, in the data folder or in an S3 bucket. A key starts with the tenant's id: `{tenant_id}/attachments/{id}`.

`SAVDO_FILES_URL=s3://bucket/prefix` chooses S3; its credentials, region and endpoint are the AWS_* variables that every S3
tool reads (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP, AWS_TIMEOUT).
"""

import asyncio
import functools
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from savdo.base.errors import Invalid, NotFound, Unavailable
from savdo.base.settings import WrongSetting, settings

SEGMENT = re.compile(r"[0-9A-Za-z_][0-9A-Za-z._-]{0,199}")


class NoSuchFile(NotFound):
    """This file does not exist, or no longer."""

    code = "no_such_file"


class BadKey(Invalid):
    """This is not the key of a file."""

    code = "bad_key"


class FilesUnavailable(Unavailable):
    """The place where files are kept cannot be used just now; nothing was stored. Try again in a moment."""

    code = "files_unavailable"


async def put(key: str, content: bytes) -> None:
    """Stores a file, whole or not at all. Raises BadKey, FilesUnavailable."""
    await _place().put(_checked(key), content)


async def get(key: str) -> bytes:
    """Raises NoSuchFile, BadKey, FilesUnavailable."""
    return await _place().get(_checked(key))


async def delete(key: str) -> None:
    """Removes a file; one that is gone already is no error. Raises BadKey, FilesUnavailable."""
    await _place().delete(_checked(key))


async def delete_under(prefix: str) -> int:
    """Removes every file of a folder, e.g. a tenant's, and returns how many there were. Raises BadKey, FilesUnavailable."""
    return await _place().delete_under(_checked(prefix.rstrip("/"), least=1))


class Place(Protocol):
    async def put(self, key: str, content: bytes) -> None: ...
    async def get(self, key: str) -> bytes: ...
    async def delete(self, key: str) -> None: ...
    async def delete_under(self, prefix: str) -> int: ...


class Folder:
    """Files in a folder of this machine; blocking work goes to threads."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def put(self, key: str, content: bytes) -> None:
        await asyncio.to_thread(self._put, self.root / key, content)

    async def get(self, key: str) -> bytes:
        try:
            return await asyncio.to_thread((self.root / key).read_bytes)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NoSuchFile from None
        except OSError as error:
            raise _unavailable(error) from None

    async def delete(self, key: str) -> None:
        try:
            await asyncio.to_thread((self.root / key).unlink, missing_ok=True)
        except OSError as error:
            raise _unavailable(error) from None

    async def delete_under(self, prefix: str) -> int:
        return await asyncio.to_thread(self._delete_under, self.root / prefix)

    def _put(self, path: Path, content: bytes) -> None:
        # A name that no key can have, so that nobody reads a half.
        half = path.with_name(f".{uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with half.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                half.replace(path)
            finally:
                half.unlink(missing_ok=True)
            _sync_folder(path.parent)
        except OSError as error:
            raise _unavailable(error) from None

    def _delete_under(self, folder: Path) -> int:
        count = 0
        try:
            for parent, folders, names in os.walk(folder, topdown=False):
                for name in names:
                    Path(parent, name).unlink(missing_ok=True)
                    count += not name.startswith(".")
                for name in folders:
                    Path(parent, name).rmdir()
            if folder.is_dir():
                folder.rmdir()
        except OSError as error:
            raise _unavailable(error) from None
        return count


class Bucket:
    """Files in an S3 bucket, or in anything that speaks its language."""

    def __init__(self, url: str) -> None:
        # One attempt may take 30 seconds (AWS_TIMEOUT changes that); after them no other one begins.
        self.store = S3Store.from_url(url, retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=30)})

    async def put(self, key: str, content: bytes) -> None:
        try:
            # In one piece: the parts of an upload that broke off would stay in the bucket, unseen and paid for.
            await obstore.put_async(self.store, key, content, use_multipart=False)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None

    async def get(self, key: str) -> bytes:
        try:
            return bytes(await (await obstore.get_async(self.store, key)).bytes_async())
        except FileNotFoundError:
            raise NoSuchFile from None
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None

    async def delete(self, key: str) -> None:
        try:
            await obstore.delete_async(self.store, key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None

    async def delete_under(self, prefix: str) -> int:
        count = 0
        try:
            async for page in obstore.list(self.store, f"{prefix}/", chunk_size=1000):
                await obstore.delete_async(self.store, [entry["path"] for entry in page])
                count += len(page)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None
        return count


def _place() -> Place:
    return _place_of(settings().files_url, settings().data_dir)


@functools.cache
def _place_of(url: str, data_dir: Path) -> Place:
    if not url:
        return Folder(data_dir.expanduser().resolve() / "files")
    if not url.startswith("s3://"):
        raise WrongSetting("SAVDO_FILES_URL: must be empty or s3://bucket/prefix", field="SAVDO_FILES_URL")
    return Bucket(url)


def _checked(key: str, *, least: int = 2) -> str:
    segments = key.split("/")
    if len(segments) < least or len(key) > 500 or not all(SEGMENT.fullmatch(segment) for segment in segments):
        raise BadKey
    return key


def _unavailable(error: Exception) -> FilesUnavailable:
    # Only the kind of error: its text may hold addresses and paths.
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return FilesUnavailable(f"The place where files are kept cannot be used just now ({reason}); nothing was stored.")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
