"""The shell of one connection: what it reads and writes, and when."""

import asyncio
import logging
from typing import cast

import pytest

from amqp_server.connections.peer import Peer
from amqp_server.net.transport import Transport
from tests.support.fake_connection import FakeConnection
from tests.support.shell_rig import GRACE_MS, HIGH_BYTES, PEER, READ_BYTES, FakeSocketSide, ShellRig


@pytest.fixture
def rig() -> ShellRig:
    return ShellRig()


def test_a_read_is_answered_with_one_write_in_the_same_turn(rig: ShellRig) -> None:
    rig.connection.on_data = lambda data: rig.connection.send(b"one", b"two", b"three")
    rig.side.receive(b"hello")
    assert rig.connection.received == b"hello"
    assert rig.side.writes == [b"onetwothree"]
    assert rig.broker.turns_count == 1
    assert rig.loop.ready == []


def test_what_a_connection_left_over_comes_again_with_what_continues_it(rig: ShellRig) -> None:
    rig.connection.rest = b"begun "
    rig.side.receive(b"and ended")
    rig.side.receive(b"; next")
    assert rig.connection.received == b"begun and ended; next"


def test_output_on_another_connection_is_written_in_the_turn_of_the_read(rig: ShellRig) -> None:
    _, consumers_side, consumer = rig.connect()
    rig.connection.on_data = lambda data: None
    rig.broker.on_turn = lambda: consumer.send(b"delivery")
    rig.side.receive(b"publish")
    assert consumers_side.writes == [b"delivery"]
    assert rig.side.writes == []


def test_output_outside_of_any_turn_is_written_soon(rig: ShellRig) -> None:
    rig.connection.send(b"con")
    rig.connection.send(b"firm")
    assert rig.side.writes == []
    rig.run()
    assert rig.side.writes == [b"confirm"]


@pytest.mark.parametrize("is_tls", [False, True])
def test_much_output_is_one_write_too(is_tls: bool) -> None:
    rig = ShellRig(is_tls=is_tls)
    rig.connection.on_data = lambda data: rig.connection.send(
        b"a" * 70_000, b"b", memoryview(b"c" * 70_000)
    )
    rig.side.receive(b"x")
    assert rig.side.writes == [b"a" * 70_000 + b"b" + b"c" * 70_000]


def test_what_the_kernel_does_not_take_is_one_write_and_the_rest_stays_in_the_outbox(
    rig: ShellRig,
) -> None:
    rig.side.peer_reads = False
    for octet in (b"a", b"b", b"c"):
        rig.connection.send(octet)
        rig.run()
    assert rig.side.writes == [b"a"]
    assert not rig.is_delivering()
    rig.side.take(1)
    rig.run()
    assert rig.side.writes == [b"a", b"bc"]


def test_a_peer_that_reads_nothing_is_read_on(rig: ShellRig) -> None:
    """A client that publishes as well must not lock itself up; its acks and heartbeats count."""
    rig.side.peer_reads = False
    rig.connection.on_data = lambda data: rig.connection.send(b"d" * HIGH_BYTES)
    for _ in range(5):
        rig.side.receive(b"publish")
        rig.run()
    assert rig.side.is_reading
    assert rig.connection.received == b"publish" * 5


def test_tls_takes_several_writes_before_output_waits() -> None:
    rig = ShellRig(is_tls=True)
    rig.side.peer_reads = False
    rig.connection.send(b"d" * (HIGH_BYTES // 2))
    rig.run()
    assert rig.is_delivering()
    rig.connection.send(b"d")
    rig.run()
    assert not rig.is_delivering()
    rig.side.take(HIGH_BYTES // 2)
    rig.run()
    assert rig.is_delivering()


def test_what_is_to_be_said_last_is_written_behind_what_is_unsent(rig: ShellRig) -> None:
    rig.side.peer_reads = False
    rig.side.receive(b"unsent")
    rig.connection.send(b"waiting")
    rig.connection.close()
    rig.run()
    assert rig.side.writes == [b"unsent", b"waiting"]
    assert rig.side.has_written_eof


def test_who_fills_the_buffer_is_read_again_in_the_next_round(rig: ShellRig) -> None:
    rig.connection.on_data = lambda data: None
    seen = []
    for nbytes in (READ_BYTES - 1, READ_BYTES):
        rig.side.receive(b"p" * nbytes)
        seen.append(rig.side.is_reading)
    assert seen == [True, False], "the loop looks at the others first"
    rig.run()
    assert rig.side.is_reading


def test_tls_fills_the_buffer_with_less_than_it_holds() -> None:
    """The records' heads and tags are gone from what the socket gave."""
    rig = ShellRig(is_tls=True)
    rig.connection.on_data = lambda data: None
    seen = []
    for nbytes in (READ_BYTES // 2 - 1, READ_BYTES - 100):
        rig.side.receive(b"p" * nbytes)
        seen.append(rig.side.is_reading)
    assert seen == [True, False]
    rig.run()
    assert rig.side.is_reading


def test_a_round_does_not_read_who_must_not_be_read(rig: ShellRig) -> None:
    rig.connection.on_data = lambda data: None
    rig.connection.is_wanted = False
    rig.side.receive(b"p" * READ_BYTES)
    rig.connection.on_output()
    rig.run()
    assert not rig.side.is_reading
    rig.connection.is_wanted = True
    rig.connection.on_output()
    rig.run()
    assert rig.side.is_reading


def test_a_socket_that_is_gone_before_its_round_is_left_alone(rig: ShellRig) -> None:
    rig.side.receive(b"p" * READ_BYTES)
    rig.side.abort()
    rig.run()
    assert rig.lost_count == 1
    assert rig.reactor.rounds.last_reader is None


def test_reading_stops_and_goes_on_as_the_connection_wants(rig: ShellRig) -> None:
    rig.connection.is_wanted = False
    rig.side.receive(b"publish")
    assert not rig.side.is_reading
    rig.connection.is_wanted = True
    rig.connection.on_output()
    rig.run()
    assert rig.side.is_reading


def test_the_connection_is_woken_at_its_deadline_and_its_answer_written(rig: ShellRig) -> None:
    rig.connection.deadline_ms = rig.loop.time_ms + 30_000
    rig.side.receive(b"x")
    rig.side.writes.clear()
    rig.connection.on_data = lambda data: None
    rig.run(29_999)
    assert rig.connection.ticked_at_ms == []
    rig.connection.outbox.append(b"heartbeat")
    rig.run(1)
    assert rig.connection.ticked_at_ms == [rig.loop.time_ms]
    assert rig.side.writes == [b"heartbeat"]


def test_shutting_down_tells_the_peer_why_and_only_once(rig: ShellRig) -> None:
    rig.connection.on_shut_down = lambda: None
    rig.shell.shut_down("a reason")
    rig.run()
    assert rig.connection.shut_down_reason == "a reason"
    assert rig.side.writes == [b"closing"]
    rig.side.receive(b"quit")
    rig.shell.shut_down("another")
    assert rig.connection.shut_down_reason == "a reason"


@pytest.mark.parametrize(
    "step",
    ["receive_data", "data_to_send", "on_deadline", "lose", "pause_deliveries", "shut_down"],
)
def test_our_own_failure_costs_that_connection_only(
    rig: ShellRig, step: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise AssertionError("a bug")

    _, others_side, _ = rig.connect()
    setattr(rig.connection, step, fail)
    rig.connection.deadline_ms = rig.loop.time_ms + 10
    rig.side.peer_reads = False
    with caplog.at_level(logging.ERROR):
        rig.side.receive(b"x" * HIGH_BYTES)
        rig.run(10)
        rig.shell.shut_down("stop")
        rig.run()
        rig.side.lose(None)
        rig.run(GRACE_MS)
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert rig.lost_count == 1
    others_side.receive(b"echo")
    assert others_side.writes == [b"echo"]


def test_a_connection_that_cannot_be_made_is_cut_off(
    rig: ShellRig, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(peer: Peer, on_output: object, now_ms: int) -> FakeConnection:
        raise AssertionError("a bug")

    lost: list[Transport] = []
    shell = Transport(
        rig.reactor,
        fail,
        lambda ssl_object: PEER,
        lambda shell: None,
        lost.append,
        write_high_watermark_bytes=HIGH_BYTES,
    )
    side = FakeSocketSide(shell, rig.loop)
    with caplog.at_level(logging.ERROR):
        shell.connection_made(cast("asyncio.Transport", side))
        side.receive(b"x")
        side.receive_eof()
        rig.run()
    assert side.was_aborted
    assert lost == [shell]
    assert len(caplog.records) == 1
