"""Every route of the HTTP API, one row each, by family."""

from typing import Final

from management.routes import (
    attention,
    bindings,
    cluster,
    connections,
    definitions,
    exchanges,
    explain,
    health,
    login_attempts,
    logs,
    messages,
    nodes,
    openapi,
    overview,
    parameters,
    permissions,
    policies,
    queues,
    routing,
    streams,
    topology,
    users,
    vhosts,
    whoami,
)
from management.routing.route import Route

ROUTES: Final[tuple[Route, ...]] = (
    *attention.ROUTES,
    *bindings.ROUTES,
    *cluster.ROUTES,
    *connections.ROUTES,
    *definitions.ROUTES,
    *exchanges.ROUTES,
    *explain.ROUTES,
    *health.ROUTES,
    *login_attempts.ROUTES,
    *logs.ROUTES,
    *messages.ROUTES,
    *nodes.ROUTES,
    *openapi.ROUTES,
    *overview.ROUTES,
    *parameters.ROUTES,
    *permissions.ROUTES,
    *policies.ROUTES,
    *queues.ROUTES,
    *routing.ROUTES,
    *streams.ROUTES,
    *topology.ROUTES,
    *users.ROUTES,
    *vhosts.ROUTES,
    *whoami.ROUTES,
)
"""All rows; the order does not matter."""
