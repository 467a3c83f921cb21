"""What the log says of a client: who it is, by all its names, and which method was at fault."""

import logging
from dataclasses import replace

import pytest
from pamqp import commands

from amqp_server.protocol.session import CLIENT_NAME_SHOWN_MAX_BYTES
from tests.support.frames import PROTOCOL_HEADER
from tests.support.peer import CAPABILITIES, LOCAL, Client, Node

WHO = "peer=127.0.0.1:50000 -> 127.0.0.1:5672 user='guest' vhost='/' connection='biller'"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def log_in(name: object = "biller", password: str = "guest", mechanism: str = "PLAIN") -> Client:
    """Return a client that has just sent start-ok, and calls its connection so."""
    peer = Node().connect()
    peer.send_bytes(PROTOCOL_HEADER)
    peer.send(
        commands.Connection.StartOk,
        0,
        client_properties={"capabilities": CAPABILITIES, "connection_name": name},
        mechanism=mechanism,
        response=b"\0guest\0" + password.encode(),
        locale="en_US",
    )
    return peer


def opened(name: object = "biller") -> Client:
    peer = log_in(name)
    peer.send(commands.Connection.TuneOk, 0, channel_max=9, frame_max=4096, heartbeat=0)
    peer.send(commands.Connection.Open, 0, virtual_host="/")
    peer.open_channel(1)
    return peer


def test_a_channels_error_says_whose_it_is_and_of_which_method(
    lines: pytest.LogCaptureFixture,
) -> None:
    opened().send(commands.Queue.Declare, queue="jobs", passive=True)
    assert lines.messages[-1] == (
        f"channel error {WHO} channel=1 method=queue.declare code=404"
        " text=\"NOT_FOUND - no queue 'jobs' in vhost '/'\""
    )


def test_a_connections_error_says_the_same(lines: pytest.LogCaptureFixture) -> None:
    opened().send(commands.Basic.Publish, 1, exchange="amq.direct", immediate=True)
    peer = opened()
    peer.send(commands.Channel.Open, 1)
    assert lines.messages[-1] == (
        f"closing connection {WHO} method=channel.open code=504"
        " text=\"CHANNEL_ERROR - second 'channel.open' seen\""
    )


def test_a_refused_login_says_who_was_claimed_to_be_there(lines: pytest.LogCaptureFixture) -> None:
    log_in(password="hunter2")
    refused = next(line for line in lines.messages if line.startswith("login refused"))
    who = WHO.replace("vhost='/'", "vhost=''")
    assert refused == (
        f"login refused {who} mechanism=PLAIN reason=\"user 'guest' - invalid credentials\""
    )
    assert "hunter2" not in lines.text


def test_a_handshake_that_fails_without_an_answer_is_in_the_log(
    lines: pytest.LogCaptureFixture,
) -> None:
    log_in(mechanism="MAGIC")
    assert "handshake failed" in lines.messages[-1]
    assert "unknown authentication mechanism 'MAGIC'" in lines.messages[-1]


def test_open_and_closed_connections_are_told_by_name(lines: pytest.LogCaptureFixture) -> None:
    peer = opened()
    assert lines.messages[-1] == f"connection opened {WHO}"
    peer.send(commands.Connection.Close, 0, reply_code=200, reply_text="bye")
    assert lines.messages[-1] == f"connection closed {WHO} code=200 text='bye'"
    opened().connection.receive_eof(0)
    assert lines.messages[-1] == f"connection lost {WHO}"


@pytest.mark.parametrize(
    "name", ["x\n2026-01-01 00:00:00,000 INFO root forged", "x\r\x1b[2J", "'x' user='root"]
)
def test_no_name_makes_a_line_of_its_own(name: str, lines: pytest.LogCaptureFixture) -> None:
    opened(name).send(commands.Queue.Declare, queue="jobs\nforged", passive=True)
    for line in lines.messages:
        assert line.isprintable()
    assert f"connection={name!r}" in lines.messages[-1]


@pytest.mark.parametrize("name", [None, 5, {"a": "table"}, ["list"]])
def test_a_name_that_is_no_text_is_none(name: object, lines: pytest.LogCaptureFixture) -> None:
    opened(name)
    assert lines.messages[-1].endswith(" connection=''")


def test_long_names_are_cut(lines: pytest.LogCaptureFixture) -> None:
    opened("n" * 4_000)
    assert "n" * CLIENT_NAME_SHOWN_MAX_BYTES + "'" in lines.messages[-1]
    assert "n" * (CLIENT_NAME_SHOWN_MAX_BYTES + 1) not in lines.messages[-1]


@pytest.mark.parametrize(
    ("said", "is_local", "is_told"),
    [
        (b"", False, False),
        (PROTOCOL_HEADER, True, False),
        (PROTOCOL_HEADER, False, True),
        (PROTOCOL_HEADER[:4], True, True),
    ],
)
def test_health_checks_leave_no_line(
    said: bytes, lines: pytest.LogCaptureFixture, *, is_local: bool, is_told: bool
) -> None:
    node = Node()
    peer = node.connect(replace(LOCAL, is_loopback=is_local))
    if said:
        peer.send_bytes(said)
    peer.connection.receive_eof(node.now_ms)
    assert [line.split(" peer=")[0] for line in lines.messages] == ["connection lost"] * is_told
