"""The leader half of a mirrored queue: serves the front halves of all nodes from one engine.

    connection of a front ─ Open ─▶ LeaderHalf.open ─▶ LeaderFront ─▶ the queue's engine
                                                        │  what it got and has not settled
                                                        └─ its consumers, with their credit

It is of one leadership. When that ends, the engine ends too, so nothing is given back to it.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from cluster.fronts.frames import NotServing, Open, Opened, ToFront, ToLeader
from cluster.fronts.leader_front import Done, LeaderFront, Led, nothing
from cluster.fronts.taking import Take
from cluster.replication.publishers import Front
from queues.ports import Later, QueueEngine


class FrontPipe(Protocol):
    """The way back to a front half: ordered, and it may end at any moment."""

    def put(self, frame: ToFront) -> None:
        """Let a frame leave."""

    def fail(self, reason: str) -> None:
        """End the connection, because what came over it makes no sense."""

    def is_shut(self, queue: str) -> bool:
        """Return whether there is no room for more of a queue now; it is told when there is."""


class LeaderHalf:
    """One queue that this node leads, as the other nodes use it.

    Args:
        queue: its id.
        epoch: of the leadership.
        engine: the queue.
        take: has the log judge a run, and the engine take it.
        later: carries on what takes many turns.
    """

    def __init__(
        self, queue: str, epoch: int, engine: QueueEngine, take: Take, later: Later
    ) -> None:
        self.queue = queue
        self.epoch = epoch
        self._led = Led(queue, engine, take, later)
        self._fronts: dict[LeaderFront, Callable[[], object]] = {}

    def open(
        self, front: Front, pipe: FrontPipe, opening: int, on_end: Callable[[], object] = nothing
    ) -> LeaderFront:
        """Begin with a front half on a connection; it is told so.

        Args:
            front: whose it is.
            pipe: the way back.
            opening: its number, which the answers have.
            on_end: called when the leadership is over before the front half is.
        """
        opened = LeaderFront(self._led, front, pipe, self._closed, opening)
        self._fronts[opened] = on_end
        pipe.put(Opened(self.queue, self.epoch, opening, 0))
        return opened

    def _closed(self, front: LeaderFront) -> None:
        self._fronts.pop(front, None)

    def go_on(self) -> None:
        """Publishes may be admitted again: have those submitted that were not decided (R22)."""
        for front in self._fronts:
            front.taking.go_on()

    def end(self) -> None:
        """The leadership is over: the front halves look for the next leader."""
        fronts, self._fronts = self._fronts, {}
        for front, on_end in fronts.items():
            front.stop()
            front.pipe.put(NotServing(self.queue, self.epoch, front.opening))
            on_end()


class LedQueues:
    """The queues that a node leads, as the connections of front halves find them."""

    def __init__(self) -> None:
        """Begin without any."""
        self._halves: dict[str, LeaderHalf] = {}

    def begin(self, half: LeaderHalf) -> None:
        """Serve a queue from now on."""
        self._halves[half.queue] = half

    def end(self, queue: str) -> None:
        """Serve a queue no more; its front halves are told."""
        half = self._halves.pop(queue, None)
        if half is not None:
            half.end()

    def go_on(self, queue: str) -> None:
        """Publishes of a queue may be admitted again."""
        half = self._halves.get(queue)
        if half is not None:
            half.go_on()

    def get(self, queue: str) -> LeaderHalf | None:
        """Return the half of a queue that is served; None otherwise."""
        return self._halves.get(queue)


class FrontOpenings:
    """One connection of another node's front halves, on a node that leads."""

    def __init__(self, led: LedQueues, front: Front, pipe: FrontPipe) -> None:
        """Begin without an open queue."""
        self._led = led
        self._front = front
        self._pipe = pipe
        self._open: dict[str, LeaderFront] = {}
        self._is_over = False

    def receive(self, frame: ToLeader, now_ms: int, done: Done = nothing) -> None:
        """Take a frame; what comes behind the end of a queue says nothing.

        Args:
            frame: what came.
            now_ms: the instant.
            done: called when it is worked off, now or later, so that more may come.
        """
        if self._is_over:
            done()
            return
        known = self._open.get(frame.queue)
        if isinstance(frame, Open):
            if known is not None:
                known.ended(now_ms)
            self._begin(frame)
            done()
        elif known is None:
            done()
        else:
            known.receive(frame, now_ms, done)
            if known.is_over:
                self._open.pop(frame.queue, None)

    def _begin(self, asked: Open) -> None:
        queue, opening = asked.queue, asked.opening
        half = self._led.get(queue)
        if half is None or half.epoch < asked.epoch:
            self._open.pop(queue, None)
            epoch = 0 if half is None else half.epoch
            self._pipe.put(NotServing(queue, epoch, opening))
        else:
            # It opens the queue again or never: nothing of it may be kept until then.
            forget = partial(self._open.pop, queue, None)
            self._open[queue] = half.open(self._front, self._pipe, opening, forget)

    def room(self, queue: str) -> None:
        """There is room for more of a queue again."""
        known = self._open.get(queue)
        if known is not None:
            known.room()

    def ended(self, now_ms: int) -> None:
        """The connection is over: what its front halves have goes back."""
        self._is_over = True
        open_ones, self._open = self._open, {}
        for front in open_ones.values():
            front.ended(now_ms)
