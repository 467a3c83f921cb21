"""A consumer for queues under test: it keeps what it is given and counts its credit itself."""

from queues.batch import Batch, Entry, entries_of

UNLIMITED = 1 << 30


class Prefetch:
    """How many unacked messages one consumer, or several together, may hold; 0 is no limit."""

    def __init__(self, window: int = 0) -> None:
        self.window = window
        self.unacked_count = 0

    @property
    def credit(self) -> int:
        return max(0, self.window - self.unacked_count) if self.window else UNLIMITED


class FakeConsumer:
    """A ``ConsumerHandle``; give several the same ``prefetch`` for basic.qos global=true."""

    def __init__(
        self,
        consumer_tag: str = "c",
        *,
        prefetch: Prefetch | int = 0,
        priority: int = 0,
        no_ack: bool = False,
        exclusive: bool = False,
    ) -> None:
        self.consumer_tag = consumer_tag
        self.priority = priority
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.shares_credit = isinstance(prefetch, Prefetch)
        self.prefetch = prefetch if isinstance(prefetch, Prefetch) else Prefetch(prefetch)
        self.is_paused = False
        self.batches: list[Batch] = []
        self.unacked: dict[int, Entry] = {}

    @property
    def bodies(self) -> list[bytes]:
        """Everything ever delivered to it, in order."""
        return [record.body for batch in self.batches for record in batch.records]

    def credit(self) -> int:
        return 0 if self.is_paused else self.prefetch.credit

    def deliver(self, batch: Batch) -> None:
        assert len(batch) <= self.credit(), "no more than its credit"
        self.batches.append(batch)
        if self.no_ack:
            return
        self.prefetch.unacked_count += len(batch)
        for entry in entries_of(batch):
            assert entry.position not in self.unacked, "a message is delivered once at a time"
            self.unacked[entry.position] = entry

    def take_unacked(self, positions: list[int] | None = None) -> list[Entry]:
        """Give up these messages, in the order given; all of them when none are named."""
        named = list(self.unacked) if positions is None else positions
        self.prefetch.unacked_count -= len(named)
        return [self.unacked.pop(position) for position in named]
