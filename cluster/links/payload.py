"""What the records of a frame are to a link: octets that are here, or a place to get them from.

The links of a node share one bound of the octets that wait for slow mirrors. Above it the link that
holds most lets go of the newest runs, because they are needed last: queue, index and count are
kept, and the log is read again once their turn comes.
"""

from typing import Final, Protocol, cast, runtime_checkable

from cluster.links.envelope import Octets
from cluster.links.errors import PayloadGoneError
from cluster.replication.frames import Append, LeaderFrame, Payload
from cluster.replication.ready import EpochStart

_FREED_SHARE: Final = 8
"""An eighth of the bound is freed at a time, so that it is not asked for at every run."""


@runtime_checkable
class Source(Protocol):
    """Octets that are read when they may leave, such as those of a snapshot."""

    @property
    def size(self) -> int:
        """How many octets there are."""

    def read(self, offset: int, count: int) -> Octets:
        """Return ``count`` octets; PayloadGoneError where they are no more."""


class LogReader(Protocol):
    """The leader's log, as its links see it."""

    def read_run(self, frame: Append) -> Octets | None:
        """Return the octets of a run as they were appended; None where they are compacted away."""


def size_of(payload: Payload) -> int:
    """Return how many octets a payload has on a link."""
    if isinstance(payload, bytes | bytearray | memoryview):
        return len(payload)
    if isinstance(payload, Source):
        return payload.size
    return 0


class Waiting:
    """A leader's frame on its way out.

    Attributes:
        size: octets of its records.
        sent: how many of them have left.
        begun: its head has left.
        is_held: its octets are in memory, and the log has them too.
    """

    __slots__ = ("_are_octets", "_payload", "begun", "frame", "is_held", "sent", "size")

    def __init__(self, frame: LeaderFrame, payload: Payload) -> None:
        """Nothing has left yet."""
        self.frame: LeaderFrame = frame
        self._payload = payload
        self.size = size_of(payload)
        self.sent = 0
        self.begun = False
        # Known once: to ask whether something is a ``Source`` takes as long as a run does.
        self._are_octets = isinstance(payload, bytes | bytearray | memoryview)
        self.is_held = isinstance(frame, Append) and self.size > 0 and self._are_octets

    @property
    def is_start(self) -> bool:
        """Whether it is the beginning of an epoch."""
        return isinstance(self._payload, EpochStart)

    def let_go(self) -> None:
        """Keep where the octets are, and not the octets."""
        assert isinstance(self.frame, Append)
        frame = self.frame
        self.frame = Append(
            frame.queue,
            frame.epoch,
            frame.after,
            frame.after_epoch,
            frame.count,
            None,
            frame.lsn,
            frame.commit,
        )
        self._payload = None
        self.is_held = False

    def take(self, count: int, log: LogReader) -> Octets:
        """Return the next octets.

        Raises:
            PayloadGoneError: they were let go, and the log has them no more.
        """
        if not self.size:
            return b""
        if self._payload is None:
            assert isinstance(self.frame, Append)
            found = log.read_run(self.frame)
            if found is None or len(found) != self.size:
                raise PayloadGoneError(f"{self.frame.queue} behind {self.frame.after}")
            self._payload, self._are_octets = found, True
        start = self.sent
        self.sent += count
        if not self._are_octets:
            return cast("Source", self._payload).read(start, count)
        octets = cast("Octets", self._payload)
        if count == self.size:
            return octets
        return memoryview(octets)[start : start + count]


class Holder(Protocol):
    """A link, as the bound sees it."""

    held_bytes: int

    def let_go(self, octets: int) -> int:
        """Let go of about so many octets; return how many it were."""


class HeldOctets:
    """The octets of waiting runs, of all links of a node."""

    def __init__(self, bytes_max: int) -> None:
        """Begin with nothing held."""
        self._bytes_max = bytes_max
        self._holders: list[Holder] = []
        self.total = 0

    def join(self, holder: Holder) -> None:
        """A link is there."""
        self._holders.append(holder)

    def leave(self, holder: Holder) -> None:
        """A link has ended, and holds nothing any more."""
        if holder in self._holders:
            self._holders.remove(holder)
            self.total -= holder.held_bytes
            holder.held_bytes = 0

    def add(self, holder: Holder, octets: int) -> None:
        """A link holds more; who holds most lets go where it is too much for all."""
        holder.held_bytes += octets
        self.total += octets
        if self.total > self._bytes_max:
            most = max(self._holders, key=_held)
            too_much = self.total - self._bytes_max + self._bytes_max // _FREED_SHARE
            self.remove(most, most.let_go(too_much))

    def remove(self, holder: Holder, octets: int) -> None:
        """A link holds less."""
        holder.held_bytes -= octets
        self.total -= octets


def _held(holder: Holder) -> int:
    return holder.held_bytes
