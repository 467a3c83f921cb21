"""What belongs to one connection between two nodes, and ends with it (R4)."""

from collections import deque

from cluster.replication.frames import Ack, Ends, Got, MirrorFrame


class LinkToMirror:
    """The leader's side: how far the mirror's disk has what this node wrote to it (R5)."""

    __slots__ = ("safe_lsn",)

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.safe_lsn = 0


class LinkFromLeader:
    """The mirror's side: what was obeyed here, and which answers wait for the disk.

    ``attached`` has the epoch obeyed on this connection, by queue.
    """

    __slots__ = ("_answers", "_received", "answered_lsn", "attached")

    def __init__(self) -> None:
        """Nothing is attached yet."""
        self.attached: dict[str, int] = {}
        self._answers: deque[tuple[int, Ends | Got]] = deque()
        self._received: deque[tuple[int, int]] = deque()
        self.answered_lsn = 0

    def receive(self, lsn: int, number: int) -> None:
        """All up to this LSN is written, or refused, once the WAL has this write."""
        if self._received and self._received[-1][0] == number:
            self._received.pop()
        self._received.append((number, lsn))

    def answer(self, frame: Ends | Got, number: int) -> None:
        """Hold an answer back until the WAL is on disk up to this write."""
        self._answers.append((number, frame))

    def detach(self, queue: str) -> None:
        """Obey nothing more of a queue before the next fence; what was held back of it is not so.

        An answer that left behind the refusal would be taken for one to the next fence.
        """
        self.attached.pop(queue, None)
        self._answers = deque(each for each in self._answers if each[1].queue != queue)

    def is_waiting(self) -> bool:
        """Return whether anything is held back."""
        return bool(self._answers or self._received)

    def answers(self, fsynced: int) -> list[MirrorFrame]:
        """Return what may leave now: answers of queues first, then one LSN for all (R9)."""
        frames: list[MirrorFrame] = []
        while self._answers and self._answers[0][0] <= fsynced:
            frames.append(self._answers.popleft()[1])
        lsn = 0
        while self._received and self._received[0][0] <= fsynced:
            lsn = self._received.popleft()[1]
        if lsn > self.answered_lsn:
            self.answered_lsn = lsn
            frames.append(Ack(lsn))
        return frames
