"""``haremq status``, ``ping``, ``health`` and ``check``: how a node is."""

from collections.abc import Mapping
from typing import Any, Final

import click

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.errors import CommandError, RefusedError
from command_line.leaf import argument, leaf
from command_line.session import Session
from command_line.table import value_at

CHECKS: Final[Mapping[str, str]] = {
    "alarms": "alarms",
    "local-alarms": "local-alarms",
    "virtual-hosts": "virtual-hosts",
    "node-is-quorum-critical": "node-is-quorum-critical",
    "in-service": "is-in-service",
    "ready": "ready-to-serve-clients",
    "below-connection-limit": "below-node-connection-limit",
    "port-listener": "port-listener",
    "protocol-listener": "protocol-listener",
    "certificate-expiration": "certificate-expiration",
}
"""The health checks of the HTTP API by the names that users type."""

USUAL_CHECKS: Final = ("in-service", "alarms", "virtual-hosts", "below-connection-limit")


@leaf(shows=True)
def status(session: Session) -> None:
    """Show a node: version, how long it runs, what it holds, what it uses."""
    overview = session.api.thing(path_of("overview"))
    nodes = session.api.things(path_of("nodes"))
    here = [node for node in nodes if node.get("name") == overview.get("node")]
    session.output.thing(status_of(overview, here[0] if here else {}))


def status_of(overview: Thing, node: Thing) -> dict[str, Any]:
    """Return what the status of a node says."""
    fields = {
        "node": "node",
        "product": "product_name",
        "version": "product_version",
        "rabbitmq_version": "rabbitmq_version",
        "cluster": "cluster_name",
        "connections": "object_totals.connections",
        "channels": "object_totals.channels",
        "queues": "object_totals.queues",
        "consumers": "object_totals.consumers",
        "messages_ready": "queue_totals.messages_ready",
        "messages_unacknowledged": "queue_totals.messages_unacknowledged",
        "publish_rate": "message_stats.publish_details.rate",
        "deliver_rate": "message_stats.deliver_get_details.rate",
    }
    found = {name: value_at(overview, path) for name, path in fields.items()}
    found["uptime_s"] = (node.get("uptime") or 0) // 1000
    for name in ("os_pid", "mem_used", "mem_limit", "disk_free", "disk_free_limit"):
        found[name] = node.get(name)
    found["descriptors"] = f"{node.get('fd_used')} of {node.get('fd_total')}"
    alarms = [name for name in ("mem_alarm", "disk_free_alarm") if node.get(name)]
    found["alarms"] = alarms or "none"
    found["listeners"] = [
        f"{each.get('protocol')}://{each.get('ip_address')}:{each.get('port')}"
        for each in overview.get("listeners") or []
    ]
    return found


@leaf()
def ping(session: Session) -> None:
    """Succeed if the node answers; a script's probe of life."""
    answer = session.api.answer("GET", path_of("health", "checks", "is-in-service"))
    if answer.status not in {200, 503}:
        raise CommandError(f"{session.api.shown} is no node of ours", exit_status.PROTOCOL)
    session.output.said(f"{session.api.shown} answers")


@leaf(argument("name"), argument("values", required=False, many=True))
def check(session: Session, name: str, values: tuple[str, ...]) -> None:
    """Succeed if a health check does: alarms, in-service, port-listener 5672 and others.

    certificate-expiration takes a number and a unit (days, weeks, months, years).
    """
    path = CHECKS.get(name)
    if path is None:
        raise CommandError(f"the checks are {', '.join(CHECKS)}", exit_status.USAGE)
    session.api.call("GET", path_of("health", "checks", path, *values))
    session.output.said(f"{name}: ok")


@leaf(shows=True)
def health(session: Session) -> None:
    """Show whether a node is well: several checks at once; the status is 69 where one fails."""
    rows = [_checked(session, name) for name in USUAL_CHECKS]
    session.output.rows(rows, ("check", "status", "reason"))
    if any(row["status"] != "ok" for row in rows):
        raise CommandError("", exit_status.UNAVAILABLE)


def _checked(session: Session, name: str) -> Thing:
    try:
        session.api.call("GET", path_of("health", "checks", CHECKS[name]))
    except RefusedError as error:
        if error.status != exit_status.UNAVAILABLE:
            raise
        return {"check": name, "status": "failed", "reason": error.reason}
    return {"check": name, "status": "ok", "reason": ""}


@leaf(shows=True)
def whoami(session: Session) -> None:
    """Show as whom you are logged in."""
    session.output.thing(session.api.thing(path_of("whoami")))


COMMANDS: Final[tuple[click.Command, ...]] = (status, ping, check, health, whoami)
