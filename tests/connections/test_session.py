"""Who is there, in which vhost, and that nobody else is the same."""

import pytest

from amqp_server.connections.session import Session
from tests.support.peer import LOCAL, Node


def session(node: Node) -> Session:
    return Session(node.broker, LOCAL, lambda reason, now_ms: None)


def test_nobody_is_there_before_the_login() -> None:
    fresh = session(Node())
    assert (fresh.username, fresh.vhost_name, fresh.client_name) == ("", "", "")
    with pytest.raises(AssertionError, match="after it was opened"):
        _ = fresh.open_vhost
    with pytest.raises(AssertionError, match="after login"):
        _ = fresh.open_user


def test_an_open_connection_has_a_user_and_a_vhost() -> None:
    node = Node()
    opened = node.open().connection.session
    assert (opened.username, opened.vhost_name) == ("guest", "/")
    assert opened.open_vhost is node.vhost
    assert opened.channels_open == 1


def test_a_session_is_itself_and_no_other() -> None:
    """Exclusive queues belong to it: two alike must not share them."""
    node = Node()
    first, second = session(node), session(node)
    assert first != second
    assert len({first, second}) == 2


def test_it_is_shut_down_by_its_connection() -> None:
    told: list[tuple[str, int]] = []
    Session(Node().broker, LOCAL, lambda reason, now_ms: told.append((reason, now_ms))).shut_down(
        "why", 5
    )
    assert told == [("why", 5)]
