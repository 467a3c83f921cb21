"""Whose socket is read, and how much of it: no one twice while another is ready.

libuv reads a socket again and again, up to 32 times, as long as each read fills its buffer, and
only then looks at the next. A publisher at full speed would have 8 MiB taken in while everybody
else waits. So a read that took all it could is the last one of its socket in this *round*: reading
of it stops, and goes on when the loop is about to look at all sockets again:

    look → read a (filled), read b, read c (filled) → turn → a and c may be read again → look ...

Where several sockets take turns, the pieces become smaller until a round is short: what a consumer
acks is seen, and what it may have then is sent, before much more is taken in. Large pieces cost
less, so a socket that is read alone for a while gets the whole buffer again.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from amqp_server.net.receive_buffer import ReceiveBuffer

ROUND_US_MAX: Final = 500
"""CPU time after which the sockets are looked at again, as far as the size of reads can do it."""

PIECE_BYTES_MIN: Final = 64 * 1024
"""Pieces become no smaller: 1,000 small messages. Below it reads cost more than what they bring."""

LONELY_ROUNDS_MIN: Final = 64
"""Rounds in which one socket alone was read before it gets the whole buffer again."""

_NS_PER_US: Final = 1_000


class Reader(Protocol):
    """A connection's shell whose last read took all it could."""

    def read_on(self) -> None:
        """Let the loop read it again; never raises."""


class ReadRounds:
    """The rounds of one loop.

    Attributes:
        buffer: where every socket's bytes arrive.
        piece_bytes: most that a read takes now; whoever took so much has ``filled`` it.
        last_reader: whose socket was read last; None after it has gone. Whoever reads sets it,
            and counts a change, which costs less than a call.
        changes_count: how often another socket was read than before, in this round.
    """

    __slots__ = (
        "_clock_ns",
        "_filled_at_ns",
        "_lonely_rounds_count",
        "_loop",
        "_waiting",
        "_whole_bytes",
        "buffer",
        "changes_count",
        "last_reader",
        "piece_bytes",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        read_buffer_bytes: int,
        clock_ns: Callable[[], int] = time.thread_time_ns,
    ) -> None:
        """Begin as if one socket were there.

        Args:
            loop: whose sockets these are.
            read_buffer_bytes: largest read.
            clock_ns: what this thread has worked so far, in ns: the pieces do not shrink because
                other programs have the core.
        """
        self._loop = loop
        self._clock_ns = clock_ns
        self._whole_bytes = self.piece_bytes = read_buffer_bytes
        self._lonely_rounds_count = 0
        self._filled_at_ns = 0
        self._waiting: list[Reader] = []
        self.buffer = ReceiveBuffer(read_buffer_bytes)
        self.last_reader: Reader | None = None
        self.changes_count = 0

    def filled(self, reader: Reader) -> None:
        """Call ``read_on`` when the next round begins; until then its socket must not be read."""
        if not self._waiting:
            self._filled_at_ns = self._clock_ns()
            self._loop.call_soon(self._next_round)
        self._waiting.append(reader)

    def forget(self, reader: Reader) -> None:
        """Hold nothing of a reader that is gone."""
        if self.last_reader is reader:
            self.last_reader = None

    def _next_round(self) -> None:
        if self.changes_count:
            self.changes_count = self._lonely_rounds_count = 0
            self._fit_piece(self._clock_ns() - self._filled_at_ns)
        elif self.piece_bytes < self._whole_bytes:
            self._lonely_rounds_count += 1
            if self._lonely_rounds_count >= LONELY_ROUNDS_MIN:
                self._lend(self._whole_bytes)
        waiting, self._waiting = self._waiting, []
        for reader in waiting:
            reader.read_on()

    def _fit_piece(self, round_ns: int) -> None:
        """Halve the pieces while rounds take too long, double them where they may take longer."""
        if round_ns > ROUND_US_MAX * _NS_PER_US:
            self._lend(max(self.piece_bytes // 2, min(PIECE_BYTES_MIN, self._whole_bytes)))
        elif round_ns < ROUND_US_MAX * _NS_PER_US // 3:
            self._lend(min(self.piece_bytes * 2, self._whole_bytes))

    def _lend(self, piece_bytes: int) -> None:
        if piece_bytes != self.piece_bytes:
            self.piece_bytes = piece_bytes
            self.buffer.lend(piece_bytes)
