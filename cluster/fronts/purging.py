"""A purge at the leader, in pieces: told once no leader brings back what it has dropped."""

from collections.abc import Callable, Iterator

from queues.commits import CommitPoint, is_safe, later_of, wait_for
from queues.ports import QueueEngine


def purging(engine: QueueEngine, tell: Callable[[int], None]) -> Iterator[None]:
    """Purge, also what comes meanwhile, and tell how many messages that were.

    Args:
        engine: of the queue.
        tell: called once that is safe; never where the leadership ends before.
    """
    count, safe_at = engine.purge()
    while engine.ready_count:
        some_count, some_safe_at = engine.purge()
        if not some_count:
            break
        count += some_count
        safe_at = later_of(safe_at, some_safe_at)
        yield
    _tell_once_safe(engine, safe_at, lambda: tell(count))


def _tell_once_safe(engine: QueueEngine, safe_at: CommitPoint, tell: Callable[[], None]) -> None:
    """Call when a point is reached. Where its group fails with another queue, that is found anew.

    What the purge has settled is in the log of this queue, which goes on.
    """

    def decided() -> None:
        if is_safe(safe_at):
            tell()
            return
        again: CommitPoint = getattr(engine, "last_point", safe_at)
        if again != safe_at:
            _tell_once_safe(engine, again, tell)

    wait_for(safe_at, decided)
