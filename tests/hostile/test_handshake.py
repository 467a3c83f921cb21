"""Strangers, oversized logins, wrong passwords, limits outside the offer, vhosts."""

import pytest
from pamqp import commands

from amqp_server.connections.peer import Peer
from amqp_server.protocol.transitions import State
from tests.support.frames import (
    METHOD,
    PROTOCOL_HEADER,
    frame,
    method_frame,
    method_payload,
)
from tests.support.peer import CAPABILITIES, LOCAL, Client, Node

HANDSHAKE_MS = 10_000
LINGER_MS = 3_000
REFUSED = (
    "ACCESS_REFUSED - Login was refused using authentication mechanism {}. For details see the"
    " broker logfile."
)


@pytest.fixture
def peer(node: Node) -> Client:
    """Return a client that was told how to log in."""
    client = node.connect()
    client.send_bytes(PROTOCOL_HEADER)
    client.expect(commands.Connection.Start)
    return client


def log_in(peer: Client, response: bytes, mechanism: str = "PLAIN") -> None:
    peer.send(
        commands.Connection.StartOk,
        0,
        client_properties={"capabilities": CAPABILITIES},
        mechanism=mechanism,
        response=response,
        locale="en_US",
    )


def test_slowloris_is_closed_in_ten_seconds_and_costs_next_to_nothing(node: Node) -> None:
    peers = [node.connect() for _ in range(20)]
    for octet in PROTOCOL_HEADER[:7]:
        for peer in peers:
            peer.connection.receive_data(bytes((octet,)), node.now_ms)
        node.advance(1_000)
    assert {len(peer.connection.intake.rest) for peer in peers} == {7}
    node.advance(HANDSHAKE_MS)
    assert all(peer.is_closed() for peer in peers)


@pytest.mark.parametrize(
    "header",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"AMQP\x03\x01\x00\x00",
        b"AMQP\x00\x00\x09\x02",
        b"AMQP\x01\x01\x08\x00",
        b"\x00" * 8,
        b"\xff" * 8,
    ],
)
def test_a_stranger_is_told_what_we_speak(node: Node, header: bytes) -> None:
    peer = node.connect()
    peer.send_bytes(header)
    assert peer.read_bytes() == PROTOCOL_HEADER
    assert peer.is_closed()


@pytest.mark.parametrize("header", [PROTOCOL_HEADER, b"AMQP\x01\x01\x00\x09"])
def test_0_9_is_taken_for_0_9_1(node: Node, header: bytes) -> None:
    peer = node.connect()
    peer.send_bytes(header)
    peer.expect(commands.Connection.Start)


@pytest.mark.parametrize("size_bytes", [8193, 2**20, 2**32 - 1])
def test_a_large_frame_before_the_login_is_not_awaited(
    node: Node, peer: Client, size_bytes: int
) -> None:
    """RabbitMQ tells nobody before tune-ok: it closes after three seconds, without the 501."""
    peer.send_bytes(b"\x01\x00\x00" + size_bytes.to_bytes(4, "big"))
    peer.send_bytes(bytes(100_000))
    assert peer.connection.life.state is State.LINGERING
    assert peer.connection.intake.rest == b""
    assert peer.receive() == []
    node.advance(LINGER_MS)
    assert peer.is_closed()


@pytest.mark.parametrize(
    "properties",
    [
        {"big": "x" * 2**20},
        {f"key-{number}": number for number in range(10_000)},
    ],
    ids=["1 MiB", "10,000 keys"],
)
def test_client_properties_are_bounded_by_the_first_frame(
    peer: Client, properties: dict[str, object]
) -> None:
    peer.send(
        commands.Connection.StartOk,
        0,
        client_properties=properties,
        mechanism="PLAIN",
        response=b"\0guest\0guest",
    )
    assert peer.connection.life.state is State.LINGERING
    assert peer.connection.session.client_properties == {}


def test_client_properties_may_fill_the_first_frame(peer: Client) -> None:
    log_in(peer, b"\0guest\0guest" + b"")
    peer.expect(commands.Connection.Tune)


@pytest.mark.parametrize("user", ["guest", "nobody"])
def test_a_wrong_password_and_an_unknown_user_look_alike(
    node: Node, peer: Client, user: str
) -> None:
    peer.log_in(user, "wrong")
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (0, 403, (0, 0))
    assert close.text == REFUSED.format("PLAIN")
    assert not peer.is_closed()
    assert node.open().works(), "a delay of one connection is nobody else's"


def test_who_did_not_ask_is_not_told(node: Node, peer: Client) -> None:
    peer.send(commands.Connection.StartOk, 0, mechanism="PLAIN", response=b"\0guest\0wrong")
    assert peer.receive() == []
    node.advance(LINGER_MS - 1)
    assert not peer.is_closed()
    node.advance(1)
    assert peer.is_closed()


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"guest",
        b"\0guest",
        b"\0guest\0guest\0guest",
        b"authzid\0guest\0guest",
        b"guest\0guest",
    ],
)
def test_a_login_that_cannot_be_read_is_silence(node: Node, peer: Client, response: bytes) -> None:
    """The row says 403; RabbitMQ 3.10 fails with 502 before tune-ok, which is told to nobody."""
    log_in(peer, response)
    assert peer.receive() == []
    node.advance(LINGER_MS)
    assert peer.is_closed()


@pytest.mark.parametrize(
    "response",
    [b"\0guest\0", b"\0\0", b"\0\xff\xfe\0guest", b"\0guest\0" + b"x" * 8_000, b"\0\0guest"],
    ids=["empty password", "empty both", "not utf-8", "long", "empty user"],
)
def test_credentials_that_are_nobodys_are_refused(peer: Client, response: bytes) -> None:
    log_in(peer, response)
    assert peer.closed().text == REFUSED.format("PLAIN")


def test_an_empty_password_is_refused_even_where_it_is_the_users(node: Node) -> None:
    guest = node.broker.users.get("guest")
    assert guest is not None
    for password_hash in ("", guest.password_hash):
        node.broker.users.put(guest.__class__("guest", password_hash))
        peer = node.connect()
        peer.send_bytes(PROTOCOL_HEADER)
        log_in(peer, b"\0guest\0")
        assert peer.closed().code == 403


@pytest.mark.parametrize("mechanism", ["ANONYMOUS", "EXTERNAL", "plain", "", "SCRAM-SHA-256"])
def test_an_unknown_mechanism_gets_nobody_in(node: Node, peer: Client, mechanism: str) -> None:
    log_in(peer, b"\0guest\0guest", mechanism)
    assert peer.connection.session.user is None
    assert peer.receive() == []
    node.advance(LINGER_MS)
    assert peer.is_closed()


@pytest.mark.parametrize("is_loopback", [True, False])
def test_guest_is_for_this_host(node: Node, is_loopback: bool) -> None:
    """Who is on this host was settled by ``net``: an address, a PROXY header, an IPv6 mapping."""
    away = Peer("192.0.2.1", 50_000, "192.0.2.9", 5672, is_loopback=False)
    peer = node.connect(LOCAL if is_loopback else away)
    peer.send_bytes(PROTOCOL_HEADER)
    peer.receive()
    peer.log_in()
    if is_loopback:
        peer.expect(commands.Connection.Tune)
    else:
        assert peer.closed().text == REFUSED.format("PLAIN")


def tuned(peer: Client, **limits: int) -> None:
    peer.log_in()
    peer.receive()
    peer.send(commands.Connection.TuneOk, 0, **{"channel_max": 9, "frame_max": 4096, **limits})


@pytest.mark.parametrize(
    "limits",
    [{"frame_max": value} for value in (1, 4095, 131_073, 2**32 - 1, 0)]
    + [{"channel_max": value} for value in (2048, 65_535, 0)],
)
def test_limits_outside_the_offer_are_refused(peer: Client, limits: dict[str, int]) -> None:
    tuned(peer, **limits)
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (0, 530, (10, 31))


def test_any_heartbeat_is_accepted(peer: Client) -> None:
    tuned(peer, heartbeat=65_535)
    peer.send(commands.Connection.Open, 0, virtual_host="/")
    peer.expect(commands.Connection.OpenOk)


@pytest.mark.parametrize("vhost", ["none", "a/b", "\0", "../", "x" * 255, ""])
def test_a_vhost_that_is_none_of_ours_is_refused(peer: Client, vhost: str) -> None:
    tuned(peer)
    peer.send(commands.Connection.Open, 0, virtual_host=vhost)
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (0, 530, (10, 40))


def test_a_vhost_of_256_octets_cannot_be_said(peer: Client) -> None:
    tuned(peer)
    payload = method_payload(commands.Connection.Open)[:4] + b"\xff" + b"x" * 256 + b"\0\0"
    peer.send_bytes(frame(METHOD, 0, payload))
    assert peer.closed().code == 501


@pytest.mark.parametrize(
    "early",
    [
        method_frame(0, commands.Connection.Open, virtual_host="/"),
        method_frame(0, commands.Connection.TuneOk, channel_max=9, frame_max=4096),
        method_frame(1, commands.Channel.Open),
        method_frame(1, commands.Queue.Declare, queue="early"),
        frame(METHOD, 0, b""),
    ],
)
def test_nothing_goes_before_the_login(node: Node, peer: Client, early: bytes) -> None:
    """The row says 503 or 504; RabbitMQ tells nobody before tune-ok, and closes a little later."""
    peer.send_bytes(early)
    peer.log_in()
    assert peer.receive() == []
    assert len(node.vhost.queues) == 0
    node.advance(LINGER_MS)
    assert peer.is_closed()


@pytest.mark.parametrize(
    "again",
    [
        method_frame(0, commands.Connection.Open, virtual_host="/"),
        method_frame(0, commands.Connection.StartOk, mechanism="PLAIN", response=b"\0guest\0guest"),
        method_frame(0, commands.Connection.TuneOk, channel_max=9, frame_max=4096),
    ],
    ids=["open", "start-ok", "tune-ok"],
)
def test_a_step_of_the_handshake_is_taken_once(node: Node, again: bytes) -> None:
    peer = node.open()
    peer.send_bytes(again)
    close = peer.closed()
    assert (close.channel, close.code) == (0, 504)
    assert "unexpected method in connection state running" in close.text
