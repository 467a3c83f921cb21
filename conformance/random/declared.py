"""Differences that are known and meant: each with its reason, and as narrow as it can be said.

What ``docs/DEVIATIONS.md`` lists already, and a script would only meet again, is not made by the
generator at all.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from conformance.random.compare import Difference
from conformance.random.script import Step


class Declared(NamedTuple):
    """One difference that is meant.

    Attributes:
        name: what it is called in the summary.
        why: the reason.
        method: the method of the step where it shows.
        expected: pattern of RabbitMQ's first line that differs; empty where it has no more.
        got: pattern of the other broker's.
    """

    name: str
    why: str
    method: str
    expected: str
    got: str

    def matches(self, difference: Difference, step: Step) -> bool:
        """Return whether a difference after a step is this one."""
        expected, got = difference.first_lines()
        return (
            re.fullmatch(self.method, step.method) is not None
            and re.fullmatch(self.expected, expected) is not None
            and re.fullmatch(self.got, got) is not None
        )


DECLARED: Sequence[Declared] = ()


def declared(
    difference: Difference, step: Step, known: Sequence[Declared] = DECLARED
) -> Declared | None:
    """Return the declared difference that this is, or None."""
    return next((row for row in known if row.matches(difference, step)), None)
