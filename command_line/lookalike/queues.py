"""``rabbitmq-queues``: replicas of queues, of which each has one."""

from collections.abc import Callable, Mapping
from typing import Final

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.errors import CommandError, RefusedError
from command_line.lookalike.accounts import NOT_FOUND
from command_line.lookalike.peeking import peek, require_position
from command_line.lookalike.results import Result, Rows, Told
from command_line.lookalike.words import TEXT, Call, Command


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
    """Say how the replicas of a quorum queue are: there is one, the leader."""
    found = queue_of(call)
    if found.get("type") != "quorum":
        text = f"Cannot get quorum status of a {found.get('type')} queue"
        raise CommandError(text, exit_status.UNAVAILABLE)
    row = {"Node Name": call.node, "Raft State": "leader", **dict.fromkeys(_STATUS[2:], 0)}
    return Rows(_STATUS, [{**row, "Snapshot Index": "undefined", "Term": 1}], is_drawn=True)


def alone(call: Call) -> Result:
    """Succeed: the only node of a cluster is critical for nothing."""
    rest = "seems to be the only one in a single node cluster, the check does not apply"
    value = {"message": f"Target node {rest}", "result": "ok"}
    return Told(f"Node {call.node} {rest}", value, is_check=True)


_COUNTS: Final = ("Node name", "Number of quorum queues", "Number of replicated classic queues")


def rebalance(call: Call) -> Result:
    """Do nothing: there is one node."""
    rows = call.api.things(path_of("queues"), columns="type")
    count = sum(row.get("type") == "quorum" for row in rows)
    return Rows(_COUNTS, [dict(zip(_COUNTS, (call.node, count, 0), strict=True))], is_drawn=True)


def _one_replica(_call: Call) -> Result:
    text = "HareMQ has one node, so that a queue has one replica"
    raise CommandError(f"Error:\n{text}", exit_status.USAGE)


_CHECKING: Final = "Checking if node {call.node} is critical for "
_REFUSED: Final[Callable[[Call], Result]] = _one_replica
_SELECT: Final = {"--vhost-pattern": TEXT, "--queue-pattern": TEXT}

COMMANDS: Final[Mapping[str, Command]] = {
    "quorum_status": Command(
        quorum_status, "Status of quorum queue {0} on node {call.node} ...", least=1, most=1
    ),
    "check_if_node_is_quorum_critical": Command(
        alone, _CHECKING + "quorum of any quorum queues ..."
    ),
    "check_if_node_is_mirror_sync_critical": Command(
        alone, _CHECKING + "data safety of any classic mirrored queues ..."
    ),
    "rebalance": Command(
        rebalance, "Re-balancing leaders of {balanced}...", least=1, most=1, options=_SELECT
    ),
    "peek": Command(
        peek,
        "Peeking at quorum queue {0} at position {1} on node {call.node} ...",
        least=2,
        most=2,
        check=require_position,
    ),
    "add_member": Command(_REFUSED, most=None),
    "delete_member": Command(_REFUSED, most=None),
    "grow": Command(_REFUSED, most=None),
    "shrink": Command(_REFUSED, most=None),
}
