"""One connection as a whole: reads in any pieces, who is woken, and that it leaves nothing."""

import gc
import weakref

import pytest
from pamqp import commands

from amqp_server.protocol.connection import Connection
from amqp_server.protocol.transitions import State
from tests.support.frames import (
    METHOD,
    PROTOCOL_HEADER,
    content_frames,
    frame,
    method_frame,
    publish_payload,
)
from tests.support.peer import LOCAL, Client, Node

CUT_FRAME = b"\x01\x00\x01\xff\xff"


@pytest.fixture
def peer(node: Node) -> Client:
    return node.open()


def dialogue() -> bytes:
    """Return everything a client says from its first byte to a delivery."""
    log_in = method_frame(
        0,
        commands.Connection.StartOk,
        mechanism="PLAIN",
        response=b"\0guest\0guest",
        locale="en_US",
    )
    return b"".join(
        [
            PROTOCOL_HEADER,
            log_in,
            method_frame(0, commands.Connection.TuneOk, channel_max=9, frame_max=4096),
            method_frame(0, commands.Connection.Open, virtual_host="/"),
            method_frame(1, commands.Channel.Open),
            method_frame(1, commands.Queue.Declare, queue="jobs"),
            frame(METHOD, 1, publish_payload()) + content_frames(1, b"x" * 9000),
            method_frame(1, commands.Basic.Consume, queue="jobs", consumer_tag="me"),
        ]
    )


def test_a_client_need_not_wait_for_answers(node: Node) -> None:
    peer = node.connect()
    peer.send_bytes(dialogue())
    received = peer.receive()
    assert [one.method.name for one in received if one.method] == [
        "Connection.Start",
        "Connection.Tune",
        "Connection.OpenOk",
        "Channel.OpenOk",
        "Queue.DeclareOk",
        "Basic.ConsumeOk",
        "Basic.Deliver",
    ]
    assert received[-1].body == b"x" * 9000


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_reads_may_cut_anywhere(node: Node, size: int) -> None:
    peer = node.connect()
    data = dialogue()
    for start in range(0, len(data), size):
        peer.connection.receive_data(data[start : start + size], node.now_ms)
    node.end_turns()
    assert peer.receive()[-1].body == b"x" * 9000


def test_the_memory_of_a_read_is_free_again_at_once(peer: Client) -> None:
    peer.declare()
    shared = bytearray(frame(METHOD, 1, publish_payload()) + content_frames(1, b"kept")[:-2])
    peer.connection.receive_data(memoryview(shared), peer.node.now_ms)
    shared[:] = bytes(len(shared))
    peer.send_bytes(b"t\xce")
    assert peer.get() == b"kept"


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("max_bytes", [0, 10, 10_000])
def test_a_rest_comes_again_from_whoever_has_it(node: Node, size: int, max_bytes: int) -> None:
    octets = dialogue()
    peer = node.connect()
    for start in range(0, len(octets), size):
        rest = peer.connection.intake.take_rest(max_bytes)
        assert len(rest) <= max_bytes
        peer.send_bytes(rest + octets[start : start + size])
    assert peer.bodies() == [b"x" * 9000]


def test_a_rest_is_handed_out_once(peer: Client) -> None:
    peer.send_bytes(CUT_FRAME)
    assert peer.connection.intake.take_rest(4) == b""
    assert peer.connection.intake.take_rest(5) == CUT_FRAME
    assert peer.connection.intake.take_rest(5) == b""


def test_the_shell_is_woken_once_for_output_until_it_takes_it(peer: Client) -> None:
    before = peer.outputs_count
    for _ in range(3):
        peer.send(commands.Basic.Qos)
    assert peer.outputs_count == before + 1
    peer.receive()
    peer.send(commands.Basic.Qos)
    assert peer.outputs_count == before + 2


def test_a_bug_of_ours_is_an_internal_error_for_this_peer_alone(
    node: Node, peer: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = node.open()

    def broken(name: str) -> None:
        raise KeyError(name)

    with monkeypatch.context() as patch:
        patch.setattr(node.vhost.queues, "find", broken)
        peer.send(commands.Queue.Declare, queue="any")
    close = peer.closed()
    assert (close.channel, close.code, close.text) == (0, 541, "INTERNAL_ERROR")
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]
    assert other.works()


@pytest.mark.parametrize("ends_politely", [True, False])
def test_a_connection_that_is_over_leaves_nothing_to_the_cyclic_collector(
    node: Node, ends_politely: bool
) -> None:
    """Thousands of short connections must not wait in memory for a collection."""
    gc.collect()
    gc.disable()
    try:
        connection = Connection(node.broker, node.protocol, LOCAL, lambda: None, node.now_ms)
        connection.receive_data(dialogue(), node.now_ms)
        assert connection.life.state is State.OPEN
        if ends_politely:
            connection.receive_data(method_frame(0, commands.Connection.Close), node.now_ms)
        connection.data_to_send()
        connection.receive_eof(node.now_ms)
        node.end_turns()
        held = weakref.ref(connection)
        session = weakref.ref(connection._channels)
        del connection
        assert (held(), session()) == (None, None)
    finally:
        gc.enable()
