"""What can go wrong between a client and the API, and what the shell hears of it.

AutoRetrainClientError            exit code (sysexits.h)
├── Invalid              65  what was asked is not allowed; the message names the field
├── NotFound             66  there is no such thing, or it is somebody else's: both look the same
├── Unavailable          69  nobody answers, or not now
├── ServerError          70  a bug of the server's
├── Conflict             73  it does not go with how things stand
├── Throttled            75  too much was asked at once: the same call may work later
├── NotUnderstood        76  what answers is not auto-retrain, or is newer than the client
├── ModelRefused         76  a model is not the one that was published; bots keep the old one
├── NotAuthenticated     77  the token is refused
├── MissingScope         77  the token may not do this
└── NotConfigured        78  the client lacks its URL or its token
"""

from __future__ import annotations


class AutoRetrainClientError(Exception):
    """Something went wrong.

    `status`, `code` and `request_id` are the server's, None where it was not the server who said
    so; API Gateway itself gives no code. `retry_after_seconds` is how long the server asks to wait.
    """

    exit_code = 70

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds


class Invalid(AutoRetrainClientError):
    """What was asked is not allowed; the message names the field and what is."""

    exit_code = 65


class NotFound(AutoRetrainClientError):
    """There is no such thing, or it is somebody else's: both look the same."""

    exit_code = 66


class Unavailable(AutoRetrainClientError):
    """Nobody answers, or not now; the same call may work later."""

    exit_code = 69


class ServerError(AutoRetrainClientError):
    """A bug of the server's: report it with the request id."""

    exit_code = 70


class Conflict(AutoRetrainClientError):
    """It does not go with how things stand; `code` says what is in the way."""

    exit_code = 73


class Throttled(AutoRetrainClientError):
    """Too much was asked at once; the same call may work later."""

    exit_code = 75


class NotUnderstood(AutoRetrainClientError):
    """What answers is not auto-retrain, or a version that this client is too old for."""

    exit_code = 76


class ModelRefused(AutoRetrainClientError):
    """A model is not the one that was published, or this client cannot read it."""

    exit_code = 76


class NotAuthenticated(AutoRetrainClientError):
    """The token is refused."""

    exit_code = 77


class MissingScope(AutoRetrainClientError):
    """The token may not do this; the message names the scope."""

    exit_code = 77


class NotConfigured(AutoRetrainClientError):
    """The client lacks its URL or its token."""

    exit_code = 78
