"""What a reply promises: that messages are safe, and that no queue has refused one of them."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from amqp_server.connections.outbox import Outbox
from queues.commits import SAFE_NOW, CommitPoint, is_safe, later_of, wait_for
from queues.outcomes import PublishOutcome, StillOpen, refused_later


class Promise(NamedTuple):
    """What must be true before a reply is sent.

    Attributes:
        safe_at: the point at which it is decided, unless a commit group fails.
        still_open: messages of which no queue may have refused one by then.
        is_broken: a queue has refused one before.
    """

    safe_at: CommitPoint
    still_open: Sequence[StillOpen] = ()
    is_broken: bool = False

    def and_of(self, published: PublishOutcome) -> "Promise":
        """Return this promise, and that of a publish."""
        return Promise(
            later_of(self.safe_at, published.safe_at),
            [*self.still_open, *published.still_open] if published.still_open else self.still_open,
            self.is_broken or bool(published.rejected),
        )

    def is_kept(self) -> bool:
        """Return whether it is true; it is decided by now."""
        return is_safe(self.safe_at) and not refused_later(self.still_open)


NOTHING_PROMISED: Final = Promise(SAFE_NOW)


def hold(outbox: Outbox, promise: Promise, lost: Callable[[], None]) -> None:
    """Hold back all output until a promise is kept.

    Args:
        outbox: nothing more leaves it until then.
        promise: of what is written next.
        lost: called if it is broken, unless the output is abandoned by then.
    """
    if is_safe(promise.safe_at) and not promise.still_open:
        return
    outbox.hold()

    def decided() -> None:
        if promise.is_kept():
            outbox.release()
        elif not outbox.is_abandoned:
            lost()

    wait_for(promise.safe_at, decided)
