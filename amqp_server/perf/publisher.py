"""A publishing worker: lanes that write in turn, and confirms counted."""

import select
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from amqp_server.perf.board import Board, Tally
from amqp_server.perf.lane import UNLIMITED, Lane
from amqp_server.perf.load import Load, share
from amqp_server.perf.messages import rings_of
from amqp_server.perf.session import Endpoint, Session

BACKLOG_POLL_S: Final = 0.000_5
"""How long a publisher sleeps that is far enough ahead of the consumers."""
BACKLOG_PATIENCE_S: Final = 1.0
"""How long deliveries may be missing before they are taken for lost, dropped or expired."""
ANSWERS_TIMEOUT_S: Final = 5.0
"""How long confirms are waited for at the end."""
LANES_MAX: Final = 500
"""Of one worker; select knows 1,024 descriptors."""
_POLL_S: Final = 0.1
_LOOK_EVERY: Final = 64
"""Rounds of writes after which a publisher that never waits looks whether it was told anything."""


def publish(
    load: Load,
    endpoint: Endpoint,
    indexes: Sequence[int],
    tally: Tally,
    ready: Callable[[], None],
) -> None:
    """Publish as the publishers with these indexes until there is no more, or the board says stop.

    Raises:
        LoadError: the broker closed, or the load cannot be rendered.
        OSError: a connection broke.
    """
    _sleep_precisely()
    sessions: list[Session] = []
    try:
        sessions.extend(Session(endpoint) for _ in indexes)
        numbered = _lanes(load, sessions, indexes)
        ready()
        tally.board.await_go()
        _start(load, numbered)
        lanes = [lane for lane, _index in numbered]
        _publish_in_turn(lanes, Backlog(load, tally.board), tally)
        for lane in lanes:
            lane.finish()
        _await_answers(lanes, tally)
        tally.set_done()
        while not tally.board.is_stopping:
            time.sleep(_POLL_S)
    finally:
        for session in sessions:
            session.close()


def _lanes(
    load: Load, sessions: Sequence[Session], indexes: Sequence[int]
) -> list[tuple[Lane, int]]:
    """Return the lanes that have anything to publish, with the numbers of their publishers."""
    frame_max_bytes = min(session.frame_max_bytes for session in sessions)
    rings = rings_of(load, indexes, frame_max_bytes)
    total = len(load.publisher_keys)
    lanes: list[tuple[Lane, int]] = []
    for session, ring, index in zip(sessions, rings, indexes, strict=True):
        count_max = share(load.message_count_max, total, index)
        # Fewer messages than publishers: some have nothing to do.
        if count_max or not load.message_count_max:
            lanes.append((Lane(session, ring, load, count_max), index))
    return lanes


def _start(load: Load, numbered: Sequence[tuple[Lane, int]]) -> None:
    """Let publishers with a rate begin one after another in one interval, not all at once."""
    now_ns = time.monotonic_ns()
    interval_ns = 1_000_000_000 / load.rate_per_s if load.rate_per_s else 0.0
    for lane, index in numbered:
        lane.start(now_ns + round(interval_ns * index / len(load.publisher_keys)))


class Backlog:
    """How far the publishers of all workers are ahead of the deliveries.

    A message that never becomes a delivery (dropped by a limit, taken by a stranger) would count
    for ever, so after BACKLOG_PATIENCE_S without a delivery what is outstanding is forgotten.
    """

    def __init__(self, load: Load, board: Board) -> None:
        self._max = load.backlog_max
        self._copies = load.copies
        self._board = board
        self._consumed_count = -1
        self._moved_at_s = 0.0
        self._forgotten = 0

    def room(self) -> int:
        """Return how many messages may be published now."""
        if not self._max:
            return UNLIMITED
        totals = self._board.totals()
        arrived = totals.consumed_count // self._copies + totals.returned_count
        outstanding = totals.published_count - totals.nacked_count - arrived - self._forgotten
        room = self._max - outstanding
        if room > 0 or totals.consumed_count != self._consumed_count:
            self._consumed_count = totals.consumed_count
            self._moved_at_s = time.monotonic()
        elif time.monotonic() - self._moved_at_s > BACKLOG_PATIENCE_S:
            self._forgotten += outstanding
        return room


def _publish_in_turn(lanes: Sequence[Lane], backlog: Backlog, tally: Tally) -> None:
    board = tally.board
    published_count = rounds = 0
    while not board.is_stopping and not all(lane.is_done for lane in lanes):
        room = backlog.room()
        before = published_count
        now_ns = time.monotonic_ns()
        if room > 0:
            for lane in lanes:
                published_count += lane.write(now_ns, room + before - published_count)
            tally.set_published(published_count)
        rounds += 1
        if published_count == before or not rounds % _LOOK_EVERY:
            is_idle = published_count == before
            _wait(lanes, now_ns, is_idle=is_idle, is_ahead=room <= 0)
            _tell_answers(lanes, tally)


def _wait(lanes: Sequence[Lane], now_ns: int, *, is_idle: bool, is_ahead: bool) -> None:
    """Read what has come; where nothing could be written, wait until something can."""
    timeout_s = 0.0
    if is_ahead:
        timeout_s = BACKLOG_POLL_S
    elif is_idle:
        due_s = [wait_s for lane in lanes if (wait_s := lane.wait_s(now_ns))]
        timeout_s = min([_POLL_S, *due_s])
    # Sockets are found full only by writing, so a lane that could not write may be waited for.
    full = [] if is_ahead else [lane.socket for lane in lanes if lane.is_full]
    readable, _, _ = select.select([lane.socket for lane in lanes], full, [], timeout_s)
    if readable:
        for lane in lanes:
            if lane.socket in readable:
                lane.read()


def _tell_answers(lanes: Sequence[Lane], tally: Tally) -> None:
    counters = [lane.counter for lane in lanes]
    tally.set_answered(
        sum(counter.confirmed_count for counter in counters),
        sum(counter.nacked_count for counter in counters),
        sum(counter.returned_count for counter in counters),
    )


def _await_answers(lanes: Sequence[Lane], tally: Tally) -> None:
    """Wait for the confirms that are outstanding, but not for ever."""
    tally.set_published(sum(lane.published_count for lane in lanes))
    deadline_s = time.monotonic() + ANSWERS_TIMEOUT_S
    while not all(lane.is_answered for lane in lanes) and time.monotonic() < deadline_s:
        _wait(lanes, time.monotonic_ns(), is_idle=True, is_ahead=True)
        _tell_answers(lanes, tally)


def _sleep_precisely() -> None:
    """Ask the kernel to wake us within a microsecond instead of its usual fifty."""
    try:
        Path("/proc/self/timerslack_ns").write_text("1000")
    except OSError:
        # The sleeps overshoot a little more, for every broker alike.
        return
