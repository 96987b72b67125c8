"""What a channel may refuse with; each error carries its verdict, and its docstring is what a person reads."""

from savdo.base.errors import Malformed, NotFound, SavdoError


class ChannelError(SavdoError):
    """The channel refused."""

    code = "channel"


class BadSignature(ChannelError):
    """The signature is missing or wrong."""

    status = 401
    code = "bad_signature"


class Blocked(ChannelError):
    """The customer has blocked this channel."""

    code = "blocked"


class Refused(ChannelError):
    """The channel does not accept this message."""

    code = "refused"


class Disconnected(ChannelError):
    """The channel no longer accepts our credentials; connect it again."""

    code = "disconnected"


class Busy(ChannelError):
    """The channel asks us to slow down."""

    permanent = False
    code = "busy"

    def __init__(self, message: str | None = None, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(ChannelError):
    """The channel did not answer before the message was handed over; it was not sent."""

    permanent = False
    code = "unreachable"


class Uncertain(ChannelError):
    """The connection broke after the message was handed over; it may or may not have arrived."""

    code = "uncertain"


class CannotTell(ChannelError):
    """This channel gives no way to look whether a message arrived."""

    code = "cannot_tell"


class UnknownChannel(NotFound):
    """There is no such channel."""

    code = "unknown_channel"


class BadPayload(Malformed):
    """The body is not what this channel sends."""
