"""Publishes that change between routes: parted first, so that each queue gets one run of them.

    a b a c b  ──▶  a a │ b b │ c   each queue's as one run, in the order of publishing

This is done only where no client can see a difference: see ``enqueue_burst``.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

from amqp_server.broker.publish_target import PublishTarget, Targets
from persistence.codec import persistent_ranges
from persistence.record import Run, parted
from queues.commits import SAFE_NOW, CommitPoint, later_of, points_of
from queues.outcomes import ALL_SAFE

BURST_TARGETS_MAX: Final = 1024
"""A burst for more queues is published message by message."""

COPIES_MAX: Final = 4
"""The most queues for which a message of a burst is copied."""


class Waiting(NamedTuple):
    """Messages of a burst that are not safe yet: from ``start`` up to, without, ``stop``."""

    start: int
    stop: int
    safe_at: CommitPoint


def enqueue_burst(
    targets_of: Sequence[Targets], order: bytes, run: Run, now_ms: int
) -> Sequence[Waiting] | None:
    """Append messages of several routes, each queue's as one run in the order of publishing.

    Args:
        targets_of: for each route, the present answer of the router.
        order: for each message an index into ``targets_of``.
        run: the messages.
        now_ms: the time of this turn.

    Returns:
        The messages that have to wait, in order; the others are safe. None where a queue would do
        more than append, or where queues would copy memory that they share when messages are
        published one after another. Then nothing was done.
    """
    shares = _shares(targets_of, order, run)
    if shares is None:
        return None
    for target, share in shares:
        if not target.only_appends(share, now_ms):
            return None
    points: dict[PublishTarget, CommitPoint] = {}
    safe_at = SAFE_NOW
    for target, share in shares:
        outcome = target.publish(share, now_ms)
        if outcome is not ALL_SAFE:
            refused, point, *_ = outcome
            assert not refused, "it was asked before"
            assert not outcome.still_open, "so was this"
            if point is not SAFE_NOW:
                points[target] = point
                safe_at = later_of(safe_at, point)
    if safe_at is SAFE_NOW:
        return ()
    keeps_all = any([target.keeps_transient for target, _ in shares])
    stretches = [(0, len(order))] if keeps_all else persistent_ranges(run)
    if safe_at.others:
        of_route = [
            _point_of([points[target] for target in to if target in points], safe_at)
            for to in targets_of
        ]
    else:
        waits = [any([target in points for target in to]) for to in targets_of]
        of_route = [safe_at if is_waiting else SAFE_NOW for is_waiting in waits]
    return _waiting(of_route, order, stretches)


def _point_of(points: Sequence[CommitPoint], all_safe_at: CommitPoint) -> CommitPoint:
    """Return when messages for queues with these points are safe.

    In each group they wait for the last LSN of the burst, so that few points differ.
    """
    groups = {each.group for point in points for each in points_of(point)}
    found = SAFE_NOW
    for each in points_of(all_safe_at):
        if each.group in groups:
            found = later_of(found, each)
    return found


def _waiting(
    of_route: Sequence[CommitPoint], order: bytes, stretches: Sequence[tuple[int, int]]
) -> Sequence[Waiting]:
    """Return those of some messages, in stretches, whose route has to wait."""
    point = of_route[0]
    if all([other is point for other in of_route]):
        return [Waiting(start, stop, point) for start, stop in stretches]
    waiting: list[Waiting] = []
    for start, stop in stretches:
        for point, alike in groupby(order[start:stop], of_route.__getitem__):
            end = start + len(list(alike))
            if point is not SAFE_NOW:
                waiting.append(Waiting(start, end, point))
            start = end  # noqa: PLW2901
    return waiting


def _shares(
    targets_of: Sequence[Targets], order: bytes, run: Run
) -> Sequence[tuple[PublishTarget, Run]] | None:
    """Return the messages of each target; targets with the same messages share the memory.

    None where a message would be copied more than ``COPIES_MAX`` times, or there are more than
    ``BURST_TARGETS_MAX`` targets.
    """
    # Routes that go to the same targets are one lane.
    lanes: dict[Targets, int] = {}
    lane_of_route = [lanes.setdefault(targets, len(lanes)) for targets in targets_of]
    if len(lanes) == 1:
        return [(target, run) for target in targets_of[0]]
    if all([len(targets) == 1 for targets in lanes]):
        runs = parted(run, order, [[lane] for lane in lane_of_route], len(lanes))
        return [(targets[0], share) for targets, share in zip(lanes, runs, strict=True)]
    lanes_of_target: dict[PublishTarget, list[int]] = {}
    for targets, lane in lanes.items():
        for target in targets:
            lanes_of_target.setdefault(target, []).append(lane)
    if len(lanes_of_target) > BURST_TARGETS_MAX:
        return None
    parts: dict[tuple[int, ...], int] = {}
    part_of_target = [
        (target, parts.setdefault(tuple(into), len(parts)))
        for target, into in lanes_of_target.items()
    ]
    parts_of_lane: list[list[int]] = [[] for _ in lanes]
    for into, part in parts.items():
        for lane in into:
            parts_of_lane[lane].append(part)
    if max(map(len, parts_of_lane)) > COPIES_MAX:
        return None
    runs = parted(run, order, [parts_of_lane[lane] for lane in lane_of_route], len(parts))
    return [(target, runs[part]) for target, part in part_of_target]
