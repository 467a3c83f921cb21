"""The rights that requests need: each is asked for, in RabbitMQ's order."""

import pytest

from amqp_server.broker.access.rights import Permission, ResourceKind
from amqp_server.broker.errors import AccessRefusedError
from amqp_server.broker.request_rights import (
    OPERATOR,
    VhostUser,
    check_bind,
    check_exchange_declare,
    check_queue_declare,
)
from exchanges.bindings import Destination, DestinationKind
from tests.support.frames import table
from tests.support.peer import Node

QUEUE = Destination(DestinationKind.QUEUE, "q")
EXCHANGE = Destination(DestinationKind.EXCHANGE, "y")


class Book:
    """An ``Asker`` that writes down what is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def require(self, permission: Permission, kind: ResourceKind, name: str) -> None:
        self.asked.append((permission.value, kind, name))

    def require_topic(self, permission: Permission, exchange: str, routing_key: str) -> None:
        self.asked.append((permission.value, exchange, routing_key))


def test_a_declare_asks_for_what_its_arguments_use() -> None:
    book = Book()
    check_queue_declare(book, "q", {})
    check_queue_declare(book, "q", table({"x-dead-letter-exchange": "dlx"}))
    check_queue_declare(book, "q", table({"x-dead-letter-exchange": 5}))
    configure, read = ("configure", "queue", "q"), ("read", "queue", "q")
    dead = ("write", "exchange", "dlx")
    assert book.asked == [configure, configure, read, dead, configure]
    book.asked.clear()
    check_exchange_declare(book, "x", table({"alternate-exchange": "ae"}))
    assert book.asked == [
        ("configure", "exchange", "x"),
        ("read", "exchange", "x"),
        ("write", "exchange", "ae"),
    ]


def test_a_binding_is_written_to_read_from_and_its_key_looked_at() -> None:
    book = Book()
    check_bind(book, "x", QUEUE, "k")
    assert book.asked == [("write", "queue", "q"), ("read", "exchange", "x"), ("read", "x", "k")]
    for source, to in (
        ("", QUEUE),
        ("x", Destination(DestinationKind.EXCHANGE, "")),
        ("x", Destination(DestinationKind.QUEUE, "amq.rabbitmq.reply-to.a")),
    ):
        with pytest.raises(AccessRefusedError):
            check_bind(OPERATOR, source, to, "k")
    check_bind(OPERATOR, "x", EXCHANGE, "k")


def test_a_user_has_the_rights_of_the_vhost() -> None:
    node = Node()
    node.add_user("ann", "", "^q$", "amq")
    node.broker.users.set_topic_permissions("ann", "/", "amq.topic", "", "^a")
    ann = VhostUser(node.broker.users, "ann", node.vhost)
    check_bind(ann, "amq.topic", QUEUE, "a.b")
    check_bind(ann, "amq.direct", QUEUE, "b")
    with pytest.raises(AccessRefusedError, match="topic 'b'"):
        check_bind(ann, "amq.topic", QUEUE, "b")
    with pytest.raises(AccessRefusedError, match="configure access to queue 'q'"):
        check_queue_declare(ann, "q", {})
