"""The node and its cluster as a whole: ``overview``, ``cluster-name``, ``version`` and the like."""

from typing import Final

from amqp_server.broker.admin import GlobalParameterDefinition
from management.call import Call
from management.http.body import require_keys
from management.http.errors import bad_request
from management.http.response import Response, answer, empty
from management.routing.route import Right, Route


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
