"""What a front half leaves to the engine, where the queue is led on its node.

Elsewhere the leader's node does it, or it is asked for over the way: ``front_queue``.
"""

from abc import abstractmethod
from typing import Final, cast

from cluster.fronts.local_way import placed
from cluster.fronts.shown_front import ShownFront
from persistence.record import Run
from queues.asked_port import as_giving
from queues.batch import Batch
from queues.commits import NOTHING_TO_COMMIT, CommitGroup
from queues.log_port import RecoveredMessages
from queues.moves import Dying, Moves
from queues.options import QueueOptions
from queues.outcomes import NOTHING_PURGED, PurgeOutcome
from queues.ports import EmptiedQueue, QueueEngine


class EngineHere(ShownFront):
    """The part of a ``queues.ports.QueueEngine`` that needs the engine itself."""

    keeps_transient: Final = True
    has_lone_readers: bool = False

    def __init__(self, options: QueueOptions) -> None:
        """Begin with these options."""
        self._options = options
        self._moves = Moves()

    @property
    @abstractmethod
    def base(self) -> int:
        """What is added to the positions of the engine."""

    @property
    def answers_at_once(self) -> bool:
        """Whether the counts are right now, so that nothing is asked."""
        return self.here is not None

    @property
    def gives_at_once(self) -> bool:
        """Whether ``get`` and ``purge`` are right now: they are here, and may be delivered."""
        engine = self.here
        return engine is not None and as_giving(engine) is None

    def engine_to_read(self) -> QueueEngine | None:
        """Return the engine that readers of a stream may be served by here; None is none."""
        return self.here

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Not called: what a restart finds of a mirrored queue is its replica's."""
        raise NotImplementedError("a front half keeps no messages")

    def only_appends(self, run: Run, now_ms: int) -> bool:  # noqa: ARG002
        """Return False: what becomes of a run is known later."""
        return False

    def get(self, now_ms: int, *, no_ack: bool = False) -> tuple[Batch, int] | None:
        """Take one message; elsewhere it is asked for."""
        engine = self.here
        got = None if engine is None else engine.get(now_ms, no_ack=no_ack)
        return None if got is None else (placed(got[0], self.base), got[1])

    def purge(self) -> PurgeOutcome:
        """Forget ready messages; elsewhere it is asked for."""
        engine = self.here
        return NOTHING_PURGED if engine is None else engine.purge()

    def must_drain_before(self, holder: object) -> bool:
        """Note whose messages are settled next; see the port."""
        engine = self.here
        return engine is not None and engine.must_drain_before(holder)

    @property
    def commit_group(self) -> CommitGroup:
        """The group of the engine's log."""
        engine = self.here
        return NOTHING_TO_COMMIT if engine is None else engine.commit_group

    @property
    def moves(self) -> Moves:
        """What died; the leader's node moves it."""
        engine = self.here
        return self._moves if engine is None else engine.moves

    def moved(self, dying: Dying) -> None:
        """Settle what died and is copied; a leadership that has ended settles nothing."""
        engine = self.here
        if engine is not None:
            engine.moved(dying)

    def pause(self, *, is_on: bool) -> None:
        """Deliver nothing from now on, or deliver again."""
        engine = self.here
        if engine is not None:
            cast("EmptiedQueue", engine).pause(is_on=is_on)

    def reconfigure(self, options: QueueOptions, now_ms: int) -> None:
        """Apply changed policies."""
        self._options = options
        engine = self.here
        if engine is not None:
            engine.reconfigure(options, now_ms)
