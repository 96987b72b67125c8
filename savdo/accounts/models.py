"""Members, and what each role may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Role = Literal["owner", "admin", "agent", "viewer"]
Action = Literal["read", "answer", "teach", "configure"]

# read: see conversations and knowledge · answer: write to customers, take over · teach: change knowledge, try the bot
# · configure: connections, widget, secrets
MAY: Mapping[Role, frozenset[Action]] = {
    "owner": frozenset({"read", "answer", "teach", "configure"}),
    "admin": frozenset({"read", "answer", "teach", "configure"}),
    "agent": frozenset({"read", "answer", "teach"}),
    "viewer": frozenset({"read"}),
}


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a company. `theme` is auto | light | dark."""

    tenant_id: UUID
    id: UUID
    name: str
    role: Role
    language: str
    theme: str
    company: str

    def may(self, action: Action) -> bool:
        return action in MAY[self.role]
