"""The order and the size of reads: no socket is read twice while another is ready.

libuv reads a socket again and again, up to 32 times, as long as each read fills its buffer, and
only then looks at the next. From a publisher at full speed it would read 8 MiB while all other
clients wait. So a read that filled its buffer is the last one of its socket in this *round*. Then
reading of it stops, and continues when the loop is about to look at all sockets again:

    look → read a (filled), read b, read c (filled) → turn → a and c may be read again → look ...

If several sockets take turns, the pieces become smaller until a round is short. Then the acks of
consumers are soon seen and answered with deliveries, before much more input is read. Large pieces
cost less, so a socket that is read alone for a while gets the whole buffer again.

What a piece brings may go on to other nodes. Each of them pays for the piece, however little is in
it, and the clock here does not see that. So such a round may be longer.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from amqp_server.net.receive_buffer import ReceiveBuffer

ROUND_US_MAX: Final = 500
"""Target CPU time between two looks at the sockets; only the size of reads is adapted to it."""

FAR_ROUND_US_MAX: Final = 3_000
"""The same where the input went on to other nodes: with 60 messages of 1 KiB in a piece, instead of
240, a message of a queue of three replicas cost half as much again, on each of the nodes."""

PIECE_BYTES_MIN: Final = 64 * 1024
"""Smallest size of a piece: 1,000 small messages. Smaller reads cost more than they are worth."""

LONELY_ROUNDS_MIN: Final = 64
"""Rounds in which one socket alone was read before it gets the whole buffer again."""

_NS_PER_US: Final = 1_000


class Reader(Protocol):
    """A connection's shell whose last read filled its buffer."""

    def read_on(self) -> None:
        """Let the loop read it again; never raises."""


class ReadRounds:
    """The rounds of one loop.

    Attributes:
        buffer: for the bytes of every socket.
        piece_bytes: the present limit of a read; a read of this size has ``filled`` it.
        last_reader: the shell that read last; None after it has gone. A shell that reads sets it
            and counts a change by itself, which is cheaper than a call.
        changes_count: how often the socket read was another than before, in this round.
        is_far: whether something of this round went on to other nodes; who takes it there says so.
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
        "is_far",
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
            loop: the loop that reads the sockets.
            read_buffer_bytes: largest read.
            clock_ns: CPU time of this thread, in ns, so that pieces do not shrink because other
                programs use the core.
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
        self.is_far = False

    def filled(self, reader: Reader) -> None:
        """Call ``read_on`` when the next round begins; its socket must not be read before."""
        if not self._waiting:
            self._filled_at_ns = self._clock_ns()
            self._loop.call_soon(self._next_round)
        self._waiting.append(reader)

    def forget(self, reader: Reader) -> None:
        """Drop the reference to a reader that is gone."""
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
        self.is_far = False
        waiting, self._waiting = self._waiting, []
        for reader in waiting:
            reader.read_on()

    def _fit_piece(self, round_ns: int) -> None:
        """Halve the pieces while rounds take too long, double them if rounds may take longer."""
        max_ns = (FAR_ROUND_US_MAX if self.is_far else ROUND_US_MAX) * _NS_PER_US
        if round_ns > max_ns:
            self._lend(max(self.piece_bytes // 2, min(PIECE_BYTES_MIN, self._whole_bytes)))
        elif round_ns < max_ns // 3:
            self._lend(min(self.piece_bytes * 2, self._whole_bytes))

    def _lend(self, piece_bytes: int) -> None:
        if piece_bytes != self.piece_bytes:
            self.piece_bytes = piece_bytes
            self.buffer.lend(piece_bytes)
