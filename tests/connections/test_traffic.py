"""What goes over a connection is counted as its client sees it."""

from pamqp import commands

from amqp_server.connections.outbox import Outbox
from amqp_server.connections.traffic import Traffic
from tests.support.frames import PROTOCOL_HEADER, method_frame
from tests.support.peer import Node


def test_octets_and_reads_are_counted_both_ways() -> None:
    node = Node()
    client = node.connect()
    traffic = client.connection.session.traffic
    client.send_bytes(PROTOCOL_HEADER[:3])
    client.send_bytes(PROTOCOL_HEADER[3:])
    assert (traffic.received_bytes, traffic.received_count) == (8, 2)
    start = client.read_bytes()
    assert (traffic.sent_bytes, traffic.sent_count) == (len(start), 1)
    client.log_in()
    client.receive()
    octets = method_frame(0, commands.Connection.TuneOk, channel_max=9, frame_max=0, heartbeat=0)
    before = traffic.received_bytes
    client.send_bytes(octets)
    assert traffic.received_bytes == before + len(octets)


def test_what_is_held_counts_as_it_leaves_and_what_is_abandoned_never() -> None:
    traffic = Traffic()
    outbox = Outbox(1_000, lambda: None, traffic)
    outbox.write(b"12345")
    outbox.hold()
    outbox.write(b"678")
    outbox.take()
    assert (traffic.sent_bytes, traffic.sent_count) == (5, 1)
    outbox.take()
    assert (traffic.sent_bytes, traffic.sent_count) == (5, 1)
    outbox.release()
    outbox.take()
    assert (traffic.sent_bytes, traffic.sent_count) == (8, 2)
    outbox.write(b"9")
    outbox.abandon()
    outbox.take()
    assert (traffic.sent_bytes, traffic.sent_count) == (8, 2)
