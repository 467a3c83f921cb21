"""The consumers of a stream's front half that read at the mirror of their own node.

    a consumer ─▶ where does it begin? ── first, or an offset ─▶ at once
                                       ╰─ next, last, a time ─▶ the leader says

So a consumer begins where it would at the leader, also where the last messages are not known to be
committed here yet. Where nobody leads it begins with what is.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from cluster.fronts.followed_handle import OFFSET, FollowedHandle
from cluster.fronts.local_way import LocalHandle
from queues.offset_spec import NEXT, OffsetKind, OffsetSpec
from queues.ports import QueueEngine

WAY_BASE: Final = 1 << 61
"""Positions below it are offsets that were delivered at the mirror; those of ways are above."""


class MirrorReading(Protocol):
    """A stream as it is read on a node that has a mirror of it.

    Attributes:
        engine: serves readers.
    """

    @property
    def engine(self) -> QueueEngine:
        """Serves readers."""

    def ask_begin(self, spec: OffsetSpec, then: Callable[[int | None, int], None]) -> None:
        """Ask the leader where a reader begins; ``then`` hears it with the instant, in a turn.

        None is that nobody has said so in time.
        """


class MirrorReaders:
    """Those of one front half.

    Args:
        on_there: called with a consumer that is served from now on.
    """

    def __init__(self, on_there: Callable[[FollowedHandle], None]) -> None:
        self._on_there = on_there
        self._reading: MirrorReading | None = None
        self._there: dict[FollowedHandle, LocalHandle] = {}
        self._asked: dict[FollowedHandle, None] = {}

    def __len__(self) -> int:
        return len(self._there) + len(self._asked)

    def __contains__(self, handle: FollowedHandle) -> bool:
        return handle in self._there or handle in self._asked

    @property
    def engine(self) -> QueueEngine | None:
        """The engine of the mirror, while it is read."""
        return None if self._reading is None else self._reading.engine

    @property
    def handles(self) -> list[FollowedHandle]:
        """All of them."""
        return [*self._there, *self._asked]

    def begin(self, reading: MirrorReading) -> None:
        """The mirror is read from now on."""
        self._reading = reading

    def end(self) -> list[FollowedHandle]:
        """It is read no more; return who has to go on elsewhere."""
        gone = self.handles
        self._reading = None
        self._there.clear()
        self._asked.clear()
        return gone

    def local_of(self, handle: FollowedHandle | None) -> LocalHandle | None:
        """Return a consumer as the engine knows it; None where it does not."""
        return None if handle is None else self._there.get(handle)

    def consume(self, handle: FollowedHandle, now_ms: int) -> None:
        """Add a consumer, once it is known where it begins."""
        reading = self._reading
        assert reading is not None, "it is read"
        spec = handle.arguments.get(OFFSET, NEXT)
        assert isinstance(spec, OffsetSpec), "the rule of this argument makes it one"
        # An offset that the stream has not come to is waited for, here as at the leader.
        is_known = spec.kind is OffsetKind.FIRST
        is_known |= spec.kind is OffsetKind.OFFSET and spec.value >= 0
        if is_known:
            self._begin(handle, reading, now_ms)
        else:
            self._asked[handle] = None
            reading.ask_begin(spec, partial(self._answered, handle, reading))

    def cancel(self, handle: FollowedHandle, now_ms: int) -> None:
        """Remove a consumer."""
        self._asked.pop(handle, None)
        local = self._there.pop(handle, None)
        engine = self.engine
        if local is not None and engine is not None:
            engine.cancel(local, now_ms)

    def _answered(
        self, handle: FollowedHandle, reading: MirrorReading, offset: int | None, now_ms: int
    ) -> None:
        if handle in self._asked and self._reading is reading:
            del self._asked[handle]
            if offset is not None:
                handle.began_at(offset)
            self._begin(handle, reading, now_ms)

    def _begin(self, handle: FollowedHandle, reading: MirrorReading, now_ms: int) -> None:
        local = self._there[handle] = LocalHandle(handle, 0)
        reading.engine.consume(local, now_ms)
        position = reading.engine.state().position_of(local)
        if position is not None:
            handle.began_at(position.offset)
        self._on_there(handle)
