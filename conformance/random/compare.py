"""Finds the first step after which two runs of a script did not see the same."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from conformance.random.player import Seen

CONFIRMS = ("confirmed ", "refused ")
RACED = ("tx.commitok", "basic.deliver ")


class Difference(NamedTuple):
    """Where two runs part: the step's index, a channel or queue, and the lines of both there."""

    step_index: int
    place: str
    expected: tuple[str, ...]
    got: tuple[str, ...]

    def first_lines(self) -> tuple[str, str]:
        """Return the first lines that differ; empty where one run has no more."""
        for expected, got in zip(self.expected, self.got, strict=False):
            if expected != got:
                return expected, got
        shared = min(len(self.expected), len(self.got))
        return (
            self.expected[shared] if shared < len(self.expected) else "",
            self.got[shared] if shared < len(self.got) else "",
        )


def first_difference(expected: Sequence[Seen], got: Sequence[Seen]) -> Difference | None:
    """Compare what two runs of a script saw, channel by channel; None when it is the same.

    When a confirm comes is not compared, only that it comes with its step: a broker may join
    confirms, send them in turn, and in RabbitMQ it is a race whether a delivery or the confirm of
    its publish comes first on one channel. So is it with a commit and what it publishes.
    """
    return next(differences(expected, got), None)


def differences(expected: Sequence[Seen], got: Sequence[Seen]) -> Iterator[Difference]:
    """Yield where each step differs; after the first one the others may only follow from it."""
    for index, (wanted, found) in enumerate(zip(expected, got, strict=True)):
        # Channels before the counts of queues: frames say more.
        places = sorted({*wanted, *found}, key=lambda place: (not place[0].isupper(), place))
        for place in places:
            left = _in_order(wanted.get(place, ()))
            right = _in_order(found.get(place, ()))
            if left != right:
                yield Difference(index, place, left, right)


def _in_order(lines: Sequence[str]) -> tuple[str, ...]:
    """Put confirms behind all else, and a commit before the deliveries that it follows."""
    confirms = [line for line in lines if line.startswith(CONFIRMS)]
    ordered: list[str] = []
    others = (line for line in lines if not line.startswith(CONFIRMS))
    for raced, group in groupby(others, lambda line: line.startswith(RACED)):
        found = list(group)
        # Stable: deliveries keep their order.
        ordered += sorted(found, key=lambda line: not line.startswith(RACED[0])) if raced else found
    return (*ordered, *sorted(confirms))
