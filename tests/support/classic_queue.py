"""A classic queue with everything around it in reach of a test."""

from collections.abc import Iterable, Sequence

from queues.batch import Batch, QueuedMessage
from queues.classic.queue import ClassicQueue
from queues.classic.rules import CLASSIC_RULES, SharingRules
from queues.effects import Effect
from queues.options import QueueOptions
from queues.outcomes import PublishOutcome
from queues.ports import EngineParts, QueueEngine
from queues.tail import QueueMemory
from tests.support.consumer import FakeConsumer
from tests.support.queue_log import FakeLog
from tests.support.records import run_of

NOW_MS = 1_000
ALL = 1_000_000


def single_batches(entries: Iterable[QueuedMessage]) -> list[Batch]:
    """Return messages in batches of one, in this order."""
    return [
        Batch(
            range(at, at + 1), (record,), [expiry] if expiry else None, count, redelivered=count > 0
        )
        for at, record, expiry, count in entries
    ]


def returned_batches(entries: Iterable[QueuedMessage]) -> list[Batch]:
    """Return messages in batches of one, come back once more."""
    return [batch.requeued() for batch in single_batches(entries)]


def classic(engine: QueueEngine) -> ClassicQueue:
    """Return the engine of a queue that is known to be of the classic kind."""
    assert isinstance(engine, ClassicQueue)
    return engine


class QueueUnderTest:
    """The queue with its log, its effects and the calls for a drain; time stands until moved."""

    def __init__(
        self,
        options: QueueOptions | None = None,
        *,
        auto_delete: bool = False,
        memory: QueueMemory | None = None,
        log: FakeLog | None = None,
        rules: SharingRules = CLASSIC_RULES,
    ) -> None:
        self.now_ms = NOW_MS
        options = options or QueueOptions()
        self.log = FakeLog(options.max_priority) if log is None else log
        self.effects: list[Effect] = []
        self.wake_up_count = 0
        self._deaths: list[tuple[str, bytes]] = []
        parts = EngineParts(
            "jobs",
            options,
            self.log,
            self.effects.append,
            self._wake_up,
            self.now_ms,
            auto_delete=auto_delete,
            memory=memory,
        )
        self.queue = ClassicQueue(parts, rules)

    def _wake_up(self) -> None:
        self.wake_up_count += 1

    @property
    def deaths(self) -> list[tuple[str, bytes]]:
        """Reason and body of everything that died, in order; it is moved by the question."""
        while (dying := self.queue.moves.take(ALL)) is not None:
            self._deaths += [(dying.reason.value, record.body) for record in dying.records]
            self.queue.moved(dying)
        return self._deaths

    def publish(self, *bodies: bytes, ttl_ms: int = -1, priority: int = 0) -> PublishOutcome:
        run = run_of(*bodies, ttl_ms=ttl_ms, priority=priority)
        return self.queue.publish(run, self.now_ms)

    def consume(self, *handles: FakeConsumer) -> None:
        for handle in handles:
            self.queue.consume(handle, self.now_ms)

    def drain(self, max_messages: int = ALL) -> bool:
        return self.queue.drain(self.now_ms, max_messages)

    def get(self) -> bytes | None:
        """Take the head for good."""
        answer = self.queue.get(self.now_ms, no_ack=True)
        return None if answer is None else answer[0].records[0].body

    def get_all(self) -> list[bytes]:
        return list(iter(self.get, None))

    def settle(self, entries: Sequence[QueuedMessage]) -> int:
        body_bytes = sum(len(entry.record.body) for entry in entries)
        return self.queue.settle([entry.position for entry in entries], body_bytes)

    def requeue(self, entries: Sequence[QueuedMessage]) -> None:
        self.queue.requeue(single_batches(entries), self.now_ms)

    def reject(self, entries: Sequence[QueuedMessage]) -> None:
        self.queue.reject(single_batches(entries), self.now_ms)
