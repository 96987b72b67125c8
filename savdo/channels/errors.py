"""What a channel may refuse with; each error carries its verdict, and its docstring is what a person reads."""

from typing import ClassVar

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


class WindowClosed(ChannelError):
    """The customer wrote too long ago: only a template may be sent now."""

    code = "window_closed"


class TemplateRefused(ChannelError):
    """The channel does not accept this template: it is missing, paused, or its parameters do not fit."""

    code = "template_refused"


class Withheld(ChannelError):
    """The channel withheld this message: the customer has been sent enough for now. Not before tomorrow."""

    code = "withheld"


class MarketingStopped(ChannelError):
    """The customer wants no more advertising from this company."""

    code = "marketing_stopped"


class NeedsPhone(ChannelError):
    """This message can only be sent to a phone number, and the customer's is not known."""

    code = "needs_phone"


class AccountProblem(ChannelError):
    """The company's account at the channel needs its owner, a payment for example; other messages may still go out."""

    code = "account_problem"


class Disconnected(ChannelError):
    """The channel no longer accepts our credentials; connect it again."""

    code = "disconnected"


class MissingPermission(Disconnected):
    """A permission is missing; connect the channel again and allow everything it asks for."""

    code = "missing_permission"


class Stopped(Disconnected):
    """The channel has locked or restricted the company's account; its owner has to settle that there."""

    code = "stopped"


class Busy(ChannelError):
    """The channel asks us to slow down."""

    permanent = False
    code = "busy"
    # The wait where the channel names none, in seconds.
    usual_s: ClassVar[float] = 5.0

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = self.usual_s if retry_after is None else retry_after


class PairBusy(Busy):
    """This customer is sent messages faster than the channel allows."""

    code = "pair_busy"
    usual_s = 6.0
    longest_s: ClassVar[float] = 3600.0

    def grown(self, times: int) -> "PairBusy":
        """The same after `times` refusals of one message: 4 to the power of that, in seconds (fact sheet on the Cloud API)."""
        return PairBusy(self.message, retry_after=max(self.retry_after, min(4.0**times, self.longest_s)))


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
