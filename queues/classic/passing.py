"""Messages of a priority queue that go directly to a waiting consumer.

While a consumer has credit, no message is ready. So each new message is delivered at once, whatever
its priority and that of the messages behind it. The messages of one read must not be sorted before
that.
"""

from persistence.record import Run, body_bytes
from queues.batch import BATCH_BYTES_MAX, Batch
from queues.classic.backlog import Backlog
from queues.classic.delivery import Delivery
from queues.classic.expiry import part_of
from queues.classic.priority_ready import PriorityReady


def pass_by(
    backlog: Backlog, delivery: Delivery, run: Run, expires_at_ms: int | list[int], now_ms: int
) -> tuple[int, int]:
    """Deliver messages of a run for the consumers' credit, before they are ready.

    Args:
        backlog: of the queue.
        delivery: of the queue.
        run: at least one message.
        expires_at_ms: see ``queues.classic.expiry.expires_at``.
        now_ms: the instant.

    Returns:
        How many messages were delivered, and the highest LSN among them; 0 is safe at once.
    """
    ready = backlog.ready
    lsn = 0
    if not isinstance(ready, PriorityReady) or delivery.refills_count:
        return 0, lsn
    if ready.count:
        delivery.deliver(now_ms, ready.count)
    first, run_count = 0, len(run)
    while first < run_count and not ready.count:
        handles, credit = delivery.next_round(run_count - first)
        if not handles:
            break
        count = min(run_count - first, credit * len(handles))
        part = run[first : first + count]
        if count > 1 and body_bytes(part) > BATCH_BYTES_MAX:
            count = 1
            part = run[first : first + 1]
        expires = part_of(expires_at_ms, first, first + count)
        position = ready.pass_by(count)
        lsn = max(lsn, backlog.log.append(position, part, expires))
        listed = expires if isinstance(expires, list) else [expires] * count
        batch = Batch(range(position, position + count), part, listed if any(listed) else None)
        delivery.hand_out(handles, batch)
        first += count
    return first, lsn
