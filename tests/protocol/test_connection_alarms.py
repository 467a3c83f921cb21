"""connection.blocked: who is blocked by an alarm, who is told, and who goes on."""

from pamqp import commands

from amqp_server.broker.alarms import Resource
from tests.support.frames import (
    BODY,
    HEADER,
    METHOD,
    PROTOCOL_HEADER,
    content_frames,
    content_header,
    frame,
    publish_payload,
)
from tests.support.peer import Client, Node


def alarm(node: Node, *, is_low: bool, resource: Resource = Resource.MEMORY) -> None:
    node.broker.alarms.set(resource, is_low=is_low, now_ms=node.now_ms)


def test_a_publisher_is_blocked_at_its_next_publish_and_told_why(node: Node, peer: Client) -> None:
    alarm(node, is_low=True)
    assert peer.receive() == []
    assert peer.is_read()
    peer.publish(b"x")
    assert peer.expect(commands.Connection.Blocked).reason == "low on memory"
    assert not peer.is_read()


def test_the_publish_that_blocked_is_not_lost(node: Node, peer: Client) -> None:
    alarm(node, is_low=True)
    peer.publish(b"x")
    assert node.open().get() == b"x"


def test_publishes_under_several_keys_block_as_well(node: Node, peer: Client) -> None:
    alarm(node, is_low=True)
    messages = [
        frame(METHOD, 1, publish_payload("", key)) + content_frames(1, key.encode())
        for key in ("jobs", "elsewhere", "jobs")
    ]
    peer.send_bytes(b"".join(messages))
    peer.expect(commands.Connection.Blocked)
    assert not peer.is_read()
    assert node.open().get() == b"jobs"


def test_a_message_in_pieces_blocks_as_well(node: Node, peer: Client) -> None:
    """A publisher of large messages would never be blocked else."""
    alarm(node, is_low=True)
    peer.send_bytes(frame(METHOD, 1, publish_payload()) + frame(HEADER, 1, content_header(2)))
    peer.send_bytes(frame(BODY, 1, b"a"))
    peer.expect(commands.Connection.Blocked)
    assert not peer.is_read()


def test_who_only_consumes_is_not_blocked(node: Node, peer: Client) -> None:
    other = node.open()
    other.consume()
    alarm(node, is_low=True)
    peer.publish(b"x")
    assert other.bodies()[-1] == b"x"
    other.send(commands.Basic.Ack, delivery_tag=1)
    assert other.receive() == []
    assert other.is_read()


def test_the_end_of_the_alarm_is_told_and_reading_goes_on(node: Node, peer: Client) -> None:
    alarm(node, is_low=True)
    peer.publish(b"x")
    peer.receive()
    before = peer.outputs_count
    alarm(node, is_low=False)
    peer.expect(commands.Connection.Unblocked)
    assert peer.is_read()
    assert peer.outputs_count > before


def test_two_alarms_are_one_block_until_both_are_over(node: Node, peer: Client) -> None:
    alarm(node, is_low=True)
    alarm(node, is_low=True, resource=Resource.DISK)
    peer.publish(b"x")
    assert peer.expect(commands.Connection.Blocked).reason == "low on memory & disk"
    peer.publish(b"y")
    assert peer.receive() == []
    alarm(node, is_low=False)
    assert (peer.receive(), peer.is_read()) == ([], False)
    alarm(node, is_low=False, resource=Resource.DISK)
    peer.expect(commands.Connection.Unblocked)


def test_a_second_alarm_blocks_again(node: Node, peer: Client) -> None:
    for _ in range(3):
        alarm(node, is_low=True)
        peer.publish(b"x")
        peer.expect(commands.Connection.Blocked)
        alarm(node, is_low=False)
        peer.expect(commands.Connection.Unblocked)


def test_a_client_that_does_not_understand_is_blocked_in_silence(node: Node) -> None:
    peer = node.connect()
    peer.send_bytes(PROTOCOL_HEADER)
    peer.send(commands.Connection.StartOk, 0, mechanism="PLAIN", response=b"\0guest\0guest")
    peer.send(commands.Connection.TuneOk, 0, channel_max=9, frame_max=4096)
    peer.send(commands.Connection.Open, 0, virtual_host="/")
    peer.send(commands.Channel.Open, 1)
    peer.receive()
    alarm(node, is_low=True)
    peer.publish(b"x")
    assert not peer.is_read()
    alarm(node, is_low=False)
    assert peer.is_read()
    assert peer.receive() == []


def test_silence_while_blocked_does_not_count_and_we_go_on_beating(node: Node) -> None:
    """Nobody reads its socket then: it may well have said something."""
    peer = node.connect()
    peer.shake_hands(heartbeat=10)
    peer.open_channel(1)
    alarm(node, is_low=True)
    peer.publish(b"x")
    peer.receive()
    node.advance(100_000)
    assert not peer.is_closed()
    assert [one.method for one in peer.receive()] == [None] * 20
    alarm(node, is_low=False)
    node.advance(19_999)
    assert not peer.is_closed()
    node.advance(1)
    assert peer.is_closed()


def test_a_blocked_connection_that_ends_is_told_nothing_more(node: Node, peer: Client) -> None:
    alarm(node, is_low=True)
    peer.publish(b"x")
    peer.receive()
    peer.connection.receive_eof(node.now_ms)
    alarm(node, is_low=False)
    assert peer.receive() == []


def test_a_blocked_connection_can_be_shut_down(node: Node, peer: Client) -> None:
    """Its answer must be read again for that."""
    alarm(node, is_low=True)
    peer.publish(b"x")
    peer.receive()
    node.broker.shut_down(node.now_ms)
    assert peer.closed().code == 320
    assert peer.is_read()
