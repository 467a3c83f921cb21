"""Finds the first step after which two runs of a script saw different things."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from conformance.random.player import Seen

CONFIRMS = ("confirmed ", "refused ")
RACED = ("tx.commitok", "basic.deliver ")


class Difference(NamedTuple):
    """A step at which two runs differ: its index, a channel or queue, and the lines of both."""

    step_index: int
    place: str
    expected: tuple[str, ...]
    got: tuple[str, ...]

    def first_lines(self) -> tuple[str, str]:
        """Return the first lines that differ; empty if a run has no more lines."""
        for expected, got in zip(self.expected, self.got, strict=False):
            if expected != got:
                return expected, got
        shared = min(len(self.expected), len(self.got))
        return (
            self.expected[shared] if shared < len(self.expected) else "",
            self.got[shared] if shared < len(self.got) else "",
        )


def first_difference(expected: Sequence[Seen], got: Sequence[Seen]) -> Difference | None:
    """Compare what two runs of a script saw, channel by channel; None if it is the same.

    A confirm must come with its step; its place among the other frames is not compared. A broker
    may join confirms. In RabbitMQ a delivery races with the confirm of its publish on the same
    channel, and a commit-ok races with the deliveries of its transaction.
    """
    return next(differences(expected, got), None)


def differences(expected: Sequence[Seen], got: Sequence[Seen]) -> Iterator[Difference]:
    """Yield each step's difference; the later ones may be only effects of the first one."""
    for index, (wanted, found) in enumerate(zip(expected, got, strict=True)):
        # Channels come before the counts of queues, because frames say more.
        places = sorted({*wanted, *found}, key=lambda place: (not place[0].isupper(), place))
        for place in places:
            left = _in_order(wanted.get(place, ()))
            right = _in_order(found.get(place, ()))
            if left != right:
                yield Difference(index, place, left, right)


def _in_order(lines: Sequence[str]) -> tuple[str, ...]:
    """Move confirms to the end, and a commit-ok in front of the deliveries before it."""
    confirms = [line for line in lines if line.startswith(CONFIRMS)]
    ordered: list[str] = []
    others = (line for line in lines if not line.startswith(CONFIRMS))
    for raced, group in groupby(others, lambda line: line.startswith(RACED)):
        found = list(group)
        # The sort is stable, so deliveries keep their order.
        ordered += sorted(found, key=lambda line: not line.startswith(RACED[0])) if raced else found
    return (*ordered, *sorted(confirms))
