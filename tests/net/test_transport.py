"""The shell of one connection, between a fake asyncio transport and a fake sans-IO connection."""

import asyncio
import logging
from collections.abc import Iterable
from typing import cast

import pytest

from amqp_server.net.reactor import Reactor
from amqp_server.net.transport import AmqpTransport, OnOutput
from amqp_server.protocol.peer import Peer
from tests.support.fake_connection import FakeBroker, FakeConnection
from tests.support.fake_loop import FakeLoop

PEER = Peer("192.0.2.1", 51000, "192.0.2.2", 5672, is_loopback=False)
HIGH_BYTES = 1024
GRACE_MS = 500
READ_BYTES = 4096


class FakeSocketSide:
    """What asyncio gives a protocol: notes writes, and keeps them while the peer does not read."""

    def __init__(self, protocol: AmqpTransport, loop: FakeLoop) -> None:
        self._protocol = protocol
        self._loop = loop
        self.is_tls = False
        self.peer_reads = True
        self.writes: list[bytes] = []
        self.unsent_bytes = 0
        self.is_reading = True
        self.has_written_eof = False
        self.has_closed = False
        self.was_aborted = False
        self.high_bytes = self.low_bytes = 0
        self._is_protocol_paused = False
        self._is_lost = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return object() if name == "ssl_object" and self.is_tls else default

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.high_bytes, self.low_bytes = high, low

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def is_closing(self) -> bool:
        return self.has_closed or self.was_aborted

    def write(self, data: bytes) -> None:
        assert not self.has_written_eof
        assert not self.is_closing()
        self.writes.append(data)
        if not self.peer_reads:
            self.unsent_bytes += len(data)
        if self.unsent_bytes > self.high_bytes and not self._is_protocol_paused:
            self._is_protocol_paused = True
            self._protocol.pause_writing()

    def writelines(self, chunks: Iterable[bytes | memoryview]) -> None:
        self.write(b"".join(chunks))

    def write_eof(self) -> None:
        self.has_written_eof = True

    def pause_reading(self) -> None:
        assert self.is_reading
        self.is_reading = False

    def resume_reading(self) -> None:
        assert not self.is_reading
        self.is_reading = True

    def close(self) -> None:
        self.has_closed = True
        if not self.unsent_bytes:
            self._loop.call_soon(self.lose, None)

    def abort(self) -> None:
        self.was_aborted = True
        self._loop.call_soon(self.lose, None)

    # What the peer does.

    def lose(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._protocol.connection_lost(error)

    def receive(self, data: bytes) -> None:
        buffer = self._protocol.get_buffer(-1)
        buffer[: len(data)] = data
        self._protocol.buffer_updated(len(data))

    def receive_eof(self) -> None:
        if not self._protocol.eof_received():  # type: ignore[func-returns-value] # asyncio asks
            self.close()

    def take(self, size: int) -> None:
        self.unsent_bytes -= size
        if self._is_protocol_paused and self.unsent_bytes <= self.low_bytes:
            self._is_protocol_paused = False
            self._protocol.resume_writing()


class Rig:
    """One connection with everything around it."""

    def __init__(self, *, is_tls: bool = False) -> None:
        self.loop = FakeLoop()
        self.broker = FakeBroker()
        self.reactor = Reactor(
            self.loop.as_loop, self.broker, read_buffer_bytes=READ_BYTES, clock=self.loop.now_ms
        )
        self.made_count = 0
        self.lost_count = 0
        self.shell, self.side, self.connection = self.connect(is_tls=is_tls)

    def connect(
        self, *, is_tls: bool = False
    ) -> tuple[AmqpTransport, FakeSocketSide, FakeConnection]:
        made: list[FakeConnection] = []

        def make(peer: Peer, on_output: OnOutput, now_ms: int) -> FakeConnection:
            made.append(FakeConnection(peer, on_output, now_ms))
            return made[0]

        def count(name: str) -> None:
            setattr(self, name, getattr(self, name) + 1)

        shell = AmqpTransport(
            self.reactor,
            make,
            lambda ssl_object: PEER,
            lambda shell: count("made_count"),
            lambda shell: count("lost_count"),
            write_high_watermark_bytes=HIGH_BYTES,
            close_grace_ms=GRACE_MS,
        )
        side = FakeSocketSide(shell, self.loop)
        side.is_tls = is_tls
        shell.connection_made(cast("asyncio.Transport", side))
        return shell, side, made[0]

    def is_delivering(self) -> bool:
        return self.connection.is_delivering

    def is_cut_off(self) -> bool:
        return self.side.was_aborted

    def run(self, ms: int = 0) -> None:
        self.loop.run_until(self.loop.time_ms + ms)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_read_is_answered_with_one_write_in_the_same_turn(rig: Rig) -> None:
    rig.connection.on_data = lambda data: rig.connection.send(b"one", b"two", b"three")
    rig.side.receive(b"hello")
    assert rig.connection.received == b"hello"
    assert rig.side.writes == [b"onetwothree"]
    assert rig.broker.turns_count == 1
    assert rig.loop.ready == []


def test_what_a_connection_left_over_comes_again_with_what_continues_it(rig: Rig) -> None:
    rig.connection.rest = b"begun "
    rig.side.receive(b"and ended")
    rig.side.receive(b"; next")
    assert rig.connection.received == b"begun and ended; next"


def test_output_on_another_connection_is_written_in_the_turn_of_the_read(rig: Rig) -> None:
    _, consumers_side, consumer = rig.connect()
    rig.connection.on_data = lambda data: None
    rig.broker.on_turn = lambda: consumer.send(b"delivery")
    rig.side.receive(b"publish")
    assert consumers_side.writes == [b"delivery"]
    assert rig.side.writes == []


def test_output_outside_of_any_turn_is_written_soon(rig: Rig) -> None:
    rig.connection.send(b"con")
    rig.connection.send(b"firm")
    assert rig.side.writes == []
    rig.run()
    assert rig.side.writes == [b"confirm"]


@pytest.mark.parametrize("is_tls", [False, True])
def test_much_output_is_one_write_too(is_tls: bool) -> None:
    rig = Rig(is_tls=is_tls)
    rig.connection.on_data = lambda data: rig.connection.send(
        b"a" * 70_000, b"b", memoryview(b"c" * 70_000)
    )
    rig.side.receive(b"x")
    assert rig.side.writes == [b"a" * 70_000 + b"b" + b"c" * 70_000]


def test_a_slow_peer_gets_no_deliveries_until_it_has_caught_up(rig: Rig) -> None:
    rig.side.peer_reads = False
    rig.connection.send(b"d" * (HIGH_BYTES // 2))
    rig.run()
    assert rig.is_delivering()
    rig.connection.send(b"d")
    rig.run()
    assert not rig.is_delivering()
    assert rig.side.is_reading, "a client that publishes as well must not lock itself up"
    rig.side.take(HIGH_BYTES // 2)
    rig.run()
    assert rig.is_delivering()


def test_a_peer_that_asks_and_does_not_read_is_not_read_any_more(rig: Rig) -> None:
    rig.side.peer_reads = False
    requests_count = 0
    while rig.side.is_reading:
        rig.side.receive(b"r" * 100)
        requests_count += 1
    assert rig.side.unsent_bytes < HIGH_BYTES + 100
    assert requests_count > HIGH_BYTES // 2 // 100
    rig.side.take(rig.side.unsent_bytes)
    rig.run()
    assert rig.side.is_reading


def test_who_fills_the_buffer_is_read_again_in_the_next_round(rig: Rig) -> None:
    rig.connection.on_data = lambda data: None
    seen = []
    for nbytes in (READ_BYTES - 1, READ_BYTES):
        rig.side.receive(b"p" * nbytes)
        seen.append(rig.side.is_reading)
    assert seen == [True, False], "the loop looks at the others first"
    rig.run()
    assert rig.side.is_reading


def test_a_round_does_not_read_who_must_not_be_read(rig: Rig) -> None:
    rig.connection.on_data = lambda data: None
    rig.connection.wants_read = False
    rig.side.receive(b"p" * READ_BYTES)
    rig.connection.on_output()
    rig.run()
    assert not rig.side.is_reading
    rig.connection.wants_read = True
    rig.connection.on_output()
    rig.run()
    assert rig.side.is_reading


def test_a_socket_that_is_gone_before_its_round_is_left_alone(rig: Rig) -> None:
    rig.side.receive(b"p" * READ_BYTES)
    rig.side.abort()
    rig.run()
    assert rig.lost_count == 1
    assert rig.reactor.rounds.last_reader is None


def test_reading_stops_and_goes_on_as_the_connection_wants(rig: Rig) -> None:
    rig.connection.wants_read = False
    rig.side.receive(b"publish")
    assert not rig.side.is_reading
    rig.connection.wants_read = True
    rig.connection.on_output()
    rig.run()
    assert rig.side.is_reading


def test_a_peer_that_goes_is_told_to_the_connection_once(rig: Rig) -> None:
    rig.connection.on_eof = lambda: rig.connection.send(b"last words")
    rig.side.receive_eof()
    assert rig.side.writes == [b"last words"]
    rig.run()
    assert (rig.connection.eof_count, rig.lost_count) == (1, 1)


def test_a_peer_that_is_cut_off_frees_what_it_held_in_the_same_turn(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    _, others_side, other = rig.connect()
    rig.connection.on_eof = lambda: other.send(b"requeued")
    rig.side.receive(b"hello")
    with caplog.at_level(logging.WARNING):
        rig.side.lose(ConnectionResetError(104, "Connection reset by peer"))
    assert others_side.writes == [b"requeued"]
    assert (rig.connection.eof_count, rig.lost_count) == (1, 1)
    assert caplog.records == [], "a peer that vanishes is no news"


def test_a_connection_without_a_byte_is_a_health_check(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        rig.side.receive_eof()
        rig.run()
    assert [record.levelname for record in caplog.records] == ["DEBUG"]


def test_a_connection_is_logged_when_it_speaks_and_when_it_goes(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        rig.side.receive(b"a")
        rig.side.receive(b"b")
        rig.side.receive_eof()
        rig.run()
    assert ["192.0.2.1:51000 -> 192.0.2.2:5672" in text for text in caplog.messages] == [True, True]


def test_closing_writes_all_and_waits_for_the_peers_end(rig: Rig) -> None:
    rig.side.receive(b"quit")
    assert rig.side.writes == [b"bye"]
    assert rig.side.has_written_eof
    assert not rig.side.is_closing(), "closing now could reset what is under way"
    rig.side.receive(b"still talking")
    assert rig.connection.received == b"quit"
    rig.side.receive_eof()
    rig.run(GRACE_MS)
    assert not rig.is_cut_off()
    assert (rig.connection.eof_count, rig.lost_count) == (1, 1)


def test_closing_reads_on_even_if_reading_was_stopped(rig: Rig) -> None:
    rig.connection.wants_read = False
    rig.side.receive(b"publish")
    rig.connection.close()
    rig.run()
    assert rig.side.is_reading


def test_a_peer_that_lets_our_closing_wait_is_cut_off(rig: Rig) -> None:
    rig.side.receive(b"quit")
    rig.run(GRACE_MS - 1)
    assert not rig.is_cut_off()
    rig.run(1)
    assert rig.is_cut_off()
    assert rig.lost_count == 1


def test_a_peer_that_is_gone_and_takes_nothing_is_cut_off(rig: Rig) -> None:
    rig.side.peer_reads = False
    rig.side.receive(b"x")
    rig.side.receive_eof()
    assert rig.side.has_closed
    rig.run(GRACE_MS)
    assert rig.is_cut_off()
    assert rig.lost_count == 1


def test_tls_says_its_own_goodbye() -> None:
    rig = Rig(is_tls=True)
    rig.side.receive(b"quit")
    assert rig.side.writes == [b"bye"]
    assert rig.side.has_closed
    assert not rig.side.has_written_eof


def test_what_tls_reads_while_it_closes_is_dropped() -> None:
    rig = Rig(is_tls=True)
    rig.connection.on_data = lambda data: rig.connection.close()
    closing = rig.side.close

    def close_in_the_middle_of_reading() -> None:
        rig.side.receive(b"late")
        assert rig.shell.eof_received() is None  # type: ignore[func-returns-value]
        closing()

    rig.side.close = close_in_the_middle_of_reading  # type: ignore[method-assign]
    rig.side.receive(b"close me")
    rig.run()
    assert rig.connection.received == b"close me"
    assert (rig.connection.eof_count, rig.lost_count) == (1, 1)


def test_the_connection_is_woken_at_its_deadline_and_its_answer_written(rig: Rig) -> None:
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


def test_shutting_down_tells_the_peer_why_and_only_once(rig: Rig) -> None:
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
    ["receive_data", "data_to_send", "tick", "receive_eof", "pause_deliveries", "shut_down"],
)
def test_our_own_failure_costs_that_connection_only(
    rig: Rig, step: str, caplog: pytest.LogCaptureFixture
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
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(peer: Peer, on_output: object, now_ms: int) -> FakeConnection:
        raise AssertionError("a bug")

    lost: list[AmqpTransport] = []
    shell = AmqpTransport(
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
