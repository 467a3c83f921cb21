"""What waits to go to a mirror's node, and in which order it leaves.

There are two lanes. Fences and runs are in the live one, in the order of their LSNs, which R9 rests
on. Tails, snapshots and parts are in the other, a line for each queue. The live lane goes first,
with one piece of a catch-up for several of its own, so neither waits long for the other.

Frames of one queue never overtake each other. A run behind its queue's tail would have to wait, and
no run with a later LSN may overtake it. So the tail moves into the live lane, in front of it.
"""

from collections import deque
from itertools import islice
from typing import Final, TypeAlias

from cluster.links.errors import LinkError
from cluster.links.payload import HeldOctets, Waiting
from cluster.links.windows import BEGUN_MAX, LIVE, Lane, OutgoingWindow
from cluster.replication.frames import (
    CommitNote,
    Fence,
    LeaderFrame,
    LetGo,
    Part,
    Snapshot,
    Tail,
)

CatchUp: TypeAlias = Tail | Snapshot | Part

_CATCH_UP: Final = (Tail, Snapshot, Part)
_WITHOUT_RECORDS: Final = (Fence, CommitNote, LetGo)

PIECES_PER_CATCH_UP: Final = 4
"""Pieces of live runs for one of a catch-up, where both wait. So many of one run leave at once."""


class Lanes:
    """The frames of one connection that have not left.

    Attributes:
        piece_bytes: how many octets of a catch-up leave at once; it must fit into each window.
        live_piece_bytes: how many of a run: an envelope more costs as much as 50 KiB of records.
    """

    def __init__(self, held: HeldOctets, piece_bytes: int, waiting_max: int) -> None:
        """Begin with nothing; a link that ends calls ``close``."""
        self._held = held
        self.fit(piece_bytes, piece_bytes)
        self._waiting_max = waiting_max
        self._live: deque[Waiting] = deque()
        self._kept: deque[Waiting] = deque()
        self._fresh: dict[str, deque[Waiting]] = {}
        self._begun: dict[str, deque[Waiting]] = {}
        self._is_turn_of_fresh = True
        self._put_count = self._left_count = 0
        self._last_live: dict[str, int] = {}
        self._live_octets = 0
        self._catch_up_count = self._open_count = 0
        self.held_bytes = 0
        held.join(self)

    def fit(self, piece_bytes: int, piece_max: int) -> None:
        """Let no more leave at once than the other node's windows have room for."""
        self.piece_bytes = min(piece_bytes, piece_max)
        self.live_piece_bytes = min(PIECES_PER_CATCH_UP * piece_bytes, piece_max)

    def __len__(self) -> int:
        """Return how many frames wait."""
        return len(self._live) + self._catch_up_count

    @property
    def catch_up_count(self) -> int:
        """How many tails and snapshots wait; a shell that reads no more of them bounds memory."""
        return self._catch_up_count

    def close(self) -> None:
        """Forget all of it."""
        self._held.leave(self)
        for each in (self._live, self._kept, self._fresh, self._begun, self._last_live):
            each.clear()
        self._catch_up_count = 0

    def put(self, frame: LeaderFrame) -> None:
        """Let a frame wait for its turn.

        Raises:
            LinkError: too many wait; the other node takes them too slowly.
        """
        if len(self) >= self._waiting_max:
            raise LinkError(f"{len(self)} frames wait, the other node is too slow")
        queue = frame.queue
        waiting = Waiting(frame, None if isinstance(frame, _WITHOUT_RECORDS) else frame.payload)
        is_catch_up = isinstance(frame, _CATCH_UP)
        if is_catch_up and self._last_live.get(queue, 0) <= self._left_count:
            line = self._begun.get(queue)
            (self._fresh.setdefault(queue, deque()) if line is None else line).append(waiting)
            self._catch_up_count += 1
            return
        if self._catch_up_count:
            self._move_to_live(queue)
        self._append(queue, waiting)
        if waiting.is_held:
            self._kept.append(waiting)
            self._held.add(self, waiting.size)

    def next(self, window: OutgoingWindow) -> tuple[Waiting, int] | None:
        """Return whose next octets may leave, and how many; None while nothing may."""
        live = self._may_leave(self._live[0], window) if self._live else None
        is_turn_of_catch_up = self._live_octets >= PIECES_PER_CATCH_UP * self.piece_bytes
        if live is not None and not (is_turn_of_catch_up and self._catch_up_count):
            return live
        return self._next_catch_up(window) or live

    def left(self, waiting: Waiting, octets: int) -> None:
        """These octets have left; a frame that is out gives its place to the next."""
        is_out = waiting.sent == waiting.size
        if isinstance(waiting.frame, _CATCH_UP):
            self._open_count += int(octets == waiting.sent) - int(is_out)
        if self._live and waiting is self._live[0]:
            self._live_octets += octets
            if is_out:
                self._live.popleft()
                self._left_count += 1
                if waiting.is_held:
                    self._kept.popleft()
                    self._held.remove(self, waiting.size)
            return
        self._live_octets = 0
        queue = waiting.frame.queue
        self._is_turn_of_fresh = queue in self._begun
        line = self._begun.pop(queue, None) or self._fresh.pop(queue)
        if is_out:
            line.popleft()
            self._catch_up_count -= 1
        if line:
            (self._begun if line[0].begun else self._fresh)[queue] = line

    def let_go(self, octets: int) -> int:
        """Let the newest runs go that have not begun to leave; see ``cluster.links.payload``."""
        freed = 0
        while freed < octets and self._kept and not self._kept[-1].begun:
            waiting = self._kept.pop()
            waiting.let_go()
            freed += waiting.size
        return freed

    def _append(self, queue: str, waiting: Waiting) -> None:
        self._live.append(waiting)
        self._put_count += 1
        self._last_live[queue] = self._put_count

    def _move_to_live(self, queue: str) -> None:
        line = self._begun.pop(queue, None) or self._fresh.pop(queue, None)
        for waiting in line or ():
            self._catch_up_count -= 1
            self._append(queue, waiting)

    def _next_catch_up(self, window: OutgoingWindow) -> tuple[Waiting, int] | None:
        """Return a queue that goes on, and one that begins, in turn."""
        if not self._catch_up_count or not window.has_catch_up_room():
            return None
        begun = [line[0] for line in self._begun.values()]
        can_begin = self._fresh and self._open_count < BEGUN_MAX
        # More than one: the window of the first may be used up.
        lines = islice(self._fresh.values(), BEGUN_MAX) if can_begin else ()
        fresh = [line[0] for line in lines]
        for waiting in fresh + begun if self._is_turn_of_fresh else begun + fresh:
            found = self._may_leave(waiting, window)
            if found is not None:
                return found
        return None

    def _may_leave(self, waiting: Waiting, window: OutgoingWindow) -> tuple[Waiting, int] | None:
        lane = lane_of(waiting.frame)
        piece_bytes = self.live_piece_bytes if lane == LIVE else self.piece_bytes
        octets = min(piece_bytes, waiting.size - waiting.sent)
        if octets and not window.has_room(lane, octets):
            return None
        return waiting, octets


def lane_of(frame: LeaderFrame) -> Lane:
    """Return whose window a frame's records count in."""
    return frame.queue if isinstance(frame, _CATCH_UP) else LIVE
