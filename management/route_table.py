"""Every route of the HTTP API, one row each, by family."""

from typing import Final

from management.routes import health, nodes, openapi, overview, permissions, users, vhosts, whoami
from management.routing.route import Route

ROUTES: Final[tuple[Route, ...]] = (
    *health.ROUTES,
    *nodes.ROUTES,
    *openapi.ROUTES,
    *overview.ROUTES,
    *permissions.ROUTES,
    *users.ROUTES,
    *vhosts.ROUTES,
    *whoami.ROUTES,
)
"""All rows; the order does not matter."""
