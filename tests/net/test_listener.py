"""Accepting, and not accepting: limits and shortages on fake sockets, addresses on real ones."""

import errno
import logging
import socket
from collections.abc import Callable
from typing import Any, cast

import pytest

from amqp_server.net.listener import (
    ACCEPT_PAUSE_MS,
    ACCEPTS_PER_ROUND_MAX,
    Acceptor,
    ListenError,
    MakeRoom,
    open_sockets,
)
from amqp_server.net.settings import ListenerSettings
from tests.support.fake_loop import FakeLoop
from tests.support.loops import NEEDS_IPV6


def accepted_count(listening: socket.socket) -> int:
    """Accept all who wait, and return how many they were."""
    count = 0
    while True:
        try:
            listening.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


class FakeListening:
    """A listening socket with a backlog; an error in it is raised by ``accept``."""

    def __init__(self) -> None:
        self.backlog: list[OSError | None] = []
        self.is_closed = False
        self.shortage: OSError | None = None

    def accept(self) -> tuple[socket.socket, Any]:
        if not self.backlog:
            raise BlockingIOError
        if self.shortage is not None:
            raise self.shortage
        waiting = self.backlog.pop(0)
        if waiting is not None:
            raise waiting
        return cast("socket.socket", FakeAccepted()), ("192.0.2.1", 51000)

    def close(self) -> None:
        self.is_closed = True


class FakeAccepted:
    def settimeout(self, seconds: float) -> None:
        assert seconds == 0


class ReadingLoop(FakeLoop):
    """Also watches sockets: those with a backlog are ready whenever ``poll`` is called."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: dict[FakeListening, Callable[[], None]] = {}

    def add_reader(self, listening: FakeListening, work: Callable[..., None], *args: Any) -> None:  # noqa: ANN401 - asyncio's
        assert listening not in self.readers
        self.readers[listening] = lambda: work(*args)

    def remove_reader(self, listening: FakeListening) -> bool:
        return self.readers.pop(listening, None) is not None

    def poll(self) -> None:
        for listening, work in list(self.readers.items()):
            if listening.backlog:
                work()


class Rig:
    def __init__(
        self,
        connections_max: int | None = None,
        sockets_count: int = 1,
        make_room: MakeRoom | None = None,
    ) -> None:
        self.loop = ReadingLoop()
        self.acceptor = Acceptor(self.loop.as_loop, connections_max, make_room=make_room)
        self.listening = [FakeListening() for _ in range(sockets_count)]
        self.welcomed_count = 0
        self.acceptor.listen(cast("list[socket.socket]", self.listening), self.welcome)

    def welcome(self, accepted: socket.socket) -> None:
        self.welcomed_count += 1

    def arrive(self, *waiting: OSError | None, at: int = 0) -> None:
        self.listening[at].backlog += waiting
        self.loop.poll()


def test_whoever_waits_is_accepted() -> None:
    rig = Rig()
    rig.arrive(None, None, None)
    assert (rig.welcomed_count, rig.acceptor.open_count) == (3, 3)


def test_a_crowd_does_not_keep_the_loop_busy() -> None:
    rig = Rig()
    rig.arrive(*[None] * (ACCEPTS_PER_ROUND_MAX + 1))
    assert rig.welcomed_count == ACCEPTS_PER_ROUND_MAX
    rig.loop.poll()
    assert rig.welcomed_count == ACCEPTS_PER_ROUND_MAX + 1


def test_one_that_left_while_it_waited_is_passed_over() -> None:
    rig = Rig()
    rig.arrive(ConnectionAbortedError(errno.ECONNABORTED, "gone"), None)
    assert rig.welcomed_count == 1


def test_at_the_limit_others_wait_until_somebody_leaves(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig(connections_max=2, sockets_count=2)
    with caplog.at_level(logging.WARNING):
        rig.arrive(None, None, None)
        rig.arrive(None, at=1)
    assert rig.acceptor.open_count == 2
    assert rig.loop.readers == {}, "the limit counts for all sockets"
    assert ["connections_max=2" in text for text in caplog.messages] == [True]
    rig.acceptor.release()
    rig.loop.poll()
    assert (rig.welcomed_count, rig.acceptor.open_count) == (3, 2)
    rig.acceptor.release()
    rig.acceptor.release()
    rig.loop.poll()
    assert (rig.welcomed_count, rig.acceptor.open_count) == (4, 1)


def test_at_the_limit_room_is_asked_for_again_when_there_may_be_some() -> None:
    answers: list[int | None] = [700, 0]
    rig = Rig(connections_max=1, make_room=lambda: answers.pop(0))
    rig.arrive(None)
    rig.loop.poll()
    assert answers == [700, 0], "nobody waits"
    rig.arrive(None)
    assert answers == [0]
    rig.loop.run_until(rig.loop.time_ms + 699)
    assert rig.loop.readers == {}
    rig.loop.run_until(rig.loop.time_ms + 1)
    rig.loop.poll()
    assert (answers, rig.welcomed_count) == ([], 1), "somebody was cut off, and has yet to be gone"
    rig.acceptor.release()
    rig.loop.poll()
    assert rig.welcomed_count == 2


def test_somebody_who_leaves_at_the_limit_is_not_waited_for() -> None:
    rig = Rig(connections_max=1, make_room=lambda: 700)
    rig.arrive(None, None)
    rig.loop.poll()
    assert rig.loop.readers == {}
    rig.acceptor.release()
    rig.loop.poll()
    assert rig.welcomed_count == 2
    rig.acceptor.close()
    rig.loop.run_until(rig.loop.time_ms + 2_000)
    assert rig.loop.readers == {}


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
def test_a_shortage_is_a_pause_that_is_logged_once(
    number: int, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(sockets_count=2)
    rig.listening[0].shortage = OSError(number, "too few")
    with caplog.at_level(logging.WARNING):
        rig.arrive(None, None)
        assert rig.loop.readers == {}, "no descriptor is left for any socket"
        for _ in range(5):
            rig.loop.run_until(rig.loop.time_ms + ACCEPT_PAUSE_MS)
            rig.loop.poll()
    assert len(caplog.records) == 1
    rig.listening[0].shortage = None
    rig.loop.run_until(rig.loop.time_ms + ACCEPT_PAUSE_MS)
    rig.loop.poll()
    assert rig.welcomed_count == 2


def test_somebody_who_leaves_does_not_end_the_pause_of_a_shortage_early() -> None:
    rig = Rig()
    rig.arrive(None)
    rig.listening[0].shortage = OSError(errno.EMFILE, "too few")
    rig.arrive(None)
    rig.acceptor.release()
    assert rig.loop.readers == {}
    rig.loop.run_until(rig.loop.time_ms + ACCEPT_PAUSE_MS)
    assert len(rig.loop.readers) == 1


def test_a_second_shortage_is_logged_again_after_everybody_was_let_in(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            rig.listening[0].shortage = OSError(errno.EMFILE, "too few")
            rig.arrive(None)
            rig.listening[0].shortage = None
            rig.loop.run_until(rig.loop.time_ms + ACCEPT_PAUSE_MS)
            rig.loop.poll()
    assert len(caplog.records) == 2


def test_closing_lets_nobody_in_and_ends_a_pause() -> None:
    rig = Rig(sockets_count=2)
    rig.listening[0].shortage = OSError(errno.EMFILE, "too few")
    rig.arrive(None)
    rig.acceptor.close()
    assert [listening.is_closed for listening in rig.listening] == [True, True]
    rig.loop.run_until(rig.loop.time_ms + 2 * ACCEPT_PAUSE_MS)
    assert rig.loop.readers == {}


def test_nobody_is_released_who_was_not_accepted() -> None:
    with pytest.raises(AssertionError, match="follows an accept"):
        Rig().acceptor.release()


class TestAddresses:
    """Real sockets, on ports that the kernel chooses."""

    @pytest.mark.parametrize(
        ("address", "reached_from"),
        [
            ("127.0.0.1", ["127.0.0.1"]),
            pytest.param("::1", ["::1"], marks=NEEDS_IPV6),
            pytest.param("::", ["::1", "127.0.0.1"], marks=NEEDS_IPV6),
            pytest.param("*", ["::1", "127.0.0.1"], marks=NEEDS_IPV6),
            pytest.param("", ["::1", "127.0.0.1"], marks=NEEDS_IPV6),
            ("0.0.0.0", ["127.0.0.1"]),
            ("*", ["127.0.0.1"]),
        ],
    )
    def test_an_address_is_reached(self, address: str, reached_from: list[str]) -> None:
        (listening,) = open_sockets(ListenerSettings(address=address, port=0), 128)
        with listening:
            for host in reached_from:
                socket.create_connection((host, listening.getsockname()[1]), timeout=1).close()
                listening.settimeout(1)
                listening.accept()[0].close()

    @NEEDS_IPV6
    def test_ipv6_only_leaves_the_port_to_ipv4(self) -> None:
        (six,) = open_sockets(ListenerSettings(address="::", port=0), 128, ipv6_only=True)
        with six:
            port = six.getsockname()[1]
            (four,) = open_sockets(ListenerSettings(address="0.0.0.0", port=port), 128)
            four.close()

    def test_a_port_that_is_taken_is_named(self) -> None:
        (listening,) = open_sockets(ListenerSettings(address="127.0.0.1", port=0), 128)
        with listening:
            port = listening.getsockname()[1]
            with pytest.raises(ListenError, match=f"127.0.0.1:{port}"):
                open_sockets(ListenerSettings(address="127.0.0.1", port=port), 128)

    def test_a_port_is_shared_by_those_who_all_say_so(self) -> None:
        """Each socket gets its share of the clients; one that closes leaves them to the others."""
        (first,) = open_sockets(ListenerSettings(port=0, reuse_port=True), 128)
        port = first.getsockname()[1]
        with pytest.raises(ListenError, match="Address already in use"):
            open_sockets(ListenerSettings(port=port), 128)
        (second,) = open_sockets(ListenerSettings(port=port, reuse_port=True), 128)
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(64)]
        counts = [accepted_count(first), accepted_count(second)]
        assert sum(counts) == 64
        assert min(counts) > 8
        first.close()
        clients += [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
        assert accepted_count(second) == 8
        for each in (second, *clients):
            each.close()

    def test_an_address_that_is_not_ours_is_refused(self) -> None:
        with pytest.raises(ListenError, match=r"192\.0\.2\.1"):
            open_sockets(ListenerSettings(address="192.0.2.1", port=0), 128)
