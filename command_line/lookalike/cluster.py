"""What RabbitMQ's tools say and do of a cluster: its nodes, leaders and replicas.

Source: RabbitMQ 3.13, the commands of rabbitmqctl, rabbitmq-queues and rabbitmq-upgrade.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.errors import CommandError, RefusedError
from command_line.lookalike.results import Done, Result, Rows, Told
from command_line.lookalike.words import FLAG, TEXT, Call, Command

ALONE: Final = "HareMQ has one node, so that a queue has one replica"
POLL_S: Final = 1.0
AWAIT_S: Final = 120.0


def cluster_of(call: Call) -> Thing:
    """Return the cluster of the node, which may be in none."""
    return call.api.thing(path_of("cluster"))


def _require_cluster(call: Call) -> Thing:
    found = cluster_of(call)
    if not found.get("clustered"):
        raise CommandError(f"Error:\n{ALONE}", exit_status.USAGE)
    return found


def forget_cluster_node(call: Call) -> Result:
    """Take a node that is gone out of the cluster."""
    if call.has("offline"):
        raise CommandError("Error:\nHareMQ forgets nodes on a running one only", exit_status.USAGE)
    call.api.call("DELETE", path_of("nodes", call.args[0]))
    return Done(call.node)


_CRITICAL: Final[Mapping[str, str]] = {
    "node-is-quorum-critical": "There are quorum queues that would lose their quorum if the target"
    " node is shut down",
    "node-is-mirror-sync-critical": "There are classic mirrored queues without online synchronised"
    " mirrors",
}


def _critical(call: Call, check: str) -> Result:
    if len(cluster_of(call)["nodes"]) <= 1:
        rest = "seems to be the only one in a single node cluster, the check does not apply"
        value = {"message": f"Target node {rest}", "result": "ok"}
        return Told(f"Node {call.node} {rest}", value, is_check=True)
    if _is_critical(call, check):
        raise CommandError(f"Error:\n{_CRITICAL[check]}", exit_status.UNAVAILABLE)
    text = f"Node {call.node} reported no queues that need it"
    return Told(text, {"message": text, "result": "ok"}, is_check=True)


def _is_critical(call: Call, check: str) -> bool:
    try:
        call.api.call("GET", path_of("health", "checks", check))
    except RefusedError as error:
        if error.status != exit_status.UNAVAILABLE:
            raise
        return True
    return False


def quorum_critical(call: Call) -> Result:
    """Succeed if no quorum queue needs the node."""
    return _critical(call, "node-is-quorum-critical")


def mirrors_critical(call: Call) -> Result:
    """Succeed if no mirrored classic queue needs the node."""
    return _critical(call, "node-is-mirror-sync-critical")


def _await(call: Call, check: str) -> Result:
    """Wait until no queue needs the node.

    Raises:
        CommandError: 75, some do after the time.
    """
    surface = call.surface
    limit_s = float(call.options.get("timeout", AWAIT_S))
    end_s = surface.clock_s() + limit_s
    if len(cluster_of(call)["nodes"]) <= 1:
        text = (
            "Target node seems to be the only one in a single node cluster, the {} does not apply"
        )
        return Told(text.format("command"), {"message": text.format("check"), "result": "ok"})
    while _is_critical(call, check):
        if surface.clock_s() >= end_s:
            text = f"Error: operation {call.name} timed out. Timeout value used: {limit_s:g}"
            raise CommandError(text, exit_status.TEMPORARY)
        surface.sleep(POLL_S)
    return Told(None, {"node": call.node, "result": "ok"})


def await_quorum(call: Call) -> Result:
    """Wait until no quorum queue needs the node."""
    return _await(call, "node-is-quorum-critical")


def await_mirror(call: Call) -> Result:
    """Wait until no mirrored classic queue needs the node."""
    return _await(call, "node-is-mirror-sync-critical")


def drain(call: Call) -> Result:
    """Have the node lead nothing; a single node has nobody else."""
    if cluster_of(call).get("clustered"):
        call.api.call("PUT", path_of("nodes", call.node, "drain"))
    return Done(call.node)


def revive(call: Call) -> Result:
    """Have the node lead queues again."""
    if cluster_of(call).get("clustered"):
        call.api.call("PUT", path_of("nodes", call.node, "undrain"))
    return Done(call.node)


_COUNTS: Final = ("Node name", "Number of quorum queues", "Number of replicated classic queues")


def rebalance(call: Call) -> Result:
    """Spread leaders over the nodes; a single node has all of them."""
    if cluster_of(call).get("clustered"):
        body = {
            "type": call.args[0],
            "vhost_pattern": call.options.get("vhost-pattern", ""),
            "queue_pattern": call.options.get("queue-pattern", ""),
        }
        call.api.call("POST", path_of("cluster", "rebalance"), body)
    found = cluster_of(call)
    nodes = [str(node["name"]) for node in found["nodes"]] or [call.node]
    led: Counter[tuple[str, str]] = Counter()
    for row in call.api.things(path_of("queues"), columns="type,node,slave_nodes"):
        kind = str(row.get("type"))
        if kind == "quorum" or row.get("slave_nodes"):
            led[str(row.get("node")), kind] += 1
    rows = [(name, led[name, "quorum"], led[name, "classic"]) for name in nodes]
    return Rows(_COUNTS, [dict(zip(_COUNTS, row, strict=True)) for row in rows], is_drawn=True)


def add_member(call: Call) -> Result:
    """Have a node get a replica of a quorum queue."""
    return _member(call, "PUT")


def delete_member(call: Call) -> Result:
    """Have a node give its replica of a quorum queue up."""
    return _member(call, "DELETE")


def _member(call: Call, method: str) -> Result:
    _require_cluster(call)
    queue, node = call.args
    call.api.call(method, path_of("queues", call.vhost, queue, "replicas", node))
    return Done(call.node)


_GROWN: Final = ("vhost", "name", "size", "result")


def grow(call: Call) -> Result:
    """Have a node get a replica of each quorum queue, or of those with an even number of them."""
    _require_cluster(call)
    node, strategy = call.args
    if strategy not in {"all", "even"}:
        raise CommandError("Error:\nthe strategy is all or even", exit_status.USAGE)
    return _each(call, "PUT", node, even=strategy == "even", has=False)


def shrink(call: Call) -> Result:
    """Have a node give its replicas of quorum queues up."""
    _require_cluster(call)
    return _each(call, "DELETE", call.args[0], even=False, has=True)


def _each(call: Call, method: str, node: str, *, even: bool, has: bool) -> Result:
    """Change a replica of each quorum queue that is meant; one that is refused ends no other."""
    vhosts, names = (_pattern(call, key) for key in ("vhost-pattern", "queue-pattern"))
    rows: list[Thing] = []
    found = call.api.things(path_of("queues"), columns="name,vhost,type,members")
    for queue in found:
        members = queue.get("members") or []
        is_meant = queue.get("type") == "quorum" and (node in members) == has
        if not is_meant or (even and len(members) % 2):
            continue
        vhost, name = str(queue["vhost"]), str(queue["name"])
        if not vhosts.search(vhost) or not names.search(name):
            continue
        result, size = "ok", len(members) + (-1 if has else 1)
        try:
            call.api.call(method, path_of("queues", vhost, name, "replicas", node))
        except RefusedError as error:
            result, size = f"error: {error.reason}", len(members)
        if result != "ok" or not call.has("errors-only"):
            rows.append(dict(zip(_GROWN, (vhost, name, size, result), strict=True)))
    return Rows(_GROWN, rows)


def _pattern(call: Call, key: str) -> re.Pattern[str]:
    text = call.options.get(key, "")
    try:
        return re.compile(text)
    except re.error as error:
        raise CommandError(f"Error:\n{text} is no pattern: {error}", exit_status.USAGE) from error


_SELECT: Final = {"--vhost-pattern": TEXT, "--queue-pattern": TEXT}
_CHECKING: Final = "Checking if node {call.node} is critical for "

CONTROL: Final[Mapping[str, Command]] = {
    "forget_cluster_node": Command(
        forget_cluster_node,
        "Removing node {0} from the cluster",
        least=1,
        most=1,
        options={"--offline": FLAG},
    ),
}
"""Commands of rabbitmqctl."""

QUEUES: Final[Mapping[str, Command]] = {
    "check_if_node_is_quorum_critical": Command(
        quorum_critical, _CHECKING + "quorum of any quorum queues ..."
    ),
    "check_if_node_is_mirror_sync_critical": Command(
        mirrors_critical, _CHECKING + "data safety of any classic mirrored queues ..."
    ),
    "rebalance": Command(
        rebalance, "Re-balancing leaders of {balanced}...", least=1, most=1, options=_SELECT
    ),
    "add_member": Command(
        add_member, "Adding a replica for queue {0} on node {1}...", least=2, most=2
    ),
    "delete_member": Command(
        delete_member, "Removing a replica of queue {0} on node {1}...", least=2, most=2
    ),
    "grow": Command(
        grow,
        "Growing {1} quorum queues on {0}...",
        least=2,
        most=2,
        options={**_SELECT, "--errors-only": FLAG},
    ),
    "shrink": Command(
        shrink,
        "Shrinking quorum queues on {0}...",
        least=1,
        most=1,
        options={"--errors-only": FLAG},
    ),
}
"""Commands of rabbitmq-queues."""

UPGRADE: Final[Mapping[str, Command]] = {
    "await_online_quorum_plus_one": Command(
        await_quorum,
        "Will wait for a quorum + 1 of nodes to be online for all quorum queues for {seconds}"
        " seconds...",
    ),
    "await_online_synchronized_mirror": Command(
        await_mirror,
        "Will wait for a synchronised mirror be online for all classic mirrored queues for"
        " {seconds} seconds...",
    ),
    "drain": Command(
        drain,
        "Will put node {call.node} into maintenance mode. The node will no"
        " longer serve any client traffic!",
    ),
    "revive": Command(revive, "Will revive node {call.node} from maintenance mode"),
}
"""Commands of rabbitmq-upgrade."""
