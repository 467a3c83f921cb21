"""Views of clients: how connections are, and what consumers wait for."""

from pamqp import commands

from amqp_server.broker.alarms import Resource
from amqp_server.broker.counts import ConsumerView
from tests.support.desk import Desk
from tests.support.peer import Client


def state_of(desk: Desk, client: Client) -> str:
    number = desk.node.broker.numbered.number_of(client.connection.session)
    view = desk.views.connection(number)
    assert view is not None
    return view.state


def test_a_connection_is_shown_in_rabbitmqs_words() -> None:
    desk = Desk()
    alarms = desk.node.broker.alarms
    publisher, other = desk.node.open(), desk.node.open()
    publisher.declare()
    assert state_of(desk, publisher) == "running"
    alarms.set(Resource.MEMORY, is_low=True, now_ms=desk.node.now_ms)
    publisher.publish(b"1")
    assert (state_of(desk, publisher), state_of(desk, other)) == ("blocked", "blocking")
    alarms.set(Resource.MEMORY, is_low=False, now_ms=desk.node.now_ms)
    assert (state_of(desk, publisher), state_of(desk, other)) == ("running", "running")
    desk.node.broker.congestion.set(is_on=True)
    publisher.publish(b"2")
    assert state_of(desk, publisher) == "flow"
    desk.node.broker.congestion.set(is_on=False)
    desk.node.end_turns()
    assert state_of(desk, publisher) == "running"
    view = desk.views.connection(1)
    assert view is not None
    assert (view.auth_mechanism, view.opened_at_ms) == ("PLAIN", desk.node.now_ms)
    publisher.receive()
    publisher.send(commands.Basic.Get, queue="jobs")
    waiting = desk.views.connection(1)
    assert waiting is not None
    assert waiting.unsent_bytes == len(publisher.read_bytes()) > 0


def test_a_transaction_shows_what_it_holds() -> None:
    desk = Desk()
    client = desk.node.open()
    client.declare()
    client.publish(b"1", b"2", b"3")
    for _ in range(3):
        client.send(commands.Basic.Get, queue="jobs")
    client.send(commands.Tx.Select)
    client.publish(b"4", b"5")
    client.send(commands.Basic.Ack, delivery_tag=3, multiple=True)
    (channel,) = desk.views.channels().items
    assert (channel.is_transactional, channel.uncommitted, channel.unsettled) == (True, 1, 3)


def consumers(desk: Desk) -> dict[str, ConsumerView]:
    return {one.consumer_tag: one for one in desk.views.consumers().items}


def test_a_consumer_shows_its_arguments_and_whether_it_is_served() -> None:
    desk = Desk()
    client = desk.node.open()
    client.declare()
    client.declare("one", arguments={"x-single-active-consumer": True})
    client.send(commands.Basic.Qos, prefetch_count=1)
    given = {"x-priority": 3, "mine": "yes"}
    for queue, tag in (("jobs", "a"), ("one", "b"), ("one", "c")):
        client.send(commands.Basic.Consume, queue=queue, consumer_tag=tag, arguments=given)
    shown = consumers(desk)
    assert [shown[tag].activity for tag in "abc"] == ["up", "single_active", "waiting"]
    assert [shown[tag].is_active for tag in "abc"] == [True, True, False]
    assert (shown["a"].arguments, shown["a"].priority) == (given, 3)
    client.publish(b"1")
    assert consumers(desk)["a"].activity == "blocked"
    client.send(commands.Basic.Cancel, consumer_tag="b")
    assert consumers(desk)["c"].activity == "single_active"
    sole = desk.views.queue("/", "one")
    jobs = desk.views.queue("/", "jobs")
    assert sole is not None
    assert jobs is not None
    assert (sole.single_active_tag, sole.exclusive_tag, sole.may_deliver) == ("c", None, True)
    client.publish(b"2")
    jobs = desk.views.queue("/", "jobs")
    assert jobs is not None
    assert (jobs.single_active_tag, jobs.may_deliver) == (None, False)


def test_a_reader_of_a_stream_shows_how_far_behind_it_is() -> None:
    desk = Desk()
    client = desk.node.open()
    client.declare()
    client.declare("log", durable=True, arguments={"x-queue-type": "stream"})
    client.send(commands.Basic.Qos, prefetch_count=1)
    given = {"x-stream-offset": "first"}
    client.send(commands.Basic.Consume, queue="log", consumer_tag="reader", arguments=given)
    client.send(commands.Basic.Consume, queue="jobs", consumer_tag="worker")
    client.publish(b"1", b"2", b"3", routing_key="log")
    assert consumers(desk)["reader"].lag == 2
    client.send(commands.Basic.Ack, delivery_tag=1)
    assert consumers(desk)["reader"].lag == 1
    assert consumers(desk)["worker"].lag is None


def test_the_members_of_a_streams_group_show_who_reads() -> None:
    desk = Desk()
    client = desk.node.open()
    client.declare("log", durable=True, arguments={"x-queue-type": "stream"})
    client.send(commands.Basic.Qos, prefetch_count=1)
    for tag, given in (("a", "g"), ("b", "g"), ("c", "other"), ("d", None)):
        arguments = {} if given is None else {"x-stream-group": given}
        client.send(commands.Basic.Consume, queue="log", consumer_tag=tag, arguments=arguments)
    shown = consumers(desk)
    single, waits = "single_active", "waiting"
    assert [shown[tag].activity for tag in "abcd"] == [single, waits, single, "up"]
    assert [shown[tag].is_active for tag in "abcd"] == [True, False, True, True]
    client.publish(b"1", routing_key="log")
    assert [consumers(desk)[tag].activity for tag in "abc"] == ["blocked", waits, "blocked"]
    client.send(commands.Basic.Cancel, consumer_tag="a")
    assert consumers(desk)["b"].is_active


def test_a_queue_shows_who_has_it_for_itself() -> None:
    desk = Desk()
    client = desk.node.open()
    client.declare()
    queue = desk.views.queue("/", "jobs")
    assert queue is not None
    assert (queue.exclusive_tag, queue.may_deliver) == (None, False)
    client.consume(exclusive=True)
    queue = desk.views.queue("/", "jobs")
    assert queue is not None
    assert (queue.exclusive_tag, queue.may_deliver) == ("me", True)
