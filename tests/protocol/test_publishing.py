"""The rules of basic.publish: what is looked at, what is remembered, what is refused and when."""

import pytest
from pamqp import commands

from amqp_server.broker.plan_memory import PlanMemory
from amqp_server.protocol.publishing import PLANS_MAX
from amqp_server.protocol.settings import MIB, ProtocolSettings
from amqp_server.wire.properties import split
from tests.support.frames import METHOD, content_frames, frame, property_list, publish_payload
from tests.support.peer import Client, Node


def publish_bytes(
    body: bytes, properties: bytes = b"\x00\x00", bits: int = 0, key: str = "jobs"
) -> bytes:
    return frame(METHOD, 1, publish_payload("", key, bits)) + content_frames(1, body, properties)


def waiting(peer: Client) -> list[bytes]:
    """Return the messages in the queue, seen by another client."""
    other = peer.node.open()
    bodies = []
    while (body := other.get()) is not None:
        bodies.append(body)
    return bodies


@pytest.mark.parametrize(
    ("wrong", "explanation"),
    [
        ({"expiration": "soon"}, "invalid expiration 'soon': no_integer"),
        ({"expiration": b"\xff"}, "invalid expiration '?': no_integer"),
        ({"user_id": "bob"}, "user_id property set to 'bob' but authenticated user was 'guest'"),
        ({"reply_to": "amq.rabbitmq.reply-to"}, "fast reply consumer does not exist"),
        ({"headers": {"CC": "x"}}, 'invalid message: {unacceptable_type_in_header,"CC",longstr}'),
    ],
)
def test_a_property_that_is_refused_stops_the_run_at_its_message(
    peer: Client, wrong: dict[str, object], explanation: str
) -> None:
    peer.send_bytes(
        publish_bytes(b"a")
        + publish_bytes(b"b")
        + publish_bytes(b"c", property_list(**wrong))
        + publish_bytes(b"d")
    )
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (1, 406, (60, 40))
    assert close.text == f"PRECONDITION_FAILED - {explanation}"
    assert waiting(peer) == [b"a", b"b"]


def test_properties_that_nobody_must_look_at_pass_untouched(peer: Client) -> None:
    properties = property_list(
        reply_to=b"\xff",
        content_type=b"\xfe",
        user_id="guest",
        expiration="1000",
        headers={"n": [1.5, None, {"x": b"\x00"}]},
        timestamp=2**64 - 1,
    )
    peer.send_bytes(frame(METHOD, 1, publish_payload()) + content_frames(1, b"x", properties))
    peer.consume()
    (delivery,) = [one for one in peer.receive() if one.body]
    assert delivery.header[12:] == properties


def test_copies_go_to_every_key_and_only_bcc_is_hidden(peer: Client) -> None:
    for name in ("one", "two"):
        peer.declare(name)
    peer.publish(b"x", headers={"CC": ["one"], "BCC": ["two"], "n": 1})
    for name in ("jobs", "one", "two"):
        peer.send(commands.Basic.Get, queue=name, no_ack=True)
        (got,) = peer.receive()
        assert set(split(got.header).headers()) == {"CC", "n"}
        assert isinstance(got.method, commands.Basic.GetOk)
        assert got.method.routing_key == "jobs"


def test_a_message_goes_once_to_a_queue_however_often_it_is_named(peer: Client) -> None:
    peer.publish(b"x", headers={"CC": ["jobs", "jobs"], "BCC": ["jobs"]})
    assert waiting(peer) == [b"x"]


def test_copies_are_mandatory_together(peer: Client) -> None:
    peer.publish(b"x", mandatory=True, routing_key="nowhere", headers={"CC": ["jobs"]})
    assert peer.receive() == []
    peer.publish(b"y", mandatory=True, routing_key="nowhere", headers={"CC": ["nowhere else"]})
    assert peer.bodies() == [b"y"]


@pytest.mark.parametrize("piece_bytes", [4088, 1])
def test_immediate_is_not_implemented(peer: Client, piece_bytes: int) -> None:
    method = frame(METHOD, 1, publish_payload(bits=2))
    peer.send_bytes(method + content_frames(1, b"ab", piece_bytes=piece_bytes))
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (0, 540, (60, 40))
    assert close.text == "NOT_IMPLEMENTED - immediate=true"


def test_a_message_to_no_exchange_is_refused_each_time(peer: Client) -> None:
    for number in (2, 3):
        peer.open_channel(number)
        peer.publish(b"x", exchange="none", channel=number)
        close = peer.closed()
        assert (close.channel, close.code) == (number, 404)
        assert close.text == "NOT_FOUND - no exchange 'none' in vhost '/'"


def test_what_was_allowed_is_asked_again_once_rights_change(peer: Client) -> None:
    peer.publish(b"a")
    peer.node.broker.users.set_permissions("guest", "/", ".*", "nothing", ".*")
    peer.publish(b"b")
    close = peer.closed()
    assert (close.channel, close.code) == (1, 403)
    assert waiting(peer) == [b"a"]


def test_what_was_there_is_looked_for_again_once_it_is_gone(peer: Client) -> None:
    peer.send(commands.Exchange.Declare, exchange="logs", exchange_type="fanout")
    peer.receive()
    peer.publish(b"a", exchange="logs")
    assert peer.receive() == []
    peer.send(commands.Exchange.Delete, exchange="logs")
    peer.receive()
    peer.publish(b"b", exchange="logs")
    assert peer.closed().code == 404


def test_an_internal_exchange_takes_nothing_from_clients(peer: Client) -> None:
    peer.send(commands.Exchange.Declare, exchange="inner", exchange_type="fanout", internal=True)
    peer.receive()
    peer.publish(b"x", exchange="inner")
    close = peer.closed()
    assert close.code == 403
    assert close.text == (
        "ACCESS_REFUSED - cannot publish to internal exchange 'inner' in vhost '/'"
    )


def test_the_right_to_a_topic_is_asked_for_every_copy() -> None:
    node = Node()
    peer = node.open()
    peer.send(commands.Exchange.Declare, exchange="t", exchange_type="topic")
    peer.receive()
    node.broker.users.set_topic_permissions("guest", "/", "t", "^a", "^a")
    peer.publish(b"x", exchange="t", routing_key="a.b")
    assert peer.closes() == []
    peer.publish(b"x", exchange="t", routing_key="a.b", headers={"CC": ["b"]})
    assert peer.closed().code == 403


def test_the_kinds_of_publish_that_are_remembered_are_bounded(peer: Client) -> None:
    reads = [publish_bytes(b"", key=f"key-{number}") for number in range(PLANS_MAX + 10)]
    for start in range(0, len(reads), 100):
        peer.send_bytes(b"".join(reads[start : start + 100]))
    plans = [
        len(channel.publishing.checks._plans)
        for channel in peer.connection._channels._channels.values()
    ]
    assert 0 < plans[0] <= PLANS_MAX


SMALL = ProtocolSettings(max_message_size_bytes=10, assembling_bytes_max=MIB)


@pytest.mark.parametrize("piece_bytes", [4088, 4])
def test_a_message_over_the_limit_is_refused_in_one_frame_or_several(piece_bytes: int) -> None:
    """Once all of it has passed, and the messages before it are published."""
    peer = Node(SMALL).open()
    peer.declare()
    bodies = (b"x" * 10, b"y" * 11, b"z")
    method = frame(METHOD, 1, publish_payload())
    peer.send_bytes(
        b"".join(method + content_frames(1, body, piece_bytes=piece_bytes) for body in bodies)
    )
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (1, 406, (60, 40))
    assert close.text == (
        "PRECONDITION_FAILED - message size 11 is larger than configured max size 10"
    )
    assert waiting(peer) == [b"x" * 10]


def test_many_small_messages_are_not_a_large_one() -> None:
    peer = Node(SMALL).open()
    peer.declare()
    peer.publish(*[b"x" * 10] * 5)
    assert peer.closes() == []
    assert len(waiting(peer)) == 5


def test_all_channels_together_remember_a_bounded_number_of_publishes() -> None:
    node = Node()
    memory = node.broker.plans = PlanMemory(100)
    client = node.open()
    for channel in range(2, 12):
        client.open_channel(channel)
        for key in range(30):
            client.publish(b"nowhere", routing_key=f"{key}", channel=channel)
            assert memory.count <= 100
    assert memory.count > 50
    for channel in range(2, 12):
        client.send(commands.Channel.Close, channel)
    assert memory.count == 0


def test_a_publish_that_was_forgotten_is_looked_at_again() -> None:
    node = Node()
    node.broker.plans = PlanMemory(4)
    client, other = node.open(), node.open()
    client.declare()
    for number in range(20):
        client.publish(b"%d" % number)
        other.publish(b"nowhere", routing_key=f"{number}")
    assert waiting(client) == [b"%d" % number for number in range(20)]
