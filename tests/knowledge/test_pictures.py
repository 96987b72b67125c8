"""Pictures among the knowledge: taken by their content, never read, sent with what they show."""

from uuid import UUID

import pytest

from savdo.ai import embed
from savdo.base.db import step
from savdo.base.errors import NotFound
from savdo.knowledge import ingest, pictures, search, whole
from savdo.knowledge.refusals import LargePicture, Refused

PNG, JPEG, WEBP = b"\x89PNG\r\n\x1a\n" + b"pixels" * 9, b"\xff\xd8\xff\xe0" + b"pixels" * 9, b"RIFF\x40\0\0\0WEBPVP8 " + b"pixels" * 9


async def taken(tenant_id: UUID, name: str, content: bytes) -> UUID:
    document_id = await ingest.add(tenant_id, name, content)
    await ingest.read(tenant_id=str(tenant_id), document_id=str(document_id))
    return document_id


@pytest.mark.parametrize(("content", "mime"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
async def test_that_a_picture_is_ready_without_passages_and_sent_once_its_owner_says_so(
    tenant_id: UUID, other_tenant_id: UUID, content: bytes, mime: str
) -> None:
    document_id = await taken(tenant_id, "kitchen.txt", content)
    async with step(tenant_id) as session:
        document = await ingest.document(session, document_id)
        assert (document.status, document.mime, document.passages, document.shareable) == ("ready", mime, 0, False)
        assert await whole.shareable(session) == ()
        await pictures.describe(session, document_id, " A white\nkitchen ", shareable=True)
        [shared] = await whole.shareable(session)
        assert (shared.name, shared.caption, shared.mime) == ("kitchen.txt", "A white kitchen", mime)
        assert (await search.find(session, "kitchen", await embed.asked("kitchen"))).passages == ()
    async with step(other_tenant_id) as session:
        with pytest.raises(NotFound):
            await pictures.describe(session, document_id, "mine", shareable=True)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"GIF89a" + bytes(90), Refused), (b"RIFF\0\0\0\0AVI " + bytes(90), Refused), (b"\x89PNG\r\n" + bytes(90), Refused),
        (PNG + bytes(pictures.LARGEST), LargePicture),
    ],
)  # fmt: skip
async def test_that_what_is_no_picture_or_too_large_a_one_is_refused(tenant_id: UUID, content: bytes, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        await ingest.add(tenant_id, "kitchen.png", content)


async def test_that_a_picture_takes_the_place_of_a_document_and_is_no_longer_answered_from(tenant_id: UUID) -> None:
    document_id = await taken(tenant_id, "kitchen.md", b"# Kitchens\n\nA kitchen costs 900 000 a metre, with the tops.")
    await ingest.replace(tenant_id, document_id, "kitchen.png", PNG)
    await ingest.read(tenant_id=str(tenant_id), document_id=str(document_id))
    async with step(tenant_id) as session:
        document = await ingest.document(session, document_id)
        assert (document.status, document.passages, document.version) == ("ready", 0, 2)
        with pytest.raises(NotFound):
            await pictures.describe(session, UUID(int=0), "", shareable=True)
