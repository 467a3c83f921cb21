"""Views of the node: what it has of the machine, and sums that keep what is gone."""

from pamqp import commands

from amqp_server.broker.broker import Broker
from amqp_server.broker.publish import TARGETS_AT_ONCE_MAX
from amqp_server.broker.resources import ListenerView, ResourceView
from amqp_server.broker.steps import finish
from amqp_server.broker.views import Views
from tests.support.desk import Desk

WIDE = TARGETS_AT_ONCE_MAX + 5

MACHINE = ResourceView(
    memory_bytes=1,
    memory_limit_bytes=2,
    disk_free_bytes=None,
    disk_limit_bytes=0,
    descriptors=3,
    descriptors_max=4,
    sockets=5,
    sockets_max=6,
    uptime_ms=7,
    listeners=(ListenerView("::", 5672, "amqp", is_tls=False),),
)


def test_the_node_shows_what_it_has_of_the_machine() -> None:
    desk = Desk()
    assert desk.views.node().resources is None
    desk.node.broker.look_at_resources = lambda: MACHINE
    node = desk.views.node()
    assert (node.resources, node.waiting_count) == (MACHINE, 0)
    assert node.wall_ms == node.now_ms


def test_times_of_day_are_instants_plus_an_offset() -> None:
    desk = Desk()
    node = desk.node
    broker = Broker(
        node.broker.settings, node.broker.users, node.broker.turn, bytes, epoch_offset_ms=5_000
    )
    view = Views(broker).node()
    assert view.wall_ms - view.now_ms == 5_000


def test_sums_keep_what_queues_and_clients_counted_that_are_gone() -> None:
    desk = Desk()
    client, leaving = desk.node.open(), desk.node.open()
    client.declare()
    leaving.publish(b"1", b"2")
    leaving.send(commands.Basic.Get, queue="jobs")
    before = finish(desk.views.totals())
    assert (before.channels.published, before.channels.got, before.channels.unacked) == (2, 1, 1)
    assert (before.queues.ready_count, before.queues.unacked_count) == (1, 1)
    leaving.connection.receive_eof(desk.node.now_ms)
    desk.node.end_turns()
    client.send(commands.Queue.Delete, queue="jobs")
    after = finish(desk.views.totals("/"))
    assert (after.channels.published, after.channels.requeued, after.channels.acked) == (2, 1, 0)
    assert (after.queues.published, after.queues.ready_count) == (2, 0)
    assert after.traffic.received_bytes >= before.traffic.received_bytes > 0
    assert finish(desk.views.totals()) == after
    desk.do("delete_vhost", name="/")
    assert finish(desk.views.totals()).channels == after.channels


def test_what_is_routed_counts_once_for_each_queue() -> None:
    desk = Desk()
    client = desk.node.open()
    client.send(commands.Exchange.Declare, exchange="all", exchange_type="fanout")
    for number in range(WIDE):
        client.declare(f"q{number}")
        if number < 3:
            client.send(commands.Queue.Bind, queue=f"q{number}", exchange="all")

    def routed() -> int:
        counts = finish(desk.views.counted()).channels
        assert desk.views.exchange("/", "all").routed == counts.routed  # type: ignore[union-attr]
        return counts.routed

    client.publish(b"1", b"2", exchange="all", routing_key="")
    assert routed() == 6
    client.publish(b"1", exchange="all", routing_key="", headers={"CC": ["a"]})
    assert routed() == 9
    for number in range(3, WIDE):
        client.send(commands.Queue.Bind, queue=f"q{number}", exchange="all")
    client.publish(b"1", exchange="all", routing_key="")
    desk.node.end_turns()
    assert routed() == 9 + WIDE
    arguments = {"routing_key": "", "properties": {}, "payload": b"", "username": "guest"}
    desk.do("publish", vhost="/", exchange="all", **arguments)
    assert routed() == 9 + 2 * WIDE


def test_queues_are_counted_by_their_kind() -> None:
    desk = Desk()
    client = desk.node.open()
    client.declare("plain")
    client.declare("log", durable=True, arguments={"x-queue-type": "stream"})
    client.publish(b"1", b"2", routing_key="plain")
    client.publish(b"1", routing_key="log")
    client.send(commands.Queue.Delete, queue="plain")
    counted = finish(desk.views.counted())
    assert {kind: counts.published for kind, counts in counted.queues.items()} == {
        "classic": 2,
        "stream": 1,
    }
    assert counted.traffic.received_bytes > 0
    assert set(counted.protocols) == {"stream"}


def test_sizes_are_those_of_clients_and_of_commands() -> None:
    desk = Desk()
    client = desk.node.open()
    client.declare("jobs")
    client.publish(b"x" * 100, b"x" * 101, routing_key="jobs")
    arguments = {"routing_key": "jobs", "properties": {}, "payload": b"12", "username": "guest"}
    desk.do("publish", vhost="/", exchange="", **arguments)
    sizes = finish(desk.views.counted()).sizes
    assert sizes.counts[:3] == ((100, 2), (1_000, 1), (10_000, 0))
    assert sizes.counts[-1] == (None, 0)
    assert sizes.total_bytes == 203
