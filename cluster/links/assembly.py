"""Records that come in pieces, put together again."""

from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from cluster.links.decoding import Begun
from cluster.links.errors import LinkError
from cluster.links.lanes import CatchUp
from cluster.links.settings import Windows
from cluster.links.windows import BEGUN_MAX, LIVE, Lane, kept_max
from cluster.replication.frames import CommitNote, Fence, LeaderFrame, LetGo, Payload, Snapshot

OPEN_MAX: Final = 2 * BEGUN_MAX
"""Frames that are open on one connection; the other node begins fewer."""


class Assembly(Protocol):
    """Where the pieces of one frame go."""

    def add(self, octets: memoryview) -> None:
        """Take the next piece; the view is valid after the call too."""

    def finish(self) -> Payload:
        """Return what the frame's payload is, once it is whole."""

    def drop(self) -> None:
        """The connection ended in the middle of it."""


class InMemory:
    """Pieces that are put together in memory."""

    def __init__(self) -> None:
        """Nothing has come; memory is taken as octets come, whatever was announced."""
        self._octets = bytearray()

    def add(self, octets: memoryview) -> None:
        """Copy the next piece."""
        self._octets += octets

    def finish(self) -> Payload:
        """Return all of them."""
        return memoryview(self._octets)

    def drop(self) -> None:
        """Forget them."""
        self._octets = bytearray()


class MakeAssembly(Protocol):
    """Returns where the records of a frame go; a snapshot's may go to a file."""

    def __call__(self, frame: LeaderFrame, size: int) -> Assembly:
        """Begin a frame that does not fit into an envelope."""


def in_memory(frame: LeaderFrame, size: int) -> Assembly:
    """Put the records of any frame together in memory."""
    del frame, size
    return InMemory()


class Part(NamedTuple):
    """What came of a frame.

    Attributes:
        lane: whose window it counts in.
        free: octets for which credit may be given now.
        owed: octets for which it may be given when the whole frame is worked off.
        is_whole: it goes to the core.
    """

    frame: LeaderFrame
    lane: Lane
    free: int
    owed: int
    is_whole: bool


class _Open:
    __slots__ = ("assembly", "begun", "lane", "missing", "owed")

    def __init__(self, begun: Begun, lane: Lane, assembly: Assembly) -> None:
        self.begun = begun
        self.lane = lane
        self.assembly = assembly
        self.missing = begun.size
        self.owed = 0


class OpenFrames:
    """The frames of one connection that are not whole, one for a queue at most."""

    def __init__(self, limits: Windows, make_assembly: MakeAssembly) -> None:
        """Begin with none."""
        self._limits = limits
        self._make_assembly = make_assembly
        self._open: dict[int, _Open] = {}

    def begin(self, begun: Begun) -> Part:
        """Take the first part of a frame, or all of it.

        Raises:
            LinkError: it is too large, or the frame of its queue before is not whole.
        """
        if begun.number in self._open:
            raise LinkError("a frame between the pieces of another of its queue")
        lane: Lane = begun.number if isinstance(begun.frame, CatchUp) else LIVE
        if len(begun.octets) == begun.size:
            return Part(begun.frame, lane, 0, begun.size, is_whole=True)
        limits = self._limits
        is_snapshot = isinstance(begun.frame, Snapshot)
        size_max = limits.snapshot_bytes_max if is_snapshot else limits.run_bytes_max
        if begun.size > size_max:
            raise LinkError(f"{begun.size} octets of records, {size_max} are allowed")
        if len(self._open) >= OPEN_MAX:
            raise LinkError(f"{len(self._open)} frames are not whole")
        if not begun.octets:
            raise LinkError("a frame whose first octets are missing")
        opened = _Open(begun, lane, self._make_assembly(begun.frame, begun.size))
        self._open[begun.number] = opened
        return self._add(opened, begun.octets)

    def go_on(self, number: int, octets: memoryview) -> Part:
        """Take a piece of a queue's frame.

        Raises:
            LinkError: no frame of the queue is open, or it would be longer than announced.
        """
        opened = self._open.get(number)
        if opened is None:
            raise LinkError(f"a piece for queue {number}, of which no frame is open")
        if len(octets) > opened.missing:
            raise LinkError("more octets of records than announced")
        return self._add(opened, octets)

    def drop(self) -> None:
        """The connection has ended."""
        for opened in self._open.values():
            opened.assembly.drop()
        self._open.clear()

    def _add(self, opened: _Open, octets: memoryview) -> Part:
        opened.assembly.add(octets)
        opened.missing -= len(octets)
        opened.owed += len(octets)
        free = max(0, opened.owed - kept_max(self._limits, opened.lane))
        opened.owed -= free
        frame = opened.begun.frame
        if opened.missing:
            return Part(frame, opened.lane, free, 0, is_whole=False)
        del self._open[opened.begun.number]
        assert not isinstance(frame, Fence | CommitNote | LetGo), "it has no records"
        whole = replace(frame, payload=opened.assembly.finish())
        return Part(whole, opened.lane, free, opened.owed, is_whole=True)
