"""exchange.*: declare, delete, bind and unbind, with their rights."""

import pytest
from pamqp import commands

from amqp_server.wire.methods import Method
from tests.support.peer import Client, Node

DECLARE_OK, DELETE_OK = commands.Exchange.DeclareOk, commands.Exchange.DeleteOk


def declare(peer: Client, name: str, kind: str = "fanout", **arguments: object) -> None:
    peer.send(commands.Exchange.Declare, exchange=name, exchange_type=kind, **arguments)


def test_a_declared_exchange_routes_until_it_is_deleted(peer: Client) -> None:
    declare(peer, "logs")
    peer.expect(DECLARE_OK)
    peer.send(commands.Queue.Bind, queue="jobs", exchange="logs")
    peer.publish(b"x", exchange="logs")
    peer.receive()
    assert peer.get() == b"x"
    peer.send(commands.Exchange.Delete, exchange="logs")
    peer.expect(DELETE_OK)
    declare(peer, "logs", passive=True)
    assert peer.closed().code == 404


def test_a_second_declare_must_be_alike(peer: Client) -> None:
    declare(peer, "logs", durable=True)
    declare(peer, "logs", durable=True)
    close = peer.refused(
        commands.Exchange.Declare, exchange="logs", exchange_type="fanout", durable=False
    )
    assert close.code == 406
    assert close.text == (
        "PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'logs' in vhost '/':"
        " received 'false' but current is 'true'"
    )


@pytest.mark.parametrize("kind", [commands.Exchange.Declare, commands.Exchange.Delete])
def test_the_default_exchange_is_not_to_be_touched(peer: Client, kind: type[Method]) -> None:
    close = peer.refused(kind, exchange="")
    assert close.code == 403
    assert close.text == "ACCESS_REFUSED - operation not permitted on the default exchange"


@pytest.mark.parametrize("name", ["amq.mine", "amq."])
def test_reserved_names_are_not_to_be_declared(peer: Client, name: str) -> None:
    close = peer.refused(commands.Exchange.Declare, exchange=name, exchange_type="fanout")
    assert close.text == (
        f"ACCESS_REFUSED - exchange name '{name}' contains reserved prefix 'amq.*'"
    )


def test_a_predeclared_exchange_stays(peer: Client) -> None:
    declare(peer, "amq.topic", "topic", durable=True)
    peer.expect(DECLARE_OK)
    assert peer.refused(commands.Exchange.Delete, exchange="amq.topic").code == 403


def test_line_ends_in_a_name_are_dropped(peer: Client) -> None:
    declare(peer, "a\r\nb")
    declare(peer, "ab", passive=True)
    assert len(peer.methods()) == 2


def test_what_is_used_is_not_deleted_if_unused(peer: Client) -> None:
    declare(peer, "logs")
    peer.send(commands.Queue.Bind, queue="jobs", exchange="logs")
    close = peer.refused(commands.Exchange.Delete, exchange="logs", if_unused=True)
    assert (close.code, close.text) == (
        406,
        "PRECONDITION_FAILED - exchange 'logs' in vhost '/' in use",
    )
    peer.send(commands.Queue.Unbind, queue="jobs", exchange="logs")
    peer.send(commands.Exchange.Delete, exchange="logs", if_unused=True)
    peer.expect(DELETE_OK)


def test_what_does_not_exist_is_deleted_already(peer: Client) -> None:
    peer.send(commands.Exchange.Delete, exchange="none", if_unused=True)
    peer.expect(DELETE_OK)


def test_nowait_is_silent(peer: Client) -> None:
    declare(peer, "a", nowait=True)
    declare(peer, "b", nowait=True)
    for kind in (commands.Exchange.Bind, commands.Exchange.Unbind):
        peer.send(kind, destination="a", source="b", nowait=True)
    peer.send(commands.Exchange.Delete, exchange="a", nowait=True)
    assert peer.receive() == []


def test_a_bound_exchange_gets_what_matches_until_it_is_unbound(peer: Client) -> None:
    declare(peer, "all", "topic")
    declare(peer, "some")
    peer.send(commands.Queue.Bind, queue="jobs", exchange="some")
    peer.send(commands.Exchange.Bind, destination="some", source="all", routing_key="a.*")
    peer.publish(b"yes", exchange="all", routing_key="a.b")
    peer.publish(b"no", exchange="all", routing_key="b")
    peer.receive()
    assert [peer.get(), peer.get()] == [b"yes", None]
    peer.send(commands.Exchange.Unbind, destination="some", source="all", routing_key="a.*")
    peer.publish(b"no", exchange="all", routing_key="a.b")
    peer.receive()
    assert peer.get() is None


@pytest.mark.parametrize(
    ("ends", "code", "name"),
    [
        ({"destination": "none", "source": "amq.topic"}, 404, "none"),
        ({"destination": "amq.topic", "source": "none"}, 404, "none"),
        ({"destination": "one", "source": "two"}, 404, "two"),
        ({"destination": "", "source": "amq.topic"}, 403, "default exchange"),
        ({"destination": "amq.topic", "source": ""}, 403, "default exchange"),
    ],
)
def test_both_ends_of_a_binding_must_exist_the_source_first(
    peer: Client, ends: dict[str, object], code: int, name: str
) -> None:
    close = peer.refused(commands.Exchange.Bind, **ends)
    assert close.code == code
    assert name in close.text


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (commands.Exchange.Declare, {"exchange": "closed", "exchange_type": "fanout"}),
        (commands.Exchange.Delete, {"exchange": "closed"}),
        (commands.Exchange.Bind, {"destination": "closed", "source": "mine"}),
        (commands.Exchange.Bind, {"destination": "mine", "source": "closed"}),
        (commands.Exchange.Unbind, {"destination": "mine", "source": "closed"}),
        (
            commands.Exchange.Declare,
            {
                "exchange": "mine2",
                "exchange_type": "fanout",
                "arguments": {"alternate-exchange": "closed"},
            },
        ),
    ],
)
def test_every_name_needs_its_right(kind: type[Method], arguments: dict[str, object]) -> None:
    node = Node()
    declare(node.open(), "closed")
    declare(node.open(), "mine")
    node.add_user("ann", "^mine", "^mine", "^mine")
    close = node.open(user="ann").refused(kind, **arguments)
    assert close.code == 403
    assert "access to exchange 'closed' in vhost '/' refused for user 'ann'" in close.text
