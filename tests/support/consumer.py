"""A consumer for queues under test: it keeps what it is given and counts its credit itself."""

from collections.abc import Mapping, Sequence

from queues.batch import Batch, QueuedMessage, messages_of

UNLIMITED = 1 << 30


class Prefetch:
    """How many unacked messages one consumer, or several together, may hold; 0 is no limit.

    It is the ``Lane`` of those who share it.
    """

    def __init__(self, window: int = 0) -> None:
        self.window = window
        self.unacked_count = 0
        self.is_stopped = False

    @property
    def credit(self) -> int:
        if self.is_stopped:
            return 0
        return max(0, self.window - self.unacked_count) if self.window else UNLIMITED

    @property
    def is_shut(self) -> bool:
        return self.credit == 0

    @property
    def shared_room(self) -> int:
        return self.credit


class FakeConsumer:
    """A ``ConsumerHandle``.

    Give several the same ``prefetch`` for basic.qos global=true, or only the same ``lane``. How
    often it was asked for credit is counted in ``asked_count``.
    """

    def __init__(
        self,
        consumer_tag: str = "c",
        *,
        prefetch: Prefetch | int = 0,
        priority: int = 0,
        no_ack: bool = False,
        exclusive: bool = False,
        lane: Prefetch | None = None,
    ) -> None:
        self.consumer_tag = consumer_tag
        self.priority = priority
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.arguments: Mapping[str, object] = {}
        shared = prefetch if isinstance(prefetch, Prefetch) else lane
        self.shares_credit = shared is not None and shared.window > 0
        self.prefetch = Prefetch() if isinstance(prefetch, Prefetch) else Prefetch(prefetch)
        self.lane = shared or Prefetch()
        self.is_paused = False
        self.is_blocked = False
        self.asked_count = 0
        self.is_cancelled = False
        self.batches: list[Batch] = []
        self.unacked: dict[int, QueuedMessage] = {}

    @property
    def bodies(self) -> list[bytes]:
        """Everything ever delivered to it, in order."""
        return [record.body for batch in self.batches for record in batch.records]

    def has_own_room(self) -> bool:
        return not self.is_paused and self.prefetch.credit > 0

    def credit(self) -> int:
        self.asked_count += 1
        if self.is_paused or self.lane.is_shut:
            return 0
        return self.prefetch.credit if self.no_ack else min(self.prefetch.credit, self.lane.credit)

    def deliver(self, batch: Batch) -> None:
        assert len(batch) <= self.credit(), "no more than its credit"
        self.batches.append(batch)
        if self.no_ack:
            return
        self.prefetch.unacked_count += len(batch)
        self.lane.unacked_count += len(batch)
        for entry in messages_of(batch):
            assert entry.position not in self.unacked, "a message is delivered once at a time"
            self.unacked[entry.position] = entry

    def deliver_in_turn(self, handles: "Sequence[FakeConsumer]", batch: Batch) -> None:
        for index in range(len(batch)):
            handles[index % len(handles)].deliver(batch.part(index, 1, index + 1))

    def cancelled(self) -> None:
        self.is_cancelled = True

    def take_unacked(self, positions: list[int] | None = None) -> list[QueuedMessage]:
        """Give up these messages, in the order given; all of them when none are named."""
        named = list(self.unacked) if positions is None else positions
        self.prefetch.unacked_count -= len(named)
        self.lane.unacked_count -= len(named)
        return [self.unacked.pop(position) for position in named]
