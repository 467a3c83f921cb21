"""Links to upstreams: ``federation-links``, how they are; parameters and policies define them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from amqp_server.broker.views import LinkState
from management.call import Call
from management.http.errors import not_found
from management.http.response import Response, empty
from management.listing import Rows, listed
from management.routing.route import Right, Route

RUNNING: Final = "running"


def link_body(held: LinkState, node: str) -> dict[str, Any]:
    """Return how a link is, as RabbitMQ shows it.

    Args:
        held: its state.
        node: name of the node.
    """
    link = held.link
    changed_at = datetime.fromtimestamp(held.changed_at_ms / 1000, UTC)
    body: dict[str, Any] = {
        "node": node,
        link.kind: link.name,
        f"upstream_{link.kind}": link.upstream_name,
        "type": link.kind,
        "vhost": link.vhost,
        "upstream": link.upstream.name,
        "policy": link.policy,
        "id": link.id,
        "status": held.status,
        "uri": held.uri,
        "timestamp": changed_at.strftime("%Y-%m-%d %H:%M:%S"),
        "messages_received": held.received,
    }
    if link.kind == "queue":
        body["consumer_tag"] = link.consumer_tag
    if held.error:
        body["error"] = held.error
    if held.local_connection:
        body["local_connection"] = held.local_connection
    return body


def _bodies(
    call: Call, vhost: str | None = None, *, is_down: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the links of a vhost, or of those that the user may enter.

    Args:
        call: of the user.
        vhost: None is all.
        is_down: only those that do not run.
    """
    seen = set(call.enterable_vhosts())
    node = call.services.identity.node
    for held in call.node.views.federation_links(vhost):
        if held.link.vhost in seen and not (is_down and held.status == RUNNING):
            yield link_body(held, node)


async def _listed(call: Call, found: Iterator[dict[str, Any]]) -> Response:
    return await listed(call, Rows(found, dict, lambda body: str(body["id"]), is_paged=False))


async def links(call: Call) -> Response:
    """Return the links of the vhosts that the user may enter."""
    return await _listed(call, _bodies(call))


async def links_down(call: Call) -> Response:
    """Return those of them that do not run."""
    return await _listed(call, _bodies(call, is_down=True))


async def links_of_vhost(call: Call) -> Response:
    """Return the links of a vhost."""
    _require_vhost(call)
    return await _listed(call, _bodies(call, call.vhost))


async def links_of_vhost_down(call: Call) -> Response:
    """Return the links of a vhost that do not run."""
    _require_vhost(call)
    return await _listed(call, _bodies(call, call.vhost, is_down=True))


def _require_vhost(call: Call) -> None:
    if not call.node.has_vhost(call.vhost):
        raise not_found()


async def restart_link(call: Call) -> Response:
    """Connect a link anew."""
    link, node = call.names["link"], call.names["node"]
    if node != call.services.identity.node or not call.node.has_vhost(call.vhost):
        raise not_found()
    if not await call.node.command("restart_federation_link", name=link, vhost=call.vhost):
        raise not_found()
    return empty()


ROUTES: Final = (
    Route(
        method="GET",
        path="federation-links",
        right=Right.MONITORING,
        handler=links,
        summary="The federation links of the vhosts that the user may enter.",
        answer="federation_link",
        is_list=True,
    ),
    Route(
        method="GET",
        path="federation-links/state/down",
        right=Right.MONITORING,
        handler=links_down,
        summary="The federation links that do not run.",
        answer="federation_link",
        is_list=True,
    ),
    Route(
        method="GET",
        path="federation-links/{vhost}",
        right=Right.MONITORING,
        handler=links_of_vhost,
        summary="The federation links of a vhost.",
        answer="federation_link",
        is_list=True,
    ),
    Route(
        method="GET",
        path="federation-links/{vhost}/state/down",
        right=Right.MONITORING,
        handler=links_of_vhost_down,
        summary="The federation links of a vhost that do not run.",
        answer="federation_link",
        is_list=True,
    ),
    Route(
        method="DELETE",
        path="federation-links/vhost/{vhost}/{link}/{node}/restart",
        right=Right.POLICYMAKER,
        handler=restart_link,
        summary="Connect a federation link anew.",
    ),
)
