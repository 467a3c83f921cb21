"""Nothing of a life needs the cyclic collector: what has ended is gone, whole, at once.

The collector comes rarely (``app.COLLECTOR_THRESHOLDS``), since it looks at all that a node holds.
So each life is lived many times without it, and then it must find nothing of ours.
"""

from collections.abc import Callable

import pytest
from pamqp import commands

from amqp_server.broker.policies.table import Policy
from amqp_server.broker.steps import finish
from tests.support.garbage import without_collector
from tests.support.peer import Client, Node

ROUNDS = 12


def ended(node: Node, client: Client) -> None:
    """Let go of a connection as its transport does when the socket is gone."""
    client.connection.lose(node.now_ms)
    node.end_turns()
    node.clients.remove(client)
    del client.connection


def a_queue(node: Node, client: Client, queue: str, /, **arguments: object) -> None:
    client.declare(queue, 1, **arguments)
    client.send(commands.Queue.Bind, queue=queue, exchange="amq.topic", routing_key="a.*")
    client.consume(queue)
    client.publish(b"one", b"two", b"three", routing_key=queue)
    client.send(commands.Basic.Ack, delivery_tag=0, multiple=True)
    client.receive()
    client.send(commands.Basic.Cancel, consumer_tag="me")
    client.send(commands.Queue.Delete, queue=queue)
    client.receive()


def queue_of(**arguments: object) -> Callable[[Node, Client], None]:
    return lambda node, client: a_queue(node, client, "q", **arguments)


def queue_with_unacked(node: Node, client: Client) -> None:
    client.declare("q")
    client.consume("q")
    client.publish(b"one", b"two", routing_key="q")
    client.receive()
    client.send(commands.Queue.Delete, queue="q")
    client.receive()
    client.send(commands.Basic.Ack, delivery_tag=0, multiple=True)


def queue_that_expires(node: Node, client: Client) -> None:
    client.declare("q", arguments={"x-expires": 100, "x-message-ttl": 50})
    client.publish(b"one", routing_key="q")
    node.advance(400)
    client.receive()


def queue_without_an_answer(node: Node, client: Client) -> None:
    client.send(commands.Queue.Declare, queue="q", nowait=True, auto_delete=True)
    client.send(commands.Basic.Consume, queue="q", consumer_tag="me", nowait=True)
    client.send(commands.Basic.Cancel, consumer_tag="me", nowait=True)
    client.receive()


def dead_letters(node: Node, client: Client) -> None:
    client.declare("dead")
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    client.declare("q", arguments=arguments)
    client.publish(b"one", b"two", routing_key="q")
    client.consume("q")
    client.receive()
    client.send(commands.Basic.Nack, delivery_tag=0, multiple=True, requeue=False)
    client.receive()
    client.send(commands.Basic.Cancel, consumer_tag="me")
    for queue in ("q", "dead"):
        client.send(commands.Queue.Delete, queue=queue)
    client.receive()


def an_exchange(node: Node, client: Client) -> None:
    for kind in ("direct", "fanout", "topic", "headers"):
        client.send(commands.Exchange.Declare, exchange=kind, exchange_type=kind)
        client.declare("q")
        client.send(commands.Queue.Bind, queue="q", exchange=kind, routing_key="a.#")
        client.send(commands.Exchange.Bind, destination=kind, source="amq.fanout", routing_key="k")
        client.publish(b"one", exchange="amq.fanout")
        client.send(commands.Queue.Delete, queue="q")
        client.send(commands.Exchange.Delete, exchange=kind)
    client.receive()


def refused(node: Node, client: Client) -> None:
    """A channel's error carries a traceback with all that it passed."""
    client.open_channel(2)
    client.send(commands.Queue.Declare, 2, queue="not there", passive=True)
    client.send(commands.Channel.CloseOk, 2)
    client.receive()


def channel_life(node: Node, client: Client) -> None:
    client.open_channel(2)
    client.send(commands.Confirm.Select, 2)
    client.declare("q", 2)
    client.consume("q", 2)
    client.publish(b"one", b"two", routing_key="q", channel=2)
    client.publish(b"nowhere", routing_key="nobody", channel=2, mandatory=True)
    client.receive()
    client.send(commands.Channel.Close, 2)
    client.send(commands.Queue.Delete, queue="q")
    client.receive()


def transaction(node: Node, client: Client) -> None:
    client.open_channel(2)
    client.declare("q", 2)
    client.send(commands.Tx.Select, 2)
    client.publish(b"one", b"two", routing_key="q", channel=2)
    client.send(commands.Tx.Commit, 2)
    client.publish(b"three", routing_key="q", channel=2)
    client.send(commands.Channel.Close, 2)
    client.send(commands.Queue.Delete, queue="q")
    client.receive()


def replies(node: Node, client: Client) -> None:
    client.open_channel(2)
    client.consume("amq.rabbitmq.reply-to", 2, no_ack=True)
    client.send(commands.Channel.Close, 2)
    client.receive()


def half_a_message(node: Node, _client: Client) -> None:
    client = used_connection(node)
    client.send(commands.Basic.Publish, exchange="", routing_key="mine")
    ended(node, client)


def used_connection(node: Node) -> Client:
    client = node.open()
    client.declare("mine", exclusive=True)
    client.consume("mine")
    client.send(commands.Confirm.Select)
    client.publish(b"one", b"two", routing_key="mine")
    client.receive()
    return client


def connection_cut(node: Node, _client: Client) -> None:
    ended(node, used_connection(node))


def connection_closed(node: Node, _client: Client) -> None:
    client = used_connection(node)
    client.send(commands.Connection.Close, 0, reply_code=200, reply_text="bye")
    client.receive()
    ended(node, client)


def connection_half_closed(node: Node, _client: Client) -> None:
    client = used_connection(node)
    client.connection.receive_eof(node.now_ms)
    client.receive()
    ended(node, client)


def connection_at_fault(node: Node, _client: Client) -> None:
    client = used_connection(node)
    client.send_bytes(b"no frame at all, but long enough to be looked at")
    client.receive()
    ended(node, client)


def connection_shut_down(node: Node, _client: Client) -> None:
    client = used_connection(node)
    client.connection.shut_down("node is going down", node.now_ms)
    client.receive()
    ended(node, client)


def login_refused(node: Node, _client: Client) -> None:
    client = node.connect()
    client.send_bytes(b"AMQP\0\0\x09\x01")
    client.log_in("guest", "wrong")
    node.advance(20_000)
    client.receive()
    ended(node, client)


def silent_connection(node: Node, _client: Client) -> None:
    client = node.connect()
    node.advance(20_000)
    ended(node, client)


def not_amqp(node: Node, _client: Client) -> None:
    client = node.connect()
    client.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
    client.read_bytes()
    ended(node, client)


def a_user(node: Node, _client: Client) -> None:
    node.add_user("passing")
    client = node.open(user="passing")
    client.publish(b"nowhere")
    ended(node, client)
    finish(node.broker.deleting_user("passing", node.now_ms))


def queue_under_a_policy(node: Node, client: Client) -> None:
    """The policy comes, changes and goes while there are messages."""
    client.declare("q")
    client.publish(b"one", b"two", routing_key="q")
    for operator in (False, True):
        for max_length in (10, 1):
            definition = {"max-length": max_length}
            node.vhost.set_policy(Policy("p", "^q", definition), operator=operator)
            finish(node.vhost.applying_policies(node.now_ms))
            node.end_turns()
        assert node.vhost.clear_policy("p", operator=operator)
        finish(node.vhost.applying_policies(node.now_ms))
    client.send(commands.Queue.Delete, queue="q")
    client.receive()


def a_vhost(node: Node, _client: Client) -> None:
    """It is deleted with a connection, a consumer, unacked messages and a policy in it."""
    vhost = node.broker.add_vhost("passing")
    node.broker.users.set_permissions("guest", "passing", ".*", ".*", ".*")
    vhost.set_policy(Policy("p", "^jobs", {"dead-letter-exchange": "amq.fanout"}))
    client = node.connect()
    client.shake_hands(vhost="passing")
    client.open_channel(1)
    client.send(commands.Exchange.Declare, exchange="e", exchange_type="topic")
    client.receive()
    client.declare()
    client.send(commands.Queue.Bind, queue="jobs", exchange="e", routing_key="a.*")
    client.consume()
    client.publish(b"one", b"two")
    client.publish(b"three", exchange="e", routing_key="a.b")
    client.receive()
    del vhost
    finish(node.broker.deleting_vhost("passing", node.now_ms))
    client.receive()
    ended(node, client)


LIVES: dict[str, Callable[[Node, Client], None]] = {
    "queue": queue_of(),
    "queue, auto-delete": queue_of(auto_delete=True),
    "queue, exclusive": queue_of(exclusive=True),
    "queue, durable": queue_of(durable=True),
    "queue, quorum": queue_of(durable=True, arguments={"x-queue-type": "quorum"}),
    "queue, priorities": queue_of(arguments={"x-max-priority": 5}),
    "queue, single active consumer": queue_of(arguments={"x-single-active-consumer": True}),
    "queue, bounded": queue_of(arguments={"x-max-length": 1}),
    "queue with unacked": queue_with_unacked,
    "queue that expires": queue_that_expires,
    "queue without an answer": queue_without_an_answer,
    "dead letters": dead_letters,
    "exchange": an_exchange,
    "refused": refused,
    "channel": channel_life,
    "transaction": transaction,
    "direct replies": replies,
    "half a message": half_a_message,
    "connection cut": connection_cut,
    "connection closed": connection_closed,
    "connection half closed": connection_half_closed,
    "connection at fault": connection_at_fault,
    "connection shut down": connection_shut_down,
    "login refused": login_refused,
    "silent connection": silent_connection,
    "not AMQP": not_amqp,
    "user": a_user,
    "queue under a policy": queue_under_a_policy,
    "vhost": a_vhost,
}


@pytest.mark.parametrize("life", LIVES)
def test_no_life_leaves_anything_to_the_cyclic_collector(node: Node, life: str) -> None:
    client = node.open()
    live = LIVES[life]
    for _ in range(2):
        live(node, client)
    with without_collector() as kinds:
        for _ in range(ROUNDS):
            live(node, client)
    assert not kinds, f"{kinds.total() / ROUNDS:.1f} objects a round: {dict(kinds)}"


def test_what_is_left_to_the_collector_is_seen(node: Node) -> None:
    with without_collector() as kinds:
        parting = Policy("p", "^q", definition := {})
        definition["self"] = parting
        del parting, definition
    assert kinds == {"amqp_server.broker.policies.table.Policy": 1}
