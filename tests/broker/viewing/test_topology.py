"""Views: what is there, as a client made it, in pages that cost what they show."""

import pytest
from pamqp import commands

from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.viewing.bindings import BindingView
from amqp_server.broker.views import Views
from tests.support.desk import JOBS, PLAIN, Desk
from tests.support.peer import Client, Node


def node_with_client() -> tuple[Node, Client, Views]:
    node = Node()
    return node, node.open(), Views(node.broker)


def test_a_queue_is_shown_as_declared_with_what_happened_in_it() -> None:
    node, client, views = node_with_client()
    node.vhost.set_policy(Policy("p", ".*", {"max-length": 9}, 0, "queues"))
    client.declare(durable=True, arguments={"x-max-priority": 3})
    client.declare("mine", exclusive=True)
    client.publish(b"one", b"three")
    client.send(commands.Basic.Get, queue="jobs")
    queue = views.queue("/", "jobs")
    assert queue is not None
    assert (queue.kind, queue.durable, queue.exclusive) == ("classic", True, False)
    assert (queue.arguments, queue.owner_number) == ({"x-max-priority": 3}, None)
    assert (queue.policy, queue.operator_policy) == ("p", None)
    assert queue.effective_policy == {"max-length": 9}
    counts = queue.counts
    assert (counts.published, counts.got, counts.ready_count, counts.unacked_count) == (2, 1, 1, 1)
    mine = views.queue("/", "mine")
    assert mine is not None
    assert mine.owner_number == 1
    assert views.queue("/", "none") is None
    assert views.queue("none", "jobs") is None
    with pytest.raises(NotFoundError):
        views.queues("none")


def test_an_exchange_shows_what_went_through_it() -> None:
    _, client, views = node_with_client()
    client.declare()
    client.publish(b"1", b"2")
    client.publish(b"3", exchange="amq.direct", mandatory=True)
    default, direct = views.exchange("/", ""), views.exchange("/", "amq.direct")
    assert default is not None
    assert direct is not None
    assert (default.type, default.published, default.routed) == ("direct", 2, 2)
    assert (direct.published, direct.routed, direct.returns, direct.dropped) == (1, 0, 1, 0)
    assert "amq.topic" in [one.name for one in views.exchanges("/").items]
    assert views.exchange("/", "none") is None


def test_a_client_is_shown_with_its_channels_and_consumers() -> None:
    node, client, views = node_with_client()
    client.open_channel(7)
    client.declare()
    client.send(commands.Confirm.Select, 7)
    client.send(commands.Basic.Qos, prefetch_count=5)
    client.consume()
    client.publish(b"1", b"2")
    client.receive()
    (connection,) = views.connections().items
    assert (connection.number, connection.username, connection.vhost) == (1, "guest", "/")
    assert (connection.name, connection.channels_open) == ("127.0.0.1:50000 -> 127.0.0.1:5672", 2)
    assert "capabilities" in connection.client_properties
    assert views.connection(1) == connection
    first, second = views.channels().items
    assert (first.number, first.prefetch, first.consumer_count) == (1, 5, 1)
    assert (first.counts.published, first.counts.delivered, first.counts.unacked) == (2, 2, 2)
    assert (second.number, second.confirms) == (7, True)
    (consumer,) = views.consumers().items
    assert (consumer.consumer_tag, consumer.queue_name) == ("me", "jobs")
    assert (consumer.prefetch, consumer.unacked, consumer.channel_number) == (5, 2, 1)
    vhost, seen = views.vhost("/"), views.node()
    assert vhost is not None
    assert (vhost.queue_count, vhost.connection_count, vhost.binding_count) == (1, 1, 0)
    assert views.vhosts().items == (vhost,)
    assert (seen.queue_count, seen.channel_count, seen.consumer_count) == (1, 2, 1)
    assert (seen.connection_count, seen.alarm, seen.events["queue.created"]) == (1, "", 1)
    client.connection.receive_eof(node.now_ms)
    node.end_turns()
    assert (views.connections().items, views.channels().items) == ((), ())
    assert views.node().consumer_count == 0


def test_channels_and_consumers_go_by_pages_over_connections() -> None:
    node, first, views = node_with_client()
    second = node.open()
    first.declare()
    for client in (first, second):
        client.open_channel(2)
        for channel in (1, 2):
            for tag in ("b", "", "a", "c")[: 4 if channel == 1 else 0]:
                name = tag or "z"
                client.send(
                    commands.Basic.Consume, channel, queue="jobs", consumer_tag=name, no_ack=True
                )
    for size in (1, 2, 3, 100):
        channels: list[tuple[int, int]] = []
        page = views.channels(max_count=size)
        channels += [(one.connection_number, one.number) for one in page.items]
        while page.cursor is not None:
            page = views.channels(page.cursor, size)
            channels += [(one.connection_number, one.number) for one in page.items]
        assert channels == [(1, 1), (1, 2), (2, 1), (2, 2)]
        tags: list[tuple[int, str]] = []
        consumers = views.consumers(max_count=size)
        tags += [(one.connection_number, one.consumer_tag) for one in consumers.items]
        while consumers.cursor is not None:
            consumers = views.consumers(consumers.cursor, size)
            tags += [(one.connection_number, one.consumer_tag) for one in consumers.items]
        assert tags == [(number, tag) for number in (1, 2) for tag in "abcz"]


def test_a_page_of_ten_thousand_queues_asks_no_more_of_them_than_it_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node, client, views = node_with_client()
    for number in range(10_000):
        client.send(commands.Queue.Declare, queue=f"q{number:05}", nowait=True)
    asked: list[str] = []
    look_at = node.vhost.queues.look_at

    def counted(name: str) -> object:
        asked.append(name)
        return look_at(name)

    monkeypatch.setattr(node.vhost.queues, "look_at", counted)
    page = views.queues("/", "q04999", 10)
    assert [one.name for one in page.items] == asked == [f"q{n:05}" for n in range(5_000, 5_010)]
    assert page.cursor == "q05009"


def test_bindings_that_stay_are_shown_while_others_go() -> None:
    _, client, views = node_with_client()
    client.declare()

    def send(kind: type[commands.Queue.Bind | commands.Queue.Unbind], number: int) -> None:
        client.send(kind, queue="jobs", exchange="amq.topic", routing_key=f"k{number}")

    for number in range(20):
        send(commands.Queue.Bind, number)
    client.send(commands.Exchange.Bind, destination="amq.topic", source="amq.direct")
    shown: list[BindingView] = []
    page = views.bindings("/", None, 4)
    gone = 0
    while True:
        shown += page.items
        if page.cursor is None:
            break
        send(commands.Queue.Unbind, gone)
        gone += 2
        page = views.bindings("/", page.cursor, 4)
    keys = {one.routing_key for one in shown if one.source == "amq.topic"}
    assert {f"k{number}" for number in range(gone, 20)} <= keys
    assert {f"k{number}" for number in range(1, 20, 2)} <= keys
    (exchange_binding,) = [one for one in shown if one.source == "amq.direct"]
    assert exchange_binding == ("amq.direct", "/", "amq.topic", "exchange", "", {}, {})


def test_the_numbers_of_queues_come_in_pages_of_their_own() -> None:
    desk = Desk()
    for name in ("a", "b", "c"):
        desk.do("declare_queue", **{**JOBS, "name": name}, **PLAIN)
    page = desk.views.queue_counts("/", None, 2)
    assert [name for name, _ in page.items] == ["a", "b"]
    assert page.items[0][1].ready_count == 0
    assert [name for name, _ in desk.views.queue_counts("/", page.cursor).items] == ["c"]
    names = desk.views.queue_names("/", None, 2)
    assert names.items == ("a", "b")
    assert desk.views.queue_names("/", names.cursor).items == ("c",)
