"""What waits to leave on a front link, and in which order it leaves.

    put ─▶ line ─▶ out                      frames whose queue nothing holds back, in their order
             ╰──▶ held, a line for each     a queue whose next frame does not fit into its window,
                  queue, in turn ─▶ out     or leaves in pieces; all that comes behind it

Frames of one queue never overtake each other. A queue that is held holds no other one: the line
goes on without it, and one piece of a held queue leaves for some octets of the line. A queue whose
own window is full waits for credit and costs nothing meanwhile.
"""

from collections import deque
from typing import Final

from cluster.fronts.links.encoding import Encoded
from cluster.fronts.links.large import LARGE_MAX
from cluster.fronts.links.layout import BATCH, CONSUMER, DELIVER, FrameKind
from cluster.links.envelope import Octets
from cluster.links.errors import LinkError
from cluster.links.windows import OutgoingWindow
from persistence.codec import octets_of
from persistence.record import Run

PIECES_PER_HELD: Final = 4
"""Octets of the line that leave for one piece of a held queue, in pieces."""

BATCH_AT: Final = DELIVER.size + CONSUMER.size
ONE_CONSUMER_BYTES: Final = BATCH_AT + BATCH.size
"""Where the batch begins in the head of a delivery to one consumer, and how long that is."""

_TRIES_MAX: Final = 16
"""Held queues that are looked at before the line goes on."""


class Waiting:
    """A frame on its way out.

    Attributes:
        number: of its queue on this connection.
        head: all of it but its records.
        size: octets of its records; 0 without any.
        sent: how many of them have left.
        begun: its head has left.
    """

    __slots__ = ("_octets", "_runs", "begun", "head", "kind", "number", "queue", "sent", "size")

    def __init__(self, queue: str, number: int, encoded: Encoded) -> None:
        """Nothing has left yet."""
        self.queue = queue
        self.number = number
        self.kind: FrameKind = encoded.kind
        self.head = encoded.head
        self._runs: list[Run] = [] if encoded.run is None else [encoded.run]
        self._octets: Octets = b""
        self.size = encoded.records_bytes
        self.sent = 0
        self.begun = False

    def take(self, count: int) -> Octets:
        """Return the next octets of its records, which are made when the first of them leave."""
        if self._runs:
            parts = [octets_of(run) for run in self._runs]
            self._octets = parts[0] if len(parts) == 1 else b"".join(parts)
            assert len(self._octets) == self.size, "a run is as long as it was said to be"
            self._runs = []
        start = self.sent
        self.sent += count
        if count == self.size:
            return self._octets
        return memoryview(self._octets)[start : self.sent]

    def join(self, encoded: Encoded, size_max: int) -> bool:
        """Take a batch that follows this one for the same consumer; return whether that is so.

        Runs of a backlog are delivered one by one, and a frame costs each end as much as hundreds
        of messages in it.
        """
        head, size = encoded.head, self.size + encoded.records_bytes
        if self.kind is not FrameKind.DELIVER or encoded.kind is not FrameKind.DELIVER:
            return False
        if (
            size > size_max
            or len(head) != ONE_CONSUMER_BYTES
            or head[:BATCH_AT] != (self.head[:BATCH_AT])
        ):
            return False
        *past, first, count, _ = BATCH.unpack_from(self.head, BATCH_AT)
        *same_past, next_first, more_count, _ = BATCH.unpack_from(head, BATCH_AT)
        if past != same_past or first + count != next_first:
            return False
        assert encoded.run is not None, "a batch has messages"
        self.head = head[:BATCH_AT] + BATCH.pack(*past, first, count + more_count, size)
        self._runs.append(encoded.run)
        self.size = size
        return True


class Lines:
    """The frames of one connection that have not left.

    Attributes:
        whole_bytes: a frame with more octets of records leaves in pieces of so many.
        waiting_bytes: octets of records that wait; a large message counts as ``whole_bytes``.
    """

    def __init__(self, waiting_max: int, whole_bytes: int) -> None:
        """Begin with nothing."""
        self._waiting_max = waiting_max
        self.whole_bytes = whole_bytes
        self.waiting_bytes = 0
        self._count = 0
        self._line: deque[Waiting] = deque()
        self._held: dict[str, deque[Waiting]] = {}
        self._ready: deque[str] = deque()
        self._without_window: set[str] = set()
        self._without_place: deque[str] = deque()
        self._large_count = 0
        self._line_octets = 0
        self._bytes_of: dict[str, int] = {}

    def __len__(self) -> int:
        """Return how many frames wait."""
        return self._count

    def close(self) -> None:
        """Forget all of it."""
        for each in (self._line, self._held, self._ready, self._without_window, self._bytes_of):
            each.clear()
        self._without_place.clear()
        self._count = self.waiting_bytes = 0

    def is_held(self, queue: str) -> bool:
        """Return whether frames of a queue wait for its window, or for a large one before them."""
        return queue in self._held

    def bytes_of(self, queue: str) -> int:
        """Return the octets of a queue that wait."""
        return self._bytes_of.get(queue, 0)

    def put(self, waiting: Waiting) -> None:
        """Let a frame wait for its turn.

        Raises:
            LinkError: too many wait; the other node takes them too slowly.
        """
        if self._count >= self._waiting_max:
            raise LinkError(f"{self._count} frames wait, the other node is too slow")
        self._count += 1
        if waiting.size:
            counted = min(waiting.size, self.whole_bytes)
            self.waiting_bytes += counted
            self._bytes_of[waiting.queue] = self._bytes_of.get(waiting.queue, 0) + counted
        self._line.append(waiting)

    def join(self, queue: str, encoded: Encoded) -> bool:
        """Have a batch leave with the one before it, where that waits at the end of the line."""
        line = self._line
        if not line or line[-1].queue != queue or not line[-1].join(encoded, self.whole_bytes):
            return False
        self.waiting_bytes += encoded.records_bytes
        self._bytes_of[queue] += encoded.records_bytes
        return True

    def next(self, window: OutgoingWindow) -> tuple[Waiting, int] | None:
        """Return whose next octets may leave, and how many; None while nothing may.

        ``left`` must be called before the next one is asked for.
        """
        is_turn_of_held = self._line_octets >= PIECES_PER_HELD * self.whole_bytes
        if is_turn_of_held and self._ready:
            self._line_octets = 0
            found = self._next_held(window)
            if found is not None:
                return found
        return self._next_of_line(window) or self._next_held(window)

    def left(self, waiting: Waiting, octets: int) -> None:
        """These octets have left; a frame that is out gives its place to the next of its queue."""
        queue = waiting.queue
        is_out = waiting.sent == waiting.size
        is_large = waiting.size > self.whole_bytes
        if is_out:
            self._count -= 1
            if waiting.size:
                self._uncount(queue, min(waiting.size, self.whole_bytes))
        held = self._held.get(queue)
        if held is None:
            self._line_octets += octets
            return
        if is_large:
            self._large_count += int(octets == waiting.sent) - int(is_out)
            if is_out and self._without_place:
                self._ready.append(self._without_place.popleft())
        if is_out:
            held.popleft()
        if held:
            self._ready.append(queue)
        else:
            del self._held[queue]

    def credit(self, queue: str) -> None:
        """The window of a queue has room again."""
        if queue in self._without_window:
            self._without_window.remove(queue)
            self._ready.append(queue)

    def _uncount(self, queue: str, counted: int) -> None:
        self.waiting_bytes -= counted
        left = self._bytes_of[queue] - counted
        if left:
            self._bytes_of[queue] = left
        else:
            del self._bytes_of[queue]

    def _next_of_line(self, window: OutgoingWindow) -> tuple[Waiting, int] | None:
        line, held = self._line, self._held
        while line:
            waiting = line.popleft()
            size = waiting.size
            if waiting.queue in held:
                held[waiting.queue].append(waiting)
            elif not size or (size <= self.whole_bytes and window.has_room(waiting.queue, size)):
                return waiting, size
            else:
                held[waiting.queue] = deque((waiting,))
                self._ready.append(waiting.queue)
        return None

    def _next_held(self, window: OutgoingWindow) -> tuple[Waiting, int] | None:
        """Return the next of a held queue, in turn; it leaves ``_ready`` until that has left."""
        ready = self._ready
        for _ in range(min(_TRIES_MAX, len(ready))):
            queue = ready.popleft()
            waiting = self._held[queue][0]
            octets = min(self.whole_bytes, waiting.size - waiting.sent)
            is_new_large = waiting.size > self.whole_bytes and not waiting.begun
            if is_new_large and self._large_count >= LARGE_MAX:
                self._without_place.append(queue)
            elif not octets or window.has_room(queue, octets):
                return waiting, octets
            elif window.has_stream_room(queue, octets):
                ready.append(queue)
            else:
                self._without_window.add(queue)
        return None
