"""Publishing over the only connection of a worker, which waits in its own system calls.

One message is under way at a time, or one is sent at each instant of a rate. This measures how long
a broker takes for a message, and the generator's own work counts too. To keep that small, there is
no selector: a publish is a send and a receive, or a sleep and a send.
"""

import socket
import time
from typing import Final

from load_generator.backlog import BACKLOG_POLL_S, Backlog
from load_generator.board import Tally
from load_generator.lane import ALONE_WAIT_S, Lane
from load_generator.load import Load

_EXCHANGES_MAX: Final = 16
"""Messages between two looks at the backlog and the board."""
SPIN_NS_MAX: Final = 80_000
"""A sleep ends this long before a message is due, because kernels wake about this much too late."""
_SPIN_SHARE: Final = 16
"""At most one part in this many is spent spinning, or it would take a core from the broker."""
_LEISURE_NS: Final = 200_000
"""If a sleep is longer than this, there is time to check whether the broker has closed."""
_LOOK_EVERY: Final = 64
_NS_PER_S: Final = 1_000_000_000


def suits(load: Load, lane_count: int) -> bool:
    """Return whether a worker with this number of lanes publishes in this way."""
    if lane_count != 1:
        return False
    return not load.confirm_window if load.rate_per_s else load.confirm_window == 1


def publish_alone(load: Load, lane: Lane, backlog: Backlog, tally: Tally) -> None:
    """Publish until all is published, or the board says stop.

    Args:
        load: ``suits`` is true for it.
        lane: started with ``is_alone``.
        backlog: limits how far publishers are ahead.
        tally: the counters of this worker.

    Raises:
        BrokerRefusalError: the broker closed, or answered what was not sent.
        OSError: the connection broke.
    """
    if load.rate_per_s:
        _publish_at_rate(load.rate_per_s, lane, backlog, tally)
    else:
        _publish_in_lockstep(lane, backlog, tally)


def _publish_in_lockstep(lane: Lane, backlog: Backlog, tally: Tally) -> None:
    while not lane.is_done and not tally.board.is_stopping:
        room = backlog.room()
        if room > 0:
            _exchange(lane, min(room, _EXCHANGES_MAX), tally)
        else:
            time.sleep(BACKLOG_POLL_S)


def _exchange(lane: Lane, count: int, tally: Tally) -> None:
    """Publish and wait for the answer, up to ``count`` times; stop if an answer does not come."""
    counter, write, read, clock_ns = lane.counter, lane.write, lane.read, time.monotonic_ns
    for _ in range(count):
        if lane.is_answered:
            if not write(clock_ns(), 1):
                # All is published, or the socket is full; the next call continues.
                return
            tally.set_published(lane.published_count)
        read()
        tally.set_answered(counter.confirmed_count, counter.nacked_count, counter.returned_count)
        if counter.is_blocked:
            tally.set_blocked(lane.blocked_ns())


def _publish_at_rate(rate_per_s: float, lane: Lane, backlog: Backlog, tally: Tally) -> None:
    spin_ns = min(SPIN_NS_MAX, int(_NS_PER_S / rate_per_s) // _SPIN_SHARE)
    rounds = 0
    while not lane.is_done and not tally.board.is_stopping:
        now_ns = time.monotonic_ns()
        early_ns = lane.due_ns() - now_ns
        if early_ns > 0:
            if early_ns > _LEISURE_NS:
                lane.read(socket.MSG_DONTWAIT)
            if early_ns > spin_ns:
                time.sleep(min(ALONE_WAIT_S, (early_ns - spin_ns) / _NS_PER_S))
            continue
        room = backlog.room()
        if lane.write(now_ns, room):
            tally.set_published(lane.published_count)
        elif room <= 0:
            time.sleep(BACKLOG_POLL_S)
        rounds += 1
        if lane.is_full or not rounds % _LOOK_EVERY:
            lane.read(socket.MSG_DONTWAIT)
            tally.set_blocked(lane.blocked_ns())
