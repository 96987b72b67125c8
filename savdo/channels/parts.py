"""Sending a message that goes out in several calls, for channels that are called once for each part."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from savdo.channels.errors import Busy, ChannelError, Refused, Uncertain, Unreachable
from savdo.channels.models import Sent

# How long the rest of a message that has begun is tried for, in seconds.
PATIENCE_S = 30.0

Part = TypeVar("Part")


async def in_turn(planned: Sequence[Part], send: Callable[[Part], Awaitable[str]]) -> Sent:
    """Sends the parts in order with `send`, which returns the external id of one.

    The first part raises what its refusal means. Once it is out the message must not be sent again from the start, so
    what may pass is waited for here (30 seconds at most), and an error that would have the message repeated becomes
    Uncertain.
    """
    if not planned:
        raise Refused("There is nothing to send.")
    ids = [await send(planned[0])]
    deadline = time.monotonic() + PATIENCE_S
    for part in planned[1:]:
        try:
            ids.append(await _patiently(part, send, deadline))
        except ChannelError as error:
            raise _half_sent(error, len(ids), len(planned)) from None
    return Sent(ids)


async def _patiently(part: Part, send: Callable[[Part], Awaitable[str]], deadline: float) -> str:
    wait = 0.5
    while True:
        try:
            return await send(part)
        except (Busy, Unreachable) as error:
            # Both say that nothing was sent.
            wait = error.retry_after if isinstance(error, Busy) else wait * 2
            if time.monotonic() + wait > deadline:
                raise
        await asyncio.sleep(wait)


def _half_sent(error: ChannelError, sent: int, planned: int) -> ChannelError:
    message = f"{sent} of {planned} parts were sent, then: {error.message}"
    # A permanent error is not repeated and keeps its meaning; a passing one would start from the first part.
    return type(error)(message) if error.permanent else Uncertain(message)
