"""When messages expire, as functions of ``now_ms`` (RabbitMQ, ttl).

Instants are 0 for *never*, so a clock handed to a queue must be past 0.
"""

from persistence.record import NO_TTL, Run, has_ttl


def expires_at(run: Run, queue_ttl_ms: int | None, now_ms: int) -> int | list[int]:
    """Return when the messages of a run expire: the queue's TTL or their own, the shorter.

    Args:
        run: messages enqueued now.
        queue_ttl_ms: ``x-message-ttl`` or its policy; None is no limit, 0 expires at once.
        now_ms: the instant of enqueueing, > 0.

    Returns:
        One instant for all (0 is never), or a list with one for each.
    """
    if not has_ttl(run):
        return 0 if queue_ttl_ms is None else now_ms + queue_ttl_ms
    ttls = [record.ttl_ms for record in run]
    if queue_ttl_ms is None:
        return [0 if ttl_ms == NO_TTL else now_ms + ttl_ms for ttl_ms in ttls]
    return [
        now_ms + (queue_ttl_ms if ttl_ms == NO_TTL else min(ttl_ms, queue_ttl_ms))
        for ttl_ms in ttls
    ]


def some_expire_at_once(expires_at_ms: int | list[int], now_ms: int) -> bool:
    """Whether a message has a TTL of 0: it is delivered in this instant or never."""
    if isinstance(expires_at_ms, list):
        return now_ms in expires_at_ms
    return expires_at_ms == now_ms


def part_of(expires_at_ms: int | list[int], first: int, stop: int) -> int | list[int]:
    """Return when the messages of a part of a run expire, from index ``first`` to ``stop``."""
    return expires_at_ms[first:stop] if isinstance(expires_at_ms, list) else expires_at_ms
