"""``rabbitmq-upgrade``: what scripts wait for before they stop a node of several."""

from collections.abc import Mapping
from typing import Final

from command_line.lookalike.results import Result, Told
from command_line.lookalike.words import Call, Command

_ALONE: Final = (
    "Target node seems to be the only one in a single node cluster, the {} does not apply"
)


def alone(call: Call) -> Result:
    """Succeed: nobody else has to be online for the only node."""
    assert call.node, "it answers"
    return Told(_ALONE.format("command"), {"message": _ALONE.format("check"), "result": "ok"})


def nothing(call: Call) -> Result:
    """Succeed: there is nothing to be done after an upgrade."""
    return Told(None, {"node": call.node, "result": "ok"})


COMMANDS: Final[Mapping[str, Command]] = {
    "await_online_quorum_plus_one": Command(
        alone,
        "Will wait for a quorum + 1 of nodes to be online for all quorum queues for {seconds}"
        " seconds...",
    ),
    "await_online_synchronized_mirror": Command(
        alone,
        "Will wait for a synchronised mirror be online for all classic mirrored queues for"
        " {seconds} seconds...",
    ),
    "post_upgrade": Command(nothing, "Executing post upgrade checks..."),
}
