"""Judges one script: it is the same, or its difference is declared, unstable or wrong.

A difference counts only if the broker that sets the example repeats itself. It plays the script
again, more patiently and with other names. If the second run differs, it is no example.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from conformance.random.compare import Difference, first_difference
from conformance.random.declared import DECLARED, Declared, declared
from conformance.random.player import QUIET_ROUNDS, Seen
from conformance.random.script import Script
from conformance.random.shrink import shrunk
from conformance.random.situations import Situation

Play = Callable[[Script, int], Sequence[Seen]]
"""Plays a script on a broker, with a number of quiet rounds; returns the effects of each step."""

PATIENT_ROUNDS = 5
EXAMPLES = 3
SHRINK_TRIES_MAX = 250

SAME, DECLARED_SAME, UNSTABLE, DIFFERENT = "same", "declared", "unstable", "different"


class Verdict(NamedTuple):
    """The result of a script.

    Attributes:
        word: ``same``, ``declared``, ``unstable`` or ``different``.
        difference: the first difference of the runs; None if they are the same.
        row: the declared difference that it is, or None.
        example: what RabbitMQ's run saw.
        seen: what the other broker's run saw.
    """

    word: str
    difference: Difference | None = None
    row: Declared | None = None
    example: Sequence[Seen] = ()
    seen: Sequence[Seen] = ()


class Judge:
    """Plays scripts on two brokers and compares.

    Args:
        example: plays on the broker that sets the example.
        other: plays on the broker that must do the same.
        known: the declared differences.
    """

    def __init__(self, example: Play, other: Play, known: Sequence[Declared] = DECLARED) -> None:
        self._example = example
        self._other = other
        self._known = known

    def judge(self, script: Script) -> Verdict:
        """Play a script once on each broker, and again if they differ."""
        quick = self._compared(script, QUIET_ROUNDS, 1)
        return quick if quick.word == SAME else self._compared(script, PATIENT_ROUNDS, EXAMPLES)

    def _compared(self, script: Script, quiet_rounds: int, examples: int) -> Verdict:
        seen = self._other(script, quiet_rounds)
        example = self._example(script, quiet_rounds)
        difference = first_difference(example, seen)
        if difference is None:
            return Verdict(SAME)
        at = difference.step_index
        until = at + 1
        row = declared(Situation(script[:until], difference, example[at], seen[at]), self._known)
        if row is not None:
            return Verdict(DECLARED_SAME, difference, row, example, seen)
        for _ in range(examples - 1):
            again = self._example(script, quiet_rounds)
            if first_difference(example[:until], again[:until]) is not None:
                return Verdict(UNSTABLE, difference, None, example, seen)
        return Verdict(DIFFERENT, difference, None, example, seen)

    def smallest(self, script: Script) -> list[int]:
        """Return the indices, in order, of the fewest steps that still differ."""

        def is_bad(indices: Sequence[int]) -> bool:
            part = [script[index] for index in indices]
            return self._compared(part, QUIET_ROUNDS + 1, 2).word == DIFFERENT

        kept = list(range(len(script)))
        verdict = self._compared(script, PATIENT_ROUNDS, EXAMPLES)
        if verdict.difference is not None:
            kept = kept[: verdict.difference.step_index + 1]
        return shrunk(kept, is_bad, SHRINK_TRIES_MAX)
