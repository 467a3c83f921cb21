"""The broker's refusals as answers; a bug of ours is a logged 500."""

import pytest

from amqp_server.broker.admin import (
    AccessRefusedError,
    BrokerError,
    NotAllowedError,
    NotFoundError,
    PreconditionFailedError,
)
from management.http.errors import HttpError, not_found
from management.node import NotSafeError
from management.refusals import refusal_of


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (AccessRefusedError("x"), 401, "not_authorised"),
        (NotFoundError("x"), 404, "not_found"),
        (PreconditionFailedError("x"), 400, "bad_request"),
        (NotAllowedError("x"), 400, "bad_request"),
        (BrokerError("x"), 400, "bad_request"),
        (NotSafeError("x"), 503, "not_safe"),
        (TimeoutError(), 503, "timeout"),
    ],
)
def test_refusals(error: Exception, status: int, kind: str) -> None:
    refusal = refusal_of(error)
    assert (refusal.status, refusal.error) == (status, kind)


def test_an_answer_of_a_handler_stays() -> None:
    error = not_found()
    assert refusal_of(error) is error


def test_a_bug_is_logged_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    refusal = refusal_of(KeyError("secret"))
    assert isinstance(refusal, HttpError)
    assert (refusal.status, refusal.error, refusal.reason) == (500, "", "")
    assert "a request failed" in caplog.text
