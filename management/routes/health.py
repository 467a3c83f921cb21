"""Health checks: 200 where all is well, and 503 with what is not.

Source: RabbitMQ 3.10, recorded answers; those that need no login are of 4.x.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from amqp_server.broker.admin import SettledBy
from amqp_server.broker.views import (
    ACTIVE,
    MirroredView,
    PatternError,
    compile_pattern,
)
from management.bodies.node import listeners_of, protocol_of
from management.call import Call
from management.clustered import listed_of
from management.dangers import SHOWN_MAX
from management.http.errors import OK, UNAVAILABLE, bad_request, not_found
from management.http.request import whole_number
from management.http.response import Response, answer
from management.node import pages
from management.routing.route import Right, Route
from management.vhost_commands import matching

QUORUM_CRITICAL: Final = (
    "There are quorum queues that would lose their quorum if the target node is shut down"
)
MIRRORS_CRITICAL: Final = "There are classic mirrored queues without online synchronised mirrors"

_FRESH: Final[Mapping[str, str]] = {
    "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
    "pragma": "no-cache",
    "expires": "0",
}

_ALIASES: Final[Mapping[str, str]] = {
    "amqp091": "amqp",
    "amqp0.9.1": "amqp",
    "amqp0-9-1": "amqp",
    "amqp10": "amqp",
    "amqp1.0": "amqp",
    "amqp1-0": "amqp",
    "amqps": "amqp/ssl",
    "streams": "stream",
    "stream/tls": "stream/ssl",
}

_DAY_MS: Final = 86_400_000
_UNIT_MS: Final[Mapping[str, int]] = {
    "days": _DAY_MS,
    "weeks": 7 * _DAY_MS,
    "months": 31 * _DAY_MS,
    "years": 365 * _DAY_MS,
}
"""RabbitMQ's words, as their spans."""


def _ok(**more: object) -> Response:
    return answer({"status": "ok", **more}, OK, _FRESH)


def _failed(reason: str, **more: object) -> Response:
    return answer({"status": "failed", "reason": reason, **more}, UNAVAILABLE, _FRESH)


async def alarms(call: Call) -> Response:
    """Fail while memory or disk run low."""
    reason = call.node.views.node().alarm
    node = call.services.identity.node
    found = [{"node": node, "resource": name} for name in ("memory", "disk") if name in reason]
    if not found:
        return _ok()
    return _failed("There are alarms in effect in the cluster", alarms=found)


async def local_alarms(call: Call) -> Response:
    """Fail while memory or disk of this node run low."""
    reason = call.node.views.node().alarm
    node = call.services.identity.node
    found = [{"node": node, "resource": name} for name in ("memory", "disk") if name in reason]
    if not found:
        return _ok()
    return _failed("There are alarms in effect on the node", alarms=found)


async def vhosts_run(_call: Call) -> Response:
    """Do not fail: a vhost that there is runs."""
    return _ok()


async def quorum_critical(call: Call) -> Response:
    """Fail where quorum queues or streams would stop without this node."""
    return await _critical(call, {"quorum", "stream"}, QUORUM_CRITICAL)


async def mirrors_critical(call: Call) -> Response:
    """Fail where mirrored classic queues would stop without this node.

    One that has a replica here alone is not mirrored, and waiting would not help it.
    """
    return await _critical(call, {"classic"}, MIRRORS_CRITICAL, counts_alone=False)


async def _critical(
    call: Call, kinds: set[str], reason: str, *, counts_alone: bool = True
) -> Response:
    views = call.node.views
    if len(views.cluster_nodes()) <= 1:
        return _ok(reason="single node cluster")
    harm = await call.node.slices.finish(views.harmed_without(call.services.identity.node))
    found = [
        listed_of(queue)
        for queue in harm.queues
        if queue.kind in kinds and (counts_alone or not queue.is_alone)
    ]
    return _failed(reason, queues=found) if found else _ok()


async def led(call: Call) -> Response:
    """Fail where a quorum queue has no leader: of all vhosts, or of one, by a pattern of names."""
    names, vhost = call.names, call.names.get("vhost")
    try:
        pattern = compile_pattern(names.get("pattern", ""))
    except PatternError as error:
        raise bad_request(str(error)) from error

    def is_lost(view: MirroredView) -> bool:
        is_meant = view.kind == "quorum" and vhost in {None, view.vhost}
        return is_meant and view.is_offline and pattern.search(view.name)

    every = (view for page in pages(call.node.views.mirrored_queues) for view in page)
    lost = await matching(call, every, is_lost)
    if not lost:
        return _ok()
    found = [listed_of(view) for view in lost[:SHOWN_MAX]]
    return _failed("Detected quorum queues without an elected leader", queues=found)


async def in_service(call: Call) -> Response:
    """Fail where the node is drained, as it will stop, or takes no part in its cluster (R21)."""
    own, whole = call.services.identity.node, call.node.views.cluster()
    if whole is not None and whole.frozen:
        return _failed(f"the node takes no part in its cluster: {whole.frozen}")
    for node in call.node.views.cluster_nodes():
        if node.name == own and node.state != ACTIVE:
            return _failed(f"the node is {node.state}: it will stop")
    return _ok()


async def has_its_size(_call: Call) -> Response:
    """Do not fail: nobody says how many nodes there are to be."""
    return _ok()


async def below_connection_limit(call: Call) -> Response:
    """Fail where as many are connected as may be."""
    view = call.node.views.node()
    used = view.resources
    limit = 0 if used is None else used.sockets_max
    if limit and used is not None and used.sockets >= limit:
        return _failed("The node has reached its limit of connections", connections=used.sockets)
    return _ok(connections=view.connection_count, limit=limit or "infinity")


async def port_listener(call: Call) -> Response:
    """Fail where nothing listens on a port."""
    text = call.names["port"]
    if whole_number(text.removeprefix("-")) is None:
        raise bad_request("Invalid port")
    port = int(text)
    ports = [each.port for each in listeners_of(call.node.views.node())]
    if port in ports:
        return _ok(port=port)
    return _failed("No active listener", missing=port, ports=ports)


async def protocol_listener(call: Call) -> Response:
    """Fail where nothing speaks a protocol, or one of several with commas between them."""
    asked = call.names["protocol"]
    names = [_ALIASES.get(name.strip().lower(), name.strip().lower()) for name in asked.split(",")]
    spoken = list(
        dict.fromkeys([protocol_of(each) for each in listeners_of(call.node.views.node())])
    )
    missing = [name for name in names if name not in spoken]
    is_one = len(names) == 1
    if not missing:
        return _ok(protocol=names[0]) if is_one else _ok(protocols=names)
    # A text for one, as in 3.x; a list for several, as in 4.x.
    return _failed(
        "No active listener", missing=missing[0] if is_one else missing, protocols=spoken
    )


async def certificate_expiration(call: Call) -> Response:
    """Fail where a certificate ends before a time is over."""
    unit = call.names["unit"]
    within = call.names["within"]
    if unit not in _UNIT_MS:
        supported = ", ".join(_UNIT_MS)
        raise bad_request(f"Time unit not recognised. Supported units: {supported}.")
    if whole_number(within.removeprefix("-")) is None:
        raise bad_request("Invalid expiration value.")
    view = call.node.views.node()
    ends_ms = None if view.resources is None else view.resources.certificate_ends_ms
    secure = [each for each in listeners_of(view) if each.is_tls]
    if not secure:
        return _ok()
    if ends_ms is None:
        return _failed("The node does not know when its certificates end", expired=[])
    if ends_ms > view.wall_ms + int(within) * _UNIT_MS[unit]:
        return _ok()
    ends = datetime.fromtimestamp(ends_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    node = call.services.identity.node
    expired = [
        {
            "node": node,
            "protocol": protocol_of(each),
            "interface": each.address,
            "port": each.port,
            "certfile_expires_on": [ends],
        }
        for each in secure
    ]
    return _failed("Certificates expiring", expired=expired)


async def aliveness(call: Call) -> Response:
    """Declare a queue, publish a message and get it, as the user."""
    user, vhost = call.account.asker, call.vhost
    if not call.node.has_vhost(vhost):
        raise not_found()
    await call.node.command(
        "declare_queue",
        vhost=vhost,
        name=ALIVENESS_QUEUE,
        username=user,
        durable=False,
        auto_delete=False,
        arguments={},
    )
    await call.node.command(
        "publish",
        vhost=vhost,
        exchange="",
        username=user,
        routing_key=ALIVENESS_QUEUE,
        properties={},
        payload=b"test_message",
    )
    got: Any = await call.node.command(
        "get",
        vhost=vhost,
        name=ALIVENESS_QUEUE,
        username=user,
        count=1,
        settled_by=SettledBy.NO_ACK,
        truncate_bytes=None,
    )
    return _ok() if got else _failed("the message that was published is not there")


async def node_health(call: Call) -> Response:
    """Fail while an alarm is on."""
    node = call.names.get("node")
    if node is not None and node != call.services.identity.node:
        raise not_found()
    reason = call.node.views.node().alarm
    return _failed(f"resource alarm(s) in effect: {reason}") if reason else _ok()


ALIVENESS_QUEUE: Final = "aliveness-test"


def _route(path: str, handler: Any, summary: str, right: Right = Right.USER) -> Route:  # noqa: ANN401
    return Route(
        method="GET",
        path=path,
        right=right,
        handler=handler,
        summary=summary,
        answer="health",
    )


_CHECK: Final = "health/checks"
_LEADERS: Final = f"{_CHECK}/quorum-queues-without-elected-leaders"

ROUTES: Final = (
    _route(f"{_CHECK}/alarms", alarms, "No alarm is on in the cluster."),
    _route(f"{_CHECK}/local-alarms", local_alarms, "No alarm is on in this node."),
    _route(f"{_CHECK}/virtual-hosts", vhosts_run, "All vhosts run."),
    _route(f"{_CHECK}/node-is-quorum-critical", quorum_critical, "No queue needs this node."),
    _route(
        f"{_CHECK}/node-is-mirror-sync-critical",
        mirrors_critical,
        "No mirrored classic queue needs this node.",
    ),
    _route(f"{_CHECK}/port-listener/{{port}}", port_listener, "Something listens on a port."),
    _route(
        f"{_CHECK}/protocol-listener/{{protocol}}",
        protocol_listener,
        "Something speaks a protocol.",
    ),
    _route(
        f"{_CHECK}/certificate-expiration/{{within}}/{{unit}}",
        certificate_expiration,
        "No certificate ends within a time.",
    ),
    _route(f"{_CHECK}/is-in-service", in_service, "The node serves clients.", Right.NOBODY),
    _route(f"{_CHECK}/ready-to-serve-clients", in_service, "The same.", Right.NOBODY),
    _route(
        f"{_CHECK}/below-node-connection-limit",
        below_connection_limit,
        "More clients may connect.",
        Right.NOBODY,
    ),
    _route(
        f"{_CHECK}/reached-target-cluster-size",
        has_its_size,
        "The cluster has all its nodes.",
        Right.NOBODY,
    ),
    _route(f"{_CHECK}/metadata-store/initialized", vhosts_run, "Definitions were read."),
    _route(f"{_CHECK}/metadata-store/initialized/with-data", vhosts_run, "The same."),
    _route(f"{_LEADERS}/all-vhosts", led, "All quorum queues have a leader."),
    _route(f"{_LEADERS}/all-vhosts/pattern/{{pattern}}", led, "The same, by name."),
    _route(f"{_LEADERS}/vhost/{{vhost}}", led, "The same, in a vhost."),
    _route(f"{_LEADERS}/vhost/{{vhost}}/pattern/{{pattern}}", led, "The same, by name."),
    _route("aliveness-test/{vhost}", aliveness, "A message goes in and out of a queue."),
    _route("healthchecks/node", node_health, "The node is well."),
    _route("healthchecks/node/{node}", node_health, "A node is well."),
)
