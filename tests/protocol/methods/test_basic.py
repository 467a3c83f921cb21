"""basic.*: what each method does beyond what consumers and channels are tested for."""

import pytest
from pamqp import commands

from amqp_server.protocol.settings import ProtocolSettings
from amqp_server.wire.properties import split
from tests.support.peer import Client, Node

# -- qos ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 65_535])
@pytest.mark.parametrize("is_global", [False, True])
def test_any_count_is_a_window(peer: Client, count: int, is_global: bool) -> None:
    peer.send(commands.Basic.Qos, prefetch_count=count, global_=is_global)
    peer.expect(commands.Basic.QosOk)


def test_a_window_in_bytes_is_not_implemented(peer: Client) -> None:
    peer.send(commands.Basic.Qos, prefetch_size=1)
    close = peer.closed()
    assert (close.channel, close.code) == (0, 540)
    assert close.text == "NOT_IMPLEMENTED - prefetch_size!=0 (1)"


# -- consume -----------------------------------------------------------------------------------


def test_consume_ok_comes_before_the_first_delivery(peer: Client) -> None:
    peer.publish(b"x")
    peer.consume()
    names = [method.name for method in peer.methods()]
    assert names == ["Basic.ConsumeOk", "Basic.Deliver"]


def test_a_consumer_without_a_tag_is_given_one(peer: Client) -> None:
    tags = []
    for _ in range(2):
        peer.send(commands.Basic.Consume, queue="jobs")
        tags.append(peer.expect(commands.Basic.ConsumeOk).consumer_tag)
    assert len(set(tags)) == 2
    assert all(str(tag).startswith("amq.ctag-") for tag in tags)


def test_a_tag_is_taken_once_on_a_channel(peer: Client) -> None:
    peer.consume()
    peer.receive()
    peer.open_channel(2)
    peer.consume(channel=2)
    peer.expect(commands.Basic.ConsumeOk)
    peer.consume()
    close = peer.closed()
    assert (close.channel, close.code) == (0, 530)
    assert close.text == "NOT_ALLOWED - attempt to reuse consumer tag 'me'"


def test_a_reply_consumer_may_not_take_a_tag_but_its_own_is_nobodys(peer: Client) -> None:
    peer.consume("amq.rabbitmq.reply-to", no_ack=True)
    peer.expect(commands.Basic.ConsumeOk)
    peer.consume()
    peer.expect(commands.Basic.ConsumeOk)
    peer.consume("amq.rabbitmq.reply-to")
    assert peer.closed().code == 530


def test_the_bare_reply_name_as_the_last_declared_queue_is_consumed_from(peer: Client) -> None:
    peer.send(commands.Queue.Declare, queue="amq.rabbitmq.reply-to")
    peer.receive()
    peer.consume("", no_ack=True)
    peer.expect(commands.Basic.ConsumeOk)
    peer.publish(b"ask", reply_to="amq.rabbitmq.reply-to")
    assert peer.get("jobs") == b"ask"


def test_consumers_of_a_channel_are_bounded_where_that_is_configured() -> None:
    peer = Node(ProtocolSettings(consumers_per_channel_max=3)).open()
    peer.declare()
    for tag in "abcd":
        peer.send(commands.Basic.Consume, queue="jobs", consumer_tag=tag)
    close = peer.closed()
    assert (close.channel, close.code) == (0, 530)
    assert close.text == "NOT_ALLOWED - reached maximum (3) of consumers per channel"


def test_who_consumes_exclusively_is_alone(peer: Client) -> None:
    other = peer.node.open()
    peer.consume(exclusive=True)
    other.consume()
    close = other.closed()
    assert (close.channel, close.code) == (1, 403)
    assert close.text == "ACCESS_REFUSED - queue 'jobs' in vhost '/' in exclusive use"


def test_a_refused_consumer_leaves_no_trace(peer: Client) -> None:
    other = peer.node.open()
    peer.consume(exclusive=True)
    other.consume()
    other.receive()
    peer.send(commands.Queue.Declare, queue="jobs", passive=True)
    assert peer.expect(commands.Queue.DeclareOk).consumer_count == 1


def test_a_quorum_queue_does_not_go_with_a_shared_window(peer: Client) -> None:
    peer.declare("q", durable=True, arguments={"x-queue-type": "quorum"})
    peer.send(commands.Basic.Qos, prefetch_count=1, global_=True)
    peer.receive()
    peer.consume("q")
    assert peer.closed().code == 540


@pytest.mark.parametrize(("no_ack", "codes"), [(False, [406]), (True, [])])
def test_a_reply_consumer_acks_nothing(peer: Client, no_ack: bool, codes: list[int]) -> None:
    peer.consume("amq.rabbitmq.reply-to", no_ack=no_ack)
    assert [close.code for close in peer.closes()] == codes


def test_a_channel_has_one_reply_consumer(peer: Client) -> None:
    peer.consume("amq.rabbitmq.reply-to", no_ack=True)
    peer.receive()
    peer.send(
        commands.Basic.Consume, queue="amq.rabbitmq.reply-to", consumer_tag="two", no_ack=True
    )
    assert peer.closed().text == "PRECONDITION_FAILED - reply consumer already set"


# -- get ---------------------------------------------------------------------------------------


def test_a_get_says_how_many_are_left(peer: Client) -> None:
    peer.publish(b"a", b"b")
    peer.send(commands.Basic.Get, queue="jobs")
    assert peer.expect(commands.Basic.GetOk).message_count == 1
    peer.send(commands.Basic.Get, queue="jobs")
    peer.receive()
    peer.send(commands.Basic.Get, queue="jobs")
    peer.expect(commands.Basic.GetEmpty)


def test_a_get_takes_nothing_that_a_consumer_should_have_had(peer: Client) -> None:
    peer.consume()
    peer.receive()
    peer.node.open().publish(b"a")
    assert peer.get() == b"a"
    assert peer.get() is None


def test_a_get_without_a_queue_means_the_last_declared(peer: Client) -> None:
    peer.publish(b"a")
    assert peer.get("") == b"a"
    peer.open_channel(2)
    peer.send(commands.Basic.Get, 2)
    close = peer.closed()
    assert (close.channel, close.code) == (2, 404)
    assert close.text == "NOT_FOUND - no previously declared queue"


# -- settling ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", [0, 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("kind", [commands.Basic.Ack, commands.Basic.Nack, commands.Basic.Reject])
def test_an_unknown_tag_closes_the_channel(
    peer: Client,
    kind: type[commands.Basic.Ack | commands.Basic.Nack | commands.Basic.Reject],
    tag: int,
) -> None:
    peer.send(kind, delivery_tag=tag)
    close = peer.closed()
    assert (close.channel, close.code) == (1, 406)
    assert close.text == f"PRECONDITION_FAILED - unknown delivery tag {tag}"
    assert close.method == (60, kind.index & 0xFFFF)


@pytest.mark.parametrize("kind", [commands.Basic.Ack, commands.Basic.Nack])
def test_tag_zero_with_multiple_is_everything_be_it_nothing(
    peer: Client, kind: type[commands.Basic.Ack | commands.Basic.Nack]
) -> None:
    peer.send(kind, delivery_tag=0, multiple=True)
    assert peer.receive() == []


def test_a_tag_is_of_its_channel(peer: Client) -> None:
    peer.publish(b"a")
    peer.send(commands.Basic.Get, queue="jobs")
    peer.open_channel(2)
    peer.send(commands.Basic.Ack, 2, delivery_tag=1)
    assert peer.closed().channel == 2


# -- recover -----------------------------------------------------------------------------------


def test_a_recovery_is_answered_and_comes_before_what_it_redelivers(peer: Client) -> None:
    peer.publish(b"a")
    peer.consume()
    peer.receive()
    peer.send(commands.Basic.Recover, requeue=True)
    names = [method.name for method in peer.methods()]
    assert names == ["Basic.RecoverOk", "Basic.Deliver"]
    peer.send(commands.Basic.RecoverAsync, requeue=True)
    assert [method.name for method in peer.methods()] == ["Basic.Deliver"]


def test_a_recovery_of_several_consumers_is_answered_before_any_redelivery(peer: Client) -> None:
    for tag in "abc":
        peer.send(commands.Basic.Consume, queue="jobs", consumer_tag=tag)
    peer.publish(b"1", b"2")
    peer.receive()
    peer.send(commands.Basic.Recover, requeue=True)
    names = [method.name for method in peer.methods()]
    assert names == ["Basic.RecoverOk", "Basic.Deliver", "Basic.Deliver"]


@pytest.mark.parametrize("kind", [commands.Basic.Recover, commands.Basic.RecoverAsync])
def test_a_recovery_to_the_same_consumer_is_not_implemented(
    peer: Client, kind: type[commands.Basic.Recover | commands.Basic.RecoverAsync]
) -> None:
    peer.send(kind, requeue=False)
    close = peer.closed()
    assert (close.channel, close.code, close.text) == (0, 540, "NOT_IMPLEMENTED - requeue=false")


# -- rights ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [commands.Basic.Get, commands.Basic.Consume])
def test_who_may_not_read_gets_nothing(
    kind: type[commands.Basic.Get | commands.Basic.Consume],
) -> None:
    node = Node()
    node.open().declare()
    node.add_user("writer", ".*", ".*", "^none$")
    peer = node.open(user="writer")
    peer.send(kind, queue="jobs")
    close = peer.closed()
    assert (close.channel, close.code) == (1, 403)
    assert close.text == (
        "ACCESS_REFUSED - read access to queue 'jobs' in vhost '/' refused for user 'writer'"
    )


# -- get ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "counts"), [("quorum", [0, 1]), ("classic", [None, None])])
def test_what_is_got_from_a_quorum_queue_always_says_how_often_it_came_back(
    peer: Client, kind: str, counts: list[int | None]
) -> None:
    peer.declare("q", durable=True, arguments={"x-queue-type": kind})
    peer.publish(b"x", routing_key="q")
    seen = []
    for tag in (1, 2):
        peer.send(commands.Basic.Get, queue="q")
        got = next(item for item in peer.receive() if isinstance(item.method, commands.Basic.GetOk))
        field = split(got.header).headers().get("x-delivery-count")
        seen.append(None if field is None else field.value)
        peer.send(commands.Basic.Reject, delivery_tag=tag, requeue=True)
    assert seen == counts


def test_a_get_of_a_paused_queue_finds_nothing(peer: Client) -> None:
    peer.publish(b"a")
    queues = peer.node.broker.vhost("/").queues
    queues.pause(queues.get("jobs", None), is_on=True)
    assert peer.get() is None
    queues.pause(queues.get("jobs", None), is_on=False)
    assert peer.get() == b"a"
