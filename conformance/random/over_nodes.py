"""Plays random scripts over the nodes of a cluster, to compare it with a node by itself.

Each connection of a script is to another node, and queues are led on any of them. The comparison
knows nothing that may differ. So what a cluster does otherwise, as ``rules.yaml`` says, is taken
out of the scripts: exclusive queues, which only their own node knows, and limits at which a queue
refuses, which count what is not committed yet.
"""

from collections.abc import Sequence
from typing import Final

from conformance.address import Address
from conformance.random.player import Seen, play
from conformance.random.script import Script, Step
from conformance.random.verdict import Play

PAUSE_S: Final = 0.02
"""Between two rounds of questions: a message is on the disk of a mirror before it is there."""


def player_over(addresses: Sequence[Address]) -> Play:
    """Return a function that plays scripts on the nodes of a cluster, or on one node alike."""

    def played(script: Script, quiet_rounds: int) -> Sequence[Seen]:
        alike = [_alike(step) for step in script]
        return play(alike, *addresses, quiet_rounds=quiet_rounds, pause_min_s=PAUSE_S)

    return played


def _alike(step: Step) -> Step:
    if step.method != "queue.declare":
        return step
    given = {name: value for name, value in step.given.items() if name != "exclusive"}
    arguments = given.get("arguments", {})
    if str(arguments.get("x-overflow", "")).startswith("reject"):
        given["arguments"] = {
            name: value for name, value in arguments.items() if name != "x-overflow"
        }
    return step._replace(given=given)
