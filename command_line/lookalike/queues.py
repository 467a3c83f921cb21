"""``rabbitmq-queues``: replicas of queues."""

from collections.abc import Mapping
from typing import Final

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.errors import CommandError, RefusedError
from command_line.lookalike.accounts import NOT_FOUND
from command_line.lookalike.cluster import QUEUES
from command_line.lookalike.peeking import peek, require_position
from command_line.lookalike.results import Result, Rows
from command_line.lookalike.words import Call, Command


def queue_of(call: Call) -> Thing:
    """Return the queue that is named.

    Raises:
        CommandError: 69, there is none.
    """
    try:
        return call.api.thing(path_of("queues", call.vhost, call.args[0]))
    except RefusedError as error:
        if error.http_status != NOT_FOUND:
            raise
        raise CommandError("not_found", exit_status.UNAVAILABLE) from error


_STATUS: Final = (
    "Node Name",
    "Raft State",
    "Log Index",
    "Commit Index",
    "Snapshot Index",
    "Term",
    "Machine Version",
)


def quorum_status(call: Call) -> Result:
    """Say how the replicas of a quorum queue are: who leads, and who is there."""
    found = queue_of(call)
    if found.get("type") != "quorum":
        text = f"Cannot get quorum status of a {found.get('type')} queue"
        raise CommandError(text, exit_status.UNAVAILABLE)
    online = found.get("online") or [call.node]
    rows = [
        {
            "Node Name": node,
            "Raft State": _role(node, found, online, call),
            **dict.fromkeys(_STATUS[2:], 0),
            "Snapshot Index": "undefined",
            "Term": found.get("epoch", 1),
        }
        for node in found.get("members") or [call.node]
    ]
    return Rows(_STATUS, rows, is_drawn=True)


def _role(node: str, queue: Thing, online: list[str], call: Call) -> str:
    if node not in online:
        return "noproc"
    return "leader" if node == queue.get("leader", call.node) else "follower"


COMMANDS: Final[Mapping[str, Command]] = {
    "quorum_status": Command(
        quorum_status, "Status of quorum queue {0} on node {call.node} ...", least=1, most=1
    ),
    "peek": Command(
        peek,
        "Peeking at quorum queue {0} at position {1} on node {call.node} ...",
        least=2,
        most=2,
        check=require_position,
    ),
    **QUEUES,
}
