"""Where a list is read on from: a time and an id in a word that stands in an address."""

import base64
import binascii
import json
from datetime import datetime
from uuid import UUID

from savdo.base.errors import Invalid


def word(at: datetime, row_id: UUID) -> str:
    """The place of a row."""
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), str(row_id)]).encode()).decode()


def read(after: str) -> tuple[datetime | None, UUID | None]:
    """The place a word names, nothing for none. Raises Invalid."""
    if not after:
        return None, None
    try:
        at, row_id = json.loads(base64.urlsafe_b64decode(after))
        return datetime.fromisoformat(at), UUID(row_id)
    except (binascii.Error, ValueError, TypeError, AttributeError):
        raise Invalid("This page of the list does not exist.", field="after") from None
