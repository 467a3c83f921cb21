"""A mirrored queue, on its leader, that takes no message whose key a message in the queue has.

A key is present from the append on. So the duplicate of a message that is not committed yet is
confirmed with it, and lost with it. Its front half then submits both again, to the next leader.

A run is appended as one record if it repeats nothing. Otherwise its messages come one by one
(``cluster.mirrored.submitting``), as each may be in the log or not.
"""

from typing import Any

from persistence.record import PERSISTENT, Run
from queues.classic.deduplicating_queue import DeduplicatingQueue
from queues.classic.mirrored_queue import MirroredQueue
from queues.classic.rules import CLASSIC_RULES, SharingRules
from queues.counters import QueueCounts
from queues.deduplication.beside_memory import BesideMemory
from queues.deduplication.keyed_log import KeyedLog
from queues.deduplication.mirrored_keyed_log import MirroredKeyedLog
from queues.log_port import KeepingLog
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory


class DeduplicatingMirroredQueue(DeduplicatingQueue, MirroredQueue):
    """The engine of a mirrored queue with ``x-message-deduplication``, on its leader."""

    def __init__(self, parts: EngineParts[KeepingLog], rules: SharingRules = CLASSIC_RULES) -> None:
        """Make an empty queue of these parts; consumers share it by these rules."""
        super().__init__(parts, rules)

    def _keyed_log(self, parts: EngineParts[Any], header: str) -> KeyedLog:
        memory = QueueMemory(NodeMemory()) if parts.memory is None else parts.memory
        keys = BesideMemory(memory)
        self._reading = MirroredKeyedLog(parts.log, header, keys, parts.later, parts.wake_up)
        return self._reading

    def only_appends(self, run: Run, now_ms: int) -> bool:
        """Whether ``publish`` of this run, now, would refuse nothing, and none is a duplicate."""
        keyed = self._keyed
        keys = keyed.keys_of(run)
        present = [key for key in keys if key is not None]
        if len(set(present)) < len(present):
            return False
        for key, record in zip(keys, run, strict=True):
            if key is not None and keyed.is_present(key, record.flags & PERSISTENT):
                return False
        return MirroredQueue.only_appends(self, run, now_ms)

    def refuses(self, run: Run) -> bool:
        """Whether ``publish`` of this message, now, would refuse it: a duplicate is dropped."""
        if not super().refuses(run):
            return False
        (key,) = self._keyed.keys_of(run)
        return key is None or not self._keyed.is_present(key, run[0].flags & PERSISTENT)

    def counts(self) -> QueueCounts:
        """Return how it is, and what happened in it; keys are no messages."""
        counts = super().counts()
        return counts._replace(memory_bytes=counts.memory_bytes - self._keyed.memory_bytes)

    def expire(self, now_ms: int) -> None:
        """Drop expired messages, and read on where the disk could not be read."""
        again_ms = self._reading.ask_disk_at_ms
        if again_ms is not None and again_ms <= now_ms:
            self._reading.read_on()
        super().expire(now_ms)

    def next_deadline_ms(self) -> int | None:
        """Return when ``expire`` must be called next; None while nothing can expire."""
        again_ms, deadline_ms = self._reading.ask_disk_at_ms, super().next_deadline_ms()
        if again_ms is None or deadline_ms is None:
            return deadline_ms if again_ms is None else again_ms
        return min(again_ms, deadline_ms)
