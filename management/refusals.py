"""The refusals of the broker as answers: the one table of their statuses.

Source: RabbitMQ 3.10, recorded answers.
"""

import logging
from collections.abc import Callable
from typing import Final

from amqp_server.broker.admin import (
    AccessRefusedError,
    BrokerError,
    DeletionProtectedError,
    NotFoundError,
    StoreAwayError,
    UndecidedError,
    UnknownOutcomeError,
    UnreadableError,
)
from management.http.errors import (
    INTERNAL_ERROR,
    PRECONDITION_FAILED,
    UNAVAILABLE,
    HttpError,
    bad_request,
    missing,
    not_authorised,
)
from management.node import NotSafeError

log = logging.getLogger(__name__)


def _refused_right(text: str) -> HttpError:
    return not_authorised(f"ACCESS_REFUSED - {text}")


def _protected(text: str) -> HttpError:
    return HttpError(PRECONDITION_FAILED, "precondition_failed", text)


def _unreadable(text: str) -> HttpError:
    return HttpError(UNAVAILABLE, "unavailable", text)


_ANSWERS: Final[dict[type[Exception], Callable[[str], HttpError]]] = {
    AccessRefusedError: _refused_right,
    NotFoundError: missing,
    DeletionProtectedError: _protected,
    UnreadableError: _unreadable,
    StoreAwayError: _unreadable,
    UnknownOutcomeError: _unreadable,
    UndecidedError: _unreadable,
    # PreconditionFailedError, NotAllowedError, ResourceLockedError, DefinitionsError and others.
    BrokerError: bad_request,
}


def refusal_of(error: Exception) -> HttpError:
    """Return the answer for an error that a handler raised; a bug of ours is 500 and logged."""
    if isinstance(error, HttpError):
        return error
    if isinstance(error, NotSafeError):
        return HttpError(UNAVAILABLE, "not_safe", "the change may be lost; the log says more")
    if isinstance(error, TimeoutError):
        return HttpError(UNAVAILABLE, "timeout", "the answer took too long")
    for kind, answer_of in _ANSWERS.items():
        if isinstance(error, kind):
            return answer_of(str(error))
    log.error("a request failed", exc_info=error)
    return HttpError(INTERNAL_ERROR)
