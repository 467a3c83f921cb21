"""Which queues can be mirrored; ``queues.kinds`` has what runs them on their leader."""

from queues.kinds import QueueKind
from queues.options import QueueOptions


def mirroring_refusal(kind: QueueKind, options: QueueOptions) -> str | None:
    """Return why a queue cannot be mirrored; None if it can.

    Args:
        kind: of the queue.
        options: of the queue.
    """
    if kind.make_mirrored is None:
        return f"queues of type '{kind.name}' cannot be mirrored"
    if options.deduplication_header is not None:
        return "a queue with 'x-message-deduplication' cannot be mirrored"
    return None
