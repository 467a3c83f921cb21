"""Shovels: ``shovels``, how they are; ``parameters/shovel`` defines them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from amqp_server.broker.views import ShovelState
from management.call import Call
from management.http.errors import not_found
from management.http.response import Response, empty
from management.listing import Rows, listed
from management.routing.route import Right, Route

COMPONENT: Final = "shovel"


def shovel_body(held: ShovelState, node: str) -> dict[str, Any]:
    """Return how a shovel is, as RabbitMQ shows it.

    Args:
        held: its state.
        node: name of the node.
    """
    shovel = held.shovel
    changed_at = datetime.fromtimestamp(held.changed_at_ms / 1000, UTC)
    body: dict[str, Any] = {
        "node": node,
        "timestamp": changed_at.strftime("%Y-%m-%d %H:%M:%S"),
        "name": shovel.name,
        "vhost": shovel.vhost,
        "type": "dynamic",
        "state": held.state,
        "src_protocol": "amqp091",
        "dest_protocol": "amqp091",
        "forwarded": held.forwarded,
        "remaining": "unlimited" if held.remaining is None else held.remaining,
    }
    if held.reason:
        body["reason"] = held.reason
    told = {
        "src_uri": held.source_uri or None,
        "src_queue": shovel.source.queue,
        "src_exchange": shovel.source.exchange,
        "src_exchange_key": shovel.source.exchange_key,
        "dest_uri": held.destination_uri or None,
        "dest_queue": shovel.destination.queue,
        "dest_exchange": shovel.destination.exchange,
        "dest_exchange_key": shovel.destination.exchange_key,
    }
    return body | {key: text for key, text in told.items() if text is not None}


def _bodies(call: Call, vhost: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the shovels of a vhost, or of those that the user may enter."""
    seen = set(call.enterable_vhosts())
    node = call.services.identity.node
    for held in call.node.views.shovels(vhost):
        if held.shovel.vhost in seen:
            yield shovel_body(held, node)


async def _listed(call: Call, found: Iterator[dict[str, Any]]) -> Response:
    return await listed(call, Rows(found, dict, lambda body: str(body["name"]), is_paged=False))


async def shovels(call: Call) -> Response:
    """Return the shovels of the vhosts that the user may enter."""
    return await _listed(call, _bodies(call))


async def shovels_of_vhost(call: Call) -> Response:
    """Return the shovels of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _listed(call, _bodies(call, call.vhost))


def _named(call: Call) -> list[dict[str, Any]]:
    """Return the shovel of the path, in a list.

    Raises:
        HttpError: 404, there is none.
    """
    name = call.names["shovel"]
    found = [body for body in _bodies(call, call.vhost) if body["name"] == name]
    if not found:
        raise not_found()
    return found


async def shovel(call: Call) -> Response:
    """Return a shovel, in a list, as RabbitMQ does."""
    return await _listed(call, iter(_named(call)))


async def delete_shovel(call: Call) -> Response:
    """Delete a shovel."""
    _named(call)
    name, vhost = call.names["shovel"], call.vhost
    await call.node.command("clear_parameter", name=name, component=COMPONENT, vhost=vhost)
    return empty()


async def restart_shovel(call: Call) -> Response:
    """Connect a shovel anew."""
    _named(call)
    await call.node.command("restart_shovel", name=call.names["shovel"], vhost=call.vhost)
    return empty()


_ONE: Final = "shovels/vhost/{vhost}/{shovel}"

ROUTES: Final = (
    Route(
        method="GET",
        path="shovels",
        right=Right.MONITORING,
        handler=shovels,
        summary="The shovels of the vhosts that the user may enter.",
        answer="shovel",
        is_list=True,
    ),
    Route(
        method="GET",
        path="shovels/{vhost}",
        right=Right.MONITORING,
        handler=shovels_of_vhost,
        summary="The shovels of a vhost.",
        answer="shovel",
        is_list=True,
    ),
    Route(
        method="GET",
        path=_ONE,
        right=Right.MONITORING,
        handler=shovel,
        summary="A shovel, in a list.",
        answer="shovel",
        is_list=True,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        right=Right.POLICYMAKER,
        handler=delete_shovel,
        summary="Delete a shovel.",
    ),
    Route(
        method="DELETE",
        path=f"{_ONE}/restart",
        right=Right.POLICYMAKER,
        handler=restart_shovel,
        summary="Connect a shovel anew.",
    ),
)
