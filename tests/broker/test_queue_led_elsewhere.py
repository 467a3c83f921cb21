"""Channels of real connections over the front half of a queue that is led on another node."""

import pytest
from pamqp import commands

from cluster.fronts.front_queue import FrontQueue
from queues.options import Overflow, QueueOptions
from tests.support.half_pair import Pair
from tests.support.peer import Client, Node


class Elsewhere(Pair):
    """A node with the queue ``jobs``, whose engine is a front half, and its leader on another."""

    def __init__(self, options: QueueOptions = QueueOptions()) -> None:  # noqa: B008 -- frozen
        self.node = Node()
        self.clients: list[Client] = []
        super().__init__(options)
        client = self.open()
        client.declare()
        queue = self.node.vhost.queues.find("jobs")
        assert queue is not None
        queue.engine = queue.asked = self.front
        self.settle_all()

    def _wake_front(self) -> None:
        front: FrontQueue | None = getattr(self, "front", None)
        if front is not None:
            self.node.broker.turn.mark_dirty(front)

    def open(self) -> Client:
        client = self.node.open()
        self.clients.append(client)
        return client

    def settle_all(self) -> None:
        """Let frames go there and back until nothing moves."""
        for _ in range(1_000):
            self.node.end_turns()
            if not any([self.carry_up(), self.carry_down(), self.drain_leader(), self.commit()]):
                return
        raise AssertionError("it never ends")


@pytest.fixture
def place() -> Elsewhere:
    return Elsewhere()


def test_a_publish_is_confirmed_and_delivered_over_the_hop(place: Elsewhere) -> None:
    publisher, consumer = place.open(), place.open()
    publisher.send(commands.Confirm.Select)
    publisher.expect(commands.Confirm.SelectOk)
    publisher.publish(b"a", b"b")
    assert publisher.methods() == []
    place.settle_all()
    ack = publisher.expect(commands.Basic.Ack)
    assert (ack.delivery_tag, ack.multiple) == (2, True)
    consumer.consume()
    place.settle_all()
    assert consumer.bodies() == [b"a", b"b"]
    consumer.send(commands.Basic.Ack, delivery_tag=2, multiple=True)
    place.settle_all()
    assert place.log.kept == {}


def test_exactly_what_the_leader_refused_is_nacked() -> None:
    place = Elsewhere(QueueOptions(max_length=2, overflow=Overflow.REJECT_PUBLISH))
    publisher = place.open()
    publisher.send(commands.Confirm.Select)
    publisher.receive()
    publisher.publish(b"1", b"2", b"3")
    place.settle_all()
    answers = [
        (type(each), each.delivery_tag, each.multiple)
        for each in publisher.methods()
        if isinstance(each, commands.Basic.Ack | commands.Basic.Nack)
    ]
    assert sorted(answers, key=lambda one: one[1]) == [
        (commands.Basic.Ack, 2, True),
        (commands.Basic.Nack, 3, False),
    ]


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_transaction_waits_for_the_leader(is_refused: bool) -> None:
    options = QueueOptions(max_length=1, overflow=Overflow.REJECT_PUBLISH)
    place = Elsewhere(options if is_refused else QueueOptions())
    client = place.open()
    client.send(commands.Tx.Select)
    client.receive()
    client.publish(b"1", b"2")
    client.send(commands.Tx.Commit)
    assert client.methods() == []
    place.settle_all()
    if is_refused:
        close = client.closed()
        assert (close.code, "partial tx completion" in close.text) == (406, True)
    else:
        client.expect(commands.Tx.CommitOk)


def test_prefetch_nack_and_the_end_of_a_channel_go_over_the_hop(place: Elsewhere) -> None:
    consumer = place.open()
    consumer.publish(b"1", b"2", b"3")
    consumer.send(commands.Basic.Qos, prefetch_count=2)
    consumer.consume()
    place.settle_all()
    assert consumer.bodies() == [b"1", b"2"]
    consumer.send(commands.Basic.Nack, delivery_tag=1, requeue=False)
    place.settle_all()
    assert consumer.bodies() == [b"3"]
    consumer.send(commands.Channel.Close)
    place.settle_all()
    counts = place.engine.counts()
    assert (counts.ready_count, counts.unacked_count, counts.consumer_count) == (2, 0, 0)


def test_a_client_notices_a_new_leader_only_if_it_asked(place: Elsewhere) -> None:
    consumer = place.open()
    consumer.publish(b"1")
    consumer.consume()
    place.settle_all()
    consumer.receive()
    place.break_pipe()
    place.settle_all()
    (again,) = [each for each in consumer.receive() if each.method is not None]
    assert isinstance(again.method, commands.Basic.Deliver)
    assert (again.method.delivery_tag, again.method.redelivered) == (2, True)
    consumer.send(commands.Basic.Ack, delivery_tag=1)
    place.settle_all()
    assert place.engine.counts().unacked_count == 1, "an ack of an older delivery is swallowed"
    consumer.send(commands.Basic.Ack, delivery_tag=2)
    place.settle_all()
    assert place.log.kept == {}
    assert not consumer.is_closed()


def test_a_get_waits_for_the_leader(place: Elsewhere) -> None:
    client = place.open()
    client.publish(b"a", b"b", b"c")
    place.settle_all()
    for no_ack in (False, True):
        client.send(commands.Basic.Get, queue="jobs", no_ack=no_ack)
        assert client.receive() == []
        place.settle_all()
        (got,) = client.receive()
        assert isinstance(got.method, commands.Basic.GetOk)
    place.settle_all()
    assert (place.engine.ready_count, place.engine.counts().unacked_count) == (1, 1)
    client.send(commands.Basic.Ack, delivery_tag=1)
    client.send(commands.Queue.Purge, queue="jobs")
    place.settle_all()
    assert client.expect(commands.Queue.PurgeOk).message_count == 1
    client.send(commands.Basic.Get, queue="jobs")
    place.settle_all()
    client.expect(commands.Basic.GetEmpty)
    assert place.log.kept == {}


@pytest.mark.parametrize("has_come", [False, True])
def test_a_message_that_was_got_for_a_client_that_left_goes_back(
    place: Elsewhere, has_come: bool
) -> None:
    client = place.open()
    client.publish(b"a")
    place.settle_all()
    client.send(commands.Basic.Get, queue="jobs")
    while place.carry_up():
        pass
    if has_come:
        place.carry_down()
    client.connection.lose(place.node.now_ms)
    place.settle_all()
    assert (place.engine.ready_count, place.engine.counts().unacked_count) == (1, 0)


def test_a_get_that_nobody_answers_has_an_error(place: Elsewhere) -> None:
    client = place.open()
    place.front.lead_nowhere()
    for kind in (commands.Basic.Get, commands.Queue.Purge):
        client.send(kind, queue="jobs")
        place.front.expire(place.node.now_ms + 30_000)
        place.node.end_turns()
        close = client.closed()
        text = "failed to perform operation on queue 'jobs' in vhost '/' due to timeout"
        assert (close.code, text in close.text) == (404, True)
        client.send(commands.Channel.CloseOk)
        client.open_channel(1)
