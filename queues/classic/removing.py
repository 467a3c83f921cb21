"""Takes ready messages out of the middle of a queue: they were looked at, and go for good."""

from collections.abc import Sequence

from queues.classic.backlog import Backlog
from queues.classic.priority_ready import PriorityReady
from queues.classic.ready import Lane
from queues.looking import LookedMessage
from queues.tail_removal import remove as take_off


def remove(backlog: Backlog, lane_number: int, messages: Sequence[LookedMessage]) -> int:
    """Forget messages, which count as purged; all others keep their places.

    Args:
        backlog: of the queue.
        lane_number: of the lane that all of them are in.
        messages: at least one, by position, ascending. A look has just returned them, and nothing
            has happened in the queue since then.

    Returns:
        LSN of the settlement; once it is committed they are gone, in the queue's durability class.
    """
    ready = backlog.ready
    _remove_from(dict(ready.lanes())[lane_number], messages)
    if isinstance(ready, PriorityReady):
        ready.recount()
    backlog.counters.purged_count += len(messages)
    return backlog.settle([message.position for message in messages], is_promised=True)


def _remove_from(lane: Lane, messages: Sequence[LookedMessage]) -> None:
    """Forget messages of a lane: what came back is before its head, and what is spilled behind."""
    messages = messages[lane.requeued.remove(messages) :]
    if messages:
        messages = messages[take_off(lane.head, [message.position for message in messages]) :]
    if lane.spilled is not None:
        lane.spilled.remove(messages)
        if lane.spilled.is_done:
            lane.spilled = None
    else:
        assert not messages, "a look has found them"
