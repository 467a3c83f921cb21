"""``haremq cluster`` and ``haremq nodes``: what a cluster is, and nodes that go and come."""

from typing import Any, Final

import click

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.errors import CommandError
from command_line.leaf import argument, flag, group, leaf, option
from command_line.session import Session

NAP_S: Final = 1.0
"""Between two looks at how far a drain has come."""

WAIT_S: Final = 300

_NODES: Final = (
    "name",
    "running",
    "state",
    "zone",
    "version",
    "leaders",
    "replicas",
    "lag",
    "address",
)
_QUEUES: Final = ("vhost", "name", "type", "danger", "leader", "in_sync", "min_isr", "epoch")


def cluster_of(session: Session) -> Thing:
    """Return the cluster of the node.

    Raises:
        CommandError: it is in none.
    """
    found = session.api.thing(path_of("cluster"))
    if not found.get("clustered"):
        raise CommandError("this node is in no cluster", exit_status.DATA)
    return found


@leaf(shows=True)
def status(session: Session) -> None:
    """Show the cluster: its nodes, its store, how many queues are in danger."""
    found = session.api.thing(path_of("cluster"))
    if session.output.form not in {"table", "csv"}:
        session.output.thing(found)
        return
    nodes, queues = found.pop("nodes"), found.pop("queues", {})
    found |= {f"queues_{name}": count for name, count in queues.items()}
    session.output.thing(found | {f"node {node['name']}": _line_of(node) for node in nodes})


def _line_of(node: Thing) -> str:
    parts = [
        "runs" if node.get("running") else "is gone",
        str(node["state"]),
        f"leads {node['leaders']}",
    ]
    if node.get("zone"):
        parts.append(f"zone {node['zone']}")
    if node.get("lag"):
        parts.append(f"{node['lag']} records behind")
    return ", ".join(parts)


@leaf(shows=True)
def in_danger(session: Session) -> None:
    """List queues with fewer mirrors than they should have, the worst first."""
    session.output.rows(session.api.things(path_of("cluster", "queues")), _QUEUES)


@leaf(
    option(
        "--type",
        "kind",
        text="Only queues of this type.",
        metavar="TYPE",
        type=click.Choice(["all", "classic", "quorum", "stream"]),
        default="all",
    ),
    option("--vhost-pattern", text="Only in these vhosts.", metavar="REGEX", default=""),
    option("--queue-pattern", text="Only these queues.", metavar="REGEX", default=""),
)
def rebalance(session: Session, kind: str, vhost_pattern: str, queue_pattern: str) -> None:
    """Spread leaders of queues over the nodes."""
    body = {"type": kind, "vhost_pattern": vhost_pattern, "queue_pattern": queue_pattern}
    found = session.api.call("POST", path_of("cluster", "rebalance"), body)
    session.output.said(f"{(found or {}).get('moves', 0)} leaders move")


@leaf(argument("node", required=False), shows=True)
def upgrade_check(session: Session, node: str | None) -> None:
    """Succeed if a node may stop: list the queues that would stop with it, status 69."""
    whole = cluster_of(session)
    name = node or whole["node"]
    levels = f"{whole['feature_level']}, all nodes can read {whole['feature_level_next']}"
    session.note(f"the feature level is {levels}")
    found = session.api.thing(path_of("nodes", name, "upgrade-check"))
    if found["safe"]:
        session.note(f"{name} may stop: no queue needs it")
        return
    session.output.rows(found["queues"], ("vhost", "name", "type", "harm", "left", "min_isr"))
    session.output.flush()
    text = f"{found['count']} queues need {name}: wait until their mirrors are in sync"
    raise CommandError(text, exit_status.UNAVAILABLE)


@leaf(asks=True)
def finalize(session: Session) -> None:
    """Write what all nodes can read from now on; an older version cannot come back."""
    found = cluster_of(session)
    levels = f"from {found['feature_level']} to {found['feature_level_next']}"
    session.agree(f"raise the feature level {levels}, so that no node can go back to before")
    done = session.api.call("POST", path_of("cluster", "feature-level"))
    session.output.said(f"the feature level is {(done or {}).get('feature_level')}")


@leaf(name="list", shows=True)
def list_nodes(session: Session) -> None:
    """List the nodes of the cluster."""
    session.output.rows(cluster_of(session)["nodes"], _NODES)


@leaf(
    argument("name"),
    flag("--no-wait", text="Do not wait until it leads nothing."),
    option(
        "--wait",
        "wait_s",
        text="Longest wait.",
        metavar="S",
        type=click.FloatRange(0, 86_400),
        default=WAIT_S,
    ),
)
def drain(session: Session, name: str, **given: Any) -> None:  # noqa: ANN401 -- of options
    """Have a node lead nothing, so that it can stop; wait until that is so."""
    session.api.call("PUT", path_of("nodes", name, "drain"))
    surface = session.surface
    end_s = surface.clock_s() + given["wait_s"]
    left = 0 if given["no_wait"] else _leaders_of(session, name)
    while left:
        session.output.progress(f"{name} leads {left:,} queues")
        if surface.clock_s() >= end_s:
            session.output.progress("")
            text = (
                f"{name} still leads {left:,} queues: no member of them runs elsewhere."
                f" haremq cluster upgrade-check {name} lists what would stop"
            )
            raise CommandError(text, exit_status.TEMPORARY)
        surface.sleep(NAP_S)
        left = _leaders_of(session, name)
    session.output.progress("")
    session.output.said(f"{name} is drained" if not given["no_wait"] else f"{name} drains")


def _leaders_of(session: Session, name: str) -> int:
    nodes = cluster_of(session)["nodes"]
    return next((int(node["leaders"]) for node in nodes if node["name"] == name), 0)


@leaf(argument("name"))
def undrain(session: Session, name: str) -> None:
    """Have a node lead queues again."""
    session.api.call("PUT", path_of("nodes", name, "undrain"))


@leaf(argument("name"), asks=True)
def forget(session: Session, name: str) -> None:
    """Take a node that is gone for ever out of the cluster; its replicas are made elsewhere."""
    session.agree(f"take {name} out of the cluster, with all that only it has")
    session.api.call("DELETE", path_of("nodes", name))


cluster = group(
    "cluster",
    "The cluster: status, in-danger, rebalance, upgrade-check, finalize.",
    status,
    in_danger,
    rebalance,
    upgrade_check,
    finalize,
)
nodes = group(
    "nodes", "Its nodes: list, drain, undrain, forget.", list_nodes, drain, undrain, forget
)
