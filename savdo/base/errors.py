"""Errors that carry their verdict: the docstring is what a person reads, the class says what helps.

An error that may reach a person is a subclass of `SavdoError`. `status` is the HTTP status it becomes,
`permanent` says whether trying again can help, `code` is the stable word scripts match on.
"""

from typing import ClassVar


class SavdoError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    permanent: ClassVar[bool] = True
    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.field = field
        super().__init__(self.message)


class Invalid(SavdoError):
    """The request is not valid."""

    status = 422
    code = "invalid"


class Malformed(SavdoError):
    """The body could not be read."""

    status = 400
    code = "malformed"


class NotSignedIn(SavdoError):
    """Please sign in."""

    status = 401
    code = "not_signed_in"


class Forbidden(SavdoError):
    """You are not allowed to do this."""

    status = 403
    code = "forbidden"


class NotFound(SavdoError):
    """This does not exist, or no longer."""

    status = 404
    code = "not_found"


class Conflict(SavdoError):
    """Someone else changed this meanwhile."""

    status = 409
    code = "conflict"


class TooLarge(SavdoError):
    """This is larger than allowed."""

    status = 413
    code = "too_large"


class RateLimited(SavdoError):
    """Too many requests; please wait a little."""

    status = 429
    permanent = False
    code = "rate_limited"

    def __init__(self, message: str | None = None, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(SavdoError):
    """A service this depends on does not answer; try again."""

    status = 503
    permanent = False
    code = "unavailable"
