"""What becomes of publishes: returned, confirmed, refused, or held for a commit."""

import gc
import weakref

from pamqp import commands

from amqp_server.broker.backing import Backing
from amqp_server.broker.queue import QueueIdentity
from amqp_server.wire.methods import Method
from tests.support.commits import FakeCommits
from tests.support.frames import METHOD, content_frames, frame, property_list, publish_payload
from tests.support.peer import Client, Node
from tests.support.queue_log import FakeLog


def tags(methods: list[Method]) -> list[tuple[str, int | None, bool]]:
    """Return the answers to publishes."""
    return [
        (method.name, method.delivery_tag, method.multiple)
        for method in methods
        if isinstance(method, commands.Basic.Ack | commands.Basic.Nack)
    ]


def test_a_mandatory_message_that_goes_nowhere_comes_back_before_its_ack(peer: Client) -> None:
    peer.send(commands.Confirm.Select)
    peer.expect(commands.Confirm.SelectOk)
    peer.publish(b"lost", routing_key="nowhere", mandatory=True)
    names = [method.name for method in peer.methods()]
    assert names == ["Basic.Return", "Basic.Ack"]


def test_a_message_that_goes_nowhere_is_dropped_and_acked(peer: Client) -> None:
    peer.send(commands.Confirm.Select)
    peer.publish(b"lost", routing_key="nowhere")
    assert tags(peer.methods()) == [("Basic.Ack", 1, False)]


def test_a_burst_is_acked_once_the_last_of_it_is_on_disk() -> None:
    commits = FakeCommits()

    def make_log(_queue: QueueIdentity) -> FakeLog:
        log = FakeLog()
        log.commit_group = commits
        return log

    peer = Node(backing=Backing(make_log=make_log)).open()
    for name in ("a", "b", "c"):
        peer.declare(name)
    peer.publish(b"earlier", routing_key="b")
    peer.send(commands.Confirm.Select)
    peer.expect(commands.Confirm.SelectOk)
    message = content_frames(1, b"x", property_list(delivery_mode=2))
    frames = [frame(METHOD, 1, publish_payload("", key)) + message for key in "abcab"]
    peer.send_bytes(b"".join(frames))
    commits.commit(1)
    assert tags(peer.methods()) == []
    commits.commit(2)
    assert tags(peer.methods()) == [("Basic.Ack", 5, True)]


def test_a_read_of_publishes_is_acked_at_once(peer: Client) -> None:
    peer.send(commands.Confirm.Select)
    peer.receive()
    peer.publish(b"a", b"b", b"c")
    assert tags(peer.methods()) == [("Basic.Ack", 3, True)]


def test_what_a_queue_refuses_is_nacked_and_the_rest_acked() -> None:
    peer = Node().open()
    peer.declare(arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    peer.send(commands.Confirm.Select)
    peer.receive()
    peer.publish(b"a", b"b", b"c", b"d")
    assert tags(peer.methods()) == [
        ("Basic.Ack", 2, True),
        ("Basic.Nack", 3, False),
        ("Basic.Nack", 4, False),
    ]


def test_confirms_are_numbered_by_channel(peer: Client) -> None:
    for number in (1, 2):
        if number == 2:
            peer.open_channel(2)
        peer.send(commands.Confirm.Select, number)
        peer.receive()
        peer.publish(b"x", channel=number)
        assert tags(peer.methods()) == [("Basic.Ack", 1, False)]


def test_a_channel_that_is_over_holds_no_cycle_of_itself() -> None:
    node = Node()
    peer = node.open()
    peer.declare()
    peer.publish(b"x")
    channel = peer.connection._channels._channels[1]
    gone = weakref.ref(channel)
    gc.collect()
    gc.disable()
    try:
        peer.send(commands.Channel.Close, reply_code=200, reply_text="", class_id=0, method_id=0)
        peer.expect(commands.Channel.CloseOk)
        del channel
        assert gone() is None
    finally:
        gc.enable()
