"""The templates Meta has approved for a WhatsApp business, for whoever may write only with one of them."""

import re
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from savdo.channels import meta_graph, whatsapp_updates
from savdo.channels.errors import Refused, Unreachable
from savdo.channels.models import Connection

FIELDS = "name,language,status,category,components"
PAGE = "100"
MOST_PAGES = 10
# Positional {{1}} or named {{time}}.
PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class Button(BaseModel):
    type: str = ""
    text: str = ""


class Component(BaseModel):
    type: str = ""
    text: str = ""
    buttons: tuple[Button, ...] = ()


class Listed(BaseModel):
    name: str
    language: str
    status: str = ""
    category: str = ""
    components: tuple[Component, ...] = ()


class Cursors(BaseModel):
    after: str = ""


class Paging(BaseModel):
    cursors: Cursors = Cursors()
    next: str = ""


class Answer(BaseModel):
    data: tuple[Listed, ...] = ()
    paging: Paging = Paging()


@dataclass(frozen=True, slots=True)
class Approved:
    """A template as it may be sent. `places` are the names of its body's parameters, in order, numbers where it has none;
    `buttons` the titles of its quick replies; `category` is what it is charged as."""

    name: str
    language: str
    category: str
    body: str
    places: tuple[str, ...]
    buttons: tuple[str, ...]

    def filled(self, values: tuple[str, ...]) -> str:
        """The body as the customer will read it."""
        told = dict(zip(self.places, values, strict=False))
        return PLACE.sub(lambda found: told.get(found[1], found[0]), self.body)

    def parameters(self, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """As `Template.parameters` wants them: without a name where the place has only a number."""
        return tuple(("" if name.isdecimal() else name, value) for name, value in zip(self.places, values, strict=True))


async def approved(connection: Connection) -> list[Approved]:
    """Every approved template of the connection's business. Raises the ChannelError of a refusal."""
    business = str(connection.settings.get("business_id") or "")
    if not business:
        raise Refused("The id of the WhatsApp business account is needed.")
    chosen = meta_graph.api(connection, "WhatsApp", whatsapp_updates.VERDICTS)
    found: list[Approved] = []
    after = ""
    for _ in range(MOST_PAGES):
        # The address of the next page is made anew: the one that is given may be another host's.
        params = {"fields": FIELDS, "limit": PAGE} | ({"after": after} if after else {})
        try:
            page = Answer.model_validate(await meta_graph.call(chosen, "GET", f"{business}/message_templates", params=params))
        except ValidationError:
            raise Unreachable("WhatsApp answered with something that cannot be read.") from None
        found += [_approved(one) for one in page.data if one.status == "APPROVED"]
        after = page.paging.cursors.after
        if not page.paging.next or not after:
            break
    return found


def _approved(listed: Listed) -> Approved:
    body = next((one.text for one in listed.components if one.type == "BODY"), "")
    buttons = tuple(two.text for one in listed.components for two in one.buttons if two.type == "QUICK_REPLY")
    return Approved(listed.name, listed.language, listed.category, body, tuple(dict.fromkeys(PLACE.findall(body))), buttons)
