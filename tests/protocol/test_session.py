"""What a client of AMQP says of itself."""

import pytest

from amqp_server.protocol.session import Session
from tests.support.frames import table
from tests.support.peer import LOCAL, Node


def session(node: Node) -> Session:
    return Session(node.broker, LOCAL, lambda reason, now_ms: None, settings=node.protocol)


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


def test_two_alike_are_not_the_same() -> None:
    """As of every session: exclusive queues belong to it."""
    node = Node()
    assert len({session(node), session(node)}) == 2
