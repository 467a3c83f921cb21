"""The node and its cluster as a whole: ``overview``, ``cluster-name``, ``version`` and the like."""

from typing import Any, Final

from amqp_server.broker.admin import GlobalParameterDefinition
from management.across import added, answers_of_others
from management.bodies.node import contexts_body, exchange_types, listeners_body
from management.call import Call
from management.http.body import require_keys
from management.http.errors import bad_request
from management.http.response import Response, answer, empty
from management.lists.ranges import ranges_of
from management.routes.overview_numbers import churn, message_numbers, object_totals
from management.routing.route import Right, Route

_ADDED: Final = frozenset({"message_stats", "queue_totals", "churn_rates", "object_totals"})
"""What each node counts of its own."""


async def overview(call: Call) -> Response:
    """Return the node and its cluster as a whole."""
    query, services = call.request.query, call.services
    ranges = ranges_of(query)
    identity, view = services.identity, call.node.views.node()
    body: dict[str, Any] = {
        "management_version": identity.rabbitmq_version,
        "rates_mode": services.rates_mode,
        "sample_retention_policies": {
            "global": [600, 3600, 28800, 86400],
            "basic": [600, 3600],
            "detailed": [600],
        },
        "exchange_types": exchange_types(),
        "product_version": identity.version,
        "product_name": identity.product,
        "rabbitmq_version": identity.rabbitmq_version,
        "cluster_name": services.cluster_name(),
        "cluster_tags": {},
        "node_tags": {},
        "erlang_version": identity.runtime,
        "erlang_full_version": identity.runtime_text,
        "crypto_lib_version": identity.crypto,
        "release_series_support_status": "supported",
        "disable_stats": False,
        "enable_queue_totals": False,
        "default_queue_type": "classic",
        "is_op_policy_updating_enabled": True,
        "require_definition_json_extension": False,
        "statistics_db_event_queue": 0,
    }
    if not query.is_true("disable_stats"):
        body |= message_numbers(call, ranges)
        body["churn_rates"] = churn(call, ranges)
    totals = await object_totals(call)
    body["object_totals"] = totals
    others = await answers_of_others(call)
    for name in _ADDED.intersection(body):
        body[name] = added(body[name], [each.get(name) for each in others])
    # All nodes have the same, but for exclusive queues.
    body["object_totals"] |= {name: totals[name] for name in ("queues", "exchanges")}
    if call.account.is_monitor:
        body |= {
            "node": identity.node,
            "listeners": listeners_body(view, identity.node),
            "contexts": contexts_body(view, identity.node),
        }
        for name in ("listeners", "contexts"):
            body[name] += [row for each in others for row in each.get(name, ())]
    return call.answer(body)


async def version(call: Call) -> Response:
    """Return the version of RabbitMQ whose API this is."""
    return answer(call.services.identity.rabbitmq_version)


async def extensions(_call: Call) -> Response:
    """Return the parts of the web UI, as RabbitMQ's pages ask for them."""
    return answer([{"javascript": "dispatcher.js"}])


async def cluster_name(call: Call) -> Response:
    """Return the name of the cluster."""
    return answer({"name": call.services.cluster_name()})


async def set_cluster_name(call: Call) -> Response:
    """Give the cluster a name: a global parameter, as in RabbitMQ."""
    body = call.body()
    require_keys(body, "name")
    name = body["name"]
    if not isinstance(name, str):
        raise bad_request("name: expected a text")
    parameter = GlobalParameterDefinition("cluster_name", name)
    await call.node.command("set_parameter", parameter=parameter)
    return empty()


ROUTES: Final = (
    Route(
        method="GET",
        path="overview",
        right=Right.USER,
        handler=overview,
        summary="The node and its cluster as a whole.",
        answer="overview",
    ),
    Route(
        method="GET",
        path="cluster-name",
        right=Right.USER,
        handler=cluster_name,
        summary="The name of the cluster.",
        answer="cluster_name",
    ),
    Route(
        method="PUT",
        path="cluster-name",
        right=Right.ADMINISTRATOR,
        handler=set_cluster_name,
        summary="Give the cluster another name.",
        body="cluster_name",
    ),
    Route(
        method="GET",
        path="version",
        right=Right.NOBODY,
        handler=version,
        summary="The version of RabbitMQ whose API this is.",
        answer="text",
    ),
    Route(
        method="GET",
        path="extensions",
        right=Right.USER,
        handler=extensions,
        summary="Parts of the web UI.",
        answer="extension",
        is_list=True,
    ),
)
