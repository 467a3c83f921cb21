"""Channels: open, close, flow, limits, and methods where they do not belong (§1.1, §1.3)."""

from typing import Any

from pamqp import base, commands

from conformance.check import Case, Close, cases, check
from conformance.peer import Peer
from conformance.wire import FRAME_METHOD, encode_method, frame_bytes

NOT_OPEN: dict[str, Case[type[base.Frame]]] = {
    "qos": Case(commands.Basic.Qos, Close(504, "expected 'channel.open'", "connection", (60, 10))),
    "declare": Case(
        commands.Queue.Declare, Close(504, "expected 'channel.open'", "connection", (50, 10))
    ),
    "close": Case(
        commands.Channel.Close, Close(504, "expected 'channel.open'", "connection", (20, 40))
    ),
}


@cases("channel.not-open.", NOT_OPEN, ref="1.1-unopened-channel")
def a_method_on_a_channel_that_is_not_open_closes(peer: Peer, kind: type[base.Frame]) -> None:
    connection = peer.connection()
    connection.send_method(5, kind)
    peer.expect_closed(connection, 5)


@check(
    "channel.open.twice",
    ref="1.1-unopened-channel",
    expect=Close(504, "second 'channel.open' seen", "connection", (20, 10)),
)
def a_second_open_closes_the_connection(peer: Peer) -> None:
    peer.expect_close(peer.channel(), commands.Channel.Open)


@check(
    "channel.on-0",
    ref="1.1-unopened-channel",
    expect=Close(504, "unexpected method in connection state running", "connection", (60, 10)),
)
def a_channels_method_on_channel_0_closes(peer: Peer) -> None:
    connection = peer.connection()
    connection.send_method(0, commands.Basic.Qos)
    peer.expect_closed(connection, 0)


OF_ANOTHER: dict[str, Case[type[base.Frame]]] = {
    "connection.close": Case(
        commands.Connection.Close, Close(503, "unimplemented method", "connection")
    ),
    "connection.open": Case(
        commands.Connection.Open, Close(503, "unimplemented method", "connection")
    ),
    "queue.declare-ok": Case(
        commands.Queue.DeclareOk, Close(503, "unimplemented method", "connection")
    ),
    "basic.consume-ok": Case(
        commands.Basic.ConsumeOk, Close(503, "unimplemented method", "connection")
    ),
    "confirm.select-ok": Case(
        commands.Confirm.SelectOk, Close(503, "unimplemented method", "connection")
    ),
}


@cases("channel.foreign-method.", OF_ANOTHER, ref="1.3-unknown-method")
def a_method_that_does_not_belong_on_a_channel_closes(peer: Peer, kind: type[base.Frame]) -> None:
    peer.expect_close(peer.channel(), kind)


@check(
    "channel.max.reached",
    ref="1.1-channel-limit",
    expect=Close(
        530,
        "number of channels opened (2) has reached the negotiated channel_max (2)",
        "connection",
        (0, 0),
    ),
)
def one_channel_more_than_agreed_closes_the_connection(peer: Peer) -> None:
    connection = peer.connection(channel_max=2)
    connection.channel(1)
    connection.channel(2)
    connection.send_method(3, commands.Channel.Open)
    peer.expect_closed(connection, 0)


@check("channel.max.freed", ref="1.1-channel-limit")
def a_closed_channel_makes_room_for_another(peer: Peer) -> None:
    connection = peer.connection(channel_max=2)
    connection.channel(1)
    connection.channel(2).call(commands.Channel.Close, reply_code=200)
    connection.channel(2).sync()


@check("channel.close", ref="1.1-number-reuse")
def the_number_of_a_closed_channel_may_be_opened_at_once(peer: Peer) -> None:
    connection = peer.connection()
    for _ in range(10):
        connection.channel(7).call(commands.Channel.Close, reply_code=200)
    connection.channel(7).sync()


@check("channel.close.pipelined-reopen", ref="1.1-number-reuse")
def close_and_open_may_be_sent_together(peer: Peer) -> None:
    channel = peer.channel()
    raw = frame_bytes(FRAME_METHOD, 1, encode_method(commands.Channel.Close, reply_code=200))
    channel.connection.send_bytes(raw)
    channel.expect(commands.Channel.CloseOk)
    channel.call(commands.Channel.Open)
    channel.sync()


@check("channel.close.ignores-what-follows", ref="1.1-number-reuse")
def after_an_error_methods_are_discarded_until_close_ok(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.name()
    raw = frame_bytes(
        FRAME_METHOD, 1, encode_method(commands.Queue.Declare, queue=peer.name(), passive=True)
    )
    raw += frame_bytes(FRAME_METHOD, 1, encode_method(commands.Queue.Declare, queue=name))
    channel.connection.send_bytes(raw)
    assert channel.connection.await_close(1).code == 404
    reopened = channel.connection.channel(1)
    reopened.send(commands.Queue.Declare, queue=name, passive=True)
    assert reopened.connection.await_close(1).code == 404, "the declare behind the error was obeyed"


@check("channel.close.requeues", ref="1.3-redelivered", ninth=7)
def closing_a_channel_requeues_what_it_had_not_acknowledged(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    for body in (b"1", b"2", b"3"):
        channel.publish(body, routing_key=queue)
    for _ in range(2):
        channel.get(queue, no_ack=False)
    channel.call(commands.Channel.Close, reply_code=200)
    again = channel.connection.channel(1)
    events = [again.get_soon(queue) for _ in range(3)]
    assert [event.body for event in events] == [b"1", b"2", b"3"]
    assert [event.redelivered for event in events] == [True, True, False]


@check("channel.flow.active", ref="1.3-channel")
def flow_active_is_answered(peer: Peer) -> None:
    reply = peer.channel().call(commands.Channel.Flow, active=True)
    assert reply.active is True


@check(
    "channel.flow.inactive",
    ref="1.3-channel",
    ninth=1,
    expect=Close(540, "active=false", "connection", (20, 20)),
)
def flow_inactive_closes_the_connection(peer: Peer) -> None:
    peer.expect_close(peer.channel(), commands.Channel.Flow, active=False)


@check("channel.errors.other-channels-live", ref="1.4-soft", ninth=1)
def a_channel_error_leaves_the_other_channels_alone(peer: Peer) -> None:
    connection = peer.connection()
    first, second = connection.channel(1), connection.channel(2)
    queue = peer.queue(second, exclusive=True)
    second.consume(queue, no_ack=True)
    first.send(commands.Queue.Declare, queue=peer.name(), passive=True)
    assert connection.await_close(1).scope == "channel"
    second.publish(b"still here", routing_key=queue)
    assert second.bodies(1) == [b"still here"]


@check("channel.errors.hard-kills-all", ref="1.4-hard", ninth=1)
def a_connection_error_takes_every_channel_and_exclusive_queue(peer: Peer) -> None:
    connection = peer.connection()
    first, second = connection.channel(1), connection.channel(2)
    queue = peer.queue(second, exclusive=True)
    first.send(commands.Channel.Flow, active=False)
    assert connection.await_close(1).scope == "connection"
    connection.expect_end()
    peer.channel().declare(queue)


LONG_NAME = "n" * 255


@check("channel.errors.text-cut", ref="1.1-reply-text", ninth=2)
def the_reply_text_is_cut_at_255_bytes(peer: Peer) -> None:
    channel = peer.channel()
    channel.send(commands.Queue.Declare, queue=LONG_NAME, passive=True)
    closed = channel.connection.await_close(1)
    whole = f"NOT_FOUND - no queue '{LONG_NAME}' in vhost '{peer.address.vhost}'"
    assert len(closed.text) <= 255
    # The cut may be marked with dots; before them stands the beginning of the text.
    assert whole.startswith(closed.text.removesuffix("...")), closed.text


@check("access.request", ref="1.3-exchange")
def access_request_is_granted(peer: Peer) -> None:
    channel = peer.channel()
    request: Any = b"\x00\x1e\x00\x0a\x01/\x1f"
    channel.connection.send_frame(FRAME_METHOD, 1, request)
    frame = channel.connection.read_frame()
    assert frame is not None, "the connection ended"
    assert frame.payload == b"\x00\x1e\x00\x0b\x00\x01", frame
