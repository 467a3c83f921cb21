"""What leaves without a window: a mirror's frames, credit, signs of life, the handshake."""

from collections import deque

from cluster.links.encoding import QueueNumbers, encode_mirror_frame
from cluster.links.errors import LinkError
from cluster.links.kinds import Kind
from cluster.links.layout import CREDIT, SEEN
from cluster.replication.frames import Ack, MirrorFrame


class Answers:
    """Kinds and bodies in their order; an LSN right behind another takes its place."""

    __slots__ = ("_is_ended", "_waiting", "_waiting_max")

    def __init__(self, waiting_max: int) -> None:
        """Begin with none."""
        self._waiting: deque[tuple[Kind, bytes]] = deque()
        self._waiting_max = waiting_max
        self._is_ended = False

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def put(self, kind: Kind, body: bytes) -> None:
        """Let one wait.

        Raises:
            LinkError: too many wait; the other node does not take them.
        """
        if self._is_ended:
            return
        if len(self._waiting) >= self._waiting_max:
            raise LinkError(f"{len(self._waiting)} answers wait, the other node is too slow")
        self._waiting.append((kind, body))

    def put_frame(self, frame: MirrorFrame, numbers: QueueNumbers) -> None:
        """Let a mirror's frame wait."""
        number = 0
        if isinstance(frame, Ack):
            if self._waiting and self._waiting[-1][0] == Kind.ACK:
                self._waiting.pop()
        else:
            number, told = numbers.of(frame.queue)
            if told is not None:
                self.put(Kind.QUEUE, told)
        self.put(*encode_mirror_frame(frame, number))

    def put_seen(self, revision: int) -> None:
        """Let a revision wait; it takes the place of one right before it."""
        if self._waiting and self._waiting[-1][0] == Kind.SEEN:
            self._waiting.pop()
        self.put(Kind.SEEN, SEEN.pack(revision))

    def put_credit(self, lane: int, octets: int) -> None:
        """Let credit wait: a window bounds how much of it there is."""
        self._waiting.append((Kind.CREDIT, CREDIT.pack(lane, octets)))

    def take(self) -> tuple[Kind, bytes] | None:
        """Return the one that leaves now."""
        return self._waiting.popleft() if self._waiting else None

    def end(self, kind: Kind, body: bytes) -> None:
        """Let this be the only one, and the last."""
        self._waiting.clear()
        self.put(kind, body)
        self._is_ended = True

    def clear(self) -> None:
        """Forget all of them."""
        self._waiting.clear()
