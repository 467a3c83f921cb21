"""One consumer of a stream over AMQP: its place, and how far it has acked."""

from typing import Final, NamedTuple, Protocol

from queues.consumer_port import ConsumerHandle
from queues.counters import QueueCounters
from queues.offset_spec import NEXT, OffsetSpec
from queues.stream.filter import Filter
from queues.stream.place import Place
from queues.stream.progress import Progress
from queues.stream_log import StreamLog
from queues.stream_port import Served, Then

LOOK_COST: Final = 32
"""What a look that finds nothing counts, in messages: it may have read an extent."""


class ReadOptions(NamedTuple):
    """What a consumer asks for.

    Attributes:
        spec: where it begins.
        wanted: which messages it wants; None for all.
        reference: what its offset is stored under; empty if nothing is stored for it.
        group: name of its consumer group; empty if it reads for itself.
    """

    spec: OffsetSpec = NEXT
    wanted: Filter | None = None
    reference: bytes = b""
    group: bytes = b""


class Stream(Protocol):
    """The port that a reader needs of its stream; ``queues.stream.engine`` implements it."""

    @property
    def log(self) -> StreamLog:
        """Its log."""

    def hold_back(self, reader: "Reader") -> None:
        """Let a consumer without credit wait."""

    def read_again(self, error: OSError, now_ms: int) -> None:
        """Have a refused read tried again."""


class Reader:
    """A consumer with its place; a ``StreamReader``.

    Attributes:
        handle: the consumer.
        options: what it asked for.
        place: where it is; None while another one of its group reads.
        progress: how far it has acked; None if nothing is stored for it.
    """

    __slots__ = ("_counters", "_stream", "handle", "options", "place", "progress")

    def __init__(
        self,
        handle: ConsumerHandle,
        options: ReadOptions,
        stream: Stream,
        counters: QueueCounters,
    ) -> None:
        self.handle = handle
        self.options = options
        self.place: Place | None = None
        self.progress: Progress | None = None
        self._stream = stream
        self._counters = counters

    def begin(self, place: Place) -> None:
        """Read from this place on."""
        self.place = place
        if self.options.reference:
            self.progress = Progress(place.offset)

    def serve(self, max_count: int, now_ms: int) -> Served:
        """Deliver one batch."""
        handle, place, stream = self.handle, self.place, self._stream
        assert place is not None, "it reads"
        credit = handle.credit()
        if credit <= 0:
            stream.hold_back(self)
            return Served(1, Then.HELD)
        try:
            batch = place.take(min(credit, max_count))
        except OSError as error:
            stream.read_again(error, now_ms)
            return Served(LOOK_COST, Then.AT_END)
        progress = self.progress
        if batch is None:
            if progress is not None:
                progress.passed(place.offset)
            is_at_end = place.offset >= stream.log.readable_offset
            cost = LOOK_COST + place.look_cost
            return Served(cost, Then.AT_END if is_at_end else Then.READY)
        if progress is not None:
            progress.delivered(batch.positions)
        count, counters = len(batch), self._counters
        counters.taken_count += count
        counters.taken_bytes += batch.body_bytes
        handle.deliver(batch)
        return Served(count + place.look_cost, Then.READY)
