"""A queue that takes no message whose key a message in the queue has.

A message is in the queue until it is acked, rejected, dropped, purged or dead-lettered, be it
delivered or not. A duplicate is confirmed when the message that it repeats is safe.

The messages of a run count one after the other, as if each had been published alone. So a run is
published in parts: a message that may repeat one of its own run begins the next part.

Source: RabbitMQ's community plugin rabbitmq-message-deduplication, which has this for classic
queues, and where the key of an expired message without a dead letter exchange stays.
"""

from collections.abc import Sequence
from typing import Any

from persistence.record import PERSISTENT, Run, has_ttl
from queues.classic.queue import ClassicQueue
from queues.classic.rules import CLASSIC_RULES, SharingRules
from queues.commits import SAFE_NOW, CommitPoint, later_of
from queues.counters import QueueCounts
from queues.deduplication.keyed_log import FreeingMoves, KeyedLog
from queues.log_port import QueueLog, RecoveredMessages
from queues.outcomes import ALL_SAFE, PublishOutcome
from queues.ports import EngineParts, QueueState
from queues.tail import NodeMemory, QueueMemory


class DeduplicatingQueue(ClassicQueue):
    """The engine of a queue with the argument ``x-message-deduplication``."""

    def __init__(self, parts: EngineParts[QueueLog], rules: SharingRules = CLASSIC_RULES) -> None:
        """Make an empty queue of these parts; consumers share it by these rules."""
        header = parts.options.deduplication_header
        assert header is not None, "others have the engine of classic queues"
        self._keyed = self._keyed_log(parts, header)
        super().__init__(parts._replace(log=self._keyed), rules)
        self._backlog.moves = FreeingMoves(self._keyed)

    def _keyed_log(self, parts: EngineParts[Any], header: str) -> KeyedLog:
        """Return the log of these parts, as one that knows keys."""
        node = NodeMemory() if parts.memory is None else parts.memory.node
        return KeyedLog(parts.log, header, QueueMemory(node), parts.later)

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Take the messages that a restart found, and read their keys."""
        self._keyed.recover(found)
        super().recover(found, now_ms)

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Enqueue the messages of a run whose keys are not present."""
        keys = self._keyed.keys_of(run)
        if not any(keys):
            return super().publish(run, now_ms)
        rejected: list[int] = []
        safe_at: CommitPoint = SAFE_NOW
        part: list[int] = []
        in_part: set[bytes] = set()
        is_repeating = False
        # Otherwise a publish may take messages out, and so free their keys.
        only_adds = self._keeps_all and not self._sorts and not has_ttl(run)
        for index, key in enumerate(keys):
            if key is not None:
                persistent = run[index].flags & PERSISTENT
                if key in in_part or (
                    part and not only_adds and self._keyed.is_present(key, persistent)
                ):
                    safe_at = later_of(safe_at, self._publish_part(run, part, rejected, now_ms))
                    part, in_part = [], set()
                if self._keyed.is_present(key, persistent):
                    self._keyed.duplicates_count += 1
                    is_repeating = True
                    continue
                in_part.add(key)
            part.append(index)
        if part:
            safe_at = later_of(safe_at, self._publish_part(run, part, rejected, now_ms))
        if is_repeating:
            safe_at = later_of(safe_at, self._keyed.repeated_at)
        self._keyed.forget_run()
        return PublishOutcome(rejected, safe_at) if rejected or safe_at.lsn else ALL_SAFE

    def only_appends(self, run: Run, now_ms: int) -> bool:
        """Whether ``publish`` of this run does no more than append: none of it has a key."""
        return not any(self._keyed.keys_of(run)) and super().only_appends(run, now_ms)

    def counts(self) -> QueueCounts:
        """Return how it is, and what happened in it, duplicates too."""
        return super().counts()._replace(duplicates=self._keyed.duplicates_count)

    def state(self) -> QueueState:
        """Return how its consumers are, and which keys it knows."""
        keyed = self._keyed
        return (
            super()
            .state()
            ._replace(
                keys_count=keyed.count,
                keys_bytes=keyed.memory_bytes,
                duplicates_count=keyed.duplicates_count,
            )
        )

    def _publish_part(
        self, run: Run, part: Sequence[int], rejected: list[int], now_ms: int
    ) -> CommitPoint:
        whole = len(part) == len(run)
        outcome = super().publish(run if whole else [run[index] for index in part], now_ms)
        rejected += [part[index] for index in outcome.rejected]
        return outcome.safe_at
