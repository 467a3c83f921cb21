"""The streams that are read at mirrors of this node: an engine for each, while it has readers.

the first reader ─▶ find ─▶ the mirror's log is followed, an engine serves it
the last one has gone, or this node leads ─▶ leave ─▶ nothing of it is kept
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.steps import StepsJob, WaitingSteps
from amqp_server.broker.stream_numbers import BEGIN, Numbers, reference_of
from amqp_server.broker.turn import Turn
from cluster.fronts.mirror_readers import MirrorReading
from cluster.mirrored.mirror_stream_log import MirrorStreamLog
from queues.kinds import MirrorEngine
from queues.offset_spec import OffsetSpec
from queues.ports import EngineParts
from queues.stream_beginning import settled_time


class Mirrors(Protocol):
    """The mirrors of this node."""

    def follow(self, queue_id: str) -> MirrorStreamLog | None:
        """Return the log of a stream that this node has in sync and does not lead; None: none."""

    def unfollow(self, queue_id: str) -> None:
        """Nobody reads it any more."""


class AskNumbers(Protocol):
    """Asks the leader of a stream; see ``broker.cluster.Cluster.stream_numbers``."""

    def __call__(self, vhost: str, name: str, what: str, reference: bytes) -> Awaited[Numbers]:
        """Ask for numbers."""


class Reading:
    """A ``MirrorReading`` of one stream."""

    def __init__(
        self, engine: MirrorEngine, turn: Turn, ask: Callable[[bytes], Awaited[Numbers]]
    ) -> None:
        self.engine = engine
        self._turn = turn
        self._ask = ask

    def ask_begin(self, spec: OffsetSpec, then: Callable[[int | None, int], None]) -> None:
        """Ask the leader where a reader begins; None is that nobody says so in time."""
        self._turn.resume(StepsJob(self._asking(spec, then), self._turn))

    def _asking(
        self, spec: OffsetSpec, then: Callable[[int | None, int], None]
    ) -> WaitingSteps[None]:
        spec = settled_time(spec, self.engine.log.wall_ms(self._turn.now_ms))
        offset = yield from asked_begin(self._ask, spec)
        then(offset, self._turn.now_ms)


def asked_begin(
    ask: Callable[[bytes], Awaited[Numbers]], spec: OffsetSpec
) -> WaitingSteps[int | None]:
    """Return where a reader begins at the leader; None where that is not known in time."""
    try:
        (offset,) = yield from ask(reference_of(spec)).value()
    except BrokerError:
        return None
    return offset


class MirrorReadings:
    """Those of one node.

    Args:
        turn: the broker's.

    Attributes:
        mirrors, ask: set before the first client is there.
    """

    mirrors: Mirrors
    ask: AskNumbers

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._readings: dict[str, Reading] = {}

    def find(
        self, queue_id: str, vhost: str, parts: EngineParts[MirrorStreamLog], end: "EndOfReading"
    ) -> MirrorReading | None:
        """Return a stream as it is read here from now on; None where this node cannot serve it.

        Args:
            queue_id: of the stream.
            vhost: of the stream.
            parts: of an engine; its log is set here.
            end: hears when it is over.
        """
        log = self.mirrors.follow(queue_id)
        if log is None:
            return None
        now_ms = max(self._turn.now_ms, 1)
        engine = MirrorEngine(parts._replace(log=log, now_ms=now_ms))
        ask = partial(self.ask, vhost, parts.name, BEGIN)
        reading = self._readings[queue_id] = Reading(engine, self._turn, ask)
        log.on_lost = partial(self._lost, queue_id, end)
        engine.on_unread = partial(self._unread, queue_id, reading, end)
        return reading

    def leave(self, queue_id: str) -> bool:
        """Let go of a stream, whose readers have gone or go elsewhere; return if it was read."""
        if self._readings.pop(queue_id, None) is None:
            return False
        self.mirrors.unfollow(queue_id)
        return True

    def _lost(self, queue_id: str, end: "EndOfReading") -> None:
        if self.leave(queue_id):
            end.lost()

    def _unread(self, queue_id: str, reading: Reading, end: "EndOfReading") -> None:
        if self._readings.get(queue_id) is reading and end.unread():
            self.leave(queue_id)


class EndOfReading(Protocol):
    """Hears of the end of one reading."""

    def lost(self) -> None:
        """What is there cannot be read on: readers go elsewhere."""

    def unread(self) -> bool:
        """The engine has no reader; return whether nobody is about to be one."""
