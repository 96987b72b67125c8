"""Files in the data folder."""

from uuid import uuid4

import pytest

from savdo.base import files


async def test_that_a_file_is_kept_replaced_and_removed() -> None:
    key = f"{uuid4()}/attachments/one"
    await files.put(key, b"1")
    await files.put(key, b"22")
    assert await files.get(key) == b"22"
    await files.delete(key)
    await files.delete(key)
    with pytest.raises(files.NoSuchFile):
        await files.get(key)


async def test_that_a_tenants_folder_goes_as_a_whole_and_alone() -> None:
    tenant, other = str(uuid4()), str(uuid4())
    for key in (f"{tenant}/attachments/a", f"{tenant}/documents/b", f"{other}/attachments/a"):
        await files.put(key, b"x")
    assert await files.delete_under(f"{tenant}/") == 2
    assert await files.delete_under(tenant) == 0
    assert await files.get(f"{other}/attachments/a") == b"x"


@pytest.mark.parametrize(
    "key", ["", "/", "a", "../a/b", "a/../b", "/etc/passwd", "a//b", "a/.b", "a/b\0", "a/b\n", "a\\..\\b/c", "a/" + "b" * 600]
)
async def test_that_no_key_leaves_the_folder(key: str) -> None:
    with pytest.raises(files.BadKey):
        await files.put(key, b"x")


async def test_that_nothing_above_a_tenant_can_be_removed() -> None:
    for prefix in ("", "/", ".", ".."):
        with pytest.raises(files.BadKey):
            await files.delete_under(prefix)
