"""Files in an S3 bucket, through the settings an installation would have, against an emulated one."""

import os
from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest
import pytest_asyncio

from savdo.base import files
from savdo.base.settings import WrongSetting, settings
from tests.emulators.s3 import S3
from tests.emulators.serving import serving


@pytest_asyncio.fixture
async def bucket() -> AsyncGenerator[S3]:
    """The bucket that SAVDO_FILES_URL names for the time of a test; keys stand under `kept/`."""
    before, s3 = dict(os.environ), S3()
    async with serving(s3.app) as address:
        os.environ |= {
            "SAVDO_FILES_URL": f"s3://{s3.bucket}/kept", "AWS_ENDPOINT_URL": address, "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": "secret",
        }  # fmt: skip
        # A process makes its store once; the next test has another address.
        _forget()
        yield s3
        os.environ.clear()
        os.environ.update(before)
        _forget()


def _forget() -> None:
    settings.cache_clear()
    files._place_of.cache_clear()  # pyright: ignore[reportPrivateUsage] # the process's one store


async def test_that_a_file_is_kept_in_the_bucket_replaced_and_removed(bucket: S3) -> None:
    key = f"{uuid4()}/attachments/one"
    await files.put(key, b"1")
    await files.put(key, b"22")
    assert await files.get(key) == b"22"
    assert bucket.objects == {f"kept/{key}": b"22"}
    await files.delete(key)
    await files.delete(key)
    assert bucket.objects == {}
    with pytest.raises(files.NoSuchFile):
        await files.get(key)


async def test_that_an_empty_and_a_large_file_arrive_whole(bucket: S3) -> None:
    tenant, large = uuid4(), os.urandom(12_000_000)
    await files.put(f"{tenant}/documents/empty", b"")
    await files.put(f"{tenant}/documents/large", large)
    assert await files.get(f"{tenant}/documents/empty") == b""
    assert await files.get(f"{tenant}/documents/large") == large
    # In one request, so that a broken upload leaves no parts behind.
    assert bucket.calls["PUT"] == 2


async def test_that_a_tenants_files_go_over_many_pages_and_nobody_elses(bucket: S3) -> None:
    bucket.page = 7
    tenant = str(uuid4())
    for number in range(25):
        await files.put(f"{tenant}/attachments/{number}", b"x")
    # A name that begins alike is another tenant's.
    await files.put(f"{tenant}0/attachments/a", b"y")
    assert await files.delete_under(f"{tenant}/") == 25
    assert await files.delete_under(tenant) == 0
    assert bucket.objects == {f"kept/{tenant}0/attachments/a": b"y"}


@pytest.mark.parametrize(("operation", "code"), [("PUT", 500), ("GET", 503), ("MULTIDELETE", 500), ("LIST", 500)])
async def test_that_a_passing_failure_is_not_seen(bucket: S3, operation: str, code: int) -> None:
    key = f"{uuid4()}/attachments/a"
    bucket.fails(operation, code)
    await files.put(key, b"x")
    assert await files.get(key) == b"x"
    assert await files.delete_under(key.partition("/")[0]) == 1
    assert bucket.calls[operation] == 2


async def test_that_a_cut_line_is_tried_again(bucket: S3) -> None:
    key = f"{uuid4()}/attachments/a"
    bucket.cuts("PUT")
    await files.put(key, b"x")
    bucket.cuts("GET")
    assert await files.get(key) == b"x"


@pytest.mark.parametrize("operation", ["PUT", "GET", "MULTIDELETE", "LIST"])
async def test_that_a_bucket_that_stays_broken_is_unavailable_and_may_be_tried_later(bucket: S3, operation: str) -> None:
    key = f"{uuid4()}/attachments/a"
    bucket.objects[f"kept/{key}"] = b"x"
    bucket.fails(operation, times=100)
    doing = {
        "PUT": lambda: files.put(key, b"y"), "GET": lambda: files.get(key), "MULTIDELETE": lambda: files.delete(key),
        "LIST": lambda: files.delete_under(key.partition("/")[0]),
    }[operation]  # fmt: skip
    with pytest.raises(files.FilesUnavailable) as failure:
        await doing()
    assert not failure.value.permanent
    assert "127.0.0.1" not in failure.value.message
    assert bucket.objects == {f"kept/{key}": b"x"}


async def test_that_a_slow_answer_is_waited_for_and_a_missing_one_is_not(bucket: S3) -> None:
    os.environ["AWS_TIMEOUT"] = "0.4s"
    key = f"{uuid4()}/attachments/a"
    await files.put(key, b"x")
    bucket.is_slow("GET", 0.1)
    assert await files.get(key) == b"x"
    bucket.is_slow("GET", 1.0, times=100)
    with pytest.raises(files.FilesUnavailable):
        await files.get(key)


async def test_that_refused_credentials_are_no_missing_file(bucket: S3) -> None:
    bucket.access_key = "AKIAANOTHER"
    with pytest.raises(files.FilesUnavailable):
        await files.get(f"{uuid4()}/attachments/a")
    with pytest.raises(files.FilesUnavailable):
        await files.put(f"{uuid4()}/attachments/a", b"x")


async def test_that_a_file_that_may_not_be_removed_is_said(bucket: S3) -> None:
    tenant = str(uuid4())
    await files.put(f"{tenant}/attachments/held", b"x")
    bucket.undeletable.add(f"kept/{tenant}/attachments/held")
    with pytest.raises(files.FilesUnavailable):
        await files.delete_under(tenant)


async def test_that_no_key_leaves_the_prefix(bucket: S3) -> None:
    for key in ("../a/b", "a/../../b", "/a/b", "a/%2e%2e/b"):
        with pytest.raises(files.BadKey):
            await files.put(key, b"x")
    assert bucket.objects == {}


@pytest.mark.parametrize("url", ["ftp://bucket/x", "bucket", "https://bucket.s3.amazonaws.com/x"])
async def test_that_another_address_stops_with_the_settings_name(bucket: S3, url: str) -> None:
    os.environ["SAVDO_FILES_URL"] = url
    _forget()
    with pytest.raises(WrongSetting, match="SAVDO_FILES_URL"):
        await files.get("a/b")
