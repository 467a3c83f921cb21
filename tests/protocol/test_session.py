"""Who is there, and what they said of themselves."""

import pytest

from amqp_server.protocol.session import Session
from tests.support.frames import table
from tests.support.peer import LOCAL, Node


def session(node: Node) -> Session:
    return Session(node.broker, node.protocol, LOCAL, lambda reason, now_ms: None)


def test_nobody_is_there_before_the_login() -> None:
    fresh = session(Node())
    assert (fresh.username, fresh.vhost_name) == ("", "")
    with pytest.raises(AssertionError, match=r"only after connection\.open"):
        _ = fresh.open_vhost
    with pytest.raises(AssertionError, match="only after login"):
        _ = fresh.open_user


def test_an_open_connection_has_a_user_and_a_vhost() -> None:
    node = Node()
    opened = node.open().connection.session
    assert (opened.username, opened.vhost_name) == ("guest", "/")
    assert opened.open_vhost is node.vhost
    assert opened.channels_open == 1


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"a": True, "b": False, "c": 1, "d": "yes"}, {"a"}),
        ({}, set()),
        (["a"], set()),
        ("a", set()),
        (None, set()),
    ],
)
def test_only_what_is_true_is_a_capability(capabilities: object, expected: set[str]) -> None:
    introduced = session(Node())
    introduced.introduce(table({"capabilities": capabilities, "product": "test"}))
    assert introduced.capabilities == expected
    assert "product" in introduced.client_properties


def test_a_client_need_not_say_anything_of_itself() -> None:
    introduced = session(Node())
    introduced.introduce({})
    assert introduced.capabilities == frozenset()


def test_a_session_is_itself_and_no_other() -> None:
    """Exclusive queues belong to it: two alike must not share them."""
    node = Node()
    first, second = session(node), session(node)
    assert first != second
    assert len({first, second}) == 2


def test_it_is_shut_down_by_its_connection() -> None:
    told: list[tuple[str, int]] = []
    node = Node()
    Session(
        node.broker, node.protocol, LOCAL, lambda reason, now_ms: told.append((reason, now_ms))
    ).shut_down("why", 5)
    assert told == [("why", 5)]
