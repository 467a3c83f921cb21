"""The errors that an answer can be, with RabbitMQ's words.

    {"error": type, "reason": text}

Source: RabbitMQ 3.10 and 4.3, recorded answers.
"""

from typing import Final

OK: Final = 200
CREATED: Final = 201
NO_CONTENT: Final = 204
SEE_OTHER: Final = 303
BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
NOT_FOUND: Final = 404
METHOD_NOT_ALLOWED: Final = 405
NOT_ACCEPTABLE: Final = 406
PRECONDITION_FAILED: Final = 412
UNSUPPORTED_MEDIA_TYPE: Final = 415
INTERNAL_ERROR: Final = 500
NOT_IMPLEMENTED: Final = 501
CONFLICT: Final = 409
UNAVAILABLE: Final = 503


class HttpError(Exception):
    """The answer is an error.

    Attributes:
        status: of the answer.
        error: RabbitMQ's word for the kind of error; empty is an answer without a body.
        reason: text, or the JSON that RabbitMQ puts there.
        headers: besides the usual ones.
    """

    def __init__(
        self,
        status: int,
        error: str = "",
        reason: object = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {error} {reason}")
        self.status = status
        self.error = error
        self.reason = reason
        self.headers = headers or {}


def not_found() -> HttpError:
    """Return the error for a route or a thing that there is not."""
    return HttpError(NOT_FOUND, "Object Not Found", "Not Found")


def missing(reason: str) -> HttpError:
    """Return the error for something that a request needs, such as ``vhost_not_found``."""
    return HttpError(NOT_FOUND, "not_found", reason)


def bad_request(reason: object, error: str = "bad_request") -> HttpError:
    """Return the error for a request that makes no sense."""
    return HttpError(BAD_REQUEST, error, reason)


def not_authorised(reason: str) -> HttpError:
    """Return the error for a user who lacks a right: 401, and not 403."""
    return HttpError(UNAUTHORIZED, "not_authorised", reason)


def login_failed(*, asks_for_login: bool = True) -> HttpError:
    """Return the error for wrong credentials.

    Args:
        asks_for_login: whether a browser is to ask its user; not for requests of our pages.
    """
    headers = {"WWW-Authenticate": LOGIN_CHALLENGE} if asks_for_login else {}
    return HttpError(UNAUTHORIZED, "not_authorized", "Login failed", headers)


LOGIN_CHALLENGE: Final = 'Basic realm="RabbitMQ Management"'


def no_credentials(*, asks_for_login: bool = True) -> HttpError:
    """Return the error for a request without credentials: it has no body."""
    headers = {"WWW-Authenticate": LOGIN_CHALLENGE} if asks_for_login else {}
    return HttpError(UNAUTHORIZED, headers=headers)
