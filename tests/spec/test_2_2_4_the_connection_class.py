"""AMQP 0-9-1 §2.2.4: the life of a connection."""

from pamqp import commands

from tests.support.frames import PROTOCOL_HEADER, method_frame
from tests.support.peer import Node


def test_the_life_of_a_connection_in_its_order() -> None:
    """Protocol header, start, start-ok, tune, tune-ok, open, open-ok, close, close-ok."""
    peer = Node().connect()
    said = []
    for data in [
        PROTOCOL_HEADER,
        method_frame(0, commands.Connection.StartOk, mechanism="PLAIN", response=b"\0guest\0guest"),
        method_frame(0, commands.Connection.TuneOk, channel_max=1, frame_max=4096),
        method_frame(0, commands.Connection.Open, virtual_host="/"),
        method_frame(0, commands.Connection.Close, reply_code=200, reply_text="bye"),
    ]:
        peer.send_bytes(data)
        said.append([method.name for method in peer.methods()])
    assert said == [
        ["Connection.Start"],
        ["Connection.Tune"],
        [],
        ["Connection.OpenOk"],
        ["Connection.CloseOk"],
    ]
    assert peer.is_closed()


def test_after_close_everything_but_close_ok_is_discarded() -> None:
    """After sending this method, any received methods except Close and Close-OK MUST be
    discarded (connection.close, rule stability)."""
    peer = Node().open()
    peer.connection.shut_down("stop", peer.node.now_ms)
    peer.receive()
    peer.send(commands.Queue.Declare, queue="late")
    assert peer.receive() == []
    peer.send(commands.Connection.CloseOk, 0)
    assert peer.is_closed()


def test_a_channel_is_opened_before_it_is_used_and_once() -> None:
    """A client MUST NOT use a channel that it has not opened (2.2.5)."""
    node = Node()
    unopened, twice = node.open(), node.open()
    unopened.send(commands.Basic.Qos, 2)
    twice.send(commands.Channel.Open, 1)
    assert [unopened.closed().code, twice.closed().code] == [504, 504]
