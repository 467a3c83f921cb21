"""How many messages a queue with a max-length keeps, drops and refuses (RabbitMQ, maxlength).

Both limits count only ready messages. The limit in bytes counts only bodies. Both may apply.
"""

from typing import Final, NamedTuple

from persistence.record import Run, body_bytes


class Limits(NamedTuple):
    """The most that may be ready; None is no limit, 0 keeps nothing."""

    max_length: int | None
    max_length_bytes: int | None

    @property
    def are_set(self) -> bool:
        """Whether there is any limit at all."""
        return self.max_length is not None or self.max_length_bytes is not None


NO_LIMITS: Final = Limits(None, None)
"""What most queues share."""


def all_fit(run: Run, limits: Limits, ready_count: int, ready_bytes: int) -> bool:
    """Whether a whole run can become ready within the limits."""
    if limits.max_length is not None and ready_count + len(run) > limits.max_length:
        return False
    if limits.max_length_bytes is None:
        return True
    return ready_bytes + body_bytes(run) <= limits.max_length_bytes


def fitting_count(
    body_sizes: list[int], first_index: int, limits: Limits, ready_count: int, ready_bytes: int
) -> int:
    """Return how many messages from ``first_index`` on fit in a row, in the order of a run.

    Args:
        body_sizes: size of each body of the run (bytes).
        first_index: the first message that is not enqueued yet.
        limits: what may be ready.
        ready_count: messages that are.
        ready_bytes: their bodies.
    """
    count = len(body_sizes) - first_index
    if limits.max_length is not None:
        count = max(0, min(count, limits.max_length - ready_count))
    if limits.max_length_bytes is None:
        return count
    for fitting in range(count):
        ready_bytes += body_sizes[first_index + fitting]
        if ready_bytes > limits.max_length_bytes:
            return fitting
    return count


def excess(limits: Limits, ready_count: int, ready_bytes: int) -> tuple[int, int]:
    """Return how much must be dropped from the head to be within the limits.

    Args:
        limits: what may be ready.
        ready_count: messages that are.
        ready_bytes: their bodies.

    Returns:
        A number of messages, and a number of bytes of bodies. Both must be reached; 0 is none.
    """
    max_length, max_length_bytes = limits
    return (
        0 if max_length is None else max(0, ready_count - max_length),
        0 if max_length_bytes is None else max(0, ready_bytes - max_length_bytes),
    )
