"""What the shapes of all Meta's deliveries are made of."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _text(value: object) -> object:
    # What is missing is null as often as it is left out, and numbers stand where texts are documented.
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_text)]
# Looked for in the database, so no longer than any id is.
Id = Annotated[str, BeforeValidator(_text), Field(max_length=256)]
Needed = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=256)]


class Part(BaseModel):
    # What Meta adds tomorrow must not stop what it sends today.
    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Text = ""


def as_list(value: Any) -> list[Any]:
    """A list as it is delivered; anything else is none."""
    return value if isinstance(value, list) else []
