"""Logins that are counted."""

from amqp_server.broker.access import login_attempts
from amqp_server.broker.access.login_attempts import AttemptsView, LoginAttempts


def test_they_are_counted_by_protocol_and_by_source() -> None:
    attempts = LoginAttempts()
    for username, is_accepted in (("eve", True), ("eve", False), ("bob", False)):
        attempts.note("10.0.0.1", username, "http", is_accepted=is_accepted)
    assert attempts.by_protocol() == [AttemptsView("", "", "http", 1, 2)]
    assert attempts.by_source() == [
        AttemptsView("10.0.0.1", "eve", "http", 1, 1),
        AttemptsView("10.0.0.1", "bob", "http", 0, 1),
    ]
    attempts.forget(sources_only=True)
    assert (len(attempts.by_protocol()), attempts.by_source()) == (1, [])
    attempts.forget(sources_only=False)
    assert attempts.by_protocol() == []
    assert attempts.refused_count == 2


def test_sources_are_bounded() -> None:
    attempts = LoginAttempts()
    for number in range(login_attempts.SOURCES_MAX + 5):
        attempts.note("a", str(number), "http", is_accepted=False)
    attempts.note("a", "x" * 10_000, "http", is_accepted=False)
    sources = attempts.by_source()
    assert len(sources) == login_attempts.SOURCES_MAX
    assert len(sources[-1].username) == login_attempts.USERNAME_CHARACTERS_MAX
