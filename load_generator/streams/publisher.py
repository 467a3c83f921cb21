"""A publishing worker of the stream protocol: its lanes write in turn, and count confirms."""

import select
import selectors
import time
from collections.abc import Callable, Sequence
from typing import Final

from load_generator.backlog import BACKLOG_POLL_S, Backlog
from load_generator.board import Tally
from load_generator.load import Load, share
from load_generator.session import Endpoint
from load_generator.streams.frames import FrameRing
from load_generator.streams.lane import StreamLane
from load_generator.streams.session import StreamSession

ANSWERS_TIMEOUT_S: Final = 5.0
"""Longest wait for confirms at the end."""
_POLL_S: Final = 0.1
_NS_PER_S: Final = 1_000_000_000
_READ, _BOTH = selectors.EVENT_READ, selectors.EVENT_READ | selectors.EVENT_WRITE


def publish(
    load: Load,
    endpoint: Endpoint,
    indexes: Sequence[int],
    tally: Tally,
    ready: Callable[[], None],
) -> None:
    """Publish as the publishers with these indexes until all is published, or the board says stop.

    Raises:
        LoadError: the broker refused.
        OSError: a connection broke.
    """
    sessions: list[StreamSession] = []
    try:
        sessions.extend(StreamSession(endpoint) for _ in indexes)
        lanes = _lanes(load, sessions, indexes)
        ready()
        tally.board.await_go()
        now_ns = time.monotonic_ns()
        for lane in lanes:
            lane.start(now_ns)
        with selectors.EpollSelector() as selector:
            for lane in lanes:
                selector.register(lane.socket, _READ, lane)
            _publish_in_turn(lanes, Backlog(load, tally.board), tally, selector)
            for lane in lanes:
                lane.finish()
            _await_answers(lanes, tally, selector)
        tally.set_done()
        while not tally.board.is_stopping:
            time.sleep(_POLL_S)
    finally:
        for session in sessions:
            session.close()


def _lanes(
    load: Load, sessions: Sequence[StreamSession], indexes: Sequence[int]
) -> list[StreamLane]:
    total = len(load.publisher_keys)
    lanes: list[StreamLane] = []
    for session, index in zip(sessions, indexes, strict=True):
        count_max = share(load.message_count_max, total, index)
        # With fewer messages than publishers, some have nothing to do.
        if count_max or not load.message_count_max:
            ring = FrameRing(load, load.publisher_keys[index])
            lanes.append(StreamLane(session, ring, load, count_max))
    return lanes


def _publish_in_turn(
    lanes: Sequence[StreamLane],
    backlog: Backlog,
    tally: Tally,
    selector: selectors.EpollSelector,
) -> None:
    published_count = 0
    full: list[StreamLane] = []
    while not tally.board.is_stopping:
        active = [lane for lane in lanes if not lane.is_done]
        if not active:
            break
        room, now_ns, before = backlog.room(), time.monotonic_ns(), published_count
        for lane in active:
            published_count += lane.write(now_ns, room + before - published_count)
        if published_count > before:
            tally.set_published(published_count)
        still_full = [lane for lane in active if lane.is_full]
        if still_full != full:
            for lane in full:
                selector.modify(lane.socket, _READ, lane)
            for lane in still_full:
                selector.modify(lane.socket, _BOTH, lane)
            full = still_full
        wait_s = 0.0 if published_count > before else _wait_s(active, now_ns, room)
        _read(selector, wait_s)
        _tell_answers(lanes, tally)


def _wait_s(lanes: Sequence[StreamLane], now_ns: int, room: int) -> float:
    """Return how long to wait for answers, if nothing could be written."""
    longest_s = BACKLOG_POLL_S if room <= 0 else _POLL_S
    due_ns = min(lane.due_ns() for lane in lanes)
    if due_ns > now_ns:
        return min(longest_s, (due_ns - now_ns) / _NS_PER_S)
    # A frame may be larger than the room of the backlog, which no socket tells.
    return longest_s if any(lane.is_full for lane in lanes) else min(longest_s, 0.002)


def _read(selector: selectors.EpollSelector, wait_s: float) -> None:
    if wait_s:
        # The selector's own timeouts are in milliseconds.
        select.select([selector.fileno()], [], [], wait_s)
    for key, events in selector.select(0):
        if events & _READ:
            key.data.read()


def _tell_answers(lanes: Sequence[StreamLane], tally: Tally) -> None:
    confirmed_count = sum(lane.confirmed_count for lane in lanes)
    tally.set_answered(confirmed_count, sum(lane.nacked_count for lane in lanes), 0)


def _await_answers(
    lanes: Sequence[StreamLane], tally: Tally, selector: selectors.EpollSelector
) -> None:
    """Wait for the outstanding confirms, up to ANSWERS_TIMEOUT_S."""
    tally.set_published(sum(lane.published_count for lane in lanes))
    deadline_s = time.monotonic() + ANSWERS_TIMEOUT_S
    while not all(lane.is_answered for lane in lanes) and time.monotonic() < deadline_s:
        _read(selector, _POLL_S)
        _tell_answers(lanes, tally)
