"""Nothing that has to leave a link waits for something else to happen: no wake-up is lost.

No timer runs here, as a sign of life would have output asked for that nobody asked for.
"""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from cluster.links.connection import LinkConnection
from cluster.links.settings import LinkSettings
from cluster.links.sockets.transport import LinkTransport
from cluster.replication.frames import Ack
from tests.support.linked_pair import SMALL, LinkedPair, fence, run, tail

STEPS = 700
RUNS_MAX = 24 << 10
KERNEL_BYTES = 400 << 10
"""What a socket takes beside the buffer of its transport."""


class Loop:
    """What a transport needs of an event loop; timers never come."""

    def __init__(self) -> None:
        self.soon: deque[Callable[[], None]] = deque()

    def call_soon(self, call: Callable[[], None]) -> None:
        self.soon.append(call)

    def run_next(self) -> None:
        self.soon.popleft()()

    def call_later(self, _delay_s: float, _call: Callable[[], None]) -> None:
        pass

    def time(self) -> float:
        return 1.0

    def create_future(self) -> None:
        """Nobody waits for the end of a socket here."""


class Socket:
    """An asyncio transport: a buffer that the other side empties when chance says so."""

    def __init__(self, protocol: LinkTransport) -> None:
        self.protocol = protocol
        self.waiting = bytearray()
        self.limit = 0
        self.is_full = self.is_paused = False

    def set_write_buffer_limits(self, high: int) -> None:
        self.limit = high

    def get_extra_info(self, _name: str) -> None:
        return None

    def get_write_buffer_size(self) -> int:
        return max(len(self.waiting) - KERNEL_BYTES, 0)

    def is_closing(self) -> bool:
        return False

    def writelines(self, buffers: list[Any]) -> None:
        self.waiting += b"".join([bytes(each) for each in buffers])
        if self.get_write_buffer_size() > self.limit and not self.is_full:
            self.is_full = True
            self.protocol.pause_writing()

    def taken(self, count: int) -> bytes:
        octets = bytes(self.waiting[:count])
        del self.waiting[:count]
        if self.is_full and self.get_write_buffer_size() <= self.limit // 4:
            self.is_full = False
            self.protocol.resume_writing()
        return octets

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


class Budget:
    """Time that is spent when chance says so, and then for the rest of the slice."""

    def __init__(self, draw: Random) -> None:
        self._draw = draw
        self._is_spent = False

    def begin(self) -> None:
        self._is_spent = False

    def is_spent(self) -> bool:
        self._is_spent = self._is_spent or self._draw.random() < 0.2
        return self._is_spent


class Wired:
    """Two ends, each at its socket."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
        self.loop = Loop()
        self.settings = LinkSettings() if seed % 2 else SMALL
        self.pair = pair = LinkedPair(self.settings)
        self.sockets = {link: self._socket(link) for link in (pair.a, pair.b)}
        self.put_count = self.acked_count = 0
        pair.at_b.is_slow = True

    def _socket(self, link: LinkConnection) -> Socket:
        protocol = LinkTransport(
            self.loop,  # type: ignore[arg-type]
            lambda _names, _now_ms: link,
            self.settings,
            Budget(self.draw),
        )
        socket = Socket(protocol)
        protocol.connection_made(socket)  # type: ignore[arg-type]
        return socket

    def step(self, *, puts: bool) -> bool:
        """Do something; return whether there was anything to do."""
        pair = self.pair
        able: list[Callable[[], None]] = []
        if self.loop.soon:
            able.append(self.loop.run_next)
        for source, target in ((pair.a, pair.b), (pair.b, pair.a)):
            if self.sockets[source].waiting and not self.sockets[target].is_paused:
                able.append(lambda source=source, target=target: self.carry(source, target))  # type: ignore[misc]
        if pair.at_b.owed:
            able.append(self.work_off)
        if puts and pair.a.peer is not None and pair.a.waiting_count < 100:
            able.append(self.put)
        if able:
            self.draw.choice(able)()
        return bool(able)

    def carry(self, source: LinkConnection, target: LinkConnection) -> None:
        octets = self.sockets[source].taken(self.draw.choice((1, 30, 4_000, 1 << 20)))
        while octets:
            room = self.sockets[target].protocol.get_buffer(-1)
            count = min(len(room), len(octets))
            room[:count] = octets[:count]
            octets = octets[count:]
            self.sockets[target].protocol.buffer_updated(count)

    def work_off(self) -> None:
        """The mirror has written what came, and answers some of it."""
        pair, hearing = self.pair, self.pair.at_b
        for _ in range(self.draw.randint(1, len(hearing.owed))):
            pair.b.worked_off(*hearing.owed.pop(0))
        if self.draw.random() < 0.5:
            self.acked_count += 1
            pair.b.put(Ack(self.acked_count))

    def put(self) -> None:
        self.put_count += 1
        queue, octets = self.draw.choice("pqr"), bytes(self.draw.randint(1, RUNS_MAX))
        frames = (run(queue, self.put_count, octets), tail(queue, octets), fence(queue))
        self.pair.a.put(self.draw.choice(frames))


@pytest.mark.parametrize("seed", range(4))
def test_all_that_was_put_arrives_though_nothing_else_happens(seed: int) -> None:
    wired = Wired(seed)
    for _ in range(STEPS):
        wired.step(puts=True)
    while wired.step(puts=False):
        pass
    pair = wired.pair
    assert wired.put_count > 50
    assert (pair.a.reason, pair.b.reason) == (None, None)
    assert len(pair.at_b.frames) == wired.put_count
    assert not pair.a.waiting_count + pair.b.waiting_count
    assert pair.at_a.frames[-1] == Ack(wired.acked_count)
