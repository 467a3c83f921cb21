"""Which engine runs a queue of the kinds classic and quorum, by its options."""

from typing import Any

from queues.classic.deduplicating_mirrored_queue import DeduplicatingMirroredQueue
from queues.classic.deduplicating_queue import DeduplicatingQueue
from queues.classic.mirrored_queue import MirroredQueue
from queues.classic.queue import ClassicQueue
from queues.classic.rules import SharingRules
from queues.ports import EngineParts, QueueEngine


def make_engine(rules: SharingRules, parts: EngineParts[Any]) -> QueueEngine:
    """Return the engine of a queue that is on one node, whose log is a ``QueueLog``.

    Args:
        rules: by which its consumers share it.
        parts: of the queue.
    """
    if parts.options.deduplication_header is not None:
        return DeduplicatingQueue(parts, rules)
    return ClassicQueue(parts, rules)


def make_mirrored(rules: SharingRules, parts: EngineParts[Any]) -> QueueEngine:
    """Return the engine of a mirrored queue on its leader, whose log is a ``KeepingLog``.

    Args:
        rules: by which its consumers share it.
        parts: of the queue.
    """
    if parts.options.deduplication_header is not None:
        return DeduplicatingMirroredQueue(parts, rules)
    return MirroredQueue(parts, rules)
