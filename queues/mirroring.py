"""Which queues can be mirrored; ``queues.kinds`` has what runs them on their leader."""

from queues.options import QueueOptions


def mirroring_refusal(options: QueueOptions) -> str | None:
    """Return why a queue with these options cannot be mirrored; None if it can."""
    if options.deduplication_header is not None:
        return "a queue with 'x-message-deduplication' cannot be mirrored"
    return None
