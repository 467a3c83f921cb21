"""Vhosts: ``vhosts`` and ``vhost-limits``."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from amqp_server.broker.admin import KINDS, PreconditionFailedError, VhostDefinition
from amqp_server.broker.views import LimitsView, VhostView
from management.across import added, answers_of_others
from management.bodies.accounts import limits_body
from management.bodies.vhosts import UNDEFINED, vhost_body, vhost_numbers
from management.call import Call
from management.http.body import require_keys, text_of, truth_of, words_of
from management.http.errors import bad_request, missing, not_found
from management.http.response import Response, created_or_changed, empty
from management.listing import Rows, listed
from management.lists.ranges import Ranges, ranges_of
from management.routing.route import Right, Route


async def vhosts(call: Call) -> Response:
    """Return the vhosts that the user sees."""
    ranges = ranges_of(call.request.query, "invalid_range_parameters")
    found = (call.node.views.vhost(name) for name in call.visible_vhosts())
    others: dict[str, list[Any]] = {}
    for answer in await answers_of_others(call):
        for each in answer:
            others.setdefault(each["name"], []).append(each)
    body = partial(_body, call, ranges, others)
    return await listed(call, Rows((view for view in found if view), body, _name_of))


def _body(
    call: Call, ranges: Ranges, others: Mapping[str, list[Any]], view: VhostView
) -> dict[str, Any]:
    body = vhost_body(view, call.services.identity.node)
    body["cluster_state"] |= {
        each.name: "running" for each in call.node.views.cluster_nodes() if each.is_running
    }
    if call.request.query.is_true("disable_stats"):
        return body
    sampler = call.services.sampler
    numbers = vhost_numbers(sampler.vhosts.get(view.name), sampler.looks, ranges)
    whole: dict[str, Any] = added(numbers, others.get(view.name, ()))
    return body | whole


def _name_of(view: VhostView) -> str:
    return view.name


async def vhost(call: Call) -> Response:
    """Return a vhost."""
    ranges = ranges_of(call.request.query)
    view = call.node.views.vhost(call.vhost)
    if view is None:
        raise not_found()
    others = {view.name: await answers_of_others(call)}
    return call.answer(_body(call, ranges, others, view))


async def put_vhost(call: Call) -> Response:
    """Create a vhost, or describe the one of that name."""
    body = call.body()
    if not call.vhost:
        raise bad_request("a vhost has a name")
    kind = body.get("default_queue_type") or UNDEFINED
    if kind != UNDEFINED and (not isinstance(kind, str) or kind not in KINDS):
        raise bad_request(f"Unsupported default queue type '{kind}'")
    description = "" if body.get("description") is None else text_of(body, "description")
    tracing = _flag_of(body, "tracing")
    protected = _flag_of(body, "protected_from_deletion")
    tags = words_of(body, "tags")
    definition = VhostDefinition(call.vhost, description, tags, KINDS.get(kind), tracing, protected)
    is_new = await call.node.command("put_vhost", definition=definition)
    user = call.account.asker
    if is_new and user is not None:
        # Whoever makes a vhost may use it, as in RabbitMQ.
        rights = {"configure": ".*", "write": ".*", "read": ".*"}
        await call.node.command("set_permissions", user=user, vhost=call.vhost, **rights)
    return created_or_changed(is_new=is_new is True)


def _flag_of(body: Mapping[str, Any], key: str) -> bool | None:
    """Return a flag; None where the body says nothing of it."""
    return truth_of(body, key, default=False) if key in body else None


async def delete_vhost(call: Call) -> Response:
    """Delete a vhost with everything in it."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    await call.node.command("delete_vhost", name=call.vhost)
    return empty()


async def protect_vhost(call: Call) -> Response:
    """Have the deletion of a vhost refused."""
    return await _protected(call, "enable", is_protected=True)


async def unprotect_vhost(call: Call) -> Response:
    """Let a vhost be deleted again."""
    return await _protected(call, "disable", is_protected=False)


async def _protected(call: Call, verb: str, *, is_protected: bool) -> Response:
    if not call.node.has_vhost(call.vhost):
        raise missing(
            f"Cannot {verb} deletion protection of virtual host '{call.vhost}' because it does"
            " not exist"
        )
    await call.node.command("protect_vhost", vhost=call.vhost, protected=is_protected)
    return empty()


async def start_vhost(call: Call) -> Response:
    """Do nothing: a vhost that there is runs."""
    node = call.names["node"]
    if node != call.services.identity.node:
        raise bad_request(f"Request to node {node} failed with nodedown")
    if not call.node.has_vhost(call.vhost):
        raise bad_request(
            f'Request to node {node} failed with {{no_such_vhost,<<"{call.vhost}">>}}'
        )
    return empty()


async def vhost_limits(call: Call) -> Response:
    """Return the limits of the vhosts that the user sees."""
    seen = set(call.visible_vhosts())
    held = [limits for limits in call.node.views.vhost_limits() if limits.name in seen]
    return await listed(call, _limits_rows(held))


async def limits_of_vhost(call: Call) -> Response:
    """Return the limits of a vhost, if it has any."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    held = [limits for limits in call.node.views.vhost_limits() if limits.name == call.vhost]
    return await listed(call, _limits_rows(held))


def _limits_rows(held: list[LimitsView]) -> Rows[LimitsView]:
    body = partial(limits_body, owner="vhost")
    return Rows(iter(held), body, lambda limits: limits.name, is_paged=False)


async def set_vhost_limit(call: Call) -> Response:
    """Set a limit of a vhost; a negative one is none."""
    if not call.node.has_vhost(call.vhost):
        raise missing("vhost_not_found")
    body = call.body()
    require_keys(body, "value")
    limit = call.names["limit"]
    value = body["value"]
    try:
        await call.node.command("set_vhost_limit", vhost=call.vhost, limit=limit, value=value)
    except PreconditionFailedError as error:
        raise bad_request(f"Validation failed\n\n{error}\n") from error
    return empty()


async def clear_vhost_limit(call: Call) -> Response:
    """Lift a limit of a vhost, whether it stands or not."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    await call.node.command("clear_vhost_limit", vhost=call.vhost, limit=call.names["limit"])
    return empty()


ROUTES: Final = (
    Route(
        method="GET",
        path="vhosts",
        right=Right.USER,
        handler=vhosts,
        summary="The vhosts that the user sees.",
        answer="vhost",
        is_list=True,
    ),
    Route(
        method="GET",
        path="vhosts/{vhost}",
        right=Right.ADMINISTRATOR,
        handler=vhost,
        summary="A vhost.",
        answer="vhost",
    ),
    Route(
        method="PUT",
        path="vhosts/{vhost}",
        right=Right.ADMINISTRATOR,
        handler=put_vhost,
        summary="Create or describe a vhost.",
        body="vhost",
    ),
    Route(
        method="DELETE",
        path="vhosts/{vhost}",
        right=Right.ADMINISTRATOR,
        handler=delete_vhost,
        summary="Delete a vhost with everything in it.",
    ),
    Route(
        method="POST",
        path="vhosts/{vhost}/deletion/protection",
        right=Right.ADMINISTRATOR,
        handler=protect_vhost,
        summary="Have the deletion of a vhost refused (412).",
    ),
    Route(
        method="DELETE",
        path="vhosts/{vhost}/deletion/protection",
        right=Right.ADMINISTRATOR,
        handler=unprotect_vhost,
        summary="Let a vhost be deleted again.",
    ),
    Route(
        method="POST",
        path="vhosts/{vhost}/start/{node}",
        right=Right.ADMINISTRATOR,
        handler=start_vhost,
        summary="Start a vhost on a node; it runs already.",
    ),
    Route(
        method="GET",
        path="vhost-limits",
        right=Right.USER,
        handler=vhost_limits,
        summary="The limits of the vhosts that the user sees.",
        answer="limits",
        is_list=True,
    ),
    Route(
        method="GET",
        path="vhost-limits/{vhost}",
        right=Right.VISIBLE_VHOST,
        handler=limits_of_vhost,
        summary="The limits of a vhost.",
        answer="limits",
        is_list=True,
    ),
    Route(
        method="PUT",
        path="vhost-limits/{vhost}/{limit}",
        right=Right.ADMINISTRATOR,
        handler=set_vhost_limit,
        summary="Set max-connections or max-queues of a vhost.",
        body="limit",
        needs_json_type=True,
    ),
    Route(
        method="DELETE",
        path="vhost-limits/{vhost}/{limit}",
        right=Right.ADMINISTRATOR,
        handler=clear_vhost_limit,
        summary="Lift a limit of a vhost.",
    ),
)
