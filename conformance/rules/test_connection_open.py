"""Tune, open, close, and the methods that are allowed in each state (§1.1, §1.3)."""

from pamqp import base, commands

from conformance import fields
from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Connection
from conformance.peer import LOST, Peer
from conformance.wire import FRAME_METHOD, PROTOCOL_HEADER, Frame, encode_method, frame_bytes


@check("connection.tune.defaults", ref="1.1-tune", expect=(2047, 131072, 60))
def the_server_proposes_rabbitmqs_limits(peer: Peer) -> None:
    tune = peer.connection().tune
    assert tune is not None, "connection.tune has been awaited"
    assert (tune.channel_max, tune.frame_max, tune.heartbeat) == peer.expected


def _until_tune(peer: Peer) -> Connection:
    connection = peer.stranger()
    connection.send_header_and_start_ok()
    connection.expect(0, commands.Connection.Tune)
    return connection


TUNE_OK = (10, 31)
LOW = "negotiated {name} = {value} is lower than the minimum allowed value ({limit})"
HIGH = "negotiated {name} = {value} is higher than the maximum allowed value ({limit})"
NONE = "negotiated {name} = 0 (no limit) is higher than the maximum allowed value ({limit})"


def _tune(text: str, name: str, value: int, limit: int) -> Case[dict[str, int]]:
    filled = (
        text.replace("{name}", name).replace("{value}", str(value)).replace("{limit}", str(limit))
    )
    return Case(
        {name: value},
        Close(530, filled, "connection", TUNE_OK),
        on_purpose=Differs("RabbitMQ writes the reason to its log alone, and ends after 3 s", LOST),
    )


BAD_TUNES = {
    "frame-max-1": _tune(LOW, "frame_max", 1, 4096),
    "frame-max-4095": _tune(LOW, "frame_max", 4095, 4096),
    "frame-max-above": _tune(HIGH, "frame_max", 131073, 131072),
    "frame-max-0": _tune(NONE, "frame_max", 0, 131072),
    "channel-max-above": _tune(HIGH, "channel_max", 2048, 2047),
    "channel-max-0": _tune(NONE, "channel_max", 0, 2047),
}


@cases("connection.tune-ok.", BAD_TUNES, ref="1.1-tune-ok", ninth=20)
def a_limit_that_was_not_offered_is_refused(peer: Peer, limits: dict[str, int]) -> None:
    connection = _until_tune(peer)
    given = {"channel_max": 2047, "frame_max": 131072, **limits}
    connection.send_method(0, commands.Connection.TuneOk, heartbeat=0, **given)
    peer.expect_closed(connection, 0)


GOOD_TUNES = {
    "frame-max-4096": Case({"frame_max": 4096}, "accepted"),
    "frame-max-8192": Case({"frame_max": 8192}, "accepted"),
    "channel-max-1": Case({"channel_max": 1}, "accepted"),
    "heartbeat-0": Case({"heartbeat": 0}, "accepted"),
    "heartbeat-1": Case({"heartbeat": 1}, "accepted"),
    "heartbeat-65535": Case({"heartbeat": 65535}, "accepted"),
}


@cases("connection.tune-ok.", GOOD_TUNES, ref="1.1-tune-ok", ninth=20)
def a_limit_within_the_offer_is_accepted(peer: Peer, limits: dict[str, int]) -> None:
    peer.channel(**limits).sync()


@check("connection.tune-ok.frame-max-holds-for-deliveries", ref="1.1-tune-ok")
def the_server_sends_no_frame_above_the_agreed_size(peer: Peer) -> None:
    channel = peer.channel(frame_max=4096)
    queue = peer.queue(channel)
    body = bytes(range(256)) * 40
    channel.publish(body, routing_key=queue)
    channel.send(commands.Basic.Get, queue=queue, no_ack=True)
    sizes = []
    received = 0
    while received < len(body):
        frame = channel.connection.read_frame()
        assert frame is not None, "the connection ended"
        sizes.append(len(frame.payload) + 8)
        received += len(frame.payload) if frame.kind == 3 else 0
    assert max(sizes) == 4096, f"frames of {sizes} bytes"


@check(
    "connection.tune-ok.frame-max-holds-for-headers",
    ref="1.1-tune-ok",
    expect="without the headers that do not fit",
    on_purpose=Differs(
        "a frame above the agreed size ends the connection of a client that keeps to it, and then"
        " the next one's; a stream client's message may have a megabyte of properties",
        "in a frame above the agreed size",
    ),
)
def a_header_is_no_larger_than_the_agreed_size(peer: Peer) -> None:
    channel = peer.channel(frame_max=4096)
    queue = peer.queue(channel)
    headers = {"large": "x" * 9_000, "small": "y"}
    peer.channel().publish(b"m", routing_key=queue, headers=headers)
    channel.send(commands.Basic.Get, queue=queue, no_ack=True)
    frames: list[Frame] = []
    while not frames or frames[-1].kind != 3:
        frame = channel.connection.read_frame()
        assert frame is not None, "the connection ended"
        frames.append(frame)
    fits = max([len(frame.payload) + 8 for frame in frames]) <= 4096
    got = "without the headers that do not fit" if fits else "in a frame above the agreed size"
    assert got == peer.expected
    assert b"small" in frames[-2].payload


NO_VHOST = {
    "unknown": Case("conformance-nowhere", "vhost conformance-nowhere not found"),
    "dots": Case("../etc", "vhost ../etc not found"),
    "empty": Case("", "vhost  not found"),
}
NO_VHOST_CLOSES = {
    key: Case(case.given, Close(530, case.expect, "connection", (10, 40)))
    for key, case in NO_VHOST.items()
}


@cases("connection.open.vhost-", NO_VHOST_CLOSES, ref="1.1-open")
def a_vhost_that_does_not_exist_is_refused(peer: Peer, vhost: str) -> None:
    connection = _until_tune(peer)
    connection.send_method(0, commands.Connection.TuneOk, channel_max=2047, frame_max=131072)
    connection.send_method(0, commands.Connection.Open, virtual_host=vhost)
    peer.expect_closed(connection, 0)


@check("connection.open.insist", ref="1.1-insist")
def insist_and_capabilities_are_ignored(peer: Peer) -> None:
    connection = _until_tune(peer)
    connection.send_method(0, commands.Connection.TuneOk, channel_max=2047, frame_max=131072)
    connection.send_method(
        0,
        commands.Connection.Open,
        virtual_host=peer.address.vhost,
        capabilities="a b",
        insist=True,
    )
    reply = connection.expect(0, commands.Connection.OpenOk)
    assert reply.known_hosts == "", reply.known_hosts


def _pipelined(peer: Peer) -> bytes:
    response = f"\0{peer.address.user}\0{peer.address.password}".encode()
    steps: list[tuple[int, bytes]] = [
        (
            0,
            encode_method(
                commands.Connection.StartOk, mechanism="PLAIN", response=response, locale="en_US"
            ),
        ),
        (0, encode_method(commands.Connection.TuneOk, channel_max=2047, frame_max=131072)),
        (0, encode_method(commands.Connection.Open, virtual_host=peer.address.vhost)),
        (1, encode_method(commands.Channel.Open)),
        (1, encode_method(commands.Queue.Declare, exclusive=True)),
    ]
    frames = (frame_bytes(FRAME_METHOD, channel, method) for channel, method in steps)
    return PROTOCOL_HEADER + b"".join(frames)


PIPELINED_REPLIES: list[tuple[int, type[base.Frame]]] = [
    (0, commands.Connection.Start),
    (0, commands.Connection.Tune),
    (0, commands.Connection.OpenOk),
    (1, commands.Channel.OpenOk),
    (1, commands.Queue.DeclareOk),
]


@check("connection.pipelined", ref="1.1-pipelining")
def the_whole_handshake_and_a_declare_may_come_in_one_write(peer: Peer) -> None:
    connection = peer.stranger()
    connection.send_bytes(_pipelined(peer))
    for channel, reply in PIPELINED_REPLIES:
        connection.expect(channel, reply)


@check("connection.pipelined.byte-by-byte", ref="1.1-pipelining")
def the_whole_handshake_may_come_byte_by_byte(peer: Peer) -> None:
    connection = peer.stranger()
    raw = _pipelined(peer)
    for index in range(len(raw)):
        connection.send_bytes(raw[index : index + 1])
    for channel, reply in PIPELINED_REPLIES:
        connection.expect(channel, reply)


EARLY: dict[str, Case[type[base.Frame]]] = {
    "tune-ok": Case(commands.Connection.TuneOk, "no way on"),
    "open": Case(commands.Connection.Open, "no way on"),
    "channel-method": Case(commands.Channel.Open, "no way on"),
}


@cases("connection.start-ok.skipped-for-", EARLY, ref="1.1-order")
def nothing_goes_before_start_ok(peer: Peer, kind: type[base.Frame]) -> None:
    connection = peer.stranger()
    connection.send_bytes(PROTOCOL_HEADER)
    connection.expect(0, commands.Connection.Start)
    connection.send_method(0, kind)
    replies = connection.expect_end()
    indexes = [frame.payload[:4] for frame in replies if frame.kind == FRAME_METHOD]
    close = (commands.Connection.Close.index).to_bytes(4, "big")
    assert set(indexes) <= {close}, f"the broker went on: {replies}"


RUNNING = "unexpected method in connection state running"
SECOND: dict[str, Case[type[base.Frame]]] = {
    "open": Case(commands.Connection.Open, Close(504, RUNNING, "connection", (10, 40))),
    "start-ok": Case(commands.Connection.StartOk, Close(504, RUNNING, "connection", (10, 11))),
    "tune-ok": Case(commands.Connection.TuneOk, Close(504, RUNNING, "connection", (10, 31))),
}


@cases("connection.second-", SECOND, ref="1.3-unknown-method")
def a_second_step_of_the_handshake_closes(peer: Peer, kind: type[base.Frame]) -> None:
    connection = peer.connection()
    connection.send_method(0, kind)
    peer.expect_closed(connection, 0)


@check("connection.close", ref="1.3-connection")
def close_is_answered_with_close_ok(peer: Peer) -> None:
    connection = peer.connection()
    connection.send_method(0, commands.Connection.Close, reply_code=200, reply_text="bye")
    connection.expect(0, commands.Connection.CloseOk)


@check("connection.close.with-open-channels", ref="1.3-connection")
def close_ends_channels_that_are_open(peer: Peer) -> None:
    connection = peer.connection()
    for number in (1, 2, 3):
        connection.channel(number)
    connection.send_method(0, commands.Connection.Close, reply_code=200)
    connection.expect(0, commands.Connection.CloseOk)


@check("connection.close.then-garbage", ref="1.3-connection")
def what_follows_a_close_is_not_obeyed(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    raw = frame_bytes(FRAME_METHOD, 0, encode_method(commands.Connection.Close, reply_code=200))
    raw += frame_bytes(FRAME_METHOD, 1, encode_method(commands.Queue.Delete, queue=queue))
    channel.connection.send_bytes(raw)
    channel.connection.expect(0, commands.Connection.CloseOk)
    peer.channel().declare(queue, passive=True)


@check("connection.update-secret", ref="1.3-connection")
def update_secret_is_answered(peer: Peer) -> None:
    connection = peer.connection()
    connection.send_method(
        0,
        commands.Connection.UpdateSecret,
        new_secret=peer.address.password.encode(),
        reason="renewal",
    )
    connection.expect(0, commands.Connection.UpdateSecretOk)
    connection.channel(1).sync()


@check("connection.client-properties.kept", ref="1.1-connection-name")
def client_properties_of_every_type_are_accepted(peer: Peer) -> None:
    own = {
        "connection_name": "conformance",
        "list": ["a", 1, None],
        "nested": {"deep": {"deeper": True}},
        "decimal": fields.Typed("D", fields.Decimal(2, 314)),
        "timestamp": fields.Typed("T", 2**40),
        "float": 1.5,
    }
    peer.channel(client_properties=own).sync()


@check(
    "connection.blocked.from-client",
    ref="1.3-unknown-method",
    expect=Close(504, RUNNING, "connection", (10, 60)),
)
def a_method_of_the_server_is_not_for_clients(peer: Peer) -> None:
    connection = peer.connection()
    connection.send_method(0, commands.Connection.Blocked, reason="no")
    peer.expect_closed(connection, 0)
