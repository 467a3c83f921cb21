"""Super streams in a vhost: all of one is made, or nothing."""

from typing import Any, cast

import pytest

from amqp_server.broker.errors import (
    AccessRefusedError,
    NameTakenError,
    NotFoundError,
    PreconditionFailedError,
)
from amqp_server.broker.queue import NOBODY
from amqp_server.broker.request_rights import OPERATOR, Asker, VhostUser
from amqp_server.broker.steps import Steps, finish
from amqp_server.broker.super_streams import (
    PARTITIONS_MAX,
    SuperStream,
    creating,
    partitions_of,
    removing,
)
from tests.support.peer import Node

WANTED = SuperStream("orders", ("orders-0", "orders-1"), ("0", "1"), {})


def make(node: Node, wanted: SuperStream = WANTED, asker: Asker = OPERATOR) -> None:
    steps = creating(node.broker, node.vhost, wanted, asker, NOBODY, node.now_ms)
    finish(cast("Steps[None]", steps))  # a node by itself waits for nothing


def test_its_partitions_are_told_in_their_order() -> None:
    node = Node()
    make(node)
    assert finish(partitions_of(node.vhost, "orders")) == ["orders-0", "orders-1"]
    with pytest.raises(NotFoundError):
        finish(partitions_of(node.vhost, "nope"))
    finish(removing(node.vhost, "orders", WANTED.partitions, NOBODY, node.now_ms))
    assert not node.vhost.exchanges.exists("orders")
    assert node.vhost.queues.find("orders-0") is None


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "amq.x"},
        {"partitions": ()},
        {"partitions": ("a", "a")},
        {"keys": ("k", "k")},
        {"keys": ("k",)},
        {"partitions": ("a", "")},
        {"arguments": {"max-length-bytes": "many"}},
        {"arguments": {"max-age": "soon"}},
        {
            "partitions": tuple(map(str, range(PARTITIONS_MAX + 1))),
            "keys": tuple(map(str, range(PARTITIONS_MAX + 1))),
        },
    ],
)
def test_one_that_makes_no_sense_leaves_nothing(change: dict[str, Any]) -> None:
    node = Node()
    with pytest.raises(PreconditionFailedError):
        make(node, WANTED._replace(**change))
    assert not node.vhost.exchanges.exists("orders")
    assert len(node.vhost.queues) == 0


def test_names_that_are_taken_are_left_alone() -> None:
    node = Node()
    make(node)
    with pytest.raises(NameTakenError):
        make(node)
    with pytest.raises(NameTakenError):
        make(node, WANTED._replace(name="other"))
    assert len(node.vhost.queues) == 2


def test_a_limit_of_the_vhost_leaves_nothing() -> None:
    node = Node()
    node.vhost.limits.replace({"max-queues": 1})
    with pytest.raises(PreconditionFailedError, match="queue limit"):
        make(node)
    assert (len(node.vhost.queues), node.vhost.exchanges.exists("orders")) == (0, False)


def test_a_user_needs_the_rights_to_all_of_it() -> None:
    node = Node()
    node.broker.users.set_permissions("guest", "/", "^orders(-0)?$", ".*", ".*")
    asker = VhostUser(node.broker.users, "guest", node.vhost)
    with pytest.raises(AccessRefusedError):
        make(node, asker=asker)
    assert len(node.vhost.queues) == 0
