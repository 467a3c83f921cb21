"""``rabbitmq-upgrade``: what scripts wait for before they stop a node of several."""

from collections.abc import Mapping
from typing import Final

from command_line.lookalike.cluster import UPGRADE
from command_line.lookalike.results import Result, Told
from command_line.lookalike.words import Call, Command


def nothing(call: Call) -> Result:
    """Succeed: there is nothing to be done after an upgrade."""
    return Told(None, {"node": call.node, "result": "ok"})


COMMANDS: Final[Mapping[str, Command]] = {
    **UPGRADE,
    "post_upgrade": Command(nothing, "Executing post upgrade checks..."),
}
