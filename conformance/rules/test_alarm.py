"""connection.blocked, against a broker whose memory alarm is on (§1.5)."""

import time

from pamqp import commands

from conformance.check import check
from conformance.client import CAPABILITIES, Channel
from conformance.peer import Peer
from conformance.wire import FRAME_HEARTBEAT

Blocked = commands.Connection.Blocked


def _expect_silence(channel: Channel) -> None:
    """Send a method, and expect that the broker does not read it."""
    channel.send(commands.Basic.Qos)
    frame = None
    try:
        frame = channel.connection.read_frame(1.0)
    except TimeoutError:
        return
    raise AssertionError(f"the broker still reads, or sent {frame}")


@check("connection.blocked", ref="1.5-blocked", ninth=17, needs="alarm", expect="low on memory")
def a_capable_client_is_told_once_it_publishes(peer: Peer) -> None:
    channel = peer.channel()
    queue = str(channel.declare("", exclusive=True).queue)
    channel.sync()
    assert not channel.connection.pending(0), "a client that does not publish is left alone"
    channel.publish(b"m", routing_key=queue)
    assert channel.connection.expect(0, Blocked).reason == peer.expected


@check("connection.blocked.incapable", ref="1.5-blocked", ninth=17, needs="alarm")
def a_client_without_the_capability_is_blocked_in_silence(peer: Peer) -> None:
    channel = peer.channel(capabilities={**CAPABILITIES, "connection.blocked": False})
    channel.publish(b"m", routing_key=peer.name())
    # Methods that come in one read with the publish may still be answered.
    time.sleep(0.2)
    _expect_silence(channel)


@check("connection.blocked.reading-stops", ref="1.5-blocked", ninth=17, needs="alarm")
def a_blocked_connection_is_not_read(peer: Peer) -> None:
    channel = peer.channel()
    channel.publish(b"m", routing_key=peer.name())
    channel.connection.expect(0, Blocked)
    _expect_silence(channel)


@check("connection.blocked.consumers", ref="1.5-blocked", ninth=17, needs="alarm")
def a_connection_that_does_not_publish_works_on(peer: Peer) -> None:
    channel = peer.channel()
    queue = str(channel.declare("", exclusive=True).queue)
    channel.consume(queue)
    channel.sync()


@check("connection.blocked.heartbeats", ref="1.5-blocked", ninth=17, needs="alarm")
def a_blocked_connection_is_not_dropped_for_its_silence(peer: Peer) -> None:
    connection = peer.connection(heartbeat=1)
    channel = connection.channel(1)
    channel.publish(b"m", routing_key=peer.name())
    connection.expect(0, Blocked)
    started_s = time.monotonic()
    while time.monotonic() - started_s < 4:
        frame = connection.read_frame(2)
        assert frame is not None, "the broker dropped a connection that it blocks itself"
        assert frame.kind == FRAME_HEARTBEAT, frame
