"""What only some channels can do beside what every one does; whoever needs it asks the adapter whether it can."""

from datetime import datetime
from typing import Protocol, runtime_checkable

from savdo.channels.models import Connection, Inbound, Outbound, Sender


@runtime_checkable
class Introduces(Protocol):
    """A channel that tells who a customer is only when it is asked."""

    async def person(self, connection: Connection, external_id: str) -> Sender:
        """Who it is. Raises a ChannelError subclass."""
        ...


@runtime_checkable
class Delivers(Protocol):
    """A channel whose deliveries may end without a word."""

    async def delivering(self, connection: Connection) -> bool:
        """Whether the company still delivers what happens on this connection. Raises a ChannelError subclass."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A channel that can be asked later for what it could not deliver."""

    async def missed(self, connection: Connection, since: datetime) -> list[Inbound]:
        """What was said since then by either side, the earliest first, as deliveries would have told it. Raises a
        ChannelError subclass."""
        ...


@runtime_checkable
class Reserves(Protocol):
    """A channel that gives a message its ids before it is sent."""

    async def reserve(self, connection: Connection, outbound: Outbound) -> tuple[str, ...]:
        """The ids of a message's parts, none where it cannot be sent under any. Raises a ChannelError subclass."""
        ...


@runtime_checkable
class Types(Protocol):
    """A channel that can be told that an answer is being written."""

    async def typing(self, connection: Connection, thread_id: str) -> None:
        """Shows it for some seconds. Raises a ChannelError subclass."""
        ...
