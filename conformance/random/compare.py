"""Finds the first step after which two runs of a script did not see the same."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from conformance.random.player import Seen

CONFIRMS = ("confirmed ", "refused ", "tx.commitok")
DELIVERY = "basic.deliver "


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

    Confirms that come one after another are a set: a broker may join them, or send them in turn.
    Nor is it compared whether a delivery or the confirm of its publish comes first on one channel:
    in RabbitMQ that is a race.
    """
    return next(differences(expected, got), None)


def differences(expected: Sequence[Seen], got: Sequence[Seen]) -> Iterator[Difference]:
    """Yield where each step differs; after the first one the others may only follow from it."""
    for index, (wanted, found) in enumerate(zip(expected, got, strict=True)):
        # Channels before the counts of queues: frames say more.
        places = sorted({*wanted, *found}, key=lambda place: (not place[0].isupper(), place))
        for place in places:
            left = _joined(wanted.get(place, ()))
            right = _joined(found.get(place, ()))
            if left != right:
                yield Difference(index, place, left, right)


def _joined(lines: Sequence[str]) -> tuple[str, ...]:
    """Where confirms and deliveries follow each other, put the confirms first, in their order."""
    joined: list[str] = []
    for raced, group in groupby(lines, lambda line: line.startswith((*CONFIRMS, DELIVERY))):
        found = list(group)
        if raced:
            confirms = [line for line in found if line.startswith(CONFIRMS)]
            found = sorted(confirms) + [line for line in found if line.startswith(DELIVERY)]
        joined += found
    return tuple(joined)
