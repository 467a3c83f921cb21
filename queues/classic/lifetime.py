"""When a queue goes by itself: unused for too long, or auto-delete and left by its last consumer.

Then, or when it is deleted, callables that do nothing replace those that refer to the queue.

Source: RabbitMQ, ttl (queue TTL) and queues (auto-delete).
"""

from queues.effects import Effect


class Lifetime:
    """What ends a queue by itself.

    It counts down ``x-expires``: how long a queue may have no consumer, get or redeclare.

    Attributes:
        is_over: the queue was left by its last consumer, so it will be deleted.
    """

    __slots__ = ("_auto_delete", "_expires_ms", "_has_fired", "_used_at_ms", "is_over")

    def __init__(
        self,
        expires_ms: int | None,
        now_ms: int,
        auto_delete: bool = False,  # noqa: FBT001, FBT002 - by name it would cost a declare a dict
    ) -> None:
        self._auto_delete = auto_delete
        self.is_over = False
        self._expires_ms = expires_ms
        self._used_at_ms = now_ms
        self._has_fired = False

    def renew(self, now_ms: int) -> None:
        """Start again: the queue was used now."""
        self._used_at_ms = now_ms

    def change(self, expires_ms: int | None, now_ms: int) -> None:
        """Start again with another span, after a change of policy; None stops it."""
        self._expires_ms = expires_ms
        self._used_at_ms = now_ms

    @property
    def deadline_ms(self) -> int | None:
        """When an unused queue expires; None when it does not, or already has."""
        if self._expires_ms is None or self._has_fired:
            return None
        return self._used_at_ms + self._expires_ms

    def fires(self, now_ms: int) -> bool:
        """Whether the queue expires now; True once only."""
        deadline_ms = self.deadline_ms
        if deadline_ms is None or deadline_ms > now_ms:
            return False
        self._has_fired = True
        return True

    def last_consumer_left(self, now_ms: int) -> bool:
        """Count from now on; return whether the queue is to be deleted for it."""
        self.renew(now_ms)
        self.is_over = self._auto_delete
        return self._auto_delete


def wake_nobody() -> None:
    """Replaces the request for a drain in a queue that is gone."""


def tell_nobody(_effect: Effect) -> None:
    """Replaces the receiver of effects in a queue that is gone."""
