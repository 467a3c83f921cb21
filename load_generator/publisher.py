"""A publishing worker: its lanes write in turn, and count confirms."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from load_generator.alone import publish_alone, suits
from load_generator.backlog import BACKLOG_POLL_S, Backlog
from load_generator.board import Tally
from load_generator.lane import Lane
from load_generator.load import Load, share
from load_generator.messages import rings_of
from load_generator.rota import Rota, Sockets
from load_generator.session import Endpoint, Session

ANSWERS_TIMEOUT_S: Final = 5.0
"""Longest wait for confirms at the end."""
LANES_MAX: Final = 500
"""Most lanes of one worker; during a write of one, the others wait."""
_POLL_S: Final = 0.1
_ANSWERS_POLL_S: Final = 0.01
_LOOK_EVERY: Final = 64
"""Rounds of writes after which a publisher that never waits checks what the broker has sent."""


def publish(
    load: Load,
    endpoint: Endpoint,
    indexes: Sequence[int],
    tally: Tally,
    ready: Callable[[], None],
) -> None:
    """Publish as the publishers with these indexes until all is published, or the board says stop.

    Raises:
        LoadError: the broker closed, or the load cannot be rendered.
        OSError: a connection broke.
    """
    _sleep_precisely()
    sessions: list[Session] = []
    try:
        sessions.extend(Session(endpoint, hears_of_alarms=True) for _ in indexes)
        numbered = _lanes(load, sessions, indexes)
        ready()
        tally.board.await_go()
        is_alone = suits(load, len(numbered))
        _start(load, numbered, is_alone=is_alone)
        lanes = [lane for lane, _index in numbered]
        backlog = Backlog(load, tally.board)
        if is_alone:
            publish_alone(load, lanes[0], backlog, tally)
        else:
            _publish_in_turn(lanes, backlog, tally)
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
    """Return the lanes that have something to publish, with the numbers of their publishers."""
    frame_max_bytes = min(session.frame_max_bytes for session in sessions)
    rings = rings_of(load, indexes, frame_max_bytes)
    total = len(load.publisher_keys)
    lanes: list[tuple[Lane, int]] = []
    for session, ring, index in zip(sessions, rings, indexes, strict=True):
        count_max = share(load.message_count_max, total, index)
        # With fewer messages than publishers, some have nothing to do.
        if count_max or not load.message_count_max:
            lanes.append((Lane(session, ring, load, count_max), index))
    return lanes


def _start(load: Load, numbered: Sequence[tuple[Lane, int]], *, is_alone: bool) -> None:
    """Start publishers; with a rate, they begin at different times within one interval."""
    now_ns = time.monotonic_ns()
    interval_ns = 1_000_000_000 / load.rate_per_s if load.rate_per_s else 0.0
    for lane, index in numbered:
        lane.start(
            now_ns + round(interval_ns * index / len(load.publisher_keys)), is_alone=is_alone
        )


def _publish_in_turn(lanes: Sequence[Lane], backlog: Backlog, tally: Tally) -> None:
    rota, sockets = Rota(lanes), Sockets(lanes)
    published_count = rounds = 0
    try:
        while rota.has_work and not tally.board.is_stopping:
            room, now_ns, before = backlog.room(), time.monotonic_ns(), published_count
            due = rota.due(now_ns) if room > 0 else []
            for lane in due:
                published_count += lane.write(now_ns, room + before - published_count)
            has_published = published_count > before
            if has_published:
                tally.set_published(published_count)
            rota.settle(now_ns)
            rounds += 1
            if rota.is_paced or not has_published or not rounds % _LOOK_EVERY:
                longest_s = BACKLOG_POLL_S if room <= 0 else _POLL_S
                # A lane that has written may be able to write again at once.
                is_pressed = has_published and rota.is_pressed
                sockets.wait(due, 0.0 if is_pressed else rota.wait_s(now_ns, longest_s))
                _tell_answers(lanes, tally)
    finally:
        sockets.close()


def _tell_answers(lanes: Sequence[Lane], tally: Tally) -> None:
    counters = [lane.counter for lane in lanes]
    tally.set_answered(
        sum(counter.confirmed_count for counter in counters),
        sum(counter.nacked_count for counter in counters),
        sum(counter.returned_count for counter in counters),
    )
    tally.set_blocked(sum(lane.blocked_ns() for lane in lanes))


def _await_answers(lanes: Sequence[Lane], tally: Tally) -> None:
    """Wait for the outstanding confirms, up to ANSWERS_TIMEOUT_S."""
    tally.set_published(sum(lane.published_count for lane in lanes))
    deadline_s = time.monotonic() + ANSWERS_TIMEOUT_S
    sockets = Sockets(lanes)
    while not all(lane.is_answered for lane in lanes) and time.monotonic() < deadline_s:
        sockets.wait([], _ANSWERS_POLL_S)
        _tell_answers(lanes, tally)
    sockets.close()


def _sleep_precisely() -> None:
    """Ask the kernel to end a sleep at most one microsecond late, not the usual fifty."""
    try:
        Path("/proc/self/timerslack_ns").write_text("1000")
    except OSError:
        # Without it sleeps end a little later, equally for every broker.
        return
